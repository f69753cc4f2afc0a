package control

import (
	"context"
	"errors"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"github.com/hashicorp/raft"

	"gazetteer"
)

// Group is one process' part in the group of its region. DESIGN.md lists its threads and
// what wakes each. Its methods may be called concurrently.
type Group struct {
	cfg  Config
	dir  dir
	log  *slog.Logger
	id   identity
	view View
	// resumed: it was a member before, and begins with the plan that it had then.
	resumed bool

	// The following are nil in a process that is no regional server.
	machine   *machine
	raft      *raft.Raft
	transport *raft.NetworkTransport
	stores    *stores
	first     *state       // the plan of a region that this process founds
	asked     atomic.Int64 // what raft has not answered yet

	ctx     context.Context // ends with Close
	stop    context.CancelFunc
	threads sync.WaitGroup

	pubMu   sync.Mutex // guards following
	pub     *agreed    // to be published
	pubWake chan struct{}

	leadMu      sync.Mutex // guards following
	lead        Leader
	leadSince   time.Time
	leadChanged chan struct{}

	acked   atomic.Uint64 // epoch of the plan that this process uses
	settled atomic.Uint64 // see Settled
	ackWake chan struct{}

	know        knowledge // of the leader, beside the state
	stewardWake chan struct{}
}

// Start brings a process into its group and returns when it has a plan. With a directory
// that belongs to a group already it goes on there, whatever Found and Join say, so one
// command line serves the first start and all others: it gets the newest plan first, if a
// leader can be reached within some seconds. Otherwise it founds a region or
// joins one: that takes until a member has let it in, its refusal, or the end of ctx.
func Start(ctx context.Context, c Config) (*Group, error) {
	if err := c.complete(); err != nil {
		return nil, err
	}
	g := &Group{
		cfg: c, dir: c.dir(), log: c.Logger,
		pubWake: make(chan struct{}, 1), ackWake: make(chan struct{}, 1), stewardWake: make(chan struct{}, 1),
		leadChanged: make(chan struct{}), leadSince: time.Now(),
	}
	g.ctx, g.stop = context.WithCancel(context.Background())
	err := g.open(ctx)
	if err != nil {
		return nil, errors.Join(err, g.Close())
	}
	if g.resumed {
		g.refresh(ctx)
	}
	return g, nil
}

func (g *Group) open(ctx context.Context) error {
	if err := g.dir.make(); err != nil {
		return err
	}
	if g.cfg.regional() {
		s, err := g.cfg.stores() // first: it locks the directory
		if err != nil {
			return err
		}
		g.stores, g.machine = s, &machine{}
	}
	if err := g.begin(ctx); err != nil {
		return err
	}
	if g.cfg.regional() {
		if err := g.startRaft(); err != nil {
			return err
		}
		g.threads.Go(func() { g.steward(g.ctx) })
	}
	g.threads.Go(func() { g.publisher(g.ctx) })
	g.threads.Go(func() { g.follow(g.ctx) })
	g.threads.Go(func() { g.acker(g.ctx) })
	return nil
}

