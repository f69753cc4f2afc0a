package virtual

import (
	"fmt"
	"io"
	"time"

	"gazetteer"
	"gazetteer/ring"
	"gazetteer/simulation/fleet"
	"gazetteer/simulation/result"
	"gazetteer/simulation/scenario"
	"gazetteer/simulation/world"
)

// replicas is the planet of a run: the product's cores, as simulation/world drives them.
type replicas struct {
	*world.World
	// last is what was counted when the collector came last.
	last world.Coverage
}

func makeWorld(s *scenario.Scenario, seed uint64, c *stock, events io.Writer) (planet, error) {
	w, err := world.New(s, seed, events)
	if err != nil {
		return nil, err
	}
	for _, k := range c.types {
		for i, id := range k.IDs {
			w.Stock(gazetteer.Key{Type: k.Type, ID: id}, k.locations[i])
		}
	}
	return &replicas{World: w}, nil
}

// State implements fleet.Planet.
func (p *replicas) State(n gazetteer.NodeID) fleet.State {
	switch p.World.State(n) {
	case world.Up:
		return fleet.Up
	case world.Paused:
		return fleet.Paused
	case world.Down:
		return fleet.Down
	}
	return fleet.Gone
}

// Delay implements fleet.Planet.
func (p *replicas) Delay(from, to fleet.Place) (time.Duration, bool) {
	return p.World.Delay(world.Place(from), world.Place(to))
}

// Read implements fleet.Planet. A read with a session waits at a replica that does not
// hold yet what the session has seen, and after sessionWait says that it cannot.
func (p *replicas) Read(n gazetteer.NodeID, k gazetteer.Key, session ring.Token, done func(fleet.Answer)) {
	p.readUntil(p.Agenda().Now()+sessionWait, n, k, session, done)
}

const (
	sessionWait = time.Second
	sessionLook = 2 * time.Millisecond // between two looks at what the replica holds
)

func (p *replicas) readUntil(until time.Duration, n gazetteer.NodeID, k gazetteer.Key, session ring.Token, done func(fleet.Answer)) {
	p.World.Read(n, k, session, func(a world.Answer) {
		if !a.Done && a.Failed == gazetteer.Deadline && p.Agenda().Now() < until {
			p.Agenda().After(sessionLook, func() { p.readUntil(until, n, k, session, done) })
			return
		}
		done(answerOf(&a))
	})
}

// Write implements fleet.Planet, with the product's default level of acknowledgement.
func (p *replicas) Write(n gazetteer.NodeID, k gazetteer.Key, value uint64, session ring.Token, deadline time.Duration, done func(fleet.Answer)) {
	p.World.Write(n, k, value, ring.AckRing, session, deadline, func(a world.Answer) { done(answerOf(&a)) })
}

func answerOf(a *world.Answer) fleet.Answer {
	return fleet.Answer{Done: a.Done, Failed: a.Failed, Found: a.Found, Value: a.Value, Stamp: a.Stamp, Session: a.Session}
}

// Unrest implements planet.
func (p *replicas) Unrest() string {
	if _, err := p.Settle(0); err != nil {
		return err.Error()
	}
	return ""
}

// Err implements planet: a run that has broken a promise has nothing more to show.
func (p *replicas) Err() error {
	for _, c := range p.Checks() {
		if !c.OK {
			return fmt.Errorf("the promise %q is broken: %s", c.Name, c.Detail)
		}
	}
	return p.World.Err()
}

// Sample implements planet: what replicas and voices did in the period that ends now.
func (p *replicas) Sample(put func(result.Sample)) {
	now, last := p.Coverage(), p.last
	p.last = now
	for _, m := range []struct {
		name string
		n    uint64
	}{
		{"updates", uint64(now.Written - last.Written)},
		{"acknowledged", uint64(now.Acknowledged - last.Acknowledged)},
		{"links_broken", uint64(now.LinksBroken - last.LinksBroken)},
		{"epochs", uint64(now.Epochs - last.Epochs)},
		{"scans", now.Scans - last.Scans},
		{"overflows", now.Overflows - last.Overflows},
		{"conflicts", now.Conflicts - last.Conflicts},
		{"gaps", now.Gaps - last.Gaps},
	} {
		put(result.Sample{Tier: result.TierReplica, Metric: m.name, Value: float64(m.n)})
	}
}

// Report implements planet.
func (p *replicas) Report(r *result.Run) { p.Result(r) }
