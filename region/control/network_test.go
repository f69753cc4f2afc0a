package control

import (
	"context"
	"io"
	"net"
	"os"
	"slices"
	"sync"
	"time"

	"gazetteer"
)

// network carries streams and requests between the processes of a test in memory, each
// way after a fixed delay. A way that is cut holds back what is sent on it, as a network
// does that loses packets and has them sent again.
type network struct {
	delay time.Duration

	mu      sync.Mutex // guards following
	ends    map[string]*end
	cuts    map[[2]string]bool
	changed chan struct{} // closed when a cut changes
}

func newNetwork() *network {
	return &network{delay: 5 * time.Millisecond, ends: map[string]*end{}, cuts: map[[2]string]bool{}, changed: make(chan struct{})}
}

// end is one process on the network: its Streams and its Caller.
type end struct {
	net    *network
	addr   string
	accept chan net.Conn
	gone   chan struct{} // closed when the process is

	mu    sync.Mutex // guards following
	conns []*pipe
	serve func(context.Context, []byte) ([]byte, error)
}

var (
	_ Streams = (*end)(nil)
	_ Caller  = (*end)(nil)
)

// join puts a process on the network, in the place of an earlier one of that address.
func (n *network) join(addr string) *end {
	n.mu.Lock()
	defer n.mu.Unlock()
	e := &end{net: n, addr: addr, accept: make(chan net.Conn, 64), gone: make(chan struct{})}
	n.ends[addr] = e
	return e
}

func (n *network) end(addr string) *end {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.ends[addr]
}

// cut breaks or mends one way.
func (n *network) cut(from, to string, cut bool) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.cuts[[2]string{from, to}] = cut
	close(n.changed)
	n.changed = make(chan struct{})
}

// isolate breaks or mends all ways between some processes and all others.
func (n *network) isolate(cut bool, some ...string) {
	n.mu.Lock()
	var others []string
	for addr := range n.ends {
		if !slices.Contains(some, addr) {
			others = append(others, addr)
		}
	}
	n.mu.Unlock()
	for _, a := range some {
		for _, b := range others {
			n.cut(a, b, cut)
			n.cut(b, a, cut)
		}
	}
}

// open waits until a way is open, or until either channel closes.
func (n *network) open(from, to string, a, b <-chan struct{}) bool {
	for {
		n.mu.Lock()
		cut, changed := n.cuts[[2]string{from, to}], n.changed
		n.mu.Unlock()
		if !cut {
			return true
		}
		select {
		case <-changed:
		case <-a:
			return false
		case <-b:
			return false
		}
	}
}

// travel waits until something has come from one end to the other.
func (n *network) travel(ctx context.Context, from, to string) error {
	if !n.open(from, to, ctx.Done(), nil) {
		return ctx.Err()
	}
	select {
	case <-time.After(n.delay):
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

func (e *end) Dial(addr string, timeout time.Duration) (net.Conn, error) {
	ctx, cancel := context.WithTimeout(context.Background(), timeout)
	defer cancel()
	for _, way := range [][2]string{{e.addr, addr}, {addr, e.addr}} {
		if err := e.net.travel(ctx, way[0], way[1]); err != nil {
			return nil, err
		}
	}
	to := e.net.end(addr)
	if to == nil || to.isGone() || e.isGone() {
		return nil, &net.OpError{Op: "dial", Err: os.ErrNotExist}
	}
	out, in := newWire(e.net, e.addr, addr), newWire(e.net, addr, e.addr)
	here, there := newPipe(in, out), newPipe(out, in)
	e.add(here)
	to.add(there)
	select {
	case to.accept <- there:
		return here, nil
	default:
		here.Close()
		return nil, &net.OpError{Op: "dial", Err: os.ErrDeadlineExceeded}
	}
}

func (e *end) Accept() (net.Conn, error) {
	select {
	case c := <-e.accept:
		return c, nil
	case <-e.gone:
		return nil, net.ErrClosed
	}
}

// Close takes the process off the network, as its death does: its streams end.
func (e *end) Close() error {
	e.mu.Lock()
	defer e.mu.Unlock()
	if !e.isGone() {
		close(e.gone)
	}
	for _, c := range e.conns {
		c.Close()
	}
	return nil
}

func (e *end) isGone() bool {
	select {
	case <-e.gone:
		return true
	default:
		return false
	}
}

func (e *end) add(c *pipe) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.conns = append(e.conns, c)
}

func (e *end) setServe(serve func(context.Context, []byte) ([]byte, error)) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.serve = serve
}

