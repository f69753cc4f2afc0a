package ring

import (
	"slices"

	"gazetteer"
)

// purgeMax bounds the elements of a dropped partition that go in one step.
const purgeMax = 1000

// Drop forgets a partition that is not hosted any more: the vector first, then the
// elements, some of them with each tick. What is left of them in between, also after a
// crash, lies above the vector and so counts for nothing: if the partition comes back it
// is filled as if it had never been here. Whoever drops must know that others hold
// everything of it.
func (r *Replica) Drop(p gazetteer.Partition) {
	if r.mirrors[p] != nil || slices.Contains(r.dropped, p) {
		return
	}
	delete(r.cfg.State.Partitions, p)
	delete(r.batch.raise, p)
	r.batch.raisedM = slices.DeleteFunc(r.batch.raisedM, func(m *mirror) bool { return m.partition == p })
	r.batch.drops = append(r.batch.drops, p)
	r.dropped = append(r.dropped, p)
}

// purge removes the next elements of dropped partitions.
func (r *Replica) purge() {
	for len(r.dropped) > 0 {
		p := r.dropped[0]
		if r.mirrors[p] == nil && r.purgeSome(p) {
			return
		}
		r.dropped = r.dropped[1:]
	}
}

// purgeSome reports whether it found something to remove.
func (r *Replica) purgeSome(p gazetteer.Partition) bool {
	var some []gazetteer.Update
	for u, err := range r.cfg.Reader.Scan(p, nil) {
		if err != nil {
			panic(ReadError{err})
		}
		if some = append(some, u); len(some) == purgeMax {
			break
		}
	}
	for _, u := range some {
		r.batch.remove(r.resource(p, u.Element.ID), u.Element.Location)
	}
	return len(some) > 0
}
