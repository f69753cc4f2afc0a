package voice_test

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"time"

	"gazetteer"
	"gazetteer/mst"
	"gazetteer/mst/voice"
)

// checker holds what must be true after every step, and what must be true at rest. It
// knows what the regions do not: all messages, and who can reach whom.
type checker struct {
	planet *planet
	order  int
	err    error
	saves  map[gazetteer.RegionID]voice.Saved
	spoke  map[part]int                  // which life of a region took part in an epoch
	graph  map[mst.Epoch]map[edge]uint64 // what was confirmed for each epoch
	// installs is what regions had saved when they installed the tree of an epoch.
	installs map[mst.Epoch]map[gazetteer.RegionID]voice.Saved
}

type part struct {
	region gazetteer.RegionID
	epoch  mst.Epoch
}

// edge joins two regions; a is the smaller name.
type edge struct{ a, b gazetteer.RegionID }

func newEdge(a, b gazetteer.RegionID) edge { return edge{min(a, b), max(a, b)} }

func (c *checker) init(p *planet) {
	c.planet = p
	c.saves = map[gazetteer.RegionID]voice.Saved{}
	c.spoke = map[part]int{}
	c.graph = map[mst.Epoch]map[edge]uint64{}
	c.installs = map[mst.Epoch]map[gazetteer.RegionID]voice.Saved{}
}

func (c *checker) next() int { c.order++; return c.order }

func (c *checker) fail(format string, args ...any) {
	if c.err == nil {
		c.err = fmt.Errorf("at %v: %s", c.planet.now, fmt.Sprintf(format, args...))
	}
}

// saved: what is saved survives the encoding, and never goes back.
func (c *checker) saved(r *region, s voice.Saved) {
	if s.Epoch.Compare(c.saves[r.name].Epoch) < 0 || s.Tree.Epoch.Compare(c.saves[r.name].Tree.Epoch) < 0 {
		c.fail("%s went back from %v to %v", r.name, c.saves[r.name], s)
	}
	c.saves[r.name] = s
}

// sending: nobody speaks of an epoch that is not durable, and no two voices of a region
// take part in one.
func (c *checker) sending(r *region, e voice.Envelope) {
	epoch, takesPart := epochOf(e.Message)
	if epoch.Compare(c.saves[r.name].Epoch) > 0 {
		c.fail("%s sends %v before that epoch is saved", r.name, e.Message)
	}
	if !takesPart {
		return
	}
	p := part{r.name, epoch}
	if life := c.spoke[p]; life != 0 && life != r.lives {
		c.fail("%s takes part in %v twice", r.name, epoch)
	}
	c.spoke[p] = r.lives
	if m, ok := e.Message.(voice.Confirm); ok {
		c.confirmed(newEdge(r.name, e.To), m)
	}
}

func epochOf(m voice.Message) (e mst.Epoch, takesPart bool) {
	switch m := m.(type) {
	case voice.Call:
		return m.Epoch, true
	case voice.Offer:
		return m.Epoch, true
	case voice.Accept:
		return m.Epoch, true
	case voice.Confirm:
		return m.Epoch, true
	case voice.Frame:
		return m.Epoch, m.Stale == (mst.Epoch{})
	}
	return mst.Epoch{}, false
}

func (c *checker) confirmed(e edge, m voice.Confirm) {
	g := c.graph[m.Epoch]
	if g == nil {
		g = map[edge]uint64{}
		c.graph[m.Epoch] = g
	}
	if cost, ok := g[e]; ok && cost != m.Cost {
		c.fail("%v costs %d and %d in %v", e, cost, m.Cost, m.Epoch)
	}
	g[e] = m.Cost
}

// installed: a branch was agreed by both ends, at one cost. That the whole is the minimum
// spanning tree is looked at when all have it, see judge.
func (c *checker) installed(r *region, t mst.Tree) {
	for _, b := range t.Branches {
		if cost, ok := c.graph[t.Epoch][newEdge(r.name, b.To)]; !ok || cost != b.Cost {
			c.fail("%s installed %v, but %s was agreed at %d (%v)", r.name, t, b.To, cost, ok)
		}
	}
	if c.installs[t.Epoch] == nil {
		c.installs[t.Epoch] = map[gazetteer.RegionID]voice.Saved{}
	}
	if _, twice := c.installs[t.Epoch][r.name]; twice {
		c.fail("%s installed the tree of %v twice", r.name, t.Epoch)
	}
	c.installs[t.Epoch][r.name] = c.saves[r.name]
}

