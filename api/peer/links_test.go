package peer

import (
	"context"
	"fmt"
	"net"
	"reflect"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"gazetteer"
	"gazetteer/pb"
	"gazetteer/region/agent"
	"gazetteer/ring"
)

// recorder keeps what a link handler is told.
type recorder struct {
	mu       sync.Mutex
	events   []string // linked, unlinked, alive, dead; each with its node
	got      map[gazetteer.NodeID][]ring.Message
	sent     map[gazetteer.NodeID]int
	received func(gazetteer.NodeID, ring.Message) // may block
}

var _ agent.LinkHandler = (*recorder)(nil)

func newRecorder() *recorder {
	return &recorder{got: map[gazetteer.NodeID][]ring.Message{}, sent: map[gazetteer.NodeID]int{}}
}

func (r *recorder) add(event string, n gazetteer.NodeID) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.events = append(r.events, event+" "+string(n))
}

func (r *recorder) Linked(n gazetteer.NodeID)   { r.add("linked", n) }
func (r *recorder) Unlinked(n gazetteer.NodeID) { r.add("unlinked", n) }

func (r *recorder) Alive(n gazetteer.NodeID, alive bool) {
	if alive {
		r.add("alive", n)
	} else {
		r.add("dead", n)
	}
}

func (r *recorder) Received(n gazetteer.NodeID, m ring.Message) {
	if r.received != nil {
		r.received(n, m)
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.got[n] = append(r.got[n], m)
}

func (r *recorder) Sent(n gazetteer.NodeID, k int) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.sent[n] += k
}

func (r *recorder) times(event string) (n int) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, e := range r.events {
		if e == event {
			n++
		}
	}
	return n
}

func (r *recorder) all() []string {
	r.mu.Lock()
	defer r.mu.Unlock()
	return slices.Clone(r.events)
}

func (r *recorder) from(n gazetteer.NodeID) []ring.Message {
	r.mu.Lock()
	defer r.mu.Unlock()
	return slices.Clone(r.got[n])
}

func (r *recorder) sentTo(n gazetteer.NodeID) int {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.sent[n]
}

// node is a transport with a recorder.
type node struct {
	*Transport
	*recorder
}

func (w *town) linking(c Config, configure ...func(*recorder)) node {
	r := newRecorder()
	for _, f := range configure {
		f(r)
	}
	return node{w.open(c, func(t *Transport) { t.Start(r) }), r}
}

// linkedPair returns a and b with a link that a wants.
func linkedPair(t *testing.T, configure ...func(*Config)) (a, b node) {
	t.Helper()
	w := newTown(t)
	ca, cb := w.quick("a"), w.quick("b")
	for _, f := range configure {
		f(&ca)
		f(&cb)
	}
	a, b = w.linking(ca), w.linking(cb)
	a.Want([]gazetteer.NodeID{"b"})
	eventually(t, "the link is up", func() bool { return a.times("linked b") == 1 && b.times("linked a") == 1 })
	return a, b
}

func data(i int) ring.Message { return ring.Mark{Session: uint64(i)} }

func TestMessagesArriveOnceInOrder(t *testing.T) {
	a, b := linkedPair(t)
	const n = 20_000
	want := []ring.Message{ring.Greet{Store: 1}}
	a.Send("b", want[0])
	b.Send("a", ring.Greet{Store: 2})
	for i := range n {
		var m ring.Message = data(i)
		if i%3 == 0 {
			m = ring.Report{Session: uint64(i)}
		}
		want = append(want, m)
		a.Send("b", m)
	}
	eventually(t, "all arrive", func() bool { return len(b.from("a")) == len(want) })
	if !reflect.DeepEqual(b.from("a"), want) {
		t.Error("not in order")
	}
	eventually(t, "the data is told as sent", func() bool { return a.sentTo("b") == n-(n+2)/3 })
	eventually(t, "the other direction", func() bool { return len(a.from("b")) == 1 })
	if got := a.all(); !reflect.DeepEqual(got, []string{"alive b", "linked b"}) {
		t.Errorf("events: %v", got)
	}
}

