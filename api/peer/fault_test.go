package peer

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"gazetteer"
	"gazetteer/pb"
	"gazetteer/region"
	"gazetteer/ring"
)

// refusals gathers what Config.Refused is told.
type refusals struct {
	mu  sync.Mutex
	all []error
}

func (r *refusals) note(_ string, err error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.all = append(r.all, err)
}

func (r *refusals) String() string {
	r.mu.Lock()
	defer r.mu.Unlock()
	return fmt.Sprint(r.all)
}

// serveEcho opens node b, which echoes reads, and returns its address.
func serveEcho(t *testing.T, configure func(*Config)) (*Transport, string, *refusals) {
	w, seen := newTown(t), &refusals{}
	c := w.quick("b")
	c.Refused = seen.note
	if configure != nil {
		configure(&c)
	}
	b := w.open(c, func(t *Transport) { t.HandleInline(region.RoleReplica, echoTier()) })
	return b, w.resolve("b"), seen
}

// raw is a peer made by hand.
type raw struct {
	net.Conn
	frames *frameReader
}

func dialAs(t *testing.T, addr string, first ...byte) *raw {
	t.Helper()
	nc, err := net.Dial("tcp", addr)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { nc.Close() })
	nc.SetDeadline(time.Now().Add(10 * time.Second))
	if _, err := nc.Write(first); err != nil {
		t.Fatal(err)
	}
	return &raw{nc, newFrameReader(nc, maxRequestBytes)}
}

// properHello is what a peer called raw says to node b.
func properHello() *pb.PeerHello {
	return &pb.PeerHello{FormatMin: 1, FormatMax: 1, Node: "raw", Region: "here", Partitions: 271, To: "b", Instance: 7}
}

func opening(kind connKind, h *pb.PeerHello) []byte {
	return appendHello([]byte{preambleMagic | byte(kind), preambleVersion}, h)
}

// dialProper returns a requests connection whose hellos are exchanged.
func dialProper(t *testing.T, addr string) *raw {
	t.Helper()
	r := dialAs(t, addr, opening(kindRequests, properHello())...)
	if h, err := readHello(r.frames); err != nil || h.Refusal != nil {
		t.Fatalf("refused: %v, %v", h, err)
	}
	return r
}

func (r *raw) send(t *testing.T, h header, payload []byte) {
	t.Helper()
	if _, err := r.Write(appendFrame(nil, h, payload)); err != nil {
		t.Fatal(err)
	}
}

func (r *raw) mustEnd(t *testing.T) {
	t.Helper()
	if _, err := io.Copy(io.Discard, r); err != nil && !isReset(err) {
		t.Errorf("the connection was not closed: %v", err)
	}
}

func isReset(err error) bool {
	return strings.Contains(err.Error(), "reset") || strings.Contains(err.Error(), "broken pipe")
}

func readFrame(id uint32, key string) (header, []byte) {
	return header{id: id, code: methodRead, role: roleCode(region.RoleReplica), micros: 1e6},
		pb.AppendReadRequest(nil, gazetteer.Key{Type: "t", ID: gazetteer.ID(key)}, nil)
}

func TestStrangersAreTurnedAway(t *testing.T) {
	b, addr, seen := serveEcho(t, nil)
	dialAs(t, addr, []byte("GET / HTTP/1.1\r\n\r\n")...).mustEnd(t)
	dialAs(t, addr, 0x16, 3, 1).mustEnd(t) // TLS
	dialAs(t, addr, 0, 0, 0, 0).mustEnd(t)
	eventually(t, "three refusals", func() bool { return b.Counters().Refused == 3 })
	if !strings.Contains(seen.String(), "the first byte is 0x47") {
		t.Error(seen)
	}
}

