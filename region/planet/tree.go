package planet

import (
	"encoding/binary"
	"time"

	"gazetteer"
	"gazetteer/mst"
	"gazetteer/mst/voice"
	"gazetteer/region/control"
	"gazetteer/ring"
)

// savedIn returns what a plan holds of the tree ([control.Plan.Tree]).
func savedIn(p *control.Plan) (voice.Saved, error) {
	s, err := voice.DecodeSaved(p.Tree())
	if err != nil {
		return voice.Saved{}, refuse("Tree", gazetteer.Internal, "", "what the plan holds of the tree cannot be read: %v", err)
	}
	return s, nil
}

// branchesOf returns the regions that a plan is linked to: those of the tree, those of the
// last tree until the new one certainly carries everything, and what stands in for an edge
// that is gone.
func branchesOf(p *control.Plan) (out []gazetteer.RegionID) {
	s, err := savedIn(p)
	if err != nil {
		return nil
	}
	for _, b := range s.Branches {
		out = append(out, b.Region)
	}
	return out
}

// loneTree names the tree of a region that knows of no other.
const loneTree = 1

// treeOf returns the installed tree as writes reckon with it that wait for every region;
// its zero value while the planet has none.
func (p *Planet) treeOf(plan *control.Plan, others []Record) ring.Tree {
	s, err := savedIn(plan)
	switch {
	case err != nil:
		return ring.Tree{}
	case len(others) == 0:
		return ring.Tree{ID: loneTree}
	case s.Tree.Epoch == mst.Epoch{}:
		return ring.Tree{}
	}
	t := ring.Tree{ID: treeID(s.Tree.Epoch), Cut: p.cut(others, s.Tree.Regions)}
	for _, e := range s.Tree.Branches {
		t.Branches = append(t.Branches, e.To)
	}
	return t
}

// treeID names the tree of an epoch: each has one.
func treeID(e mst.Epoch) uint64 {
	b := binary.BigEndian.AppendUint64(nil, e.Counter)
	return max(loneTree+1, gazetteer.HashBytes(append(b, e.Proposer...)))
}

// cut reports whether some region of a tree that reaches so many does not answer this
// one. What a tree of a part has left out does not count. A process that is no regional
// server pings nobody, and does not know.
func (p *Planet) cut(others []Record, reached int) bool {
	if p.Server == nil {
		return false
	}
	joined, silent, now := 1, 0, time.Now()
	for i := range others {
		if r := &others[i]; r.Standing.joined() {
			joined++
			if _, answers := p.rtts.of(r.Name, now, p.pingPace()); !answers {
				silent++
			}
		}
	}
	return silent > joined-reached
}