// judge: the trees that were installed in an epoch are the minimum spanning forest of the
// edges that took part in it, as far as all regions of a tree came to install it.
func (c *checker) judge() error {
	for _, e := range slices.SortedFunc(maps.Keys(c.installs), mst.Epoch.Compare) {
		if err := c.judgeEpoch(e); err != nil {
			return err
		}
	}
	return c.err
}

func (c *checker) judgeEpoch(e mst.Epoch) error {
	by := c.installs[e]
	want := kruskal(c.tookPart(e))
	for _, name := range slices.Sorted(maps.Keys(by)) {
		tree := by[name].Tree
		for _, b := range tree.Branches {
			other, ok := by[b.To]
			if _, in := want[newEdge(name, b.To)]; ok && (!in || !hasBranch(other.Tree, name)) {
				return fmt.Errorf("%s installed %v, but %v", name, tree, other.Tree)
			}
		}
		size, weight := want.part(name)
		if c.allInstalled(e, want, name) && (tree.Regions != size || tree.Weight != weight) {
			return fmt.Errorf("%s installed %v, the best tree of its part has %d regions and weight %d", name, tree, size, weight)
		}
	}
	return nil
}

func hasBranch(t mst.Tree, to gazetteer.RegionID) bool {
	return slices.ContainsFunc(t.Branches, func(e mst.Edge) bool { return e.To == to })
}

// tookPart returns the edges of an epoch that no end denies.
func (c *checker) tookPart(e mst.Epoch) map[edge]uint64 {
	by, out := c.installs[e], map[edge]uint64{}
	for ends, cost := range c.graph[e] {
		a, okA := by[ends.a]
		b, okB := by[ends.b]
		deniedA, deniedB := okA && !slices.Contains(a.Seen, ends.b), okB && !slices.Contains(b.Seen, ends.a)
		if !deniedA && !deniedB {
			out[ends] = cost
		}
	}
	return out
}

func (c *checker) allInstalled(e mst.Epoch, f forest, name gazetteer.RegionID) bool {
	in := f.around(name)
	for n := range in {
		if _, ok := c.installs[e][n]; !ok {
			return false
		}
	}
	return true
}

// step: trees are not mixed: what a region has as branches of its tree is one epoch's.
func (c *checker) step(r *region) {
	var got []gazetteer.RegionID
	for _, b := range r.branches {
		if b.Why == voice.Tree {
			got = append(got, b.Region)
		}
	}
	var want []gazetteer.RegionID
	for _, b := range c.saves[r.name].Tree.Branches {
		if slices.Contains(r.known, b.To) && slices.Contains(r.known, r.name) {
			want = append(want, b.To)
		}
	}
	slices.Sort(want)
	if !slices.Equal(got, want) {
		c.fail("%s has the branches %v, its tree those to %v", r.name, r.branches, want)
	}
}

// forest is the edges of some trees, with their costs.
type forest map[edge]uint64

// kruskal is the oracle: the minimum spanning forest by (cost, smaller name, larger name),
// found with the whole graph at hand.
func kruskal(g map[edge]uint64) forest {
	var edges []edge
	for e := range g {
		edges = append(edges, e)
	}
	slices.SortFunc(edges, func(e, f edge) int {
		return cmp.Or(cmp.Compare(g[e], g[f]), cmp.Compare(e.a, f.a), cmp.Compare(e.b, f.b))
	})
	root := map[gazetteer.RegionID]gazetteer.RegionID{}
	find := func(n gazetteer.RegionID) gazetteer.RegionID {
		for root[n] != "" {
			n = root[n]
		}
		return n
	}
	out := forest{}
	for _, e := range edges {
		if a, b := find(e.a), find(e.b); a != b {
			root[a] = b
			out[e] = g[e]
		}
	}
	return out
}

// part returns how many regions the tree around one has, and its weight.
func (f forest) part(of gazetteer.RegionID) (size int, weight uint64) {
	in := f.around(of)
	for e, cost := range f {
		if in[e.a] {
			weight += cost
		}
	}
	return len(in), weight
}

// around returns the regions of the tree around one.
func (f forest) around(of gazetteer.RegionID) map[gazetteer.RegionID]bool {
	in := map[gazetteer.RegionID]bool{of: true}
	for grown := true; grown; {
		grown = false
		for e := range f {
			if in[e.a] != in[e.b] {
				in[e.a], in[e.b], grown = true, true, true
			}
		}
	}
	return in
}

