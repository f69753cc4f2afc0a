package region

import (
	"gazetteer"
	"gazetteer/ring"
)

// Plan says who is where in one region, and what belongs where. A plan in use does not
// change: a newer one takes its place as a whole. All methods may be called
// concurrently, and the callers do not change what they return.
type Plan interface {
	Region() gazetteer.RegionID
	// Epoch counts the plans of the region upwards.
	Epoch() uint64
	// Partitions is the planet's partition count.
	Partitions() uint32
	// Roles says what a node does; none if the plan does not name it.
	Roles(n gazetteer.NodeID) []Role
	// Stores are the stores of all replicas, whatever they hold.
	Stores() []gazetteer.StoreID
	// Types are those that the plan names. Others are served all the same, see Rings.
	Types() []gazetteer.Type
	// ClusterServers are the entries of a type's cluster, in one order for all.
	ClusterServers(t gazetteer.Type) []gazetteer.NodeID
	// Rings are the shards of a type's cluster, each with the partitions it owns:
	// together all of the type's, none twice. A type that the plan does not name has
	// the rings that the plan keeps for such types.
	Rings(t gazetteer.Type) []ring.Ring
	// Mirrors are the rings of a type, each with all that its members hold: what it
	// owns, what it fills and what it keeps after that has moved away. A partition on
	// its way is in two of them.
	Mirrors(t gazetteer.Type) []ring.Ring
	// Bridges are the links of a type between two of its rings, while partitions move
	// from one to the other.
	Bridges(t gazetteer.Type) []Bridge
	// Dead reports whether a node does not answer, as far as the plan knows. What a
	// process finds out itself is quicker.
	Dead(n gazetteer.NodeID) bool
}

// Bridge says which partitions are on their way between two rings. Until they have
// switched From owns them and To fills. Then To owns them, and From keeps what it holds
// and refuses writes, until the plan names the bridge no more.
type Bridge struct {
	// Cluster is the name under which their move is decided: of a type with a cluster of
	// its own, "" for the default cluster, whose types all move together.
	Cluster    gazetteer.Type
	From, To   string // rings
	Switched   bool
	A, B       gazetteer.NodeID // the first live member of From and of To; "" if none lives
	Partitions []gazetteer.Partition
}