func TestLongElementsCountOnceAsSent(t *testing.T) {
	a, b := linkedPair(t)
	u := sampleUpdate(1)
	u.Body = make([]byte, gazetteer.MaxElementBytes)
	a.Send("b", ring.Greet{})
	b.Send("a", ring.Greet{})
	a.Send("b", ring.Elements{Updates: slices.Repeat([]gazetteer.Update{u}, 64)})
	eventually(t, "it is told as sent", func() bool { return a.sentTo("b") > 0 })
	eventually(t, "it arrives", func() bool {
		n := 0
		for _, m := range b.from("a")[min(1, len(b.from("a"))):] {
			n += len(m.(ring.Elements).Updates)
		}
		return n == 64
	})
	if a.sentTo("b") != 1 {
		t.Errorf("told as %d", a.sentTo("b"))
	}
}

// Before its Greet a link carries nothing of a feed's session: that was meant for the
// link before, and a mark without its elements would be believed.
func TestOldSessionsDoNotReachANewLink(t *testing.T) {
	a, b := linkedPair(t)
	b.Send("a", ring.Greet{})
	stale := []ring.Message{ring.Match{}, ring.Hello{}, ring.Begin{}, ring.Elements{}, ring.Mark{}, ring.Report{}}
	want := []ring.Message{ring.Ask{}, ring.Leave{}, ring.Fresh{}, ring.Greet{Store: 1}, data(2)}
	for _, m := range append(stale, want...) {
		a.Send("b", m)
	}
	a.Send("nobody", data(3))
	eventually(t, "the others arrive", func() bool { return len(b.from("a")) >= len(want) })
	got := b.from("a")
	for i, m := range got {
		if f, ok := m.(ring.Fresh); ok {
			f.Age = 0
			got[i] = f
		}
	}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("got %v", got)
	}
}

// Until its own Greet a handler is given nothing, so that no answer can precede it. The
// peer is not taken for dead meanwhile.
func TestNothingIsReceivedBeforeTheGreet(t *testing.T) {
	t.Parallel()
	a, b := linkedPair(t, func(c *Config) { c.DeadAfter = 3 * time.Second })
	a.Send("b", ring.Greet{Store: 1})
	time.Sleep(b.cfg.DeadAfter + b.cfg.DeadAfter/2)
	if got := b.from("a"); len(got) != 0 {
		t.Errorf("received %v", got)
	}
	b.Send("a", ring.Greet{Store: 2})
	eventually(t, "both arrive", func() bool { return len(b.from("a")) == 1 && len(a.from("b")) == 1 })
	if len(a.all())+len(b.all()) != 4 {
		t.Errorf("events: %v, %v", a.all(), b.all())
	}
}

// meeting lets both ends connect before either says hello, so that their hellos cross.
type meeting struct {
	mu      sync.Mutex
	waiting chan struct{}
}

func (m *meeting) wait() {
	m.mu.Lock()
	if m.waiting == nil {
		m.waiting = make(chan struct{})
		ch := m.waiting
		m.mu.Unlock()
		select {
		case <-ch:
		case <-time.After(100 * time.Millisecond):
		}
		m.mu.Lock()
		if m.waiting == ch {
			m.waiting = nil
		}
		m.mu.Unlock()
		return
	}
	close(m.waiting)
	m.waiting = nil
	m.mu.Unlock()
}

func (m *meeting) dial(ctx context.Context, addr string) (net.Conn, error) {
	nc, err := new(net.Dialer).DialContext(ctx, "tcp", addr)
	if err == nil {
		m.wait()
	}
	return nc, err
}

