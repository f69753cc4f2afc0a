package voice

import (
	"slices"

	"gazetteer"
	"gazetteer/mst"
)

// chart is the planet as this region knows it at one moment, from its own measuring and
// the words of those that it hears. Regions are numbered as the members are, by name.
type chart struct {
	names  []gazetteer.RegionID
	self   int
	rows   [][]Entry // what each says of each other one; nil: it is not heard
	reach  []bool    // there is a way to it over edges that work
	count  int       // of those in reach
	parts  int       // the installed trees fall into so many parts
	partOf []int     // -1: not in reach; part 0 holds the smallest name
}

func (v *Voice) chart() *chart {
	c := &chart{names: v.members, self: v.self, rows: make([][]Entry, len(v.members))}
	own := make([]Entry, len(v.members))
	for _, p := range v.peers {
		own[p.at] = v.entry(p)
		if p.hearing.words() && p.word.Number > 0 {
			c.rows[p.at] = p.row
		}
	}
	c.rows[v.self] = own
	c.explore()
	c.divide()
	return c
}

// said returns what i says of j; of one that is not heard it is the zero value.
func (c *chart) said(i, j int) Entry {
	if c.rows[i] == nil {
		return Entry{}
	}
	return c.rows[i][j]
}

// works reports whether words pass over an edge both ways, as far as its ends say. What
// an end does not know yet, or does not say because it is not heard here, the other knows.
func (c *chart) works(i, j int) bool {
	a, b := c.said(i, j).Hearing, c.said(j, i).Hearing
	return (a == Mutual || b == Mutual) && !c.denied(i, j)
}

func (c *chart) denied(i, j int) bool {
	return c.said(i, j).Hearing.denies() || c.said(j, i).Hearing.denies()
}

// weight returns the weight of an edge now; ok is false if no end knows its cost.
func (c *chart) weight(i, j int) (w mst.Weight, ok bool) {
	a, b := c.said(i, j).Cost, c.said(j, i).Cost
	switch {
	case a == 0:
		a = b
	case b == 0:
		b = a
	}
	return mst.WeightOf(Mean(a, b), c.names[i], c.names[j]), a > 0
}

// branch reports whether an end says that the edge is one of its tree, and none denies
// that it works: two new voices may not have heard each other yet. What is between two
// regions neither of which is heard here is not known; it is taken to be well.
func (c *chart) branch(i, j int) bool {
	if c.rows[i] == nil && c.rows[j] == nil {
		return true
	}
	return (c.said(i, j).Tree || c.said(j, i).Tree) && !c.denied(i, j)
}

// sawEdge reports whether an end says that the edge took part in its tree's epoch.
func (c *chart) sawEdge(i, j int) bool { return c.said(i, j).Seen || c.said(j, i).Seen }

// explore finds the regions in reach.
func (c *chart) explore() {
	c.reach = make([]bool, len(c.names))
	c.walk(c.self, c.works, func(i int) { c.reach[i] = true })
	for _, in := range c.reach {
		if in {
			c.count++
		}
	}
}

// divide finds the parts into which the trees fall, from the smallest name upwards.
func (c *chart) divide() {
	c.partOf = slices.Repeat([]int{-1}, len(c.names))
	for i := range c.names {
		if c.reach[i] && c.partOf[i] < 0 {
			c.walk(i, c.branchInReach, func(j int) { c.partOf[j] = c.parts })
			c.parts++
		}
	}
}

func (c *chart) branchInReach(i, j int) bool { return c.reach[j] && c.branch(i, j) }

// walk visits all regions to which the edges that joins approves of lead from one.
func (c *chart) walk(from int, joins func(i, j int) bool, visit func(int)) {
	visited := make([]bool, len(c.names))
	visited[from] = true
	for next := []int{from}; len(next) > 0; next = next[1:] {
		i := next[0]
		visit(i)
		for j := range c.names {
			if !visited[j] && j != i && joins(i, j) {
				visited[j] = true
				next = append(next, j)
			}
		}
	}
}

// first reports whether this region has the smallest name of those in reach.
func (c *chart) first() bool { return slices.Index(c.reach, true) == c.self }

// bridges returns the regions to which this one has the edge that joins another part of
// the tree to part 0: for each part its lightest.
func (c *chart) bridges() (to []gazetteer.RegionID) {
	for part := 1; part < c.parts; part++ {
		w, ok := c.lightest(func(i, j int) bool { return c.partOf[i] == 0 && c.partOf[j] == part })
		switch self := c.names[c.self]; {
		case !ok:
		case w.Low == self:
			to = append(to, w.High)
		case w.High == self:
			to = append(to, w.Low)
		}
	}
	slices.Sort(to)
	return slices.Compact(to)
}

// lightest returns the lightest edge that works among those between i and j for which
// across holds.
func (c *chart) lightest(across func(i, j int) bool) (best mst.Weight, ok bool) {
	for i := range c.names {
		for j := range c.names {
			if i == j || !across(i, j) || !c.works(i, j) {
				continue
			}
			if w, known := c.weight(i, j); known && (!ok || w.Compare(best) < 0) {
				best, ok = w, true
			}
		}
	}
	return best, ok
}

// side returns which regions are on this side of a branch from here to j.
func (c *chart) side(j int) []bool {
	near := make([]bool, len(c.names))
	joins := func(a, b int) bool {
		cut := a == c.self && b == j || a == j && b == c.self
		return !cut && c.branchInReach(a, b)
	}
	c.walk(c.self, joins, func(i int) { near[i] = true })
	return near
}

// swap returns the edge that would replace a branch of this region's.
func (c *chart) swap(j int) (mst.Weight, bool) {
	near := c.side(j)
	return c.lightest(func(a, b int) bool {
		own := min(a, b) == min(c.self, j) && max(a, b) == max(c.self, j)
		return near[a] && !near[b] && c.reach[b] && !own
	})
}

// met reports whether it is known of each pair in reach whether words pass, and what the
// edge costs at both of its ends. If costs are given an edge may have none, at both.
func (c *chart) met(given bool) bool {
	for i := range c.names {
		for j := range i {
			if c.rows[i] != nil && c.rows[j] != nil && c.reach[i] && c.reach[j] && !c.pairMet(i, j, given) {
				return false
			}
		}
	}
	return true
}

func (c *chart) pairMet(i, j int, given bool) bool {
	a, b := c.said(i, j).Cost, c.said(j, i).Cost
	costs := min(a, b) > 0 || given && max(a, b) == 0
	return c.denied(i, j) || c.works(i, j) && costs
}
