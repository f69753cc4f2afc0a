package peer

import (
	"context"
	"errors"
	"io"
	"net"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"gazetteer"
	"gazetteer/region"
	"gazetteer/region/control"
)

func TestStreamsCarryWhatTheyAreGiven(t *testing.T) {
	w := newTown(t)
	a, b := w.open(w.quick("a"), nil), w.open(w.quick("b"), nil)
	accepted := make(chan net.Conn, 1)
	in := b.Streams()
	go func() {
		for {
			c, err := in.Accept()
			if err != nil {
				close(accepted)
				return
			}
			accepted <- c
		}
	}()
	out, err := a.Streams().Dial(w.resolve("b"), patience)
	if err != nil {
		t.Fatal(err)
	}
	there := <-accepted
	for _, way := range [][2]net.Conn{{out, there}, {there, out}} {
		go way[0].Write([]byte("some bytes"))
		got := make([]byte, 10)
		if _, err := io.ReadFull(way[1], got); err != nil || string(got) != "some bytes" {
			t.Errorf("got %q, %v", got, err)
		}
	}
	out.Close()
	if _, err := there.Read(make([]byte, 1)); err != io.EOF {
		t.Errorf("after the other end has closed: %v", err)
	}
	there.Close()
	eventually(t, "nothing of the stream is left", func() bool {
		b.mu.Lock()
		defer b.mu.Unlock()
		return b.accepted == 0 && len(b.closers) == 0
	})
	in.Close()
	if _, open := <-accepted; open {
		t.Error("another stream was accepted")
	}
	if _, err := in.Dial(w.resolve("a"), patience); err == nil {
		t.Error("streams that are closed dial")
	}
	if _, err := a.Streams().Dial(w.resolve("b"), patience); gazetteer.KindOf(err) != gazetteer.Unsupported {
		t.Errorf("to one who has closed its streams: %v", err)
	}
	if b.Streams() == in {
		t.Error("streams that are closed are given again")
	}
}

// What an eager dialer sends behind its hello is part of the stream.
func TestStreamsKeepWhatCameWithTheHello(t *testing.T) {
	b, addr, _ := serveEcho(t, nil)
	in := b.Streams()
	h := properHello()
	h.To = ""
	r := dialAs(t, addr, append(opening(kindRaft, h), "early "...)...)
	c, err := in.Accept()
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	if h, err := readHello(r.frames); err != nil || h.Refusal != nil {
		t.Fatalf("answered %v, %v", h, err)
	}
	r.Write([]byte("bird"))
	got := make([]byte, 10)
	if _, err := io.ReadFull(c, got); err != nil || string(got) != "early bird" {
		t.Errorf("got %q, %v", got, err)
	}
}

func TestStreamsAreOfOneRegion(t *testing.T) {
	w := newTown(t)
	seen := &refusals{}
	c := w.quick("b")
	c.Refused = seen.note
	b := w.open(c, nil)
	b.Streams()
	c = w.quick("a")
	c.Region = "there"
	_, err := w.open(c, nil).Streams().Dial(w.resolve("b"), patience)
	if gazetteer.KindOf(err) != gazetteer.Conflict || !strings.Contains(err.Error(), "raft is spoken within one region: node a is of region there, node b of region here") {
		t.Errorf("err = %v", err)
	}
	eventually(t, "the refusal is told", func() bool { return strings.Contains(seen.String(), "within one region") })
	if b.Counters().Streams != 0 {
		t.Error("a stream was taken")
	}
}

// The plan of a region is for its own processes, and for those that have no region yet.
func TestControlIsOfOneRegion(t *testing.T) {
	w := newTown(t)
	w.open(w.quick("b"), func(t *Transport) {
		t.HandleControl(func(_ context.Context, request []byte) ([]byte, error) { return request, nil })
	})
	for at, want := range map[home]gazetteer.Kind{
		{"here", gazetteer.DefaultPartitions}:  0,
		{"", 0}:                                0,
		{"there", gazetteer.DefaultPartitions}: gazetteer.Denied,
	} {
		c := w.quick(gazetteer.NodeID("from " + at.region))
		c.Region, c.Partitions = at.region, at.partitions
		got, err := w.open(c, nil).Control().Call(within(t, patience), w.resolve("b"), []byte("x"))
		if want == 0 && (err != nil || string(got) != "x") || want != 0 && gazetteer.KindOf(err) != want {
			t.Errorf("from region %q: %q, %v", at.region, got, err)
		}
	}
}

