package virtual

import (
	"io"
	"testing"

	"gazetteer/simulation/scenario"
	"gazetteer/simulation/scenarios"
)

// What a planet costs: events and requests for each second of one core.
func BenchmarkRun(b *testing.B) {
	for _, name := range []string{"paper", "faults-60s", "thousands"} {
		b.Run(name, func(b *testing.B) {
			s, err := scenarios.Open(name)
			if err != nil {
				b.Fatal(err)
			}
			var events, requests float64
			for i := range b.N {
				var p planet
				r, err := runWith(b.Context(), s, Options{Seed: uint64(i + 1)}, func(s *scenario.Scenario, seed uint64, c *stock, events io.Writer) (planet, error) {
					var err error
					p, err = makeWorld(s, seed, c, events)
					return p, err
				})
				if err != nil || r.Unfinished != "" || len(r.Failed()) > 0 {
					b.Fatalf("%v, unfinished %q, failed %v", err, r.Unfinished, r.Failed())
				}
				events += float64(p.Agenda().Steps())
				requests += float64(r.Generators.Reads + r.Generators.Writes)
			}
			b.ReportMetric(events/b.Elapsed().Seconds(), "events/s")
			b.ReportMetric(requests/b.Elapsed().Seconds(), "requests/s")
			b.ReportMetric(requests/float64(b.N), "requests/op")
		})
	}
}
