package world

import (
	"math/rand/v2"
	"time"

	"gazetteer/ring"
)

// clock is the wall clock of a machine: it runs too fast or too slow, begins wrong, and
// jumps. The monotonic clock is true: what it drifts by is slewed, some parts in a
// million, less than any tick here.
type clock struct {
	drift float64       // seconds a second
	skew  time.Duration // at time 0
	jump  time.Duration // sum of all jumps
	// jumped is when it jumped last.
	jumped time.Duration
}

func (w *World) newClock(d *rand.Rand) clock {
	n := &w.scenario.Network
	return clock{
		drift: n.Drift * (2*d.Float64() - 1),
		skew:  time.Duration(float64(n.Skew) * (2*d.Float64() - 1)),
	}
}

func (c *clock) wall(at time.Duration) int64 {
	off := time.Duration(float64(at)*c.drift) + c.skew + c.jump
	return wallOf(at + off)
}

// now is the time as a process sees it.
func (p *process) now() ring.Now {
	at := p.world.agenda.Now()
	return ring.Now{Wall: p.clock.wall(at), Mono: at - p.began}
}
