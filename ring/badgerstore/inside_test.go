package badgerstore

import (
	"bytes"
	"errors"
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"gazetteer"
	"gazetteer/ring"
)

func smallStore(tb testing.TB, dir string) *Store {
	tb.Helper()
	s, err := Open(Config{Dir: dir, Node: "here", MemTableBytes: 1 << 20, CacheBytes: 1 << 20, MinFree: 1 << 20})
	if err != nil {
		tb.Fatal(err)
	}
	return s
}

// crash ends a store as a crash does: nothing is tidied up.
func crash(tb testing.TB, s *Store) {
	tb.Helper()
	s.gate.close()
	s.keeper.stop()
	if err := errors.Join(s.db.Close(), s.floor.file.Close(), s.lock.Close()); err != nil {
		tb.Fatal(err)
	}
}

func count(tb testing.TB, s *Store, p gazetteer.Partition) int {
	tb.Helper()
	n := 0
	for _, err := range s.Scan(p, nil) {
		if err != nil {
			tb.Fatal(err)
		}
		n++
	}
	return n
}

// A large save is several transactions. Whichever is the last before a crash, the save is
// there as a whole or not at all, and it is there once it was decided.
func TestCrashInLargeSave(t *testing.T) {
	steps := []struct {
		name string
		do   func(s *Store, ops []op, n int) error
		want bool
	}{
		{"a part", func(s *Store, ops []op, _ int) error {
			return s.commit([]op{sealed(intentKey(0), appendOps(nil, ops[:5]))})
		}, false},
		{"all parts", func(s *Store, ops []op, _ int) error {
			_, err := s.writeIntent(ops)
			return err
		}, false},
		{"the head", func(s *Store, ops []op, n int) error { return s.decide(n) }, true},
		{"some entries", func(s *Store, ops []op, _ int) error { return s.commit(ops[:200]) }, true},
		{"all entries", func(s *Store, ops []op, _ int) error { return s.inGroups(ops, s.commit) }, true},
		{"no head any more", func(s *Store, ops []op, n int) error { return s.commit([]op{{key: intentHeadKey()}}) }, true},
	}
	for last := range steps {
		t.Run(steps[last].name, func(t *testing.T) {
			dir := t.TempDir()
			s := smallStore(t, dir)
			before, large := newCatalogue().save(40), newCatalogue()
			large.next, large.origin.Incarnation = 20, 100
			if err := s.Save(before); err != nil {
				t.Fatal(err)
			}
			ops := entriesOf(t, s, large.save(1000))
			n := 0
			if err := s.inGroups(ops, func([]op) error { n++; return nil }); err != nil || n < 3 {
				t.Fatalf("the save is not large: %d parts, %v", n, err)
			}
			for _, step := range steps[:last+1] {
				if err := step.do(s, ops, n); err != nil {
					t.Fatal(err)
				}
			}
			crash(t, s)
			s = smallStore(t, dir)
			wantSaves, wantRecords := uint64(1), uint64(40)
			if steps[last].want {
				wantSaves, wantRecords = 2, 1020
			}
			if r := s.Recovered(); r.Damage != "" || !r.Verified {
				t.Errorf("%+v", r)
			}
			records := uint64(0)
			for _, q := range s.partitions {
				records += q.records
			}
			if s.root.saves != wantSaves || records != wantRecords {
				t.Errorf("%d saves and %d records, want %d and %d", s.root.saves, records, wantSaves, wantRecords)
			}
			if n, err := s.strayParts(); err != nil || n != 0 {
				t.Errorf("%d parts were left over, %v", n, err)
			}
			if err := s.Save(large.save(10)); err != nil {
				t.Error(err)
			}
			if err := s.Close(); err != nil {
				t.Error(err)
			}
		})
	}
}

// What is dropped and raised anew adds up, also after a restart.
func TestVerifyAfterADrop(t *testing.T) {
	dir := t.TempDir()
	s := smallStore(t, dir)
	v := newCatalogue().save(40)
	var parts []gazetteer.Partition
	for p := range v.Raise {
		parts = append(parts, p)
	}
	last := parts[len(parts)-1]
	for _, w := range []*ring.Save{v, {Drop: parts}, {Drop: parts, Raise: map[gazetteer.Partition]ring.PartitionState{last: v.Raise[last]}}} {
		if err := s.Save(w); err != nil {
			t.Fatal(err)
		}
		if err := s.verify(nil); err != nil {
			t.Error(err)
		}
	}
	crash(t, s)
	s = smallStore(t, dir)
	if r := s.Recovered(); r.Damage != "" || !r.Verified || len(s.State().Partitions) != 1 || count(t, s, parts[0]) == 0 {
		t.Errorf("%+v, %+v", r, s.State())
	}
	if err := s.Close(); err != nil {
		t.Error(err)
	}
}

