package badgerstore

import (
	"flag"
	"fmt"
	"math/rand/v2"
	"os"
	"strconv"
	"strings"
	"testing"
	"time"

	"gazetteer"
	"gazetteer/ring"

	"github.com/dgraph-io/badger/v4"
)

// catalogue makes resources as a publisher's import brings them: attributes and three
// locations each.
type catalogue struct {
	origin gazetteer.Origin
	next   int
	seqs   map[gazetteer.Partition]uint64
}

func newCatalogue() *catalogue {
	return &catalogue{origin: gazetteer.Origin{Store: 1, Incarnation: 99}, seqs: map[gazetteer.Partition]uint64{}}
}

func benchKey(n int) (gazetteer.Partition, gazetteer.ID) {
	id := gazetteer.ID(fmt.Sprintf("r-%010d", n))
	return gazetteer.PartitionOf(gazetteer.Key{Type: "service", ID: id}, gazetteer.DefaultPartitions), id
}

// save returns the save of the next n resources.
func (c *catalogue) save(n int) *ring.Save {
	v := &ring.Save{Raise: map[gazetteer.Partition]ring.PartitionState{}}
	for range n {
		p, id := benchKey(c.next)
		c.next++
		for i, l := range []gazetteer.LocationID{"", "fra-01", "lon-02", "nyc-03"} {
			c.seqs[p]++
			u := gazetteer.Update{
				Element:  gazetteer.Element{ID: id, Location: l},
				Stamp:    gazetteer.Stamp{Clock: gazetteer.ClockAt(1_700_000_000_000) + gazetteer.Clock(c.next*4+i), Origin: c.origin},
				Position: gazetteer.Position{Origin: c.origin, Seq: c.seqs[p]},
				Body:     fmt.Appendf(nil, `{"url":"https://%s.example.net/data/%s","lat":50.11,"lon":8.68,"country":"DE"}`, l, id),
			}
			v.Put = append(v.Put, ring.Held{Partition: p, Update: u})
		}
		v.Raise[p] = ring.PartitionState{Filled: true, Vector: gazetteer.Vector{{Origin: c.origin, Seq: c.seqs[p]}}}
	}
	return v
}

func benchStore(tb testing.TB) *Store {
	s, err := Open(Config{Dir: tb.TempDir(), Node: "bench"})
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() { s.Close() })
	return s
}

// BenchmarkImport compares imports in batches of 1,000 resources with bare synced Badger
// transactions of the same entries, turn by turn in one run. The replica's read of every
// resource before it is saved is part of the store's time.
func BenchmarkImport(b *testing.B) {
	const batch = 1000
	s := benchStore(b)
	bare, err := badger.Open(badger.DefaultOptions(b.TempDir()).WithSyncWrites(true).WithLogger(nil))
	if err != nil {
		b.Fatal(err)
	}
	defer bare.Close()
	c := newCatalogue()
	var ours, theirs time.Duration
	var elements int
	for b.Loop() {
		v := c.save(batch)
		ops := entriesOf(b, s, v)
		since := time.Now()
		for i := 0; i < len(v.Put); i += 4 {
			if _, err := s.Resource(v.Put[i].Partition, v.Put[i].Update.Element.ID); err != nil {
				b.Fatal(err)
			}
		}
		if err := s.Save(v); err != nil {
			b.Fatal(err)
		}
		ours += time.Since(since)
		since = time.Now()
		err := bare.Update(func(txn *badger.Txn) error {
			for _, o := range ops {
				if err := txn.Set(o.key, o.value); err != nil {
					return err
				}
			}
			return nil
		})
		if err != nil {
			b.Fatal(err)
		}
		theirs += time.Since(since)
		elements += len(v.Put)
	}
	b.ReportMetric(float64(elements)/ours.Seconds(), "elements/s")
	b.ReportMetric(float64(elements)/theirs.Seconds(), "bare-elements/s")
	b.ReportMetric(theirs.Seconds()/ours.Seconds(), "of-bare")
}

// entriesOf returns copies of the entries that v will be written as.
func entriesOf(tb testing.TB, s *Store, v *ring.Save) []op {
	scratch := newBatch(s)
	if err := scratch.fill(v); err != nil {
		tb.Fatal(err)
	}
	return scratch.ops
}

