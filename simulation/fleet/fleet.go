package fleet

import (
	"cmp"
	"fmt"
	"math/rand/v2"
	"slices"
	"time"

	"gazetteer"
	"gazetteer/simulation/agenda"
	"gazetteer/simulation/result"
	"gazetteer/simulation/scenario"
)

// Config says what a fleet stands around.
type Config struct {
	Scenario *scenario.Scenario
	Agenda   *agenda.Agenda // shared with the planet
	Seed     uint64
	Planet   Planet
	// Catalogues are the resources that clients ask for, one of each type.
	Catalogues []Catalogue
	// Event, Happening and Sample take what is decided, what a reader of the curves wants
	// to see beside them, and the collector's samples; nil: nobody does.
	Event     func(what string)
	Happening func(result.Happening)
	Sample    func(result.Sample)
}

// Fleet is everything around the replicas. It is for one goroutine.
type Fleet struct {
	config     Config
	scenario   *scenario.Scenario
	agenda     *agenda.Agenda
	planet     Planet
	areas      []*area // by name
	byName     map[gazetteer.RegionID]*area
	catalogues map[gazetteer.Type]*Catalogue
	books      books
	owners     []gazetteer.NodeID // memory of ringOf

	started   time.Duration // of the agenda
	period    time.Duration
	collected time.Duration
	second    second
}

// New returns a fleet that stands still until [Fleet.Start].
func New(c Config) (*Fleet, error) {
	c.complete()
	if len(c.Scenario.Types) == 0 {
		return nil, invalid("/types", "there is no resource type, so nobody can ask for anything")
	}
	f := &Fleet{
		config: c, scenario: c.Scenario, agenda: c.Agenda, planet: c.Planet,
		byName:     map[gazetteer.RegionID]*area{},
		catalogues: map[gazetteer.Type]*Catalogue{},
		books:      books{planet: c.Planet, newest: map[gazetteer.Key]gazetteer.Stamp{}},
		period:     orElse(c.Scenario.Metrics.Period, defaultPeriod),
	}
	f.openCatalogues()
	for i := range c.Scenario.Regions {
		a := f.newArea(&c.Scenario.Regions[i])
		f.areas = append(f.areas, a)
		f.byName[a.name] = a
	}
	slices.SortFunc(f.areas, func(a, b *area) int { return cmp.Compare(a.name, b.name) })
	for _, a := range f.areas {
		a.view = f.newView(a)
	}
	return f, f.addCrowds()
}

func (c *Config) complete() {
	if c.Event == nil {
		c.Event = func(string) {}
	}
	if c.Happening == nil {
		c.Happening = func(result.Happening) {}
	}
	if c.Sample == nil {
		c.Sample = func(result.Sample) {}
	}
}

func (f *Fleet) openCatalogues() {
	for _, c := range f.config.Catalogues {
		if len(c.IDs) > 0 {
			c.popularity = NewPopularity(len(c.IDs), c.Zipf)
			f.catalogues[c.Type] = &c
		}
	}
}

func (f *Fleet) addCrowds() error {
	for i, m := range f.scenario.Clients {
		a, of := f.byName[m.Region], f.catalogues[m.Type]
		switch {
		case a == nil:
			return invalid(fmt.Sprintf("/clients/%d/region", i), "there is no region %q", m.Region)
		case of == nil:
			return invalid(fmt.Sprintf("/clients/%d/type", i), "the catalogue has no resource of type %q to ask for", m.Type)
		}
		a.crowds = append(a.crowds, f.newCrowd(a, m, of))
	}
	return nil
}

func invalid(pointer, format string, args ...any) error {
	return &gazetteer.Error{Op: "fleet.New", Kind: gazetteer.Invalid, Pointer: pointer, Detail: fmt.Sprintf(format, args...)}
}

// Start plans the load, the checks, the alarms and the collector, from now on.
func (f *Fleet) Start() {
	f.started, f.collected = f.agenda.Now(), f.agenda.Now()
	for _, a := range f.areas {
		for _, b := range a.balancers {
			f.soon("checks "+b.name, b.interval, b.check)
		}
		for _, c := range a.servers {
			if c.group != nil {
				c.group.begin()
			}
		}
		f.soon("view "+string(a.name), viewEvery, a.view.check)
		for _, c := range a.crowds {
			c.await()
		}
	}
	f.agenda.After(f.period, f.collect)
	f.agenda.After(time.Second, f.tick)
}

// now is how long the load has gone on.
func (f *Fleet) now() time.Duration { return f.agenda.Now() - f.started }

// Busy reports whether a request is under way.
func (f *Fleet) Busy() bool { return f.InFlight() > 0 }

// InFlight is how many requests are.
func (f *Fleet) InFlight() (n int64) {
	for _, a := range f.areas {
		for _, c := range a.crowds {
			n += c.inFlight
		}
	}
	return n
}

// soon spreads the beginnings of what comes again and again over its interval.
func (f *Fleet) soon(name string, interval time.Duration, do func()) {
	f.agenda.After(time.Duration(f.dice(name).Int64N(int64(interval))), do)
}

// dice returns randomness of its own for something that has a name: what one thing draws,
// or that it is not there, changes nothing elsewhere.
func (f *Fleet) dice(of string) *rand.Rand {
	return rand.New(rand.NewPCG(f.config.Seed, gazetteer.Hash(of)))
}

// send lets something happen when a message has arrived that leaves now; never, if it is
// lost.
func (f *Fleet) send(from, to Place, arrived func()) {
	if d, ok := f.planet.Delay(from, to); ok {
		f.agenda.After(d, arrived)
	}
}

// roundTrip is that between two regions when nothing is wrong.
func (f *Fleet) roundTrip(a, b *area) time.Duration {
	if a == b {
		return 0
	}
	return f.scenario.Network.RTT[scenario.PairOf(a.name, b.name)]
}

// happened tells of a decision.
func (f *Fleet) happened(kind string, a *area, node gazetteer.NodeID, detail string) {
	f.config.Event(fmt.Sprintf("%s %s %s: %s", kind, a.name, node, detail))
	f.config.Happening(result.Happening{AtMS: result.MillisOf(f.now()), Kind: kind, Region: a.name, Node: string(node), Detail: detail})
}

// wrong tells of an answer that is not true.
func (f *Fleet) wrong(r *request, why string) {
	f.config.Event(fmt.Sprintf("wrong answer to a client near %s about %s: %s", r.crowd.area.name, r.key, why))
}
