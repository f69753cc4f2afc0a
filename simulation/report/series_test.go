package report

import (
	"slices"
	"testing"
	"time"

	"gazetteer/simulation/result"
)

// TestRates: counts become rates by the length of their period, and the scrap of a period
// at the end is none.
func TestRates(t *testing.T) {
	var samples []result.Sample
	for _, s := range []struct {
		at     time.Duration
		server string
		value  float64
	}{{10 * time.Second, "a/1", 30}, {10 * time.Second, "a/2", 20}, {20 * time.Second, "", 70}, {20 * time.Second, "a/1", 1}, {20_100 * time.Millisecond, "", 9}} {
		samples = append(samples, result.Sample{At: s.at, Region: "a", Tier: "client", Server: s.server, Metric: result.MetricRequests, Value: s.value})
	}
	got := linesOf(samples, "client", result.MetricRequests, sum).perSecond()["a"]
	if want := []point{{10, 5}, {20, 7}}; !slices.Equal(got, want) {
		t.Errorf("rates %v, want %v: servers are added, a tier's own sample stands for them", got, want)
	}
}
