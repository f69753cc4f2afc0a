// Package ring keeps the mirrors of one shard equal, by one mechanism: "here is my
// vector; send me what I lack, then what is new".
//
// [Replica] is the state machine of one node's mirrors, [Store] what holds their
// content, [Message] what travels over links, and [Ready] what a driver performs.
// DESIGN.md beside this file tells how an update travels, and why.
package ring

import (
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
	stirred []*mirror // see tellReach
	marks   map[gazetteer.StoreID]*mark
	parted  []parted
	dropped []gazetteer.Partition // whose elements have yet to go
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
	want         map[gazetteer.Partition]bool // of wants
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
		want:    map[gazetteer.Partition]bool{},
		planned: map[gazetteer.StoreID]bool{},

		generation: 1,
	}
	r.clock.observe(c.State.Clock)
	r.batch.reset()
	return r, nil
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
	r.purge()
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

// Told returns what a node has said it holds durably of a partition, over the link that is
// open to it; false if it has said nothing.
func (r *Replica) Told(p gazetteer.Partition, n gazetteer.NodeID) (gazetteer.Vector, bool) {
	v, ok := r.told(p, n)
	return v.Clone(), ok
}

// Holds reports whether a node, this one or another, is known to hold durably all that a
// vector covers. Of this one that is so once the last Ready has been performed.
func (r *Replica) Holds(p gazetteer.Partition, n gazetteer.NodeID, v gazetteer.Vector) bool {
	if m := r.mirrors[p]; m != nil && n == r.cfg.Self {
		return m.vector.CoversAll(v)
	}
	held, ok := r.told(p, n)
	return ok && held.CoversAll(v)
}

func (r *Replica) told(p gazetteer.Partition, n gazetteer.NodeID) (gazetteer.Vector, bool) {
	m := r.mirrors[p]
	if m == nil {
		return nil, false
	}
	f := m.feedTo(n)
	if f == nil || f.out.phase == outIdle {
		return nil, false
	}
	return f.out.acked, true
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
	r.tellReach()
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
