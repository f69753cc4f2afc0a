package peer

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"gazetteer"
	"gazetteer/api/peer/delay"
	"gazetteer/region"
	"gazetteer/ring"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) {
	if os.Getenv(benchServerEnv) != "" {
		runBenchServer()
		return
	}
	goleak.VerifyTestMain(m)
}

// town is a set of transports that know each other's addresses.
type town struct {
	t     testing.TB
	mu    sync.Mutex
	addrs map[gazetteer.NodeID]string
}

func newTown(t testing.TB) *town { return &town{t: t, addrs: map[gazetteer.NodeID]string{}} }

func (w *town) resolve(n gazetteer.NodeID) string {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.addrs[n]
}

func (w *town) move(n gazetteer.NodeID, addr string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.addrs[n] = addr
}

// quick are times that suit a test.
func (w *town) quick(n gazetteer.NodeID) Config {
	return Config{
		Node: n, Region: "here", Partitions: gazetteer.DefaultPartitions, Resolve: w.resolve,
		RetryMin: 5 * time.Millisecond, RetryMax: 50 * time.Millisecond,
		BeatEvery: 50 * time.Millisecond, DeadAfter: time.Second,
	}
}

// far returns what moves a node into a region of its own name, at distances that delay
// knows.
func (w *town) far(between func(from, to gazetteer.RegionID) time.Duration) func(Config) Config {
	return w.on(delay.New(between))
}

// on is far with a network that can be cut.
func (w *town) on(n *delay.Network) func(Config) Config {
	regionOf := func(addr string) gazetteer.RegionID {
		w.mu.Lock()
		defer w.mu.Unlock()
		for node, at := range w.addrs {
			if at == addr {
				return gazetteer.RegionID(node)
			}
		}
		return ""
	}
	return func(c Config) Config {
		c.Region = gazetteer.RegionID(c.Node)
		c.Dial = n.Dialer(c.Region, regionOf, nil)
		return c
	}
}

// open starts a transport that listens; setUp runs before it serves.
func (w *town) open(c Config, setUp func(*Transport)) *Transport {
	w.t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		w.t.Fatal(err)
	}
	t, err := New(c)
	if err != nil {
		w.t.Fatal(err)
	}
	if setUp != nil {
		setUp(t)
	}
	w.move(c.Node, l.Addr().String())
	served := make(chan error, 1)
	go func() { served <- t.Serve(l) }()
	w.t.Cleanup(func() {
		t.Close()
		if err := <-served; err != nil {
			w.t.Errorf("Serve: %v", err)
		}
	})
	return t
}

// fakeTier answers with what its functions say.
type fakeTier struct {
	read      func(context.Context, []byte, gazetteer.Key) ([]byte, region.ReadInfo, error)
	write     func(context.Context, gazetteer.Type, []ring.Write) []ring.Outcome
	list      func(context.Context, region.ListQuery) (region.ListPage, error)
	conflicts func(context.Context, gazetteer.Type) ([]ring.Conflict, error)
}

func (f *fakeTier) Read(ctx context.Context, dst []byte, k gazetteer.Key) ([]byte, region.ReadInfo, error) {
	return f.read(ctx, dst, k)
}

func (f *fakeTier) Write(ctx context.Context, t gazetteer.Type, ws []ring.Write) []ring.Outcome {
	return f.write(ctx, t, ws)
}

func (f *fakeTier) List(ctx context.Context, q region.ListQuery) (region.ListPage, error) {
	return f.list(ctx, q)
}

func (f *fakeTier) Conflicts(ctx context.Context, t gazetteer.Type) ([]ring.Conflict, error) {
	return f.conflicts(ctx, t)
}

// echoTier reads the key back as the record.
func echoTier() *fakeTier {
	return &fakeTier{read: func(_ context.Context, dst []byte, k gazetteer.Key) ([]byte, region.ReadInfo, error) {
		return append(dst, k.String()...), region.ReadInfo{Node: "b", Ring: "ring-0"}, nil
	}}
}

// pair returns a calling transport and the remote tier of a node that serves tier.
func pair(t *testing.T, tier region.Tier, configure ...func(*Config)) (*Transport, region.Tier) {
	t.Helper()
	w := newTown(t)
	a, b := w.quick("a"), w.quick("b")
	for _, f := range configure {
		f(&a)
		f(&b)
	}
	w.open(b, func(t *Transport) { t.Handle(region.RoleReplica, tier) })
	caller := w.open(a, nil)
	return caller, caller.Tier("b", region.RoleReplica)
}