// BenchmarkAppendRecord reads random ones of 50,000 records: from the cache, from the
// database, and one that is not there.
func BenchmarkAppendRecord(b *testing.B) {
	const n = 50_000
	s, c := benchStore(b), newCatalogue()
	for range n / 1000 {
		if err := s.Save(c.save(1000)); err != nil {
			b.Fatal(err)
		}
	}
	type place struct {
		partition gazetteer.Partition
		id        gazetteer.ID
	}
	places := make([]place, n)
	for i := range places {
		places[i].partition, places[i].id = benchKey(i)
	}
	var dst, key []byte
	read := func(b *testing.B, cached bool) {
		b.ReportAllocs()
		rng := rand.New(rand.NewPCG(1, 2))
		for b.Loop() {
			at := &places[rng.IntN(n)]
			if !cached {
				key = appendRecordKey(key[:0], at.partition, at.id)
				s.cache.records.Del(key)
			}
			var err error
			if dst, err = s.AppendRecord(dst[:0], at.partition, at.id); err != nil || len(dst) == 0 {
				b.Fatal(len(dst), err)
			}
		}
	}
	b.Run("hit", func(b *testing.B) { read(b, true) })
	b.Run("miss", func(b *testing.B) { read(b, false) })
	b.Run("absent", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			if out, err := s.AppendRecord(nil, places[0].partition, "r-nobody"); err != nil || len(out) > 0 {
				b.Fatal(err)
			}
		}
	})
}

var million = flag.Bool("million", false, "measure a store of a million resources with three locations each")

// TestMillion holds a store of a million resources with three locations each to its
// bounds: a gibibyte of anonymous memory while it serves, ten seconds from start to
// ready, also after a crash.
func TestMillion(t *testing.T) {
	if !*million {
		t.Skip("only with -million: it takes minutes")
	}
	const n = 1_000_000
	config := Config{Dir: t.TempDir(), Node: "bench"}
	s, err := Open(config)
	if err != nil {
		t.Fatal(err)
	}
	c, since := newCatalogue(), time.Now()
	for range n / 1000 {
		if err := s.Save(c.save(1000)); err != nil {
			t.Fatal(err)
		}
	}
	took := time.Since(since)
	t.Logf("import: %v, %.0f elements/s, %d MiB of tables, %s", took, 4*n/took.Seconds(), s.onDisk()>>20, residence(t))
	c = nil
	readMany(t, s, n)
	crash(t, s)
	for _, end := range []string{"a crash", "a clean end"} {
		since = time.Now()
		if s, err = Open(config); err != nil {
			t.Fatal(err)
		}
		took := time.Since(since)
		t.Logf("open after %s: %v, %+v", end, took, s.Recovered())
		if took > 10*time.Second || s.Recovered().Damage != "" {
			t.Errorf("ready after %v: %+v", took, s.Recovered())
		}
		readMany(t, s, n)
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
	}
}

func readMany(t *testing.T, s *Store, n int) {
	t.Helper()
	var dst []byte
	for range 3 {
		since := time.Now()
		for range n / 2 {
			p, id := benchKey(rand.IntN(n))
			var err error
			if dst, err = s.AppendRecord(dst[:0], p, id); err != nil || len(dst) == 0 {
				t.Fatal(err)
			}
		}
		t.Logf("%d random reads: %v each, %s", n/2, time.Since(since)/time.Duration(n/2), residence(t))
	}
}

// residence returns the anonymous memory of this process, and fails if it is above a
// gibibyte.
func residence(t *testing.T) string {
	t.Helper()
	b, err := os.ReadFile("/proc/self/status")
	if err != nil {
		return "memory unknown"
	}
	_, rest, _ := strings.Cut(string(b), "RssAnon:")
	kib, err := strconv.Atoi(strings.Fields(rest)[0])
	if err != nil || kib > 1<<20 {
		t.Errorf("%d KiB of anonymous memory, %v", kib, err)
	}
	return fmt.Sprintf("RssAnon %d MiB", kib>>10)
}
