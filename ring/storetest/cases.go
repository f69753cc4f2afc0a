package storetest

import (
	"bytes"
	"fmt"
	"slices"
	"strings"
	"testing"

	"gazetteer"
	"gazetteer/ring"
)

func testEmpty(t *testing.T, s *subject) {
	s.want("resource", s.resource(here, "a"))
	s.want("scan", s.scan(nil))
	wantEqual(s, "list", s.list(""))
	if b, err := s.store.AppendRecord(nil, here, "a"); err != nil || len(b) != 0 {
		t.Errorf("the record of nothing: %q, %v", b, err)
	}
	if st := s.store.State(); len(st.Partitions) != 0 || st.Clock != 0 {
		t.Errorf("the state of nothing: %+v", st)
	}
	if hs, err := s.store.Tombstones(1<<60, 10); err != nil || len(hs) != 0 {
		t.Errorf("tombstones of nothing: %v, %v", hs, err)
	}
	if cs := collect(s, s.store.Conflicts()); len(cs) != 0 {
		t.Errorf("conflicts of nothing: %v", cs)
	}
}

func testPut(t *testing.T, s *subject) {
	attributes, fra, lon := at(one, 1, "a", ""), at(one, 2, "a", "fra"), at(two, 9, "a", "lon")
	fra.Context = gazetteer.Vector{{Origin: one, Seq: 1}, {Origin: two, Seq: 3}}
	fra.Stamp.Epoch, fra.Stamp.Origin = 3, two
	gone := dead(one, 3, "a", "nyc")
	s.put(lon, fra, gone, attributes)
	s.want("resource", s.resource(here, "a"), attributes, fra, lon, gone)
	s.want("record", s.record(here, "a"), attributes, fra, lon, gone)
	s.want("scan", s.scan(nil), attributes, fra, gone, lon)
}

func testPutReplaces(t *testing.T, s *subject) {
	s.put(at(one, 1, "a", "x"), at(one, 2, "a", "y"))
	s.put(at(two, 1, "a", "x"))
	s.want("resource", s.resource(here, "a"), at(two, 1, "a", "x"), at(one, 2, "a", "y"))
	s.want("scan", s.scan(nil), at(one, 2, "a", "y"), at(two, 1, "a", "x"))
	s.put(dead(one, 3, "a", "x"))
	s.want("scan", s.scan(nil), at(one, 2, "a", "y"), dead(one, 3, "a", "x"))
	s.put(dead(one, 3, "a", "x")) // the same once more changes nothing
	s.want("scan", s.scan(nil), at(one, 2, "a", "y"), dead(one, 3, "a", "x"))
}

func testRemoveBeforePut(t *testing.T, s *subject) {
	s.put(at(one, 1, "a", "x"), at(one, 2, "b", "x"))
	s.save(ring.Save{
		Put:    held(here, at(two, 1, "a", "x")),
		Remove: held(here, at(one, 1, "a", "x"), at(one, 2, "b", "x")),
	})
	s.want("put and removed", s.resource(here, "a"), at(two, 1, "a", "x"))
	s.want("removed", s.resource(here, "b"))
	s.want("scan", s.scan(nil), at(two, 1, "a", "x"))
}

func testLastPutCounts(t *testing.T, s *subject) {
	s.put(at(one, 1, "a", "x"), at(one, 2, "a", "x"), at(one, 3, "a", "x"))
	s.want("resource", s.resource(here, "a"), at(one, 3, "a", "x"))
	s.want("scan", s.scan(nil), at(one, 3, "a", "x"))
}

func testRemove(t *testing.T, s *subject) {
	s.put(at(one, 1, "a", "x"), dead(one, 2, "a", "y"), at(one, 3, "b", ""))
	s.save(ring.Save{Remove: held(here, dead(one, 2, "a", "y"))})
	s.want("resource", s.resource(here, "a"), at(one, 1, "a", "x"))
	s.save(ring.Save{Remove: held(here, at(one, 1, "a", "x"), at(two, 5, "nobody", "x"))})
	s.want("resource", s.resource(here, "a"))
	s.want("record", s.record(here, "a"))
	s.want("scan", s.scan(nil), at(one, 3, "b", ""))
	wantEqual(s, "list", s.list(""), "b")
	if hs, err := s.store.Tombstones(1<<60, 10); err != nil || len(hs) != 0 {
		t.Errorf("a removed tombstone is still one: %v, %v", hs, err)
	}
}

