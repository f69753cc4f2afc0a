package whatif

import (
	"slices"
	"time"

	"gazetteer"
	"gazetteer/mst"
	"gazetteer/mst/voice"
	"gazetteer/simulation/ghs"
	"gazetteer/simulation/result"
	"gazetteer/simulation/scenario"
)

// Outcome is what a planet comes to.
type Outcome struct {
	Regions   int           `json:"regions"`
	Tree      []Edge        `json:"tree"`
	Shortcuts []Edge        `json:"shortcuts,omitempty"`
	WeightMS  result.Millis `json:"weight_ms"` // of the tree

	// What GHS takes to find it, all regions waking at once.
	Messages int           `json:"messages"`
	TookMS   result.Millis `json:"took_ms"`

	Crossings int     `json:"crossings_per_update"` // of edges, by one update
	Stretch   Spread  `json:"stretch"`              // of the way along the edges, against the direct one
	OneWayMS  Spread  `json:"propagation_ms"`       // one way, along the edges
	Pairs     []Route `json:"-"`                    // by their ends
}

// Edge is one that carries updates, A before B.
type Edge struct {
	A      gazetteer.RegionID `json:"a"`
	B      gazetteer.RegionID `json:"b"`
	CostMS result.Millis      `json:"cost_ms"`
	Of     Source             `json:"of"`
}

// Spread is the middle and the end of a figure that each pair has.
type Spread struct {
	Median float64        `json:"median"`
	Worst  float64        `json:"worst"`
	Of     *scenario.Pair `json:"-"` // which pair has the worst; nil of a planet without pairs
}

// Route is the way of updates between two regions, A before B; both directions are alike.
type Route struct {
	scenario.Pair
	DirectMS result.Millis // one way
	PathMS   result.Millis // one way
	Stretch  float64       // 0: the direct way is not known
}

// Predict lets GHS find the tree of a planet in virtual time and chooses up to so many
// shortcuts, by the rule that regions follow. It is deterministic. An error of kind
// Unprocessable names a region that no known round trip joins to the others.
func Predict(p Planet, shortcuts int) (Outcome, error) {
	g := p.graph()
	r, err := ghs.Simulate(g, ghs.Options{Seed: 1, Delay: ghs.RoundTripDelay})
	if err != nil {
		return Outcome{}, err
	}
	w := waysOf(g.Nodes, r.Tree)
	if lone, ok := w.lone(); ok {
		return Outcome{}, refuse("Predict", gazetteer.Unprocessable, "no known round trip joins %s to %s; give it coordinates", lone, g.Nodes[0])
	}
	o := Outcome{
		Regions: len(g.Nodes), WeightMS: result.Millis(r.Weight) / 1000, Messages: r.Messages,
		TookMS: result.MillisOf(r.Elapsed),
	}
	for _, e := range r.Tree {
		o.Tree = append(o.Tree, p.edge(e.A, e.B))
	}
	for _, s := range w.shorten(&p, shortcuts) {
		o.Shortcuts = append(o.Shortcuts, p.edge(s.Low, s.High))
	}
	o.Crossings = max(0, o.Regions-1) + 2*len(o.Shortcuts) // a shortcut carries each update both ways, at worst
	o.measure(&p, w)
	return o, nil
}

func (p *Planet) graph() (g ghs.Graph) {
	for _, r := range p.Regions {
		g.Nodes = append(g.Nodes, r.Name)
	}
	for i, a := range g.Nodes {
		for _, b := range g.Nodes[i+1:] {
			if t, known := p.RTT[scenario.PairOf(a, b)]; known {
				g.Edges = append(g.Edges, ghs.NewEdge(a, b, micros(t.RTT)))
			}
		}
	}
	return g
}

func micros(d time.Duration) uint64 { return uint64(max(d, 0) / time.Microsecond) }

func (p *Planet) edge(a, b gazetteer.RegionID) Edge {
	t := p.RTT[scenario.PairOf(a, b)]
	return Edge{a, b, result.MillisOf(t.RTT), t.Of}
}

// ways is what it costs to go from each region to each other one, in microseconds.
type ways struct {
	names []gazetteer.RegionID
	along [][]uint64 // 0: the same, or none
}

// waysOf walks a tree from each of its regions.
func waysOf(names []gazetteer.RegionID, tree []ghs.Edge) *ways {
	at := make(map[gazetteer.RegionID]int, len(names))
	for i, n := range names {
		at[n] = i
	}
	next := make([][]hop, len(names))
	for _, e := range tree {
		i, j := at[e.A], at[e.B]
		next[i], next[j] = append(next[i], hop{j, e.Cost}), append(next[j], hop{i, e.Cost})
	}
	w := &ways{names: names}
	for i := range names {
		row := make([]uint64, len(names))
		walk(next, i, i, 0, row)
		w.along = append(w.along, row)
	}
	return w
}

type hop struct {
	to   int
	cost uint64
}

func walk(next [][]hop, from, at int, so uint64, row []uint64) {
	row[at] = so
	for _, h := range next[at] {
		if h.to != from {
			walk(next, at, h.to, so+h.cost, row)
		}
	}
}

// lone returns a region that the first one does not reach.
func (w *ways) lone() (name gazetteer.RegionID, ok bool) {
	for j := 1; j < len(w.names); j++ {
		if w.along[0][j] == 0 {
			return w.names[j], true
		}
	}
	return "", false
}

// shorten chooses shortcuts, and reckons with them from then on.
func (w *ways) shorten(p *Planet, most int) []mst.Weight {
	return voice.ChooseShortcuts(w.along, func(i, j int) (mst.Weight, bool) {
		a, b := min(w.names[i], w.names[j]), max(w.names[i], w.names[j])
		t, known := p.RTT[scenario.PairOf(a, b)]
		return mst.Weight{Cost: micros(t.RTT), Low: a, High: b}, known
	}, most)
}

// measure reckons what updates and readers feel of it.
func (o *Outcome) measure(p *Planet, w *ways) {
	for i, a := range w.names {
		for j := i + 1; j < len(w.names); j++ {
			r := Route{Pair: scenario.PairOf(a, w.names[j]), PathMS: result.Millis(w.along[i][j]) / 2000}
			if t, known := p.RTT[r.Pair]; known && t.RTT > 0 {
				r.DirectMS = result.MillisOf(t.RTT) / 2
				r.Stretch = float64(r.PathMS / r.DirectMS)
			}
			o.Pairs = append(o.Pairs, r)
		}
	}
	o.Stretch = spread(o.Pairs, func(r *Route) float64 { return r.Stretch })
	o.OneWayMS = spread(o.Pairs, func(r *Route) float64 { return float64(r.PathMS) })
}

func spread(pairs []Route, figure func(*Route) float64) (s Spread) {
	var all []float64
	for i := range pairs {
		v := figure(&pairs[i])
		if v <= 0 {
			continue
		}
		all = append(all, v)
		if v > s.Worst {
			s.Worst, s.Of = v, &pairs[i].Pair
		}
	}
	if len(all) > 0 {
		slices.Sort(all)
		s.Median = (all[(len(all)-1)/2] + all[len(all)/2]) / 2
	}
	return s
}
