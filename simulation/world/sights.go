package world

import (
	"cmp"
	"fmt"
	"slices"
	"time"

	"gazetteer/mst/voice"
	"gazetteer/ring"
	"gazetteer/simulation/result"
)

// sights are what is observed for the result: they decide nothing.
type sights struct {
	took         [][]time.Duration // by origin's region and region: until an update was shown there
	n            int
	crossings    int64
	updates      int64
	kinds        [ringKinds]int64
	voices       [voice.Kinds]int64
	acks         int64   // updates acknowledged since the load began
	shownAcked   []int64 // by region: of those, shown there
	lags         []result.Lag
	happenings   []result.Happening
	brokenBefore int // links that had broken when the load began
	sampling     bool
}

// The kinds of ring messages, in the order of their names.
const (
	kindAsk = iota
	kindBegin
	kindElements
	kindFresh
	kindGreet
	kindHello
	kindLeave
	kindMark
	kindMatch
	kindReport
	ringKinds
)

var ringNames = [ringKinds]string{"ask", "begin", "elements", "fresh", "greet", "hello", "leave", "mark", "match", "report"}

func (s *sights) init(regions int) {
	s.n = regions
	s.took = make([][]time.Duration, regions*regions)
	s.shownAcked = make([]int64, regions)
}

// sent counts a message between two replicas.
func (s *sights) sent(p, q *process, m ring.Message) {
	switch m := m.(type) {
	case ring.Elements:
		s.kinds[kindElements]++
		s.carries(p, q, &m)
	case ring.Ask:
		s.kinds[kindAsk]++
	case ring.Begin:
		s.kinds[kindBegin]++
	case ring.Fresh:
		s.kinds[kindFresh]++
	case ring.Greet:
		s.kinds[kindGreet]++
	case ring.Hello:
		s.kinds[kindHello]++
	case ring.Leave:
		s.kinds[kindLeave]++
	case ring.Mark:
		s.kinds[kindMark]++
	case ring.Match:
		s.kinds[kindMatch]++
	case ring.Report:
		s.kinds[kindReport]++
	}
}

// carries counts the updates that a message takes over a link.
func (s *sights) carries(p, q *process, m *ring.Elements) {
	b := p.world.books
	part := p.world.partIndex[m.Partition]
	for i := range m.Updates {
		f := b.known(part, m.Updates[i].Position)
		if f == noFact {
			continue // it is not saved yet: another checker will say so
		}
		if p.region == q.region {
			b.facts[f].inside++
			continue
		}
		b.facts[f].crossings++
		if int(f) >= b.since && p.world.loaded() {
			s.crossings++
		}
	}
}

func (s *sights) voice(k voice.Kind) { s.voices[k]++ }

func (w *World) loaded() bool { return w.sights.sampling }

// shows takes the moment at which a region first shows an update.
func (s *sights) shows(w *World, f *fact, g *region, ofLoad bool) {
	if !ofLoad || !s.sampling || f.by.process == nil {
		return
	}
	if f.acked {
		s.shownAcked[g.i]++
	}
	if f.region == g.i {
		s.updates++
		return
	}
	i := f.region*s.n + g.i
	s.took[i] = append(s.took[i], w.agenda.Now()-f.at)
}

// acked counts an update that was acknowledged as one that every region should show.
func (s *sights) acked(b *books, f int32) {
	if int(f) < b.since || !s.sampling {
		return
	}
	s.acks++
	for i := range s.shownAcked {
		if b.shows(f, i) {
			s.shownAcked[i]++
		}
	}
}

const sampleEvery = time.Second

// sample begins to observe, with the load.
func (w *World) sample() {
	w.sights.sampling = true
	w.sights.brokenBefore = w.cover.LinksBroken
	w.agenda.After(sampleEvery, w.samples)
}

func (w *World) samples() {
	w.agenda.After(sampleEvery, w.samples)
	s := &w.sights
	for i, g := range w.regions {
		s.lags = append(s.lags, result.Lag{AtMS: result.MillisOf(w.agenda.Now() - w.zero), Region: g.name, Updates: s.acks - s.shownAcked[i]})
	}
}

// Result adds what the world knows to a run: regions, trees, propagation, messages, faults
// and the promises. What clients and servers saw is another's.
func (w *World) Result(r *result.Run) {
	if r.Unfinished == "" {
		w.books.judge()
	}
	w.regionsOf(r)
	w.treesOf(r)
	w.propagationOf(r)
	r.Convergence = append(r.Convergence, w.sights.lags...)
	w.messagesOf(r)
	r.Happenings = append(r.Happenings, w.sights.happenings...)
	for _, c := range w.Checks() {
		if c.OK && r.Unfinished != "" && slices.Contains(atRest, c.Name) {
			c = result.Unjudged(c.Name)
		}
		r.Checks = append(r.Checks, c)
	}
}

