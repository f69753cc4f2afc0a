package processes

import (
	"math"
	"math/rand/v2"
	"testing"
	"time"

	"gazetteer/simulation/scenario"
)

// TestArrivalsFollowTheirRate: over many seconds so many come as the steps and ramps say,
// and the same seed gives the same times.
func TestArrivalsFollowTheirRate(t *testing.T) {
	steps := []scenario.Step{{Rate: 100}, {At: 100 * time.Second, Rate: 100, Ramp: true}, {At: 200 * time.Second, Rate: 500}, {At: 300 * time.Second, Rate: 0}}
	draw := func(seed uint64) (all []time.Duration) {
		a := newArrivals(steps, 400*time.Second, rand.New(rand.NewPCG(seed, 1)))
		for at, ok := a.next(); ok; at, ok = a.next() {
			all = append(all, at)
		}
		return all
	}
	all := draw(1)
	var counts [4]float64
	for _, at := range all {
		counts[int(at/(100*time.Second))]++
	}
	for i, want := range []float64{10_000, 30_000, 50_000, 0} {
		if math.Abs(counts[i]-want) > 5*math.Sqrt(want) { // five standard deviations
			t.Errorf("part %d: %.0f requests, want about %.0f", i, counts[i], want)
		}
	}
	same := draw(1)
	if len(same) != len(all) || same[len(same)-1] != all[len(all)-1] {
		t.Error("the same seed gives other times")
	}
}

// TestNoRateNoRequests: a fleet that asks for nothing ends.
func TestNoRateNoRequests(t *testing.T) {
	for _, steps := range [][]scenario.Step{nil, {{Rate: 0}}, {{At: time.Hour, Rate: 9}}} {
		if at, ok := newArrivals(steps, time.Second, rand.New(rand.NewPCG(1, 1))).next(); ok {
			t.Errorf("%v: a request at %v", steps, at)
		}
	}
}

// TestPopularityFalls as the scenario says: the first of all is asked for about as often
// as 1/n^s says.
func TestPopularityFalls(t *testing.T) {
	var s stock
	for range 1000 {
		s.add("x", 1)
	}
	s.weigh(1)
	dice := rand.New(rand.NewPCG(1, 1))
	var hits [1000]float64
	const draws = 200_000
	for range draws {
		hits[s.pick(dice)]++
	}
	sum := s.weight[999]
	for _, n := range []int{1, 2, 10, 100} {
		want := draws / sum / float64(n)
		if got := hits[n-1]; math.Abs(got-want) > 5*math.Sqrt(want) {
			t.Errorf("the %dth was asked for %.0f times, want about %.0f", n, got, want)
		}
	}
}
