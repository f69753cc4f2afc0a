package ring_test

import (
	"fmt"
	"reflect"
	"slices"
	"time"

	"gazetteer"
	"gazetteer/ring"
)

// region is one side of the planet's tree. Its control sees its own members and asks
// its neighbours; what it finds reaches its nodes a little later.
type region struct {
	i       int
	circles []*members
	plan    int // index into world.plans, as installed here
	seen    int // world.changed when it last looked
	relays  [][]*node
	dice    dice
}

// members is one ring of a region in ring order; spares stand at the end.
type members struct {
	name  string
	nodes []*node
	parts uint64
}

// agreed is a plan of the planet: who is in it, and the tree between regions.
type agreed struct {
	epoch  uint64
	out    uint64 // nodes that are not in it, as bits
	edges  [][2]int
	tree   uint64 // names those of the edges that are the tree: all but a shortcut
	stores []gazetteer.StoreID
}

func (p *agreed) without(n *node) bool { return p.out&n.bit() != 0 }

const lookEvery = 40 * time.Millisecond

// build makes the nodes and the first plan. Node names tell region, ring and place.
func (w *world) build() {
	var out uint64
	for i, rings := range w.shape.rings {
		g := &region{i: i, dice: dice(w.shape.seed + uint64(i)*977), seen: -1}
		g.relays = make([][]*node, len(w.shape.rings))
		for j := range g.relays {
			g.relays[j] = make([]*node, w.shape.parts)
		}
		w.regions = append(w.regions, g)
		for j, c := range rings {
			m := &members{name: fmt.Sprintf("%d.%d", i, j), parts: c.parts}
			g.circles = append(g.circles, m)
			for k := range c.members + c.spares {
				n := w.newNode(g, m, nodeName(i, j, k, len(w.shape.rings) == 1 && len(rings) == 1))
				if k >= c.members {
					out |= n.bit()
					n.away = true
				}
			}
		}
	}
	w.agree(out, w.someTree(&w.dice))
}

func nodeName(region, circle, place int, single bool) gazetteer.NodeID {
	letter := string(rune('a' + place))
	if single {
		return gazetteer.NodeID(letter)
	}
	return gazetteer.NodeID(fmt.Sprintf("%d%c%s", region, 'p'+rune(circle), letter))
}

func (w *world) newNode(g *region, m *members, id gazetteer.NodeID) *node {
	n := &node{i: len(w.nodes), id: id, region: g, circle: m, dice: dice(w.shape.seed ^ uint64(id.Store()))}
	n.disk = w.newDisk()
	w.nodes, w.byID[id] = append(w.nodes, n), n
	m.nodes = append(m.nodes, n)
	return n
}

// agree makes the next plan of the planet; regions have still to install it.
func (w *world) agree(out uint64, edges [][2]int) *agreed {
	p := &agreed{epoch: uint64(len(w.plans) + 1), out: out, edges: edges}
	for _, n := range w.nodes {
		if !p.without(n) {
			p.stores = append(p.stores, n.id.Store())
		}
	}
	if p.tree = p.epoch; len(w.plans) > 0 && slices.Equal(w.newest().edges, edges) {
		p.tree = w.newest().tree
	}
	w.plans = append(w.plans, p)
	return p
}

func (w *world) newest() *agreed { return w.plans[len(w.plans)-1] }

// someTree draws a random tree of the regions.
func (w *world) someTree(d *dice) [][2]int {
	var edges [][2]int
	for i := 1; i < len(w.shape.rings); i++ {
		edges = append(edges, [2]int{d.n(i), i})
	}
	return edges
}

// spread lets every region install the newest plan, each at its own moment.
func (w *world) spread(within time.Duration) {
	for _, g := range w.regions {
		w.add(g.dice.between(0, within), event{kind: evInstall, arg: g.i, life: len(w.plans) - 1})
	}
}

func (w *world) install(g *region, plan int) {
	if plan > g.plan {
		g.plan = plan
		w.changed++
	}
}

// controls lets a region look at what has changed, now and again later.
func (w *world) controls(g *region) {
	w.add(g.dice.between(lookEvery/2, lookEvery*3/2), event{kind: evControl, arg: g.i})
	if g.seen != w.changed {
		g.seen = w.changed
		w.look(g)
	}
}

// look finds the relays of the region and its neighbours, and gives its nodes the plan
// that follows, if that is a new one.
func (w *world) look(g *region) {
	for _, h := range w.regions {
		if !w.hears(g, h) {
			continue
		}
		for p := range w.parts {
			g.relays[h.i][p] = w.relay(h, p)
		}
	}
	for _, n := range g.nodes() {
		if n.ignorant {
			continue
		}
		if next := w.planOf(n); !reflect.DeepEqual(next, n.next) {
			n.next = next
			if n.r != nil {
				w.add(n.dice.between(0, 20*time.Millisecond), event{kind: evConfigure, node: n, life: n.life})
			}
		}
	}
}

