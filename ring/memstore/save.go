package memstore

import (
	"gazetteer"
	"gazetteer/ring"
)

// Save performs v. It cannot fail.
func (s *Store) Save(v *ring.Save) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, p := range v.Drop {
		delete(s.states, p)
	}
	for i := range v.Remove {
		s.removeLocked(&v.Remove[i])
	}
	for i := range v.Put {
		s.putLocked(&v.Put[i])
	}
	for i := range v.Put {
		s.partitions[v.Put[i].Partition].young = nil // from here on they are read
	}
	for p, st := range v.Raise {
		s.raiseLocked(p, &st)
	}
	s.journalLocked(v.Journal)
	s.expireLocked(v.Expire)
	s.clock = max(s.clock, v.Clock)
	return nil
}

func (s *Store) removeLocked(h *ring.Held) {
	delete(s.tombstones, tombstoneKey{h.Partition, h.Update.Element})
	if s.partitions[h.Partition].resource(h.Update.Element.ID) != nil {
		s.ownLocked(h.Partition).remove(h.Update.Element)
	}
}

func (s *Store) putLocked(h *ring.Held) {
	s.ownLocked(h.Partition).put(h.Update)
	s.clock = max(s.clock, h.Update.Stamp.Clock)
	k := tombstoneKey{h.Partition, h.Update.Element}
	if h.Update.Tombstone {
		s.tombstones[k] = h.Update.Stamp
	} else {
		delete(s.tombstones, k)
	}
}

// ownLocked returns a partition that nobody else reads.
func (s *Store) ownLocked(p gazetteer.Partition) *partition {
	q := s.partitions[p]
	switch {
	case q == nil:
		q = newPartition()
	case q.shared:
		q = q.clone()
	default:
		return q
	}
	s.partitions[p], s.frozen = q, nil
	return q
}

func (s *Store) raiseLocked(p gazetteer.Partition, by *ring.PartitionState) {
	st := s.states[p]
	st.Filled = st.Filled || by.Filled
	st.Vector = st.Vector.Merge(by.Vector)
	st.Collected = st.Collected.Merge(by.Collected)
	st.CollectedClock = max(st.CollectedClock, by.CollectedClock)
	s.states[p] = st
}

func (s *Store) journalLocked(cs []ring.Conflict) {
	for _, c := range cs {
		k := conflictKey{c.Partition, c.Loser.Element, c.Loser.Position}
		if _, ok := s.journal[k]; !ok {
			s.journal[k] = c
		}
	}
}

func (s *Store) expireLocked(before int64) {
	for k, c := range s.journal {
		if c.At < before {
			delete(s.journal, k)
		}
	}
}
