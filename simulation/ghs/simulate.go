package ghs

import (
	"fmt"
	"math"
	"math/bits"
	"slices"
	"time"

	"gazetteer"
	"gazetteer/mst"
)

// Options say how a graph is run. The zero value wakes every node at once, delays each
// frame by 1 to 100 ms and loses none.
type Options struct {
	Seed  uint64
	Awake Awake
	Delay Delay // nil: UniformDelay
	// Loss and Double are the probabilities that a frame does not arrive, or arrives
	// twice. Frames overtake one another by their delays.
	Loss, Double float64
	// Bare runs the nodes without links: they send over the network itself. Without
	// loss and doubling it is then what the paper assumes, unless messages overtake.
	Bare, Overtake bool
	Transcript     bool // keep it in the result

	copies  func(nth int) int // instead of Loss and Double
	forgive bool              // what a node refuses is dropped, and no error of the run
}

// Awake says which nodes wake spontaneously; the others are woken by a message.
type Awake uint8

// The wake sets. AwakeOne and AwakeSome need a connected graph.
const (
	AwakeAll  Awake = iota // all at the start
	AwakeOne               // one drawn at random
	AwakeSome              // one, and each of the others with probability 1/2, at different times
)

// Result is how a run ended.
type Result struct {
	Tree       []Edge // sorted; of a graph that is not connected, the trees of all its parts
	Weight     uint64 // sum of the costs in the tree
	Components int
	Messages   int                 // of all nodes, without acknowledgements and resends
	ByKind     [mst.PaperKinds]int // the same, by kind
	MaxLevel   int
	Elapsed    time.Duration // virtual time until the last core node halted
	Links      mst.LinkCounters
	Nodes      map[gazetteer.RegionID]mst.Status
	Transcript []Event
}

// Simulate runs GHS once, until nothing happens any more. An error of kind Internal
// says that it did not build a tree of each part of the graph; the result then tells
// how far it came.
func Simulate(g Graph, o Options) (Result, error) {
	w, err := newWorld(g, o)
	if err != nil {
		return Result{}, err
	}
	w.wake()
	for w.err == nil && w.net.agenda.Step(math.MaxInt64) {
		if w.net.sent > w.frames {
			w.fail("%d frames, and no end", w.net.sent)
		}
	}
	w.finish()
	return w.result, w.err
}

// world is one run.
type world struct {
	net      *network
	o        Options
	stations []*station // sorted by name
	result   Result
	messages int // how many are far more than the paper's bound
	frames   int // how many are far more than the links need for these
	err      error
}

func newWorld(g Graph, o Options) (*world, error) {
	most := 10 * Bound(len(g.Nodes), len(g.Edges))
	w := &world{net: newNetwork(o.Seed, o.Delay, o.Loss, o.Double), o: o, messages: most}
	w.frames = int(2 * float64(most) / ((1 - o.Loss) * (1 - o.Loss))) // message and acknowledgement must arrive
	w.net.fifo = o.Bare && !o.Overtake
	if o.Transcript {
		w.result.Transcript = []Event{}
	}
	if o.copies != nil {
		w.net.copies = o.copies
	}
	edges := g.adjacency()
	byName := map[gazetteer.RegionID]*station{}
	for _, name := range g.Nodes {
		node, err := mst.NewNode(name, edges[name])
		if err != nil {
			return nil, err
		}
		s := &station{world: w, name: name, node: node, ends: make(map[gazetteer.RegionID]*end, len(edges[name]))}
		byName[name] = s
		w.stations = append(w.stations, s)
	}
	for _, e := range g.Edges {
		w.join(byName[e.A], byName[e.B], e.Cost)
	}
	return w, nil
}

// Bound is the paper's bound for the messages of one run, 5 N log2 N + 2 E. The paper
// does not look at a graph of two nodes or less, which takes at most six.
func Bound(nodes, edges int) int {
	return max(6, int(5*float64(nodes)*math.Log2(float64(max(nodes, 1))))+2*edges)
}

func (w *world) wake() {
	first := 0
	if len(w.stations) > 0 && w.o.Awake != AwakeAll {
		first = w.net.dice.IntN(len(w.stations))
	}
	for i, s := range w.stations {
		switch {
		case w.o.Awake == AwakeAll || i == first:
			w.net.agenda.After(0, s.wake)
		case w.o.Awake == AwakeSome && w.net.dice.IntN(2) == 0:
			w.net.agenda.After(time.Duration(w.net.dice.Int64N(int64(200*time.Millisecond))), s.wake)
		}
	}
}

// took notes that a node has taken a message.
func (w *world) took(from, to *station, m mst.Message) {
	w.result.Messages++
	if k := m.Kind(); k < mst.PaperKinds {
		w.result.ByKind[k]++
	}
	if w.o.Transcript {
		w.result.Transcript = append(w.result.Transcript, Event{w.net.agenda.Now(), from.name, to.name, m})
	}
	if w.result.Messages > w.messages {
		w.fail("%d messages, ten times the paper's bound, and no end", w.result.Messages)
	}
}

// finish reads the tree out of the nodes.
func (w *world) finish() {
	r := &w.result
	r.Nodes = make(map[gazetteer.RegionID]mst.Status, len(w.stations))
	halted, alone := 0, 0
	for _, s := range w.stations {
		status := s.node.Status()
		r.Nodes[s.name] = status
		r.MaxLevel = max(r.MaxLevel, status.Level)
		branches := s.node.Branches()
		for _, e := range branches {
			if s.name < e.To {
				r.Tree = append(r.Tree, Edge{s.name, e.To, e.Cost})
				r.Weight += e.Cost
			}
		}
		s.addLinks(&r.Links)
		if status.Halted {
			halted++
		}
		if len(branches) == 0 {
			alone++
		}
	}
	slices.SortFunc(r.Tree, Edge.Compare)
	r.Components = len(w.stations) - len(r.Tree)
	if want := 2*(r.Components-alone) + alone; halted != want {
		w.fail("%d nodes halted, want %d: two for each tree, one for each node alone", halted, want)
	}
}

func (w *world) fail(format string, args ...any) {
	if w.err == nil {
		w.err = &gazetteer.Error{Op: "ghs.Simulate", Kind: gazetteer.Internal, Detail: fmt.Sprintf(format, args...)}
	}
}

// MaxLevel is the highest level that a fragment of so many nodes can have: one of level
// L has at least 2^L.
func MaxLevel(nodes int) int { return max(0, bits.Len(uint(nodes))-1) }
