package control

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/hashicorp/raft"

	"gazetteer"
)

// Leader says who leads the group: the region's voice among regions.
type Leader struct {
	Node gazetteer.NodeID // "" while there is none, or none is known
	Addr string
	Self bool
}

// Leader returns the leader as far as this process knows, and a channel that is closed
// when that changes. Processes that are no regional servers know of none.
func (g *Group) Leader() (Leader, <-chan struct{}) {
	g.leadMu.Lock()
	defer g.leadMu.Unlock()
	return g.lead, g.leadChanged
}

// watch keeps the leader up to date. Raft tells of each change; what is told is read
// afresh, so that nothing depends on the order.
func (g *Group) watch(ctx context.Context, told <-chan raft.Observation) {
	for {
		g.setLeader()
		select {
		case <-told:
		case <-ctx.Done():
			return
		}
	}
}

func (g *Group) setLeader() {
	addr, server := g.raft.LeaderWithID()
	node, _, _ := strings.Cut(string(server), "/")
	now := Leader{Node: gazetteer.NodeID(node), Addr: string(addr), Self: string(server) == g.id.Server}
	g.leadMu.Lock()
	changed := now != g.lead
	if changed {
		g.lead, g.leadSince = now, time.Now()
		close(g.leadChanged)
		g.leadChanged = make(chan struct{})
	}
	g.leadMu.Unlock()
	if changed {
		g.wakeSteward()
		poke(g.ackWake)
	}
}

// leadsSince returns since when the leader is the present one.
func (g *Group) leadsSince() time.Time {
	g.leadMu.Lock()
	defer g.leadMu.Unlock()
	return g.leadSince
}

const (
	// askTimeout is how long a request waits for a leader and for its answer, unless its
	// context ends earlier.
	askTimeout = 10 * time.Second
	// callTimeout is how long another member may take to answer, passTimeout how long it
	// looks for a leader on behalf of another: less, so that it can still say so.
	callTimeout = 4 * time.Second
	passTimeout = 2 * time.Second
	// askAgain is how long a request waits before it looks for the leader again.
	askAgain = 100 * time.Millisecond
)

// errNotLeader says that nothing was done, because another member leads or none does.
var errNotLeader = errors.New("another member leads, or none does")

// query is a request to the leader.
type query[R interface{ notLeader() bool }] struct {
	hop Hop
	// repeatable: asking twice does no more than asking once, so a lost reply is no
	// reason to give up.
	repeatable bool
	here       func(context.Context) (R, error)
	there      func(context.Context, Handler, Hop) (R, error)
}

// route performs a request at the leader: here if this process leads, else there. It goes
// on while nothing was done for want of a leader, until the context ends.
func route[R interface{ notLeader() bool }](ctx context.Context, g *Group, q query[R]) (R, error) {
	ctx, cancel := context.WithTimeout(ctx, askTimeout)
	defer cancel()
	for turn := 0; ; turn++ {
		leader, changed := g.Leader()
		reply, err := q.attempt(ctx, g, leader, turn)
		if !errors.Is(err, errNotLeader) || q.hop.Passed {
			return reply, err
		}
		select {
		case <-changed:
		case <-time.After(askAgain):
		case <-g.ctx.Done():
			return reply, opError("control.Group", gazetteer.Unavailable, "this process is shutting down")
		case <-ctx.Done():
			return reply, noLeader(err)
		}
	}
}

func (q *query[R]) attempt(ctx context.Context, g *Group, leader Leader, turn int) (none R, err error) {
	if leader.Self {
		return q.here(ctx)
	}
	addr := g.whom(leader, turn)
	if q.hop.Passed || addr == "" {
		return none, errNotLeader
	}
	ctx, cancel := context.WithTimeout(ctx, callTimeout)
	defer cancel()
	reply, err := q.there(ctx, remote{g.cfg.Caller, addr}, Hop{Passed: g.raft != nil})
	switch {
	case err == nil && reply.notLeader():
		return none, errNotLeader
	case err != nil && !answered(err) && q.repeatable:
		return none, fmt.Errorf("%w (%s: %w)", errNotLeader, addr, err)
	case err != nil && !answered(err):
		return none, opError("control.Apply", gazetteer.Deadline, "the answer of the leader at %s was lost (%v): the command was performed or not; look at the plan", addr, err)
	}
	return reply, err
}

// answered reports whether an error is the answer of the other member, rather than the
// want of one.
func answered(err error) bool {
	k := gazetteer.KindOf(err)
	return k != gazetteer.Unavailable && k != gazetteer.Deadline && k != gazetteer.Internal
}

func noLeader(err error) error {
	return &gazetteer.Error{
		Op: "control.Group", Kind: gazetteer.Unavailable, Err: err,
		Detail: "the region has no leader: its plan stays as it is until a majority of its regional servers is back, and reads and writes go on with it",
	}
}

// whom returns whom to ask: the leader, or if none is known one regional server after
// the other.
func (g *Group) whom(leader Leader, turn int) string {
	if g.cfg.Caller == nil {
		return ""
	}
	if leader.Addr != "" {
		return leader.Addr
	}
	others := g.others()
	if len(others) == 0 {
		return ""
	}
	return others[turn%len(others)]
}

// others returns the addresses of regional servers that are not this process: of the
// plan, then those it was told to join by.
func (g *Group) others() (addrs []string) {
	if p := g.View().Plan(); p != nil {
		addrs = p.Regional()
	}
	addrs = append(addrs, g.cfg.Join...)
	out := addrs[:0]
	for _, a := range addrs {
		if a != g.cfg.Node.Addr {
			out = append(out, a)
		}
	}
	return out
}

func waitError(ctx context.Context, format string, args ...any) error {
	kind := gazetteer.Unavailable
	if errors.Is(ctx.Err(), context.Canceled) {
		kind = gazetteer.Deadline
	}
	return opError("control.Group", kind, format, args...)
}

func opError(op string, kind gazetteer.Kind, format string, args ...any) error {
	return &gazetteer.Error{Op: op, Kind: kind, Detail: fmt.Sprintf(format, args...)}
}
