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
}
