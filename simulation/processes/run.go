package processes

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"os"
	"slices"
	"sync"
	"time"

	"gazetteer"
	"gazetteer/simulation/result"
	"gazetteer/simulation/scenario"
)

// run is one run of a scenario.
type run struct {
	c   Config
	ctx context.Context // ends when the run is interrupted, and with it
	dir string
	log *journal

	nursery   nursery
	lives     sync.WaitGroup
	processes []*process // by region, in the order of the scenario
	ways      *ways      // between this process, in which the clients are, and all nodes
	at        map[string]gazetteer.RegionID
	http      *http.Client
	callers   callers

	stocks    stocks
	fleets    []*fleet
	book      *book
	probes    *probes
	trees     *trees
	collector *collector
	breaker   *breaker

	began time.Time // of the load
	ended time.Duration
	rest  time.Duration // until all was equal
	apart error         // why it is not

	mu      sync.Mutex        // guards all below
	turned  []*scenario.Fault // of ways, in force now
	happens []result.Happening
	deaths  []string // of processes that nobody has ended
}

// Run runs a scenario. Whatever happens, also when ctx ends, it ends every process that it
// has started and removes what they have kept; what was measured until then is returned.
// An error says that there is no run at all: the scenario cannot be run so, or the planet
// did not come up.
func Run(ctx context.Context, c Config) (*result.Run, error) {
	if err := check(c.Scenario); err != nil {
		return nil, err
	}
	s := *c.Scenario
	s.Faults, s.Random = s.FaultsOf(s.Seed), nil
	c.Scenario = &s
	r, err := newRun(ctx, c)
	if err != nil {
		return nil, err
	}
	out, err := r.whole()
	if err != nil {
		r.repeat()
	}
	return out, errors.Join(err, r.bury())
}

// check refuses what would be another experiment.
func check(s *scenario.Scenario) error {
	switch {
	case len(s.Regions) == 0:
		return &gazetteer.Error{Op: "processes.Run", Kind: gazetteer.Invalid, Pointer: "/regions", Detail: "there is no region"}
	case s.Tree.Shape != "" && s.Tree.Shape != scenario.MST:
		return &gazetteer.Error{Op: "processes.Run", Kind: gazetteer.Invalid, Pointer: "/tree/shape",
			Detail: fmt.Sprintf("processes find the minimum spanning tree themselves; a %s can only be simulated in virtual time", s.Tree.Shape)}
	}
	return nil
}

func newRun(ctx context.Context, c Config) (*run, error) {
	dir, err := os.MkdirTemp(c.Dir, "gazetteer-sim-")
	if err != nil {
		return nil, &gazetteer.Error{Op: "processes.Run", Kind: gazetteer.Internal, Err: err, Detail: "no room for the data of the nodes"}
	}
	r := &run{c: c, ctx: ctx, dir: dir, log: &journal{log: c.Log}, nursery: newNursery(), at: map[string]gazetteer.RegionID{},
		stocks: stocks{}, book: newBook(len(c.Scenario.Clients)), callers: callers{free: map[gazetteer.RegionID][]*caller{}},
		http: &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: 2}}}
	r.trees = &trees{run: r}
	return r, nil
}

func (r *run) whole() (*result.Run, error) {
	if err := r.prepare(); err != nil {
		return nil, err
	}
	r.say("the load goes on for %v", r.c.Scenario.Duration)
	r.underLoad()
	if r.ctx.Err() == nil {
		r.say("the load has ended; rest until all regions are equal, %v at most", r.patience())
		r.awaitRest()
	}
	return r.outcome(), nil
}

// prepare brings the planet up and fills it.
func (r *run) prepare() error {
	if err := r.layOut(); err != nil {
		return err
	}
	if err := r.found(r.ctx); err != nil {
		return err
	}
	r.say("loading the catalogue")
	if err := r.load(r.ctx); err != nil {
		return err
	}
	if err := until(r.ctx, "all regions hold the catalogue", func() error { return r.equal(r.ctx) }); err != nil {
		return err
	}
	if err := r.awaitTree(r.ctx); err != nil {
		return err
	}
	return r.muster()
}

// muster makes the fleets.
func (r *run) muster() error {
	r.stocks.number()
	for i := range r.c.Scenario.Clients {
		c := &r.c.Scenario.Clients[i]
		if s := r.stocks[c.Type]; s == nil || len(s.ids) == 0 {
			return &gazetteer.Error{Op: "processes.Run", Kind: gazetteer.Invalid, Pointer: fmt.Sprintf("/clients/%d/type", i),
				Detail: fmt.Sprintf("the catalogue has nothing of type %q to ask for", c.Type)}
		}
		r.fleets = append(r.fleets, r.newFleet(i, c))
	}
	return nil
}

