package ring_test

import (
	"iter"
	"slices"

	"gazetteer"
	"gazetteer/ring"
)

// vault is the store of a simulated disk: sorted slices that are never changed once
// they stand, so that a snapshot and an old copy cost nothing.
type vault struct {
	shelves map[gazetteer.Partition][]*gazetteer.Update // sorted by element
	state   ring.State
	journal []ring.Conflict
}

func newVault() *vault {
	return &vault{
		shelves: map[gazetteer.Partition][]*gazetteer.Update{},
		state:   ring.State{Partitions: map[gazetteer.Partition]ring.PartitionState{}},
	}
}

func (v *vault) clone() *vault {
	c := newVault()
	for p, us := range v.shelves {
		c.shelves[p] = us
	}
	c.state = v.State()
	c.journal = slices.Clip(v.journal)
	return c
}

func (v *vault) State() ring.State {
	s := ring.State{Partitions: map[gazetteer.Partition]ring.PartitionState{}, Clock: v.state.Clock}
	for p, ps := range v.state.Partitions {
		ps.Vector, ps.Collected = ps.Vector.Clone(), ps.Collected.Clone()
		s.Partitions[p] = ps
	}
	return s
}

func (v *vault) Save(s *ring.Save) {
	for i := range s.Remove {
		v.remove(&s.Remove[i])
	}
	for i := range s.Put {
		v.put(&s.Put[i])
	}
	for p, up := range s.Raise {
		ps := v.state.Partitions[p]
		ps.Filled = ps.Filled || up.Filled
		ps.Vector = ps.Vector.Merge(up.Vector)
		ps.Collected = ps.Collected.Merge(up.Collected)
		ps.CollectedClock = max(ps.CollectedClock, up.CollectedClock)
		v.state.Partitions[p] = ps
	}
	v.journal = append(v.journal, s.Journal...)
	v.state.Clock = max(v.state.Clock, s.Clock)
}

func (v *vault) put(h *ring.Held) {
	us := v.shelves[h.Partition]
	u := h.Update
	i, found := find(us, u.Element)
	next := make([]*gazetteer.Update, 0, len(us)+1)
	next = append(append(next, us[:i]...), &u)
	if found {
		i++
	}
	v.shelves[h.Partition] = append(next, us[i:]...)
	v.state.Clock = max(v.state.Clock, u.Stamp.Clock)
}

func (v *vault) remove(h *ring.Held) {
	us := v.shelves[h.Partition]
	if i, found := find(us, h.Update.Element); found {
		next := append(make([]*gazetteer.Update, 0, len(us)), us[:i]...)
		v.shelves[h.Partition] = append(next, us[i+1:]...)
	}
}

func find(us []*gazetteer.Update, e gazetteer.Element) (int, bool) {
	return slices.BinarySearchFunc(us, e, func(u *gazetteer.Update, e gazetteer.Element) int { return u.Element.Compare(e) })
}

func (v *vault) Resource(p gazetteer.Partition, id gazetteer.ID) ([]gazetteer.Update, error) {
	us := v.shelves[p]
	i, _ := find(us, gazetteer.Element{ID: id})
	var out []gazetteer.Update
	for ; i < len(us) && us[i].Element.ID == id; i++ {
		out = append(out, *us[i])
	}
	return out, nil
}

func (v *vault) Scan(p gazetteer.Partition, above gazetteer.Vector) iter.Seq2[gazetteer.Update, error] {
	return func(yield func(gazetteer.Update, error) bool) {
		for u := range scanShelf(v.shelves[p], above, gazetteer.Position{}) {
			if !yield(u, nil) {
				return
			}
		}
	}
}

func (v *vault) Tombstones(below gazetteer.Clock, limit int) ([]ring.Held, error) {
	var out []ring.Held
	for p, us := range v.shelves {
		for _, u := range us {
			if u.Tombstone && u.Stamp.Clock < below && len(out) < limit {
				out = append(out, ring.Held{Partition: p, Update: *u})
			}
		}
	}
	return out, nil
}

// snapshot is the content of one partition at one moment.
type snapshot []*gazetteer.Update

func (v *vault) snapshot(p gazetteer.Partition) snapshot { return v.shelves[p] }

func scanShelf(us []*gazetteer.Update, above gazetteer.Vector, after gazetteer.Position) iter.Seq[gazetteer.Update] {
	var found []*gazetteer.Update
	for _, u := range us {
		if !above.Covers(u.Position) && u.Position.Compare(after) > 0 {
			found = append(found, u)
		}
	}
	slices.SortFunc(found, func(a, b *gazetteer.Update) int { return a.Position.Compare(b.Position) })
	return func(yield func(gazetteer.Update) bool) {
		for _, u := range found {
			if !yield(*u) {
				return
			}
		}
	}
}
