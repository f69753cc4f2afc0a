package processes

import (
	"math/rand/v2"
	"time"

	"gazetteer/simulation/scenario"
)

// arrivals are the times at which a fleet's requests begin, whatever became of the earlier
// ones: a Poisson process whose rate follows the scenario. It is thinned out of one of the
// highest rate (Lewis and Shedler, 1979).
type arrivals struct {
	steps   []scenario.Step
	highest float64 // requests a second
	dice    *rand.Rand
	at      time.Duration // of the last candidate
	end     time.Duration
}

func newArrivals(steps []scenario.Step, end time.Duration, dice *rand.Rand) *arrivals {
	a := &arrivals{steps: steps, dice: dice, end: end}
	for _, s := range steps {
		a.highest = max(a.highest, s.Rate)
	}
	return a
}

// next returns when the next request begins, false if none does before the end.
func (a *arrivals) next() (at time.Duration, ok bool) {
	if a.highest <= 0 {
		return 0, false
	}
	for {
		a.at += time.Duration(a.dice.ExpFloat64() / a.highest * float64(time.Second))
		if a.at >= a.end {
			return 0, false
		}
		if a.dice.Float64()*a.highest < rateAt(a.steps, a.at) {
			return a.at, true
		}
	}
}

// rateAt is how many requests a second begin at a time.
func rateAt(steps []scenario.Step, at time.Duration) float64 {
	rate := 0.0
	for i, s := range steps {
		if s.At > at {
			break
		}
		rate = s.Rate
		if s.Ramp && i+1 < len(steps) && steps[i+1].At > at {
			next := steps[i+1]
			rate += (next.Rate - s.Rate) * float64(at-s.At) / float64(next.At-s.At)
		}
	}
	return rate
}