func within(t *testing.T, d time.Duration) context.Context {
	ctx, cancel := context.WithTimeout(context.Background(), d)
	t.Cleanup(cancel)
	return ctx
}

// patience is how long a test waits for what must come: long, for a machine that is busy.
const patience = 20 * time.Second

// eventually waits for something that must become true soon.
func eventually(t *testing.T, what string, ok func() bool) {
	t.Helper()
	for end := time.Now().Add(patience); time.Now().Before(end); time.Sleep(2 * time.Millisecond) {
		if ok() {
			return
		}
	}
	t.Fatalf("not in %v: %s", patience, what)
}

func TestReadCarriesRecordAndInfo(t *testing.T) {
	info := region.ReadInfo{Node: "b", Ring: "mirrors-3", Staleness: 1234 * time.Millisecond, Degraded: true,
		Hops: []region.Hop{{Role: "replica", Name: "b", Took: 7 * time.Microsecond}}}
	_, tier := pair(t, &fakeTier{read: func(ctx context.Context, dst []byte, k gazetteer.Key) ([]byte, region.ReadInfo, error) {
		i := info
		if !region.WantsHops(ctx) {
			i.Hops = nil
		}
		if _, ok := ctx.Deadline(); !ok {
			return dst, i, errors.New("no deadline came along")
		}
		return append(dst, k.ID...), i, nil
	}})
	k := gazetteer.Key{Type: "mirrors", ID: "a/%2F é \x00"}
	got, i, err := tier.Read(region.WithHops(t.Context()), []byte("before:"), k)
	if err != nil || string(got) != "before:"+string(k.ID) {
		t.Fatalf("got %q, %v", got, err)
	}
	if fmt.Sprint(i) != fmt.Sprint(info) {
		t.Errorf("got %+v, want %+v", i, info)
	}
	if _, i, err = tier.Read(t.Context(), nil, k); err != nil || len(i.Hops) != 0 {
		t.Errorf("hops that nobody asked for: %+v, %v", i, err)
	}
}

func TestReadOfNothing(t *testing.T) {
	_, tier := pair(t, &fakeTier{read: func(_ context.Context, dst []byte, _ gazetteer.Key) ([]byte, region.ReadInfo, error) {
		return dst, region.ReadInfo{Node: "b"}, nil
	}})
	got, i, err := tier.Read(t.Context(), nil, gazetteer.Key{Type: "t", ID: "x"})
	if err != nil || len(got) != 0 || i.Node != "b" {
		t.Errorf("got %q, %+v, %v", got, i, err)
	}
}

func TestErrorsCrossWithTheirMeaning(t *testing.T) {
	var give error
	_, tier := pair(t, &fakeTier{read: func(_ context.Context, dst []byte, _ gazetteer.Key) ([]byte, region.ReadInfo, error) {
		return append(dst, "half a record"...), region.ReadInfo{}, give
	}})
	for k := gazetteer.Internal; k <= gazetteer.Behind; k++ {
		give = fmt.Errorf("wrapped: %w", &gazetteer.Error{Op: "ring.Read", Kind: k, Key: gazetteer.Key{Type: "t", ID: "x"},
			Pointer: "/locations/3", Detail: "what is wrong", Err: errors.New("the cause")})
		got, _, err := tier.Read(t.Context(), []byte("kept"), gazetteer.Key{Type: "t", ID: "x"})
		var e *gazetteer.Error
		if !errors.As(err, &e) || string(got) != "kept" {
			t.Fatalf("%v: got %q, %v", k, got, err)
		}
		want := gazetteer.Error{Op: "ring.Read", Kind: k, Key: gazetteer.Key{Type: "t", ID: "x"}, Pointer: "/locations/3", Detail: "what is wrong: the cause"}
		if *e != want {
			t.Errorf("got %+v, want %+v", *e, want)
		}
	}
	for _, row := range []struct {
		give error
		want gazetteer.Kind
	}{{errors.New("plain"), gazetteer.Internal}, {context.DeadlineExceeded, gazetteer.Deadline}} {
		give = row.give
		if _, _, err := tier.Read(t.Context(), nil, gazetteer.Key{Type: "t", ID: "x"}); gazetteer.KindOf(err) != row.want {
			t.Errorf("%v became %v", row.give, err)
		}
	}
}

