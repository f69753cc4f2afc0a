package ghs

import (
	"fmt"
	"time"

	"gazetteer"
	"gazetteer/mst"
)

// Planet is regions that build trees again and again while regions crash, start again
// and are cut off from one another. It plays what surrounds a [mst.Member] in the real
// world: the disk that keeps its epoch, the agreement on the weights of an epoch (here
// it takes no time), and what notices that a region came or went.
type Planet struct {
	net     *network
	graph   Graph
	regions []*region // sorted
	byName  map[gazetteer.RegionID]*region
	runs    map[mst.Epoch]Graph // what was agreed for each epoch
	cut     func(a, b gazetteer.RegionID) bool
	taken   int // frames that arrived
	watch   func(frames int)
	err     error
}

// PlanetOptions say how bad the network between the regions is. Zero values are as in
// [Options].
type PlanetOptions struct {
	Seed         uint64
	Delay        Delay
	Loss, Double float64
}

// Installed is a tree that a region took into use.
type Installed struct {
	At   time.Duration
	Tree mst.Tree
}

// region is one region of a planet: its process, which may be down, and what outlives it.
type region struct {
	planet  *Planet
	name    gazetteer.RegionID
	wires   map[gazetteer.RegionID]*wire
	member  *mst.Member // nil while it is down
	saved   mst.Epoch
	begun   []mst.Epoch
	trees   []Installed
	tick    time.Duration
	backoff time.Duration
	alert   bool // it will look around
}

// How a planet reacts. A region is missed after three heartbeats; regions notice at
// different times. After a failed run a region waits for a while drawn at random, twice
// as long each time.
const (
	noticeAfter  = 3 * time.Second
	noticeWithin = time.Second
	backoffFirst = time.Second
	backoffMax   = 5 * time.Minute
)

// NewPlanet returns a planet whose regions are all down.
func NewPlanet(g Graph, o PlanetOptions) *Planet {
	p := &Planet{
		net: newNetwork(o.Seed, o.Delay, o.Loss, o.Double), graph: g,
		byName: map[gazetteer.RegionID]*region{}, runs: map[mst.Epoch]Graph{},
	}
	for _, name := range g.Nodes {
		r := &region{planet: p, name: name, wires: map[gazetteer.RegionID]*wire{}, backoff: backoffFirst}
		p.regions = append(p.regions, r)
		p.byName[name] = r
	}
	for _, e := range g.Edges {
		p.byName[e.A].wires[e.B] = &wire{cost: e.Cost}
		p.byName[e.B].wires[e.A] = &wire{cost: e.Cost}
	}
	return p
}

// Start brings a region up; it goes on where it was durable.
func (p *Planet) Start(name gazetteer.RegionID) {
	r := p.byName[name]
	if r.member != nil {
		return
	}
	m, err := mst.New(mst.Config{Self: name, Epoch: r.saved})
	if err != nil {
		p.fail("%v", err)
		return
	}
	r.member = m
	p.changed()
}

// Crash ends a region's process; it keeps what it saved.
func (p *Planet) Crash(name gazetteer.RegionID) {
	p.byName[name].member = nil
	p.changed()
}

// Cut stops all frames between regions that differ in the side they are on.
func (p *Planet) Cut(side func(gazetteer.RegionID) bool) {
	p.cut = func(a, b gazetteer.RegionID) bool { return side(a) != side(b) }
	p.changed()
}

// Heal ends a cut.
func (p *Planet) Heal() {
	p.cut = nil
	p.changed()
}

// Propose lets a region open an epoch among the regions that it can reach.
func (p *Planet) Propose(name gazetteer.RegionID) { p.byName[name].propose() }

// Run lets time pass until a moment, or until nothing happens any more; then it reports
// true.
func (p *Planet) Run(until time.Duration) (quiet bool, err error) {
	for p.err == nil && p.net.agenda.Step(until) {
	}
	busy := p.net.agenda.Busy()
	return !busy, p.err
}

// Now returns the virtual time.
func (p *Planet) Now() time.Duration { return p.net.agenda.Now() }

// After plans something to be done to the planet.
func (p *Planet) After(in time.Duration, do func()) { p.net.agenda.After(in, do) }

// Trees returns what a region installed, oldest first.
func (p *Planet) Trees(name gazetteer.RegionID) []Installed { return p.byName[name].trees }

// changed lets every region look around after a while, if it is not about to.
func (p *Planet) changed() {
	for _, r := range p.regions {
		if !r.alert {
			r.alert = true
			p.net.agenda.After(noticeAfter+time.Duration(p.net.dice.Int64N(int64(noticeWithin))), r.lookAround)
		}
	}
}

