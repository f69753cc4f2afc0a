package ring

import (
	"cmp"
	"encoding/binary"
	"slices"

	"gazetteer"
)

// TokenEntries bounds the positions of a [Token].
const TokenEntries = 64

// Token is what a session has been shown, or has written: a read that carries it may not
// show less. It holds positions of elements, not vectors of replicas: a replica serves an
// element from the moment it has it, also above its vector, and a vector that does not
// name it would let the session go back behind it.
//
// It has at most [TokenEntries] entries, the newest ones. For the others stands one clock:
// the session goes on where everything up to there is held. The zero Token asks for
// nothing. A Token is a value: its methods return the new one and leave the old as it is.
type Token struct {
	entries []shown         // sorted by scope and origin, each once
	upTo    gazetteer.Clock // everything stamped up to here is asked for
}

// shown is the highest position of one origin within one scope that a session has seen,
// and the highest clock of what it has seen of that origin there.
type shown struct {
	scope    uint64
	position gazetteer.Position
	clock    gazetteer.Clock
}

func (s shown) compare(t shown) int {
	return cmp.Or(cmp.Compare(s.scope, t.scope), s.position.Origin.Compare(t.position.Origin))
}

// Merge returns what both sessions have been shown.
func (t Token) Merge(o Token) Token {
	t.entries = slices.Clone(t.entries)
	for _, s := range o.entries {
		t.add(s)
	}
	t.upTo = max(t.upTo, o.upTo)
	return t.bounded(TokenEntries)
}

// None reports whether the token asks for nothing.
func (t Token) None() bool { return t.upTo == 0 && len(t.entries) == 0 }

// Equal reports whether both ask for the same.
func (t Token) Equal(o Token) bool { return t.upTo == o.upTo && slices.Equal(t.entries, o.entries) }

// add changes t's own memory.
func (t *Token) add(s shown) {
	i, ok := slices.BinarySearchFunc(t.entries, s, shown.compare)
	if !ok {
		t.entries = slices.Insert(t.entries, i, s)
		return
	}
	e := &t.entries[i]
	e.position.Seq, e.clock = max(e.position.Seq, s.position.Seq), max(e.clock, s.clock)
}

// bounded puts the one clock in place of all entries but the newest ones. Of entries
// with equal clocks either all or none stay. It changes t's own memory.
func (t Token) bounded(most int) Token {
	if len(t.entries) <= most {
		return t
	}
	clocks := make([]gazetteer.Clock, len(t.entries))
	for i, s := range t.entries {
		clocks[i] = s.clock
	}
	slices.Sort(clocks)
	return t.folded(clocks[len(clocks)-most-1])
}

// folded puts the one clock in place of the entries up to it.
func (t Token) folded(c gazetteer.Clock) Token {
	t.upTo = max(t.upTo, c)
	t.entries = slices.DeleteFunc(t.entries, func(s shown) bool { return s.clock <= c })
	return t
}

// Holding is what a replica holds of one partition at a moment, as far as sessions ask. It
// shares no memory with the replica: a driver publishes it to its readers, and a reader
// takes it before he reads the store.
type Holding struct {
	Partition gazetteer.Partition
	Vector    gazetteer.Vector
	// Complete says that everything with a clock below it is held, whoever wrote it; 0
	// if that is not known.
	Complete gazetteer.Clock
}

// Holding returns what this replica holds of a partition once the last Ready has been
// performed; false if it does not host the partition.
func (r *Replica) Holding(p gazetteer.Partition) (Holding, bool) {
	m := r.mirrors[p]
	if m == nil {
		return Holding{}, false
	}
	return Holding{Partition: p, Vector: m.vector.Clone(), Complete: r.completeOf(m)}, true
}

// Holdings is [Replica.Holding] of many partitions for not much more than of one: what
// all mirrors together are complete up to is reckoned once. What is not hosted is left out.
func (r *Replica) Holdings(ps []gazetteer.Partition) []Holding {
	complete := min(r.stable, r.complete())
	out := make([]Holding, 0, len(ps))
	for _, p := range ps {
		m := r.mirrors[p]
		if m == nil {
			continue
		}
		h := Holding{Partition: p, Vector: m.vector.Clone()}
		if r.knowsCompleteOf(m) {
			h.Complete = complete
		}
		out = append(out, h)
	}
	return out
}

// completeOf is the stable stamp, where the replicas also agree on the ended origins:
// this replica's own completeness says nothing of those.
func (r *Replica) completeOf(m *mirror) gazetteer.Clock {
	if !r.knowsCompleteOf(m) {
		return 0
	}
	return min(r.stable, r.complete())
}

func (r *Replica) knowsCompleteOf(m *mirror) bool {
	return r.stable != 0 && m.filled && m.whole == nil && r.agreed(m.partition)
}

// Covers reports whether a read at h's replica shows a session no less than it has been
// shown. Of other partitions the token asks nothing here.
func (h Holding) Covers(t Token) bool { return h.Lacks(t).None() }

// Shown returns a session's token after a read or a write that returned these updates:
// what is held of a resource, tombstones included, since a session that was told "gone"
// may not be shown the value before.
func (h Holding) Shown(t Token, us []gazetteer.Update) Token {
	t.entries = slices.Clone(t.entries)
	scope := h.scope()
	for i := range us {
		t.add(shown{scope, us[i].Position, us[i].Stamp.Clock})
	}
	return t.bounded(TokenEntries)
}

// ShownRecord is [Holding.Shown] of an encoded record, see [AppendRecord].
func (h Holding) ShownRecord(t Token, v RecordView) Token {
	t.entries = slices.Clone(t.entries)
	scope := h.scope()
	for v.Next() {
		t.add(shown{scope, v.Position, v.Stamp.Clock})
	}
	return t.bounded(TokenEntries)
}

