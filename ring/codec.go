package ring

import (
	"encoding/binary"
	"math"
	"slices"
	"unsafe"

	"gazetteer"
)

// The encodings of updates. A record is what is held of one resource: its id is not in
// it, its elements are sorted by location. A batch is any updates in any order, each
// with its id. Both begin
//
//	format (1 byte) | number of origins | origins (16 bytes each, sorted) | number of elements
//
// and go on with the elements:
//
//	flags (1 byte) | id, in a batch unless it is the one before | location
//	position: number of its origin, sequence number as difference to the one before
//	stamp: epoch, if not 0 | clock: difference to the one before (4 bytes), or whole
//	       (8 bytes) if that is too far | number of its origin, if not the position's
//	context, if any: number of entries, each a number of an origin and a sequence number
//	body, unless the element is a tombstone
//
// Integers without a width are unsigned LEB128 varints, differences of sequence numbers
// zigzag ones; ids, locations and bodies have their length before them. Fixed widths are
// big-endian, so that origins sort as bytes. An element costs about 9 bytes besides its
// location, its context and its body.
const (
	formatRecord byte = 1
	formatBatch  byte = 2
	formatVector byte = 3
	formatCursor byte = 4
	formatToken  byte = 5
)

const (
	flagTombstone byte = 1 << iota
	flagContext        // a context follows
	flagEpoch          // the stamp's epoch is not 0
	flagOrigin         // the stamp's origin is not the position's
	flagFar            // the clock is written whole
	flagSameID         // the id is that of the element before

	flagsKnown = 1<<iota - 1
)

const (
	originBytes = 16
	// minElement is what the smallest element takes. It bounds what a decoder
	// allocates for a number of elements that it was told: about 18 times its input.
	minElement = 8
)

// AppendRecord appends the encoding of what is held of one resource, tombstones
// included, sorted by location; their ids are not written. It appends nothing for no
// updates.
func AppendRecord(dst []byte, us []gazetteer.Update) []byte {
	if len(us) == 0 {
		return dst
	}
	var few [4]gazetteer.Origin
	e := encoder{dst: append(dst, formatRecord), origins: originsOf(few[:0], us)}
	e.head(len(us))
	for i := range us {
		e.element(&us[i], 0)
	}
	return e.dst
}

// AppendUpdates appends the encoding of a batch of updates.
func AppendUpdates(dst []byte, us []gazetteer.Update) []byte {
	var few [4]gazetteer.Origin
	e := encoder{dst: append(dst, formatBatch), origins: originsOf(few[:0], us)}
	e.head(len(us))
	var before gazetteer.ID
	for i := range us {
		flags := byte(0)
		if i > 0 && us[i].Element.ID == before {
			flags = flagSameID
		}
		e.batchElement(&us[i], flags)
		before = us[i].Element.ID
	}
	return e.dst
}

// DecodeRecord returns the updates that b encodes, without their ids. Locations and
// bodies are b's memory: b must not change as long as they are used. It fails with kind
// Invalid on anything that [AppendRecord] does not write, and allocates at most about 18
// times the length of b. No bytes are no updates.
func DecodeRecord(b []byte) ([]gazetteer.Update, error) {
	v := View(b)
	if v.left == 0 {
		return nil, v.Err()
	}
	us := make([]gazetteer.Update, 0, v.left)
	for v.Next() {
		us = append(us, v.update())
	}
	if err := v.Err(); err != nil {
		return nil, err
	}
	return us, nil
}

// DecodeUpdates returns the batch of updates that b encodes. Ids, locations and bodies
// are b's memory: b must not change as long as they are used. It fails with kind Invalid
// on anything that [AppendUpdates] does not write, and allocates at most about 18 times
// the length of b.
func DecodeUpdates(b []byte) ([]gazetteer.Update, error) {
	v := RecordView{d: decoder{b: b, op: "ring.DecodeUpdates"}, batch: true}
	v.left = v.d.head(formatBatch)
	us := make([]gazetteer.Update, 0, v.left)
	for v.Next() {
		u := v.update()
		u.Element.ID = gazetteer.ID(alias(v.id))
		us = append(us, u)
	}
	if err := v.Err(); err != nil {
		return nil, err
	}
	return us, nil
}

// AppendVector appends the encoding of a vector: its entries grouped by store, so that
// an entry takes about 10 bytes besides 9 for each store.
func AppendVector(dst []byte, v gazetteer.Vector) []byte {
	dst = append(dst, formatVector)
	for len(v) > 0 {
		n := 1
		for n < len(v) && v[n].Origin.Store == v[0].Origin.Store {
			n++
		}
		dst = binary.BigEndian.AppendUint64(dst, uint64(v[0].Origin.Store))
		dst = binary.AppendUvarint(dst, uint64(n))
		for _, p := range v[:n] {
			dst = binary.BigEndian.AppendUint64(dst, p.Origin.Incarnation)
			dst = binary.AppendUvarint(dst, p.Seq)
		}
		v = v[n:]
	}
	return dst
}

