package mst

import (
	"fmt"
	"slices"

	"gazetteer"
)

// State is SN, the state of a node.
type State uint8

// The states. A node is in Find while its fragment searches for its lightest outgoing
// edge and the node has not yet reported.
const (
	Sleeping State = iota
	Find
	Found
)

func (s State) String() string { return [...]string{"sleeping", "find", "found"}[min(s, Found)] }

// EdgeState is SE(j), the state of an edge at one of its ends. The two ends may differ
// for a while.
type EdgeState uint8

// The edge states.
const (
	Basic    EdgeState = iota // not yet known
	Branch                    // in the tree
	Rejected                  // not in the tree: both ends are of one fragment
)

func (s EdgeState) String() string {
	return [...]string{"basic", "branch", "rejected"}[min(s, Rejected)]
}

// Edge is one edge as the region at its one end knows it. Both ends must have agreed on
// the cost before the run; what it counts (microseconds of round-trip time, as a rule)
// does not matter here.
type Edge struct {
	To   gazetteer.RegionID
	Cost uint64
}

// Node is the node of the paper: one region in one run. One goroutine owns it, tells it
// what happened ([Node.Wake], [Node.Step]) and sends what [Node.Ready] yields, over
// edges on which nothing is lost, doubled or overtaken.
type Node struct {
	edges []*edge // lightest first
	peers map[gazetteer.RegionID]*edge

	sn        State  // SN
	ln        int    // LN, the level of the fragment
	fn        Weight // FN, its name; none at level 0
	inBranch  *edge  // towards the core
	bestEdge  *edge  // towards the lightest outgoing edge of this search
	bestWt    Bound  // its weight
	testEdge  *edge  // waits for the answer to a Test
	findCount int    // branches that still owe a Report
	halted    bool

	queue   []received // put back until something changes
	changed bool       // LN, SN or an SE has changed since the queue was tried
	out     []Envelope
}

// edge is one edge at this end.
type edge struct {
	to gazetteer.RegionID
	w  Weight    // w(j)
	se EdgeState // SE(j)
}

// received is a message and the edge it came by.
type received struct {
	edge    *edge
	message Message
}

// Envelope is a message and the region it goes to.
type Envelope struct {
	To      gazetteer.RegionID
	Message Message
}

// NewNode returns a sleeping node. An edge to the node itself, to no region, or a
// second one to the same region is an error of kind Unprocessable.
func NewNode(self gazetteer.RegionID, edges []Edge) (*Node, error) {
	n := &Node{peers: make(map[gazetteer.RegionID]*edge, len(edges))}
	for _, e := range edges {
		if e.To == "" || e.To == self || n.peers[e.To] != nil {
			return nil, fail("mst.NewNode", gazetteer.Unprocessable, "an edge of %q leads to %q: want one edge each to other regions", self, e.To)
		}
		j := &edge{to: e.To, w: WeightOf(e.Cost, self, e.To)}
		n.peers[e.To] = j
		n.edges = append(n.edges, j)
	}
	slices.SortFunc(n.edges, func(i, j *edge) int { return i.w.Compare(j.w) })
	return n, nil
}

// Step takes a message that came by the edge to from. A message that no correct run can
// bring is an error of kind Invalid and changes nothing.
func (n *Node) Step(from gazetteer.RegionID, m Message) error {
	j := n.peers[from]
	if err := n.check(j, m); err != nil {
		return fail("mst.Node.Step", gazetteer.Invalid, "%v from %q: %v", m, from, err)
	}
	n.handle(j, m)
	n.retry()
	return nil
}

// Ready returns what is to be sent, in order, and forgets it.
func (n *Node) Ready() []Envelope {
	out := n.out
	n.out = nil
	return out
}

// Halted reports whether this node knows that the tree is complete. Only the two core
// nodes ever do, or the one node of a graph without edges.
func (n *Node) Halted() bool { return n.halted }

func (n *Node) handle(j *edge, m Message) {
	switch m := m.(type) {
	case Connect:
		n.onConnect(j, m)
	case Initiate:
		n.onInitiate(j, m)
	case Test:
		n.onTest(j, m)
	case Accept:
		n.onAccept(j)
	case Reject:
		n.onReject(j)
	case Report:
		n.onReport(j, m)
	case ChangeRoot:
		n.onChangeRoot()
	}
}

func (n *Node) send(j *edge, m Message) { n.out = append(n.out, Envelope{j.to, m}) }

// putBack keeps a message that comes too early. It is tried again when LN, SN or an SE
// has changed: nothing else decides whether it must wait.
func (n *Node) putBack(j *edge, m Message) { n.queue = append(n.queue, received{j, m}) }

// retry handles what was put back, in the order of arrival, until nothing changes.
func (n *Node) retry() {
	for n.changed {
		n.changed = false
		waiting := n.queue
		n.queue = nil
		for _, r := range waiting {
			n.handle(r.edge, r.message)
		}
	}
}

func (n *Node) setSN(s State) {
	n.changed = n.changed || n.sn != s
	n.sn = s
}

// setLN sets level and name together: a name belongs to one level.
func (n *Node) setLN(level int, name Weight) {
	n.changed = true
	n.ln, n.fn = level, name
}

func (n *Node) setSE(j *edge, s EdgeState) {
	n.changed = n.changed || j.se != s
	j.se = s
}

func (n *Node) rejectBasic(j *edge) {
	if j.se == Basic {
		n.setSE(j, Rejected)
	}
}

func (n *Node) lightestBasic() *edge {
	for _, j := range n.edges {
		if j.se == Basic {
			return j
		}
	}
	return nil
}

func fail(op string, kind gazetteer.Kind, format string, args ...any) error {
	return &gazetteer.Error{Op: op, Kind: kind, Detail: fmt.Sprintf(format, args...)}
}
