package cluster

import (
	"slices"
	"time"
)

// Smooth is over how long demand is averaged before a cluster may grow: a burst that is
// over before its rings could be is none of its business.
const Smooth = time.Minute

// Trend remembers the demand of a cluster for as long as decisions look back. The zero
// value remembers nothing. Times are counted from any moment that stays the same.
type Trend struct{ spans []span }

// span is a stretch of time with the mean demand in it and, at its end, over the last
// Smooth.
type span struct {
	from, to     time.Duration
	rate, smooth float64
}

// Add takes the mean demand, in requests a second, between two moments, and forgets what
// ended more than keep before.
func (t *Trend) Add(from, to time.Duration, rate float64, keep time.Duration) {
	if to <= from {
		return
	}
	t.spans = append(t.spans, span{from: from, to: to, rate: rate})
	t.spans[len(t.spans)-1].smooth = t.mean(to - Smooth)
	t.spans = slices.DeleteFunc(t.spans, func(s span) bool { return s.to < to-max(keep, Smooth) })
}

// mean returns the mean demand since a moment.
func (t *Trend) mean(since time.Duration) float64 {
	var requests, seconds float64
	for _, s := range t.spans {
		if took := (s.to - max(s.from, since)).Seconds(); took > 0 {
			requests += s.rate * took
			seconds += took
		}
	}
	return requests / max(seconds, 1e-9)
}

// Rate returns the demand now: the mean of the last Smooth. It is false while nothing is
// known.
func (t *Trend) Rate() (rate float64, known bool) {
	if len(t.spans) == 0 {
		return 0, false
	}
	return t.spans[len(t.spans)-1].smooth, true
}

// Peak returns the highest demand that Rate has told since a moment.
func (t *Trend) Peak(since time.Duration) (peak float64) {
	for _, s := range t.spans {
		if s.to >= since {
			peak = max(peak, s.smooth)
		}
	}
	return peak
}