// underLoad lets clients ask and things break for as long as the scenario says.
func (r *run) underLoad() {
	r.collector, r.probes = r.newCollector(), r.newProbes()
	r.collector.start(r.ctx, time.Now())
	r.began = time.Now()
	r.collector.began = r.began
	r.trees.begin(r.began)
	load, stop := context.WithDeadline(r.ctx, r.began.Add(r.c.Scenario.Duration))
	defer stop()
	r.breaker = &breaker{run: r, began: r.began}
	rest, end := context.WithDeadline(r.ctx, r.began.Add(r.c.Scenario.Duration+r.patience()))
	defer end()
	var under sync.WaitGroup
	for i, f := range r.fleets {
		under.Go(func() {
			f.drive(load, r.began, newArrivals(r.c.Scenario.Clients[i].Rate, r.c.Scenario.Duration, f.dice))
		})
	}
	under.Go(func() { r.collector.drive(load) })
	under.Go(func() { r.breaker.drive(load) })
	r.probes.drive(load, rest, r.began)
	under.Wait()
	r.ended = time.Since(r.began)
	r.probes.healed.Store(true)
	r.probes.turns.Wait()
}

// patience is how long a planet may rest until all regions are equal.
func (r *run) patience() time.Duration {
	if r.c.Scenario.Rest > 0 {
		return r.c.Scenario.Rest
	}
	return time.Minute
}

// awaitRest waits until the regions are equal, and asks all counters for the last time.
func (r *run) awaitRest() {
	began := time.Now()
	for {
		r.apart = r.equal(r.ctx)
		r.rest = time.Since(began)
		if r.apart == nil || r.rest > r.patience() || !sleepUntil(r.ctx, time.Now().Add(again)) {
			break
		}
	}
	r.collector.look(r.ctx)
	at := time.Since(r.began)
	r.collector.lag(at)
	r.collector.sample(at)
}

// happen writes down what happens now.
func (r *run) happen(h result.Happening) {
	at := time.Since(r.began)
	h.AtMS = result.MillisOf(at)
	r.mu.Lock()
	r.happens = append(r.happens, h)
	r.mu.Unlock()
	r.log.Event(at, h.Kind+" "+h.Detail)
	r.say("%v: %s: %s", at.Round(time.Millisecond), h.Kind, h.Detail)
}

// endedByItself hears of a process that nobody has asked to end.
func (r *run) endedByItself(p *process, l *life) {
	select {
	case <-l.ready:
	default:
		return // who started it is told
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.deaths = append(r.deaths, fmt.Sprintf("%s: %v\n%s", p.name, l.cmd.ProcessState, l.said.String()))
}

func (r *run) say(format string, args ...any) {
	if r.c.Say != nil {
		r.c.Say(fmt.Sprintf(format, args...))
	}
}

// repeat says what nodes have printed last, for who wonders why they did not come up.
func (r *run) repeat() {
	for _, p := range r.processes {
		if text := p.printed(); text != "" {
			r.say("%s printed:\n%s", p.name, text)
		}
	}
}

// between is the round trip between two regions.
func (r *run) between(a, b gazetteer.RegionID) time.Duration {
	if a == b {
		return 0
	}
	return r.c.Scenario.Network.RTT[scenario.PairOf(a, b)]
}

// of returns the processes of a region.
func (r *run) of(region gazetteer.RegionID) (all []*process) {
	for _, p := range r.processes {
		if p.region == region {
			all = append(all, p)
		}
	}
	return all
}

// process returns the one that does the work of a node of the scenario, nil if none does.
func (r *run) process(node string) *process {
	for _, p := range r.processes {
		if slices.Contains(p.nodes, node) {
			return p
		}
	}
	return nil
}

func (r *run) isProcess(node string) bool { return r.process(node) != nil }

func (r *run) isRegion(name string) bool {
	return slices.ContainsFunc(r.c.Scenario.Regions, func(g scenario.Region) bool { return string(g.Name) == name })
}

// rings is how many rings a region has.
func (r *run) rings(region gazetteer.RegionID) (n int) {
	for _, g := range r.c.Scenario.Regions {
		if g.Name == region {
			n = len(g.Rings)
		}
	}
	return n
}

func (r *run) faces() (all []*face) {
	for _, p := range r.processes {
		if p.face != nil {
			all = append(all, p.face)
		}
	}
	return all
}

// journal lets many goroutines write into one log.
type journal struct {
	mu  sync.Mutex // held by one at a time
	log Log
}

func (j *journal) Event(at time.Duration, what string) {
	j.mu.Lock()
	defer j.mu.Unlock()
	if j.log != nil {
		j.log.Event(at, what)
	}
}

func (j *journal) Sample(s result.Sample) {
	j.mu.Lock()
	defer j.mu.Unlock()
	if j.log != nil {
		j.log.Sample(s)
	}
}
