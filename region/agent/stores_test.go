package agent

import (
	"iter"
	"sync/atomic"
	"time"

	"gazetteer"
	"gazetteer/ring"
	"gazetteer/ring/memstore"
)

// snapshotCounter counts the snapshots that were made and that are open.
type snapshotCounter struct{ made, open atomic.Int64 }

func countSnapshots(w *world, nodes ...gazetteer.NodeID) *snapshotCounter {
	c := new(snapshotCounter)
	for _, n := range nodes {
		w.stores[n] = countingStore{memstore.New(), c}
	}
	return c
}

type countingStore struct {
	ring.Store
	c *snapshotCounter
}

func (s countingStore) Snapshot() ring.Snapshot {
	s.c.made.Add(1)
	s.c.open.Add(1)
	return countedSnapshot{s.Store.Snapshot(), s.c}
}

type countedSnapshot struct {
	ring.Snapshot
	c *snapshotCounter
}

func (s countedSnapshot) Close() {
	s.c.open.Add(-1)
	s.Snapshot.Close()
}

// slowStore takes a fixed time for each commit, as a disk that syncs does, and counts.
type slowStore struct {
	ring.Store
	takes time.Duration
	saves atomic.Int64
}

func (s *slowStore) Save(v *ring.Save) error {
	time.Sleep(s.takes)
	s.saves.Add(1)
	return s.Store.Save(v)
}

// brokenStore fails from the moment it is told to.
type brokenStore struct {
	ring.Store
	save, resource, scan, writable atomic.Pointer[gazetteer.Error]
}

func (s *brokenStore) Save(v *ring.Save) error {
	if err := s.save.Load(); err != nil {
		return err
	}
	return s.Store.Save(v)
}

func (s *brokenStore) Resource(p gazetteer.Partition, id gazetteer.ID) ([]gazetteer.Update, error) {
	if err := s.resource.Load(); err != nil {
		return nil, err
	}
	return s.Store.Resource(p, id)
}

func (s *brokenStore) Snapshot() ring.Snapshot {
	return brokenSnapshot{s.Store.Snapshot(), s}
}

func (s *brokenStore) Room() error {
	if err := s.writable.Load(); err != nil {
		return err
	}
	return nil
}

type brokenSnapshot struct {
	ring.Snapshot
	s *brokenStore
}

func (n brokenSnapshot) Scan(p gazetteer.Partition, above gazetteer.Vector, after gazetteer.Position) iter.Seq2[gazetteer.Update, error] {
	if err := n.s.scan.Load(); err != nil {
		return func(yield func(gazetteer.Update, error) bool) { yield(gazetteer.Update{}, err) }
	}
	return n.Snapshot.Scan(p, above, after)
}
