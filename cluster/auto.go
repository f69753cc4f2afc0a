package cluster

import (
	"fmt"
	"math"
	"time"

	"gazetteer"
)

// Auto tells a cluster to have as many rings as its demand asks for.
type Auto struct {
	Min int `json:"min"` // rings
	Max int `json:"max"`
	// Rate is how many requests a second, reads and writes, a ring is to carry on average.
	// The largest of several rings carries up to 1.25 times that ([Propose]).
	Rate float64 `json:"rate"`
	// Cooldown is the least time between two changes: it costs moves of partitions to find
	// out that a change was not needed.
	Cooldown time.Duration `json:"cooldown"`
}

// The bounds of [Auto]. Within MinCooldown no partition could have moved; a cool-down of
// more than MaxCooldown would only say that nothing is to happen.
const (
	MinCooldown = time.Second
	MaxCooldown = 30 * 24 * time.Hour
)

// Check refuses what cannot be followed, in a planet of so many partitions: at most one
// ring for each. Its errors point at /min, /max, /rate and /cooldown.
func (a Auto) Check(partitions uint32) error {
	switch {
	case a.Min < 1:
		return badAuto("/min", "%d rings at least, want 1 or more", a.Min)
	case a.Max < a.Min:
		return badAuto("/max", "%d rings at most, want no fewer than the %d at least", a.Max, a.Min)
	case int64(a.Max) > int64(partitions):
		return badAuto("/max", "%d rings at most, want no more than the %d partitions", a.Max, partitions)
	case !(a.Rate > 0) || math.IsInf(a.Rate, 1):
		return badAuto("/rate", "%v requests a second for each ring, want more than 0", a.Rate)
	case a.Cooldown < MinCooldown || a.Cooldown > MaxCooldown:
		return badAuto("/cooldown", "%v between two changes, want %v to %v", a.Cooldown, MinCooldown, MaxCooldown)
	}
	return nil
}

func badAuto(pointer, format string, args ...any) error {
	return &gazetteer.Error{Op: "cluster.Auto", Kind: gazetteer.Unprocessable, Pointer: pointer, Detail: fmt.Sprintf(format, args...)}
}

// Seen is what is known of a cluster when it is decided about its rings.
type Seen struct {
	Rings  int
	Moving bool          // partitions are on their way between rings, or have yet to go
	Quiet  time.Duration // since the rings or the orders were last changed
	// Rate is the demand now, Peak the highest within the last cool-down, in requests a
	// second.
	Rate, Peak float64
}

// Step returns how many rings a cluster should have next: one more, one fewer, or as many
// as it has. A cluster grows when the demand is above what its rings are to carry, and
// shrinks when the highest demand of a whole cool-down would have filled one ring fewer to
// 70 % at most. Between the two is a gap, so demand that moves up and down by less than
// that moves no partitions. While partitions move, and until the cool-down is over, a
// cluster stays as it is.
func (a Auto) Step(s Seen) int {
	fewer := float64(s.Rings - 1)
	switch {
	case s.Moving || s.Quiet < a.Cooldown:
		return s.Rings
	case s.Rings < a.Min || s.Rings < a.Max && s.Rate > a.Rate*float64(s.Rings):
		return s.Rings + 1
	case s.Rings > a.Max || s.Rings > a.Min && max(s.Rate, s.Peak) <= shrinkTo*a.Rate*fewer:
		return s.Rings - 1
	}
	return s.Rings
}