// What is missing or changed behind the store's back does not add up: verify finds every
// kind of it.
func TestVerifyFinds(t *testing.T) {
	fill := func(t *testing.T) (*Store, gazetteer.Partition, gazetteer.Update) {
		s := smallStore(t, t.TempDir())
		v := newCatalogue().save(30)
		dead := v.Put[5]
		dead.Update.Tombstone, dead.Update.Body = true, nil
		v.Put[5] = dead
		v.Put[9].Update.Body = bytes.Repeat([]byte("large"), 3*partBytes/5)
		v.Raise[dead.Partition] = ring.PartitionState{Collected: v.Raise[dead.Partition].Vector, Filled: true, Vector: v.Raise[dead.Partition].Vector}
		v.Journal = []ring.Conflict{{Partition: dead.Partition, Loser: dead.Update, At: 7}}
		if err := s.Save(v); err != nil {
			t.Fatal(err)
		}
		if err := s.verify(nil); err != nil {
			t.Fatalf("before anything was done: %v", err)
		}
		return s, dead.Partition, dead.Update
	}
	_, largeID := benchKey(2)
	largeAt, _ := benchKey(2)
	cases := map[string]func(p gazetteer.Partition, u gazetteer.Update) op{
		"a record": func(p gazetteer.Partition, u gazetteer.Update) op {
			return op{key: appendRecordKey(nil, p, u.Element.ID)}
		},
		"a part": func(gazetteer.Partition, gazetteer.Update) op {
			return op{key: appendPartKey(nil, appendRecordKey(nil, largeAt, largeID), 1)}
		},
		"an index entry": func(p gazetteer.Partition, u gazetteer.Update) op { return op{key: appendIndexKey(nil, p, u.Position)} },
		"a tombstone": func(p gazetteer.Partition, u gazetteer.Update) op {
			return op{key: appendTombstoneKey(nil, p, u.Stamp.Clock, u.Element)}
		},
		"a vector entry": func(p gazetteer.Partition, u gazetteer.Update) op {
			return op{key: appendVectorKey(nil, p, kindVector, u.Position.Origin)}
		},
		"a collected entry": func(p gazetteer.Partition, u gazetteer.Update) op {
			return op{key: appendVectorKey(nil, p, kindCollected, u.Position.Origin)}
		},
		"a state": func(p gazetteer.Partition, _ gazetteer.Update) op { return op{key: appendKind(nil, p, kindState)} },
		"a conflict": func(p gazetteer.Partition, u gazetteer.Update) op {
			return op{key: journalKey(7, appendConflictID(nil, &ring.Conflict{Partition: p, Loser: u}))}
		},
		"an older record": func(p gazetteer.Partition, u gazetteer.Update) op {
			return sealed(appendRecordKey(nil, p, u.Element.ID), ring.AppendRecord(nil, []gazetteer.Update{u}))
		},
		"a key of no kind": func(p gazetteer.Partition, _ gazetteer.Update) op { return sealed(appendKind(nil, p, 99), nil) },
		"a value without seal": func(p gazetteer.Partition, u gazetteer.Update) op {
			return op{appendRecordKey(nil, p, u.Element.ID), []byte("x")}
		},
		"an empty value": func(p gazetteer.Partition, u gazetteer.Update) op {
			return op{appendIndexKey(nil, p, u.Position), []byte{}}
		},
		"a value of another key": func(p gazetteer.Partition, u gazetteer.Update) op {
			o := sealed(appendIndexKey(nil, p, gazetteer.Position{Seq: 9}), appendElement(nil, u.Element))
			return op{appendIndexKey(nil, p, u.Position), o.value}
		},
	}
	for name, harm := range cases {
		t.Run(strings.ReplaceAll(name, " ", "_"), func(t *testing.T) {
			s, p, u := fill(t)
			if err := s.commit([]op{harm(p, u)}); err != nil {
				t.Fatal(err)
			}
			s.stamps.last.Store(s.ts)
			if err := s.verify(nil); !errors.Is(err, ErrCorrupt) {
				t.Errorf("verify: %v", err)
			}
			dir := s.config.Dir
			crash(t, s)
			s = smallStore(t, dir)
			if r := s.Recovered(); r.Damage == "" || len(s.State().Partitions) != 0 {
				t.Errorf("reopened: %+v", r)
			}
			s.Close()
		})
	}
}

