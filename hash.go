package gazetteer

import "github.com/cespare/xxhash/v2"

// Hash is the one hash of the project for placing things: xxHash64. Its values are
// part of the data: changing it moves every id to another partition.
func Hash(s string) uint64 { return xxhash.Sum64String(s) }

// HashBytes is [Hash] of bytes.
func HashBytes(b []byte) uint64 { return xxhash.Sum64(b) }

// PartitionOf returns the partition of an id on a planet with count partitions.
func PartitionOf(k Key, count uint32) Partition {
	return Partition{Type: k.Type, Index: uint32(Hash(string(k.ID)) % uint64(count))}
}

// Store returns the store id of a node. It depends on the name alone, so that a node
// that lost its disk comes back as a new incarnation of the same store.
func (n NodeID) Store() StoreID { return StoreID(Hash(string(n))) }
