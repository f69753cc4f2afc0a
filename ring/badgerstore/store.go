// Package badgerstore keeps a ring.Store on disk, in Badger, and is the only package
// that knows Badger. It adds what Badger leaves out (see DESIGN.md): a commit that is
// durable when it returns, a checksum around every value, sums that tell when something
// is missing, an identity that tells an emptied or older database from the one that was
// closed, and a refusal to write before the disk is full.
package badgerstore

import (
	"os"
	"sync"
	"sync/atomic"

	"gazetteer"
	"gazetteer/ring"

	"github.com/dgraph-io/badger/v4"
)

// Store is a ring.Store on disk. After an error of Save other than of kind Full it
// refuses all further saves: its process must end, and find out at its next start.
type Store struct {
	config Config
	lock   *os.File
	db     *badger.DB
	floor  *floor
	report Report
	cache  *cache
	gate   gate
	stamps stamps
	logger *logger
	keeper keeper
	harm   harm

	idMu     sync.Mutex // guards following
	identity identity

	saving sync.Mutex // guards following
	ts     uint64     // Badger's timestamp of the last transaction, committed or not
	batch  *batch
	failed error // why no more can be saved

	mu         sync.RWMutex // guards following
	partitions map[gazetteer.Partition]*partition
	root       root
}

var (
	_ ring.Store    = (*Store)(nil)
	_ ring.Snapshot = (*snapshot)(nil)
)

// Recovered tells what Open found.
func (s *Store) Recovered() Report { return s.report }

// State returns what is held of each partition.
func (s *Store) State() ring.State {
	s.mu.RLock()
	defer s.mu.RUnlock()
	out := ring.State{
		Partitions: make(map[gazetteer.Partition]ring.PartitionState, len(s.partitions)),
		Clock:      s.root.clock,
	}
	for p, q := range s.partitions {
		if !q.raised {
			continue
		}
		st := q.state
		st.Vector, st.Collected = st.Vector.Clone(), st.Collected.Clone()
		out.Partitions[p] = st
	}
	return out
}

// Close ends the store and marks it as cleanly closed, unless a save failed or damage
// was found. What is under way ends first: reads and saves as usual, scans with
// [ErrClosed] at their next step. Whatever comes later gets ErrClosed.
func (s *Store) Close() error {
	if !s.gate.close() {
		return nil
	}
	s.keeper.stop()
	defer s.lock.Close()
	defer s.cache.close()
	s.saving.Lock()
	defer s.saving.Unlock()
	if s.failed != nil {
		// Badger would try to flush what it could not sync, for ever.
		return s.failed
	}
	if err := s.db.Close(); err != nil {
		return storeError("badgerstore.Close", "while closing the database", err)
	}
	if err := s.floor.close(); err != nil {
		return storeError("badgerstore.Close", "while closing the floor", err)
	}
	if s.harm.found() {
		return nil
	}
	return s.leftClean(s.root.saves)
}

// gate counts who is using the database, so that Close takes it away from nobody.
type gate struct {
	inside atomic.Int64
	closed atomic.Bool
	empty  chan struct{} // one token when the last one leaves a closed gate
}

func newGate() gate { return gate{empty: make(chan struct{}, 1)} }

// enter reports whether the database is open; then leave must follow.
func (g *gate) enter() bool {
	g.inside.Add(1)
	if g.closed.Load() {
		g.leave()
		return false
	}
	return true
}

func (g *gate) leave() {
	if g.inside.Add(-1) == 0 && g.closed.Load() {
		select {
		case g.empty <- struct{}{}:
		default:
		}
	}
}

// close waits until everybody has left. It reports whether the gate was open before.
func (g *gate) close() bool {
	if g.closed.Swap(true) {
		return false
	}
	for g.inside.Load() != 0 {
		<-g.empty
	}
	return true
}
