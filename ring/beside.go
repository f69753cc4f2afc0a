package ring

import (
	"slices"

	"gazetteer"
)

// Elements beside a location (see [gazetteer.Beside]) go with it, and only with it: a
// write that deletes a location deletes them, one that keeps it keeps them, and none is
// written where no location is. One that comes over a link when its location has gone
// stays, and counts for nothing, until its writer finds it.

// isBeside reports whether a write is of such elements only.
func (w *Write) isBeside() bool {
	return len(w.Put) > 0 && !slices.ContainsFunc(w.Put, func(v Value) bool { return !v.Location.IsBeside() })
}

// homeless returns an element that the write would put beside a location that does not
// live then.
func (g *resource) homeless(w *Write) (gazetteer.LocationID, bool) {
	var homes map[uint64]bool
	for _, v := range w.Put {
		b, ok := v.Location.Beside()
		if !ok {
			continue
		}
		if homes == nil {
			homes = g.homes(w)
		}
		if !homes[b.Location] {
			return v.Location, true
		}
	}
	return "", false
}

// homes are the locations that live when the write is done. Those that it deletes may be
// among them: it deletes what is beside them, too.
func (g *resource) homes(w *Write) map[uint64]bool {
	homes := map[uint64]bool{}
	for _, v := range w.Put {
		if !v.Location.IsBeside() {
			homes[v.Location.Hash()] = true
		}
	}
	for _, u := range g.live() {
		homes[u.Element.Location.Hash()] = true
	}
	return homes
}

// besides returns the live elements beside some locations.
func (g *resource) besides(locations []gazetteer.LocationID) []gazetteer.LocationID {
	var hashes map[uint64]bool
	var out []gazetteer.LocationID
	for i := range g.elements {
		e := &g.elements[i]
		b, ok := e.at().Beside()
		if !ok || !e.lives() {
			continue
		}
		if hashes == nil {
			hashes = hashesOf(locations)
		}
		if hashes[b.Location] && !slices.Contains(locations, e.at()) {
			out = append(out, e.at())
		}
	}
	return out
}

func hashesOf(ls []gazetteer.LocationID) map[uint64]bool {
	hashes := make(map[uint64]bool, len(ls))
	for _, l := range ls {
		if !l.IsBeside() {
			hashes[l.Hash()] = true
		}
	}
	return hashes
}