func TestRefusalsSayWhy(t *testing.T) {
	_, addr, seen := serveEcho(t, nil)
	hello := func(f func(*pb.PeerHello)) *pb.PeerHello {
		h := properHello()
		f(h)
		return h
	}
	rows := []struct {
		name, want string
		kind       pb.PeerError_Kind
		opening    []byte
	}{
		{"partitions", "node raw has 31 partitions, node b has 271", pb.PeerError_CONFLICT,
			opening(kindRequests, hello(func(h *pb.PeerHello) { h.Partitions = 31 }))},
		{"format", "speaks formats 5 to 9", pb.PeerError_UNSUPPORTED,
			opening(kindRequests, hello(func(h *pb.PeerHello) { h.FormatMin, h.FormatMax = 5, 9 }))},
		{"another node", "this is node b, you asked for node c", pb.PeerError_CONFLICT,
			opening(kindRequests, hello(func(h *pb.PeerHello) { h.To = "c" }))},
		{"my own name", "both ends are called node b", pb.PeerError_CONFLICT,
			opening(kindRequests, hello(func(h *pb.PeerHello) { h.Node = "b" }))},
		{"no name", "name has 0 bytes", pb.PeerError_CONFLICT,
			opening(kindRequests, hello(func(h *pb.PeerHello) { h.Node = "" }))},
		{"raft", "takes no raft streams", pb.PeerError_UNSUPPORTED, opening(kindRaft, properHello())},
		{"raft of another region", "node raw is of region there, node b of region here", pb.PeerError_CONFLICT,
			opening(kindRaft, hello(func(h *pb.PeerHello) { h.Region = "there" }))},
		{"not settled", "node raw: it does not know yet where it belongs", pb.PeerError_UNAVAILABLE,
			opening(kindRequests, hello(func(h *pb.PeerHello) { h.Partitions = 0 }))},
		{"raft before it is settled", "node raw: it does not know yet where it belongs", pb.PeerError_UNAVAILABLE,
			opening(kindRaft, hello(func(h *pb.PeerHello) { h.Partitions, h.To = 0, "" }))},
		{"a link by address", "this is node b, you asked for node ", pb.PeerError_CONFLICT,
			opening(kindLink, hello(func(h *pb.PeerHello) { h.To = "" }))},
		{"kind", "connections of kind 9 are unknown", pb.PeerError_UNSUPPORTED, opening(9, properHello())},
		{"links", "node b takes no links", pb.PeerError_UNSUPPORTED, opening(kindLink, properHello())},
		{"version", "version 7 of the first bytes", pb.PeerError_UNSUPPORTED, []byte{preambleMagic | byte(kindRequests), 7}},
	}
	for _, row := range rows {
		r := dialAs(t, addr, row.opening...)
		h, err := readHello(r.frames)
		if err != nil || h.Refusal == nil || h.Refusal.Kind != row.kind || !strings.Contains(h.Refusal.Detail, row.want) {
			t.Errorf("%s: answered %v, %v", row.name, h, err)
		}
		r.mustEnd(t)
		eventually(t, row.name+" is told here", func() bool { return strings.Contains(seen.String(), row.want) })
	}
}

func TestDialerRefusesAWrongPeer(t *testing.T) {
	answers := map[string]*pb.PeerHello{
		"271 partitions, node a has 31":   {FormatMin: 1, FormatMax: 1, Node: "b", Partitions: 271},
		"is answered by node c":           {FormatMin: 1, FormatMax: 1, Node: "c", Partitions: 31},
		"speaks formats 2 to 3":           {FormatMin: 2, FormatMax: 3, Node: "b", Partitions: 31},
		"refused the connection: no room": {FormatMin: 1, FormatMax: 1, Node: "b", Partitions: 31, Refusal: &pb.PeerError{Detail: "no room"}},
	}
	for want, answer := range answers {
		addr := answerRaw(t, func(nc net.Conn) { nc.Write(appendHello(nil, answer)) })
		a := callerOf(t, addr, func(c *Config) { c.Partitions = 31 })
		_, _, err := a.Tier("b", region.RoleReplica).Read(within(t, 5*time.Second), nil, gazetteer.Key{Type: "t", ID: "x"})
		if gazetteer.KindOf(err) != gazetteer.Unavailable || !strings.Contains(err.Error(), want) {
			t.Errorf("want %q, got %v", want, err)
		}
	}
}

// answerRaw accepts connections, reads their hellos and gives them to serve, which ends
// with the test.
func answerRaw(t *testing.T, serve func(net.Conn)) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	var wg sync.WaitGroup
	var open sync.Map
	wg.Go(func() {
		for {
			nc, err := l.Accept()
			if err != nil {
				return
			}
			open.Store(nc, true)
			wg.Go(func() {
				frames := newFrameReader(nc, maxRequestBytes)
				frames.take(preambleBytes)
				if _, err := readHello(frames); err == nil {
					serve(nc)
				}
			})
		}
	})
	t.Cleanup(func() {
		l.Close()
		open.Range(func(nc, _ any) bool { nc.(net.Conn).Close(); return true })
		wg.Wait()
	})
	return l.Addr().String()
}

