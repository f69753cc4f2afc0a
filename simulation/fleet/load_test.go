package fleet

import (
	"math"
	"math/rand/v2"
	"testing"
	"time"

	"gazetteer/simulation/scenario"
)

// count returns how many requests come from one time to another.
func count(steps []scenario.Step, from, to, end time.Duration) (n int) {
	a := NewArrivals(steps, rand.New(rand.NewPCG(3, 4)))
	for at, ok := a.Next(0, end); ok; at, ok = a.Next(at, end) {
		if at >= from && at < to {
			n++
		}
	}
	return n
}

func TestArrivalsFollowSteps(t *testing.T) {
	s := time.Second
	steps := []scenario.Step{{At: 10 * s, Rate: 100}, {At: 20 * s, Rate: 100, Ramp: true}, {At: 40 * s, Rate: 500}, {At: 60 * s, Rate: 0}}
	for _, c := range []struct {
		name     string
		from, to time.Duration
		want     float64
	}{
		{"before the first step", 0, 10 * s, 0},
		{"even", 10 * s, 20 * s, 1000},
		{"ramp", 20 * s, 40 * s, 6000},
		{"second half of the ramp", 30 * s, 40 * s, 4000},
		{"crowd", 40 * s, 60 * s, 10_000},
		{"after the end of the load", 60 * s, 100 * s, 0},
	} {
		got := float64(count(steps, c.from, c.to, 100*s))
		if math.Abs(got-c.want) > 4*math.Sqrt(c.want) {
			t.Errorf("%s: %v requests, want %v give or take 4 standard deviations", c.name, got, c.want)
		}
	}
	if n := count(steps, 0, time.Hour, 15*s); n > 600 {
		t.Errorf("%d requests although the load ends after 5 s at 100 a second", n)
	}
}

// The variance of a Poisson process' counts is their mean; evenly spaced ones have none.
func TestArrivalsArePoisson(t *testing.T) {
	a := NewArrivals([]scenario.Step{{Rate: 100}}, rand.New(rand.NewPCG(5, 6)))
	perSecond := make([]float64, 2000)
	end := time.Duration(len(perSecond)) * time.Second
	for at, ok := a.Next(0, end); ok; at, ok = a.Next(at, end) {
		perSecond[at/time.Second]++
	}
	var sum, squares float64
	for _, n := range perSecond {
		sum += n
		squares += n * n
	}
	mean := sum / float64(len(perSecond))
	variance := squares/float64(len(perSecond)) - mean*mean
	if math.Abs(mean-100) > 1 || math.Abs(variance/mean-1) > 0.15 {
		t.Errorf("mean %.1f and variance %.1f a second, want both about 100", mean, variance)
	}
}

func TestPopularityFollowsZipf(t *testing.T) {
	const draws = 200_000
	for _, s := range []float64{0, 0.8, 1.1} {
		p := NewPopularity(100, s)
		r := rand.New(rand.NewPCG(7, 8))
		var counts [100]float64
		for range draws {
			counts[p.Draw(r)]++
		}
		sum := 0.0
		for n := range counts {
			sum += math.Pow(float64(n+1), -s)
		}
		for n, got := range counts {
			want := draws * math.Pow(float64(n+1), -s) / sum
			if math.Abs(got-want) > 5*math.Sqrt(want) {
				t.Errorf("s %v: number %d was drawn %v times, want about %.0f", s, n, got, want)
			}
		}
	}
}
