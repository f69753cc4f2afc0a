package region

import (
	"context"
	"time"

	"gazetteer"
	"gazetteer/ring"
)

// Mirrors are the partitions that this process holds. The agent implements it: reads do
// not enter its loop, writes wait for it.
//
// Errors: WrongOwner and Unserved as [Tier] says; Full while the disk is.
type Mirrors interface {
	// Read appends the encoded record of a resource to dst, or nothing if none is held.
	Read(dst []byte, p gazetteer.Partition, id gazetteer.ID) ([]byte, Held, error)
	// Cover waits until what is held of a partition covers a session's token: what is read
	// after it does. When ctx ends before, the error is of kind Behind and says how much
	// lacks. Else it fails as Read does.
	Cover(ctx context.Context, p gazetteer.Partition, session ring.Token) error
	// Write, List and Conflicts are those of a [Tier].
	Write(ctx context.Context, ws []ring.Write) []ring.Outcome
	List(ctx context.Context, q ListQuery) (ListPage, error)
	Conflicts(ctx context.Context, t gazetteer.Type) ([]ring.Conflict, error)
}

// Held says how a replica holds what it answers with.
type Held struct {
	Ring      string
	Staleness time.Duration
	Degraded  bool
}

// ReplicaServer is one process's replicas as their callers see them.
type ReplicaServer struct {
	node       gazetteer.NodeID
	partitions uint32
	mirrors    Mirrors
}

var _ Tier = (*ReplicaServer)(nil)

// NewReplicaServer returns the replica server of a node.
func NewReplicaServer(p Plan, node gazetteer.NodeID, m Mirrors) *ReplicaServer {
	return &ReplicaServer{node: node, partitions: p.Partitions(), mirrors: m}
}

// Read appends what this replica holds of a resource.
func (r *ReplicaServer) Read(ctx context.Context, dst []byte, k gazetteer.Key) ([]byte, ReadInfo, error) {
	if t := TripOf(ctx); t != nil {
		return r.readOn(ctx, t, dst, k)
	}
	return r.read(dst, k)
}

func (r *ReplicaServer) read(dst []byte, k gazetteer.Key) ([]byte, ReadInfo, error) {
	dst, held, err := r.mirrors.Read(dst, gazetteer.PartitionOf(k, r.partitions), k.ID)
	return dst, ReadInfo{Node: r.node, Ring: held.Ring, Staleness: held.Staleness, Degraded: held.Degraded}, err
}

// readOn is a read that carries something.
func (r *ReplicaServer) readOn(ctx context.Context, t *Trip, dst []byte, k gazetteer.Key) ([]byte, ReadInfo, error) {
	start := time.Now()
	if t.asks() {
		if err := r.covered(ctx, t, gazetteer.PartitionOf(k, r.partitions)); err != nil {
			return dst, ReadInfo{}, err
		}
	}
	dst, info, err := r.read(dst, k)
	info.Covered = t.asks()
	if t.Hops {
		info.Hops = []Hop{{Role: "replica", Name: string(r.node), Took: time.Since(start)}}
	}
	return dst, info, err
}

// Write performs the writes whose partitions are what their ids say, and refuses the
// rest: a resource in a foreign partition would never be found again.
func (r *ReplicaServer) Write(ctx context.Context, t gazetteer.Type, ws []ring.Write) []ring.Outcome {
	for i := range ws {
		k := gazetteer.Key{Type: t, ID: ws[i].ID}
		if ws[i].Partition != gazetteer.PartitionOf(k, r.partitions) {
			return refuseAll(ws, gazetteer.Invalid, "a resource of the call is not in the partition that its id says")
		}
	}
	return r.mirrors.Write(ctx, ws)
}

// List returns a page of one partition as this replica holds it.
func (r *ReplicaServer) List(ctx context.Context, q ListQuery) (ListPage, error) {
	t := TripOf(ctx)
	if t.asks() {
		if err := r.covered(ctx, t, q.Partition); err != nil {
			return ListPage{}, err
		}
	}
	page, err := r.mirrors.List(ctx, q)
	page.Covered = t.asks()
	return page, err
}

// Conflicts returns this replica's journal of a type.
func (r *ReplicaServer) Conflicts(ctx context.Context, t gazetteer.Type) ([]ring.Conflict, error) {
	return r.mirrors.Conflicts(ctx, t)
}

func refuseAll(ws []ring.Write, kind gazetteer.Kind, detail string) []ring.Outcome {
	out := make([]ring.Outcome, len(ws))
	for i := range ws {
		k := gazetteer.Key{Type: ws[i].Partition.Type, ID: ws[i].ID}
		out[i] = ring.Outcome{Token: ws[i].Token, Err: &gazetteer.Error{Op: "region.Write", Kind: kind, Key: k, Detail: detail}}
	}
	return out
}
