package virtual

import (
	"errors"
	"fmt"
	"io"
	"time"

	"gazetteer"
	"gazetteer/ring"
	"gazetteer/simulation/agenda"
	"gazetteer/simulation/fleet"
	"gazetteer/simulation/result"
	"gazetteer/simulation/scenario"
)

// fake is a planet that holds everything everywhere at once. After a fault of its node it
// may tell lies.
type fake struct {
	s      *scenario.Scenario
	agenda agenda.Agenda
	events io.Writer
	values map[gazetteer.Key]fleet.Answer
	clock  gazetteer.Clock
	down   map[gazetteer.NodeID]bool
	lies   bool
	broken error

	liesAfter string        // a crash of this node
	breaks    time.Duration // a promise, at this time of the agenda
	restless  bool
}

func makeFake(change func(*fake)) maker {
	return func(s *scenario.Scenario, _ uint64, _ *stock, events io.Writer) (planet, error) {
		p := &fake{s: s, events: events, values: map[gazetteer.Key]fleet.Answer{}, down: map[gazetteer.NodeID]bool{}}
		if change != nil {
			change(p)
		}
		return p, nil
	}
}

func (p *fake) Agenda() *agenda.Agenda { return &p.agenda }
func (p *fake) Err() error             { return p.broken }

func (p *fake) Found(time.Duration) error {
	p.agenda.Run(3 * time.Second)
	if p.breaks > 0 {
		p.agenda.At(p.breaks, func() { p.broken = errors.New("replicas are not mirrors") })
	}
	return nil
}

func (p *fake) Begin() { fmt.Fprintln(p.events, "3.000000 load begins") }

func (p *fake) Break(x *scenario.Fault) {
	n := gazetteer.NodeID(x.Node)
	if x.Kind != scenario.Crash {
		return
	}
	p.lies = p.lies || p.liesAfter == x.Node
	fmt.Fprintf(p.events, "%v %s ends\n", p.agenda.Now(), x.Node)
	p.down[n] = true
	p.agenda.After(x.For, func() { delete(p.down, n) })
}

func (p *fake) Unrest() string {
	if p.restless {
		return "a lacks what b has"
	}
	return ""
}

func (p *fake) Sample(put func(result.Sample)) {
	put(result.Sample{Region: "a", Metric: "lag", Value: 1})
}
func (p *fake) Report(r *result.Run) { r.Trees = make([]result.Tree, 3) }

func (p *fake) Owners(dst []gazetteer.NodeID, r gazetteer.RegionID, _ gazetteer.Key) []gazetteer.NodeID {
	for _, g := range p.s.Region(r).Rings {
		for _, n := range p.s.Region(r).ReplicaNames(g) {
			dst = append(dst, gazetteer.NodeID(n))
		}
	}
	return dst
}

func (p *fake) State(n gazetteer.NodeID) fleet.State {
	if p.down[n] {
		return fleet.Down
	}
	return fleet.Up
}

func (p *fake) Ready(gazetteer.NodeID) bool                  { return true }
func (p *fake) Serving(gazetteer.NodeID, gazetteer.Key) bool { return true }
func (p *fake) Initial(gazetteer.Key) (uint64, bool)         { return 1, true }

func (p *fake) Read(_ gazetteer.NodeID, k gazetteer.Key, _ ring.Token, done func(fleet.Answer)) {
	a, ok := p.values[k]
	if !ok || p.lies {
		a = fleet.Answer{Done: true, Found: true, Value: 1}
	}
	done(a)
}

func (p *fake) Write(_ gazetteer.NodeID, k gazetteer.Key, value uint64, _ ring.Token, _ time.Duration, done func(fleet.Answer)) {
	p.clock++
	p.values[k] = fleet.Answer{Done: true, Found: true, Value: value, Stamp: gazetteer.Stamp{Clock: p.clock}}
	done(p.values[k])
}

func (p *fake) Delay(from, to fleet.Place) (time.Duration, bool) {
	if from.Region == to.Region {
		return time.Millisecond, true
	}
	return 20 * time.Millisecond, true
}
