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
	node       gazetteer.NodeID
	partitions uint32
	replicas   *directory
	// followsDead: nobody in this process knows better than the plan who is dead.
	followsDead bool

	routes  atomic.Pointer[routes]
	mu      sync.Mutex    // guards following, and is held by whoever replaces routes
	changed chan struct{} // closed when a newer plan is in use
}

var _ Tier = (*ClusterServer)(nil)

// NewClusterServer returns the cluster server of a node.
func NewClusterServer(c ClusterConfig) *ClusterServer {
	s := &ClusterServer{
		node: c.Node, partitions: c.Plan.Partitions(), followsDead: c.Dead == nil, changed: make(chan struct{}),
		replicas: newDirectory(RoleReplica, c.Node, c.Replica, c.Transport),
	}
	if c.Dead != nil {
		s.replicas.dead = c.Dead
	}
	s.routes.Store(&routes{plan: c.Plan, tables: map[gazetteer.Type]*table{}})
	for _, t := range c.Plan.Types() {
		s.table(t)
	}
	if s.followsDead {
		s.replicas.mark(c.Plan)
	}
	return s
}

// Read asks a replica of the ring that owns the resource's partition. While that is on its
// way between two rings a miss at one of them is no answer yet: what was written at the
// other may not have come over. So both have to miss it.
func (s *ClusterServer) Read(ctx context.Context, dst []byte, k gazetteer.Key) ([]byte, ReadInfo, error) {
	if WantsHops(ctx) {
		return s.readTimed(ctx, dst, k)
	}
	return s.read(ctx, dst, k)
}

func (s *ClusterServer) read(ctx context.Context, dst []byte, k gazetteer.Key) ([]byte, ReadInfo, error) {
	w, epoch := s.way(gazetteer.PartitionOf(k, s.partitions))
	if w.owner == nil {
		return dst, ReadInfo{}, s.unowned(k, epoch)
	}
	out, info, err := w.owner.read(ctx, dst, k)
	if err == nil && (len(out) > len(dst) || w.other == nil) {
		return out, info, nil
	}
	if err == nil {
		return s.readMissed(ctx, dst, k, w, info)
	}
	return s.readAgain(ctx, dst, k, w, epoch, err)
}

func (s *ClusterServer) readTimed(ctx context.Context, dst []byte, k gazetteer.Key) ([]byte, ReadInfo, error) {
	start := time.Now()
	dst, info, err := s.read(ctx, dst, k)
	took := time.Since(start)
	hops := []Hop{{Role: "cluster server", Name: string(s.node), Took: took}, {Role: "ring", Name: "ring " + info.Ring, Took: took}}
	info.Hops = append(hops, info.Hops...)
	return dst, info, err
}

// way returns who is asked for a partition by the plan in use, and its epoch.
func (s *ClusterServer) way(p gazetteer.Partition) (way, uint64) {
	t, epoch := s.table(p.Type)
	if int(p.Index) < len(t.ways) {
		return t.ways[p.Index], epoch
	}
	return way{}, epoch
}

func (s *ClusterServer) unowned(k gazetteer.Key, epoch uint64) error {
	return &gazetteer.Error{Op: "region.Owner", Kind: gazetteer.WrongOwner, Key: k, Plan: epoch,
		Detail: fmt.Sprintf("in plan %d no ring of this region owns partition %d", epoch, gazetteer.PartitionOf(k, s.partitions).Index)}
}

// Write gives each write to the ring that owns it, and in it to the member whose turn
// its partition is: while that one lives, all writes of a resource meet in one place,
// so a condition holds against the write before it, and a delete sees what it deletes.
func (s *ClusterServer) Write(ctx context.Context, t gazetteer.Type, ws []ring.Write) []ring.Outcome {
	out := make([]ring.Outcome, len(ws))
	epoch := s.writeOnce(ctx, t, ws, out, false)
	s.writeAgain(ctx, t, ws, out, epoch)
	return out
}

// writeOnce gives the writes to the rings that own them, or to those at the other end of
// their moves. It returns the epoch of the plan that says so. Writes that go nowhere
// keep the outcome they have.
func (s *ClusterServer) writeOnce(ctx context.Context, t gazetteer.Type, ws []ring.Write, out []ring.Outcome, other bool) uint64 {
	shares, epoch := s.share(t, ws, out, other)
	if len(shares) == 1 && len(shares[0].which) == len(ws) {
		copy(out, shares[0].group.write(ctx, t, ws, shares[0].place))
		return epoch
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
	return epoch
}

// share is what one member of a ring gets of a call.
type share struct {
	group *group
	place uint32
	which []int
}

// share divides writes by ring and member, in the order of their first write. Those
// that nobody owns have their outcome already.
func (s *ClusterServer) share(t gazetteer.Type, ws []ring.Write, out []ring.Outcome, other bool) ([]*share, uint64) {
	var shares []*share
	table, epoch := s.table(t)
	for i := range ws {
		g := table.group(ws[i].Partition, other)
		if g == nil {
			if !other {
				out[i] = ring.Outcome{Token: ws[i].Token, Err: s.unowned(gazetteer.Key{Type: t, ID: ws[i].ID}, epoch)}
			}
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
	return shares, epoch
}

func (t *table) group(p gazetteer.Partition, other bool) *group {
	if int(p.Index) >= len(t.ways) {
		return nil
	}
	if other {
		return t.ways[p.Index].other
	}
	return t.ways[p.Index].owner
}

// List returns a page of one partition from a replica of the ring that owns it.
func (s *ClusterServer) List(ctx context.Context, q ListQuery) (ListPage, error) {
	k := gazetteer.Key{Type: q.Partition.Type}
	w, epoch := s.way(q.Partition)
	if w.owner == nil {
		return ListPage{}, s.unowned(k, epoch)
	}
	page, err := w.owner.list(ctx, q)
	if err == nil {
		return page, nil
	}
	f, err := s.askAgain(ctx, question{q.Partition, k, func(g *group) (found, error) {
		page, err := g.list(ctx, q)
		return found{page: page, some: len(page.IDs) > 0}, err
	}}, w, epoch, err)
	return f.page, err
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
	table, _ := s.table(t)
	for _, g := range table.rings {
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