func testReturnedIsTheCallers(t *testing.T, s *subject) {
	u := at(one, 1, "a", "x")
	u.Context = gazetteer.Vector{{Origin: two, Seq: 3}}
	s.put(u)
	got := s.resource(here, "a")
	got[0].Context.Raise(gazetteer.Position{Origin: two, Seq: 99})
	got[0].Tombstone = true
	u.Context = gazetteer.Vector{{Origin: two, Seq: 3}}
	s.want("resource", s.resource(here, "a"), u)

	s.save(ring.Save{Raise: map[gazetteer.Partition]ring.PartitionState{here: {Vector: gazetteer.Vector{{Origin: one, Seq: 1}}}}})
	st := s.store.State()
	st.Partitions[here].Vector.Raise(gazetteer.Position{Origin: one, Seq: 99})
	s.save(ring.Save{Raise: map[gazetteer.Partition]ring.PartitionState{here: {Vector: gazetteer.Vector{{Origin: one, Seq: 2}}}}})
	if got := s.store.State().Partitions[here].Vector.At(one); got > 2 {
		t.Errorf("the store's vector was changed from outside: %d", got)
	}
}

func testScanOrder(t *testing.T, s *subject) {
	want := []gazetteer.Update{
		at(one, 1, "m", "b"), at(one, 2, "m", "a"), at(one, 255, "z", ""), at(one, 256, "a", ""), at(one, 1<<40, "k", ""),
		at(two, 1, "b", ""), at(two, 2, "a", "z"),
	}
	s.put(want[5], want[3], want[0], want[6])
	s.put(want[4], want[2], want[1])
	s.want("scan", s.scan(nil), want...)
	for n := range want {
		var got []gazetteer.Update
		for u, err := range s.store.Scan(here, nil) {
			s.must(err)
			if got = append(got, u); len(got) > n {
				break
			}
		}
		s.want("the beginning of a scan", got, want[:n+1]...)
	}
}

func testScanBounds(t *testing.T, s *subject) {
	var all []gazetteer.Update
	for seq := uint64(1); seq <= 4; seq++ {
		all = append(all, at(one, seq, "a", fmt.Sprint(seq)), at(two, seq, "b", fmt.Sprint(seq)))
	}
	s.put(all...)
	slices.SortFunc(all, func(a, b gazetteer.Update) int { return a.Position.Compare(b.Position) })
	snap := s.store.Snapshot()
	defer snap.Close()
	origins := []gazetteer.Origin{{}, one, {Store: 1, Incarnation: 1<<63 + 1}, two, {Store: 9}}
	for _, ao := range origins {
		for aboveOne := uint64(0); aboveOne < 6; aboveOne++ {
			var above gazetteer.Vector
			above = above.Raise(gazetteer.Position{Origin: one, Seq: aboveOne}).Raise(gazetteer.Position{Origin: two, Seq: 2})
			for seq := uint64(0); seq < 6; seq++ {
				after := gazetteer.Position{Origin: ao, Seq: seq}
				var want []gazetteer.Update
				for _, u := range all {
					if !above.Covers(u.Position) && u.Position.Compare(after) > 0 {
						want = append(want, u)
					}
				}
				s.want(fmt.Sprintf("above %v after %v", above, after), collect(s, snap.Scan(here, above, after)), want...)
			}
		}
	}
}

