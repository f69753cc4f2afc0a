package peer

import (
	"context"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"time"

	"gazetteer"
)

const (
	// nodeIdle is how long a connection to a node is kept without requests, addrIdle one
	// to an address: those who are asked by address are asked seldom.
	nodeIdle = 5 * time.Minute
	addrIdle = time.Minute
)

// pool holds the requests connections to one node or address. They are dialled when they
// are first needed, and again after a jittered wait that doubles while nobody answers.
type pool struct {
	t     *Transport
	to    target
	idle  time.Duration // how long a connection without requests is kept
	tiers [roleCodes]Remote
	turn  atomic.Uint32
	slots []slot
}

// slot is the place of one connection.
type slot struct {
	conn atomic.Pointer[conn]

	mu      sync.Mutex    // guards all below
	dialing chan struct{} // closed when the dial under way has ended; nil if none is
	addr    string        // that was dialled last
	err     error         // why the last dial failed
	wait    time.Duration // after the next failure
	retryAt time.Time     // not before, unless the address is another
}

func newPool(t *Transport, to target, conns int, idle time.Duration) *pool {
	p := &pool{t: t, to: to, idle: idle, slots: make([]slot, conns)}
	for role := range p.tiers {
		p.tiers[role] = Remote{pool: p, role: byte(role)}
	}
	return p
}

// do performs one request and waits for its result.
func (p *pool) do(ctx context.Context, c *call) error {
	timeout := p.t.cfg.CallTimeout
	if deadline, ok := ctx.Deadline(); ok {
		timeout = time.Until(deadline)
	}
	if timeout <= 0 {
		return late(p.to.String(), context.DeadlineExceeded)
	}
	if len(c.body) > c.maxBody() {
		return &gazetteer.Error{Op: "peer.Call", Kind: gazetteer.TooLarge, Detail: "the request exceeds 4 MiB"}
	}
	for range len(p.slots) + 1 { // each may have ended, unnoticed until now
		conn, s, err := p.get(ctx)
		if err != nil {
			return err
		}
		if err := conn.start(c, timeout); err == nil {
			return conn.wait(ctx, c)
		} else if err != errGone {
			return err
		}
		s.conn.CompareAndSwap(conn, nil)
	}
	return unavailable("peer.Call", p.to.String(), "its connections end as soon as they are made", nil)
}

// get returns a connection, in turn; while one is down the others serve.
func (p *pool) get(ctx context.Context) (*conn, *slot, error) {
	first := int(p.turn.Add(1) % uint32(len(p.slots)))
	for i := range p.slots {
		s := &p.slots[(first+i)%len(p.slots)]
		if c := s.conn.Load(); c != nil {
			if i > 0 {
				p.dial(&p.slots[first])
			}
			return c, s, nil
		}
	}
	s := &p.slots[first]
	c, err := p.connect(ctx, s)
	return c, s, err
}

// connect waits for a dial, its own or one that is under way.
func (p *pool) connect(ctx context.Context, s *slot) (*conn, error) {
	dialing := p.dial(s)
	if dialing != nil {
		select {
		case <-dialing:
		case <-ctx.Done():
			return nil, late(p.to.String(), context.Cause(ctx))
		}
	}
	if c := s.conn.Load(); c != nil {
		return c, nil
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	return nil, unavailable("peer.Dial", p.to.String(), "no connection", s.err)
}

// dial begins a dial unless one is under way, the slot is taken, or it is too early. It
// returns what to wait for, nil for nothing.
func (p *pool) dial(s *slot) chan struct{} {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.dialing != nil {
		return s.dialing
	}
	if s.conn.Load() != nil {
		return nil
	}
	if addr := p.t.address(p.to); addr != s.addr {
		s.addr, s.wait = addr, 0
	} else if time.Now().Before(s.retryAt) {
		return nil
	}
	dialing := make(chan struct{})
	if !p.t.spawn(func() { p.serve(s, dialing) }) {
		s.err = errClosed
		return nil
	}
	s.dialing = dialing
	return dialing
}

// retire has the connections made anew when they are next needed.
func (p *pool) retire() {
	for i := range p.slots {
		if c := p.slots[i].conn.Load(); c != nil {
			c.retire()
		}
	}
}

// serve dials, and runs the connection until it ends.
func (p *pool) serve(s *slot, dialing chan struct{}) {
	st, err := p.t.open(p.to, kindRequests, p.t.cfg.DialTimeout)
	if err != nil {
		s.failed(err, p.t.cfg)
		close(dialing)
		return
	}
	c := newConn(p.t, st, p.idle)
	p.t.watch(c)
	s.opened(c)
	close(dialing)
	err = c.run()
	p.t.unwatch(c)
	p.t.untrack(st.Conn)
	s.ended(c, err, p.t.cfg)
}

func (s *slot) opened(c *conn) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.dialing, s.err, s.wait = nil, nil, 0
	s.conn.Store(c)
}

func (s *slot) failed(err error, c Config) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.dialing, s.err = nil, err
	s.wait = min(max(2*s.wait, c.RetryMin), c.RetryMax)
	s.retryAt = time.Now().Add(jittered(s.wait))
}

// ended lets a lost connection be made anew after a moment, one that was idle at once.
func (s *slot) ended(c *conn, err error, cfg Config) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.conn.CompareAndSwap(c, nil)
	if err != errIdle {
		s.err, s.retryAt = err, time.Now().Add(jittered(cfg.RetryMin))
	}
}

// jittered returns d give or take half, so that those who lost a node together do not
// come back together.
func jittered(d time.Duration) time.Duration { return d/2 + rand.N(d) }
