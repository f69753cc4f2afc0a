// Package storetest is the conformance suite of ring.Store: every sentence of its
// contract, so that the store of the simulator cannot be kinder than the one on disk.
package storetest

import (
	"testing"

	"gazetteer/ring"
)

// Run tests a store, sentence by sentence of the contract. Each call of open returns a
// fresh, empty one; Run closes it.
func Run(t *testing.T, open func(tb testing.TB) ring.Store) {
	for _, c := range []struct {
		name string
		test func(*testing.T, *subject)
	}{
		{"empty", testEmpty},
		{"put", testPut},
		{"put_replaces_the_index_entry", testPutReplaces},
		{"removals_come_before_puts", testRemoveBeforePut},
		{"the_last_put_of_an_element_counts", testLastPutCounts},
		{"remove", testRemove},
		{"what_is_returned_is_the_callers", testReturnedIsTheCallers},
		{"scan_goes_by_position", testScanOrder},
		{"scan_above_and_after", testScanBounds},
		{"snapshot_is_frozen", testSnapshotFrozen},
		{"tombstones", testTombstones},
		{"raise_merges", testRaise},
		{"drop_forgets", testDrop},
		{"journal", testJournal},
		{"journal_expires", testExpire},
		{"list", testList},
		{"record", testRecord},
		{"odd_names", testOddNames},
		{"large_records", testLargeRecords},
		{"large_saves", testLargeSaves},
		{"partitions_do_not_mix", testPartitions},
		{"readers_are_concurrent", testConcurrent},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := &subject{t, open(t)}
			c.test(t, s)
			s.must(s.store.Close())
		})
	}
}

// RunReopened tests what a store remembers, and its random lives, in which it is reopened
// now and then, against a naive model. Each call of open returns a fresh store and
// a function that closes the present one and opens it again; RunReopened closes the last.
func RunReopened(t *testing.T, open func(tb testing.TB) (s ring.Store, reopen func() ring.Store)) {
	t.Run("state", func(t *testing.T) {
		store, reopen := open(t)
		s := &subject{t, store}
		testReopen(t, s, reopen)
		s.must(s.store.Close())
	})
	t.Run("model", func(t *testing.T) { testModel(t, open) })
}
