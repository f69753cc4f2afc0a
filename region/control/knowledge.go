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

// ack is what a member said of itself and of others.
type ack struct {
	AckRequest
	at   time.Time
	dead map[gazetteer.NodeID]time.Time // since when it has called them dead
}

// ackEvery is how often a member says which plan it uses. When that is late the word of
// others counts, to whom it does not answer; ackFresh is how long it counts as a sign of
// life where nobody reports on it.
const (
	ackEvery = 2 * time.Second
	ackLate  = 3 * ackEvery / 2
	ackFresh = 3 * ackEvery
)

// ReportAlive says whether another member answers, as this process sees it: every time
// that changes, and once at the beginning. The leader makes the plan say so, for dead
// members after Config.DeadAfter. Its own word counts before that of others, and a member
// that still speaks to it is not dead because others say so.
func (g *Group) ReportAlive(n gazetteer.NodeID, alive bool) {
	if g.know.report(n, alive, time.Now()) {
		poke(g.ackWake) // the leader may have no link to it
	}
	g.judgeLater()
}

// ReportUnseen takes back what ReportAlive has said: this process has no link to the
// member any more.
func (g *Group) ReportUnseen(n gazetteer.NodeID) { g.know.forget(n) }

// judgeLater has the steward look at the dead now, and when they have been it for long
// enough.
func (g *Group) judgeLater() {
	g.wakeSteward()
	time.AfterFunc(g.cfg.DeadAfter, g.wakeSteward)
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

// forget takes back what was reported of a member: nobody here would hear any more that
// it changes.
func (k *knowledge) forget(n gazetteer.NodeID) {
	k.mu.Lock()
	defer k.mu.Unlock()
	delete(k.reports, n)
}

// deadHere returns whom this process has reported dead, in ascending order.
func (k *knowledge) deadHere() (out []gazetteer.NodeID) {
	k.mu.Lock()
	defer k.mu.Unlock()
	for n, r := range k.reports {
		if !r.alive {
			out = append(out, n)
		}
	}
	slices.Sort(out)
	return out
}

func (k *knowledge) acknowledge(q AckRequest, now time.Time) (news bool) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.acks == nil {
		k.acks = map[gazetteer.NodeID]ack{}
	}
	old, ok := k.acks[q.Node]
	q.Hop = Hop{}
	next := ack{AckRequest: q, at: now, dead: map[gazetteer.NodeID]time.Time{}}
	for _, n := range q.Dead {
		next.dead[n] = now
		if since, already := old.dead[n]; already {
			next.dead[n] = since
		}
	}
	k.acks[q.Node] = next
	return !ok || !old.same(q)
}

func (q AckRequest) same(o AckRequest) bool {
	return q.Node == o.Node && q.Server == o.Server && q.Addr == o.Addr && q.HTTP == o.HTTP && q.Epoch == o.Epoch && slices.Equal(q.Dead, o.Dead)
}

// sign is what is known of one member.
type sign struct {
	alive, dead bool // neither: nobody knows
	ack         AckRequest
}

// signs returns what is known of members now by a process that leads since a while. What
// was heard of a process that had another data directory does not count.
func (k *knowledge) signs(members []Member, deadAfter time.Duration, led, now time.Time) map[gazetteer.NodeID]sign {
	k.mu.Lock()
	defer k.mu.Unlock()
	out := map[gazetteer.NodeID]sign{}
	for _, m := range members {
		var s sign
		a := k.acks[m.Name]
		if a.Server != m.Server {
			a = ack{}
		}
		s.ack, s.alive = a.AckRequest, now.Sub(a.at) < ackFresh
		r, reported := k.reports[m.Name]
		since, missed := k.missedLocked(m.Name, members, now)
		switch {
		case reported && !r.alive:
			s.alive, s.dead = false, now.Sub(r.since) >= deadAfter
		case missed && now.Sub(a.at) >= ackLate && now.Sub(led) >= ackLate:
			s.alive, s.dead = false, now.Sub(since) >= deadAfter
		case reported:
			s.alive = true
		}
		out[m.Name] = s
	}
	return out
}

// missedLocked returns since when another member of whom is heard calls one dead.
func (k *knowledge) missedLocked(n gazetteer.NodeID, members []Member, now time.Time) (since time.Time, missed bool) {
	for _, m := range members {
		a := k.acks[m.Name]
		at, says := a.dead[n]
		if says && a.Server == m.Server && now.Sub(a.at) < ackFresh && (!missed || at.Before(since)) {
			since, missed = at, true
		}
	}
	return since, missed
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
	r, err := g.ackAt(ctx, AckRequest{Node: n.Name, Server: g.id.Server, Addr: n.Addr, HTTP: n.HTTP, Epoch: g.ackable(), Dead: g.know.deadHere()})
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
				g.judgeLater()
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