// welcome is how node b answers a hello.
func welcome() []byte {
	return appendHello(nil, &pb.PeerHello{FormatMin: 1, FormatMax: 1, Node: "b", Partitions: 271})
}

func callerOf(t *testing.T, addr string, configure func(*Config)) *Transport {
	t.Helper()
	w := newTown(t)
	w.move("b", addr)
	c := w.quick("a")
	if configure != nil {
		configure(&c)
	}
	a, err := New(c)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { a.Close() })
	return a
}

func TestUnknownMethodIsUnsupported(t *testing.T) {
	_, addr, _ := serveEcho(t, nil)
	r := dialProper(t, addr)
	r.send(t, header{id: 3, code: 99, role: 4}, []byte("from the future"))
	h, payload, err := r.frames.next()
	if err != nil || h.id != 3 || h.code != statusError {
		t.Fatalf("answered %+v, %v", h, err)
	}
	if err := decodeError(payload); gazetteer.KindOf(err) != gazetteer.Unsupported || !strings.Contains(err.Error(), "method 99") {
		t.Errorf("err = %v", err)
	}
	head, body := readFrame(4, "x")
	r.send(t, head, body)
	if h, _, err := r.frames.next(); err != nil || h.id != 4 || h.code != statusOK {
		t.Errorf("the connection did not go on: %+v, %v", h, err)
	}
}

func TestVoidFramesAreIgnored(t *testing.T) {
	_, addr, _ := serveEcho(t, nil)
	r := dialProper(t, addr)
	h, body := readFrame(1, "gone")
	h.code = methodVoid
	r.send(t, h, body)
	r.send(t, header{id: 55, code: methodCancel}, nil)
	r.send(t, header{code: methodPing}, nil)
	if h, _, err := r.frames.next(); err != nil || h.code != statusPong {
		t.Errorf("answered %+v, %v", h, err)
	}
}

func TestBrokenFramesEndTheConnection(t *testing.T) {
	_, addr, seen := serveEcho(t, nil)
	huge := make([]byte, headerBytes)
	putHeader(huge, header{length: 1 << 31, id: 1, code: methodRead, role: 4})
	rows := map[string][]byte{
		"a frame is too long": huge,
		"malformed":           appendFrame(nil, header{id: 1, code: methodRead, role: 4}, []byte{0x0a, 200}),
	}
	for want, frame := range rows {
		r := dialProper(t, addr)
		r.Write(frame)
		r.mustEnd(t)
		eventually(t, want, func() bool { return strings.Contains(seen.String(), want) })
	}
	r := dialProper(t, addr)
	r.Write(huge[:7])
	r.Close() // in the middle of a header: no fault of the peer, just a loss
}

func TestIDsInUseEndTheConnection(t *testing.T) {
	release := make(chan struct{})
	tier := &fakeTier{list: func(context.Context, region.ListQuery) (region.ListPage, error) {
		<-release
		return region.ListPage{}, nil
	}}
	w, seen := newTown(t), &refusals{}
	c := w.quick("b")
	c.Refused = seen.note
	w.open(c, func(t *Transport) { t.Handle(region.RoleReplica, tier) })
	t.Cleanup(func() { close(release) })
	r := dialProper(t, w.resolve("b"))
	for range 2 {
		r.send(t, header{id: 1, code: methodList, role: roleCode(region.RoleReplica)}, nil)
	}
	r.mustEnd(t)
	eventually(t, "the reason is told", func() bool { return strings.Contains(seen.String(), "another which has no reply yet") })
}

func TestAnnouncedLengthsCostNothing(t *testing.T) {
	_, addr, _ := serveEcho(t, nil)
	frame := make([]byte, headerBytes)
	putHeader(frame, header{length: maxRequestBytes, id: 1, code: methodWrite, role: 4})
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	for range 50 {
		dialProper(t, addr).Write(frame)
	}
	time.Sleep(50 * time.Millisecond)
	runtime.ReadMemStats(&after)
	if grown := after.TotalAlloc - before.TotalAlloc; grown > 50*(4*readBuffer) {
		t.Errorf("50 announcements of 4 MiB allocated %d bytes", grown)
	}
}

