package agent

import (
	"context"
	"crypto/rand"
	"encoding/binary"
	"sync/atomic"
	"time"

	"gazetteer"
	"gazetteer/region"
	"gazetteer/region/control"
	"gazetteer/region/health"
	"gazetteer/ring"
)

const (
	// tickEvery is the pace of the loop when nothing comes in. The core wants at
	// least 100 ms.
	tickEvery = 50 * time.Millisecond
	// inboxMax bounds the inputs that wait for the loop; whoever has one more waits.
	inboxMax = 256
	// One batch, and so one commit, takes what waits, but no more than this: a bigger
	// one gains nothing on the disk and makes everybody wait for it.
	batchUpdatesMax = 4096
	batchBytesMax   = 1 << 20
	// probeEvery is how often a commit that the full disk refused is tried again.
	probeEvery = 250 * time.Millisecond
)

// agent drives one [ring.Replica]: its loop owns the core and the store's Save, and
// performs what the core asks for. Everything else comes to it as an input.
type agent struct {
	self    gazetteer.NodeID
	core    *ring.Replica
	store   ring.Store
	links   Links
	clock   Clock
	group   Group           // nil: nothing moves
	checker *health.Checker // nil: nothing is checked from here

	orders chan control.Command // to petition
	inbox  chan input
	calls  calls
	begun  chan struct{} // closed when the first Ready is performed, or waits for room
	done   chan struct{} // closed when the loop has ended

	// following are what the loop shows to everybody else
	view     atomic.Pointer[view]
	counters atomic.Pointer[ring.Counters]
	stalled  atomic.Pointer[gazetteer.Error] // why commits wait; nil if they do not
	shelf    shelf
	leading  atomic.Pointer[[]gazetteer.Partition] // whose leases this node decides
	leased   atomic.Pointer[region.Leases]
	holdings holdings

	// following belong to the loop
	now    ring.Now
	plan   region.Plan
	planet Planet
	// toldBeyond is set once planet is known: before, its emptiness says nothing.
	toldBeyond bool
	types      map[gazetteer.Type]bool      // that were ever opened here
	hosted     map[gazetteer.Type]*hosting  // what this node holds of each, if anything
	held       map[gazetteer.Partition]bool // that the store may hold something of
	left       map[gazetteer.Partition]*leftover
	moves      map[stage]*move
	revived    uint64 // the first plan in which somebody who was dead before is not
	asked      asked
	looked     time.Duration   // when it was last looked what may be let go
	told       []chan struct{} // to close when this turn is performed
	waiting    waiting
	backlog    *call          // the writes that did not fit into a batch
	refused    []ring.Outcome // of writes that the core has not seen: refused ones, and renewals that change nothing
	scans      map[ring.ScanID]*scan
	readers    readers
	leases     leases

	followers followers
	wanted    []gazetteer.NodeID        // the nodes to keep a link to
	alive     map[gazetteer.NodeID]bool // what the links said last
	ages      map[string]*age           // by who writes
	agedAt    time.Duration             // when these were set last; one that is older is no wrong bound
	serving   map[gazetteer.Partition]ring.Serving
	failed    error

	tellAlive func(gazetteer.NodeID, bool) // see Config.Alive
}

// newAgent makes the core of a node and gives it the partitions that the plan names and
// those of every type that the store holds.
func newAgent(c *Config) (*agent, error) {
	state := c.Store.State()
	core, err := ring.New(ring.Config{Self: c.Node, Incarnation: incarnation(), Reader: c.Store, State: state, KeepTombstones: c.KeepTombstones})
	if err != nil {
		return nil, err
	}
	a := &agent{
		self: c.Node, plan: c.Plan, core: core, store: c.Store, links: c.Links, clock: c.Clock, group: c.Group,
		orders:  make(chan control.Command),
		inbox:   make(chan input, inboxMax),
		begun:   make(chan struct{}),
		done:    make(chan struct{}),
		types:   map[gazetteer.Type]bool{},
		hosted:  map[gazetteer.Type]*hosting{},
		held:    map[gazetteer.Partition]bool{},
		scans:   map[ring.ScanID]*scan{},
		readers: readers{places: make(chan struct{}, readersMax)},
		leases:  newLeases(),
		alive:   map[gazetteer.NodeID]bool{},
		ages:    map[string]*age{},

		tellAlive: c.Alive,
	}
	a.tick()
	for _, t := range c.Plan.Types() {
		a.host(t)
	}
	for p := range state.Partitions {
		a.host(p.Type)
		if p.Index < c.Plan.Partitions() {
			a.held[p] = true
		}
	}
	a.rehosted()
	a.counters.Store(new(ring.Counters))
	a.leading.Store(new([]gazetteer.Partition))
	a.leased.Store(new(region.Leases))
	return a, nil
}

// incarnation draws 64 random bits that are not 0.
func incarnation() uint64 {
	var b [8]byte
	rand.Read(b[:]) // it never fails, see its documentation
	return max(1, binary.BigEndian.Uint64(b[:]))
}

// run is the loop. It returns nil when ctx ends, else why it could not go on: the store
// is then not to be trusted, and the process has to end (fail-stop).
func (a *agent) run(ctx context.Context) (err error) {
	defer a.shutdown()
	defer recoverReadError(&err)
	tick := time.NewTicker(tickEvery)
	defer tick.Stop()
	if err := a.step(ctx, nil); err != nil {
		return err
	}
	a.begin()
	for {
		var first input
		if a.backlog == nil {
			select {
			case <-ctx.Done():
				return nil
			case <-tick.C:
			case first = <-a.inbox:
			}
		}
		if err := a.step(ctx, first); err != nil || ctx.Err() != nil {
			return err
		}
	}
}

// begin tells whoever started the loop that it runs.
func (a *agent) begin() {
	select {
	case <-a.begun:
	default:
		close(a.begun)
	}
}

// step tells the core the time and everything that waits, and performs what it asks for.
func (a *agent) step(ctx context.Context, first input) error {
	a.tick()
	b := batch{updates: batchUpdatesMax, bytes: batchBytesMax}
	if first != nil {
		first.apply(a, &b)
	}
	a.drain(&b)
	a.endLeases()
	if a.failed != nil {
		return a.failed
	}
	if err := a.perform(ctx, a.core.Ready()); err != nil {
		return err
	}
	a.join()
	a.lookAround()
	for _, done := range a.told {
		close(done)
	}
	a.told = a.told[:0]
	return nil
}

func (a *agent) tick() {
	a.now = a.clock.Now()
	a.core.Tick(a.now)
}

// shutdown wakes everybody who waits for the loop, then gives back the store: when run
// returns nobody uses it for scans or commits any more.
func (a *agent) shutdown() {
	close(a.done)
	a.readers.Wait()
	for _, s := range a.scans {
		s.snapshot.Close()
	}
}

// ended reports whether the loop has.
func (a *agent) ended() bool {
	select {
	case <-a.done:
		return true
	default:
		return false
	}
}

// recoverReadError turns the core's panic about a store that cannot read into an error.
func recoverReadError(err *error) {
	switch p := recover().(type) {
	case nil:
	case ring.ReadError:
		*err = storeFailed("reading", p.Err)
	default:
		panic(p)
	}
}

func storeFailed(what string, err error) error {
	return &gazetteer.Error{Op: "agent.Run", Kind: gazetteer.KindOf(err), Err: err,
		Detail: what + " failed; the process must end, and finds out at its next start what its disk holds"}
}
