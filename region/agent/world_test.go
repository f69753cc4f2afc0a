package agent

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"testing"
	"time"

	"gazetteer"
	"gazetteer/region"
	"gazetteer/region/health"
	"gazetteer/ring"
	"gazetteer/ring/memstore"
)

const testPartitions = 7

// testPlan is a plan whose nodes are named r0, r1, ... Each ring owns every partition
// whose index modulo the number of rings is its own.
type testPlan struct {
	rings    [][]gazetteer.NodeID
	servers  []gazetteer.NodeID // cluster servers
	regional []gazetteer.NodeID
	types    []gazetteer.Type
}

// ringOf is the plan of one ring of n replicas, in which every node has all roles.
func ringOf(n int) *testPlan {
	p := &testPlan{rings: make([][]gazetteer.NodeID, 1), types: []gazetteer.Type{gazetteer.TypesType, "mirror"}}
	for i := range n {
		p.rings[0] = append(p.rings[0], gazetteer.NodeID(fmt.Sprint("r", i)))
	}
	p.servers, p.regional = p.rings[0], p.rings[0]
	return p
}

func (p *testPlan) Region() gazetteer.RegionID                         { return "test" }
func (p *testPlan) Epoch() uint64                                      { return 1 }
func (p *testPlan) Partitions() uint32                                 { return testPartitions }
func (p *testPlan) Types() []gazetteer.Type                            { return p.types }
func (p *testPlan) ClusterServers(t gazetteer.Type) []gazetteer.NodeID { return p.servers }

func (p *testPlan) Mirrors(t gazetteer.Type) []ring.Ring     { return p.Rings(t) }
func (p *testPlan) Bridges(t gazetteer.Type) []region.Bridge { return nil }
func (p *testPlan) Dead(gazetteer.NodeID) bool               { return false }

func (p *testPlan) Roles(n gazetteer.NodeID) (roles []region.Role) {
	if slices.Contains(p.regional, n) {
		roles = append(roles, region.RoleRegion)
	}
	if slices.Contains(p.servers, n) {
		roles = append(roles, region.RoleCluster)
	}
	if slices.Contains(slices.Concat(p.rings...), n) {
		roles = append(roles, region.RoleReplica)
	}
	return roles
}

func (p *testPlan) Stores() (ids []gazetteer.StoreID) {
	for _, n := range slices.Concat(p.rings...) {
		ids = append(ids, n.Store())
	}
	return ids
}

func (p *testPlan) Rings(t gazetteer.Type) []ring.Ring {
	out := make([]ring.Ring, len(p.rings))
	for i, members := range p.rings {
		out[i] = ring.Ring{Name: fmt.Sprint("ring", i), Members: members}
	}
	for i := range uint32(testPartitions) {
		r := &out[int(i)%len(out)]
		r.Partitions = append(r.Partitions, gazetteer.Partition{Type: t, Index: i})
	}
	return out
}

// world is a region of real nodes over a network in memory. It is meant for a synctest
// bubble: its seconds cost nothing there.
type world struct {
	t      testing.TB
	plan   *testPlan
	net    *network
	stores map[gazetteer.NodeID]ring.Store
	clocks map[gazetteer.NodeID]Clock
	probe  func(context.Context, health.Spec, string) error // nil: nothing is checked

	mu    sync.Mutex // guards following; the nodes of a test run call each other
	nodes map[gazetteer.NodeID]*Node
}

func newWorld(t testing.TB, p *testPlan) *world {
	return &world{
		t: t, plan: p, net: newNetwork(), clocks: map[gazetteer.NodeID]Clock{},
		stores: map[gazetteer.NodeID]ring.Store{}, nodes: map[gazetteer.NodeID]*Node{},
	}
}

// start starts nodes, with the stores they had.
func (w *world) start(names ...gazetteer.NodeID) {
	w.t.Helper()
	for _, n := range names {
		if w.stores[n] == nil {
			w.stores[n] = memstore.New()
		}
		node, err := Start(context.Background(), Config{
			Plan: w.plan, Node: n, Store: w.stores[n], Links: w.net.join(n), Transport: w, Clock: w.clocks[n], Probe: w.probe,
		})
		if err != nil {
			w.t.Fatal(err)
		}
		node.SetPlanet(Alone())
		w.set(n, node)
	}
}

// stop ends a node: its links break before it knows, as in a crash. Its store stays.
func (w *world) stop(n gazetteer.NodeID) {
	w.t.Helper()
	node := w.node(n)
	w.set(n, nil)
	if node.agent != nil {
		w.net.leave(n)
	}
	if err := node.Close(); err != nil {
		w.t.Errorf("%s stopped with %v", n, err)
	}
}

