package agent

import (
	"math"
	"slices"
	"sync/atomic"
	"time"

	"gazetteer"
	"gazetteer/region"
	"gazetteer/ring"
)

// age says how old this node's knowledge of some partitions may be. The loop sets it,
// readers reckon with it.
type age struct {
	writers []writer // others who may write into them
	// asOf is the moment of the agent's clock as of which all is known that the writers
	// had written, those left out apart. It is behind everything while there is none.
	asOf    atomic.Int64
	leftOut atomic.Bool
}

// writer is a replica elsewhere. Of one beyond the region only the store is known.
type writer struct {
	node  gazetteer.NodeID
	store gazetteer.StoreID
}

// ageOf returns the age of what some nodes of the region write into, and all stores beyond
// it. Partitions with the same writers share it.
func (a *agent) ageOf(key string, nodes []gazetteer.NodeID) *age {
	if found := a.ages[key]; found != nil {
		return found
	}
	made := &age{}
	seen := map[gazetteer.StoreID]bool{a.self.Store(): true}
	add := func(w writer) {
		if !seen[w.store] {
			seen[w.store] = true
			made.writers = append(made.writers, w)
		}
	}
	for _, n := range nodes {
		add(writer{n, n.Store()})
	}
	own := a.plan.Stores()
	for _, s := range a.planet.Stores {
		if !slices.Contains(own, s) {
			add(writer{store: s})
		}
	}
	a.ages[key] = made
	made.set(a)
	return made
}

// silentMax is for how long a mate of which nothing is heard still counts: after that it
// is taken for one that does not answer.
const silentMax = 10 * time.Second

// set asks the core about each writer. One that does not answer, or of which nothing is
// known yet, is left out: it would make every answer look older than what can be had. As
// long as nobody has said what lies beyond the region, all that may write there is.
func (g *age) set(a *agent) {
	oldest, leftOut := time.Duration(math.MaxInt64), !a.toldBeyond
	for _, w := range g.writers {
		at, known := a.core.AsOf(w.store)
		if !known || a.now.Mono-at > silentMax || w.node != "" && a.dead(w.node) {
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
	h := region.Held{Ring: p.ring, Degraded: p.serving.Degraded || p.age.leftOut.Load()}
	if len(p.age.writers) == 0 {
		return h
	}
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
