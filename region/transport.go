package region

import (
	"context"
	"time"

	"gazetteer"
	"gazetteer/ring"
)

// Role is what a process does; one may have several.
type Role string

const (
	RoleRouter  Role = "router"
	RoleRegion  Role = "region"
	RoleCluster Role = "cluster"
	RoleReplica Role = "replica"
)

// Tier is a cluster server or a replica as its caller sees it: a function call within
// one process, else one request over the peer port. A replica answers for what it holds;
// a cluster server passes on to a live replica of the ring that owns the partition.
//
// Errors: WrongOwner from a server that does not own the partition, Unserved from a
// replica that does not serve it yet, or from a cluster server that knows no replica
// that does, Unavailable from one that cannot be reached; these three are worth one
// retry at another server of the same tier. Unavailable does not say that a write was
// not done: without a condition it may be done again elsewhere. One with a condition
// that may have been done fails with Deadline instead: it could refuse itself.
type Tier interface {
	// Read appends the encoded record of k (ring.AppendRecord) to dst, or nothing if
	// none is held.
	Read(ctx context.Context, dst []byte, k gazetteer.Key) ([]byte, ReadInfo, error)
	// Write performs writes of one type. Outcomes are in the order of ws. Deadlines
	// are times left from now on: monotonic clocks end with their process. Ids and
	// bodies are kept: the caller does not change their memory any more.
	Write(ctx context.Context, t gazetteer.Type, ws []ring.Write) []ring.Outcome
	// List returns a slice of one partition in the byte order of ids.
	List(ctx context.Context, q ListQuery) (ListPage, error)
	// Conflicts returns the conflict journal of a type: of a replica its own, of a
	// cluster server the union of those replicas that answered.
	Conflicts(ctx context.Context, t gazetteer.Type) ([]ring.Conflict, error)
}

// ReadInfo says where a record was read.
type ReadInfo struct {
	Node      gazetteer.NodeID // the replica
	Ring      string
	Staleness time.Duration      // upper bound of how old the replica's knowledge is; 0 in a ring of one
	Degraded  bool               // that bound leaves out a ring mate, or none is alive
	Hops      []Hop              // only if the context asks for them, see WithHops
	Region    gazetteer.RegionID // of the replica; empty: the asker's own
	Covered   bool               // what the session has been shown is held, see [Trip]
}

// ListQuery asks for the resources of one partition whose ids are above After and start
// with Prefix.
type ListQuery struct {
	Partition gazetteer.Partition
	Prefix    string
	After     gazetteer.ID
	Limit     int
}

// ListPage holds encoded records (ring.AppendRecord) with their ids.
type ListPage struct {
	IDs     []gazetteer.ID
	Records [][]byte
	More    bool // ids follow after the last one
	// Staleness, Degraded and Covered are those of a [ReadInfo].
	Staleness time.Duration
	Degraded  bool
	Covered   bool
}

// Transport reaches the servers of other processes. api/peer implements it.
type Transport interface {
	// Tier returns node's server of the role. It never fails: a node that cannot be
	// reached answers Unavailable.
	Tier(node gazetteer.NodeID, role Role) Tier
}
