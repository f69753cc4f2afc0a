package agent

import (
	"context"
	"fmt"
	"math/rand/v2"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"gazetteer"
	"gazetteer/region"
	"gazetteer/region/control"
	"gazetteer/ring"
	"gazetteer/ring/memstore"
)

// district is a region of real nodes that agree on their plan by real groups, over
// networks in memory. It is meant for a synctest bubble.
type district struct {
	t     *testing.T
	net   *network
	dice  *rand.Rand
	procs []*proc
	wires *wires
	// late is up to how late a process takes up a plan.
	late time.Duration
	// lasting groups keep their files, so that a process can be started again.
	lasting bool
	wanted  uint64 // the plan that was decided last
	// seen is what a process takes a plan for; the same one unless a mutant is planted.
	seen func(*control.Plan) region.Plan
	// taken is told when a process has taken up a plan.
	taken func(*proc)
	// deaf is a process that hears nothing of what the others decide, and they nothing of
	// it, while its links are well.
	deaf atomic.Pointer[proc]

	mu    sync.Mutex // guards following
	kills []time.Time
}

const districtPartitions = 24

// proc is one process: what outlives it, and its parts while it runs.
type proc struct {
	d      *district
	name   gazetteer.NodeID
	roles  []region.Role
	dir    string
	store  ring.Store
	config func(*control.Config)

	mu    sync.Mutex // guards following
	group *control.Group
	node  *Node
	stop  chan struct{}
}

var everyRole = []region.Role{region.RoleRegion, region.RoleCluster, region.RoleReplica}

func inDistrict(t *testing.T, seed uint64, test func(*district)) {
	synctest.Test(t, func(t *testing.T) {
		d := &district{
			t: t, net: newNetwork(), dice: rand.New(rand.NewPCG(seed, 1)), wires: newWires(),
			seen:  func(p *control.Plan) region.Plan { return p },
			taken: func(*proc) {},
		}
		defer d.stopAll()
		test(d)
	})
}

func (d *district) stopAll() {
	for _, p := range d.procs {
		p.kill()
	}
	time.Sleep(time.Second)
}

func (d *district) proc(name gazetteer.NodeID) *proc {
	for _, p := range d.procs {
		if p.name == name {
			return p
		}
	}
	d.t.Fatalf("there is no process %s", name)
	return nil
}

func (d *district) add(name gazetteer.NodeID, roles []region.Role, config func(*control.Config)) *proc {
	d.t.Helper()
	p := &proc{d: d, name: name, roles: roles, config: config, store: memstore.New()}
	if d.lasting {
		p.dir = filepath.Join(fastDir(d.t), string(name))
	}
	d.procs = append(d.procs, p)
	p.start()
	return p
}

