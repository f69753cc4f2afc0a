package ring

import (
	"cmp"
	"math/rand/v2"
	"slices"
	"time"

	"gazetteer"
)

// Replica is the state machine of one node's mirrors: all partitions of all rings that
// the node is a member of. It starts no goroutine, reads no clock, opens nothing. One
// goroutine owns it, tells it what happened (Tick, Alive, Linked, Step, Propose, ...)
// and performs what [Replica.Ready] asks for.
type Replica struct {
	cfg    Config
	origin gazetteer.Origin
	now    Now
	clock  hlc
	fenced bool

	plan    Plan
	planned map[gazetteer.StoreID]bool
	mirrors map[gazetteer.Partition]*mirror
	order   []*mirror // sorted by partition
	peers   map[gazetteer.NodeID]*peer
	links   []*link // sorted by peer

	scans   map[ScanID]*feed
	scanID  ScanID
	waiters []*waiter
	marks   map[gazetteer.StoreID]*mark
	batch   batch
	timers  timers
	compare gazetteer.NodeID // the random member linked to for a comparison, if any
	count   Counters

	generation   uint64 // of this incarnation among those of its store
	number       uint64 // of the last freshness mark
	stable       gazetteer.Clock
	servingDirty bool
	peersDirty   bool
	lastPeers    []gazetteer.NodeID
}

// timers hold when periodic work is due next, on the monotonic clock.
type timers struct{ fresh, stable, second, orphans, collect, compare, expire time.Duration }

// New checks the configuration and returns a replica with the state of its store. It
// hosts nothing until it is given a plan.
func New(c Config) (*Replica, error) {
	c = c.withDefaults()
	if err := c.validate(); err != nil {
		return nil, err
	}
	r := &Replica{
		cfg:     c,
		origin:  gazetteer.Origin{Store: c.Self.Store(), Incarnation: c.Incarnation},
		mirrors: map[gazetteer.Partition]*mirror{},
		peers:   map[gazetteer.NodeID]*peer{},
		scans:   map[ScanID]*feed{},
		marks:   map[gazetteer.StoreID]*mark{},
		planned: map[gazetteer.StoreID]bool{},

		generation: 1,
	}
	r.clock.observe(c.State.Clock)
	r.batch.reset()
	return r, nil
}

func (c Config) withDefaults() Config {
	c.MaxSkew = cmp.Or(c.MaxSkew, time.Second)
	c.QueueMax = cmp.Or(c.QueueMax, 10_000)
	c.ScanBatch = cmp.Or(c.ScanBatch, 256)
	c.Window = cmp.Or(c.Window, 32)
	c.FreshEvery = cmp.Or(c.FreshEvery, 500*time.Millisecond)
	c.StableEvery = cmp.Or(c.StableEvery, 10*time.Second)
	c.StuckAfter = cmp.Or(c.StuckAfter, 10*time.Second)
	c.OrphanAfter = cmp.Or(c.OrphanAfter, time.Minute)
	c.AloneAfter = cmp.Or(c.AloneAfter, 3*time.Second)
	c.CompareEvery = cmp.Or(c.CompareEvery, 20*time.Second)
	c.CollectEvery = cmp.Or(c.CollectEvery, 5*time.Second)
	c.JournalFor = cmp.Or(c.JournalFor, 24*time.Hour)
	if c.Rand == nil {
		c.Rand = rand.New(rand.NewPCG(c.Incarnation, uint64(c.Self.Store())))
	}
	return c
}

func (c Config) validate() error {
	switch {
	case c.Self == "":
		return invalidConfig("Self names no node")
	case c.Reader == nil:
		return invalidConfig("Reader is missing")
	case c.Incarnation == 0:
		return invalidConfig("Incarnation is 0; draw 64 random bits at every start")
	case c.QueueMax < 1 || c.ScanBatch < 1 || c.Window < 1:
		return invalidConfig("QueueMax, ScanBatch and Window must be positive")
	}
	return nil
}

func invalidConfig(detail string) error {
	return &gazetteer.Error{Op: "ring.New", Kind: gazetteer.Invalid, Detail: detail}
}

// Configure takes a new plan. Partitions that are no longer in it are kept by the store
// but answered for no more.
func (r *Replica) Configure(p Plan) {
	r.plan = p
	clear(r.planned)
	for _, s := range p.Stores {
		r.planned[s] = true
	}
	hosted := map[gazetteer.Partition]*ringView{}
	for i := range p.Rings {
		v := newRingView(r.cfg.Self, &p.Rings[i])
		for _, part := range p.Rings[i].Partitions {
			hosted[part] = v
		}
		for _, n := range v.others {
			r.peer(n)
		}
	}
	for _, e := range p.Edges {
		r.peer(e.Peer)
	}
	r.host(hosted)
	r.plannedEdges()
	r.relink()
	r.maybeFound()
	r.findStable()
	r.servingDirty, r.peersDirty = true, true
}