func TestStreamsThatNobodyTakesEnd(t *testing.T) {
	w := newTown(t)
	c := w.quick("b")
	c.DialTimeout = 50 * time.Millisecond
	b := w.open(c, nil)
	in := b.Streams()
	out, err := w.open(w.quick("a"), nil).Streams().Dial(w.resolve("b"), patience)
	if err != nil {
		t.Fatal(err)
	}
	defer out.Close()
	out.SetReadDeadline(time.Now().Add(patience))
	if _, err := out.Read(make([]byte, 1)); err != io.EOF {
		t.Errorf("err = %v", err)
	}
	ended := make(chan error)
	go func() { _, err := in.Accept(); ended <- err }()
	b.Close()
	if err := <-ended; err != net.ErrClosed {
		t.Errorf("Accept on a closed transport: %v", err)
	}
}

// A node that does not know yet where it belongs asks services, and nothing else.
func TestANodeSettlesLater(t *testing.T) {
	w := newTown(t)
	c := w.quick("a")
	c.Region, c.Partitions = "", 0
	a := w.open(c, func(t *Transport) { t.HandleService("s", echoService) })
	b := w.open(w.quick("b"), func(t *Transport) {
		t.HandleInline(region.RoleReplica, echoTier())
		t.HandleService("s", echoService)
	})
	ask := func(from *Transport, addr, want string) {
		t.Helper()
		if got, err := from.CallAddr(within(t, patience), addr, "s", nil); err != nil || string(got) != want {
			t.Errorf("got %q, %v; want %q", got, err, want)
		}
	}
	ask(a, w.resolve("b"), "a of : ")
	ask(b, w.resolve("a"), "b of here: ")
	read := func() error {
		_, _, err := a.Tier("b", region.RoleReplica).Read(within(t, patience), nil, gazetteer.Key{Type: "t", ID: "x"})
		return err
	}
	if err := read(); gazetteer.KindOf(err) != gazetteer.Unavailable || !strings.Contains(err.Error(), "does not know yet where it belongs") {
		t.Errorf("a read: %v", err)
	}
	if err := a.Settle("here", 0); gazetteer.KindOf(err) != gazetteer.Invalid {
		t.Errorf("no partitions: %v", err)
	}
	for range 2 {
		if err := a.Settle("here", gazetteer.DefaultPartitions); err != nil {
			t.Fatal(err)
		}
	}
	if err := a.Settle("there", gazetteer.DefaultPartitions); gazetteer.KindOf(err) != gazetteer.Conflict {
		t.Errorf("a second home: %v", err)
	}
	ask(a, w.resolve("b"), "a of here: ")
	eventually(t, "the tiers can be asked", func() bool { return read() == nil })
}

// One who asks by address without a home gets no tier, whatever it sends.
func TestTiersAreForThoseWhoBelongSomewhere(t *testing.T) {
	_, addr, _ := serveEcho(t, nil)
	h := properHello()
	h.To, h.Partitions, h.Region = "", 0, ""
	r := dialAs(t, addr, opening(kindRequests, h)...)
	if h, err := readHello(r.frames); err != nil || h.Refusal != nil {
		t.Fatalf("answered %v, %v", h, err)
	}
	head, body := readFrame(4, "x")
	r.send(t, head, body)
	got, payload, err := r.frames.next()
	if err != nil || got.code != statusError || gazetteer.KindOf(decodeError(payload)) != gazetteer.Unavailable {
		t.Errorf("answered %+v, %v, %v", got, decodeError(payload), err)
	}
}

// regional is one process of a region: a control.Group over this transport.
type regional struct {
	*Transport
	name  gazetteer.NodeID
	addr  string
	dir   string
	group *control.Group
	serve atomic.Pointer[control.Group] // group, for those who ask before it is there
	kill  func()
}

var regionalRoles = []region.Role{region.RoleRegion, region.RoleCluster, region.RoleReplica}

// startRegional starts a process that knows nothing of its region but what configure
// says. One that was killed comes back with its name, address and directory.
func startRegional(t *testing.T, name gazetteer.NodeID, addr, dir string, configure func(*control.Config)) *regional {
	t.Helper()
	r := &regional{name: name, dir: dir}
	l := mustListen(t, addr)
	r.addr = l.Addr().String()
	var err error
	r.Transport, err = New(Config{Node: name, Resolve: func(gazetteer.NodeID) string { return "" }})
	if err != nil {
		t.Fatal(err)
	}
	r.HandleControl(r.answer)
	served := make(chan error, 1)
	go func() { served <- r.Serve(l) }()
	c := control.Config{
		Node: control.Node{Name: name, Addr: r.addr, Roles: regionalRoles}, Dir: dir,
		Streams: r.Streams(), Caller: r.Control(),
	}
	configure(&c)
	if r.group, err = control.Start(within(t, patience), c); err != nil {
		r.Close()
		t.Fatal(err)
	}
	r.serve.Store(r.group)
	if err := r.Settle(r.group.Region(), r.group.View().Plan().Partitions()); err != nil {
		t.Error(err)
	}
	stop := make(chan struct{})
	var using sync.WaitGroup
	using.Go(func() { r.usePlans(stop) })
	r.kill = sync.OnceFunc(func() {
		r.Transport.Close()
		close(stop)
		using.Wait()
		if err := errors.Join(r.group.Close(), <-served); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	})
	t.Cleanup(r.kill)
	return r
}

