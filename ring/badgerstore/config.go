package badgerstore

import (
	"fmt"
	"time"

	"gazetteer"
)

// Policy says what Open does with a data directory that cannot be believed.
type Policy uint8

const (
	// Refill puts the database aside and begins an empty one, which the ring fills.
	Refill Policy = iota
	// Refuse returns an error and leaves the directory alone: for a store whose ring
	// has no other member.
	Refuse
)

// Config says where a store lies and what it may use. Zero fields take the defaults
// named.
type Config struct {
	// Dir holds the database and the files beside it. It is made if it is not there.
	Dir string
	// Node owns the store; a directory of another node is refused.
	Node gazetteer.NodeID
	// Partitions is the planet's partition count (gazetteer.DefaultPartitions).
	Partitions uint32

	// MemTableBytes (12 MiB, at least 1 MiB) is how much is written before Badger
	// flushes it to a table. Up to 20 times this much is resident under load: Badger
	// keeps the buffers of eight tables. A save of more than an eighth of it takes
	// twice the writing.
	MemTableBytes int64
	// CacheBytes (256 MiB) bounds the cache of records. It is filled as records are
	// read and written, and takes at least 32 MiB when it is in use.
	CacheBytes int
	// MinFree (64 times MemTableBytes: 768 MiB) is how much of the disk must stay free:
	// Room refuses below it, Save below half of it. A compaction may write as much as
	// the upper levels of tables hold before it frees that: 34 times MemTableBytes when
	// compaction lags behind, 20 times otherwise.
	MinFree uint64
	// FreeSpace returns the free bytes of the file system that dir lies on. The
	// default asks the kernel.
	FreeSpace func(dir string) (uint64, error)

	// OnDamage says what becomes of a database that cannot be believed (Refill).
	OnDamage Policy
	// Damaged, if set, is told once of damage that is found while the store is in use:
	// by a read, or by the scrub. The process should end: Open then puts the database
	// aside. It may be called by any goroutine, and must return soon.
	Damaged func(error)
	// ScrubEvery (24 h) is how often everything stored is read and verified.
	ScrubEvery time.Duration
	// ScrubRate (32 MiB/s) bounds what the scrub reads while the store is in use.
	ScrubRate int64
	// ScrubAtOpen (1 GiB): after an unclean end, Open itself verifies a database of at
	// most this size on disk before it returns, at about 300 MiB/s; a larger one is
	// verified at ScrubRate while it is in use. Negative: always so.
	ScrubAtOpen int64
}

func (c Config) withDefaults() (Config, error) {
	setDefault(&c.Partitions, gazetteer.DefaultPartitions)
	setDefault(&c.MemTableBytes, 12<<20)
	setDefault(&c.CacheBytes, 256<<20)
	setDefault(&c.MinFree, 64*uint64(c.MemTableBytes))
	setDefault(&c.ScrubEvery, 24*time.Hour)
	setDefault(&c.ScrubRate, 32<<20)
	setDefault(&c.ScrubAtOpen, 1<<30)
	if c.FreeSpace == nil {
		c.FreeSpace = freeSpace
	}
	if c.Damaged == nil {
		c.Damaged = func(error) {}
	}
	switch {
	case c.Dir == "":
		return c, invalid("Dir", "a store needs a directory")
	case c.Node == "":
		return c, invalid("Node", "a store needs the name of its node")
	case c.MemTableBytes < 1<<20 || c.MemTableBytes > 1<<30:
		return c, invalid("MemTableBytes", fmt.Sprintf("%d is not between 1 MiB and 1 GiB", c.MemTableBytes))
	case c.CacheBytes < 0:
		return c, invalid("CacheBytes", fmt.Sprintf("%d is negative", c.CacheBytes))
	}
	return c, nil
}

func setDefault[T comparable](field *T, value T) {
	var zero T
	if *field == zero {
		*field = value
	}
}

func invalid(field, detail string) error {
	return &gazetteer.Error{Op: "badgerstore.Open", Kind: gazetteer.Invalid, Pointer: field, Detail: detail}
}
