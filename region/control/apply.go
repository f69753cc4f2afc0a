package control

import (
	"context"
	"errors"
	"time"

	"github.com/hashicorp/raft"

	"gazetteer"
)

// Apply performs a command and returns the epoch of the plan after it. The plan in the
// view may be a moment older, see [View.Wait]. It may be called at every member and waits
// for a leader until ctx ends, at most 10 s. With the kind Deadline it is unknown whether
// the command was performed; look at the plan. With every other, nothing was done.
func (g *Group) Apply(ctx context.Context, c Command) (epoch uint64, err error) {
	data, err := c.Encode()
	if err != nil {
		return 0, err
	}
	r, err := g.applyAt(ctx, ApplyRequest{Command: data})
	return r.Epoch, err
}

// Edit makes a command of the newest plan and performs it, again if the plan changed in
// between. The function must not depend on being called once.
func (g *Group) Edit(ctx context.Context, decide func(*Plan) (Command, error)) (epoch uint64, err error) {
	for range 8 {
		p, err := g.Fresh(ctx)
		if err != nil {
			return 0, err
		}
		c, err := decide(p)
		if err != nil {
			return 0, err
		}
		c.Expect = p.Epoch()
		if epoch, err = g.Apply(ctx, c); gazetteer.KindOf(err) != gazetteer.Precondition || err == nil {
			return epoch, err
		}
	}
	return 0, opError("control.Edit", gazetteer.Unavailable, "the plan changes too often: retry")
}

// Lead performs an edit only if this process leads, whatever the plan is by then: what the
// region's voice says, and nobody else. It costs one entry of the log, where Edit takes
// two. It is of kind Unavailable, and nothing was done, if another process leads.
func (g *Group) Lead(ctx context.Context, e Edit) error {
	ctx, cancel := context.WithTimeout(ctx, askTimeout)
	defer cancel()
	for range 8 {
		c := Command{Edit: e, Expect: g.machine.epoch()}
		data, err := c.Encode()
		if err != nil {
			return err
		}
		if leader, _ := g.Leader(); !leader.Self {
			return noLeader(errNotLeader)
		}
		_, err = g.commit(ctx, data)
		if errors.Is(err, errNotLeader) {
			return noLeader(err)
		}
		if err == nil || gazetteer.KindOf(err) != gazetteer.Precondition {
			return err
		}
	}
	return opError("control.Lead", gazetteer.Unavailable, "the plan changes too often: retry")
}

// Fresh returns a plan that shows everything that was acknowledged before the call.
func (g *Group) Fresh(ctx context.Context) (*Plan, error) {
	r, err := g.planAt(ctx, PlanRequest{Fresh: true})
	if err != nil {
		return nil, err
	}
	a, err := unseal(r.Plan)
	if err != nil {
		return nil, err
	}
	g.publish(a)
	return a.plan, nil
}

// Barrier returns when the view shows everything that was acknowledged before the call.
func (g *Group) Barrier(ctx context.Context) error {
	p, err := g.Fresh(ctx)
	if err != nil {
		return err
	}
	_, err = g.view.Wait(ctx, p.epoch)
	return err
}

func (g *Group) applyAt(ctx context.Context, q ApplyRequest) (ApplyReply, error) {
	return route(ctx, g, query[ApplyReply]{
		hop: q.Hop,
		here: func(ctx context.Context) (ApplyReply, error) {
			epoch, err := g.commit(ctx, q.Command)
			return ApplyReply{Epoch: epoch}, err
		},
		there: func(ctx context.Context, h Handler, hop Hop) (ApplyReply, error) {
			return h.Apply(ctx, ApplyRequest{Hop: hop, Command: q.Command})
		},
	})
}

func (g *Group) planAt(ctx context.Context, q PlanRequest) (PlanReply, error) {
	return route(ctx, g, query[PlanReply]{
		hop: q.Hop, repeatable: true,
		here: func(ctx context.Context) (PlanReply, error) {
			if err := g.catchUp(ctx); err != nil {
				return PlanReply{}, err
			}
			now := g.machine.now.Load()
			if now == nil {
				return PlanReply{}, errNotLeader // see commit
			}
			data, err := now.state.seal(false)
			return PlanReply{Plan: data}, err
		},
		there: func(ctx context.Context, h Handler, hop Hop) (PlanReply, error) {
			return h.Plan(ctx, PlanRequest{Hop: hop, Fresh: true})
		},
	})
}

// commit performs a command at the leader, once the region is founded.
func (g *Group) commit(ctx context.Context, command []byte) (epoch uint64, err error) {
	if g.machine.now.Load() == nil {
		return 0, errNotLeader // it does not know yet what it leads
	}
	return g.decide(ctx, command)
}

// decide lets raft decide on a command.
func (g *Group) decide(ctx context.Context, command []byte) (epoch uint64, err error) {
	var f raft.ApplyFuture
	err = g.await(ctx, func() raft.Future {
		f = g.raft.Apply(command, raftTimeout)
		return f
	})
	if err != nil {
		return 0, err
	}
	r := f.Response().(Result)
	return r.Epoch, r.Err
}

// catchUp waits until the state shows all that was decided before.
func (g *Group) catchUp(ctx context.Context) error {
	return g.await(ctx, func() raft.Future { return g.raft.Barrier(raftTimeout) })
}

// raftTimeout bounds how long raft may take to accept a request. How long it takes to
// decide is bounded by the leader's lease.
const raftTimeout = 5 * time.Second

// await asks raft for something and waits for its answer, and says what it means for a
// command. Raft cannot be told to wait no longer, so what it has not answered is counted:
// see drain.
func (g *Group) await(ctx context.Context, ask func() raft.Future) error {
	g.asked.Add(1)
	if g.ctx.Err() != nil {
		g.asked.Add(-1)
		return raftError(raft.ErrRaftShutdown)
	}
	done := make(chan error, 1)
	go func() {
		defer g.asked.Add(-1)
		done <- ask().Error()
	}()
	select {
	case err := <-done:
		return raftError(err)
	case <-ctx.Done():
		return opError("control.Apply", gazetteer.Deadline, "no decision in time (%v): the command is performed or not; look at the plan", ctx.Err())
	}
}

// drain waits until raft has answered everything it was asked: it forgets some of it when
// it is shut down, and who waits for that would wait for ever. A leader without streams
// has answered all when its lease is over.
func (g *Group) drain() {
	for wait := time.Duration(0); g.asked.Load() > 0 && wait < 2*g.cfg.Heartbeat; wait += drainStep {
		time.Sleep(drainStep)
	}
}

const drainStep = 5 * time.Millisecond

func raftError(err error) error {
	switch {
	case err == nil:
		return nil
	case errors.Is(err, raft.ErrNotLeader), errors.Is(err, raft.ErrLeadershipTransferInProgress), errors.Is(err, raft.ErrEnqueueTimeout):
		return errNotLeader // nothing was done
	case errors.Is(err, raft.ErrRaftShutdown):
		return opError("control.Apply", gazetteer.Unavailable, "this process is shutting down")
	}
	return opError("control.Apply", gazetteer.Deadline, "%v: the command is performed or not; look at the plan", err)
}