func TestBothDialAtOnceAndOneLinkRemains(t *testing.T) {
	collisions := uint64(0)
	for i := range 40 {
		t.Run(fmt.Sprint(i), func(t *testing.T) {
			w, m := newTown(t), &meeting{}
			ca, cb := w.quick("a"), w.quick("b")
			ca.Dial, cb.Dial = m.dial, m.dial
			a, b := w.linking(ca), w.linking(cb)
			var both sync.WaitGroup
			both.Go(func() { a.Want([]gazetteer.NodeID{"b"}) })
			both.Go(func() { b.Want([]gazetteer.NodeID{"a"}) })
			both.Wait()
			eventually(t, "both are linked", func() bool { return a.times("linked b") > 0 && b.times("linked a") > 0 })
			a.Send("b", ring.Greet{Store: 1})
			b.Send("a", ring.Greet{Store: 2})
			eventually(t, "both speak", func() bool { return len(a.from("b")) == 1 && len(b.from("a")) == 1 })
			if n := a.times("linked b") + a.times("unlinked b") + b.times("linked a") + b.times("unlinked a"); n != 2 {
				t.Errorf("a: %v, b: %v", a.all(), b.all())
			}
			collisions += a.Counters().Collisions + b.Counters().Collisions
		})
	}
	if collisions == 0 {
		t.Error("no two hellos crossed: the test covers nothing")
	}
}

// cutter is a Dial whose connections can be cut.
type cutter struct {
	mu    sync.Mutex
	conns []net.Conn
}

func (c *cutter) dial(ctx context.Context, addr string) (net.Conn, error) {
	nc, err := new(net.Dialer).DialContext(ctx, "tcp", addr)
	if err == nil {
		c.mu.Lock()
		c.conns = append(c.conns, nc)
		c.mu.Unlock()
	}
	return nc, err
}

func (c *cutter) cut() {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, nc := range c.conns {
		nc.Close()
	}
	c.conns = nil
}

func TestBrokenLinkComesBack(t *testing.T) {
	var c cutter
	a, b := linkedPair(t, func(cfg *Config) { cfg.Dial = c.dial })
	b.Want([]gazetteer.NodeID{"a"})
	for i := 1; i <= 5; i++ {
		c.cut()
		eventually(t, "linked again", func() bool { return a.times("linked b") > i && b.times("linked a") > i })
		eventually(t, "as often unlinked", func() bool {
			return a.times("unlinked b") == a.times("linked b")-1 && b.times("unlinked a") == b.times("linked a")-1
		})
	}
	for _, n := range []node{a, b} {
		if events := n.all(); slices.ContainsFunc(events, func(e string) bool { return strings.HasPrefix(e, "dead") }) {
			t.Errorf("a short loss was taken for a death: %v", events)
		}
		linksAlternate(t, n.all())
	}
}

// linksAlternate checks that a link ends before the next begins.
func linksAlternate(t *testing.T, events []string) {
	t.Helper()
	up := false
	for _, e := range events {
		switch {
		case strings.HasPrefix(e, "linked"):
			if up {
				t.Fatalf("two links at once: %v", events)
			}
			up = true
		case strings.HasPrefix(e, "unlinked"):
			if !up {
				t.Fatalf("a link ended twice: %v", events)
			}
			up = false
		}
	}
}

func TestRestartedPeerIsLinkedAgain(t *testing.T) {
	w := newTown(t)
	a := w.linking(w.quick("a"))
	a.Want([]gazetteer.NodeID{"b"})
	for i := 1; i <= 3; i++ {
		b := w.linking(w.quick("b"))
		b.Want([]gazetteer.NodeID{"a"})
		eventually(t, "linked", func() bool { return a.times("linked b") >= i && b.times("linked a") == 1 })
		b.Close()
		eventually(t, "unlinked", func() bool { return a.times("unlinked b") >= i })
	}
	linksAlternate(t, a.all())
}

// linkHelloFrom is what a peer made by hand says on a link.
func linkHelloFrom(name string, instance, attempt uint64) []byte {
	h := properHello()
	h.Node, h.To, h.Instance = name, "a", instance
	h.Link = &pb.LinkHello{Attempt: attempt, Wants: true}
	return opening(kindLink, h)
}

