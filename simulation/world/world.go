package world

import (
	"fmt"
	"io"
	"math/rand/v2"
	"time"

	"gazetteer"
	"gazetteer/simulation/agenda"
	"gazetteer/simulation/scenario"
)

// epoch is the wall clock, in Unix milliseconds, at virtual time 0.
const epoch = int64(1_700_000_000_000)

// World is one planet in virtual time. It is for one goroutine.
type World struct {
	scenario *scenario.Scenario
	seed     uint64
	agenda   agenda.Agenda
	log      journal

	parts     []gazetteer.Partition
	partIndex map[gazetteer.Partition]int32
	regions   []*region // in the order of the scenario
	byRegion  map[gazetteer.RegionID]*region
	processes []*process
	byID      map[gazetteer.NodeID]*process
	hosts     map[gazetteer.NodeID]*server
	stores    []gazetteer.StoreID
	stock     map[gazetteer.Key]uint64

	network network
	links   []*link // that are not broken, in the order in which they opened
	books   *books
	trees   trees
	sights  sights
	cover   Coverage

	tokens  uint64
	zero    time.Duration // when the load began
	started bool
	planted mutation
}

// New makes the planet of a scenario. Nothing runs yet. Events gets one line for each
// decision; for equal scenarios and seeds the bytes are equal. It may be nil.
func New(s *scenario.Scenario, seed uint64, events io.Writer) (*World, error) {
	if err := check(s); err != nil {
		return nil, err
	}
	w := &World{
		scenario: s, seed: seed, byRegion: map[gazetteer.RegionID]*region{}, byID: map[gazetteer.NodeID]*process{},
		hosts: map[gazetteer.NodeID]*server{}, partIndex: map[gazetteer.Partition]int32{}, stock: map[gazetteer.Key]uint64{},
	}
	w.log = journal{w: events, agenda: &w.agenda}
	w.network = newNetwork(w)
	w.trees.init()
	if err := w.build(); err != nil {
		return nil, err
	}
	w.books = newBooks(w)
	w.sights.init(len(w.regions))
	return w, nil
}

func check(s *scenario.Scenario) error {
	switch {
	case s == nil || len(s.Regions) == 0:
		return refuse("the scenario has no regions")
	case len(s.Types) == 0:
		return refuse("the scenario has no types")
	case s.Partitions == 0:
		return refuse("the scenario has no partitions")
	case s.Tree.Shape == scenario.Star && !hasRegion(s, s.Tree.Hub):
		return refuse("the hub %q of the star is no region of the scenario", s.Tree.Hub)
	}
	return nil
}

func hasRegion(s *scenario.Scenario, name gazetteer.RegionID) bool {
	for i := range s.Regions {
		if s.Regions[i].Name == name {
			return true
		}
	}
	return false
}

func refuse(format string, args ...any) error {
	return &gazetteer.Error{Op: "world.New", Kind: gazetteer.Invalid, Detail: fmt.Sprintf(format, args...)}
}

// Agenda is the virtual time of this world. Others may plan things on it.
func (w *World) Agenda() *agenda.Agenda { return &w.agenda }

// dice returns a source of its own for something that has a name, so that what one thing
// draws moves nothing elsewhere.
func (w *World) dice(name string, n int) *rand.Rand {
	return rand.New(rand.NewPCG(w.seed, gazetteer.Hash(fmt.Sprint(name, "#", n))))
}

// Start starts all processes. What [World.Stock] was told stands in every replica.
func (w *World) Start() {
	if w.started {
		return
	}
	w.started = true
	w.fillDisks()
	for _, g := range w.regions {
		g.start()
	}
	for _, p := range w.processes {
		w.agenda.After(between(p.dice, 0, 200*time.Millisecond), func() { p.start() })
	}
}

// Found starts the planet and lets time pass until it is ready for load: every replica
// serves and the regions are linked as one. It fails with kind Deadline when that takes
// longer than the limit.
func (w *World) Found(limit time.Duration) error {
	w.Start()
	end := w.agenda.Now() + limit
	for w.unready() != "" {
		if w.agenda.Now() >= end {
			return &gazetteer.Error{Op: "world.Found", Kind: gazetteer.Deadline,
				Detail: fmt.Sprintf("the planet is not ready after %v: %s", limit, w.unready())}
		}
		w.agenda.Run(w.agenda.Now() + 100*time.Millisecond)
	}
	return nil
}

// Begin says that the load begins now: the scenario's faults, those that the seed draws
// included, count from here, and so do all times of the result.
func (w *World) Begin() {
	w.zero = w.agenda.Now()
	w.books.begin()
	w.sample()
	w.log.note("load begins")
	faults := w.scenario.FaultsOf(w.seed)
	for i := range faults {
		f := &faults[i]
		w.agenda.At(w.zero+f.At, func() { w.Break(f) })
	}
}

// Settle lets time pass until the planet is at rest: every live replica holds the same and
// one tree reaches all live regions. It returns how long that took, and an error of kind
// Deadline when it took longer than the limit.
func (w *World) Settle(limit time.Duration) (time.Duration, error) {
	begun := w.agenda.Now()
	for {
		why := w.unrest()
		if why == "" {
			took := w.agenda.Now() - begun
			w.log.note("at rest")
			return took, nil
		}
		if w.agenda.Now()-begun >= limit {
			return limit, &gazetteer.Error{Op: "world.Settle", Kind: gazetteer.Deadline,
				Detail: fmt.Sprintf("the planet is not at rest after %v: %s", limit, why)}
		}
		w.agenda.Run(w.agenda.Now() + 50*time.Millisecond)
	}
}

// unready says what keeps the planet from taking load, "" for nothing.
func (w *World) unready() string {
	for _, p := range w.processes {
		if p.core == nil || !p.servesAll() {
			return string(p.id) + " does not serve"
		}
	}
	if why := w.unlinked(); why != "" {
		return why
	}
	return w.untreed()
}

// unlinked says which wanted link is not open, "" for none.
func (w *World) unlinked() string {
	for _, p := range w.processes {
		for _, q := range p.wants {
			if p.core != nil && q.core != nil && !p.linkedTo(q) {
				return fmt.Sprintf("%s has no link to %s", p.id, q.id)
			}
		}
	}
	return ""
}

// unrest says what keeps the planet from rest, "" for nothing.
func (w *World) unrest() string {
	if why := w.untreed(); why != "" {
		return why
	}
	return w.books.unequal()
}

func between(d *rand.Rand, lo, hi time.Duration) time.Duration {
	if hi <= lo {
		return lo
	}
	return lo + time.Duration(d.Int64N(int64(hi-lo)))
}

// wallOf is a moment of virtual time on a wall clock that is right.
func wallOf(at time.Duration) int64 { return epoch + at.Milliseconds() }