// fastDir is a directory in memory where there is one: what a group makes durable is its
// own tests' concern, and a busy disk would only make these slow.
func fastDir(t *testing.T) string {
	dir, err := os.MkdirTemp("/dev/shm", "gazetteer-")
	if err != nil {
		return t.TempDir()
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	return dir
}

// found starts a region whose first ring has the first process as its only member.
func (d *district) found(name gazetteer.NodeID) *proc {
	d.t.Helper()
	desc := control.SingleDescription("test", name)
	desc.Partitions, desc.Default.Rings[0].Name = districtPartitions, "ring0"
	desc.Nodes[0].Addr, desc.Nodes[0].Roles = addrOf(name), everyRole
	return d.add(name, everyRole, func(c *control.Config) { c.Found = &desc })
}

// join lets a process in and waits until it lives.
func (d *district) join(name gazetteer.NodeID, roles ...region.Role) *proc {
	d.t.Helper()
	first := d.procs[0]
	token, err := first.group.NewToken(d.t.Context(), control.TokenSpec{Roles: roles, TTL: time.Hour, Uses: 1})
	if err != nil {
		d.t.Fatal(err)
	}
	p := d.add(name, roles, func(c *control.Config) { c.Join, c.Token = []string{addrOf(first.name)}, token })
	d.eventually(func() error {
		if m, _ := first.plan().Member(name); m.State != control.Live {
			return fmt.Errorf("%s is %s", name, m.State)
		}
		return nil
	})
	return p
}

func addrOf(n gazetteer.NodeID) string { return string(n) + ":7070" }

func (p *proc) start() {
	p.d.t.Helper()
	c := control.Config{
		Node: control.Node{Name: p.name, Addr: addrOf(p.name), Roles: p.roles},
		Dir:  p.dir, Streams: p.d.wires.end(addrOf(p.name), p.d.parted), Caller: caller{p.d, addrOf(p.name)},
	}
	p.config(&c)
	group, err := control.Start(p.d.t.Context(), c)
	if err != nil {
		p.d.t.Fatal(err)
	}
	plan := group.View().Plan()
	node, err := Start(context.Background(), Config{
		Plan: p.d.seen(plan), Node: p.name, Store: p.store, Links: p.d.net.join(p.name), Transport: p.d,
		Group: group, Alive: group.ReportAlive,
	})
	if err != nil {
		p.d.t.Fatal(err)
	}
	group.Acknowledge(plan.Epoch())
	stop := make(chan struct{})
	p.mu.Lock()
	p.group, p.node, p.stop = group, node, stop
	p.mu.Unlock()
	go p.follow(group, node, stop, p.d.dice.Uint64())
}

// follow makes a process use each plan that its group has agreed on, some time later.
func (p *proc) follow(g *control.Group, n *Node, stop chan struct{}, seed uint64) {
	dice := rand.New(rand.NewPCG(seed, 2))
	for {
		changed := g.View().Changed()
		if p.d.late > 0 {
			time.Sleep(time.Duration(dice.Int64N(int64(p.d.late))))
		}
		plan := g.View().Plan()
		n.Replan(p.d.seen(plan))
		p.d.taken(p)
		g.Acknowledge(plan.Epoch())
		select {
		case <-changed:
		case <-stop:
			return
		}
	}
}

// kill ends a process as a crash does: its links break before it knows.
func (p *proc) kill() {
	group, node := p.parts()
	if node == nil {
		return
	}
	p.d.mu.Lock()
	p.d.kills = append(p.d.kills, time.Now())
	p.d.mu.Unlock()
	p.mu.Lock()
	p.group, p.node = nil, nil
	p.mu.Unlock()
	close(p.stop)
	p.d.net.leave(p.name)
	if err := node.Close(); err != nil {
		p.d.t.Errorf("%s stopped with %v", p.name, err)
	}
	if err := group.Close(); err != nil {
		p.d.t.Errorf("the group of %s stopped with %v", p.name, err)
	}
}

func (p *proc) parts() (*control.Group, *Node) {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.group, p.node
}

func (p *proc) plan() *control.Plan {
	g, _ := p.parts()
	return g.View().Plan()
}

// Tier is the transport between the processes.
func (d *district) Tier(n gazetteer.NodeID, r region.Role) region.Tier { return far{d, n, r} }

// far is a tier of another process: there and back take the network's delay, and what has
// died meanwhile does not answer.
type far struct {
	d    *district
	node gazetteer.NodeID
	role region.Role
}

func (f far) gone() error {
	return &gazetteer.Error{Op: "test.Tier", Kind: gazetteer.Unavailable, Detail: string(f.node) + " is gone"}
}

// tier returns the tier once a request has come to it.
func (f far) tier() (region.Tier, error) {
	time.Sleep(f.d.net.delay)
	_, n := f.d.proc(f.node).parts()
	if n == nil || n.tiers[f.role] == nil {
		return nil, f.gone()
	}
	return n.tiers[f.role], nil
}

// back reports whether an answer comes back from a tier.
func (f far) back(from region.Tier) bool {
	to, err := f.tier()
	return err == nil && to == from
}

func (f far) Read(ctx context.Context, dst []byte, k gazetteer.Key) ([]byte, region.ReadInfo, error) {
	t, err := f.tier()
	if err != nil {
		return dst, region.ReadInfo{}, err
	}
	out, info, err := t.Read(ctx, dst, k)
	if !f.back(t) {
		return dst, region.ReadInfo{}, f.gone()
	}
	return out, info, err
}

func (f far) Write(ctx context.Context, t gazetteer.Type, ws []ring.Write) []ring.Outcome {
	tier, err := f.tier()
	if err == nil {
		out := tier.Write(ctx, t, ws)
		if f.back(tier) {
			return out
		}
		err = f.gone()
	}
	return slices.Repeat([]ring.Outcome{{Err: err}}, len(ws))
}

func (f far) List(ctx context.Context, q region.ListQuery) (region.ListPage, error) {
	t, err := f.tier()
	if err != nil {
		return region.ListPage{}, err
	}
	page, err := t.List(ctx, q)
	if !f.back(t) {
		return region.ListPage{}, f.gone()
	}
	return page, err
}

func (f far) Conflicts(ctx context.Context, t gazetteer.Type) ([]ring.Conflict, error) {
	tier, err := f.tier()
	if err != nil {
		return nil, err
	}
	return tier.Conflicts(ctx, t)
}

// caller carries requests to the groups of other processes.
type caller struct {
	d    *district
	from string
}

// parted reports whether what is decided does not come from one address to another.
func (d *district) parted(from, to string) bool {
	p := d.deaf.Load()
	return p != nil && from != to && (addrOf(p.name) == from || addrOf(p.name) == to)
}

func (c caller) Call(ctx context.Context, addr string, request []byte) ([]byte, error) {
	time.Sleep(c.d.net.delay)
	g, _ := c.d.proc(gazetteer.NodeID(strings.TrimSuffix(addr, ":7070"))).parts()
	if g == nil || c.d.parted(c.from, addr) {
		return nil, &gazetteer.Error{Op: "test.Call", Kind: gazetteer.Unavailable, Detail: addr + " is gone"}
	}
	reply, err := g.Serve(ctx, request)
	time.Sleep(c.d.net.delay)
	return reply, err
}

// wires carry raft's streams.
type wires struct {
	mu   sync.Mutex // guards following
	ends map[string]*wireEnd
}

func newWires() *wires { return &wires{ends: map[string]*wireEnd{}} }

// wireEnd is one process's Streams.
type wireEnd struct {
	wires  *wires
	addr   string
	parted func(from, to string) bool
	accept chan net.Conn
	closed chan struct{}
	once   sync.Once
}

func (w *wires) end(addr string, parted func(from, to string) bool) *wireEnd {
	w.mu.Lock()
	defer w.mu.Unlock()
	e := &wireEnd{wires: w, addr: addr, parted: parted, accept: make(chan net.Conn, 64), closed: make(chan struct{})}
	w.ends[addr] = e
	return e
}

func (e *wireEnd) Dial(addr string, timeout time.Duration) (net.Conn, error) {
	e.wires.mu.Lock()
	to := e.wires.ends[addr]
	e.wires.mu.Unlock()
	if to == nil || e.parted(e.addr, addr) {
		return nil, net.ErrClosed
	}
	select {
	case <-to.closed:
		return nil, net.ErrClosed
	default:
	}
	here, there := net.Pipe()
	select {
	case to.accept <- there:
		return here, nil
	case <-to.closed:
		return nil, net.ErrClosed
	}
}

func (e *wireEnd) Accept() (net.Conn, error) {
	select {
	case c := <-e.accept:
		return c, nil
	case <-e.closed:
		return nil, net.ErrClosed
	}
}

func (e *wireEnd) Close() error {
	e.once.Do(func() { close(e.closed) })
	return nil
}

// eventually waits until nothing is wrong any more.
func (d *district) eventually(wrong func() error) {
	d.t.Helper()
	d.within(2*time.Minute, wrong)
}

func (d *district) within(limit time.Duration, wrong func() error) (took time.Duration) {
	d.t.Helper()
	begin := time.Now()
	for {
		err := wrong()
		if err == nil {
			return time.Since(begin)
		}
		if time.Since(begin) > limit {
			d.t.Fatalf("after %v: %v", limit, err)
		}
		time.Sleep(20 * time.Millisecond)
	}
}

// change has the region decide on something.
func (d *district) change(decide func(*control.Plan) (control.Command, error)) {
	d.t.Helper()
	for _, p := range d.procs {
		if g, _ := p.parts(); g != nil {
			epoch, err := g.Edit(d.t.Context(), decide)
			if err != nil {
				d.t.Fatal(err)
			}
			d.wanted = epoch
			return
		}
	}
}

func (d *district) edit(e control.Edit) {
	d.t.Helper()
	d.change(func(*control.Plan) (control.Command, error) { return control.Command{Edit: e}, nil })
}

func (d *district) addRing(name string, members ...gazetteer.NodeID) {
	d.t.Helper()
	d.change(func(p *control.Plan) (control.Command, error) { return p.WithRing("", name, members) })
}

func (d *district) removeRing(name string) {
	d.t.Helper()
	d.change(func(p *control.Plan) (control.Command, error) { return p.WithoutRing("", name) })
}

// moved waits until everything is where it is to be, and all who run know it.
func (d *district) moved() (took time.Duration) {
	d.t.Helper()
	return d.within(2*time.Minute, func() error {
		for _, p := range d.procs {
			g, n := p.parts()
			if g == nil {
				continue
			}
			plan := g.View().Plan()
			if left := plan.Pending("mirror") + plan.Pending("parking"); left > 0 || plan.Epoch() < d.wanted {
				return fmt.Errorf("in plan %d of %s %d partitions have yet to move: %+v", plan.Epoch(), p.name, left, plan.Moves("mirror"))
			}
			if n.agent == nil {
				continue
			}
			if v := n.agent.view.Load(); v.plan.Epoch() != plan.Epoch() {
				return fmt.Errorf("%s uses plan %d, it knows %d", p.name, v.plan.Epoch(), plan.Epoch())
			}
		}
		return nil
	})
}