func TestNewerAttemptReplacesAndOlderIsRefused(t *testing.T) {
	w := newTown(t)
	c := w.quick("a")
	c.DeadAfter = patience // those who dial by hand do not beat
	a := w.linking(c)
	addr := w.resolve("a")
	link := func(instance, attempt uint64) (*raw, bool) {
		r := dialAs(t, addr, linkHelloFrom("z", instance, attempt)...)
		h, err := readHello(r.frames)
		return r, err == nil && h.Refusal == nil
	}
	first, ok := link(1, 5)
	if !ok {
		t.Fatal("the first link was refused")
	}
	eventually(t, "linked", func() bool { return a.times("linked z") == 1 })
	if _, ok := link(1, 5); ok {
		t.Error("an attempt as old as the link was taken")
	}
	if _, ok := link(1, 4); ok {
		t.Error("an older attempt was taken")
	}
	second, ok := link(1, 6)
	if !ok {
		t.Error("a newer attempt was refused: its maker has lost the link")
	}
	first.mustEnd(t)
	if _, ok = link(2, 1); !ok {
		t.Error("the first attempt of a new process was refused")
	}
	second.mustEnd(t)
	eventually(t, "three links", func() bool { return a.times("linked z") == 3 && a.times("unlinked z") == 2 })
	linksAlternate(t, a.all())
}

func TestAbsentPeerIsDeadUntilItAnswers(t *testing.T) {
	t.Parallel()
	w := newTown(t)
	a := w.linking(w.quick("a"))
	w.move("b", "127.0.0.1:1")
	began := time.Now()
	a.Want([]gazetteer.NodeID{"b"})
	eventually(t, "dead", func() bool { return a.times("dead b") == 1 })
	if d := time.Since(began); d < 350*time.Millisecond {
		t.Errorf("dead after %v", d)
	}
	b := w.linking(w.quick("b"))
	eventually(t, "alive", func() bool { return a.times("alive b") == 1 })
	b.Close()
	eventually(t, "dead again", func() bool { return a.times("dead b") == 2 })
	if got := strings.Join(a.all(), ", "); got != "dead b, alive b, linked b, unlinked b, dead b" {
		t.Errorf("events: %s", got)
	}
}

func TestSilentLinkEnds(t *testing.T) {
	t.Parallel()
	w := newTown(t)
	a := w.linking(w.quick("a"))
	r := dialAs(t, w.resolve("a"), linkHelloFrom("z", 1, 1)...)
	eventually(t, "linked", func() bool { return a.times("linked z") == 1 })
	began := time.Now()
	r.mustEnd(t)
	if d := time.Since(began); d < 200*time.Millisecond || d > 4*time.Second {
		t.Errorf("ended after %v", d)
	}
	eventually(t, "dead", func() bool { return a.times("dead z") == 1 })
	eventually(t, "forgotten", func() bool {
		a.links.mu.Lock()
		defer a.links.mu.Unlock()
		return len(a.links.peers) == 0
	})
}

func TestIdleLinkStays(t *testing.T) {
	t.Parallel()
	a, b := linkedPair(t)
	time.Sleep(3 * a.cfg.DeadAfter)
	for _, n := range []node{a, b} {
		if len(n.all()) != 2 {
			t.Errorf("events: %v", n.all())
		}
	}
}

// A handler that blocks keeps the peer waiting. Nobody is dead, and nothing is lost.
func TestBackPressureIsNoDeath(t *testing.T) {
	t.Parallel()
	w := newTown(t)
	hold := make(chan struct{})
	quick := func(n gazetteer.NodeID) Config {
		c := w.quick(n)
		c.DeadAfter = 3 * time.Second
		return c
	}
	a := w.linking(quick("a"))
	b := w.linking(quick("b"), func(r *recorder) {
		r.received = func(gazetteer.NodeID, ring.Message) { <-hold }
	})
	a.Want([]gazetteer.NodeID{"b"})
	eventually(t, "linked", func() bool { return a.times("linked b") == 1 })
	const n = 5000
	a.Send("b", ring.Greet{})
	b.Send("a", ring.Greet{})
	big := ring.Elements{Updates: []gazetteer.Update{sampleUpdate(1)}}
	big.Updates[0].Body = make([]byte, 8<<10)
	for range n {
		a.Send("b", big) // more than the sockets hold
	}
	time.Sleep(2 * a.cfg.DeadAfter)
	if a.sentTo("b") == n {
		t.Error("all was sent: the handler kept nobody waiting")
	}
	close(hold)
	eventually(t, "all arrive", func() bool { return len(b.from("a")) == n+1 })
	eventually(t, "all is told as sent", func() bool { return a.sentTo("b") == n })
	for _, x := range []node{a, b} {
		if len(x.all()) != 2 {
			t.Errorf("events: %v", x.all())
		}
	}
}

