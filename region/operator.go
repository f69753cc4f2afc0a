package region

import (
	"context"
	"time"

	"gazetteer"
	"gazetteer/cluster"
)

// Operator is what the faces need to run a region and its planet. What it changes is
// agreed on by the region's raft group or travels through the directory of regions; a
// change that came back without error is durable.
//
// Errors: NotFound for what there is not, Conflict for what the state forbids (the detail
// says what would be lost and how to force it), Unavailable while the region has no
// leader.
type Operator interface {
	// Topology returns the planet as this region knows it.
	Topology(ctx context.Context) (Topology, error)
	// AdmitRegion expects a new region and returns what it joins by.
	AdmitRegion(ctx context.Context, r gazetteer.RegionID) (JoinToken, error)
	// DrainRegion sends the clients of a region elsewhere, or back again.
	DrainRegion(ctx context.Context, r gazetteer.RegionID, drain bool) error
	// BiasRegion has all regions add a time to the round trip of every client to a region,
	// in the order of regions: from -BiasMax to BiasMax, to the microsecond, 0 for none.
	// What is beyond is Unprocessable at /bias.
	BiasRegion(ctx context.Context, r gazetteer.RegionID, bias time.Duration) error
	// RemoveRegion takes a region out of the planet for good.
	RemoveRegion(ctx context.Context, r gazetteer.RegionID, force bool) error

	// Members returns the processes of this region, by name.
	Members(ctx context.Context) ([]MemberStatus, error)
	// AdmitMember returns a token by which up to uses processes with these roles join.
	AdmitMember(ctx context.Context, roles []Role, uses int, ttl time.Duration) (JoinToken, error)
	// RemoveMember takes a process out of the region for good.
	RemoveMember(ctx context.Context, n gazetteer.NodeID, force bool) error

	// Rings returns the clusters of this region: the default one first, then those of
	// the types that the plan names.
	Rings(ctx context.Context) ([]ClusterStatus, error)
	// AddRing gives a cluster one more ring; its share of the partitions moves to it a
	// few at a time. "" is the default cluster.
	AddRing(ctx context.Context, t gazetteer.Type, ring string, members []gazetteer.NodeID) error
	// SetRing changes who mirrors a ring, in ring order; new members are filled by those that
	// stay. If no live one stays it is refused unless forced.
	SetRing(ctx context.Context, t gazetteer.Type, ring string, members []gazetteer.NodeID, force bool) error
	// RemoveRing moves a ring's partitions to the others, then forgets it.
	RemoveRing(ctx context.Context, t gazetteer.Type, ring string) error
	// SetAuto makes the rings of a cluster follow its demand; nil leaves them as they are,
	// to the operator. Its errors about what a says point at /auto/min, /auto/max,
	// /auto/rate and /auto/cooldown.
	SetAuto(ctx context.Context, t gazetteer.Type, a *cluster.Auto) error
}

// JoinToken lets a process or a region in. Its text is shown once.
type JoinToken struct {
	Text  string
	Until time.Time
	// Contacts are the peer addresses to join by.
	Contacts []string
}

// Topology is the planet as one region knows it.
type Topology struct {
	// Epoch names the tree in use, as in "7.us-east-1"; "" before the first. Running
	// names the one that is being built now. Due says why another one is needed; "": it is
	// not, as far as this region sees.
	Epoch, Running, Due string
	Regions             []RegionStatus // by name, this one included
	Edges               []TopologyEdge // by names
	Weight              time.Duration  // sum of the costs of the tree's edges
	// Halted is how long the tree took from waking until this region, as one of the core's
	// two, knew that it is complete; 0 for all other regions. Installed is how long it took
	// until this region used it.
	Halted, Installed time.Duration
	Messages          uint64 // of GHS that this region has sent to build it
}

// RegionStatus is what one region knows of another, or of itself.
type RegionStatus struct {
	Name    gazetteer.RegionID
	Point   gazetteer.Point
	Located bool
	State   string // live, draining, unreachable, expected
	Self    bool
	RTT     time.Duration // smoothed round trip; 0 if not known
	Silent  time.Duration // since its last word; 0 for this region
	// Lag is an upper bound of how old what is known here of its writes may be; negative
	// if not known.
	Lag     time.Duration
	Servers []RegionServer // its regional servers
	Stores  int            // its replicas
	Bias    time.Duration  // in the order of regions
}

// RegionServer is an entry of a region.
type RegionServer struct {
	Node gazetteer.NodeID
	Peer string // host:port of its peer port
	HTTP string // host:port of its REST face; may be empty
}

// TopologyEdge is a pair of regions, A before B.
type TopologyEdge struct {
	A, B gazetteer.RegionID
	Cost time.Duration // round trip, as the tree reckoned with it or as it is known now
	// Tree: of the tree in use. Provisional: linked in place of an edge that is gone,
	// until the next tree. Neither: only measured.
	Tree, Provisional bool
}

// MemberStatus is a process of the region.
type MemberStatus struct {
	Node  gazetteer.NodeID
	Roles []Role
	Peer  string
	HTTP  string
	State string // joining, live, dead, leaving
	// Leader: it leads the region's raft group. Plan is the epoch of the plan it uses, 0
	// if that is not known.
	Leader bool
	Plan   uint64
	Rings  []string // of which it is a member
}

// ClusterStatus is the cluster of a type.
type ClusterStatus struct {
	Type  gazetteer.Type // "" for the default cluster
	Rings []RingStatus
	// Moving partitions are on their way between rings now, Pending ones still have to
	// go.
	Moving, Pending int
	Auto            *cluster.Auto // what its rings follow its demand by; nil if they do not
}

// RingStatus is one ring of a cluster.
type RingStatus struct {
	Name       string
	Members    []gazetteer.NodeID
	Partitions int // that it owns
}