func (g *region) nodes() []*node {
	var all []*node
	for _, m := range g.circles {
		all = append(all, m.nodes...)
	}
	return all
}

// hears reports whether any node of g reaches one of h, so that g can ask.
func (w *world) hears(g, h *region) bool {
	if g == h {
		return true
	}
	for _, a := range g.nodes() {
		for _, b := range h.nodes() {
			if w.reaches(a, b) {
				return true
			}
		}
	}
	return false
}

// relay is the first live member, in ring order, of the region's ring that owns a
// partition.
func (w *world) relay(g *region, part int) *node {
	for _, m := range g.circles {
		if m.parts&(1<<part) == 0 {
			continue
		}
		if n := w.head(w.plans[g.plan], m); n != nil {
			return n
		}
	}
	return nil
}

// head is the first live member of a ring, in ring order.
func (w *world) head(p *agreed, m *members) *node {
	for _, n := range m.nodes {
		if !p.without(n) && n.r != nil && !n.frozen {
			return n
		}
	}
	return nil
}

// planOf is what a node's region would have it do.
func (w *world) planOf(n *node) ring.Plan {
	p := w.plans[n.region.plan]
	plan := ring.Plan{Epoch: p.epoch, Stores: p.stores}
	if p.without(n) {
		return plan
	}
	r := ring.Ring{Name: n.circle.name}
	for _, m := range n.circle.nodes {
		if !p.without(m) {
			r.Members = append(r.Members, m.id)
		}
	}
	for i, part := range w.parts {
		if n.circle.parts&(1<<i) != 0 {
			r.Partitions = append(r.Partitions, part)
		}
	}
	plan.Rings = []ring.Ring{r}
	plan.Edges = w.edgesOf(n, p)
	plan.Tree = w.treeOf(n.region, p)
	return plan
}

// edgesOf lists the links to neighbour regions that this node is the relay of.
func (w *world) edgesOf(n *node, p *agreed) []ring.Edge {
	var edges []ring.Edge
	g := n.region
	for _, e := range p.edges {
		if e[0] != g.i && e[1] != g.i {
			continue
		}
		h := e[0] + e[1] - g.i
		for i, part := range w.parts {
			far := g.relays[h][i]
			if g.relays[g.i][i] != n || far == nil {
				continue
			}
			edges = withEdge(edges, far, part)
		}
	}
	return w.between(n, p, edges)
}

// between joins the rings of a region by links without partitions: they carry the
// freshness marks, which must reach every store of the plan.
func (w *world) between(n *node, p *agreed, edges []ring.Edge) []ring.Edge {
	var last *node
	for _, m := range n.region.circles {
		head := w.head(p, m)
		if head == n && last != nil {
			edges = append(edges, ring.Edge{Peer: last.id})
		}
		if head != nil {
			last = head
		}
	}
	return edges
}

// treeOf is the tree as a region knows it: a shortcut, the last edge if there is one too
// many, is no part of it.
func (w *world) treeOf(g *region, p *agreed) ring.Tree {
	t := ring.Tree{ID: p.tree}
	for _, e := range p.edges[:len(w.regions)-1] {
		if e[0] == g.i || e[1] == g.i {
			t.Branches = append(t.Branches, w.regions[e[0]+e[1]-g.i].name())
		}
	}
	return t
}

func (g *region) name() gazetteer.RegionID { return gazetteer.RegionID(fmt.Sprintf("r%d", g.i)) }

func withEdge(edges []ring.Edge, far *node, part gazetteer.Partition) []ring.Edge {
	i := slices.IndexFunc(edges, func(e ring.Edge) bool { return e.Peer == far.id })
	if i < 0 {
		return append(edges, ring.Edge{Peer: far.id, Region: far.region.name(), Partitions: []gazetteer.Partition{part}})
	}
	if !slices.Contains(edges[i].Partitions, part) {
		edges[i].Partitions = append(edges[i].Partitions, part)
	}
	return edges
}

// configure gives a node the plan that its region would have it follow.
func (w *world) configure(n *node) {
	n.r.Tick(w.clockOf(n))
	w.perform(n) // under the old plan
	if n.r == nil {
		return
	}
	n.plan = n.next
	w.tracePlan(n)
	n.r.Configure(n.plan)
	w.perform(n)
}