func TestControlMessagesThatNobodyTakesEndTheLink(t *testing.T) {
	w := newTown(t)
	var seen refusals
	c := w.quick("a")
	c.MaxQueued, c.Refused, c.DeadAfter = 4<<20, seen.note, 20*time.Second
	a := w.linking(c)
	r := dialAs(t, w.resolve("a"), linkHelloFrom("z", 1, 1)...)
	eventually(t, "linked", func() bool { return a.times("linked z") == 1 })
	a.Send("z", ring.Greet{})
	report := ring.Report{Durable: make(gazetteer.Vector, 0, 1000)}
	for i := range 1000 {
		report.Durable = append(report.Durable, gazetteer.Position{Origin: gazetteer.Origin{Store: gazetteer.StoreID(i)}, Seq: 1})
	}
	began := time.Now()
	for i := 0; i < 5000 && a.times("unlinked z") == 0; i++ {
		a.Send("z", report)
	}
	if d := time.Since(began); d > 3*time.Second {
		t.Errorf("Send blocked: %v", d)
	}
	eventually(t, "unlinked", func() bool { return a.times("unlinked z") == 1 })
	r.mustEnd(t)
	eventually(t, "it is told", func() bool { return strings.Contains(seen.String(), errOverflow.Error()) })
	if n := a.Counters().Overflows; n != 1 {
		t.Errorf("%d overflows", n)
	}
}

func TestLinkLastsWhileOneEndWantsIt(t *testing.T) {
	a, b := linkedPair(t)
	b.Want([]gazetteer.NodeID{"a"})
	time.Sleep(30 * time.Millisecond) // the wish travels
	a.Want(nil)
	time.Sleep(100 * time.Millisecond)
	if a.times("unlinked b")+b.times("unlinked a") != 0 {
		t.Fatalf("it ended: %v", a.all())
	}
	b.Want(nil)
	eventually(t, "it ends", func() bool { return a.times("unlinked b") == 1 && b.times("unlinked a") == 1 })
	time.Sleep(100 * time.Millisecond)
	if a.times("linked b") != 1 {
		t.Errorf("it came back: %v", a.all())
	}
	b.Want([]gazetteer.NodeID{"a"})
	eventually(t, "it comes back", func() bool { return a.times("linked b") == 2 })
}

func TestUnknownKindsAreAnsweredAndPassedOver(t *testing.T) {
	w := newTown(t)
	a := w.linking(w.quick("a"))
	r := dialAs(t, w.resolve("a"), linkHelloFrom("z", 1, 1)...)
	if _, err := readHello(r.frames); err != nil {
		t.Fatal(err)
	}
	for _, kind := range []byte{40, 200} {
		r.send(t, header{code: kind}, []byte("from the future"))
		for {
			h, payload, err := r.frames.next()
			if err != nil {
				t.Fatal(err)
			}
			if h.code == linkUnknown {
				var m pb.Unknown
				if err := m.UnmarshalVT(payload); err != nil || m.Kind != uint32(kind) {
					t.Errorf("answered %v, %v", &m, err)
				}
				break
			}
		}
	}
	a.Send("z", ring.Greet{})
	r.Write(encoded(t, data(7)))
	eventually(t, "the link goes on", func() bool { return len(a.from("z")) == 1 })
}

