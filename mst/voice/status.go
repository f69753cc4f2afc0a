package voice

import (
	"cmp"
	"slices"
	"time"

	"gazetteer"
	"gazetteer/mst"
)

// Status is what a voice knows, for those who watch it.
type Status struct {
	Self    gazetteer.RegionID
	Tree    mst.Tree  // the installed one
	Epoch   mst.Epoch // the highest that this region entered
	Running bool      // that epoch is under way
	// Cause says what is wrong with the tree, and why an epoch is due or under way.
	// Failure says why the last run that failed did; empty: none has.
	Cause   Cause
	Failure string
	// Whole says that the trees of all regions in reach are one tree of one epoch, and
	// that it reaches them all.
	Whole    bool
	Regions  []RegionStatus // sorted, this one included
	Edges    []Edge         // all that work or belong to a tree, sorted
	Swaps    []Swap         // of this region's branches
	Branches []Branch
	// Messages is how many messages of the paper's seven kinds all regions sent for the
	// tree, as far as their words tell.
	Messages uint64
	Took     Times
	Counters Counters
}

// RegionStatus is what is known of one region.
type RegionStatus struct {
	Region  gazetteer.RegionID
	Hearing Hearing // how this region hears it; Mutual for this region itself
	Reach   bool    // there is a way to it
	RTT     time.Duration
	Cost    uint64        // at this end; 0: not known
	Age     time.Duration // of its last message
	Tree    mst.Epoch     // that it has installed
}

// Edge is an edge between two regions; A is the smaller name.
type Edge struct {
	A, B  gazetteer.RegionID
	Cost  uint64 // now, in microseconds; the tree was built with the costs at its epoch
	Works bool   // words pass both ways
	Tree  bool   // an end has it as a branch of its tree
	// Extra says that an end wants it beyond its tree: see [Provisional],
	// [Shortcut], [Contact].
	Extra bool
}

// Swap is the edge that would replace a branch of this region's if it failed: the lightest
// one over the same cut.
type Swap struct {
	To   gazetteer.RegionID // the branch
	Edge mst.Weight
}

// Counters count what a voice did since it began.
type Counters struct {
	Sent, Received [Kinds]uint64 // messages, by kind
	Strangers      uint64        // messages from regions that the directory does not have
	Refused        uint64        // frames that no correct region can have sent
	Disputes       uint64        // edges whose ends differed about the cost
	Proposed       uint64        // epochs opened here
	Entered        uint64        // epochs entered, those included
	Installed      uint64
	Failed         uint64
}

// Status returns a copy of what the voice knows.
func (v *Voice) Status() Status {
	s := Status{
		Self: v.cfg.Self, Tree: v.tree, Epoch: v.member.Epoch(), Running: v.running(),
		Failure: v.trouble.failure, Took: v.took, Branches: v.wanted(), Counters: v.count,
	}
	s.Tree.Branches = slices.Clone(s.Tree.Branches)
	if len(v.members) > 0 {
		v.describe(&s, v.chart())
	}
	return s
}

func (v *Voice) describe(s *Status, c *chart) {
	s.Cause = v.cause(c)
	s.Whole = v.tree.Regions == c.count && c.parts == 1 && !v.otherTree(c)
	s.Messages = v.messages
	for i, name := range v.members {
		s.Regions = append(s.Regions, v.regionStatus(c, i))
		for j := range v.members[:i] {
			if e, ok := c.edge(j, i); ok {
				s.Edges = append(s.Edges, e)
			}
		}
		if p := v.peer(name); p != nil && p.word.Tree == v.tree.Epoch {
			s.Messages += p.word.Messages
		}
	}
	slices.SortFunc(s.Edges, Edge.compare)
	for _, b := range v.tree.Branches {
		if p := v.peer(b.To); p != nil {
			if w, ok := c.swap(p.at); ok {
				s.Swaps = append(s.Swaps, Swap{b.To, w})
			}
		}
	}
}

func (e Edge) compare(f Edge) int { return cmp.Or(cmp.Compare(e.A, f.A), cmp.Compare(e.B, f.B)) }

func (v *Voice) regionStatus(c *chart, i int) RegionStatus {
	p := v.peer(v.members[i])
	if p == nil {
		return RegionStatus{Region: v.cfg.Self, Hearing: Mutual, Reach: true, Tree: v.tree.Epoch}
	}
	return RegionStatus{Region: p.name, Hearing: p.hearing, Reach: c.reach[i], RTT: p.rtt, Cost: v.cost(p), Age: v.now - p.heardAt, Tree: p.word.Tree}
}

func (c *chart) edge(i, j int) (Edge, bool) {
	w, known := c.weight(i, j)
	a, b := c.said(i, j), c.said(j, i)
	e := Edge{A: w.Low, B: w.High, Works: c.works(i, j), Tree: a.Tree || b.Tree, Extra: a.Asks || b.Asks}
	if known {
		e.Cost = w.Cost
	}
	return e, e.Works || e.Tree || e.Extra
}