// Call carries a request. Only the kind and the words of an error come back, as between
// processes.
func (e *end) Call(ctx context.Context, addr string, request []byte) ([]byte, error) {
	if err := e.net.travel(ctx, e.addr, addr); err != nil {
		return nil, callError(gazetteer.Deadline, err.Error())
	}
	to := e.net.end(addr)
	if to == nil || to.isGone() || e.isGone() {
		return nil, callError(gazetteer.Unavailable, "connection refused")
	}
	to.mu.Lock()
	serve := to.serve
	to.mu.Unlock()
	if serve == nil {
		return nil, callError(gazetteer.Unavailable, "nobody answers")
	}
	reply, err := serve(ctx, request)
	if travelled := e.net.travel(ctx, addr, e.addr); travelled != nil || to.isGone() {
		return nil, callError(gazetteer.Deadline, "the answer was lost")
	}
	if err != nil {
		return nil, callError(gazetteer.KindOf(err), err.Error())
	}
	return reply, nil
}

func callError(kind gazetteer.Kind, detail string) error {
	return &gazetteer.Error{Op: "network.Call", Kind: kind, Detail: detail}
}

// wire is one direction of a stream.
type wire struct {
	net      *network
	from, to string

	mu    sync.Mutex // guards following
	items []item
	shut  bool
	more  chan struct{} // has room for one
}

type item struct {
	due  time.Time
	data []byte // nil: the end
}

func newWire(n *network, from, to string) *wire {
	return &wire{net: n, from: from, to: to, more: make(chan struct{}, 1)}
}

func (w *wire) put(data []byte) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.shut {
		return io.ErrClosedPipe
	}
	w.shut = data == nil
	w.items = append(w.items, item{time.Now().Add(w.net.delay), data})
	poke(w.more)
	return nil
}

func (w *wire) first() (item, bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if len(w.items) == 0 {
		return item{}, false
	}
	return w.items[0], true
}

func (w *wire) take(p []byte) (int, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.items[0].data == nil {
		return 0, io.EOF
	}
	n := copy(p, w.items[0].data)
	if w.items[0].data = w.items[0].data[n:]; len(w.items[0].data) == 0 {
		w.items = w.items[1:]
	}
	return n, nil
}

// pipe is one end of a stream.
type pipe struct {
	in, out *wire
	closed  chan struct{}
	once    sync.Once

	mu       sync.Mutex // guards following
	deadline time.Time
}

func newPipe(in, out *wire) *pipe { return &pipe{in: in, out: out, closed: make(chan struct{})} }

func (c *pipe) Read(p []byte) (int, error) {
	c.mu.Lock()
	deadline := c.deadline
	c.mu.Unlock()
	stop := make(chan struct{})
	if !deadline.IsZero() {
		t := time.AfterFunc(time.Until(deadline), func() { close(stop) })
		defer t.Stop()
	}
	for {
		it, ok := c.in.first()
		wait := c.in.more
		var due <-chan time.Time
		if ok {
			if !c.in.net.open(c.in.from, c.in.to, stop, c.closed) {
				return 0, c.why()
			}
			left := time.Until(it.due)
			if left <= 0 {
				return c.in.take(p)
			}
			due, wait = time.After(left), nil
		}
		select {
		case <-wait:
		case <-due:
		case <-stop:
			return 0, os.ErrDeadlineExceeded
		case <-c.closed:
			return 0, net.ErrClosed
		}
	}
}

func (c *pipe) why() error {
	select {
	case <-c.closed:
		return net.ErrClosed
	default:
		return os.ErrDeadlineExceeded
	}
}

func (c *pipe) Write(p []byte) (int, error) {
	select {
	case <-c.closed:
		return 0, net.ErrClosed
	default:
	}
	if err := c.out.put(slices.Clone(p)); err != nil {
		return 0, err
	}
	return len(p), nil
}

func (c *pipe) Close() error {
	c.once.Do(func() {
		close(c.closed)
		c.out.put(nil)
	})
	return nil
}

func (c *pipe) SetDeadline(t time.Time) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.deadline = t
	return nil
}

func (c *pipe) SetReadDeadline(t time.Time) error { return c.SetDeadline(t) }
func (c *pipe) SetWriteDeadline(time.Time) error  { return nil }
func (c *pipe) LocalAddr() net.Addr               { return memberAddr(c.in.to) }
func (c *pipe) RemoteAddr() net.Addr              { return memberAddr(c.in.from) }