func testSnapshotFrozen(t *testing.T, s *subject) {
	s.put(at(one, 1, "a", "x"), at(one, 2, "b", "x"))
	first := s.store.Snapshot()
	s.put(at(two, 1, "a", "x"), at(two, 2, "c", "x"))
	second := s.store.Snapshot()
	s.save(ring.Save{Remove: held(here, at(one, 2, "b", "x"))})
	s.put(at(two, 3, "a", "x"))

	for range 2 {
		s.want("first", collect(s, first.Scan(here, nil, gazetteer.Position{})), at(one, 1, "a", "x"), at(one, 2, "b", "x"))
		s.want("second", collect(s, second.Scan(here, nil, gazetteer.Position{})),
			at(one, 2, "b", "x"), at(two, 1, "a", "x"), at(two, 2, "c", "x"))
		s.want("present", s.scan(nil), at(two, 2, "c", "x"), at(two, 3, "a", "x"))
	}
	first.Close()
	s.want("second alone", collect(s, second.Scan(here, gazetteer.Vector{{Origin: one, Seq: 9}}, gazetteer.Position{})),
		at(two, 1, "a", "x"), at(two, 2, "c", "x"))

	// A scan that goes on while writes do.
	var got []gazetteer.Update
	for u, err := range second.Scan(here, nil, gazetteer.Position{}) {
		s.must(err)
		got = append(got, u)
		s.put(at(two, 4+uint64(len(got)), "a", "x"))
	}
	s.want("second, with writes", got, at(one, 2, "b", "x"), at(two, 1, "a", "x"), at(two, 2, "c", "x"))
	second.Close()
}

func testTombstones(t *testing.T, s *subject) {
	s.put(dead(one, 1, "a", "x"), dead(one, 2, "a", "y"), at(one, 3, "a", "z"), dead(two, 4, "b", ""))
	s.save(ring.Save{Put: held(there, dead(one, 5, "c", ""))})
	tombstones := func(below uint64, limit int) []string {
		t.Helper()
		hs, err := s.store.Tombstones(gazetteer.Clock(below<<16), limit)
		s.must(err)
		var out []string
		for _, h := range hs {
			if !h.Update.Tombstone || uint64(h.Update.Stamp.Clock>>16) != h.Update.Position.Seq {
				t.Errorf("%+v is not the tombstone that was put", h.Update)
			}
			out = append(out, fmt.Sprintf("%v:%s/%s", h.Partition.Index, h.Update.Element.ID, h.Update.Element.Location))
		}
		slices.Sort(out)
		return out
	}
	wantEqual(s, "all", tombstones(99, 10), "7:a/x", "7:a/y", "7:b/", "8:c/")
	wantEqual(s, "below 4", tombstones(4, 10), "7:a/x", "7:a/y")
	wantEqual(s, "below 1", tombstones(1, 10))
	if got := tombstones(99, 3); len(got) != 3 {
		t.Errorf("%d with a limit of 3", len(got))
	}
	s.put(at(two, 9, "a", "x"), dead(two, 8, "a", "y"))
	wantEqual(s, "after new values", tombstones(99, 10), "7:a/y", "7:b/", "8:c/")
	wantEqual(s, "below the new stamp", tombstones(8, 10), "7:b/", "8:c/")
}

func testRaise(t *testing.T, s *subject) {
	raise := func(p gazetteer.Partition, st ring.PartitionState) {
		s.save(ring.Save{Raise: map[gazetteer.Partition]ring.PartitionState{p: st}})
	}
	raise(here, ring.PartitionState{Vector: gazetteer.Vector{{Origin: one, Seq: 4}}, CollectedClock: 9})
	raise(here, ring.PartitionState{Filled: true, Collected: gazetteer.Vector{{Origin: one, Seq: 2}}})
	raise(here, ring.PartitionState{
		Vector:    gazetteer.Vector{{Origin: one, Seq: 3}, {Origin: two, Seq: 1}},
		Collected: gazetteer.Vector{{Origin: two, Seq: 1}}, CollectedClock: 5,
	})
	raise(there, ring.PartitionState{})
	s.save(ring.Save{Clock: 70})
	s.save(ring.Save{Clock: 60, Raise: map[gazetteer.Partition]ring.PartitionState{there: {CollectedClock: 1}}})
	wantRaised(t, s.store)
}

