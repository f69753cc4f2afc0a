package resttest

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"gazetteer"
	"gazetteer/cluster"
	"gazetteer/region"
)

// Epoch is when a token of an Operator is made.
func Epoch() time.Time { return time.Date(2027, 3, 1, 12, 0, 0, 0, time.UTC) }

// Operator implements region.Operator: the planet of the regions r1, r2 and r3 as r1 knows
// it, whose nodes are n1 to n4. Fields may be set before it serves.
type Operator struct {
	// Down is what every question and change answers; nil: it works.
	Down error

	mu       sync.Mutex // guards following
	topology region.Topology
	members  []region.MemberStatus
	clusters []region.ClusterStatus
	tokens   int
}

var _ region.Operator = (*Operator)(nil)

// NewOperator returns r1 with a default cluster of one ring of n1 and n2, and a ring of n3
// for the type ndt; n4 is in no ring.
func NewOperator() *Operator {
	all := []region.Role{region.RoleRegion, region.RoleCluster, region.RoleReplica}
	return &Operator{
		topology: topology(),
		members: []region.MemberStatus{
			{Node: "n1", Roles: all, Peer: "192.0.2.1:7070", State: "live", Leader: true, Plan: 7, Rings: []string{"ring-1"}},
			{Node: "n2", Roles: all[1:], Peer: "192.0.2.2:7070", State: "live", Plan: 7, Rings: []string{"ring-1"}},
			{Node: "n3", Roles: all[1:], Peer: "192.0.2.3:7070", State: "dead", Plan: 6, Rings: []string{"ring-ndt"}},
			{Node: "n4", Roles: all[2:], Peer: "192.0.2.4:7070", State: "live", Plan: 7},
		},
		clusters: []region.ClusterStatus{
			{Rings: []region.RingStatus{{Name: "ring-1", Members: []gazetteer.NodeID{"n1", "n2"}, Partitions: 271}}},
			{Type: "ndt", Rings: []region.RingStatus{{Name: "ring-ndt", Members: []gazetteer.NodeID{"n3"}, Partitions: 271}}},
		},
	}
}

func topology() region.Topology {
	return region.Topology{
		Epoch: "7.r2", Running: "8.r1", Due: "cost",
		Regions: []region.RegionStatus{
			{Name: "r1", Point: gazetteer.Point{Lat: 38.9, Lon: -77.4}, Located: true, State: "live", Self: true, Stores: 4,
				Servers: []region.RegionServer{{Node: "n1", Peer: "192.0.2.1:7070"}}},
			{Name: "r2", Point: gazetteer.Point{Lat: 53.3}, Located: true, State: "live", RTT: 68_300 * time.Microsecond, Silent: 200 * time.Millisecond, Lag: 1_234_500 * time.Microsecond, Stores: 2,
				Servers: []region.RegionServer{{Node: "r2-1", Peer: "198.51.100.1:7070", HTTP: "198.51.100.1:8080"}}},
			{Name: "r3", State: "unreachable", Silent: 90 * time.Second, Lag: -1, Stores: 1},
		},
		Edges: []region.TopologyEdge{
			{A: "r1", B: "r2", Cost: 68_300 * time.Microsecond, Tree: true},
			{A: "r1", B: "r3", Cost: 140_007 * time.Microsecond},
			{A: "r2", B: "r3", Cost: 90 * time.Millisecond, Provisional: true},
		},
		Weight: 158_300 * time.Microsecond, Messages: 42, Installed: 812 * time.Millisecond,
	}
}

// Topology returns the planet.
func (o *Operator) Topology(ctx context.Context) (region.Topology, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	t := o.topology
	t.Regions = slices.Clone(t.Regions)
	return t, cmp.Or(ctx.Err(), o.Down)
}

// AdmitRegion expects a region that is not there yet.
func (o *Operator) AdmitRegion(_ context.Context, r gazetteer.RegionID) (region.JoinToken, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.Down != nil {
		return region.JoinToken{}, o.Down
	}
	if o.regionLocked(r) != nil {
		return region.JoinToken{}, forbidden("/region", "there is a region %q already", r)
	}
	o.topology.Regions = append(o.topology.Regions, region.RegionStatus{Name: r, State: "expected", Lag: -1})
	slices.SortFunc(o.topology.Regions, func(a, b region.RegionStatus) int { return cmp.Compare(a.Name, b.Name) })
	return o.tokenLocked(30 * time.Minute), nil
}

