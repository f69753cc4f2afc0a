package lease

import (
	"fmt"
	"runtime"
	"testing"
	"time"

	"gazetteer"
)

// BenchmarkLeases holds 100,000 leases of 30 s that are renewed every 10 s, and lets an
// hour pass: what one costs in memory, and a second of all of them in processor time.
func BenchmarkLeases(b *testing.B) {
	const many, term, every = 100_000, 30 * time.Second, 10 * time.Second
	names := make([]Name, many)
	for i := range names {
		id := gazetteer.ID(fmt.Sprintf("endpoint-%07d", i))
		names[i] = Name{id, gazetteer.LocationID("main").Hash()}
	}
	for b.Loop() {
		before := heapNow()
		l := New(Config{Grace: grace, Pause: pauseMin})
		for i := range uint32(271) {
			l.Lead(gazetteer.Partition{Type: "mirror", Index: i}, true)
		}
		partition := func(i int) gazetteer.Partition {
			return gazetteer.Partition{Type: "mirror", Index: uint32(i) % 271}
		}
		for i, n := range names {
			l.Renew(partition(i), n, term, Held{Term: term}, true)
		}
		b.ReportMetric(float64(heapNow()-before)/many, "B/lease")
		const tick = 50 * time.Millisecond
		share := many / int(every/tick)
		start, next := time.Now(), 0
		for now := tick; now <= time.Hour; now += tick {
			for range share {
				l.Renew(partition(next), names[next], term, Held{}, true)
				next = (next + 1) % many
			}
			l.Tick(now)
		}
		b.ReportMetric(float64(time.Since(start).Microseconds())/3600, "µs/s")
		if l.Len() != many || l.Counters().Ended != 0 {
			b.Fatalf("%d leases, %+v", l.Len(), l.Counters())
		}
	}
}

func heapNow() int64 {
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return int64(m.HeapAlloc)
}
