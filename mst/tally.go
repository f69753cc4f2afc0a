package mst

import (
	"errors"

	"gazetteer"
)

// tally ends a run, where the paper stops: only the two core nodes know that the tree
// stands, and nobody how large it is. The lower core node floods Done along the tree,
// every node answers, leaves first, with the Count of what stands below it, and the
// lower core node floods Install with the sum.
type tally struct {
	branches []Edge
	parent   gazetteer.RegionID // towards the core; empty at the lower core node
	owing    map[gazetteer.RegionID]bool
	below    Count // this region and what the branches have counted
	sum      *Install
	out      []Envelope
}

var (
	errDoneAgain = errors.New("the tree is being counted already")
	errNotOwing  = errors.New("no count was asked of it")
	errNotParent = errors.New("it does not come from the core")
)

// newTally begins to count at the lower core node (parent is empty), or at a node that
// got Done from its parent.
func newTally(branches []Edge, parent gazetteer.RegionID) *tally {
	t := &tally{branches: branches, parent: parent, owing: map[gazetteer.RegionID]bool{}, below: Count{Regions: 1}}
	for _, j := range branches {
		if j.To != parent {
			t.owing[j.To] = true
			t.send(j.To, Done{})
		}
	}
	t.maybeCounted()
	return t
}

// step takes what comes after Done.
func (t *tally) step(from gazetteer.RegionID, m Message) error {
	switch m := m.(type) {
	case Count:
		return t.onCount(from, m)
	case Install:
		return t.onInstall(from, m)
	}
	return errDoneAgain
}

func (t *tally) onCount(from gazetteer.RegionID, m Count) error {
	if !t.owing[from] {
		return errNotOwing
	}
	delete(t.owing, from)
	t.below.Regions += m.Regions
	t.below.Weight += m.Weight + t.cost(from)
	t.maybeCounted()
	return nil
}

func (t *tally) onInstall(from gazetteer.RegionID, m Install) error {
	if from != t.parent || len(t.owing) > 0 {
		return errNotParent
	}
	if t.sum == nil {
		t.install(m)
	}
	return nil
}

func (t *tally) maybeCounted() {
	switch {
	case len(t.owing) > 0:
	case t.parent != "":
		t.send(t.parent, t.below)
	default:
		t.install(Install(t.below))
	}
}

// install passes the sum on, away from the core.
func (t *tally) install(m Install) {
	t.sum = &m
	for _, j := range t.branches {
		if j.To != t.parent {
			t.send(j.To, m)
		}
	}
}

func (t *tally) cost(to gazetteer.RegionID) uint64 {
	for _, j := range t.branches {
		if j.To == to {
			return j.Cost
		}
	}
	return 0
}

func (t *tally) send(to gazetteer.RegionID, m Message) { t.out = append(t.out, Envelope{to, m}) }

func (t *tally) ready() []Envelope {
	out := t.out
	t.out = nil
	return out
}
