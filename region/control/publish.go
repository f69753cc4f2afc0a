package control

import (
	"context"
	"math/rand/v2"
	"time"

	"gazetteer"
)

// publish hands a plan to the publisher. It may come from raft's thread for the state, or
// from another member's answer.
func (g *Group) publish(a *agreed) {
	g.pubMu.Lock()
	if a.plan.follows(planOf(g.pub)) {
		g.pub = a
	}
	g.pubMu.Unlock()
	poke(g.pubWake)
	g.wakeSteward()
}

func planOf(a *agreed) *Plan {
	if a == nil {
		return nil
	}
	return a.plan
}

// publisher makes each plan durable and then shows it, so that a process never starts
// with a plan that is older than one it has used. If the disk refuses, the plan is used
// all the same.
func (g *Group) publisher(ctx context.Context) {
	for {
		select {
		case <-g.pubWake:
		case <-ctx.Done():
			return
		}
		g.pubMu.Lock()
		a := g.pub
		g.pubMu.Unlock()
		if err := g.dir.savePlan(a.state); err != nil {
			g.log.Warn("the plan could not be saved", "epoch", a.plan.epoch, "error", err)
		}
		g.settle()
		g.view.offer(a.plan)
	}
}

// settle notes that raft's files hold something, once raft has shown a state: from then
// on they must not be missing.
func (g *Group) settle() {
	if g.id.Stage == settled || g.raft == nil || g.machine.now.Load() == nil {
		return
	}
	id := g.id
	id.Stage = settled
	if err := g.dir.saveIdentity(id); err != nil {
		g.log.Warn("the identity could not be saved", "error", err)
		return
	}
	g.id.Stage = settled
}

const (
	// planWait is how long a member keeps the request of another that has its plan
	// already.
	planWait = 2 * time.Second
	// orphanAfter is how long a regional server is without a leader before it asks the
	// others for their plan: they may have gone on without it, or removed it.
	orphanAfter = 3 * time.Second
)

// follow fetches newer plans from regional servers: always in a process that is none
// itself, and in one that raft tells nothing any more.
func (g *Group) follow(ctx context.Context) {
	for turn := 0; ; turn++ {
		pause := orphanAfter / 3
		if g.raft == nil || g.orphaned() {
			pause = g.followOnce(ctx, turn)
		}
		select {
		case <-time.After(pause):
		case <-ctx.Done():
			return
		}
	}
}

func (g *Group) orphaned() bool {
	g.leadMu.Lock()
	defer g.leadMu.Unlock()
	return g.lead.Node == "" && time.Since(g.leadSince) >= orphanAfter
}

// followOnce asks one other regional server for a newer plan and returns how long to wait
// before the next is asked.
func (g *Group) followOnce(ctx context.Context, turn int) time.Duration {
	jitter := askAgain + rand.N(4*askAgain)
	others := g.others()
	if len(others) == 0 || g.cfg.Caller == nil {
		return orphanAfter
	}
	ctx, cancel := context.WithTimeout(ctx, callTimeout)
	defer cancel()
	addr := others[turn%len(others)]
	reply, err := remote{g.cfg.Caller, addr}.Plan(ctx, PlanRequest{After: g.epoch()})
	if err == nil && reply.Plan == nil {
		return jitter
	}
	if err == nil {
		err = g.take(reply.Plan)
	}
	if err != nil {
		g.log.Debug("no plan from another member", "addr", addr, "error", err)
		return jitter
	}
	return 0
}

// take publishes a plan that another member sent.
func (g *Group) take(data []byte) error {
	a, err := unseal(data)
	if err != nil {
		return err
	}
	if a.state.Region != g.id.Region {
		return opError("control.Group", gazetteer.Conflict, "a plan of the region %s, this is %s", a.state.Region, g.id.Region)
	}
	g.publish(a)
	return nil
}

// epoch returns that of the plan in use, 0 before the first.
func (g *Group) epoch() uint64 {
	if p := g.view.Plan(); p != nil {
		return p.epoch
	}
	return 0
}