func (r *Replica) host(hosted map[gazetteer.Partition]*ringView) {
	for p, m := range r.mirrors {
		if hosted[p] == nil {
			r.unhost(m)
		}
	}
	for p, v := range hosted {
		m := r.mirrors[p]
		if m == nil {
			m = newMirror(p, r.cfg.State.Partitions[p])
			m.aloneSince = r.now.Mono
			r.mirrors[p] = m
		}
		m.ring = v
		r.countMates(m)
	}
	r.order = r.order[:0]
	for _, m := range r.mirrors {
		r.order = append(r.order, m)
	}
	slices.SortFunc(r.order, func(a, b *mirror) int { return a.partition.Compare(b.partition) })
}

// unhost forgets a partition; its last state goes back to where host looks for it.
func (r *Replica) unhost(m *mirror) {
	for _, f := range slices.Clone(m.feeds) {
		r.endFeed(f)
	}
	r.cfg.State.Partitions = withState(r.cfg.State.Partitions, m)
	delete(r.mirrors, m.partition)
}

func withState(all map[gazetteer.Partition]PartitionState, m *mirror) map[gazetteer.Partition]PartitionState {
	if all == nil {
		all = map[gazetteer.Partition]PartitionState{}
	}
	all[m.partition] = PartitionState{m.filled, m.vector, m.collected, m.collectedClock}
	return all
}

func (r *Replica) plannedEdges() {
	for _, m := range r.order {
		m.edges = m.edges[:0]
	}
	for _, e := range r.plan.Edges {
		for _, p := range e.Partitions {
			if m := r.mirrors[p]; m != nil && e.Peer != r.cfg.Self {
				m.edges = append(m.edges, e.Peer)
			}
		}
	}
}

// Tick tells the time. The driver calls it before each batch of inputs and at least
// every 100 ms.
func (r *Replica) Tick(now Now) {
	r.now = now
	r.fence()
	if r.due(&r.timers.fresh, r.cfg.FreshEvery) {
		r.emitFresh()
	}
	if r.due(&r.timers.second, r.cfg.StuckAfter/10) {
		r.askStuck()
		r.retryHeld()
		r.maybeFound()
		r.noticeAlone()
	}
	if r.due(&r.timers.orphans, r.cfg.OrphanAfter/4) {
		r.adoptOrphans()
	}
	if r.due(&r.timers.collect, r.cfg.CollectEvery) {
		r.collect()
	}
	if r.due(&r.timers.compare, r.jittered(r.cfg.CompareEvery)) {
		r.compareWithAnother()
	}
	if r.due(&r.timers.expire, r.cfg.JournalFor/24) {
		r.batch.expire = now.Wall - r.cfg.JournalFor.Milliseconds()
	}
	r.expireWaiters()
}

// due reports whether a timer has run out, and sets it anew.
func (r *Replica) due(at *time.Duration, every time.Duration) bool {
	if r.now.Mono < *at {
		return false
	}
	*at = r.now.Mono + every
	return true
}

func (r *Replica) jittered(d time.Duration) time.Duration {
	return d/2 + time.Duration(r.cfg.Rand.Int64N(int64(d)))
}

// Vector returns what the replica holds of a partition.
func (r *Replica) Vector(p gazetteer.Partition) gazetteer.Vector {
	if m := r.mirrors[p]; m != nil {
		return m.vector.Clone()
	}
	return nil
}

// Counters returns what happened so far.
func (r *Replica) Counters() Counters { return r.count }

// Stable returns the clock below which every replica of the plan is complete from every
// origin, 0 if that is not known.
func (r *Replica) Stable() gazetteer.Clock { return r.stable }

// Origin returns the origin under which this replica writes.
func (r *Replica) Origin() gazetteer.Origin { return r.origin }

// Ready returns what is to be done, and forgets it. The driver performs all of it
// before it calls the replica again.
func (r *Replica) Ready() Ready {
	for _, l := range r.links {
		r.pump(l)
	}
	r.report()
	r.settleWaiters()
	r.freezeScans()
	out := r.batch.take(r)
	if r.servingDirty {
		out.Serving = r.serving()
		r.servingDirty = false
	}
	if r.peersDirty {
		r.peersDirty = false
		if p := r.wantedPeers(); !slices.Equal(p, r.lastPeers) {
			out.Peers, r.lastPeers = p, p
			if out.Peers == nil {
				out.Peers = []gazetteer.NodeID{}
			}
		}
	}
	return out
}