func TestGarbageEndsALink(t *testing.T) {
	w := newTown(t)
	var seen refusals
	c := w.quick("a")
	c.Refused = seen.note
	a := w.linking(c)
	long := make([]byte, headerBytes)
	putHeader(long, header{length: maxLinkBytes + 1, code: linkMatch})
	frames := map[string][]byte{
		"malformed":           appendFrame(nil, header{code: linkMark}, []byte{0x0a, 200}),
		"a frame is too long": long,
		"never sent":          appendFrame(nil, header{code: linkFresh}, pb.Append(nil, &pb.Fresh{EchoNanos: 1 << 62})),
	}
	for want, frame := range frames {
		r := dialAs(t, w.resolve("a"), linkHelloFrom("z", uint64(len(want)), 1)...)
		r.Write(frame)
		r.mustEnd(t)
		eventually(t, want, func() bool { return strings.Contains(seen.String(), want) })
	}
	for _, note := range []byte{linkBeat, linkWant} {
		r := dialAs(t, w.resolve("a"), linkHelloFrom("z", 100+uint64(note), 1)...)
		r.send(t, header{code: note}, []byte{0x0a, 200})
		r.mustEnd(t)
	}
	eventually(t, "every link ended", func() bool { return a.times("linked z") == 5 && a.times("unlinked z") == 5 })
}

// The age of a freshness mark includes the time it waited to be written and the time on
// the wire, and is never under-reported.
func TestAgeIncludesTheWay(t *testing.T) {
	t.Parallel()
	const way = 60 * time.Millisecond
	w := newTown(t)
	far := w.far(func(_, _ gazetteer.RegionID) time.Duration { return way })
	slow := func(c Config) Config {
		c.DeadAfter = 5 * time.Second
		return far(c)
	}
	a, b := w.linking(slow(w.quick("a"))), w.linking(slow(w.quick("b")))
	a.Want([]gazetteer.NodeID{"b"})
	eventually(t, "linked", func() bool { return a.times("linked b") == 1 && b.times("linked a") == 1 })
	a.Send("b", ring.Greet{})
	b.Send("a", ring.Greet{})
	var sent [2][]time.Time
	var arrived [2][]time.Time
	for i, pair := range [][2]node{{a, b}, {b, a}} {
		from, to := pair[0], pair[1]
		for k := range 5 {
			sent[i] = append(sent[i], time.Now())
			from.Send(to.cfg.Node, ring.Fresh{Number: uint64(k), Age: time.Second})
			eventually(t, "it arrives", func() bool { return len(to.from(from.cfg.Node)) == k+2 })
			arrived[i] = append(arrived[i], time.Now())
			time.Sleep(30 * time.Millisecond)
		}
		for k, m := range to.from(from.cfg.Node)[1:] {
			age := m.(ring.Fresh).Age - time.Second
			took := arrived[i][k].Sub(sent[i][k])
			if age < way || age > took+2*way+100*time.Millisecond {
				t.Errorf("%s to %s: %v under way (%v as seen by both), told as %v", from.cfg.Node, to.cfg.Node, way, took, age)
			}
		}
	}
}

// counted counts the bytes of a connection.
type counted struct {
	net.Conn
	n *atomic.Int64
}

func (c counted) Read(b []byte) (int, error) {
	n, err := c.Conn.Read(b)
	c.n.Add(int64(n))
	return n, err
}

func (c counted) Write(b []byte) (int, error) {
	n, err := c.Conn.Write(b)
	c.n.Add(int64(n))
	return n, err
}