func (o *Operator) regionLocked(r gazetteer.RegionID) *region.RegionStatus {
	for i := range o.topology.Regions {
		if o.topology.Regions[i].Name == r {
			return &o.topology.Regions[i]
		}
	}
	return nil
}

func (o *Operator) tokenLocked(ttl time.Duration) region.JoinToken {
	o.tokens++
	return region.JoinToken{
		Text: fmt.Sprintf("gzj-secret-%d", o.tokens), Until: Epoch().Add(ttl),
		Contacts: []string{"192.0.2.1:7070", "192.0.2.2:7070"},
	}
}

// DrainRegion changes the state of a region.
func (o *Operator) DrainRegion(_ context.Context, r gazetteer.RegionID, drain bool) error {
	return o.change(func() error {
		known := o.regionLocked(r)
		if known == nil {
			return unknown("/region", "no region is named %q", r)
		}
		if known.State = "live"; drain {
			known.State = "draining"
		}
		return nil
	})
}

// BiasRegion changes the bias of a region.
func (o *Operator) BiasRegion(_ context.Context, r gazetteer.RegionID, bias time.Duration) error {
	return o.change(func() error {
		known := o.regionLocked(r)
		if known == nil {
			return unknown("/region", "no region is named %q", r)
		}
		known.Bias = bias
		return nil
	})
}

// RemoveRegion forgets a region that does not live, or any by force.
func (o *Operator) RemoveRegion(_ context.Context, r gazetteer.RegionID, force bool) error {
	return o.change(func() error {
		known := o.regionLocked(r)
		switch {
		case known == nil:
			return unknown("/region", "no region is named %q", r)
		case known.State == "live" && !force:
			return forbidden("/region", "%q lives: what it has not sent yet would be lost; drain it first, or force it", r)
		}
		o.topology.Regions = slices.DeleteFunc(o.topology.Regions, func(s region.RegionStatus) bool { return s.Name == r })
		return nil
	})
}

// Members returns the processes of r1.
func (o *Operator) Members(context.Context) ([]region.MemberStatus, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	return slices.Clone(o.members), o.Down
}

// SetHTTP says where the REST face of a node is.
func (o *Operator) SetHTTP(n gazetteer.NodeID, addr string) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.memberLocked(n).HTTP = addr
}

func (o *Operator) memberLocked(n gazetteer.NodeID) *region.MemberStatus {
	for i := range o.members {
		if o.members[i].Node == n {
			return &o.members[i]
		}
	}
	return nil
}

// AdmitMember makes a token, for an hour at most.
func (o *Operator) AdmitMember(_ context.Context, _ []region.Role, _ int, ttl time.Duration) (region.JoinToken, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	switch {
	case o.Down != nil:
		return region.JoinToken{}, o.Down
	case ttl > time.Hour:
		return region.JoinToken{}, &gazetteer.Error{Op: "resttest", Kind: gazetteer.Unprocessable, Pointer: "/token/expires", Detail: "a join token is good for at most 1h0m0s"}
	}
	return o.tokenLocked(ttl), nil
}

// RemoveMember forgets a process that is not the only one of a ring, or any by force.
func (o *Operator) RemoveMember(_ context.Context, n gazetteer.NodeID, force bool) error {
	return o.change(func() error {
		known := o.memberLocked(n)
		switch {
		case known == nil:
			return unknown("/node", "no member is named %q", n)
		case len(known.Rings) > 0 && !force:
			return forbidden("/node", "%q stays: it is a replica of %v. Force it", n, known.Rings)
		}
		o.members = slices.DeleteFunc(o.members, func(m region.MemberStatus) bool { return m.Node == n })
		return nil
	})
}

// Rings returns the clusters of r1.
func (o *Operator) Rings(context.Context) ([]region.ClusterStatus, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	out := slices.Clone(o.clusters)
	for i := range out {
		out[i].Rings = slices.Clone(out[i].Rings)
	}
	return out, o.Down
}

