package region

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"gazetteer"
	"gazetteer/ring"
)

// replicaPatience is how long a cluster server waits for a replica of another process
// before it asks a second one.
const replicaPatience = 300 * time.Millisecond

// ClusterConfig says what a cluster server is made of.
type ClusterConfig struct {
	Plan      Plan
	Node      gazetteer.NodeID
	Replica   Tier      // of this process; nil if it is no replica
	Transport Transport // to replicas of other processes; nil if there are none
	// Dead reports nodes that are known not to answer; nil if nobody knows. They are
	// passed over before they cost anybody a retry.
	Dead func(gazetteer.NodeID) bool
}

// ClusterServer is the entry of the clusters of all types that the plan gives its node.
// It holds no data: it knows which ring owns a partition and which of its replicas
// answer.
type ClusterServer struct {
	plan     Plan
	node     gazetteer.NodeID
	replicas *directory

	mu     sync.Mutex                                // held by whoever replaces tables
	tables atomic.Pointer[map[gazetteer.Type]*table] // made when a type is first asked for
}

// table is the routing table of one type.
type table struct {
	rings []*group
	owner []*group // by partition index; nil if nobody owns it
}

var _ Tier = (*ClusterServer)(nil)

// NewClusterServer returns the cluster server of a node.
func NewClusterServer(c ClusterConfig) *ClusterServer {
	s := &ClusterServer{plan: c.Plan, node: c.Node, replicas: newDirectory(RoleReplica, c.Node, c.Replica, c.Transport)}
	if c.Dead != nil {
		s.replicas.dead = c.Dead
	}
	s.tables.Store(&map[gazetteer.Type]*table{})
	for _, t := range c.Plan.Types() {
		s.table(t)
	}
	return s
}

// Read asks a replica of the ring that owns the resource's partition.
func (s *ClusterServer) Read(ctx context.Context, dst []byte, k gazetteer.Key) ([]byte, ReadInfo, error) {
	g, err := s.owner(gazetteer.PartitionOf(k, s.plan.Partitions()))
	if err != nil {
		return dst, ReadInfo{}, err
	}
	if WantsHops(ctx) {
		return s.readTimed(ctx, dst, k, g)
	}
	return g.read(ctx, dst, k)
}

func (s *ClusterServer) readTimed(ctx context.Context, dst []byte, k gazetteer.Key, g *group) ([]byte, ReadInfo, error) {
	start := time.Now()
	dst, info, err := g.read(ctx, dst, k)
	inRing := time.Since(start)
	hops := []Hop{{Role: "ring", Name: g.name, Took: inRing}}
	hops = append(hops, info.Hops...)
	info.Hops = append([]Hop{{Role: "cluster server", Name: string(s.node), Took: time.Since(start)}}, hops...)
	return dst, info, err
}

// owner returns the ring that owns a partition.
func (s *ClusterServer) owner(p gazetteer.Partition) (*group, error) {
	t := s.table(p.Type)
	if int(p.Index) < len(t.owner) && t.owner[p.Index] != nil {
		return t.owner[p.Index], nil
	}
	return nil, &gazetteer.Error{Op: "region.Owner", Kind: gazetteer.WrongOwner, Key: gazetteer.Key{Type: p.Type},
		Detail: fmt.Sprintf("in plan %d no ring of this region owns partition %d", s.plan.Epoch(), p.Index)}
}

// tablesMax bounds the tables that are kept for types made at run time.
const tablesMax = 1000

func (s *ClusterServer) table(t gazetteer.Type) *table {
	if found := (*s.tables.Load())[t]; found != nil {
		return found
	}
	return s.makeTable(t)
}

func (s *ClusterServer) makeTable(t gazetteer.Type) *table {
	s.mu.Lock()
	defer s.mu.Unlock()
	old := *s.tables.Load()
	if found := old[t]; found != nil {
		return found
	}
	made := s.newTable(t)
	if len(old) >= tablesMax {
		return made
	}
	tables := make(map[gazetteer.Type]*table, len(old)+1)
	for t, known := range old {
		tables[t] = known
	}
	tables[t] = made
	s.tables.Store(&tables)
	return made
}

func (s *ClusterServer) newTable(t gazetteer.Type) *table {
	made := &table{owner: make([]*group, s.plan.Partitions())}
	for _, r := range s.plan.Rings(t) {
		g := s.replicas.group("ring "+r.Name, r.Members, replicaPatience)
		made.rings = append(made.rings, g)
		for _, p := range r.Partitions {
			made.owner[p.Index] = g
		}
	}
	return made
}