func (w *world) node(n gazetteer.NodeID) *Node {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.nodes[n]
}

func (w *world) set(n gazetteer.NodeID, node *Node) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.nodes[n] = node
}

func (w *world) stopAll() {
	for _, n := range w.all() {
		if w.node(n) != nil {
			w.stop(n)
		}
	}
	time.Sleep(time.Second) // what the network still has under way is lost
}

// ready waits until all replicas serve all types.
func (w *world) ready() {
	w.t.Helper()
	for _, n := range slices.Concat(w.plan.rings...) {
		w.serving(n)
	}
}

// Tier is the transport between the nodes: a call of the other node's tier, unless that
// is gone.
func (w *world) Tier(n gazetteer.NodeID, r region.Role) region.Tier { return remote{w, n, r} }

// all is every node of the plan.
func (w *world) all() []gazetteer.NodeID {
	all := slices.Concat(w.plan.rings...)
	for _, n := range slices.Concat(w.plan.servers, w.plan.regional) {
		if !slices.Contains(all, n) {
			all = append(all, n)
		}
	}
	return all
}

// serving waits until a node serves all of its partitions.
func (w *world) serving(names ...gazetteer.NodeID) {
	w.t.Helper()
	for _, n := range names {
		w.eventually(func() error {
			if m := w.node(n).agent.Mirrored(); m.Serving < m.Partitions || m.Partitions == 0 {
				return fmt.Errorf("%s serves %d of %d partitions", n, m.Serving, m.Partitions)
			}
			return nil
		})
	}
}

// eventually waits until nothing is wrong any more.
func (w *world) eventually(wrong func() error) {
	w.t.Helper()
	var err error
	for range 600 {
		if err = wrong(); err == nil {
			return
		}
		time.Sleep(50 * time.Millisecond)
	}
	w.t.Fatalf("after 30 s: %v", err)
}

// equal waits until all running replicas hold the same.
func (w *world) equal() {
	w.t.Helper()
	w.eventually(func() error {
		var first, name string
		for _, n := range slices.Concat(w.plan.rings...) {
			if w.node(n) == nil {
				continue
			}
			switch held := w.content(n); {
			case name == "":
				first, name = held, string(n)
			case held != first:
				return fmt.Errorf("%s holds\n%.2000s\nand %s\n%.2000s", name, first, n, held)
			}
		}
		return nil
	})
}

// content is what a node's store holds of the type mirror.
func (w *world) content(n gazetteer.NodeID) string {
	var out []byte
	for i := range uint32(testPartitions) {
		p := gazetteer.Partition{Type: "mirror", Index: i}
		for u, err := range w.stores[n].Scan(p, nil) {
			if err != nil {
				w.t.Fatal(err)
			}
			out = fmt.Appendf(out, "%d %s %s %v %q\n", i, u.Element.ID, u.Element.Location, u.Stamp, u.Body)
		}
	}
	return string(out)
}

// remote is a tier of another process.
type remote struct {
	w    *world
	node gazetteer.NodeID
	role region.Role
}

func (r remote) tier() (region.Tier, error) {
	if n := r.w.node(r.node); n != nil && n.tiers[r.role] != nil {
		return n.tiers[r.role], nil
	}
	return nil, &gazetteer.Error{Op: "test.Tier", Kind: gazetteer.Unavailable, Detail: string(r.node) + " is gone"}
}

func (r remote) Read(ctx context.Context, dst []byte, k gazetteer.Key) ([]byte, region.ReadInfo, error) {
	t, err := r.tier()
	if err != nil {
		return dst, region.ReadInfo{}, err
	}
	return t.Read(ctx, dst, k)
}

func (r remote) Write(ctx context.Context, t gazetteer.Type, ws []ring.Write) []ring.Outcome {
	tier, err := r.tier()
	if err != nil {
		out := make([]ring.Outcome, len(ws))
		for i := range out {
			out[i].Err = err
		}
		return out
	}
	return tier.Write(ctx, t, ws)
}

func (r remote) List(ctx context.Context, q region.ListQuery) (region.ListPage, error) {
	t, err := r.tier()
	if err != nil {
		return region.ListPage{}, err
	}
	return t.List(ctx, q)
}

func (r remote) Conflicts(ctx context.Context, t gazetteer.Type) ([]ring.Conflict, error) {
	tier, err := r.tier()
	if err != nil {
		return nil, err
	}
	return tier.Conflicts(ctx, t)
}