func (o *Operator) clusterLocked(t gazetteer.Type) *region.ClusterStatus {
	for i := range o.clusters {
		if o.clusters[i].Type == t {
			return &o.clusters[i]
		}
	}
	return nil
}

// AddRing adds a ring without partitions; all its share is still to move.
func (o *Operator) AddRing(_ context.Context, t gazetteer.Type, name string, members []gazetteer.NodeID) error {
	return o.change(func() error {
		c := o.clusterLocked(t)
		if c == nil {
			return unknown("/type", "the type %q has no cluster of its own", t)
		}
		if slices.ContainsFunc(c.Rings, func(r region.RingStatus) bool { return r.Name == name }) {
			return forbidden("/ring", "the ring %q is there already", name)
		}
		if err := o.knownLocked(members); err != nil {
			return err
		}
		c.Rings = append(c.Rings, region.RingStatus{Name: name, Members: members})
		c.Pending += c.Rings[0].Partitions / len(c.Rings)
		return nil
	})
}

// SetRing changes the members of a ring, if one of them stays or by force.
func (o *Operator) SetRing(_ context.Context, t gazetteer.Type, name string, members []gazetteer.NodeID, force bool) error {
	return o.change(func() error {
		c := o.clusterLocked(t)
		if c == nil {
			return unknown("/type", "the type %q has no cluster of its own", t)
		}
		at := slices.IndexFunc(c.Rings, func(r region.RingStatus) bool { return r.Name == name })
		if at < 0 {
			return unknown("/ring", "there is no ring %q", name)
		}
		if err := o.knownLocked(members); err != nil {
			return err
		}
		stays := slices.ContainsFunc(members, func(n gazetteer.NodeID) bool { return slices.Contains(c.Rings[at].Members, n) })
		if !stays && !force {
			return forbidden("/members", "no live replica of the ring %s would stay: what it holds would be lost", name)
		}
		c.Rings[at].Members = members
		return nil
	})
}

func (o *Operator) knownLocked(members []gazetteer.NodeID) error {
	for _, n := range members {
		if o.memberLocked(n) == nil {
			return unknown("/members", "no member is named %q", n)
		}
	}
	return nil
}

// RemoveRing removes a ring that is not the last of its cluster.
func (o *Operator) RemoveRing(_ context.Context, t gazetteer.Type, name string) error {
	return o.change(func() error {
		c := o.clusterLocked(t)
		if c == nil {
			return unknown("/type", "the type %q has no cluster of its own", t)
		}
		at := slices.IndexFunc(c.Rings, func(r region.RingStatus) bool { return r.Name == name })
		switch {
		case at < 0:
			return unknown("/ring", "there is no ring %q", name)
		case len(c.Rings) == 1:
			return forbidden("/ring", "%q is the last ring; add another first", name)
		}
		c.Rings = slices.Delete(c.Rings, at, at+1)
		return nil
	})
}

// SetAuto keeps what the rings of a cluster are to follow their demand by.
func (o *Operator) SetAuto(_ context.Context, t gazetteer.Type, a *cluster.Auto) error {
	return o.change(func() error {
		c := o.clusterLocked(t)
		if c == nil {
			return unknown("/type", "the type %q has no cluster of its own", t)
		}
		if a != nil {
			var e *gazetteer.Error
			if errors.As(a.Check(gazetteer.DefaultPartitions), &e) {
				return &gazetteer.Error{Op: "resttest", Kind: e.Kind, Pointer: "/auto" + e.Pointer, Detail: e.Detail}
			}
		}
		c.Auto = a
		return nil
	})
}

func (o *Operator) change(f func() error) error {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.Down != nil {
		return o.Down
	}
	return f()
}

func unknown(pointer, format string, args ...any) error {
	return &gazetteer.Error{Op: "resttest", Kind: gazetteer.NotFound, Pointer: pointer, Detail: fmt.Sprintf(format, args...)}
}

func forbidden(pointer, format string, args ...any) error {
	return &gazetteer.Error{Op: "resttest", Kind: gazetteer.Conflict, Pointer: pointer, Detail: fmt.Sprintf(format, args...)}
}
