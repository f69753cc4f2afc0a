package ring_test

import (
	"io"
	"math/rand/v2"
	"time"

	"gazetteer"
	"gazetteer/ring"
)

// epoch is the wall clock at virtual time 0.
const epoch = int64(1_700_000_000_000)

// world is a planet in virtual time: nodes, the links between them, and an agenda of
// what happens next. It is the test's driver of the cores; it starts no goroutine, and
// everything in it follows from the seed and the schedule.
type world struct {
	shape   shape
	now     time.Duration
	agenda  agenda
	dice    dice
	nodes   []*node
	byID    map[gazetteer.NodeID]*node
	regions []*region
	plans   []*agreed
	parts   []gazetteer.Partition
	wires   []wire  // by from*len(nodes)+to
	links   []*link // by from*len(nodes)+to, the same in both directions
	cuts    []int   // by from*len(nodes)+to: how many faults cut the pair
	changed int     // counts what regions have to look at
	books   *books
	cover   coverage
	trace   io.Writer // nil: nothing is formatted
	steps   int       // events that have happened
	tokens  uint64
	carried uint64 // updates handed to links
	flying  int    // data messages under way
	calm    bool   // no faults
	prompt  bool   // the driver does at once what it is asked for
	settled bool   // the planet is founded: without faults it owes service
	healed  bool

	ids       []gazetteer.ID
	locations []gazetteer.LocationID
	versions  map[resourceOf]gazetteer.Version // as clients have last heard
	timeless  bool                             // traces tell no times

	viewers  []*viewer
	sessions []*session
}

// shape is what a world is made of; it does not change while the world runs.
type shape struct {
	seed           uint64
	rings          [][]circle // by region
	parts          int
	ids, locations int
	config         ring.Config // its times and bounds
	tick           time.Duration
	calm, prompt   bool
}

// circle is one ring of a region: how many members, how many spares that join later,
// and which partitions it owns, as bits.
type circle struct {
	members, spares int
	parts           uint64
}

func newWorld(s shape, trace io.Writer) *world {
	w := &world{
		shape: s, dice: dice(s.seed), trace: trace, calm: s.calm, prompt: s.calm || s.prompt,
		byID: map[gazetteer.NodeID]*node{}, versions: map[resourceOf]gazetteer.Version{},
		ids: names[gazetteer.ID]("k", s.ids), locations: append([]gazetteer.LocationID{""}, names[gazetteer.LocationID]("l", s.locations)...),
	}
	for i := range s.parts {
		w.parts = append(w.parts, gazetteer.Partition{Type: "sim", Index: uint32(i)})
	}
	w.build()
	n := len(w.nodes)
	w.wires, w.links, w.cuts = make([]wire, n*n), make([]*link, n*n), make([]int, n*n)
	for i := range w.wires {
		w.wires[i] = w.newWire(w.nodes[i/n], w.nodes[i%n])
	}
	w.books = newBooks(w)
	return w
}

// names returns k names that begin alike.
func names[T ~string](with string, k int) []T {
	out := make([]T, k)
	for i := range out {
		out[i] = T(with + string(rune('0'+i)))
	}
	return out
}

// start founds the planet: every member of the first plan starts, spares stay away.
func (w *world) start() {
	for _, g := range w.regions {
		w.look(g)
		w.add(g.dice.between(0, lookEvery), event{kind: evControl, arg: g.i})
	}
	for _, n := range w.nodes {
		if !w.plans[0].without(n) {
			w.begin(n)
		}
	}
}

// add plans an event for after a while.
func (w *world) add(in time.Duration, e event) { w.agenda.add(w.now+in, e) }

// run lets time pass up to a moment, or to the first violation.
func (w *world) run(until time.Duration) {
	for w.agenda.due(until) && w.books.failure == nil {
		at, e := w.agenda.pop()
		w.now = at
		w.steps++
		w.happen(&e)
	}
	w.now = max(w.now, until)
}

func (w *world) happen(e *event) {
	if w.stalls(e) {
		return
	}
	switch e.kind {
	case evTick:
		w.ticks(e.node, e.life)
	case evPerform:
		if e.node.lives(e.life) && e.node.busy {
			w.perform(e.node)
		}
	case evArrive:
		w.arrives(e.link, e.arg, e.mail)
	case evTaken:
		w.taken(e.link, e.arg)
	case evTold:
		w.told(e.link, e.arg)
	case evDial:
		w.dial(e.node, w.nodes[e.arg])
	case evChunk:
		w.reads(e.node, e.life, e.scan)
	case evStart:
		w.begin(e.node)
	case evControl:
		w.controls(w.regions[e.arg])
	case evInstall:
		w.install(w.regions[e.arg], e.life)
	case evConfigure:
		if e.node.lives(e.life) {
			w.configure(e.node)
		}
	case evMend:
		w.mend(e)
	case evRoam, evShow, evHear, evDrain:
		w.happensTo(e.viewer, e)
	case evRead:
		w.readsAt(e.session)
	}
}

// clockOf is the time as a node sees it.
func (w *world) clockOf(n *node) ring.Now {
	return ring.Now{Wall: epoch + (w.now + n.skew).Milliseconds(), Mono: w.now - n.began}
}

// configOf is the configuration of a node's next life.
func (w *world) configOf(n *node) ring.Config {
	c := w.shape.config
	c.Self = n.id
	c.Incarnation = n.dice.next() | 1
	c.Reader = n.disk.store
	c.State = n.disk.store.State()
	c.Rand = rand.New(rand.NewPCG(w.shape.seed, c.Incarnation))
	return c
}

// pair is the index of an ordered pair of nodes.
func (w *world) pair(a, b *node) int { return a.i*len(w.nodes) + b.i }

// reaches reports whether b would answer a.
func (w *world) reaches(a, b *node) bool {
	return a.r != nil && b.r != nil && !b.frozen && w.cuts[w.pair(a, b)] == 0
}
