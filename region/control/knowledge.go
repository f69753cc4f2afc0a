package control

import (
	"context"
	"math"
	"slices"
	"sync"
	"time"

	"gazetteer"
)

// knowledge is what a process has heard of members. It is in no log: a new leader hears
// it again.
type knowledge struct {
	mu      sync.Mutex // guards following
	reports map[gazetteer.NodeID]report
	acks    map[gazetteer.NodeID]ack
}

// report is the last word on whether a member answers, and since when it is that.
type report struct {
	alive bool
	since time.Time
}

// ack is what a member said of itself.
type ack struct {
	AckRequest
	at time.Time
}

// ackEvery is how often a member says which plan it uses; ackFresh is how long that
// counts as a sign of life where nobody reports on it.
const (
	ackEvery = 2 * time.Second
	ackFresh = 3 * ackEvery
)

// ReportAlive says whether another member answers, as this process sees it: every time
// that changes, and once at the beginning. At the leader it makes the plan say so, for
// dead members after Config.DeadAfter.
func (g *Group) ReportAlive(n gazetteer.NodeID, alive bool) {
	if g.know.report(n, alive, time.Now()) && !alive {
		time.AfterFunc(g.cfg.DeadAfter, g.wakeSteward)
	}
	g.wakeSteward()
}

func (k *knowledge) report(n gazetteer.NodeID, alive bool, now time.Time) (news bool) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if r, ok := k.reports[n]; ok && r.alive == alive {
		return false
	}
	if k.reports == nil {
		k.reports = map[gazetteer.NodeID]report{}
	}
	k.reports[n] = report{alive, now}
	return true
}

func (k *knowledge) acknowledge(q AckRequest, now time.Time) (news bool) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.acks == nil {
		k.acks = map[gazetteer.NodeID]ack{}
	}
	old, ok := k.acks[q.Node]
	q.Hop = Hop{}
	k.acks[q.Node] = ack{q, now}
	return !ok || old.AckRequest != q
}

// sign is what is known of one member.
type sign struct {
	alive, dead bool // neither: nobody knows
	ack         AckRequest
}

// signs returns what is known of members now. What was heard of a process that had
// another data directory does not count.
func (k *knowledge) signs(members []Member, deadAfter time.Duration, now time.Time) map[gazetteer.NodeID]sign {
	k.mu.Lock()
	defer k.mu.Unlock()
	out := map[gazetteer.NodeID]sign{}
	for _, m := range members {
		var s sign
		if a, ok := k.acks[m.Name]; ok && a.Server == m.Server {
			s.ack, s.alive = a.AckRequest, now.Sub(a.at) < ackFresh
		}
		if r, ok := k.reports[m.Name]; ok {
			s.alive, s.dead = r.alive, !r.alive && now.Sub(r.since) >= deadAfter
		}
		out[m.Name] = s
	}
	return out
}

// Acknowledge says that this process uses a plan: its servers answer by it. The leader
// has to know that of all before it lets go of what was.
func (g *Group) Acknowledge(epoch uint64) {
	for {
		old := g.acked.Load()
		if epoch <= old || g.acked.CompareAndSwap(old, epoch) {
			break
		}
	}
	poke(g.ackWake)
}

// Acknowledged returns at the leader which plan each member uses, as far as it has heard;
// a member that is missing has said nothing since this process leads.
func (g *Group) Acknowledged() map[gazetteer.NodeID]uint64 {
	g.know.mu.Lock()
	defer g.know.mu.Unlock()
	out := map[gazetteer.NodeID]uint64{}
	for n, a := range g.know.acks {
		if a.Epoch > 0 {
			out[n] = a.Epoch
		}
	}
	return out
}

// acker tells the leader which plan this process uses: when that changes, when the leader
// does, and every ackEvery; more often while it is not known that all others use it, too.
func (g *Group) acker(ctx context.Context) {
	for {
		if err := g.sendAck(ctx); err != nil {
			g.log.Debug("the plan in use could not be acknowledged", "error", err)
		}
		pause := ackEvery
		if g.Settled() < g.acked.Load() {
			pause = askAgain
		}
		select {
		case <-g.ackWake:
		case <-time.After(pause):
		case <-ctx.Done():
			return
		}
	}
}

func (g *Group) sendAck(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, ackEvery)
	defer cancel()
	n := g.cfg.Node
	r, err := g.ackAt(ctx, AckRequest{Node: n.Name, Server: g.id.Server, Addr: n.Addr, HTTP: n.HTTP, Epoch: g.ackable()})
	if err == nil && r.Settled > g.settled.Load() {
		g.settled.Store(r.Settled) // only the acker does
	}
	return err
}

// Settled returns the highest epoch of which this process knows that all live members
// have come to use it or a later one: nobody who lives routes by an older plan. It says
// nothing of members that the plan called dead or joining then.
func (g *Group) Settled() uint64 { return g.settled.Load() }

// leastUsed returns the least epoch that live members use, as the leader has heard.
func (k *knowledge) leastUsed(members []Member) uint64 {
	k.mu.Lock()
	defer k.mu.Unlock()
	least := uint64(math.MaxUint64)
	for _, m := range members {
		if m.State != Live {
			continue
		}
		a := k.acks[m.Name]
		if a.Server != m.Server {
			return 0
		}
		least = min(least, a.Epoch)
	}
	if least == math.MaxUint64 {
		return 0
	}
	return least
}

// ackable returns the epoch to acknowledge. A regional server has not arrived before raft
// has shown it the plan, however early it got one when it joined: a vote given to it
// sooner could stop the group.
func (g *Group) ackable() uint64 {
	if g.raft == nil {
		return g.acked.Load()
	}
	return min(g.acked.Load(), g.machine.epoch())
}

func (g *Group) ackAt(ctx context.Context, q AckRequest) (AckReply, error) {
	return route(ctx, g, query[AckReply]{
		hop: q.Hop, repeatable: true,
		here: func(context.Context) (AckReply, error) {
			if g.know.acknowledge(q, time.Now()) {
				g.wakeSteward()
			}
			var r AckReply
			if now := g.machine.now.Load(); now != nil {
				r.Settled = g.know.leastUsed(now.state.Members)
			}
			return r, nil
		},
		there: func(ctx context.Context, h Handler, hop Hop) (AckReply, error) {
			q.Hop = hop
			return h.Acknowledge(ctx, q)
		},
	})
}

// forgettable reports whether nobody asks a leaving member for anything any more: raft
// has let it go, and all that live use a plan in which it is leaving.
func (s *state) forgettable(m *Member, known map[gazetteer.NodeID]sign, seats []seat) bool {
	if slices.ContainsFunc(seats, func(t seat) bool { return t.server == m.Server }) {
		return false
	}
	return !slices.ContainsFunc(s.Members, func(o Member) bool {
		return o.State == Live && known[o.Name].ack.Epoch < m.Since
	})
}