// ShownRecords is [Holding.ShownRecord] of many encoded records of h's partition.
func (h Holding) ShownRecords(t Token, records [][]byte) Token {
	if len(records) == 0 {
		return t
	}
	t.entries = slices.Clone(t.entries)
	scope := h.scope()
	for _, r := range records {
		for v := View(r); v.Next(); {
			t.add(shown{scope, v.Position, v.Stamp.Clock})
		}
	}
	return t.bounded(TokenEntries)
}

// shown is the token of a write: what the resource holds after it.
func (g *resource) shown() (t Token) {
	scope := Scope{Partition: g.key.partition}.Hash()
	for i := range g.elements {
		if e := &g.elements[i]; e.exists {
			t.add(shown{scope, e.now.Position, e.now.Stamp.Clock})
		}
	}
	return t.bounded(TokenEntries)
}

func (h Holding) scope() uint64 { return Scope{Partition: h.Partition}.Hash() }

// Lack is what a replica does not have, or is not known to have, of what a session has
// been shown: the answer to "how far behind".
type Lack struct {
	Positions gazetteer.Vector // shown and not covered
	Updates   uint64           // how many sequence numbers lie between
	UpTo      gazetteer.Clock  // asked for, and not known to be held; 0 for nothing
	Complete  gazetteer.Clock  // with UpTo: up to below here it is known
}

// None reports whether nothing lacks.
func (l Lack) None() bool { return len(l.Positions) == 0 && l.UpTo == 0 }

// Lacks returns what h's replica does not cover of a token.
func (h Holding) Lacks(t Token) Lack {
	var l Lack
	scope := h.scope()
	for _, s := range t.entries {
		if held := h.Vector.At(s.position.Origin); s.scope == scope && held < s.position.Seq {
			l.Positions = append(l.Positions, s.position)
			l.Updates += s.position.Seq - held
		}
	}
	if t.upTo > 0 && t.upTo >= h.Complete {
		l.UpTo, l.Complete = t.upTo, h.Complete
	}
	return l
}

// Settled returns the token that asks for the same, with the one clock in place of
// entries of h's partition that every replica of the plan is known to hold. A session
// that goes on for long has a short token then.
func (h Holding) Settled(t Token) Token {
	scope := h.scope()
	var kept []shown
	for _, s := range t.entries {
		if s.scope == scope && s.clock < h.Complete {
			t.upTo = max(t.upTo, s.clock)
		} else {
			kept = append(kept, s)
		}
	}
	t.entries = kept
	return t
}

// A token is encoded as
//
//	format (1 byte) | clock (8 bytes) | number of scopes
//	for each scope: its hash (8 bytes) | number of entries
//	for each entry: origin (16 bytes) | sequence number | clock (8 bytes)
//
// with numbers as in [AppendRecord]. That is 34 to 43 bytes for an entry with its scope.
const minTokenEntry = originBytes + 1 + 8

// AppendToken appends the encoding of a token. Equal tokens have equal encodings.
func AppendToken(dst []byte, t Token) []byte {
	dst = binary.BigEndian.AppendUint64(append(dst, formatToken), uint64(t.upTo))
	scopes := uint64(0)
	for i := range t.entries {
		if i == 0 || t.entries[i].scope != t.entries[i-1].scope {
			scopes++
		}
	}
	dst = binary.AppendUvarint(dst, scopes)
	for left := t.entries; len(left) > 0; {
		n := 1
		for n < len(left) && left[n].scope == left[0].scope {
			n++
		}
		dst = appendShown(dst, left[:n])
		left = left[n:]
	}
	return dst
}

// appendShown appends the entries of one scope.
func appendShown(dst []byte, entries []shown) []byte {
	dst = binary.BigEndian.AppendUint64(dst, entries[0].scope)
	dst = binary.AppendUvarint(dst, uint64(len(entries)))
	for _, s := range entries {
		dst = appendOrigin(dst, s.position.Origin)
		dst = binary.AppendUvarint(dst, s.position.Seq)
		dst = binary.BigEndian.AppendUint64(dst, uint64(s.clock))
	}
	return dst
}

// DecodeToken returns the token that b encodes. It fails with kind Invalid on anything
// that [AppendToken] does not write, and allocates for at most [TokenEntries] entries.
func DecodeToken(b []byte) (Token, error) {
	d := decoder{b: b, op: "ring.DecodeToken"}
	d.format(formatToken)
	t := Token{upTo: gazetteer.Clock(d.uint64())}
	for n := d.count(8 + 1 + minTokenEntry); n > 0 && d.err == nil; n-- {
		d.shown(&t)
	}
	if d.err == nil && string(AppendToken(nil, t)) != string(b) {
		d.fail("the token is not in its one form")
	}
	if d.err != nil {
		return Token{}, d.err
	}
	return t, nil
}

// shown takes the entries of one scope.
func (d *decoder) shown(t *Token) {
	s := shown{scope: d.uint64()}
	for n := d.count(minTokenEntry); n > 0 && d.err == nil; n-- {
		s.position.Origin.Store = gazetteer.StoreID(d.uint64())
		s.position.Origin.Incarnation = d.uint64()
		s.position.Seq, s.clock = d.uvarint(), gazetteer.Clock(d.uint64())
		last := len(t.entries) - 1
		switch {
		case s.position.Seq == 0, last >= 0 && t.entries[last].compare(s) >= 0:
			d.fail("entries are not sorted, or one has sequence 0")
		case last+1 == TokenEntries:
			d.fail("more than 64 entries")
		}
		t.entries = append(t.entries, s)
		d.at++
	}
}
