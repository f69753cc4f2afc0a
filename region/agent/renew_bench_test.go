package agent

import (
	"fmt"
	"sync/atomic"
	"testing"
	"time"

	"gazetteer"
	"gazetteer/region"
)

// BenchmarkRenew is a renewal through all tiers of one process but for HTTP, over a store
// on disk that holds 100,000 resources with a lease each.
func BenchmarkRenew(b *testing.B) {
	const many = 100_000
	n := whole(b, onDisk(b))
	r := n.Regional()
	ids := make([]string, many)
	publish := make([]region.Change, 0, 500)
	for _, lease := range []bool{false, true} {
		for i := range ids {
			ids[i] = fmt.Sprintf("endpoint-%07d", i)
			c := region.Change{Key: key(ids[i]), Op: region.PutLocation, Locations: []gazetteer.Location{at("fra", 50, 8)}}
			if lease {
				c = region.Change{Key: key(ids[i]), Op: region.RenewLease, Location: "fra", Lease: time.Hour}
			}
			if publish = append(publish, c); len(publish) == cap(publish) {
				for _, rec := range r.Write(b.Context(), publish) {
					if rec.Err != nil {
						b.Fatal(rec.Err)
					}
				}
				publish = publish[:0]
			}
		}
	}
	held := n.agent.Mirrored().Leases.Held
	var next atomic.Int64
	b.ResetTimer()
	b.SetParallelism(32)
	b.RunParallel(func(p *testing.PB) {
		for p.Next() {
			c := region.Change{Key: key(ids[next.Add(1)%many]), Op: region.RenewLease, Location: "fra", Lease: time.Hour}
			if err := r.Write(b.Context(), []region.Change{c})[0].Err; err != nil {
				b.Error(err)
			}
		}
	})
	b.ReportMetric(float64(held), "leases")
}