// wantRaised checks the state that testRaise left.
func wantRaised(t *testing.T, store ring.Store) {
	t.Helper()
	st := store.State()
	got := st.Partitions[here]
	if !got.Filled || got.CollectedClock != 9 ||
		!got.Vector.Equal(gazetteer.Vector{{Origin: one, Seq: 4}, {Origin: two, Seq: 1}}) ||
		!got.Collected.Equal(gazetteer.Vector{{Origin: one, Seq: 2}, {Origin: two, Seq: 1}}) {
		t.Errorf("state %+v", got)
	}
	if other := st.Partitions[there]; other.Filled || other.CollectedClock != 1 || len(other.Vector) != 0 {
		t.Errorf("state of the other partition %+v", other)
	}
	if st.Clock != 70 {
		t.Errorf("clock %d, want 70", st.Clock)
	}
}

func conflict(at64 int64, loser gazetteer.Update) ring.Conflict {
	return ring.Conflict{Partition: here, Loser: loser, Winner: gazetteer.Stamp{Epoch: 1, Clock: 1 << 50, Origin: two}, At: at64}
}

func (s *subject) wantConflicts(want ...ring.Conflict) {
	s.Helper()
	got := collect(s, s.store.Conflicts())
	same := func(a, b ring.Conflict) bool {
		return a.Partition == b.Partition && a.Winner == b.Winner && a.At == b.At && sameUpdate(a.Loser, b.Loser)
	}
	if !slices.EqualFunc(got, want, same) {
		s.Fatalf("journal:\n got  %+v\n want %+v", got, want)
	}
}

func testJournal(t *testing.T, s *subject) {
	a, b, c := conflict(30, at(one, 1, "a", "x")), conflict(10, at(one, 2, "a", "x")), conflict(20, dead(one, 1<<33, "b", ""))
	a.Loser.Context = gazetteer.Vector{{Origin: two, Seq: 3}}
	s.save(ring.Save{Journal: []ring.Conflict{a, b}})
	again := b
	again.At, again.Winner = 5, gazetteer.Stamp{}
	s.save(ring.Save{Journal: []ring.Conflict{again, c, again}})
	s.wantConflicts(b, c, a)
	elsewhere := b
	elsewhere.Partition, elsewhere.At = there, 40
	s.save(ring.Save{Journal: []ring.Conflict{elsewhere}})
	s.wantConflicts(b, c, a, elsewhere)
	s.want("a loser is not held", s.resource(here, "a"))
}

func testExpire(t *testing.T, s *subject) {
	a, b, c := conflict(10, at(one, 1, "a", "x")), conflict(20, at(one, 2, "a", "x")), conflict(20, at(one, 3, "a", "x"))
	s.save(ring.Save{Journal: []ring.Conflict{a, b, c}})
	s.save(ring.Save{Expire: 10})
	s.wantConflicts(a, b, c)
	s.save(ring.Save{Expire: 20, Journal: []ring.Conflict{conflict(19, at(one, 4, "a", "x"))}})
	s.wantConflicts(b, c)
	s.save(ring.Save{Journal: []ring.Conflict{a}}) // what has expired may come again
	s.wantConflicts(a, b, c)
	s.save(ring.Save{Expire: 1 << 40})
	s.wantConflicts()
	later := a
	later.At = 30 // the same conflict: it came first at 10, and so it expires
	s.save(ring.Save{Expire: 20, Journal: []ring.Conflict{a, later}})
	s.wantConflicts()
}

func testList(t *testing.T, s *subject) {
	s.put(at(one, 1, "b", "x"), at(one, 2, "a", ""), dead(one, 3, "c", ""), dead(one, 4, "c", "x"),
		dead(one, 5, "d", ""), at(one, 6, "d", "x"), at(one, 7, "ab", "x"), at(one, 8, "\xff", "x"))
	wantEqual(s, "all", s.list(""), "a", "ab", "b", "d", "\xff")
	wantEqual(s, "after a", s.list("a"), "ab", "b", "d", "\xff")
	wantEqual(s, "after aa", s.list("aa"), "ab", "b", "d", "\xff")
	wantEqual(s, "after the last", s.list("\xff"))
	s.put(dead(two, 1, "b", "x"), at(two, 2, "c", "x"))
	wantEqual(s, "after changes", s.list("ab"), "c", "d", "\xff")
	for id, err := range s.store.List(here, "") {
		s.must(err)
		if id != "a" {
			t.Errorf("first %q", id)
		}
		break
	}
}

