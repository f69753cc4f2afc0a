package mastery

import (
	"bytes"
	"cmp"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"slices"

	"gazetteer"
)

// MaxCommandBytes bounds an encoded command: the longest names, all escaped.
const MaxCommandBytes = 8 << 10

// Command is one line of the log: exactly one of the fields.
type Command struct {
	Decide  *Decide  `json:"decide,omitempty"`
	Hand    *Hand    `json:"hand,omitempty"`
	Take    *Take    `json:"take,omitempty"`
	Promise *Promise `json:"promise,omitempty"`
}

// Encode returns the bytes that [DecodeCommand] reads.
func (c Command) Encode() ([]byte, error) {
	data, err := json.Marshal(c)
	if err == nil && len(data) > MaxCommandBytes {
		return nil, codecError("a command has %d bytes, at most %d are allowed", len(data), MaxCommandBytes)
	}
	return data, err
}

// DecodeCommand reads a command, and nothing that [Command.Encode] does not write.
func DecodeCommand(data []byte) (Command, error) {
	var c Command
	if len(data) > MaxCommandBytes {
		return c, codecError("a command has %d bytes, at most %d are allowed", len(data), MaxCommandBytes)
	}
	if err := decode(data, &c); err != nil {
		return Command{}, err
	}
	return c, c.check()
}

func (c *Command) check() error {
	var keys []gazetteer.Key
	var regions []gazetteer.RegionID
	if d := c.Decide; d != nil {
		keys = append(keys, d.Key)
	}
	if h := c.Hand; h != nil {
		keys, regions = append(keys, h.Key), append(regions, h.To)
	}
	if t := c.Take; t != nil {
		keys = append(keys, t.Key)
	}
	if p := c.Promise; p != nil {
		keys, regions = append(keys, p.Key), append(regions, p.To)
	}
	if len(keys) != 1 {
		return codecError("%d commands in one, want 1", len(keys))
	}
	for _, r := range regions {
		if err := r.Validate(); err != nil {
			return err
		}
	}
	return checkKey(keys[0])
}

func checkKey(k gazetteer.Key) error {
	if err := k.Type.Validate(); err != nil {
		return err
	}
	return k.ID.Validate()
}

// Perform performs a command, whole or not at all. The entry is what is agreed on of the
// record after it.
func (l *Ledger) Perform(c Command) (Entry, error) {
	if err := c.check(); err != nil {
		return Entry{}, err
	}
	switch {
	case c.Decide != nil:
		return l.Decide(*c.Decide)
	case c.Hand != nil:
		return l.Hand(*c.Hand)
	case c.Take != nil:
		return l.Take(*c.Take)
	}
	err := l.Promise(*c.Promise)
	return l.entries[c.Promise.Key], err
}

// written is a ledger as bytes.
type written struct {
	Entries  []line    `json:"entries"`
	Promises []Promise `json:"promises"`
}

type line struct {
	Key   gazetteer.Key
	Entry Entry
}

// Encode returns the ledger as bytes, the same for equal ledgers.
func (l *Ledger) Encode() ([]byte, error) {
	w := written{Entries: []line{}, Promises: []Promise{}}
	for _, k := range slices.SortedFunc(maps.Keys(l.entries), compareKeys) {
		w.Entries = append(w.Entries, line{k, l.entries[k]})
	}
	for _, k := range slices.SortedFunc(maps.Keys(l.promises), compareKeys) {
		w.Promises = append(w.Promises, l.promises[k])
	}
	return json.Marshal(w)
}

// DecodeLedger reads what [Ledger.Encode] has written of a region's ledger, and nothing
// else.
func DecodeLedger(self gazetteer.RegionID, data []byte) (*Ledger, error) {
	var w written
	if err := decode(data, &w); err != nil {
		return nil, err
	}
	l := NewLedger(self)
	for _, e := range w.Entries {
		if err := checkKey(e.Key); err != nil {
			return nil, err
		}
		l.entries[e.Key] = e.Entry
	}
	for _, p := range w.Promises {
		if err := checkKey(p.Key); err != nil {
			return nil, err
		}
		l.promises[p.Key] = p
	}
	if again, err := l.Encode(); err != nil || !bytes.Equal(again, data) {
		return nil, codecError("a ledger is not written as it should be")
	}
	return l, nil
}

// Clone returns a copy that goes its own way.
func (l *Ledger) Clone() *Ledger {
	return &Ledger{self: l.self, entries: maps.Clone(l.entries), promises: maps.Clone(l.promises)}
}

func compareKeys(a, b gazetteer.Key) int {
	return cmp.Or(cmp.Compare(a.Type, b.Type), cmp.Compare(a.ID, b.ID))
}

func decode(data []byte, into any) error {
	d := json.NewDecoder(bytes.NewReader(data))
	d.DisallowUnknownFields()
	if err := d.Decode(into); err != nil {
		return codecError("%v", err)
	}
	if _, err := d.Token(); err != io.EOF {
		return codecError("something follows the value")
	}
	return nil
}

func codecError(format string, args ...any) error {
	return &gazetteer.Error{Op: "mastery.Decode", Kind: gazetteer.Invalid, Detail: fmt.Sprintf(format, args...)}
}
