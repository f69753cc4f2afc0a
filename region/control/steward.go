package control

import (
	"context"
	"time"

	"github.com/hashicorp/raft"

	"gazetteer"
)

// stewardEvery is how often the leader looks whether there is anything to do, should an
// error have left something undone.
const stewardEvery = time.Second

func (g *Group) wakeSteward() { poke(g.stewardWake) }

// steward does the leader's chores: it compares what is with what should be and takes one
// step at a time. Nothing is remembered between steps, so a new leader goes on where the
// old one stopped.
func (g *Group) steward(ctx context.Context) {
	var caughtUp uint64 // the term in which the state is known to show all of the past
	for {
		select {
		case <-g.stewardWake:
		case <-time.After(stewardEvery):
		case <-ctx.Done():
			return
		}
		if lead, _ := g.Leader(); !lead.Self {
			continue
		}
		if term := g.raft.CurrentTerm(); term != caughtUp {
			if g.catchUp(ctx) != nil {
				continue
			}
			caughtUp = term
		}
		for g.chore(ctx) {
		}
	}
}

// chore takes the next step and reports whether there was one.
func (g *Group) chore(ctx context.Context) bool {
	ctx, cancel := context.WithTimeout(ctx, raftTimeout)
	defer cancel()
	now := g.machine.now.Load()
	if now == nil {
		return g.first != nil && g.perform(ctx, Command{Edit: found{g.first}})
	}
	seats, index, err := g.seats(ctx)
	if err != nil || now.state.Ended {
		return false
	}
	known := g.know.signs(now.state.Members, g.cfg.DeadAfter, g.leadsSince(), time.Now())
	g.know.silence(known, g.leadsSince(), time.Now())
	for _, e := range now.state.wants(known, seats, g.cfg.MovesAtOnce) {
		if g.perform(ctx, Command{Expect: now.state.Epoch, Edit: e}) {
			return true // one that is refused must not keep the others from being done
		}
	}
	r, ok := now.state.reseat(seats, g.id.Server)
	return ok && g.performReseat(ctx, r, index)
}

func (g *Group) perform(ctx context.Context, c Command) bool {
	data, err := c.Encode()
	if err == nil {
		_, err = g.decide(ctx, data)
	}
	if err != nil {
		g.log.Warn("a chore of the leader was not done", "command", c.Edit.kind(), "error", err)
	}
	return err == nil
}

// seats returns raft's configuration and its index, by which a change says what it was
// made for.
func (g *Group) seats(ctx context.Context) (out []seat, index uint64, err error) {
	f := g.raft.GetConfiguration()
	if err := g.await(ctx, func() raft.Future { return f }); err != nil {
		return nil, 0, err
	}
	for _, s := range f.Configuration().Servers {
		out = append(out, seat{server: string(s.ID), addr: string(s.Address), voter: s.Suffrage == raft.Voter})
	}
	return out, f.Index(), nil
}

func (g *Group) performReseat(ctx context.Context, r reseat, index uint64) bool {
	err := g.await(ctx, func() raft.Future { return g.change(r, index) })
	if err != nil {
		g.log.Warn("raft's configuration was not changed", "verb", string(r.verb), "server", r.seat.server, "error", err)
	} else {
		g.log.Info("raft's configuration changed", "verb", string(r.verb), "server", r.seat.server)
	}
	return err == nil
}

func (g *Group) change(r reseat, index uint64) raft.Future {
	id, addr := raft.ServerID(r.seat.server), raft.ServerAddress(r.seat.addr)
	switch {
	case r.verb == removeSeat:
		return g.raft.RemoveServer(id, index, raftTimeout)
	case r.verb == demote:
		return g.raft.DemoteVoter(id, index, raftTimeout)
	case r.verb == handOver:
		return g.raft.LeadershipTransferToServer(id, addr)
	case r.verb == promote || r.seat.voter:
		return g.raft.AddVoter(id, addr, index, raftTimeout)
	}
	return g.raft.AddNonvoter(id, addr, index, raftTimeout)
}

// wants returns the edits that the state needs, the most urgent first: what is known of
// members makes its way into the plan, who has left is forgotten, what has to move
// begins.
func (s *state) wants(known map[gazetteer.NodeID]sign, seats []seat, movesAtOnce int) (out []Edit) {
	live, dead := mark{State: Live}, mark{State: Dead}
	for i := range s.Members {
		m := &s.Members[i]
		k := known[m.Name]
		switch {
		case m.State == Joining && k.ack.Epoch >= m.Since && !k.dead, m.State == Dead && k.alive:
			live.Nodes = append(live.Nodes, m.Name)
		case m.State == Live && k.dead:
			dead.Nodes = append(dead.Nodes, m.Name)
		}
	}
	for _, e := range []mark{live, dead} {
		if e.Nodes != nil {
			out = append(out, e)
		}
	}
	for i := range s.Members {
		out = append(out, s.wantsOf(&s.Members[i], known, seats)...)
	}
	if e := s.nextPlace(); e != nil {
		out = append(out, e)
	}
	if e := s.nextMoves(movesAtOnce); e != nil {
		out = append(out, e)
	}
	return out
}

// wantsOf follows a member that is reached elsewhere since its restart, and forgets one
// that has left.
func (s *state) wantsOf(m *Member, known map[gazetteer.NodeID]sign, seats []seat) (out []Edit) {
	a := known[m.Name].ack
	if a.Node != "" && (a.Addr != m.Addr || a.HTTP != m.HTTP) {
		out = append(out, setNode{Node: m.Name, Addr: a.Addr, HTTP: a.HTTP})
	}
	if m.State == Leaving && s.forgettable(m, known, seats) {
		out = append(out, forget{m.Name})
	}
	return out
}