// Ten types of 271 partitions, equal at both ends: hellos, greetings and answers of both
// ends stay below 64 KiB on the wire.
func TestIdleHandshakeOnTheWire(t *testing.T) {
	var n atomic.Int64
	a, b := linkedPair(t, func(c *Config) {
		c.Dial = func(ctx context.Context, addr string) (net.Conn, error) {
			nc, err := new(net.Dialer).DialContext(ctx, "tcp", addr)
			return counted{nc, &n}, err
		}
	})
	ps := samplePartitions(10, 271)
	for _, x := range []struct {
		from node
		to   gazetteer.NodeID
	}{{a, "b"}, {b, "a"}} {
		x.from.Send(x.to, ring.Greet{Store: 1 << 60, Incarnation: 1 << 60, Generation: 9, Next: 1 << 60, Digests: sampleDigests(ps)})
		x.from.Send(x.to, ring.Match{Partitions: ps})
	}
	eventually(t, "both have both", func() bool { return len(a.from("b")) == 2 && len(b.from("a")) == 2 })
	t.Logf("%d partitions: %d bytes", len(ps), n.Load())
	if n.Load() >= 64<<10 {
		t.Errorf("%d bytes", n.Load())
	}
}

func TestMismatchedLinkIsToldOnBothSides(t *testing.T) {
	w := newTown(t)
	var seenA, seenB refusals
	ca, cb := w.quick("a"), w.quick("b")
	ca.Refused, cb.Refused, cb.Partitions = seenA.note, seenB.note, 31
	a := w.linking(ca)
	w.linking(cb)
	a.Want([]gazetteer.NodeID{"b"})
	for _, seen := range []*refusals{&seenA, &seenB} {
		eventually(t, "it is told", func() bool { return strings.Contains(seen.String(), "they are of different planets") })
	}
	if a.times("linked b") != 0 {
		t.Error("it is linked all the same")
	}
}

func TestCloseEndsLinks(t *testing.T) {
	a, b := linkedPair(t)
	a.Close()
	eventually(t, "b has noticed", func() bool { return b.times("unlinked a") == 1 })
	if a.times("unlinked b") != 1 {
		t.Errorf("a was not told before Close returned: %v", a.all())
	}
	a.Send("b", ring.Greet{})
	a.Want([]gazetteer.NodeID{"b", "c"})
	a.Want(nil)
}

func TestWantBeforeStart(t *testing.T) {
	w := newTown(t)
	r := newRecorder()
	a := w.open(w.quick("a"), nil)
	a.Want([]gazetteer.NodeID{"a", "b"})
	b := w.linking(w.quick("b"))
	time.Sleep(50 * time.Millisecond)
	a.Start(r)
	eventually(t, "linked", func() bool { return r.times("linked b") == 1 && b.times("linked a") == 1 })
	if r.times("linked a") != 0 {
		t.Error("linked to itself")
	}
}

// BenchmarkLink carries batches of 64 updates from one transport to another: CPU time for
// one update, both ends together.
func BenchmarkLink(b *testing.B) {
	const batch, window = 64, 32
	w := newTown(b)
	var arrived atomic.Int64
	all := make(chan struct{}, 1)
	credit := make(chan struct{}, window)
	from := w.linking(w.quick("a"))
	to := w.linking(w.quick("b"), func(r *recorder) {
		r.received = func(_ gazetteer.NodeID, m ring.Message) {
			if e, ok := m.(ring.Elements); ok && arrived.Add(int64(len(e.Updates))) == int64(b.N/batch+1)*batch {
				all <- struct{}{}
			}
			<-credit
		}
	})
	from.Want([]gazetteer.NodeID{"b"})
	for from.times("linked b")+to.times("linked a") < 2 {
		time.Sleep(time.Millisecond)
	}
	m := ring.Elements{Partition: gazetteer.Partition{Type: "mirrors", Index: 7}, Session: 1, Live: true}
	for i := range batch {
		m.Updates = append(m.Updates, sampleUpdate(i))
	}
	credit <- struct{}{}
	from.Send("b", ring.Greet{})
	to.Send("a", ring.Greet{})
	b.ReportAllocs()
	b.ResetTimer()
	before := ownCPU()
	for range b.N/batch + 1 {
		credit <- struct{}{}
		from.Send("b", m)
	}
	<-all
	b.ReportMetric(float64(ownCPU()-before)/float64(b.N), "cpu-µs/update")
}