func TestInlineReadsAndOthersShareAConnection(t *testing.T) {
	blocked := make(chan struct{})
	tier := echoTier()
	tier.write = func(ctx context.Context, _ gazetteer.Type, ws []ring.Write) []ring.Outcome {
		<-blocked
		return make([]ring.Outcome, len(ws))
	}
	w := newTown(t)
	c := w.quick("a")
	c.Conns = 1
	w.open(w.quick("b"), func(t *Transport) { t.HandleInline(region.RoleReplica, tier) })
	remote := w.open(c, nil).Tier("b", region.RoleReplica)
	written := make(chan []ring.Outcome)
	go func() { written <- remote.Write(context.Background(), "t", []ring.Write{{ID: "x"}}) }()
	time.Sleep(20 * time.Millisecond)
	for i := range 100 {
		k := gazetteer.Key{Type: "t", ID: gazetteer.ID(fmt.Sprint(i))}
		got, _, err := remote.Read(within(t, 2*time.Second), nil, k)
		if err != nil || string(got) != k.String() {
			t.Fatalf("behind a write that blocks: %q, %v", got, err)
		}
	}
	close(blocked)
	if out := <-written; out[0].Err != nil {
		t.Error(out[0].Err)
	}
}

func TestRepliesComeOutOfOrder(t *testing.T) {
	var turn sync.Map
	for i := range 10 {
		turn.Store(gazetteer.ID(fmt.Sprint(i)), make(chan struct{}))
	}
	_, tier := pair(t, &fakeTier{read: func(ctx context.Context, dst []byte, k gazetteer.Key) ([]byte, region.ReadInfo, error) {
		ch, _ := turn.Load(k.ID)
		select {
		case <-ch.(chan struct{}):
		case <-ctx.Done():
			return dst, region.ReadInfo{}, ctx.Err()
		}
		return append(dst, k.ID...), region.ReadInfo{}, nil
	}})
	done := make(chan string, 10)
	for i := range 10 {
		go func() {
			got, _, err := tier.Read(t.Context(), nil, gazetteer.Key{Type: "t", ID: gazetteer.ID(fmt.Sprint(i))})
			done <- fmt.Sprintf("%s %v", got, err)
		}()
	}
	for i := 9; i >= 0; i-- {
		ch, _ := turn.Load(gazetteer.ID(fmt.Sprint(i)))
		close(ch.(chan struct{}))
		if got := <-done; got != fmt.Sprintf("%d <nil>", i) {
			t.Fatalf("reply %d: %s", i, got)
		}
	}
}

func TestUnknownRoleIsUnavailable(t *testing.T) {
	a, _ := pair(t, echoTier())
	_, _, err := a.Tier("b", region.RoleCluster).Read(t.Context(), nil, gazetteer.Key{Type: "t", ID: "x"})
	if gazetteer.KindOf(err) != gazetteer.Unavailable || !strings.Contains(err.Error(), "does not run role") {
		t.Errorf("err = %v", err)
	}
}

func TestOwnTierIsCalledDirectly(t *testing.T) {
	a, _ := pair(t, echoTier())
	own := echoTier()
	a.Handle(region.RoleCluster, own)
	if got := a.Tier("a", region.RoleCluster); got != region.Tier(own) {
		t.Errorf("got %T", got)
	}
	if _, _, err := a.Tier("a", region.RoleReplica).Read(t.Context(), nil, gazetteer.Key{Type: "t", ID: "x"}); err == nil {
		t.Error("a tier that this node does not run answered")
	}
}

func TestUnknownNodeIsUnavailable(t *testing.T) {
	a, _ := pair(t, echoTier())
	_, _, err := a.Tier("nobody", region.RoleReplica).Read(t.Context(), nil, gazetteer.Key{Type: "t", ID: "x"})
	if gazetteer.KindOf(err) != gazetteer.Unavailable {
		t.Errorf("err = %v", err)
	}
}