func mustListen(t *testing.T, addr string) (l net.Listener) {
	t.Helper()
	eventually(t, "the address is free", func() bool {
		var err error
		l, err = net.Listen("tcp", addr)
		return err == nil
	})
	return l
}

func (r *regional) answer(ctx context.Context, request []byte) ([]byte, error) {
	if g := r.serve.Load(); g != nil {
		return g.Serve(ctx, request)
	}
	return nil, unavailable("test", named(r.name), "it has not started", nil)
}

// usePlans uses every plan at once, as the servers of a process do.
func (r *regional) usePlans(stop chan struct{}) {
	for {
		changed := r.group.View().Changed()
		r.group.Acknowledge(r.group.View().Plan().Epoch())
		select {
		case <-changed:
		case <-stop:
			return
		}
	}
}

func foundRegional(t *testing.T, name gazetteer.NodeID) *regional {
	addr := mustListen(t, "127.0.0.1:0")
	addr.Close()
	d := control.SingleDescription("fra", name)
	d.Partitions = 24
	d.Nodes[0].Addr, d.Nodes[0].Roles = addr.Addr().String(), regionalRoles
	return startRegional(t, name, d.Nodes[0].Addr, t.TempDir(), func(c *control.Config) { c.Found = &d })
}

func (r *regional) letIn(t *testing.T, name gazetteer.NodeID) *regional {
	t.Helper()
	token, err := r.group.NewToken(within(t, patience), control.TokenSpec{Roles: regionalRoles, TTL: time.Hour, Uses: 1})
	if err != nil {
		t.Fatal(err)
	}
	return startRegional(t, name, "127.0.0.1:0", t.TempDir(), func(c *control.Config) { c.Join, c.Token = []string{r.addr}, token })
}

// leader returns who leads by the word of all.
func leader(of ...*regional) *regional {
	first, _ := of[0].group.Leader()
	for _, r := range of[1:] {
		if l, _ := r.group.Leader(); l.Node != first.Node {
			return nil
		}
	}
	for _, r := range of {
		if r.name == first.Node {
			return r
		}
	}
	return nil
}

func setTree(t *testing.T, r *regional, tree string) {
	t.Helper()
	if _, err := r.group.Edit(within(t, patience), func(*control.Plan) (control.Command, error) {
		return control.Command{Edit: control.SetTree{Value: []byte(tree)}}, nil
	}); err != nil {
		t.Fatal(err)
	}
}

func haveTree(t *testing.T, tree string, all ...*regional) {
	t.Helper()
	for _, r := range all {
		eventually(t, string(r.name)+" has the tree "+tree, func() bool { return string(r.group.View().Plan().Tree()) == tree })
	}
}

// live counts the members that a process sees live.
func (r *regional) live() (n int) {
	for _, m := range r.group.View().Plan().Members() {
		if m.State == control.Live {
			n++
		}
	}
	return n
}

// Three processes found a region and join it by address and token; it outlives its
// leader, who comes back.
func TestARegionAgreesOverThisTransport(t *testing.T) {
	t.Parallel()
	a := foundRegional(t, "a")
	all := []*regional{a, a.letIn(t, "b")}
	all = append(all, all[1].letIn(t, "c"))
	eventually(t, "all are live", func() bool { return a.live() == 3 })
	eventually(t, "all know the leader", func() bool { return leader(all...) != nil })
	for _, tree := range []string{"a", "few", "edits", "one"} { // while the last votes are given
		setTree(t, all[2], tree)
	}
	haveTree(t, "one", all...)

	first := leader(all...)
	rest := slices.DeleteFunc(slices.Clone(all), func(r *regional) bool { return r == first })
	first.kill()
	began := time.Now()
	eventually(t, "there is another leader", func() bool { return leader(rest...) != nil })
	t.Logf("another leader after %v", time.Since(began).Round(time.Millisecond))
	setTree(t, rest[0], "two")
	haveTree(t, "two", rest...)

	again := startRegional(t, first.name, first.addr, first.dir, func(*control.Config) {})
	all = append(rest, again)
	haveTree(t, "two", again)
	eventually(t, "all know the leader again", func() bool { return leader(all...) != nil })
	setTree(t, again, "three")
	haveTree(t, "three", all...)
	if again.Counters().Streams == 0 && leader(all...) != again {
		t.Error("the leader speaks raft past this transport")
	}
}