func TestSlowHandshakesEnd(t *testing.T) {
	b, addr, _ := serveEcho(t, func(c *Config) { c.DialTimeout = 500 * time.Millisecond })
	dialAs(t, addr).Close()
	began := time.Now()
	dialAs(t, addr, preambleMagic|byte(kindRequests)).mustEnd(t)
	eventually(t, "the slow one is refused, the one that went is not", func() bool { return b.Counters().Refused == 1 })
	if d := time.Since(began); d > patience {
		t.Errorf("took %v", d)
	}
}

func TestAcceptedConnectionsAreBounded(t *testing.T) {
	b, addr, _ := serveEcho(t, func(c *Config) { c.MaxConns = 3 })
	for range 3 {
		dialProper(t, addr)
	}
	dialAs(t, addr).mustEnd(t)
	if n := b.Counters().Crowded; n != 1 {
		t.Errorf("%d turned away", n)
	}
}

// A peer that sends requests and takes no replies is not served for ever: its replies
// stay below the bound, and the connection ends after the stall time.
func TestSlowReaderIsCutOff(t *testing.T) {
	w, seen := newTown(t), &refusals{}
	c := w.quick("b")
	c.StallAfter, c.Refused = 200*time.Millisecond, seen.note
	record := make([]byte, 64<<10)
	var served atomic.Int64
	b := w.open(c, func(t *Transport) {
		t.HandleInline(region.RoleReplica, &fakeTier{read: func(_ context.Context, dst []byte, _ gazetteer.Key) ([]byte, region.ReadInfo, error) {
			served.Add(1)
			return append(dst, record...), region.ReadInfo{}, nil
		}})
	})
	r := dialProper(t, w.resolve("b"))
	h, body := readFrame(1, "x")
	frame := appendFrame(nil, h, body)
	many := bytes.Repeat(frame, 1000)
	for {
		if _, err := r.Write(many); err != nil {
			break // cut off
		}
	}
	if bytes := served.Load() * int64(len(record)); bytes > 64<<20 {
		t.Errorf("%d MiB of replies for nobody", bytes>>20)
	}
	eventually(t, "no connection is left", func() bool {
		b.mu.Lock()
		defer b.mu.Unlock()
		return b.accepted == 0
	})
}

// A peer that takes nothing costs its callers their patience and no more memory than
// the bound.
func TestPeerThatTakesNothing(t *testing.T) {
	addr := answerRaw(t, func(nc net.Conn) { nc.Write(welcome()) })
	open := make(chan struct{})
	a := callerOf(t, addr, func(c *Config) {
		c.Conns, c.DeadAfter, c.MaxQueued, c.CallTimeout = 1, time.Minute, 4<<20, time.Minute
		c.Dial = func(ctx context.Context, addr string) (net.Conn, error) {
			nc, err := new(net.Dialer).DialContext(ctx, "tcp", addr)
			return &afterHello{Conn: nc, open: open}, err
		}
	})
	t.Cleanup(func() { close(open) })
	tier := a.Tier("b", region.RoleReplica)
	body := make([]byte, 512<<10)
	ctx, cancel := context.WithCancel(t.Context())
	var late, full atomic.Int32
	var wg sync.WaitGroup
	for range 30 {
		wg.Go(func() {
			out := tier.Write(ctx, "t", []ring.Write{{ID: "x", Put: []ring.Value{{Body: body}}}})
			switch gazetteer.KindOf(out[0].Err) {
			case gazetteer.Deadline:
				late.Add(1)
			case gazetteer.Unavailable:
				full.Add(1)
			default:
				t.Error(out[0].Err)
			}
		})
	}
	eventually(t, "some are refused for the full queue", func() bool { return full.Load() > 0 })
	cancel()
	wg.Wait()
	if late.Load() == 0 {
		t.Error("none was queued")
	}
}

// afterHello is a connection that takes a hello, and then nothing.
type afterHello struct {
	net.Conn
	writes atomic.Int32
	open   <-chan struct{}
}

func (a *afterHello) Write(b []byte) (int, error) {
	if a.writes.Add(1) > 1 {
		<-a.open
	}
	return a.Conn.Write(b)
}

func TestSilentPeerIsFoundOut(t *testing.T) {
	t.Parallel()
	addr := answerRaw(t, func(nc net.Conn) {
		nc.Write(welcome())
		io.Copy(io.Discard, nc)
	})
	a := callerOf(t, addr, func(c *Config) { c.DeadAfter = 300 * time.Millisecond })
	began := time.Now()
	_, _, err := a.Tier("b", region.RoleReplica).Read(context.Background(), nil, gazetteer.Key{Type: "t", ID: "x"})
	if !errors.Is(err, errSilent) || gazetteer.KindOf(err) != gazetteer.Unavailable || time.Since(began) > 3*time.Second {
		t.Errorf("after %v: %v", time.Since(began), err)
	}
}