// startRaft starts raft on what the directory holds. The first member of a group tells
// its log so before.
func (g *Group) startRaft() error {
	if err := g.stores.check(g.dir); err != nil {
		return err
	}
	has, err := raft.HasExistingState(g.stores.log, g.stores.stable, g.stores.snaps)
	if err != nil {
		return g.dir.wrap(err, raftFile)
	}
	if !has && g.id.Stage == settled {
		return g.dir.damaged("%s is empty, but this member has voted and promised before", raftFile)
	}
	conf := g.raftConfig()
	layer := newStreams(g.cfg.Streams, string(g.addr()), g.id.Group)
	g.transport = raft.NewNetworkTransportWithConfig(&raft.NetworkTransportConfig{
		Stream: layer, MaxPool: 2, Timeout: 4 * g.cfg.Heartbeat, Logger: conf.Logger,
	})
	if !has && g.id.Stage == founding {
		alone := raft.Configuration{Servers: []raft.Server{{ID: raft.ServerID(g.id.Server), Address: g.addr()}}}
		if err := raft.BootstrapCluster(conf, g.stores.log, g.stores.stable, g.stores.snaps, g.transport, alone); err != nil {
			return g.dir.wrap(err, "raft cannot begin")
		}
	}
	logs, err := raft.NewLogCache(logCache, g.stores.log)
	if err != nil {
		return g.dir.wrap(err, raftFile)
	}
	g.raft, err = raft.NewRaft(conf, fsm{g.machine, g.publish}, logs, guarded{g.stores.stable, g.isolate}, g.stores.snaps, g.transport)
	if err != nil {
		return g.dir.wrap(err, "raft cannot start")
	}
	told := make(chan raft.Observation, 8)
	g.raft.RegisterObserver(raft.NewObserver(told, false, isRoleChange))
	g.threads.Go(func() { g.watch(g.ctx, told) })
	return nil
}

// isolate ends this member's part in raft, because its disk does not keep what it would
// promise. The plan stays readable; the others go on without it.
func (g *Group) isolate(err error) {
	g.log.Error("raft's files cannot be written: this member takes no part until it is started again", "error", err)
	g.transport.Close()
	g.transport.CloseStreams()
}

func isRoleChange(o *raft.Observation) bool {
	switch o.Data.(type) {
	case raft.LeaderObservation, raft.RaftState:
		return true
	}
	return false
}

const (
	// snapshotEvery is after how many entries of the log the state is saved, trailing how
	// many stay behind it: enough for a follower that was away for a while, and for
	// going back to the snapshot before if the newest is damaged.
	snapshotEvery = 1024
	trailing      = 4 * snapshotEvery
)

func (g *Group) raftConfig() *raft.Config {
	c := raft.DefaultConfig()
	c.LocalID = raft.ServerID(g.id.Server)
	c.HeartbeatTimeout, c.ElectionTimeout = g.cfg.Heartbeat, g.cfg.Heartbeat
	c.LeaderLeaseTimeout = g.cfg.Heartbeat / 2
	c.SnapshotThreshold, c.TrailingLogs = snapshotEvery, trailing
	c.ShutdownOnRemove = false // a member that was removed still shows its last plan
	c.NoLegacyTelemetry = true
	c.Logger = hclogger{to: g.log.With("part", "raft")}
	if g.cfg.tune != nil {
		g.cfg.tune(c)
	}
	return c
}

// addr is the peer address as raft knows it. A process that stays alone needs none, but
// raft does.
func (g *Group) addr() raft.ServerAddress {
	if g.cfg.Node.Addr == "" {
		return raft.ServerAddress(g.cfg.Node.Name)
	}
	return raft.ServerAddress(g.cfg.Node.Addr)
}

// Close leaves the group as a crash would: the others see a member that does not answer.
// The plan stays readable.
func (g *Group) Close() error {
	g.stop()
	if g.transport != nil { // first: raft waits for what is under way
		g.transport.Close()
		g.transport.CloseStreams()
	}
	var err error
	if g.raft != nil {
		g.drain()
		err = g.raft.Shutdown().Error()
	}
	g.threads.Wait()
	if g.stores != nil {
		err = errors.Join(err, g.stores.shut())
	}
	return err
}

// View returns the plan as this process knows it. It stays readable without a quorum,
// and after Close.
func (g *Group) View() *View { return &g.view }

// ID names the group: a region that is founded anew under an old name has another one.
func (g *Group) ID() string { return g.id.Group }

// Server returns what names this process' data directory in the plan.
func (g *Group) Server() string { return g.id.Server }

// Region returns the region of the group.
func (g *Group) Region() gazetteer.RegionID { return g.id.Region }

func poke(wake chan struct{}) {
	select {
	case wake <- struct{}{}:
	default:
	}
}
