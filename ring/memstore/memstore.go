// Package memstore keeps a ring.Store in memory: the simulator's disk, and the store of
// a planet that need not survive its process.
//
// A partition that a snapshot or a clone shares is copied before it is changed, so both
// cost nothing when they are taken and are never seen to move. Ids, locations and bodies
// are kept as they were saved, not copied: whoever saves them must not change their
// memory afterwards.
package memstore

import (
	"cmp"
	"iter"
	"maps"
	"slices"
	"sync"

	"gazetteer"
	"gazetteer/ring"
)

// Store is a ring.Store in memory. Its zero value is not ready; see [New].
type Store struct {
	mu         sync.RWMutex // guards following
	partitions map[gazetteer.Partition]*partition
	// frozen are the partitions as snapshots see them, nil since one of them changed:
	// scans begin many at a time.
	frozen     map[gazetteer.Partition]*partition
	states     map[gazetteer.Partition]ring.PartitionState
	tombstones map[tombstoneKey]gazetteer.Stamp
	journal    map[conflictKey]ring.Conflict
	clock      gazetteer.Clock
}

var (
	_ ring.Store    = (*Store)(nil)
	_ ring.Snapshot = (*snapshot)(nil)
)

type tombstoneKey struct {
	partition gazetteer.Partition
	element   gazetteer.Element
}

type conflictKey struct {
	partition gazetteer.Partition
	element   gazetteer.Element
	position  gazetteer.Position
}

// New returns an empty store.
func New() *Store {
	return &Store{
		partitions: map[gazetteer.Partition]*partition{},
		states:     map[gazetteer.Partition]ring.PartitionState{},
		tombstones: map[tombstoneKey]gazetteer.Stamp{},
		journal:    map[conflictKey]ring.Conflict{},
	}
}

// Clone returns a store with the present content that goes its own way from here on: an
// old copy of a disk, to be put back.
func (s *Store) Clone() *Store {
	s.mu.Lock()
	defer s.mu.Unlock()
	return &Store{
		partitions: maps.Clone(s.shareLocked()),
		states:     cloneStates(s.states),
		tombstones: maps.Clone(s.tombstones),
		journal:    maps.Clone(s.journal),
		clock:      s.clock,
	}
}

// State returns what is held now: a store in memory is opened again whenever somebody
// asks.
func (s *Store) State() ring.State {
	s.mu.RLock()
	defer s.mu.RUnlock()
	return ring.State{Partitions: cloneStates(s.states), Clock: s.clock}
}

// Resource returns every update held of one resource.
func (s *Store) Resource(p gazetteer.Partition, id gazetteer.ID) ([]gazetteer.Update, error) {
	s.mu.RLock()
	defer s.mu.RUnlock()
	us := slices.Clone(s.partitions[p].resource(id))
	for i := range us {
		us[i].Context = us[i].Context.Clone()
	}
	return us, nil
}

// AppendRecord appends the encoded updates of one resource.
func (s *Store) AppendRecord(dst []byte, p gazetteer.Partition, id gazetteer.ID) ([]byte, error) {
	s.mu.RLock()
	defer s.mu.RUnlock()
	return ring.AppendRecord(dst, s.partitions[p].resource(id)), nil
}

// List yields the ids of p that have a live element and are above after. It sees one
// state of the partition.
func (s *Store) List(p gazetteer.Partition, after gazetteer.ID) iter.Seq2[gazetteer.ID, error] {
	return func(yield func(gazetteer.ID, error) bool) {
		for _, id := range s.live(p, after) {
			if !yield(id, nil) {
				return
			}
		}
	}
}

func (s *Store) live(p gazetteer.Partition, after gazetteer.ID) []gazetteer.ID {
	s.mu.RLock()
	defer s.mu.RUnlock()
	return s.partitions[p].live(after)
}

// Scan yields the updates of p above the vector.
func (s *Store) Scan(p gazetteer.Partition, above gazetteer.Vector) iter.Seq2[gazetteer.Update, error] {
	return func(yield func(gazetteer.Update, error) bool) {
		snap := s.Snapshot()
		defer snap.Close()
		snap.Scan(p, above, gazetteer.Position{})(yield)
	}
}

// Tombstones returns up to limit tombstones with stamps below the clock value, the
// lowest first: a simulation that is run again sees the same.
func (s *Store) Tombstones(below gazetteer.Clock, limit int) ([]ring.Held, error) {
	s.mu.RLock()
	defer s.mu.RUnlock()
	var out []ring.Held
	for k, stamp := range s.tombstones {
		if stamp.Clock < below {
			out = append(out, ring.Held{Partition: k.partition, Update: s.partitions[k.partition].update(k.element)})
		}
	}
	slices.SortFunc(out, func(a, b ring.Held) int {
		return cmp.Or(a.Update.Stamp.Compare(b.Update.Stamp), a.Partition.Compare(b.Partition),
			a.Update.Element.Compare(b.Update.Element))
	})
	return out[:min(limit, len(out))], nil
}

// Conflicts yields the conflict journal as it stands when the iteration begins.
func (s *Store) Conflicts() iter.Seq2[ring.Conflict, error] {
	return func(yield func(ring.Conflict, error) bool) {
		for _, c := range s.conflicts() {
			if !yield(c, nil) {
				return
			}
		}
	}
}

func (s *Store) conflicts() []ring.Conflict {
	s.mu.RLock()
	defer s.mu.RUnlock()
	return slices.SortedFunc(maps.Values(s.journal), func(a, b ring.Conflict) int {
		return cmp.Or(cmp.Compare(a.At, b.At), a.Partition.Compare(b.Partition),
			a.Loser.Element.Compare(b.Loser.Element), a.Loser.Position.Compare(b.Loser.Position))
	})
}

// Close does nothing: there is nothing to release.
func (s *Store) Close() error { return nil }

// Snapshot freezes the present content.
func (s *Store) Snapshot() ring.Snapshot {
	s.mu.Lock()
	defer s.mu.Unlock()
	return &snapshot{partitions: s.shareLocked()}
}

// shareLocked returns the partitions for somebody who will read them later.
func (s *Store) shareLocked() map[gazetteer.Partition]*partition {
	if s.frozen != nil {
		return s.frozen
	}
	for _, q := range s.partitions {
		if !q.shared { // whoever shares it already may be reading this
			q.shared = true
		}
	}
	s.frozen = maps.Clone(s.partitions)
	return s.frozen
}

type snapshot struct {
	partitions map[gazetteer.Partition]*partition
}

func (s *snapshot) Scan(p gazetteer.Partition, above gazetteer.Vector, after gazetteer.Position) iter.Seq2[gazetteer.Update, error] {
	return func(yield func(gazetteer.Update, error) bool) {
		s.partitions[p].scan(above, after, func(u gazetteer.Update) bool { return yield(u, nil) })
	}
}

func (s *snapshot) Close() { s.partitions = nil }

func cloneStates(in map[gazetteer.Partition]ring.PartitionState) map[gazetteer.Partition]ring.PartitionState {
	out := make(map[gazetteer.Partition]ring.PartitionState, len(in))
	for p, st := range in {
		st.Vector, st.Collected = st.Vector.Clone(), st.Collected.Clone()
		out[p] = st
	}
	return out
}
