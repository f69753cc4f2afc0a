package planet

import (
	"cmp"
	"context"
	"slices"
	"time"

	"gazetteer"
	"gazetteer/cluster"
	"gazetteer/region"
	"gazetteer/region/control"
)

// Operator lets the faces run this region and its planet.
type Operator struct{ p *Planet }

var _ region.Operator = Operator{}

// Operator returns what the faces need.
func (p *Planet) Operator() Operator { return Operator{p} }

// Topology returns the planet as this region knows it.
func (o Operator) Topology(ctx context.Context) (region.Topology, error) {
	return o.p.topologyNow(ctx)
}

// AdmitRegion expects a new region.
func (o Operator) AdmitRegion(ctx context.Context, r gazetteer.RegionID) (region.JoinToken, error) {
	text, until, err := o.p.Admit(ctx, r)
	return region.JoinToken{Text: text, Until: until, Contacts: o.p.plan().Regional()}, err
}

// DrainRegion sends a region's clients elsewhere, or back again.
func (o Operator) DrainRegion(ctx context.Context, r gazetteer.RegionID, drain bool) error {
	return o.p.Drain(ctx, r, drain)
}

// BiasRegion makes a region nearer or farther for all clients.
func (o Operator) BiasRegion(ctx context.Context, r gazetteer.RegionID, bias time.Duration) error {
	return o.p.Bias(ctx, r, bias)
}

// RemoveRegion takes a region out of the planet for good.
func (o Operator) RemoveRegion(ctx context.Context, r gazetteer.RegionID, force bool) error {
	return o.p.Remove(ctx, r, force)
}

// Members returns the processes of this region, by name.
func (o Operator) Members(ctx context.Context) ([]region.MemberStatus, error) {
	g := o.p.Group
	plan := g.View().Plan()
	leader, _ := g.Leader()
	used := g.Acknowledged()
	var out []region.MemberStatus
	for _, m := range plan.Members() {
		s := region.MemberStatus{
			Node: m.Name, Roles: m.Roles, Peer: m.Addr, HTTP: m.HTTP, State: string(m.State),
			Leader: m.Name == leader.Node, Plan: used[m.Name],
		}
		for _, r := range ringsOf(plan) {
			if slices.Contains(r.Members, m.Name) {
				s.Rings = append(s.Rings, r.Name)
			}
		}
		out = append(out, s)
	}
	slices.SortFunc(out, func(a, b region.MemberStatus) int { return cmp.Compare(a.Node, b.Node) })
	return out, nil
}

// ringsOf returns all rings of clients' types, each once.
func ringsOf(p *control.Plan) (out []region.RingStatus) {
	for _, c := range clustersOf(p) {
		for _, r := range c.Rings {
			if !slices.ContainsFunc(out, func(s region.RingStatus) bool { return s.Name == r.Name }) {
				out = append(out, r)
			}
		}
	}
	return out
}

// AdmitMember returns a token by which processes join this region.
func (o Operator) AdmitMember(ctx context.Context, roles []region.Role, uses int, ttl time.Duration) (region.JoinToken, error) {
	ttl = cmp.Or(ttl, control.MaxTokenTTL)
	until := o.p.Now().Add(ttl).Truncate(time.Second)
	text, err := o.p.Group.NewToken(ctx, control.TokenSpec{Roles: roles, Uses: max(uses, 1), TTL: ttl})
	return region.JoinToken{Text: text, Until: until, Contacts: o.p.plan().Regional()}, err
}

// RemoveMember takes a process out of the region for good.
func (o Operator) RemoveMember(ctx context.Context, n gazetteer.NodeID, force bool) error {
	return o.p.edit(ctx, func() control.Edit { return control.Remove{Node: n, Force: force} })
}

// Rings returns the clusters of this region.
func (o Operator) Rings(context.Context) ([]region.ClusterStatus, error) {
	return clustersOf(o.p.plan()), nil
}

// clustersOf returns the default cluster, then those of the types that the plan names.
func clustersOf(p *control.Plan) []region.ClusterStatus {
	const others = gazetteer.Type("") // has the rings of all types that the plan does not name
	out := []region.ClusterStatus{clusterOf(p, others)}
	for _, t := range p.Types() {
		if !t.Internal() {
			out = append(out, clusterOf(p, t))
		}
	}
	return out
}

func clusterOf(p *control.Plan, t gazetteer.Type) region.ClusterStatus {
	moving := len(p.Moves(t))
	c := region.ClusterStatus{Type: t, Moving: moving, Pending: p.Pending(t) - moving, Auto: p.Auto(t)}
	for _, r := range p.Rings(t) {
		c.Rings = append(c.Rings, region.RingStatus{Name: r.Name, Members: r.Members, Partitions: len(r.Partitions)})
	}
	return c
}

// AddRing gives a cluster one more ring.
func (o Operator) AddRing(ctx context.Context, t gazetteer.Type, ring string, members []gazetteer.NodeID) error {
	_, err := o.p.Group.Edit(ctx, func(p *control.Plan) (control.Command, error) { return p.WithRing(t, ring, members) })
	return err
}

// SetRing changes who mirrors a ring.
func (o Operator) SetRing(ctx context.Context, t gazetteer.Type, ring string, members []gazetteer.NodeID, force bool) error {
	_, err := o.p.Group.Edit(ctx, func(p *control.Plan) (control.Command, error) { return p.WithMembers(t, ring, members, force) })
	return err
}

// RemoveRing moves a ring's partitions to the others, then forgets it.
func (o Operator) RemoveRing(ctx context.Context, t gazetteer.Type, ring string) error {
	_, err := o.p.Group.Edit(ctx, func(p *control.Plan) (control.Command, error) { return p.WithoutRing(t, ring) })
	return err
}

// SetAuto makes the rings of a cluster follow its demand.
func (o Operator) SetAuto(ctx context.Context, t gazetteer.Type, a *cluster.Auto) error {
	_, err := o.p.Group.Edit(ctx, func(p *control.Plan) (control.Command, error) { return p.WithAuto(t, a) })
	return err
}
