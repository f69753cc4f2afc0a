package rest

import (
	"sync/atomic"

	"github.com/prometheus/client_golang/prometheus"

	"gazetteer/region"
)

// regrets tell how well clients come to the region that is best for them: of the region
// that answered, which one it is in their order, and how much longer the way to it is
// than to the first. One lookup in regretEvery is looked at: it costs a few microseconds.
type regrets struct {
	rank    prometheus.Histogram
	seconds prometheus.Histogram
	turn    atomic.Uint32
}

const regretEvery = 16

func newRegrets() *regrets {
	return &regrets{
		rank: prometheus.NewHistogram(prometheus.HistogramOpts{
			Name: "gazetteer_resolve_answer_rank", Help: "Which of the regions in the client's order answered, of one lookup in 16; 1 is the best for him.",
			Buckets: []float64{1, 2, 3, 4, 6, 8, 12, 16, 24, 32},
		}),
		seconds: prometheus.NewHistogram(prometheus.HistogramOpts{
			Name: "gazetteer_resolve_regret_seconds", Help: "How much longer the client's expected round trip to the region that answered is than to the best, of one lookup in 16.",
			Buckets: []float64{0, 1e-3, 2.5e-3, 5e-3, 10e-3, 25e-3, 50e-3, 0.1, 0.15, 0.2, 0.3, 0.5},
		}),
	}
}

// due reports whether this lookup is to be looked at.
func (r *regrets) due() bool { return r.turn.Add(1)%regretEvery == 0 }

// observe takes the client's order of regions. Those that take no clients do not count.
func (r *regrets) observe(order []region.Choice, a *region.Answer) {
	if len(order) == 0 || order[0].Excluded != "" {
		return
	}
	for i := range order {
		if order[i].Site.Name == a.Region {
			r.rank.Observe(float64(i + 1))
			r.seconds.Observe(max(0, order[i].Terms.RTT-order[0].Terms.RTT) / 1e3)
			return
		}
	}
}