// Write gives each write to the ring that owns it, and in it to the member whose turn
// its partition is: while that one lives, all writes of a resource meet in one place,
// so a condition holds against the write before it, and a delete sees what it deletes.
func (s *ClusterServer) Write(ctx context.Context, t gazetteer.Type, ws []ring.Write) []ring.Outcome {
	shares, out := s.share(ws)
	if len(shares) == 1 && len(shares[0].which) == len(ws) {
		return shares[0].group.write(ctx, t, ws, shares[0].place)
	}
	var all sync.WaitGroup
	for _, sh := range shares {
		all.Go(func() {
			for i, o := range sh.group.write(ctx, t, subset(ws, sh.which, 0), sh.place) {
				out[sh.which[i]] = o
			}
		})
	}
	all.Wait()
	return out
}

// share is what one member of a ring gets of a call.
type share struct {
	group *group
	place uint32
	which []int
}

// share divides writes by ring and member, in the order of their first write. Those
// that nobody owns have their outcome already.
func (s *ClusterServer) share(ws []ring.Write) ([]*share, []ring.Outcome) {
	var shares []*share
	out := make([]ring.Outcome, len(ws))
	for i := range ws {
		g, err := s.owner(ws[i].Partition)
		if err != nil {
			out[i] = ring.Outcome{Token: ws[i].Token, Err: err}
			continue
		}
		place := ws[i].Partition.Index % uint32(max(1, len(g.members)))
		at := slices.IndexFunc(shares, func(sh *share) bool { return sh.group == g && sh.place == place })
		if at < 0 {
			at = len(shares)
			shares = append(shares, &share{group: g, place: place})
		}
		shares[at].which = append(shares[at].which, i)
	}
	return shares, out
}

// List returns a page of one partition from a replica of the ring that owns it.
func (s *ClusterServer) List(ctx context.Context, q ListQuery) (ListPage, error) {
	g, err := s.owner(q.Partition)
	if err != nil {
		return ListPage{}, err
	}
	return g.list(ctx, q)
}

// Conflicts unites the journals of all replicas of the type that answer. Mirrors do not
// hold the same entries: what several hold is one conflict.
func (s *ClusterServer) Conflicts(ctx context.Context, t gazetteer.Type) ([]ring.Conflict, error) {
	ctx, cancel := context.WithTimeout(ctx, listPatience)
	defer cancel()
	members := s.members(t)
	answers := make([][]ring.Conflict, len(members))
	failures := make([]error, len(members))
	var all sync.WaitGroup
	for i, m := range members {
		all.Go(func() { answers[i], failures[i] = m.tier.Conflicts(ctx, t) })
	}
	all.Wait()
	if i := slices.IndexFunc(failures, func(err error) bool { return err == nil }); i < 0 && len(members) > 0 {
		return nil, failures[0]
	}
	return unite(answers), nil
}

// members returns every replica of a type once.
func (s *ClusterServer) members(t gazetteer.Type) []*server {
	var out []*server
	for _, g := range s.table(t).rings {
		for _, m := range g.members {
			if !slices.Contains(out, m.server) {
				out = append(out, m.server)
			}
		}
	}
	return out
}

// conflictKey is by what a conflict is known on all mirrors.
type conflictKey struct {
	partition gazetteer.Partition
	element   gazetteer.Element
	position  gazetteer.Position
}

// unite counts each conflict once: the mirror that saw it first says when. The oldest
// come first.
func unite(answers [][]ring.Conflict) []ring.Conflict {
	seen := map[conflictKey]int{}
	var out []ring.Conflict
	for _, cs := range answers {
		for _, c := range cs {
			k := conflictKey{c.Partition, c.Loser.Element, c.Loser.Position}
			if i, ok := seen[k]; !ok {
				seen[k] = len(out)
				out = append(out, c)
			} else if c.At < out[i].At {
				out[i] = c
			}
		}
	}
	slices.SortFunc(out, func(a, b ring.Conflict) int {
		return cmp.Or(cmp.Compare(a.At, b.At), a.Partition.Compare(b.Partition),
			a.Loser.Element.Compare(b.Loser.Element), a.Loser.Position.Compare(b.Loser.Position))
	})
	return out
}