func TestReplyToNoRequestEndsTheConnection(t *testing.T) {
	for _, id := range []uint32{1, 1 << 30} {
		addr := answerRaw(t, func(nc net.Conn) {
			nc.Write(welcome())
			nc.Write(appendFrame(nil, header{id: id}, nil))
		})
		a := callerOf(t, addr, nil)
		_, _, err := a.Tier("b", region.RoleReplica).Read(within(t, 5*time.Second), nil, gazetteer.Key{Type: "t", ID: "x"})
		if gazetteer.KindOf(err) != gazetteer.Unavailable {
			t.Errorf("err = %v", err)
		}
	}
}

func TestGarbageInRepliesIsAnError(t *testing.T) {
	replies := [][]byte{
		appendFrame(nil, header{id: 0}, []byte{0x0a, 200}),
		appendFrame(nil, header{id: 0, code: statusError}, []byte{0x0a, 200}),
	}
	for _, reply := range replies {
		addr := answerRaw(t, func(nc net.Conn) {
			nc.Write(welcome())
			nc.Read(make([]byte, 1)) // the request
			nc.Write(reply)
			io.Copy(io.Discard, nc)
		})
		got, _, err := callerOf(t, addr, nil).Tier("b", region.RoleReplica).Read(within(t, 5*time.Second), nil, gazetteer.Key{Type: "t", ID: "x"})
		if gazetteer.KindOf(err) != gazetteer.Invalid || len(got) != 0 {
			t.Errorf("got %q, %v", got, err)
		}
	}
}

// A request that is given up while it waits to be written reaches no handler.
func TestDeadlinePassesWhileQueued(t *testing.T) {
	var asked sync.Map
	w := newTown(t)
	tier := echoTier()
	echo := tier.read
	tier.read = func(ctx context.Context, dst []byte, k gazetteer.Key) ([]byte, region.ReadInfo, error) {
		asked.Store(k.ID, true)
		return echo(ctx, dst, k)
	}
	w.open(w.quick("b"), func(t *Transport) { t.HandleInline(region.RoleReplica, tier) })
	open := make(chan struct{})
	var shut atomic.Bool
	c := w.quick("a")
	c.Conns = 1
	c.Dial = func(ctx context.Context, addr string) (net.Conn, error) {
		nc, err := new(net.Dialer).DialContext(ctx, "tcp", addr)
		return maybeGate{nc, &shut, open}, err
	}
	a := w.open(c, nil)
	remote := a.Tier("b", region.RoleReplica)
	if _, _, err := remote.Read(t.Context(), nil, gazetteer.Key{Type: "t", ID: "first"}); err != nil {
		t.Fatal(err)
	}
	shut.Store(true)
	var wg sync.WaitGroup
	wg.Go(func() { // its write waits at the gate
		remote.Read(within(t, 5*time.Second), nil, gazetteer.Key{Type: "t", ID: "second"})
	})
	time.Sleep(50 * time.Millisecond)
	_, _, err := remote.Read(within(t, 50*time.Millisecond), nil, gazetteer.Key{Type: "t", ID: "late"})
	if gazetteer.KindOf(err) != gazetteer.Deadline {
		t.Errorf("err = %v", err)
	}
	close(open)
	wg.Wait()
	if got, _, err := remote.Read(within(t, 5*time.Second), nil, gazetteer.Key{Type: "t", ID: "last"}); err != nil || string(got) != "t/last" {
		t.Errorf("got %q, %v", got, err)
	}
	for id, want := range map[gazetteer.ID]bool{"second": true, "late": false, "last": true} {
		if _, got := asked.Load(id); got != want {
			t.Errorf("%s reached the tier: %v", id, got)
		}
	}
}

// maybeGate is a connection whose writes wait while it is shut.
type maybeGate struct {
	net.Conn
	shut *atomic.Bool
	open <-chan struct{}
}

func (g maybeGate) Write(b []byte) (int, error) {
	if g.shut.Load() {
		<-g.open
	}
	return g.Conn.Write(b)
}

