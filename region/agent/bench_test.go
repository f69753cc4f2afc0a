package agent

import (
	"fmt"
	"net/netip"
	"path/filepath"
	"sync"
	"sync/atomic"
	"testing"

	"gazetteer"
	"gazetteer/region"
	"gazetteer/region/geo"
	"gazetteer/region/geo/sample"
	"gazetteer/ring"
	"gazetteer/ring/badgerstore"
	"gazetteer/ring/memstore"
)

// whole starts one process with all roles over a store, with the type mirror in it.
func whole(b *testing.B, store ring.Store) *Node {
	b.Helper()
	locator, err := geo.LocatorFromBytes(sample.City())
	if err != nil {
		b.Fatal(err)
	}
	n, err := Start(b.Context(), Config{Plan: ringOf(1), Node: "r0", Store: store, Locator: locator})
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { _ = n.Close(); _ = store.Close() })
	if _, err = n.Regional().PutType(b.Context(), region.TypeSpec{Name: "mirror"}); err != nil {
		b.Fatal(err)
	}
	return n
}

func onDisk(b *testing.B) ring.Store {
	b.Helper()
	s, err := badgerstore.Open(badgerstore.Config{Dir: filepath.Join(b.TempDir(), "store"), Node: "r0", Partitions: testPartitions})
	if err != nil {
		b.Fatal(err)
	}
	return s
}

// BenchmarkResolve is the whole of a lookup in one process but for HTTP: placing the
// client by his address, all tiers, decoding and ranking three locations.
func BenchmarkResolve(b *testing.B) {
	b.Run("memstore", func(b *testing.B) { benchmarkResolve(b, memstore.New()) })
	b.Run("badgerstore", func(b *testing.B) { benchmarkResolve(b, onDisk(b)) })
}

func benchmarkResolve(b *testing.B, store ring.Store) {
	r := whole(b, store).Regional()
	put(b, r, "x")
	q := region.Query{Key: key("x"), Client: geo.Client{Addr: netip.MustParseAddr("81.2.69.142")}}
	ctx := b.Context()
	var a region.Answer
	b.ReportAllocs()
	for b.Loop() {
		if err := r.Resolve(ctx, &q, &a); err != nil {
			b.Fatal(err)
		}
	}
	if len(a.Candidates) != 3 {
		b.Fatal(a.Candidates)
	}
}

// BenchmarkPut has 64 clients who each wait until their own location is durable.
func BenchmarkPut(b *testing.B) {
	r := whole(b, onDisk(b)).Regional()
	var next atomic.Int64
	var all sync.WaitGroup
	b.ResetTimer()
	for range 64 {
		all.Go(func() {
			for i := next.Add(1); i <= int64(b.N); i = next.Add(1) {
				c := region.Change{Key: key(fmt.Sprint("id", i)), Op: region.PutLocation, Locations: []gazetteer.Location{at("fra", 50, 8)}}
				if rec := r.Write(b.Context(), []region.Change{c})[0]; rec.Err != nil {
					b.Error(rec.Err)
					return
				}
			}
		})
	}
	all.Wait()
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "writes/s")
}

// BenchmarkImport writes resources of three locations, in calls of 1,000 of which four
// are under way at a time.
func BenchmarkImport(b *testing.B) {
	const perCall = 1000
	r := whole(b, onDisk(b)).Regional()
	var next atomic.Int64
	var all sync.WaitGroup
	b.ResetTimer()
	for range 4 {
		all.Go(func() {
			for i := next.Add(perCall) - perCall; i < int64(b.N); i = next.Add(perCall) - perCall {
				cs := make([]region.Change, min(perCall, int64(b.N)-i))
				for j := range cs {
					cs[j] = region.Change{Key: key(fmt.Sprint("id", i+int64(j))), Op: region.PutResource,
						Locations: []gazetteer.Location{at("fra", 50, 8), at("nyc", 40, -74), at("akl", -37, 175)}}
				}
				for _, rec := range r.Write(b.Context(), cs) {
					if rec.Err != nil {
						b.Error(rec.Err)
						return
					}
				}
			}
		})
	}
	all.Wait()
	b.ReportMetric(3*float64(b.N)/b.Elapsed().Seconds(), "locations/s")
}
