package ring

import (
	"encoding/binary"
	"strings"

	"gazetteer"
)

// Scope is what a vector is true within: a partition, or what a filter lets through of
// it. A vector that names a position says of the updates within the scope alone that
// they, or winners over them, are held.
type Scope struct {
	Partition gazetteer.Partition
	Filter    Filter
}

// Filter lets some elements of a partition through. The zero Filter lets all through.
// It looks at nothing but the element's name, so that a value and the winner over it are
// always on the same side.
type Filter struct {
	Prefix gazetteer.ID // of the ids that pass
}

// Passes reports whether an element is let through.
func (f Filter) Passes(e gazetteer.Element) bool {
	return strings.HasPrefix(string(e.ID), string(f.Prefix))
}

// passed returns the updates that are let through. It may be us itself, never changed.
func (f Filter) passed(us []gazetteer.Update) []gazetteer.Update {
	if f == (Filter{}) {
		return us
	}
	var out []gazetteer.Update
	for i := range us {
		if f.Passes(us[i].Element) {
			out = append(out, us[i])
		}
	}
	return out
}

// Inside reports whether everything that s holds is held by t, too. A vector that is
// true within t is then true within s; the other way round it is not.
func (s Scope) Inside(t Scope) bool {
	return s.Partition == t.Partition && strings.HasPrefix(string(s.Filter.Prefix), string(t.Filter.Prefix))
}

// Terms of a filter as they are hashed. One that a filter does not have adds nothing, so
// that a later version's terms leave the hashes of today's scopes as they are.
const termPrefix byte = 1

// Hash names a scope in tokens and cursors. It is part of them: equal scopes have equal
// hashes in every version.
func (s Scope) Hash() uint64 {
	b := make([]byte, 0, 2*gazetteer.MaxIDBytes)
	b = append(b, byte(len(s.Partition.Type)))
	b = append(b, s.Partition.Type...)
	b = binary.BigEndian.AppendUint32(b, s.Partition.Index)
	if p := s.Filter.Prefix; p != "" {
		b = binary.AppendUvarint(append(b, termPrefix), uint64(len(p)))
		b = append(b, p...)
	}
	return gazetteer.HashBytes(b)
}

// AppendCursor appends the encoding of how far a watch has come: its scope's hash and
// its vector. The watch goes on from there at any replica of any region.
func AppendCursor(dst []byte, s Scope, v gazetteer.Vector) []byte {
	dst = binary.BigEndian.AppendUint64(append(dst, formatCursor), s.Hash())
	return AppendVector(dst, v)
}

// DecodeCursor returns the vector of a cursor. It fails with kind Invalid on anything
// that [AppendCursor] does not write, and on the cursor of another scope: of what lies
// outside that, its vector says nothing.
func DecodeCursor(b []byte, s Scope) (gazetteer.Vector, error) {
	d := decoder{b: b, op: "ring.DecodeCursor"}
	d.format(formatCursor)
	if hash := d.uint64(); d.err == nil && hash != s.Hash() {
		d.fail("the cursor is of another partition or filter; begin without one")
	}
	if d.err != nil {
		return nil, d.err
	}
	v, err := DecodeVector(d.b)
	if err == nil && string(AppendVector(nil, v)) != string(d.b) {
		d.fail("the cursor's vector is not in its shortest form")
		return nil, d.err
	}
	return v, err
}