// DecodeVector returns the vector that b encodes. It fails with kind Invalid on anything
// that [AppendVector] does not write for a sorted vector.
func DecodeVector(b []byte) (gazetteer.Vector, error) {
	d := decoder{b: b, op: "ring.DecodeVector"}
	d.format(formatVector)
	var v gazetteer.Vector
	for len(d.b) > 0 && d.err == nil {
		store := gazetteer.StoreID(d.uint64())
		n := d.count(9)
		if n == 0 {
			d.fail("a store without entries")
		}
		v = slices.Grow(v, int(n))
		for ; n > 0 && d.err == nil; n-- {
			p := gazetteer.Position{Origin: gazetteer.Origin{Store: store, Incarnation: d.uint64()}, Seq: d.uvarint()}
			if p.Seq == 0 || (len(v) > 0 && v[len(v)-1].Origin.Compare(p.Origin) >= 0) {
				d.fail("entries are not sorted, or one has sequence 0")
			}
			v = append(v, p)
		}
	}
	if d.err != nil {
		return nil, d.err
	}
	return v, nil
}

// originsOf appends every origin that the updates name, sorted, each once.
func originsOf(dst []gazetteer.Origin, us []gazetteer.Update) []gazetteer.Origin {
	for i := range us {
		dst = addOrigin(dst, us[i].Position.Origin)
		dst = addOrigin(dst, us[i].Stamp.Origin)
		for _, p := range us[i].Context {
			dst = addOrigin(dst, p.Origin)
		}
	}
	return dst
}

func addOrigin(dst []gazetteer.Origin, o gazetteer.Origin) []gazetteer.Origin {
	i, ok := slices.BinarySearchFunc(dst, o, gazetteer.Origin.Compare)
	if ok {
		return dst
	}
	return slices.Insert(dst, i, o)
}

// encoder appends elements; it keeps what the next one is written as a difference to.
type encoder struct {
	dst     []byte
	origins []gazetteer.Origin // sorted
	seq     uint64
	clock   gazetteer.Clock
}

func (e *encoder) uvarint(n uint64) { e.dst = binary.AppendUvarint(e.dst, n) }

func (e *encoder) head(elements int) {
	e.uvarint(uint64(len(e.origins)))
	for _, o := range e.origins {
		e.dst = appendOrigin(e.dst, o)
	}
	e.uvarint(uint64(elements))
}

func (e *encoder) origin(o gazetteer.Origin) {
	i, _ := slices.BinarySearchFunc(e.origins, o, gazetteer.Origin.Compare)
	e.uvarint(uint64(i))
}

func (e *encoder) batchElement(u *gazetteer.Update, flags byte) {
	flags |= e.flagsOf(u)
	e.dst = append(e.dst, flags)
	if flags&flagSameID == 0 {
		e.uvarint(uint64(len(u.Element.ID)))
		e.dst = append(e.dst, u.Element.ID...)
	}
	e.rest(u, flags)
}

func (e *encoder) element(u *gazetteer.Update, flags byte) {
	flags |= e.flagsOf(u)
	e.dst = append(e.dst, flags)
	e.rest(u, flags)
}

// rest writes what follows the flags and the id.
func (e *encoder) rest(u *gazetteer.Update, flags byte) {
	e.uvarint(uint64(len(u.Element.Location)))
	e.dst = append(e.dst, u.Element.Location...)
	e.origin(u.Position.Origin)
	e.dst = binary.AppendVarint(e.dst, int64(u.Position.Seq-e.seq))
	e.seq = u.Position.Seq
	e.stamp(&u.Stamp, flags)
	if flags&flagContext != 0 {
		e.context(u.Context)
	}
	if !u.Tombstone {
		e.uvarint(uint64(len(u.Body)))
		e.dst = append(e.dst, u.Body...)
	}
}

func (e *encoder) stamp(s *gazetteer.Stamp, flags byte) {
	if flags&flagEpoch != 0 {
		e.uvarint(uint64(s.Epoch))
	}
	if flags&flagFar != 0 {
		e.dst = binary.BigEndian.AppendUint64(e.dst, uint64(s.Clock))
	} else {
		e.dst = binary.BigEndian.AppendUint32(e.dst, uint32(s.Clock-e.clock))
	}
	e.clock = s.Clock
	if flags&flagOrigin != 0 {
		e.origin(s.Origin)
	}
}

func (e *encoder) context(v gazetteer.Vector) {
	e.uvarint(uint64(len(v)))
	for _, p := range v {
		e.origin(p.Origin)
		e.uvarint(p.Seq)
	}
}

func (e *encoder) flagsOf(u *gazetteer.Update) byte {
	flags := byte(0)
	if u.Tombstone {
		flags |= flagTombstone
	}
	if len(u.Context) > 0 {
		flags |= flagContext
	}
	if u.Stamp.Epoch != 0 {
		flags |= flagEpoch
	}
	if u.Stamp.Origin != u.Position.Origin {
		flags |= flagOrigin
	}
	if far(u.Stamp.Clock, e.clock) {
		flags |= flagFar
	}
	return flags
}

// far reports whether the difference of two clocks does not fit into 32 bits.
func far(c, before gazetteer.Clock) bool {
	d := int64(c - before)
	return d < math.MinInt32 || d > math.MaxInt32
}

func appendOrigin(dst []byte, o gazetteer.Origin) []byte {
	dst = binary.BigEndian.AppendUint64(dst, uint64(o.Store))
	return binary.BigEndian.AppendUint64(dst, o.Incarnation)
}

// alias returns b as a string that shares its memory: see [DecodeRecord].
func alias(b []byte) string { return unsafe.String(unsafe.SliceData(b), len(b)) }
