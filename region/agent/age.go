package agent

import (
	"math"
	"sync/atomic"
	"time"

	"gazetteer"
	"gazetteer/region"
	"gazetteer/ring"
)

// age says how old this node's knowledge of one ring may be. The loop sets it, readers
// reckon with it.
type age struct {
	mates []gazetteer.NodeID
	// asOf is the moment of the agent's clock as of which all is known that the mates
	// had written, those left out apart. It is behind everything while there is none.
	asOf    atomic.Int64
	leftOut atomic.Bool
}

// ageOf returns the age of a ring, which is the same for all of its types.
func (a *agent) ageOf(r *ring.Ring) *age {
	if found := a.ages[r.Name]; found != nil {
		return found
	}
	made := &age{}
	for _, n := range r.Members {
		if n != a.self {
			made.mates = append(made.mates, n)
		}
	}
	a.ages[r.Name] = made
	made.set(a)
	return made
}

// silentMax is for how long a mate of which nothing is heard still counts: after that it
// is taken for one that does not answer.
const silentMax = 10 * time.Second

// set asks the core about each mate. One that does not answer, or of which nothing is
// known yet, is left out: it would make every answer look older than what can be had.
func (g *age) set(a *agent) {
	oldest, leftOut := time.Duration(math.MaxInt64), false
	for _, n := range g.mates {
		at, known := a.core.AsOf(n.Store())
		if !known || a.now.Mono-at > silentMax || a.dead(n) {
			leftOut = true
			continue
		}
		oldest = min(oldest, at)
	}
	g.asOf.Store(int64(oldest))
	g.leftOut.Store(leftOut)
}

// describe fills in how old what a place holds may be.
func (p *place) describe(c Clock) region.Held {
	h := region.Held{Ring: p.ring, Degraded: p.serving.Degraded}
	if len(p.age.mates) == 0 {
		return h
	}
	h.Degraded = h.Degraded || p.age.leftOut.Load()
	h.Staleness = max(0, c.Now().Mono-time.Duration(p.age.asOf.Load()))
	return h
}

// hop adds to a freshness mark the time that it spends here, so that nobody takes it for
// younger than it is.
func hop(m ring.Message, waited time.Duration) ring.Message {
	if f, ok := m.(ring.Fresh); ok {
		f.Age += waited
		return f
	}
	return m
}
