package peer

import (
	"context"
	"math/rand/v2"
	"net"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"gazetteer"
	"gazetteer/region"
	"gazetteer/region/agent"
)

// Transport is this node's end of everything between servers. It implements
// region.Transport and agent.Links.
//
// Set it up with Handle, HandleInline, HandleService and Start, then Serve listeners; Close ends it
// and waits for all that it has started.
type Transport struct {
	cfg      Config
	instance uint64
	began    time.Time
	clock    coarseClock
	ctx      context.Context // ends with the transport
	cancel   context.CancelFunc
	hopsCtx  context.Context // of inline reads that tell their hops
	tiers    atomic.Pointer[tiers]
	services atomic.Pointer[services]
	where    atomic.Pointer[home]
	pools    sync.Map // NodeID -> *pool
	addrs    addrPools
	raft     atomic.Pointer[Streams]
	handlers handlers
	links    links
	calls    callPool
	count    counters
	ways     ways

	wg sync.WaitGroup // all goroutines but handlers

	mu       sync.Mutex // guards all below
	closed   bool
	closers  map[net.Conn]struct{} // every connection
	sweepers map[sweeper]struct{}  // every requests connection
	accepted int                   // connections that were accepted and are open
	lns      []net.Listener
}

// sweeper is looked after by the janitor at every tick.
type sweeper interface{ sweep(tick) }

// tiers are the servers of this node, by role code. It does not change.
type tiers [roleCodes]handled

// handled is one tier and how its reads are run.
type handled struct {
	tier   region.Tier
	inline bool
}

var (
	_ region.Transport = (*Transport)(nil)
	_ agent.Links      = (*Transport)(nil)
)

// New checks the configuration and returns a transport that knows no tier and has no
// connection.
func New(c Config) (*Transport, error) {
	c = c.withDefaults()
	if err := c.validate(); err != nil {
		return nil, err
	}
	t := &Transport{
		cfg: c, instance: rand.Uint64(), began: time.Now(),
		closers: map[net.Conn]struct{}{}, sweepers: map[sweeper]struct{}{},
	}
	t.ctx, t.cancel = context.WithCancel(context.Background())
	t.hopsCtx = region.WithHops(t.ctx)
	t.tiers.Store(new(tiers))
	t.services.Store(&services{})
	t.where.Store(&home{c.Region, c.Partitions})
	t.addrs.pools = map[string]*addrPool{}
	t.handlers.init(c.MaxHandlers)
	t.links.init(t)
	t.wg.Go(t.janitor)
	return t, nil
}

// Handle makes tier this node's server of the role. Its requests are answered by a pool
// of goroutines, so that one that waits stands in nobody's way.
func (t *Transport) Handle(role region.Role, tier region.Tier) { t.handle(role, handled{tier: tier}) }

// HandleInline is Handle for a tier whose reads wait for nobody: a replica, which looks
// into its own store. They are answered by the goroutine that takes them off the
// connection, which costs less than handing them over. While they turn out slow (a
// disk), they are handed over.
func (t *Transport) HandleInline(role region.Role, tier region.Tier) {
	t.handle(role, handled{tier: tier, inline: true})
}

func (t *Transport) handle(role region.Role, h handled) {
	t.mu.Lock()
	defer t.mu.Unlock()
	next := *t.tiers.Load()
	next[roleCode(role)] = h
	t.tiers.Store(&next)
}

// Tier implements region.Transport. For this node itself it returns the tier that
// Handle was given: a hop within one process is a function call.
func (t *Transport) Tier(node gazetteer.NodeID, role region.Role) region.Tier {
	code := roleCode(role)
	if node == t.cfg.Node {
		if h := t.tiers.Load()[code]; h.tier != nil {
			return h.tier
		}
	}
	return &t.pool(node).tiers[code]
}

func (t *Transport) pool(node gazetteer.NodeID) *pool {
	p, ok := t.pools.Load(node)
	if !ok {
		p, _ = t.pools.LoadOrStore(node, newPool(t, target{node: node}, t.cfg.Conns, nodeIdle))
	}
	return p.(*pool)
}

// Serve accepts connections from l, which it closes, until Close. It fails if l does.
func (t *Transport) Serve(l net.Listener) error {
	t.mu.Lock()
	if t.closed {
		t.mu.Unlock()
		return l.Close()
	}
	t.lns = append(t.lns, l)
	t.wg.Add(1)
	t.mu.Unlock()
	defer t.wg.Done()
	defer l.Close()
	return t.acceptLoop(l)
}

// Close ends all connections and links, and returns when everything has stopped. The
// link handler is told of the links that end, so it must take its events until then.
func (t *Transport) Close() error {
	t.mu.Lock()
	again := t.closed
	t.closed = true
	t.cancel()
	for _, l := range t.lns {
		l.Close()
	}
	for nc := range t.closers {
		abort(nc)
	}
	t.mu.Unlock()
	t.wg.Wait()
	if !again {
		t.handlers.close()
	}
	return nil
}

// spawn runs f in a goroutine that Close waits for, unless it is too late.
func (t *Transport) spawn(f func()) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.closed {
		return false
	}
	t.wg.Go(f)
	return true
}

// track has Close close nc; if it is too late, nc is closed and the result false.
func (t *Transport) track(nc net.Conn) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.closed {
		abort(nc)
		return false
	}
	t.closers[nc] = struct{}{}
	return true
}

// untrack closes nc.
func (t *Transport) untrack(nc net.Conn) {
	t.mu.Lock()
	delete(t.closers, nc)
	t.mu.Unlock()
	abort(nc)
}

// watch puts a requests connection into the janitor's care, unwatch takes it out.
func (t *Transport) watch(s sweeper) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.sweepers[s] = struct{}{}
}

func (t *Transport) unwatch(s sweeper) {
	t.mu.Lock()
	defer t.mu.Unlock()
	delete(t.sweepers, s)
}

// janitor moves the coarse clock and looks after what has run out of time.
func (t *Transport) janitor() {
	every := time.NewTicker(tickEvery)
	defer every.Stop()
	var all []sweeper
	for {
		select {
		case <-t.ctx.Done():
			return
		case <-every.C:
		}
		now := t.clock.step()
		all = t.sweepersInto(all[:0])
		for _, s := range all {
			s.sweep(now)
		}
		clear(all)
		if now%trimEvery == 0 {
			t.handlers.trim()
		}
	}
}

func (t *Transport) sweepersInto(all []sweeper) []sweeper {
	t.mu.Lock()
	defer t.mu.Unlock()
	all = slices.Grow(all, len(t.sweepers))
	for s := range t.sweepers {
		all = append(all, s)
	}
	return all
}

// mono returns the time since the transport began, on the monotonic clock.
func (t *Transport) mono() time.Duration { return time.Since(t.began) }