func TestPeerRestarts(t *testing.T) {
	t.Parallel()
	w := newTown(t)
	start := func() (stop func()) {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		b, err := New(w.quick("b"))
		if err != nil {
			t.Fatal(err)
		}
		b.HandleInline(region.RoleReplica, echoTier())
		w.move("b", l.Addr().String())
		done := make(chan error)
		go func() { done <- b.Serve(l) }()
		return func() { b.Close(); <-done }
	}
	stop := start()
	remote := w.open(w.quick("a"), nil).Tier("b", region.RoleReplica)
	read := func() error {
		_, _, err := remote.Read(within(t, time.Second), nil, gazetteer.Key{Type: "t", ID: "x"})
		return err
	}
	for range 3 {
		eventually(t, "reads go through", func() bool { return read() == nil })
		stop()
		if err := read(); gazetteer.KindOf(err) != gazetteer.Unavailable {
			t.Errorf("while it is down: %v", err)
		}
		stop = start()
	}
	eventually(t, "reads go through", func() bool { return read() == nil })
	stop()
}

// A write whose connection breaks may have been done. Only an unconditional one may be
// tried again.
func TestBrokenConnectionUnderWrites(t *testing.T) {
	addr := answerRaw(t, func(nc net.Conn) {
		nc.Write(welcome())
		nc.Read(make([]byte, headerBytes))
		nc.Close()
	})
	tier := callerOf(t, addr, nil).Tier("b", region.RoleReplica)
	out := tier.Write(within(t, 5*time.Second), "t", []ring.Write{
		{Token: 5, ID: "x"}, {Token: 6, ID: "y", If: []gazetteer.Version{1}},
	})
	if len(out) != 2 || out[0].Token != 5 || gazetteer.KindOf(out[0].Err) != gazetteer.Unavailable {
		t.Errorf("unconditional: %+v", out[0])
	}
	if out[1].Token != 6 || gazetteer.KindOf(out[1].Err) != gazetteer.Deadline || !strings.Contains(out[1].Err.Error(), "not known whether") {
		t.Errorf("conditional: %+v", out[1])
	}
}

func TestConditionalWriteThatWasNeverSentMayBeTriedElsewhere(t *testing.T) {
	a := callerOf(t, "127.0.0.1:1", nil) // nobody listens there
	out := a.Tier("b", region.RoleReplica).Write(within(t, 5*time.Second), "t", []ring.Write{{ID: "y", If: []gazetteer.Version{1}}})
	if gazetteer.KindOf(out[0].Err) != gazetteer.Unavailable {
		t.Errorf("err = %v", out[0].Err)
	}
}

func TestDeadNodeFailsFast(t *testing.T) {
	a := callerOf(t, "127.0.0.1:1", func(c *Config) { c.RetryMin, c.RetryMax = time.Second, time.Second })
	tier := a.Tier("b", region.RoleReplica)
	began := time.Now()
	for range 1000 {
		if _, _, err := tier.Read(context.Background(), nil, gazetteer.Key{Type: "t", ID: "x"}); gazetteer.KindOf(err) != gazetteer.Unavailable {
			t.Fatal(err)
		}
	}
	if d := time.Since(began); d > 500*time.Millisecond {
		t.Errorf("1000 calls of a dead node took %v", d)
	}
}

func TestCallsAfterCloseFail(t *testing.T) {
	a, tier := pair(t, echoTier())
	if _, _, err := tier.Read(t.Context(), nil, gazetteer.Key{Type: "t", ID: "x"}); err != nil {
		t.Fatal(err)
	}
	a.Close()
	if _, _, err := tier.Read(t.Context(), nil, gazetteer.Key{Type: "t", ID: "x"}); gazetteer.KindOf(err) != gazetteer.Unavailable {
		t.Errorf("err = %v", err)
	}
}

func TestConfigIsChecked(t *testing.T) {
	good := newTown(t).quick("a")
	for name, spoil := range map[string]func(*Config){
		"Node":      func(c *Config) { c.Node = "" },
		"Resolve":   func(c *Config) { c.Resolve = nil },
		"Conns":     func(c *Config) { c.Conns = -1 },
		"MaxQueued": func(c *Config) { c.MaxQueued = 1 },
		"DeadAfter": func(c *Config) { c.DeadAfter = c.BeatEvery },
		"times":     func(c *Config) { c.RetryMax = c.RetryMin / 2 },
	} {
		c := good
		spoil(&c)
		if _, err := New(c); gazetteer.KindOf(err) != gazetteer.Invalid || err == nil || !strings.Contains(err.Error(), name) {
			t.Errorf("%s: %v", name, err)
		}
	}
}
