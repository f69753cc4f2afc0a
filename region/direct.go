package region

import (
	"context"
	"fmt"
	"slices"

	"gazetteer"
)

// A client may keep the plan of a type and ask a replica itself. What it gets is the
// replica's own word or none: a server that was asked by an older plan says so, and asks
// nobody else.

// Direct is what the faces need for such clients.
type Direct interface {
	// Owners returns who holds a type in this region. Unknown type: NotFound.
	Owners(ctx context.Context, t gazetteer.Type) (Owners, error)
	// GetDirect is Get out of this process's own replica. WrongOwner with the epoch of the
	// plan that says so: it has none that owns the resource, or that can tell now.
	GetDirect(ctx context.Context, k gazetteer.Key) (gazetteer.Record, error)
}

// Owners says which replicas hold which partitions of a type, by one plan of a region.
type Owners struct {
	Region gazetteer.RegionID
	Epoch  uint64 // of the plan
	Type   gazetteer.Type
	Rings  []OwnerRing
	// Placement is the index in Rings of the owner of each partition, -1 for none; it is as
	// long as the planet has partitions.
	Placement []int
}

// OwnerRing is one ring: its members in ring order.
type OwnerRing struct {
	Name    string
	Members []Owner
}

// Owner is one replica as its clients see it.
type Owner struct {
	Node gazetteer.NodeID
	HTTP string // host:port of its REST face; "": it has none, or it is not known
	Live bool   // as far as the plan knows
}

// addressed is a plan that knows where the REST faces of its nodes are.
type addressed interface {
	HTTP(n gazetteer.NodeID) string
}

// Owners returns who holds a type by the plan in use.
func (s *Server) Owners(ctx context.Context, t gazetteer.Type) (Owners, error) {
	if _, err := s.user(ctx, t); err != nil {
		return Owners{}, s.count.fail(err)
	}
	p := s.groups.plan()
	o := Owners{Region: s.region, Epoch: p.Epoch(), Type: t, Placement: slices.Repeat([]int{-1}, int(p.Partitions()))}
	for i, r := range p.Rings(t) {
		o.Rings = append(o.Rings, OwnerRing{Name: r.Name, Members: ownersIn(p, r.Members)})
		for _, q := range r.Partitions {
			o.Placement[q.Index] = i
		}
	}
	return o, nil
}

func ownersIn(p Plan, members []gazetteer.NodeID) []Owner {
	known, _ := p.(addressed)
	out := make([]Owner, len(members))
	for i, n := range members {
		out[i] = Owner{Node: n, Live: !p.Dead(n)}
		if known != nil {
			out[i].HTTP = known.HTTP(n)
		}
	}
	return out
}

// GetDirect returns a record whole, out of this process's own replica.
func (s *Server) GetDirect(ctx context.Context, k gazetteer.Key) (gazetteer.Record, error) {
	f, err := s.Fetch(ctx, Want{Key: k, Direct: true})
	return f.Record, err
}

// ownReader is a cluster server that can ask the replica of its own process alone.
type ownReader interface {
	ReadOwn(ctx context.Context, dst []byte, k gazetteer.Key) ([]byte, ReadInfo, error)
}

func (s *Server) readOwn(ctx context.Context, dst []byte, k gazetteer.Key) ([]byte, ReadInfo, error) {
	if s.own == nil {
		return dst, ReadInfo{}, misdirected(k, s.groups.plan().Epoch(), "this server has no replica", nil)
	}
	return s.own.ReadOwn(ctx, dst, k)
}

// ReadOwn reads from the replica of this process, if by the plan in use its ring owns the
// resource. Everything that another replica may do better is WrongOwner, and so is a miss
// while the partition moves: the resource may be at the ring that holds it, too.
func (s *ClusterServer) ReadOwn(ctx context.Context, dst []byte, k gazetteer.Key) ([]byte, ReadInfo, error) {
	w, epoch := s.way(gazetteer.PartitionOf(k, s.partitions))
	m := w.owner.own()
	if m == nil {
		return dst, ReadInfo{}, misdirected(k, epoch, "this server is in no ring that owns it", nil)
	}
	out, info, err := m.tier.Read(ctx, dst, k)
	switch {
	case err != nil && elsewhere(err):
		return dst, info, misdirected(k, epoch, "this server's replica cannot answer now", err)
	case err == nil && len(out) == len(dst) && w.other != nil:
		return dst, info, misdirected(k, epoch, "its partition is on its way between two rings, and nothing of it is here", nil)
	}
	return out, info, err
}

// own returns the member of this process, nil if there is none.
func (g *group) own() *member {
	if g == nil {
		return nil
	}
	i := slices.IndexFunc(g.members, func(m *member) bool { return m.local })
	if i < 0 {
		return nil
	}
	return g.members[i]
}

func misdirected(k gazetteer.Key, epoch uint64, why string, err error) error {
	return &gazetteer.Error{Op: "region.Direct", Kind: gazetteer.WrongOwner, Key: k, Plan: epoch, Err: err,
		Detail: fmt.Sprintf("%s, by plan %d; ask without direct, or by the newest plan", why, epoch)}
}

// readAsked reads the record that a query asks for, as it wants it read.
func (s *Server) readAsked(ctx context.Context, dst []byte, q *Query, spec *TypeSpec) ([]byte, ReadInfo, error) {
	if !q.Direct {
		out, info, err := s.readFor(ctx, dst, q, spec)
		if err != nil {
			return out, info, atEdge(err)
		}
		return s.fresher(ctx, dst, q, spec, out, info)
	}
	if pinned := spec.Policy.Region(); pinned != "" && pinned != s.region {
		return dst, ReadInfo{}, misdirected(q.Key, s.groups.plan().Epoch(), "its type's policy has another region answer", nil)
	}
	out, info, err := s.readOwn(ctx, dst, q.Key)
	if err == nil && !info.within(q.MaxStale) {
		return dst, ReadInfo{}, misdirected(q.Key, s.groups.plan().Epoch(), "what this replica knows is older than was asked for", nil)
	}
	return out, info, err
}
