package world

import (
	"fmt"
	"slices"

	"gazetteer"
	"gazetteer/mst"
)

// untreed says what keeps the regions from being linked as one, "" for nothing: all live
// regions use one tree, and it reaches them all.
func (w *World) untreed() string {
	if !w.spoken() || len(w.regions) == 1 {
		return ""
	}
	var first *region
	live := w.liveRegions()
	for _, g := range live {
		switch {
		case g.saved.Tree.Epoch == mst.Epoch{}:
			return string(g.name) + " has no tree"
		case g.saved.Tree.Regions != len(live):
			return fmt.Sprintf("the tree of %s has %d regions of %d", g.name, g.saved.Tree.Regions, len(live))
		case first != nil && g.saved.Tree.Epoch != first.saved.Tree.Epoch:
			return fmt.Sprintf("%s has the tree %v, %s %v", first.name, first.saved.Tree.Epoch, g.name, g.saved.Tree.Epoch)
		}
		first = g
	}
	return ""
}

// liveRegions are those that have a leader.
func (w *World) liveRegions() (live []*region) {
	for _, g := range w.regions {
		if g.leader != nil {
			live = append(live, g)
		}
	}
	return live
}

// judge holds that the tree in use is the minimum spanning tree of the costs that were
// agreed for its epoch. It builds no tree of its own: a spanning tree is the minimum one
// if and only if each edge outside it is heavier than all edges of the way that it would
// close (the cycle property; all weights differ).
func (t *trees) judge(b *books) {
	w := b.w
	if !w.spoken() || len(w.liveRegions()) < 2 || w.untreed() != "" {
		return
	}
	e := w.liveRegions()[0].saved.Tree.Epoch
	k := t.of(e)
	edges := k.edges()
	if len(edges) != len(w.liveRegions())-1 {
		b.fail("the tree is minimal", nil, "the tree of %v has %d edges for %d regions", e, len(edges), len(w.liveRegions()))
		return
	}
	for _, edge := range edges {
		if !slices.Contains(k.agreed, edge) {
			b.fail("the tree is minimal", nil, "the tree of %v has the edge %v, whose cost was not agreed", e, edge)
		}
	}
	for _, outside := range k.agreed {
		if slices.Contains(edges, outside) {
			continue
		}
		way, ok := pathOf(edges, outside.Low, outside.High)
		if !ok {
			b.fail("the tree is minimal", nil, "the tree of %v does not join %s and %s", e, outside.Low, outside.High)
		}
		for _, inside := range way {
			if inside.Compare(outside) > 0 {
				b.fail("the tree is minimal", nil, "the tree of %v has %v, and %v would be lighter", e, inside, outside)
			}
		}
	}
}

// edges are those of a tree, each once.
func (k *tree) edges() (out []mst.Weight) {
	for _, r := range sortedRegions(k.branches) {
		for _, b := range k.branches[r] {
			if w := mst.WeightOf(b.Cost, r, b.To); !slices.Contains(out, w) {
				out = append(out, w)
			}
		}
	}
	return out
}

func sortedRegions[T any](m map[gazetteer.RegionID]T) (names []gazetteer.RegionID) {
	for r := range m {
		names = append(names, r)
	}
	slices.Sort(names)
	return names
}

// pathOf returns the edges on the way from one region to another along a tree.
func pathOf(edges []mst.Weight, from, to gazetteer.RegionID) ([]mst.Weight, bool) {
	return pathFrom(edges, from, to, "")
}

func pathFrom(edges []mst.Weight, at, to, before gazetteer.RegionID) ([]mst.Weight, bool) {
	if at == to {
		return nil, true
	}
	for _, e := range edges {
		next := e.High
		if e.High == at {
			next = e.Low
		}
		if at != e.Low && at != e.High || next == before {
			continue
		}
		if way, ok := pathFrom(edges, next, to, at); ok {
			return append(way, e), true
		}
	}
	return nil, false
}