// lookAround proposes an epoch if the last one was not of the regions that are there.
func (r *region) lookAround() {
	r.alert = false
	if r.member != nil && !r.upToDate() {
		r.propose()
	}
}

// upToDate reports whether the region takes part, or took part to the end, in an epoch
// of just the regions that it can reach.
func (r *region) upToDate() bool {
	run, reach := r.planet.runs[r.member.Epoch()], r.reach()
	if len(run.Nodes) != len(reach) {
		return false
	}
	for _, n := range run.Nodes {
		if !reach[n] {
			return false
		}
	}
	return r.member.Running() || r.hasTree(r.member.Epoch())
}

func (r *region) hasTree(e mst.Epoch) bool {
	return len(r.trees) > 0 && r.trees[len(r.trees)-1].Tree.Epoch == e
}

// reach returns the regions that are up and not cut off, over any number of edges.
func (r *region) reach() map[gazetteer.RegionID]bool {
	found := map[gazetteer.RegionID]bool{r.name: true}
	for next := []*region{r}; len(next) > 0; next = next[1:] {
		for to := range next[0].wires {
			if !found[to] && r.planet.connected(next[0].name, to) {
				found[to] = true
				next = append(next, r.planet.byName[to])
			}
		}
	}
	return found
}

func (p *Planet) connected(a, b gazetteer.RegionID) bool {
	return p.byName[a].member != nil && p.byName[b].member != nil && (p.cut == nil || !p.cut(a, b))
}

func (r *region) propose() {
	reach := r.reach()
	r.member.Tick(r.planet.net.agenda.Now())
	e := r.member.Propose()
	r.planet.runs[e] = r.planet.graph.Among(func(n gazetteer.RegionID) bool { return reach[n] })
	r.perform()
	r.begin(e)
	r.member.Wake()
	r.perform()
}

// begin takes part in an epoch, unless it was opened without this region.
func (r *region) begin(e mst.Epoch) {
	g := r.planet.runs[e]
	edges, taking := g.edgesOf(r.name)
	if !taking {
		r.retry(e)
		return
	}
	r.begun = append(r.begun, e)
	r.member.Tick(r.planet.net.agenda.Now())
	if err := r.member.Begin(mst.Run{Epoch: e, Regions: len(g.Nodes), Edges: edges}); err != nil {
		r.planet.fail("%s: %v", r.name, err)
	}
}

// perform does what the member asks for: save, then send, then the rest.
func (r *region) perform() {
	for again := true; again; {
		out := r.member.Ready()
		if out.Save != (mst.Epoch{}) {
			r.saved = out.Save
		}
		for _, d := range out.Send {
			r.send(d)
		}
		if out.Install != nil {
			r.trees = append(r.trees, Installed{r.planet.net.agenda.Now(), *out.Install})
			r.backoff = backoffFirst
		}
		if out.Failed != nil {
			r.retry(out.Failed.Epoch)
		}
		if again = out.Join != (mst.Epoch{}); again {
			r.begin(out.Join)
		}
	}
	r.planTick()
}

// retry proposes another epoch after the back-off, unless somebody was faster.
func (r *region) retry(failed mst.Epoch) {
	p, m := r.planet, r.member
	wait := r.backoff + time.Duration(p.net.dice.Int64N(int64(r.backoff)))
	r.backoff = min(2*r.backoff, backoffMax)
	p.net.agenda.After(wait, func() {
		if r.member == m && m.Epoch() == failed && !r.hasTree(failed) {
			r.propose()
		}
	})
}

func (r *region) send(d mst.Delivery) {
	p, w := r.planet, r.wires[d.To]
	p.net.send(w, func() {
		if p.connected(r.name, d.To) {
			p.byName[d.To].take(r.name, d.Frame)
		}
	})
}

func (r *region) take(from gazetteer.RegionID, f mst.Frame) {
	p := r.planet
	r.member.Tick(p.net.agenda.Now())
	if err := r.member.Step(from, f); err != nil {
		p.fail("%s: %v", r.name, err)
	}
	r.perform()
	p.taken++
	if p.watch != nil {
		p.watch(p.taken)
	}
}

func (r *region) planTick() {
	at, ok := r.member.Due()
	if !ok || at == r.tick {
		return
	}
	m := r.member
	r.tick = at
	r.planet.net.agenda.At(at, func() {
		if r.member == m {
			m.Tick(r.planet.net.agenda.Now())
			r.perform()
		}
	})
}

func (p *Planet) fail(format string, args ...any) {
	if p.err == nil {
		p.err = &gazetteer.Error{Op: "ghs.Planet", Kind: gazetteer.Internal, Detail: fmt.Sprintf(format, args...)}
	}
}
