package gazetteer

import "slices"

// Vector says, for one partition, up to which sequence number each origin is held.
// It is sorted by origin and has no entry with sequence 0. The zero Vector covers
// nothing. Methods that change a vector return the new one, as append does.
type Vector []Position

// At returns the highest sequence number held of o, 0 for none.
func (v Vector) At(o Origin) uint64 {
	if i, ok := v.find(o); ok {
		return v[i].Seq
	}
	return 0
}

// Covers reports whether p is at or below v.
func (v Vector) Covers(p Position) bool { return p.Seq <= v.At(p.Origin) }

// CoversAll reports whether v is at or above w on every origin.
func (v Vector) CoversAll(w Vector) bool {
	for _, p := range w {
		if !v.Covers(p) {
			return false
		}
	}
	return true
}

// Raise returns v with at least p.Seq for p.Origin. It may change v's memory.
func (v Vector) Raise(p Position) Vector {
	if p.Seq == 0 {
		return v
	}
	i, ok := v.find(p.Origin)
	if !ok {
		return slices.Insert(v, i, p)
	}
	v[i].Seq = max(v[i].Seq, p.Seq)
	return v
}

// Merge returns the least vector that covers v and w. It may change v's memory.
func (v Vector) Merge(w Vector) Vector {
	for _, p := range w {
		v = v.Raise(p)
	}
	return v
}

// Above returns the entries of v that w does not cover.
func (v Vector) Above(w Vector) Vector {
	var out Vector
	for _, p := range v {
		if !w.Covers(p) {
			out = append(out, p)
		}
	}
	return out
}

// Clone returns a copy that shares no memory with v.
func (v Vector) Clone() Vector { return slices.Clone(v) }

// Equal reports whether both cover the same positions.
func (v Vector) Equal(w Vector) bool { return slices.Equal(v, w) }

func (v Vector) find(o Origin) (int, bool) {
	return slices.BinarySearchFunc(v, o, func(p Position, o Origin) int { return p.Origin.Compare(o) })
}
