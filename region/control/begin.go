package control

import (
	"context"
	"errors"
	"time"

	"gazetteer"
)

// begin finds out which member of which group this process is, or makes it one.
func (g *Group) begin(ctx context.Context) error {
	id, err := g.dir.identity()
	if err != nil {
		return err
	}
	if id.Node != "" && id.Node != g.cfg.Node.Name {
		return g.dir.bad("it belongs to the node %q, this is %q", id.Node, g.cfg.Node.Name)
	}
	g.id = id
	switch {
	case id.Stage == "" && g.cfg.Found != nil:
		return g.found()
	case id.Stage == "" && len(g.cfg.Join) > 0:
		g.id = identity{Format: identityForm, Node: g.cfg.Node.Name, Server: newServer(g.cfg.Node.Name), Stage: asking}
		return g.askIn(ctx)
	case id.Stage == "":
		return opError("control.Start", gazetteer.Invalid, "the node %q belongs to no region yet: give it a plan to found one with, or addresses and a token to join one", g.cfg.Node.Name)
	case id.Stage == asking:
		return g.askIn(ctx)
	}
	return g.resume()
}

// found makes the first plan durable before raft begins, so that a crash in between is
// followed by the same region.
func (g *Group) found() error {
	g.id = identity{
		Format: identityForm, Region: g.cfg.Found.Region, Node: g.cfg.Node.Name,
		Server: newServer(g.cfg.Node.Name), Group: randomHex(), Stage: founding,
	}
	s, err := foundingState(*g.cfg.Found, g.cfg.Node.Name, g.id.Server)
	if err != nil {
		return err
	}
	a, err := newPublished(s)
	if err != nil {
		return err
	}
	if err := g.save(s); err != nil {
		return err
	}
	g.first, g.pub = s, a
	g.view.offer(a.plan)
	return nil
}

// save keeps the plan first: an identity without it would be believed.
func (g *Group) save(s *state) error {
	return inOrder(
		func() error { return g.dir.savePlan(s) },
		func() error { return g.dir.saveIdentity(g.id) },
	)
}

func newPublished(s *state) (*agreed, error) {
	p, err := newAgreed(s)
	return &agreed{s, p}, err
}

// resume goes on with the plan used last, before raft has a quorum or other members
// answer. A plan file that is damaged is not believed: the others have the plan.
func (g *Group) resume() error {
	if g.cfg.Found != nil && g.cfg.Found.Region != g.id.Region {
		return g.dir.bad("it belongs to the region %q, not to %q", g.id.Region, g.cfg.Found.Region)
	}
	last, err := g.dir.plan()
	if g.id.Stage == founding && (err != nil || last == nil) {
		return g.dir.bad("the plan that the region begins with cannot be read: %v", err)
	}
	if err != nil {
		g.log.Warn("the last plan cannot be used; waiting for raft or another member", "error", err)
	}
	if last == nil || last.state.Region != g.id.Region {
		return nil
	}
	if g.id.Stage == founding {
		g.first = last.state
	}
	g.pub, g.resumed = last, true
	g.view.offer(last.plan)
	return nil
}

// freshPatience is how long a process that comes back asks for the plan of today.
const freshPatience = 3 * time.Second

// refresh gets the newest plan before this process answers by the one it had when it
// stopped. The others did not wait for it: partitions may have moved since, and what their
// new owners have acknowledged it has never seen. Where no leader can be reached in time
// nothing is decided either, as far as this process can know, and it goes on with what it
// has.
func (g *Group) refresh(ctx context.Context) {
	if g.cfg.Caller == nil || g.view.Plan() == nil || len(g.others()) == 0 {
		return
	}
	ctx, cancel := context.WithTimeout(ctx, freshPatience)
	defer cancel()
	if err := g.Barrier(ctx); err != nil {
		g.log.Warn("nobody tells the newest plan; going on with the last one", "epoch", g.epoch(), "error", err)
	}
}

// askIn asks for admission until a member lets this process in or refuses it.
func (g *Group) askIn(ctx context.Context) error {
	if g.cfg.Caller == nil || len(g.cfg.Join) == 0 {
		return opError("control.Start", gazetteer.Invalid, "the node %q was about to join a region: it needs addresses to join by", g.cfg.Node.Name)
	}
	if err := g.dir.saveIdentity(g.id); err != nil {
		return err
	}
	q := JoinRequest{Version: commandVersion, Node: g.cfg.Node, Server: g.id.Server, Token: g.cfg.Token}
	for turn := 0; ; turn++ {
		addr := g.cfg.Join[turn%len(g.cfg.Join)]
		reply, err := g.askAt(ctx, addr, q)
		if err == nil {
			return g.admitted(reply)
		}
		if answered(err) && !errors.Is(err, errNotLeader) {
			return err
		}
		g.log.Warn("no answer from the region yet", "addr", addr, "error", err)
		select {
		case <-time.After(askAgain << min(turn, 5)):
		case <-ctx.Done():
			return &gazetteer.Error{Op: "control.Start", Kind: gazetteer.Unavailable, Detail: "no member of the region has let the node in", Err: err}
		}
	}
}

func (g *Group) askAt(ctx context.Context, addr string, q JoinRequest) (JoinReply, error) {
	ctx, cancel := context.WithTimeout(ctx, callTimeout)
	defer cancel()
	reply, err := remote{g.cfg.Caller, addr}.Join(ctx, q)
	if err == nil && reply.NotLeader {
		err = noLeader(errNotLeader)
	}
	return reply, err
}

// admitted keeps what a member answered. From here on this process is a member.
func (g *Group) admitted(r JoinReply) error {
	a, err := unseal(r.Plan)
	if err != nil {
		return err
	}
	g.id.Region, g.id.Group, g.id.Stage = r.Region, r.Group, joined
	if err := g.save(a.state); err != nil {
		return err
	}
	g.pub = a
	g.view.offer(a.plan)
	return nil
}