func TestDeadlineEndsACallAndReachesTheServer(t *testing.T) {
	ended := make(chan error, 1)
	_, tier := pair(t, &fakeTier{read: func(ctx context.Context, dst []byte, _ gazetteer.Key) ([]byte, region.ReadInfo, error) {
		<-ctx.Done()
		ended <- ctx.Err()
		return dst, region.ReadInfo{}, ctx.Err()
	}})
	_, _, err := tier.Read(within(t, 50*time.Millisecond), nil, gazetteer.Key{Type: "t", ID: "x"})
	if gazetteer.KindOf(err) != gazetteer.Deadline {
		t.Errorf("err = %v", err)
	}
	select {
	case <-ended:
	case <-time.After(5 * time.Second):
		t.Fatal("the server went on")
	}
	past, cancel := context.WithDeadline(t.Context(), time.Now().Add(-time.Second))
	defer cancel()
	if _, _, err := tier.Read(past, nil, gazetteer.Key{Type: "t", ID: "x"}); gazetteer.KindOf(err) != gazetteer.Deadline {
		t.Errorf("a deadline in the past: %v", err)
	}
}

func TestCancelReachesTheServer(t *testing.T) {
	began, ended := make(chan struct{}), make(chan error, 1)
	_, tier := pair(t, &fakeTier{read: func(ctx context.Context, dst []byte, _ gazetteer.Key) ([]byte, region.ReadInfo, error) {
		close(began)
		<-ctx.Done()
		ended <- ctx.Err()
		return dst, region.ReadInfo{}, ctx.Err()
	}})
	ctx, cancel := context.WithCancel(t.Context())
	go func() { <-began; cancel() }()
	if _, _, err := tier.Read(ctx, nil, gazetteer.Key{Type: "t", ID: "x"}); !errors.Is(err, context.Canceled) {
		t.Errorf("err = %v", err)
	}
	select {
	case err := <-ended:
		if err != context.Canceled {
			t.Errorf("the server saw %v", err)
		}
	case <-time.After(5 * time.Second):
		t.Fatal("the server went on")
	}
}

func TestCallWithoutDeadlineEnds(t *testing.T) {
	_, tier := pair(t, &fakeTier{read: func(ctx context.Context, dst []byte, _ gazetteer.Key) ([]byte, region.ReadInfo, error) {
		<-ctx.Done()
		return dst, region.ReadInfo{}, ctx.Err()
	}}, func(c *Config) { c.CallTimeout = 150 * time.Millisecond })
	began := time.Now()
	_, _, err := tier.Read(context.Background(), nil, gazetteer.Key{Type: "t", ID: "x"})
	if gazetteer.KindOf(err) != gazetteer.Deadline || time.Since(began) > 3*time.Second {
		t.Errorf("after %v: %v", time.Since(began), err)
	}
}

func TestTooManyInFlightAreRefusedAtOnce(t *testing.T) {
	release := make(chan struct{})
	_, tier := pair(t, &fakeTier{read: func(ctx context.Context, dst []byte, _ gazetteer.Key) ([]byte, region.ReadInfo, error) {
		<-release
		return dst, region.ReadInfo{}, nil
	}}, func(c *Config) { c.Conns, c.MaxInFlight = 1, 8 })
	var refused, served atomic.Int32
	var wg sync.WaitGroup
	for range 20 {
		wg.Go(func() {
			_, _, err := tier.Read(context.Background(), nil, gazetteer.Key{Type: "t", ID: "x"})
			switch {
			case err == nil:
				served.Add(1)
			case gazetteer.KindOf(err) == gazetteer.Unavailable:
				refused.Add(1)
			default:
				t.Error(err)
			}
		})
	}
	eventually(t, "12 are refused", func() bool { return refused.Load() == 12 })
	close(release)
	wg.Wait()
	if served.Load() != 8 {
		t.Errorf("%d served", served.Load())
	}
}

func TestHandlersAreBounded(t *testing.T) {
	release := make(chan struct{})
	_, tier := pair(t, &fakeTier{read: func(ctx context.Context, dst []byte, _ gazetteer.Key) ([]byte, region.ReadInfo, error) {
		<-release
		return dst, region.ReadInfo{}, nil
	}}, func(c *Config) { c.MaxHandlers = 3 })
	var refused atomic.Int32
	var wg sync.WaitGroup
	for range 10 {
		wg.Go(func() {
			if _, _, err := tier.Read(context.Background(), nil, gazetteer.Key{Type: "t", ID: "x"}); gazetteer.KindOf(err) == gazetteer.Unavailable {
				refused.Add(1)
			}
		})
	}
	eventually(t, "7 are refused", func() bool { return refused.Load() == 7 })
	close(release)
	wg.Wait()
}