func (w *World) regionsOf(r *result.Run) {
	for i, g := range w.regions {
		s := &w.scenario.Regions[i]
		state := "live"
		if g.leader == nil {
			state = "down"
		}
		r.Regions = append(r.Regions, result.Region{Name: g.name, Lat: s.Point.Lat, Lon: s.Point.Lon, Rings: len(g.shards), Replicas: len(g.members), State: state})
	}
}

func (w *World) treesOf(r *result.Run) {
	for _, k := range w.trees.all {
		if k.installs == 0 {
			continue
		}
		r.Trees = append(r.Trees, result.Tree{AtMS: result.MillisOf(k.at - w.zero), Epoch: k.epoch.String(), Why: k.why.String(),
			WeightMS: result.MillisOf(time.Duration(k.weight) * time.Microsecond), Regions: k.regions, Messages: k.messages,
			TookMS: result.MillisOf(k.at - max(k.woke, 0))})
		r.Happenings = append(r.Happenings, result.Happening{AtMS: result.MillisOf(k.at - w.zero), Kind: "tree",
			Detail: fmt.Sprintf("tree %v of %d regions: %v", k.epoch, k.regions, k.why)})
	}
	slices.SortStableFunc(r.Trees, func(a, b result.Tree) int { return cmp.Compare(a.AtMS, b.AtMS) })
	for i, g := range w.regions {
		for _, h := range w.regions[i+1:] {
			a, b := min(g.name, h.name), max(g.name, h.name)
			r.Edges = append(r.Edges, result.Edge{A: a, B: b, CostMS: result.MillisOf(2 * w.network.straight(a, b)), Tree: w.branches(g, h)})
		}
	}
}

// branches reports whether two regions are linked by the tree, or by the shape.
func (w *World) branches(g, h *region) bool {
	if !w.spoken() {
		return slices.Contains(g.branches, h.name)
	}
	for _, e := range g.saved.Tree.Branches {
		if e.To == h.name {
			return true
		}
	}
	return false
}

func (w *World) propagationOf(r *result.Run) {
	for _, g := range w.regions {
		for _, h := range w.regions {
			if took := slices.Clone(w.sights.took[g.i*w.sights.n+h.i]); len(took) > 0 {
				slices.Sort(took)
				at := func(q float64) result.Millis {
					return result.MillisOf(took[min(len(took)-1, int(q*float64(len(took))))])
				}
				r.Propagation = append(r.Propagation, result.Propagation{From: g.name, To: h.name, Updates: int64(len(took)),
					P50MS: at(0.5), P99MS: at(0.99), MaxMS: at(1),
					DirectMS: result.MillisOf(w.network.straight(g.name, h.name)), PathMS: result.MillisOf(w.path(g, h, nil))})
			}
		}
	}
}

// path is the one-way delay along the links between regions; 0 if there is no way. Where
// there are several it is the shortest.
func (w *World) path(g, h, before *region) time.Duration {
	best := time.Duration(0)
	for _, next := range w.regions {
		if next == g || next == before || !w.branches(g, next) {
			continue
		}
		way := w.network.straight(g.name, next.name)
		if next != h && w.spoken() {
			rest := w.path(next, h, g)
			if rest == 0 {
				continue
			}
			way += rest
		} else if next != h {
			if !w.branches(next, h) {
				continue
			}
			way += w.network.straight(next.name, h.name)
		}
		if best == 0 || way < best {
			best = way
		}
	}
	return best
}

// messagesOf tells what the updates cost. In a full mesh each region passes an update on
// to all others but the one it came from: (n-1)^2 messages. A star takes n-1, as a tree.
func (w *World) messagesOf(r *result.Run) {
	s, n := &w.sights, int64(len(w.regions))
	m := result.Messages{Updates: s.updates, Crossings: s.crossings, Mesh: s.updates * (n - 1) * (n - 1), Star: s.updates * (n - 1), ByKind: map[string]int64{}}
	for i, k := range s.kinds {
		m.ByKind[ringNames[i]] = k
	}
	for i, k := range s.voices {
		m.ByKind[voice.Kind(i).String()] = k
	}
	r.Messages = m
}

// promises are the names of all that is held, in the order of a report.
var promises = []string{
	"prefix", "durable first", "one position, one content", "acknowledged is durable", "no acknowledged write lost", "mirrors equal",
	"the tree is minimal", "no wrong clock wins", "nothing deleted comes back", "age is not under-reported", "no gaps", "n-1 crossings", "k+1 messages a ring",
	"store", "start", "voice",
}

// atRest are those that are held at a run's end alone.
var atRest = []string{"no acknowledged write lost", "mirrors equal", "the tree is minimal", "no gaps", "n-1 crossings", "k+1 messages a ring"}

// Checks returns each promise and whether it has held so far.
func (w *World) Checks() (out []result.Check) {
	for _, p := range promises {
		c := result.Check{Name: p, OK: true, Detail: "held"}
		for _, v := range w.books.failures {
			if v.promise == p && c.OK {
				c.OK, c.Detail = false, v.detail
			}
		}
		out = append(out, c)
	}
	return out
}
