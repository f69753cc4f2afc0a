package ring_test

import (
	"math/bits"
	"slices"
	"strconv"

	"gazetteer/ring"
)

// write is one that waits for its outcome.
type write struct {
	ring.Write
	outcome *ring.Outcome // nil until it is known
	deletes bool
	fresh   bool // proposed since the last Ready
	alone   bool // no other of its batch is of the same resource
	facts   []int32
}

func body(token uint64, k int) []byte {
	return strconv.AppendInt(strconv.AppendUint([]byte("w"), token, 10), int64(-k-1), 10)
}

// attribute finds the client's write that a new fact belongs to.
func (b *books) attribute(n *node, f int32) {
	t := &b.facts[f]
	for i := range n.writes {
		w := n.writes[i]
		if !w.fresh || w.Partition.Index != uint32(t.part) || w.ID != t.u.Element.ID {
			continue
		}
		if t.u.Tombstone && w.deletes || slices.ContainsFunc(w.Put, func(v ring.Value) bool { return string(v.Body) == string(t.u.Body) }) {
			w.facts = append(w.facts, f)
		}
	}
}

// answered holds an outcome against what the disks have had.
func (b *books) answered(n *node, o *ring.Outcome) {
	i := slices.IndexFunc(n.writes, func(w *write) bool { return w.Token == o.Token })
	if i < 0 {
		b.fail("outcome", n, "write %d is answered twice, or was never asked", o.Token)
		return
	}
	w := n.writes[i]
	n.writes = slices.Delete(n.writes, i, i+1)
	b.w.heardBack(n, w, o)
	if o.Err != nil {
		if len(w.facts) > 0 {
			b.fail("outcome", n, "write %d was refused (%v) and done", o.Token, o.Err)
		}
		return
	}
	if o.Reached >= ring.AckRing && w.alone {
		b.acknowledged(n, w)
	}
	if o.Reached == ring.AckRegions && w.alone {
		b.everywhere(n, w)
	}
}

// acknowledged holds that a majority of the configured members has had the write on
// disk.
func (b *books) acknowledged(n *node, w *write) {
	members, need := uint64(0), 0
	for _, r := range n.plan.Rings {
		need = len(r.Members)/2 + 1
		for _, id := range r.Members {
			members |= b.w.byID[id].bit()
		}
	}
	for _, f := range w.facts {
		if have := bits.OnesCount64(b.facts[f].covered & members); have < need {
			b.fail("acknowledged", n, "write %d: %s is on %d disks, a majority is %d", w.Token, b.name(f), have, need)
		}
	}
}

// everywhere holds that in every region of the tree that its writer reckons with, a majority
// of the ring, by one of the plans that there have been, has had the write on disk.
func (b *books) everywhere(n *node, w *write) {
	if len(b.w.regions) > 1 {
		b.w.cover.everywhere++
	}
	for _, g := range b.w.regions {
		for _, f := range w.facts {
			if !b.hasBeenIn(g, f) {
				b.fail("everywhere", n, "write %d: %s has reached no majority in region %d", w.Token, b.name(f), g.i)
			}
		}
	}
}

func (b *books) hasBeenIn(g *region, f int32) bool {
	for _, m := range g.circles {
		if m.parts&(1<<b.facts[f].part) == 0 {
			continue
		}
		for _, p := range b.w.plans {
			members := uint64(0)
			for _, n := range m.nodes {
				if !p.without(n) {
					members |= n.bit()
				}
			}
			if members != 0 && bits.OnesCount64(b.facts[f].covered&members) > bits.OnesCount64(members)/2 {
				return true
			}
		}
	}
	return false
}

// overdue fails if a write has waited beyond its deadline.
func (b *books) overdue(n *node) {
	for _, w := range n.writes {
		if mono := b.w.now - n.began; w.Deadline > 0 && mono > w.Deadline+2*b.w.shape.tick {
			b.fail("outcome", n, "write %d is due at %v and has no outcome at %v", w.Token, w.Deadline, mono)
		}
	}
}