func testRecord(t *testing.T, s *subject) {
	s.put(at(one, 1, "a", "x"))
	for range 2 {
		s.want("record", s.record(here, "a"), at(one, 1, "a", "x"))
		s.want("record of nothing", s.record(here, "b"))
	}
	for seq := uint64(2); seq < 20; seq++ { // each answer must be of the last save
		s.put(at(one, seq, "a", "x"), at(one, 100+seq, "b", fmt.Sprint(seq)))
		s.want("record", s.record(here, "a"), at(one, seq, "a", "x"))
		if n := len(s.record(here, "b")); n != int(seq)-1 {
			t.Fatalf("record of b has %d elements after %d", n, seq)
		}
	}
	s.save(ring.Save{Remove: held(here, at(one, 19, "a", "x"))})
	s.want("removed", s.record(here, "a"))
}

func testOddNames(t *testing.T, s *subject) {
	names := []string{"/", "..", "%2F", " ", "a/b", "\x00", "\x00\x00", "ünï", "🦉", strings.Repeat("i", 255), strings.Repeat("\xff", 255)}
	var want []gazetteer.Update
	for i, n := range names {
		want = append(want, at(one, uint64(i+1), n, names[len(names)-1-i]))
	}
	s.put(want...)
	s.want("scan", s.scan(nil), want...)
	for _, u := range want {
		s.want("record", s.record(here, string(u.Element.ID)), u)
	}
	sorted := slices.Clone(names)
	slices.Sort(sorted)
	for i, id := range s.list("") {
		if string(id) != sorted[i] {
			t.Errorf("%d-th id is %q, want %q", i, id, sorted[i])
		}
	}
}

func testLargeRecords(t *testing.T, s *subject) {
	large := func(seq uint64, n int) []gazetteer.Update {
		var us []gazetteer.Update
		for i := range n {
			u := at(one, seq+uint64(i), "big", fmt.Sprintf("%05d", i))
			u.Body = bytes.Repeat([]byte{byte(seq), byte(i)}, 2_000)
			us = append(us, u)
		}
		return us
	}
	seq := uint64(1)
	for _, n := range []int{1, 14, 17, 40, 250, 33, 2} { // up to 1 MB
		us := large(seq, n)
		seq += uint64(n)
		had := s.resource(here, "big")
		s.save(ring.Save{Remove: held(here, had...), Put: held(here, us...)})
		s.want("resource", s.resource(here, "big"), us...)
		s.want("record", s.record(here, "big"), us...)
		s.want("scan", s.scan(nil), us...)
	}
	s.save(ring.Save{Remove: held(here, s.resource(here, "big")...)})
	s.want("scan", s.scan(nil))
}

func testLargeSaves(t *testing.T, s *subject) {
	const n = 6_000
	us := make([]gazetteer.Update, n)
	for i := range us {
		us[i] = at(one, uint64(i+1), fmt.Sprintf("id-%d", i/4), fmt.Sprint(i%4))
	}
	s.save(ring.Save{Put: held(here, us...), Raise: map[gazetteer.Partition]ring.PartitionState{here: {Vector: gazetteer.Vector{us[n-1].Position}}}})
	s.want("scan", s.scan(nil), us...)
	for i := range us {
		us[i] = at(two, uint64(i+1), fmt.Sprintf("id-%d", i/4), fmt.Sprint(i%4))
	}
	s.save(ring.Save{Put: held(here, us[n/2:]...), Remove: held(here, us[:n/2]...)})
	s.want("scan", s.scan(nil), us[n/2:]...)
}

