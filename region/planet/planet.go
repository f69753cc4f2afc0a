package planet

import (
	"context"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"gazetteer"
	"gazetteer/mst/voice"
	"gazetteer/region"
	"gazetteer/region/control"
	"gazetteer/ring"
)

// Config says what a process does about other regions, and with what.
type Config struct {
	Node  gazetteer.NodeID
	Place *Place // where the region is; nil if nobody said
	Group *control.Group
	// Server is this process' regional server, nil if it is none: then the process only
	// follows its region's plan.
	Server  Server
	Network Network
	// Beyond takes what this node has to know of other regions, each time it changes.
	Beyond func(Beyond)
	// Hosted returns the types of which this node holds partitions, and a channel that
	// is closed when that changes.
	Hosted func() ([]gazetteer.Type, <-chan struct{})
	// Lag returns how old what this node holds of some stores' writes may be at most;
	// false if that is not known.
	Lag func([]gazetteer.StoreID) (time.Duration, bool)
	// Contacts are peer addresses of regional servers of a region of the planet to join,
	// and Token is what [Planet.Admit] returned there. A region that has joined needs
	// them no more.
	Contacts []string
	Token    string
	// Costs are given by the operator for each other region; nil: they are measured.
	Costs func(gazetteer.RegionID) (time.Duration, bool)
	// Candidates limits the edges of a run to those to the so many nearest regions of either
	// end; 0: all. See [voice.Config].
	Candidates int
	// Every is the pace at which the directory is read; 1 s if it is 0.
	Every  time.Duration
	Logger *slog.Logger
	Now    func() time.Time // for the tokens of regions; nil for the machine's
}

// Network reaches servers of other processes. The peer port implements it.
type Network interface {
	CallNode(ctx context.Context, n gazetteer.NodeID, service string, request []byte) ([]byte, error)
	CallAddr(ctx context.Context, addr, service string, request []byte) ([]byte, error)
	PingNode(ctx context.Context, n gazetteer.NodeID) (time.Duration, error)
	Tier(n gazetteer.NodeID, role region.Role) region.Tier
}

// Server is what this package needs of the regional server beside it, to read and write
// the directory. [region.Server] implements it.
type Server interface {
	Regions(ctx context.Context) ([]gazetteer.Record, error)
	WriteRegion(ctx context.Context, r gazetteer.RegionID, c region.RegionChange) error
	Types(ctx context.Context) ([]region.TypeSpec, error)
}

// Beyond is what a node has to know of what lies beyond its region.
type Beyond struct {
	Epoch  uint64              // stands for Stores: equal sets have equal ones
	Stores []gazetteer.StoreID // of all replicas of the planet, those of the own region included
	Edges  []ring.Edge         // of this node, to replicas of other regions
	Tree   ring.Tree           // the installed one
}

// Planet is one process' part in it. Its methods may be called concurrently.
type Planet struct {
	Config
	self  gazetteer.RegionID
	atlas atomic.Pointer[atlas]
	far   far
	rtts  rtts
	mail  mail
	sites sites
	// status is what the voice of this process knows; nil while it does not lead.
	status atomic.Pointer[voice.Status]

	ctx     context.Context // ends with Close
	stop    context.CancelFunc
	threads sync.WaitGroup
}

// Start begins to follow the planet. The group has a plan already.
func Start(ctx context.Context, c Config) *Planet {
	if c.Every == 0 {
		c.Every = time.Second
	}
	if c.Logger == nil {
		c.Logger = slog.New(slog.DiscardHandler)
	}
	if c.Now == nil {
		c.Now = time.Now
	}
	p := &Planet{Config: c, self: c.Group.Region()}
	p.ctx, p.stop = context.WithCancel(ctx)
	p.far.init()
	p.rtts.init()
	p.mail.init()
	p.threads.Go(p.follow)
	if c.Server != nil {
		p.threads.Go(p.measure)
		p.threads.Go(p.watch)
		p.threads.Go(p.followDirectory)
		p.threads.Go(p.lead)
	}
	return p
}

// Close ends it. Links that it asked for stay as they are.
func (p *Planet) Close() {
	p.stop()
	p.threads.Wait()
}

// plan returns the region's plan in use.
func (p *Planet) plan() *control.Plan { return p.Group.View().Plan() }

// Resolve returns the peer address of a node of another region, "" if it is not known.
func (p *Planet) Resolve(n gazetteer.NodeID) string {
	if addr := p.far.address(n); addr != "" {
		return addr
	}
	for _, r := range p.others() {
		for _, e := range r.Entries {
			if e.Node == n {
				return e.Addr
			}
		}
	}
	return ""
}
