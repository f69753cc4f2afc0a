package main

import (
	"context"
	"time"

	"gazetteer"
	"gazetteer/api/peer"
	"gazetteer/region"
	"gazetteer/region/agent"
	"gazetteer/region/demand"
	"gazetteer/region/planet"
)

// offerServices answers what other processes ask beside data: how to join, what the plan
// is, who the relays are, what the region's voice has to hear.
func (m *member) offerServices() {
	if m.plan != nil {
		return
	}
	m.transport.HandleControl(func(ctx context.Context, request []byte) ([]byte, error) {
		if !m.up.Load() {
			return nil, notYet()
		}
		return m.group.Serve(ctx, request)
	})
	m.transport.HandleService(planet.DirectoryService, func(ctx context.Context, _ peer.Caller, request []byte) ([]byte, error) {
		if !m.up.Load() {
			return nil, notYet()
		}
		return m.planet.Serve(ctx, request)
	})
	m.transport.HandleService(planet.VoiceService, func(_ context.Context, from peer.Caller, request []byte) ([]byte, error) {
		if !m.up.Load() {
			return nil, notYet()
		}
		return m.planet.ServeVoice(from.Region, request)
	})
	m.transport.HandleService(demand.Service, func(ctx context.Context, _ peer.Caller, request []byte) ([]byte, error) {
		if !m.up.Load() || m.watch == nil {
			return nil, notYet()
		}
		return m.watch.Serve(ctx, request)
	})
}

// notYet is the answer of a process that is still on its way into its region.
func notYet() error {
	return &gazetteer.Error{Op: "gazetteer.Serve", Kind: gazetteer.Unavailable, Detail: "this process is starting"}
}

// offerTiers answers what other processes ask of this one's servers.
func (m *member) offerTiers() {
	if m.transport == nil {
		return
	}
	for role, tier := range m.node.Tiers() {
		if role == region.RoleReplica {
			m.transport.HandleInline(role, tier)
		} else {
			m.transport.Handle(role, tier)
		}
	}
}

// follow makes the process use each plan that its region agrees on, and tells the region
// so.
func (m *member) follow(ctx context.Context) {
	defer close(m.followed)
	for {
		changed := m.group.View().Changed()
		plan := m.group.View().Plan()
		m.node.Replan(plan)
		m.group.Acknowledge(plan.Epoch())
		select {
		case <-changed:
		case <-ctx.Done():
			return
		}
	}
}

// beyond tells the node what lies beyond its region.
func (m *member) beyond(b planet.Beyond) {
	m.node.SetPlanet(agent.Planet{Epoch: b.Epoch, Stores: b.Stores, Edges: b.Edges, Tree: b.Tree})
}

// elsewhere is what the regional server knows of other regions: nothing while the process
// is still on its way into its own.
type elsewhere struct{ m *member }

func (e elsewhere) Nearest() []region.Far {
	if !e.m.up.Load() {
		return nil
	}
	return e.m.planet.Nearest()
}

func (e elsewhere) Of(r gazetteer.RegionID) (region.Far, bool) {
	if !e.m.up.Load() {
		return region.Far{}, false
	}
	return e.m.planet.Of(r)
}

func (e elsewhere) Sites() []region.Site {
	if !e.m.up.Load() {
		return nil
	}
	return e.m.planet.Sites()
}

// alone is the network of a process without a peer port.
type alone struct{}

func (alone) err() error {
	return &gazetteer.Error{Op: "gazetteer.Network", Kind: gazetteer.Unavailable, Detail: "this process has no peer port: start it with --peer"}
}

func (a alone) CallNode(context.Context, gazetteer.NodeID, string, []byte) ([]byte, error) {
	return nil, a.err()
}

func (a alone) CallAddr(context.Context, string, string, []byte) ([]byte, error) {
	return nil, a.err()
}

func (a alone) PingNode(context.Context, gazetteer.NodeID) (time.Duration, error) { return 0, a.err() }

func (alone) Tier(gazetteer.NodeID, region.Role) region.Tier { return nil }