// connected reports whether words can pass both ways.
func (c *checker) connected(a, b *region) bool {
	return a.voice != nil && b.voice != nil && !a.paused && !b.paused &&
		!c.planet.cut[way{a.name, b.name}] && !c.planet.cut[way{b.name, a.name}] &&
		slices.Contains(a.known, b.name) && slices.Contains(b.known, a.name)
}

// groups are the regions that are up, by who can reach whom.
func (c *checker) groups() (out [][]*region) {
	seen := map[*region]bool{}
	for _, r := range c.planet.regions {
		if r.voice == nil || r.paused || seen[r] || !slices.Contains(r.known, r.name) {
			continue
		}
		group := []*region{r}
		seen[r] = true
		for i := 0; i < len(group); i++ {
			for _, s := range c.planet.regions {
				if !seen[s] && c.connected(group[i], s) {
					seen[s] = true
					group = append(group, s)
				}
			}
		}
		out = append(out, group)
	}
	return out
}

// atRest returns what keeps the planet from being at rest, nil if nothing does: in each
// group all have one tree of one epoch, its branches and no others, at both ends.
func (c *checker) atRest() error {
	for _, group := range c.groups() {
		if err := c.groupAtRest(group); err != nil {
			return err
		}
	}
	return nil
}

func (c *checker) groupAtRest(group []*region) error {
	ends := map[edge]int{}
	epoch := c.saves[group[0].name].Tree.Epoch
	for _, r := range group {
		if mine := c.saves[r.name].Tree.Epoch; mine != epoch {
			return fmt.Errorf("%s has the tree of %v, %s that of %v", r.name, mine, group[0].name, epoch)
		}
		s := r.voice.Status()
		switch {
		case s.Running || s.Cause != voice.CauseNone:
			return fmt.Errorf("%s: running %v, cause %v", r.name, s.Running, s.Cause)
		case s.Tree.Regions != len(group) || !s.Whole:
			return fmt.Errorf("%s has a tree of %d regions (whole: %v), there are %d", r.name, s.Tree.Regions, s.Whole, len(group))
		}
		for _, b := range r.branches {
			if b.Why != voice.Tree {
				return fmt.Errorf("%s has a branch to %s that is %v", r.name, b.Region, b.Why)
			}
			ends[newEdge(r.name, b.Region)]++
		}
	}
	if len(ends) != len(group)-1 {
		return fmt.Errorf("%d branches between %d regions", len(ends), len(group))
	}
	for e, n := range ends {
		if n != 2 {
			return fmt.Errorf("%v is a branch at one end only", e)
		}
	}
	return nil
}

// settle lets time pass until the planet is at rest and stays so, and returns after what
// time it was: right after an install regions do not judge yet.
func (p *planet) settle(within time.Duration) (time.Duration, error) {
	const step = 500 * time.Millisecond
	start, since := p.now, p.now
	judged := 4 * max(time.Second, 80*time.Millisecond*time.Duration(len(p.names)))
	for {
		p.run(step)
		if p.checker.err != nil {
			return 0, p.checker.err
		}
		why := p.checker.atRest()
		switch {
		case why != nil && p.now > start+within:
			return 0, fmt.Errorf("no rest after %v: %w", within, why)
		case why != nil:
			since = p.now
		case p.now-since >= judged:
			return since - start, p.checker.judge()
		}
	}
}

// truth is the graph of the true costs between the regions that are up and can reach each
// other.
func (p *planet) truth() map[edge]uint64 {
	g := map[edge]uint64{}
	for i, a := range p.regions {
		for _, b := range p.regions[:i] {
			if p.checker.connected(a, b) {
				g[newEdge(a.name, b.name)] = p.cost(a.name, b.name)
			}
		}
	}
	return g
}

// tree returns the branches of all regions with their true costs.
func (p *planet) tree() forest {
	out := forest{}
	for _, r := range p.regions {
		if r.voice == nil {
			continue
		}
		for _, b := range r.branches {
			if b.Why == voice.Tree {
				out[newEdge(r.name, b.Region)] = p.cost(r.name, b.Region)
			}
		}
	}
	return out
}

func (f forest) weight() (sum uint64) {
	for _, cost := range f {
		sum += cost
	}
	return sum
}
