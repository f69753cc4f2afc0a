// Package demand makes the rings of clusters follow what their region is asked.
//
// Where the plan says that a cluster's rings follow its demand ([control.SetAuto]), the
// process that leads the region adds up what its regional servers count, every two seconds,
// and has rings added and removed as [cluster.Auto] says. DESIGN.md tells what is remembered,
// by whom, and what a new leader begins with.
package demand

import (
	"context"
	"log/slog"
	"sync"
	"time"

	"gazetteer"
	"gazetteer/region"
	"gazetteer/region/control"
)

// Config says for which process demand is watched, and with what.
type Config struct {
	Node  gazetteer.NodeID
	Group Group
	// Server is this process' regional server.
	Server Server
	// Call carries a request to the watch of another process of the region: the peer port.
	Call func(ctx context.Context, n gazetteer.NodeID, service string, request []byte) ([]byte, error)
	// Every is the pace at which the leader looks; 2 s if it is 0.
	Every  time.Duration
	Logger *slog.Logger
}

// Group is what this package needs of the group that agrees on the plan. [control.Group]
// implements it.
type Group interface {
	Leader() (control.Leader, <-chan struct{})
	View() *control.View
	Edit(ctx context.Context, decide func(*control.Plan) (control.Command, error)) (epoch uint64, err error)
}

// Server counts what it is asked. [region.Server] implements it.
type Server interface {
	Demand() []region.Demand
}

// everyDefault is as long as one of the processes that are asked may take to answer, and
// short beside the minute over which demand is averaged.
const everyDefault = 2 * time.Second

// Watch answers what this process' regional server has counted, and makes rings follow
// demand while the process leads. Its methods may be called concurrently.
type Watch struct {
	Config
	began   time.Time
	ctx     context.Context // ends with Close
	stop    context.CancelFunc
	threads sync.WaitGroup
}

// Start begins to watch. The group has a plan already.
func Start(ctx context.Context, c Config) *Watch {
	if c.Every == 0 {
		c.Every = everyDefault
	}
	if c.Logger == nil {
		c.Logger = slog.New(slog.DiscardHandler)
	}
	w := &Watch{Config: c, began: time.Now()}
	w.ctx, w.stop = context.WithCancel(ctx)
	w.threads.Go(w.follow)
	return w
}

// Close ends it.
func (w *Watch) Close() {
	w.stop()
	w.threads.Wait()
}

// follow leads whenever this process leads its region.
func (w *Watch) follow() {
	for {
		leader, changed := w.Group.Leader()
		if leader.Self {
			w.lead(changed)
		}
		select {
		case <-changed:
		case <-w.ctx.Done():
			return
		}
	}
}

// lead looks at the demand again and again until another process leads. What was seen is
// forgotten then.
func (w *Watch) lead(changed <-chan struct{}) {
	tick := time.NewTicker(w.Every)
	defer tick.Stop()
	l := newLead(w)
	for {
		select {
		case <-tick.C:
			l.look(w.ctx, w.Group.View().Plan())
		case <-changed:
			return
		case <-w.ctx.Done():
			return
		}
	}
}
