package control

import (
	"bytes"
	"fmt"
	"io"
	"net"
	"sync"
	"time"

	"github.com/hashicorp/raft"

	"gazetteer"
)

// Streams carry raft between the regional servers of one region. The consumer provides
// them, so that they can share a port with everything else; who may open one is checked
// there, before the first byte gets here: only a regional server of this region may.
type Streams interface {
	// Dial opens a stream to the peer address of another member.
	Dial(addr string, timeout time.Duration) (net.Conn, error)
	// Accept returns the next stream that another member opened; an error after Close.
	Accept() (net.Conn, error)
	Close() error
}

// streams are raft's view of Streams. Every stream begins with the group it belongs to,
// so that a process that was moved, restored from a copy or recovered by force is not
// taken for a member of a group it has nothing to do with.
type streams struct {
	Streams
	addr  string
	hello []byte

	mu     sync.Mutex // guards following
	conns  map[*stream]bool
	closed bool
}

var _ raft.StreamLayer = (*streams)(nil)

func newStreams(s Streams, addr, group string) *streams {
	if s == nil {
		s = &noStreams{closed: make(chan struct{})}
	}
	return &streams{Streams: s, addr: addr, hello: []byte("gazetteer-raft 1 " + group + "\n"), conns: map[*stream]bool{}}
}

func (s *streams) Accept() (net.Conn, error) {
	c, err := s.Streams.Accept()
	if err != nil {
		return nil, err
	}
	return s.add(&stream{Conn: c, of: s, expect: s.hello})
}

func (s *streams) Dial(addr raft.ServerAddress, timeout time.Duration) (net.Conn, error) {
	c, err := s.Streams.Dial(string(addr), timeout)
	if err != nil {
		return nil, err
	}
	return s.add(&stream{Conn: c, of: s, say: s.hello})
}

func (s *streams) add(c *stream) (net.Conn, error) {
	s.mu.Lock()
	closed := s.closed
	if !closed {
		s.conns[c] = true
	}
	s.mu.Unlock()
	if closed {
		c.Conn.Close()
		return nil, net.ErrClosed
	}
	return c, nil
}

func (s *streams) remove(c *stream) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.conns, c)
}

// Close ends all streams: raft leaves those that it accepted to the other end.
func (s *streams) Close() error {
	s.mu.Lock()
	open := s.conns
	s.conns, s.closed = nil, true
	s.mu.Unlock()
	for c := range open {
		c.Conn.Close()
	}
	return s.Streams.Close()
}

// Addr is how the others reach this member.
func (s *streams) Addr() net.Addr { return memberAddr(s.addr) }

type memberAddr string

func (memberAddr) Network() string  { return "gazetteer" }
func (a memberAddr) String() string { return string(a) }

// stream says or expects the greeting with its first bytes, so that neither opening nor
// accepting one waits for the other end. It is read by one goroutine and written by one.
type stream struct {
	net.Conn
	of     *streams
	say    []byte
	expect []byte
}

func (c *stream) Read(p []byte) (int, error) {
	if c.expect != nil {
		got := make([]byte, len(c.expect))
		if _, err := io.ReadFull(c.Conn, got); err != nil {
			return 0, err
		}
		if !bytes.Equal(got, c.expect) {
			c.Close()
			return 0, fmt.Errorf("a stream of another group: it begins with %.60q, want %.60q", got, c.expect)
		}
		c.expect = nil
	}
	return c.Conn.Read(p)
}

func (c *stream) Write(p []byte) (int, error) {
	if c.say == nil {
		return c.Conn.Write(p)
	}
	n, err := c.Conn.Write(append(c.say[:len(c.say):len(c.say)], p...))
	n = max(n-len(c.say), 0)
	c.say = nil
	return n, err
}

func (c *stream) Close() error {
	c.of.remove(c)
	return c.Conn.Close()
}

// noStreams are those of a member that is alone.
type noStreams struct {
	once   sync.Once
	closed chan struct{}
}

func (n *noStreams) Dial(addr string, _ time.Duration) (net.Conn, error) {
	return nil, &gazetteer.Error{Op: "control.Dial", Kind: gazetteer.Unavailable, Detail: "this process has no peer port, so it cannot reach " + addr}
}

func (n *noStreams) Accept() (net.Conn, error) {
	<-n.closed
	return nil, net.ErrClosed
}

func (n *noStreams) Close() error {
	n.once.Do(func() { close(n.closed) })
	return nil
}