func testPartitions(t *testing.T, s *subject) {
	other := gazetteer.Partition{Type: "mirro", Index: 7}
	s.put(at(one, 1, "a", "x"))
	s.save(ring.Save{Put: held(there, at(one, 1, "a", "y"), at(two, 1, "b", ""))})
	s.save(ring.Save{Put: held(other, at(one, 1, "a", "z"))})
	s.want("here", s.scan(nil), at(one, 1, "a", "x"))
	s.want("there", collect(s, s.store.Scan(there, nil)), at(one, 1, "a", "y"), at(two, 1, "b", ""))
	s.want("other type", s.resource(other, "a"), at(one, 1, "a", "z"))
	wantEqual(s, "list", s.list(""), "a")
	s.save(ring.Save{Remove: held(there, at(one, 1, "a", "y"))})
	s.want("here, after a removal there", s.resource(here, "a"), at(one, 1, "a", "x"))
	s.want("there", s.resource(there, "a"))
}

// What is dropped is remembered no more, but held until it is removed. A raise in the same
// save begins anew.
func testDrop(t *testing.T, s *subject) {
	up := func(seq uint64) ring.PartitionState {
		v := gazetteer.Vector{{Origin: one, Seq: seq}}
		return ring.PartitionState{Filled: true, Vector: v, Collected: v.Clone(), CollectedClock: gazetteer.Clock(seq)}
	}
	s.save(ring.Save{
		Put:   append(held(here, at(one, 1, "a", "x")), held(there, at(one, 1, "a", "x"))...),
		Raise: map[gazetteer.Partition]ring.PartitionState{here: up(9), there: up(9)},
	})
	s.save(ring.Save{Drop: []gazetteer.Partition{here}})
	if st, ok := s.store.State().Partitions[here]; ok {
		t.Errorf("it is remembered: %+v", st)
	}
	if st := s.store.State().Partitions[there]; !st.Filled || st.Vector.At(one) != 9 {
		t.Errorf("the other partition: %+v", st)
	}
	s.want("what is held", s.scan(nil), at(one, 1, "a", "x"))
	s.save(ring.Save{Drop: []gazetteer.Partition{here}, Raise: map[gazetteer.Partition]ring.PartitionState{here: up(4)}})
	s.save(ring.Save{Drop: []gazetteer.Partition{there}, Remove: held(there, at(one, 1, "a", "x"))})
	if st := s.store.State().Partitions[here]; !st.Filled || st.Vector.At(one) != 4 || st.Collected.At(one) != 4 || st.CollectedClock != 4 {
		t.Errorf("raised anew: %+v", st)
	}
	if n := len(s.store.State().Partitions); n != 1 {
		t.Errorf("%d partitions are remembered", n)
	}
	s.want("nothing is left there", collect(s, s.store.Scan(there, nil)))
}

func testReopen(t *testing.T, s *subject, reopen func() ring.Store) {
	testRaise(t, s)
	kept := []gazetteer.Update{at(one, 1, "a", "x"), dead(one, 2, "a", "y"), at(two, 3, "b", "")}
	s.put(kept...)
	s.save(ring.Save{Clock: 70, Journal: []ring.Conflict{conflict(1, at(one, 9, "a", "x"))}})
	for range 3 {
		clock := s.store.State().Clock
		s.store = reopen()
		s.want("scan", s.scan(nil), kept...)
		s.want("record", s.record(here, "a"), kept[:2]...)
		s.wantConflicts(conflict(1, at(one, 9, "a", "x")))
		if got := s.store.State().Clock; got != clock || got < kept[2].Stamp.Clock {
			t.Errorf("clock %d, before %d", got, clock)
		}
		if hs, err := s.store.Tombstones(1<<60, 10); err != nil || len(hs) != 1 {
			t.Errorf("tombstones %v, %v", hs, err)
		}
	}
	kept[0] = at(two, 4, "a", "x")
	s.put(kept[0])
	s.store = reopen()
	s.want("scan", s.scan(nil), kept[1], kept[2], kept[0])
}
