package badgerstore

import (
	"encoding/binary"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
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

func BenchmarkAppendRecord(b *testing.B) {
	s := benchStore(b)
	const n = 50_000
	c := newCatalogue()
	for range n / 1000 {
		if err := s.Save(c.save(1000)); err != nil {
			b.Fatal(err)
		}
	}
	dst := make([]byte, 0, 4096)
	read := func(b *testing.B, forget bool) {
		b.ReportAllocs()
		rng := rand.New(rand.NewPCG(1, 2))
		var key [maxKey]byte
		for b.Loop() {
			p, id := benchKey2(rng.IntN(n))
			if forget {
				s.cache.records.Del(appendRecordKey(key[:0], p, id))
			}
			var err error
			if dst, err = s.AppendRecord(dst[:0], p, id); err != nil || len(dst) == 0 {
				b.Fatal(len(dst), err)
			}
		}
	}
	ids = make([]gazetteer.ID, n)
	parts_ = make([]gazetteer.Partition, n)
	for i := range ids {
		parts_[i], ids[i] = benchKey(i)
	}
	b.Run("hit", func(b *testing.B) { read(b, false) })
	b.Run("miss", func(b *testing.B) { read(b, true) })
	b.Run("absent", func(b *testing.B) {
		for b.Loop() {
			if out, err := s.AppendRecord(nil, gazetteer.Partition{Type: "service", Index: 3}, "r-nobody"); err != nil || len(out) > 0 {
				b.Fatal(err)
			}
		}
	})
}

var ids []gazetteer.ID
var parts_ []gazetteer.Partition

func benchKey2(i int) (gazetteer.Partition, gazetteer.ID) { return parts_[i], ids[i] }

// TestMillion measures a large store: with -million N (resources).
func TestMillion(t *testing.T) {
	n, _ := strconv.Atoi(os.Getenv("MILLION"))
	if n == 0 {
		t.Skip()
	}
	dir := t.TempDir()
	s, err := Open(Config{Dir: dir, Node: "bench"})
	if err != nil {
		t.Fatal(err)
	}
	c := newCatalogue()
	since := time.Now()
	for range n / 1000 {
		if err := s.Save(c.save(1000)); err != nil {
			t.Fatal(err)
		}
	}
	took := time.Since(since)
	t.Logf("import of %d resources: %v, %.0f elements/s, %s", n, took, float64(4*n)/took.Seconds(), memory())
	since = time.Now()
	dst := []byte(nil)
	for range 1_000_000 {
		p, id := benchKey(rand.IntN(n))
		dst, _ = s.AppendRecord(dst[:0], p, id)
	}
	t.Logf("1M reads: %v, %s", time.Since(since), memory())
	since = time.Now()
	err = s.verify(nil)
	t.Logf("verify: %v %v", time.Since(since), err)
	since = time.Now()
	k := 0
	for _, e := range s.Scan(gazetteer.Partition{Type: "service", Index: 3}, nil) {
		if e != nil {
			t.Fatal(e)
		}
		k++
	}
	t.Logf("scan of %d: %v", k, time.Since(since))
	since = time.Now()
	s.Close()
	t.Logf("close: %v", time.Since(since))
	size := int64(0)
	paths, _ := filepath.Glob(dir + "/db/*.sst")
	for _, p := range paths {
		i, _ := os.Stat(p)
		size += i.Size()
	}
	t.Logf("%d tables, %d MB", len(paths), size>>20)
	for range 2 {
		since = time.Now()
		s, err = Open(Config{Dir: dir, Node: "bench"})
		if err != nil {
			t.Fatal(err)
		}
		t.Logf("open: %v %+v, %s", time.Since(since), s.Recovered(), memory())
		s.Close()
	}
	_ = binary.BigEndian
}

func memory() string {
	b, _ := os.ReadFile("/proc/self/status")
	for _, l := range strings.Split(string(b), "\n") {
		if strings.HasPrefix(l, "RssAnon") {
			return strings.Join(strings.Fields(l), " ")
		}
	}
	return ""
}