func TestTenThousandInFlight(t *testing.T) {
	const n = 10_000
	var waiting atomic.Int32
	all := make(chan struct{})
	_, tier := pair(t, &fakeTier{read: func(ctx context.Context, dst []byte, k gazetteer.Key) ([]byte, region.ReadInfo, error) {
		if waiting.Add(1) == n {
			close(all)
		}
		select {
		case <-all:
		case <-ctx.Done():
			return dst, region.ReadInfo{}, ctx.Err()
		}
		return append(dst, k.ID...), region.ReadInfo{}, nil
	}}, func(c *Config) {
		c.MaxInFlight, c.MaxHandlers, c.CallTimeout, c.DeadAfter = n, n, 20*time.Second, 20*time.Second
	})
	var wg sync.WaitGroup
	for i := range n {
		wg.Go(func() {
			id := gazetteer.ID(fmt.Sprint(i))
			got, _, err := tier.Read(context.Background(), nil, gazetteer.Key{Type: "t", ID: id})
			if err != nil || string(got) != string(id) {
				t.Errorf("%s: %q, %v", id, got, err)
			}
		})
	}
	wg.Wait()
}

func TestSlowReadsAreHandedOver(t *testing.T) {
	inside := make(chan struct{}, 100)
	tier := &fakeTier{read: func(_ context.Context, dst []byte, k gazetteer.Key) ([]byte, region.ReadInfo, error) {
		inside <- struct{}{}
		time.Sleep(20 * time.Millisecond)
		<-inside
		return dst, region.ReadInfo{Degraded: len(inside) > 0}, nil
	}}
	w := newTown(t)
	c := w.quick("a")
	c.Conns = 1
	w.open(w.quick("b"), func(t *Transport) { t.HandleInline(region.RoleReplica, tier) })
	remote := w.open(c, nil).Tier("b", region.RoleReplica)
	var together atomic.Int32
	var wg sync.WaitGroup
	for range 40 {
		wg.Go(func() {
			_, i, err := remote.Read(context.Background(), nil, gazetteer.Key{Type: "t", ID: "x"})
			if err != nil {
				t.Error(err)
			}
			if i.Degraded {
				together.Add(1)
			}
		})
		time.Sleep(time.Millisecond)
	}
	wg.Wait()
	if together.Load() == 0 {
		t.Error("no two slow reads ran at once")
	}
}

func TestReadAllocatesLittle(t *testing.T) {
	record := make([]byte, 392)
	tier := &fakeTier{read: func(_ context.Context, dst []byte, _ gazetteer.Key) ([]byte, region.ReadInfo, error) {
		return append(dst, record...), region.ReadInfo{Node: "b", Ring: "mirrors-0"}, nil
	}}
	w := newTown(t)
	w.open(w.quick("b"), func(t *Transport) { t.HandleInline(region.RoleReplica, tier) })
	remote := w.open(w.quick("a"), nil).Tier("b", region.RoleReplica)
	k := gazetteer.Key{Type: "mirrors", ID: "debian"}
	var dst []byte
	n := testing.AllocsPerRun(2000, func() {
		var err error
		if dst, _, err = remote.Read(context.Background(), dst[:0], k); err != nil {
			t.Fatal(err)
		}
	})
	if n > 1 { // the id at the server
		t.Errorf("%v allocations for a hop, both ends together", n)
	}
}

// A connection that was closed because nobody used it is made anew within the next call.
func TestIdleConnectionsEndAndComeBack(t *testing.T) {
	a, tier := pair(t, echoTier())
	read := func() error {
		_, _, err := tier.Read(within(t, 5*time.Second), nil, gazetteer.Key{Type: "t", ID: "x"})
		return err
	}
	for range 20 {
		if err := read(); err != nil {
			t.Fatal(err)
		}
		a.clock.n.Add(uint32(ticks(nodeIdle)) + 1)
		p, _ := a.pools.Load(gazetteer.NodeID("b"))
		for i := range p.(*pool).slots {
			if c := p.(*pool).slots[i].conn.Load(); c != nil {
				c.sweep(a.clock.now())
			}
		}
	}
}
