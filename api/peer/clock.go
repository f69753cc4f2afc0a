package peer

import (
	"sync/atomic"
	"time"
)

// tick counts the steps of a coarseClock. It wraps around: only differences mean
// something.
type tick uint32

// tickEvery is the length of a tick: how exactly silence and stalls are noticed.
const tickEvery = 100 * time.Millisecond

// coarseClock is read on the path of every request, where asking the system for the time
// would be felt. The transport's janitor moves it.
type coarseClock struct{ n atomic.Uint32 }

func (c *coarseClock) now() tick { return tick(c.n.Load()) }

func (c *coarseClock) step() tick { return tick(c.n.Add(1)) }

// ticks rounds up and adds the tick that has begun, so that a time-out is never early.
func ticks(d time.Duration) tick { return tick((d+tickEvery-1)/tickEvery) + 1 }
