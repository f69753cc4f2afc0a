package fleet

import (
	"math/rand/v2"
	"time"

	"gazetteer/simulation/scenario"
)

// Arrivals is when requests come: a Poisson process whose rate follows steps. It is
// open-loop: no answer is waited for, so that a stall is seen in full (no coordinated
// omission).
type Arrivals struct {
	steps []scenario.Step
	rand  *rand.Rand
	most  float64 // requests a second
}

// NewArrivals returns arrivals by the rates of some steps, which are sorted by time.
func NewArrivals(steps []scenario.Step, r *rand.Rand) *Arrivals {
	a := &Arrivals{steps: steps, rand: r}
	for _, s := range steps {
		a.most = max(a.most, s.Rate)
	}
	return a
}

// Rate is how many requests a second come at a time.
func (a *Arrivals) Rate(at time.Duration) float64 {
	i := len(a.steps) - 1
	for i >= 0 && a.steps[i].At > at {
		i--
	}
	if i < 0 {
		return 0
	}
	s := a.steps[i]
	if !s.Ramp || i+1 == len(a.steps) {
		return s.Rate
	}
	next := a.steps[i+1]
	share := float64(at-s.At) / float64(next.At-s.At)
	return s.Rate + share*(next.Rate-s.Rate)
}

// Next returns when the next request comes after a time; false if none does before the
// end. Candidates come at the highest rate, and the rate of their time decides which of
// them count (thinning, Lewis and Shedler 1979).
func (a *Arrivals) Next(after, end time.Duration) (time.Duration, bool) {
	if a.most <= 0 {
		return 0, false
	}
	for at := after; ; {
		at += time.Duration(a.rand.ExpFloat64() / a.most * float64(time.Second))
		if at >= end {
			return 0, false
		}
		if a.rand.Float64()*a.most < a.Rate(at) {
			return at, true
		}
	}
}