// The scrub of a store in use finds what is missing, tells it, and the next start does
// not believe the database.
func TestScrubFinds(t *testing.T) {
	dir := t.TempDir()
	told := make(chan error, 2)
	s, err := Open(Config{Dir: dir, Node: "here", MemTableBytes: 1 << 20, MinFree: 1, ScrubEvery: 20 * time.Millisecond, Damaged: func(err error) { told <- err }})
	if err != nil {
		t.Fatal(err)
	}
	v := newCatalogue().save(30)
	if err := s.Save(v); err != nil {
		t.Fatal(err)
	}
	s.saving.Lock()
	err = s.commit([]op{{key: appendIndexKey(nil, v.Put[0].Partition, v.Put[0].Update.Position)}})
	s.stamps.last.Store(s.ts)
	s.saving.Unlock()
	if err != nil {
		t.Fatal(err)
	}
	select {
	case err := <-told:
		if !errors.Is(err, ErrCorrupt) {
			t.Error(err)
		}
	case <-time.After(10 * time.Second):
		t.Fatal("the scrub found nothing")
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	s, err = Open(Config{Dir: dir, Node: "here", MemTableBytes: 1 << 20, MinFree: 1, ScrubAtOpen: -1})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	if r := s.Recovered(); r.Clean || !strings.Contains(r.Damage, "index") {
		t.Errorf("%+v", r)
	}
}

// After a save that failed nothing more is saved, and the directory is not marked clean.
func TestFailStop(t *testing.T) {
	for name, harm := range map[string]func(s *Store){
		"commit":            func(s *Store) { s.db.Close() },
		"floor":             func(s *Store) { s.floor.file.Close() },
		"behind_our_back":   func(s *Store) { s.logger.Errorf("error flushing memtable to disk: %v", "no") },
		"sync_of_the_floor": func(s *Store) { s.logger.first.Store(new(string)) },
	} {
		t.Run(name, func(t *testing.T) {
			s := smallStore(t, t.TempDir())
			c := newCatalogue()
			if err := s.Save(c.save(5)); err != nil {
				t.Fatal(err)
			}
			last := s.stamps.last.Load()
			harm(s)
			first := s.Save(c.save(5))
			if gazetteer.KindOf(first) != gazetteer.Internal || first == nil {
				t.Fatalf("Save: %v", first)
			}
			if again := s.Save(c.save(5)); again != first {
				t.Errorf("a second Save: %v", again)
			}
			if s.stamps.last.Load() != last {
				t.Error("readers see a save that failed")
			}
			if err := s.Close(); err != first {
				t.Errorf("Close: %v", err)
			}
			if id, err := readIdentity(s.config.Dir); err != nil || id.Clean {
				t.Errorf("left as %+v, %v", id, err)
			}
			s.db.Close()
		})
	}
}

// What keys cannot hold is refused, rather than stored under another key.
func TestOverlongNamesAreRefused(t *testing.T) {
	long := strings.Repeat("x", 256)
	for _, h := range []ring.Held{
		{Partition: gazetteer.Partition{Type: gazetteer.Type(long)}, Update: gazetteer.Update{Element: gazetteer.Element{ID: "a"}}},
		{Update: gazetteer.Update{Element: gazetteer.Element{ID: gazetteer.ID(long)}}},
		{Update: gazetteer.Update{Element: gazetteer.Element{ID: "a", Location: gazetteer.LocationID(long)}}},
		{},
	} {
		s := smallStore(t, t.TempDir())
		if err := s.Save(&ring.Save{Put: []ring.Held{h}}); gazetteer.KindOf(err) != gazetteer.Invalid {
			t.Errorf("%+v: %v", h, err)
		}
		s.Close()
	}
}

// A reader that was overtaken by a save does not put the older value into the cache.
func TestCacheIsNotFilledWithThePast(t *testing.T) {
	c := newCache(1 << 20)
	defer c.close()
	key := []byte("key")
	wants := func(want string) {
		t.Helper()
		if got, _ := c.get(nil, key); string(got) != want {
			t.Errorf("cached %q, want %q", got, want)
		}
	}
	early := c.generation(key)
	c.update(key, []byte("new"))
	c.fill(key, []byte("old"), early)
	wants("new")
	c.records.Del(key)
	c.fill(key, []byte("old"), early)
	wants("")
	c.fill(key, []byte("new"), c.generation(key))
	wants("new")
	c.update(key, make([]byte, maxCached)) // too large to keep: the old one must go
	wants("")
}

// A reader whose timestamp has fallen below the horizon may see anything: it reads again.
func TestReadBelowTheHorizon(t *testing.T) {
	s := smallStore(t, t.TempDir())
	defer s.Close()
	p, key := gazetteer.Partition{Type: "a"}, appendRecordKey(nil, gazetteer.Partition{Type: "a"}, "id")
	save := func(seq uint64) (ts uint64) {
		u := gazetteer.Update{Element: gazetteer.Element{ID: "id"}, Position: gazetteer.Position{Seq: seq}}
		if err := s.Save(&ring.Save{Put: []ring.Held{{Partition: p, Update: u}}}); err != nil {
			t.Fatal(err)
		}
		return s.stamps.last.Load()
	}
	early, late := save(1), save(2)
	if s.stamps.horizon.Load() != late {
		t.Fatalf("the horizon is %d, want %d", s.stamps.horizon.Load(), late)
	}
	s.stamps.last.Store(early) // as a reader saw it that was then held up
	time.AfterFunc(50*time.Millisecond, func() { s.stamps.last.Store(late) })
	b, err := s.read(nil, key)
	v := ring.View(b)
	if v.Next(); err != nil || v.Position.Seq != 2 {
		t.Errorf("read save %d, %v", v.Position.Seq, err)
	}
}

// What an open snapshot sees survives compaction, and goes after it is closed.
func TestSnapshotOutlivesCompaction(t *testing.T) {
	s := smallStore(t, t.TempDir())
	defer s.Close()
	p := gazetteer.Partition{Type: "a"}
	const resources = 20
	save := func(n int) {
		v := &ring.Save{}
		for i := range resources {
			u := gazetteer.Update{
				Element:  gazetteer.Element{ID: gazetteer.ID(fmt.Sprint("id-", i))},
				Position: gazetteer.Position{Seq: uint64(n*resources + i + 1)},
				Body:     bytes.Repeat(fmt.Appendf(nil, "%d/%d ", n, i), 500),
			}
			v.Put = append(v.Put, ring.Held{Partition: p, Update: u})
		}
		if err := s.Save(v); err != nil {
			t.Fatal(err)
		}
	}
	save(0)
	snap := s.Snapshot()
	for n := 1; n <= 60; n++ {
		save(n)
	}
	if err := s.db.Flatten(1); err != nil || len(s.db.Tables()) == 0 {
		t.Fatalf("nothing was compacted: %v", err)
	}
	n := uint64(0)
	for u, err := range snap.Scan(p, nil, gazetteer.Position{}) {
		if n++; err != nil || u.Position.Seq != n {
			t.Fatalf("the snapshot yields %v, %v, want %d", u.Position, err, n)
		}
	}
	if n != resources {
		t.Errorf("the snapshot yields %d of %d", n, resources)
	}
	held := s.stamps.horizon.Load()
	snap.Close()
	save(61)
	if now := s.stamps.horizon.Load(); now <= held || now != s.stamps.last.Load() {
		t.Errorf("after the snapshot was closed the horizon is %d, it was %d", now, held)
	}
}

// Readers that miss the cache race a writer whose old versions compaction drops. Each
// read finds what was acknowledged before it began, or later.
func TestReadersRaceCompaction(t *testing.T) {
	s := smallStore(t, t.TempDir())
	defer s.Close()
	p := gazetteer.Partition{Type: "hot"}
	o := gazetteer.Origin{Store: 1}
	key := appendRecordKey(nil, p, "a")
	var acknowledged atomic.Uint64
	var done atomic.Bool
	var readers sync.WaitGroup
	for range 2 {
		readers.Go(func() {
			for !done.Load() && !t.Failed() {
				floor := acknowledged.Load()
				s.cache.records.Del(key)
				b, err := s.AppendRecord(nil, p, "a")
				v := ring.View(b)
				if v.Next(); err != nil || v.Position.Seq < floor {
					t.Errorf("read save %d after %d was acknowledged: %v", v.Position.Seq, floor, err)
				}
			}
		})
	}
	for n := uint64(1); n <= 250 && !t.Failed(); n++ {
		body := bytes.Repeat(fmt.Appendf(nil, "%d ", n), 7000)
		u := gazetteer.Update{Element: gazetteer.Element{ID: "a"}, Position: gazetteer.Position{Origin: o, Seq: n}, Body: body}
		if err := s.Save(&ring.Save{Put: []ring.Held{{Partition: p, Update: u}}}); err != nil {
			t.Fatal(err)
		}
		acknowledged.Store(n)
	}
	done.Store(true)
	readers.Wait()
	if len(s.db.Tables()) == 0 {
		t.Error("no table was flushed: there was no compaction to race")
	}
}
