package fleet

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"gazetteer"
	"gazetteer/ring"
	"gazetteer/simulation/agenda"
	"gazetteer/simulation/result"
	"gazetteer/simulation/scenario"
)

// fake is a planet whose replicas all hold the same at once, unless a test says otherwise.
type fake struct {
	agenda  *agenda.Agenda
	s       *scenario.Scenario
	states  map[gazetteer.NodeID]State
	behind  map[gazetteer.NodeID]bool // catching up: up, and not serving
	cut     map[gazetteer.RegionID]bool
	values  map[gazetteer.Key]Answer
	clock   gazetteer.Clock
	answers map[gazetteer.NodeID]int
	early   int // asked while it was not serving
	// lie changes answers to reads.
	lie func(*Answer)
}

func (p *fake) Owners(dst []gazetteer.NodeID, r gazetteer.RegionID, k gazetteer.Key) []gazetteer.NodeID {
	for _, a := range p.s.Regions {
		if a.Name == r {
			g := a.Rings[gazetteer.PartitionOf(k, 16).Index%uint32(len(a.Rings))]
			for n := range g.Replicas {
				dst = append(dst, gazetteer.NodeID(fmt.Sprintf("%s/%s-%d", r, g.Name, n+1)))
			}
		}
	}
	return dst
}

func (p *fake) State(n gazetteer.NodeID) State { return p.states[n] }
func (p *fake) Ready(n gazetteer.NodeID) bool  { return !p.behind[n] }

func (p *fake) Serving(n gazetteer.NodeID, _ gazetteer.Key) bool { return !p.behind[n] }

func (p *fake) Initial(k gazetteer.Key) (uint64, bool) {
	return 7, strings.HasPrefix(string(k.ID), "id-")
}

func (p *fake) answer(n gazetteer.NodeID, k gazetteer.Key) Answer {
	p.answers[n]++
	if p.behind[n] {
		p.early++
	}
	if a, ok := p.values[k]; ok {
		return a
	}
	return Answer{Done: true, Found: true, Value: 7}
}

func (p *fake) Read(n gazetteer.NodeID, k gazetteer.Key, _ ring.Token, done func(Answer)) {
	a := p.answer(n, k)
	if p.lie != nil {
		p.lie(&a)
	}
	done(a)
}

func (p *fake) Write(n gazetteer.NodeID, k gazetteer.Key, value uint64, _ ring.Token, _ time.Duration, done func(Answer)) {
	p.answer(n, k)
	p.clock++
	a := Answer{Done: true, Found: true, Value: value, Stamp: gazetteer.Stamp{Clock: p.clock}}
	p.values[k] = a
	p.agenda.After(time.Millisecond, func() { done(a) })
}

func (p *fake) Delay(from, to Place) (time.Duration, bool) {
	if from.Region == to.Region {
		return p.s.Network.Local / 2, true
	}
	if p.cut[from.Region] || p.cut[to.Region] {
		return 0, false
	}
	return p.s.Network.RTT[scenario.PairOf(from.Region, to.Region)] / 2, true
}

// trial is a fleet around a fake, with all that it told.
type trial struct {
	*Fleet
	t       *testing.T
	planet  *fake
	agenda  *agenda.Agenda
	events  []string
	samples []result.Sample
	happen  []result.Happening
}

// try lets a scenario begin.
func begin(t *testing.T, s *scenario.Scenario, seed uint64) *trial {
	t.Helper()
	a := &agenda.Agenda{}
	a.Run(time.Second) // the load does not begin with the agenda
	x := &trial{t: t, agenda: a, planet: &fake{
		agenda: a, s: s, states: map[gazetteer.NodeID]State{}, behind: map[gazetteer.NodeID]bool{}, cut: map[gazetteer.RegionID]bool{},
		values: map[gazetteer.Key]Answer{}, answers: map[gazetteer.NodeID]int{},
	}}
	var ids []gazetteer.ID
	for n := range 100 {
		ids = append(ids, gazetteer.ID(fmt.Sprintf("id-%d", n)))
	}
	f, err := New(Config{
		Scenario: s, Agenda: a, Seed: seed, Planet: x.planet,
		Catalogues: []Catalogue{{Type: "mirror", IDs: ids, Zipf: 1}},
		Event:      func(what string) { x.events = append(x.events, fmt.Sprintf("%v %s", a.Now(), what)) },
		Sample:     func(s result.Sample) { x.samples = append(x.samples, s) },
		Happening:  func(h result.Happening) { x.happen = append(x.happen, h) },
	})
	if err != nil {
		t.Fatal(err)
	}
	x.Fleet = f
	f.Start()
	return x
}

// at plans something for a time of the load.
func (x *trial) at(when time.Duration, do func()) { x.agenda.At(x.started+when, do) }

// run goes on until a time of the load, and afterwards until every request has ended.
func (x *trial) run(until time.Duration) {
	x.agenda.Run(x.started + until)
	if until < x.s().Duration {
		return
	}
	x.agenda.Run(x.started + until + deadline)
	if x.Busy() {
		x.t.Error("a request outlives its deadline")
	}
	x.Flush()
}

func (x *trial) s() *scenario.Scenario { return x.scenario }

// sum adds up a metric of a tier over the samples of some time.
func (x *trial) sum(tier, metric string, from, to time.Duration) (sum float64) {
	for _, s := range x.samples {
		if s.Tier == tier && s.Metric == metric && s.At > from && s.At <= to {
			sum += s.Value
		}
	}
	return sum
}

// when returns at which times of the load something happened to a node.
func (x *trial) when(kind, node string) (times []time.Duration) {
	for _, h := range x.happen {
		if h.Kind == kind && (node == "" || h.Node == node) {
			times = append(times, time.Duration(float64(h.AtMS)*float64(time.Millisecond)))
		}
	}
	return times
}

// small is a planet of some regions, each with four servers of each kind and one ring.
func small(regions ...gazetteer.RegionID) *scenario.Scenario {
	s := &scenario.Scenario{
		Duration: 3 * time.Minute,
		Network:  scenario.Network{RTT: map[scenario.Pair]time.Duration{}, Local: time.Millisecond},
		Types:    []scenario.Type{{Name: "mirror"}},
		Metrics:  scenario.Metrics{Period: time.Second},
	}
	for i, r := range regions {
		s.Regions = append(s.Regions, scenario.Region{Name: r, Servers: 4, ClusterServers: 4, Rings: []scenario.Ring{{Name: "ring", Replicas: 3}}})
		s.Clients = append(s.Clients, scenario.Clients{Region: r, Type: "mirror", Reads: 0.9, Rate: []scenario.Step{{Rate: 40}}})
		for j := range i {
			s.Network.RTT[scenario.PairOf(r, regions[j])] = time.Duration(i-j) * 40 * time.Millisecond
		}
	}
	b := &scenario.Balancer{Choice: scenario.RoundRobin, Interval: 6 * time.Second, Timeout: 2 * time.Second, Healthy: 3, Unhealthy: 2}
	tier := scenario.Tier{Service: time.Millisecond, Cores: 2, Balancer: b}
	s.Tiers = scenario.Tiers{Regional: tier, Cluster: tier, Replica: tier}
	return s
}
