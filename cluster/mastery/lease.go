package mastery

import (
	"slices"
	"time"

	"gazetteer"
)

const (
	// LeaseFor is how long the word of a region lets a home go on: counted from when it was
	// asked, on the home's monotonic clock.
	LeaseFor = 5 * time.Second
	// TakeAfter is how long a re-homing by force waits after a majority has promised it:
	// by then no home that has not heard of it has a lease, though one of the clocks be
	// twice as fast as another.
	TakeAfter = 10 * time.Second
)

// Lease is until when a home may answer: as long as a majority of the regions, itself
// included, was asked less than [LeaseFor] ago and has answered.
type Lease struct {
	self  gazetteer.RegionID
	heard map[gazetteer.RegionID]time.Duration // when the last answered question was asked
}

// NewLease returns a lease that has not begun.
func NewLease(self gazetteer.RegionID) *Lease {
	return &Lease{self: self, heard: map[gazetteer.RegionID]time.Duration{}}
}

// Heard notes that a region has answered what it was asked at a time. What it said of
// re-homings must have been obeyed before.
func (l *Lease) Heard(r gazetteer.RegionID, asked time.Duration) {
	if at, ok := l.heard[r]; !ok || at < asked {
		l.heard[r] = asked
	}
}

// Until returns when the lease among these witnesses ends; 0 if it has not begun. A region
// without others has it always, and so has no witness to ask.
func (l *Lease) Until(witnesses []gazetteer.RegionID, now time.Duration) time.Duration {
	var asked []time.Duration
	for _, w := range witnesses {
		if w == l.self {
			asked = append(asked, now)
		} else if at, ok := l.heard[w]; ok {
			asked = append(asked, at)
		}
	}
	need := Majority(len(witnesses))
	if len(asked) < need {
		return 0
	}
	slices.SortFunc(asked, func(a, b time.Duration) int { return int(b - a) })
	return asked[need-1] + LeaseFor
}

// Majority is how many of n regions it takes.
func Majority(n int) int { return n/2 + 1 }
