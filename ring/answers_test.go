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
	if o.Reached == ring.AckRing && w.alone {
		b.acknowledged(n, w)
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

// overdue fails if a write has waited beyond its deadline.
func (b *books) overdue(n *node) {
	for _, w := range n.writes {
		if mono := b.w.now - n.began; w.Deadline > 0 && mono > w.Deadline+2*b.w.shape.tick {
			b.fail("outcome", n, "write %d is due at %v and has no outcome at %v", w.Token, w.Deadline, mono)
		}
	}
}
