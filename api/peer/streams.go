package peer

import (
	"cmp"
	"context"
	"fmt"
	"net"
	"sync"
	"time"

	"gazetteer"
	"gazetteer/region/control"
)

// controlService is the service that carries the requests of region/control.
const controlService = "control"

// controlCaller is this transport as region/control wants it.
type controlCaller struct{ t *Transport }

var (
	_ control.Caller  = controlCaller{}
	_ control.Streams = (*Streams)(nil)
)

// Control returns what carries the requests of a control.Group to those of other
// processes: the service "control", which HandleControl offers.
func (t *Transport) Control() control.Caller { return controlCaller{t} }

// HandleControl offers a group's Serve to the processes of its region, and to those that
// do not know yet where they belong: they ask to be let in, or for a plan after a
// restart. A group that others know already is asked while it starts: serve should answer
// Unavailable until Serve can be called, for a service that is missing counts as an
// answer.
func (t *Transport) HandleControl(serve func(ctx context.Context, request []byte) ([]byte, error)) {
	t.HandleService(controlService, func(ctx context.Context, from Caller, request []byte) ([]byte, error) {
		if at := t.home().region; from.Region != "" && at != "" && from.Region != at {
			return nil, &gazetteer.Error{Op: "peer.Control", Kind: gazetteer.Denied, Detail: fmt.Sprintf("node %s of region %s has no part in the plan of region %s", from.Node, from.Region, at)}
		}
		return serve(ctx, request)
	})
}

// Call implements control.Caller.
func (c controlCaller) Call(ctx context.Context, addr string, request []byte) ([]byte, error) {
	return c.t.CallAddr(ctx, addr, controlService, request)
}

// Streams carry raft over connections of their own, between nodes of one region. They
// implement control.Streams.
type Streams struct {
	t        *Transport
	accepted chan *raftStream
	once     sync.Once
	closed   chan struct{}
}

// Streams returns this node's raft streams, new ones if the last were closed. Before it
// is called the node takes none.
func (t *Transport) Streams() *Streams {
	t.mu.Lock()
	defer t.mu.Unlock()
	s := t.raft.Load()
	if s == nil || s.isClosed() {
		s = &Streams{t: t, accepted: make(chan *raftStream), closed: make(chan struct{})}
		t.raft.Store(s)
	}
	return s
}

// Dial implements control.Streams. Connecting and the hellos may each take the time given.
func (s *Streams) Dial(addr string, timeout time.Duration) (net.Conn, error) {
	if s.isClosed() {
		return nil, net.ErrClosed
	}
	st, err := s.t.open(target{addr: addr}, kindRaft, cmp.Or(timeout, s.t.cfg.DialTimeout))
	if err != nil {
		return nil, err
	}
	return newRaftStream(st, s.t.untrack), nil
}

// Accept implements control.Streams.
func (s *Streams) Accept() (net.Conn, error) {
	select {
	case c := <-s.accepted:
		return c, nil
	case <-s.closed:
	case <-s.t.ctx.Done():
	}
	return nil, net.ErrClosed
}

// Close implements control.Streams. Streams that are open are their owner's to close.
func (s *Streams) Close() error {
	s.once.Do(func() { close(s.closed) })
	return nil
}

func (s *Streams) isClosed() bool {
	select {
	case <-s.closed:
		return true
	default:
		return false
	}
}

// serveRaft gives an accepted connection to whom Accept was called by, and returns when
// it is closed.
func (t *Transport) serveRaft(st *stream) error {
	s := t.raft.Load()
	if s == nil || s.isClosed() {
		err := unsupported("node %s takes no raft streams", t.cfg.Node)
		t.refuse(st, err)
		return err
	}
	if err := t.accept(st, nil); err != nil {
		return err
	}
	c := newRaftStream(st, abort)
	timeout := time.NewTimer(t.cfg.DialTimeout)
	defer timeout.Stop()
	select {
	case s.accepted <- c:
		t.count.streams.Add(1)
	case <-s.closed:
		return nil
	case <-t.ctx.Done():
		return nil
	case <-timeout.C:
		return unavailable("peer.Serve", named(t.cfg.Node), "raft does not take its streams", nil)
	}
	select {
	case <-c.gone:
	case <-t.ctx.Done():
	}
	return nil
}

// raftStream is a connection after its hellos.
type raftStream struct {
	net.Conn
	rest []byte // what came with the other end's hello and is raft's
	end  func(net.Conn)
	once sync.Once
	gone chan struct{} // closed by Close
}

func newRaftStream(st *stream, end func(net.Conn)) *raftStream {
	f := st.frames
	return &raftStream{Conn: st.Conn, rest: append([]byte(nil), f.buf[f.r:f.w]...), end: end, gone: make(chan struct{})}
}

// Read is called by one goroutine at a time.
func (c *raftStream) Read(p []byte) (int, error) {
	if len(c.rest) > 0 {
		n := copy(p, c.rest)
		c.rest = c.rest[n:]
		return n, nil
	}
	return c.Conn.Read(p)
}

func (c *raftStream) Close() error {
	c.once.Do(func() {
		c.end(c.Conn)
		close(c.gone)
	})
	return nil
}
