package ghs

import (
	"math/rand/v2"
	"time"

	"gazetteer/simulation/agenda"
)

// network carries things between regions, as badly as it is told to, in virtual time.
type network struct {
	agenda agenda.Agenda
	dice   *rand.Rand
	delay  Delay
	// copies says how often the nth thing that is sent arrives: 1 as a rule, 0 if it
	// is lost.
	copies func(nth int) int
	fifo   bool // nothing overtakes on one wire
	sent   int
}

// Delay draws how long one frame takes over an edge.
type Delay func(cost uint64, dice *rand.Rand) time.Duration

// UniformDelay knows no distances: every frame takes between 1 and 100 ms.
func UniformDelay(_ uint64, dice *rand.Rand) time.Duration {
	return time.Millisecond + time.Duration(dice.Int64N(int64(99*time.Millisecond)))
}

// RoundTripDelay takes the cost as microseconds of round-trip time: a frame takes half
// of it, and up to a tenth more.
func RoundTripDelay(cost uint64, dice *rand.Rand) time.Duration {
	half := time.Duration(cost) * time.Microsecond / 2
	return half + time.Duration(dice.Int64N(int64(half/10)+1))
}

func newNetwork(seed uint64, delay Delay, loss, double float64) *network {
	n := &network{dice: rand.New(rand.NewPCG(seed, 0)), delay: delay}
	if n.delay == nil {
		n.delay = UniformDelay
	}
	n.copies = func(int) int { return n.chance(loss, double) }
	return n
}

func (n *network) chance(loss, double float64) int {
	switch {
	case loss > 0 && n.dice.Float64() < loss:
		return 0
	case double > 0 && n.dice.Float64() < double:
		return 2
	}
	return 1
}

// wire is one direction of an edge in the network.
type wire struct {
	cost uint64
	last time.Duration // when what was sent last arrives
}

// send lets something arrive at the other end of a wire, or not, or twice.
func (n *network) send(w *wire, arrive func()) {
	copies := n.copies(n.sent)
	n.sent++
	for range copies {
		at := n.agenda.Now() + n.delay(w.cost, n.dice)
		if n.fifo {
			at = max(at, w.last)
		}
		w.last = at
		n.agenda.At(at, arrive)
	}
}
