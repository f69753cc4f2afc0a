package storetest

import (
	"fmt"
	"sync"
	"sync/atomic"
	"testing"

	"gazetteer"
	"gazetteer/ring"
)

// testConcurrent has readers watch a counter that one writer raises: what a save
// acknowledged is what every later read finds, whatever was cached in between.
func testConcurrent(t *testing.T, s *subject) {
	const (
		saves   = 150
		ids     = 5
		readers = 4
	)
	var acknowledged [ids]atomic.Uint64
	var done atomic.Bool
	var all sync.WaitGroup
	for r := range readers {
		all.Go(func() {
			for i := r; !done.Load(); i++ {
				floor := acknowledged[i%ids].Load()
				b, err := s.store.AppendRecord(nil, here, counterID(i%ids))
				if err == nil {
					err = atLeast(b, floor)
				}
				if err != nil {
					t.Error(err)
					return
				}
			}
		})
	}
	all.Go(func() {
		for !done.Load() {
			if err := readWhole(s.store, ids); err != nil {
				t.Error(err)
				return
			}
		}
	})
	for n := uint64(1); n <= saves && !t.Failed(); n++ {
		var us []gazetteer.Update
		for i := range ids { // one save changes all counters at once
			us = append(us, at(one, n*ids+uint64(i), string(counterID(i)), "n"))
		}
		s.put(us...)
		for i := range acknowledged {
			acknowledged[i].Store(n)
		}
	}
	done.Store(true)
	all.Wait()
}

func counterID(i int) gazetteer.ID { return gazetteer.ID(fmt.Sprint("counter-", i)) }

// atLeast checks that a record's only element is the n-th written or a later one.
func atLeast(b []byte, n uint64) error {
	v := ring.View(b)
	if !v.Next() {
		if n == 0 || v.Err() != nil {
			return v.Err()
		}
		return fmt.Errorf("nothing is held after save %d was acknowledged", n)
	}
	if got := v.Position.Seq / 5; got < n {
		return fmt.Errorf("read the value of save %d after %d was acknowledged", got, n)
	}
	return nil
}

// readWhole checks that a scan sees saves as a whole: all counters of one save.
func readWhole(store ring.Store, ids int) error {
	n, first := 0, uint64(0)
	for u, err := range store.Scan(here, nil) {
		if err != nil {
			return err
		}
		if n++; n == 1 {
			first = u.Position.Seq / uint64(ids)
		}
		if u.Position.Seq/uint64(ids) != first {
			return fmt.Errorf("a scan saw parts of saves %d and %d", first, u.Position.Seq/uint64(ids))
		}
	}
	if n != 0 && n != ids {
		return fmt.Errorf("a scan saw %d of %d elements of a save", n, ids)
	}
	return nil
}
