package control

import (
	"context"
	"errors"
	"time"

	"gazetteer"
)

// Serve answers a request that came over the peer port from another process.
func (g *Group) Serve(ctx context.Context, request []byte) ([]byte, error) {
	return Serve(ctx, door{g}, request)
}

// door answers other processes. Where a method of Group waits long for a leader and then
// fails, it waits a little and then says that it found none: the asker may ask elsewhere.
type door struct{ g *Group }

var _ Handler = door{}

func (d door) Join(ctx context.Context, q JoinRequest) (JoinReply, error) {
	ctx, cancel := context.WithTimeout(ctx, passTimeout)
	defer cancel()
	r, err := d.g.joinAt(ctx, q)
	if errors.Is(err, errNotLeader) {
		return JoinReply{Routed: Routed{NotLeader: true}}, nil
	}
	return r, err
}

func (d door) Apply(ctx context.Context, q ApplyRequest) (ApplyReply, error) {
	ctx, cancel := context.WithTimeout(ctx, passTimeout)
	defer cancel()
	r, err := d.g.applyAt(ctx, q)
	if errors.Is(err, errNotLeader) {
		return ApplyReply{Routed: Routed{NotLeader: true}}, nil
	}
	return r, err
}

func (d door) Acknowledge(ctx context.Context, q AckRequest) (AckReply, error) {
	ctx, cancel := context.WithTimeout(ctx, passTimeout)
	defer cancel()
	r, err := d.g.ackAt(ctx, q)
	if errors.Is(err, errNotLeader) {
		return AckReply{Routed: Routed{NotLeader: true}}, nil
	}
	return r, err
}

func (d door) Plan(ctx context.Context, q PlanRequest) (PlanReply, error) {
	if !q.Fresh {
		return d.g.newer(ctx, q.After)
	}
	ctx, cancel := context.WithTimeout(ctx, passTimeout)
	defer cancel()
	r, err := d.g.planAt(ctx, q)
	if errors.Is(err, errNotLeader) {
		return PlanReply{Routed: Routed{NotLeader: true}}, nil
	}
	return r, err
}

// newer returns the plan in use once it is newer than what the asker has, or nothing
// after a while.
func (g *Group) newer(ctx context.Context, after uint64) (PlanReply, error) {
	ctx, cancel := context.WithTimeout(ctx, planWait)
	defer cancel()
	p, err := g.view.Wait(ctx, after+1)
	if err != nil || p.agreed == nil {
		return PlanReply{}, nil
	}
	data, err := p.agreed.seal(false)
	return PlanReply{Plan: data}, err
}

// joinAt lets a process in, at the leader.
func (g *Group) joinAt(ctx context.Context, q JoinRequest) (JoinReply, error) {
	if q.Version != commandVersion {
		return JoinReply{}, opError("control.Join", gazetteer.Unsupported, "the node %q understands commands of version %d, the region uses %d: run the same version of the program", q.Node.Name, q.Version, commandVersion)
	}
	if q.Server == "" || q.Node.Addr == "" {
		return JoinReply{}, opError("control.Join", gazetteer.Invalid, "the node %q does not say its data directory or its peer address", q.Node.Name)
	}
	hash, err := hashToken(q.Token, g.id.Region)
	if err != nil {
		return JoinReply{}, err
	}
	return route(ctx, g, query[JoinReply]{
		hop: q.Hop, repeatable: true,
		here: func(ctx context.Context) (JoinReply, error) { return g.letIn(ctx, q, hash) },
		there: func(ctx context.Context, h Handler, hop Hop) (JoinReply, error) {
			q.Hop = hop
			return h.Join(ctx, q)
		},
	})
}

func (g *Group) letIn(ctx context.Context, q JoinRequest, hash string) (JoinReply, error) {
	c, err := Command{Edit: join{Node: q.Node, Server: q.Server, Hash: hash, At: g.cfg.Now().UnixMilli()}}.Encode()
	if err != nil {
		return JoinReply{}, err
	}
	if _, err := g.commit(ctx, c); err != nil {
		return JoinReply{}, err
	}
	data, err := g.machine.now.Load().state.seal(false)
	return JoinReply{Region: g.id.Region, Group: g.id.Group, Plan: data}, err
}

// NewToken makes a join token: up to so many processes may join by it, with some or all
// of these roles, for at most [MaxTokenTTL]. It is shown here and never again.
func (g *Group) NewToken(ctx context.Context, t TokenSpec) (string, error) {
	text := newToken(g.id.Region)
	hash, err := hashToken(text, g.id.Region)
	if err != nil {
		return "", err
	}
	now := g.cfg.Now()
	_, err = g.Apply(ctx, Command{Edit: addToken{
		Token: joinToken{Hash: hash, Roles: t.Roles, Uses: t.Uses, Expires: now.Add(t.TTL).UnixMilli()},
		At:    now.UnixMilli(),
	}})
	if err != nil {
		return "", err
	}
	return text, nil
}

// Leave takes this process out of its region and returns when the others have forgotten
// it, or when that has ended the region. What would be lost with it makes it refused
// unless forced, see [Remove].
func (g *Group) Leave(ctx context.Context, force bool) error {
	self := g.cfg.Node.Name
	_, err := g.Edit(ctx, func(*Plan) (Command, error) {
		return Command{Edit: Remove{Node: self, Force: force}}, nil
	})
	if err != nil {
		return err
	}
	for {
		changed := g.view.Changed()
		if p := g.view.Plan(); p.Ended() || !p.names(self) {
			return nil
		}
		select {
		case <-changed:
		case <-time.After(askAgain):
			g.followOnce(ctx, 0)
		case <-ctx.Done():
			return waitError(ctx, "the node %q is leaving, but the others have not let it go yet", self)
		}
	}
}

func (p *Plan) names(n gazetteer.NodeID) bool {
	_, ok := p.Member(n)
	return ok
}
