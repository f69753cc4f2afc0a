package agent

import (
	"time"

	"gazetteer/ring"
)

// Clock tells the time. It is the only way by which time comes into a process's cores;
// tests give one that jumps or drifts.
type Clock interface{ Now() ring.Now }

// SystemClock is the machine's clock. Its monotonic part counts from the moment the
// value was made, so it also goes on while the wall clock is set.
type SystemClock struct{ start time.Time }

// NewSystemClock returns a clock whose monotonic part is now 0.
func NewSystemClock() SystemClock { return SystemClock{time.Now()} }

// Now returns both readings of the machine's clock.
func (c SystemClock) Now() ring.Now {
	now := time.Now()
	return ring.Now{Wall: now.UnixMilli(), Mono: now.Sub(c.start)}
}
