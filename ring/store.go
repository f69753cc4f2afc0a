package ring

import (
	"iter"

	"gazetteer"
)

// Reader is what the core reads while it decides. It is called inside Step, Tick and
// the verbs, by the goroutine that owns the core, and sees every [Save] that the
// driver has performed.
type Reader interface {
	// Resource returns every update held of one resource, tombstones included,
	// sorted by location: attributes first. The result is the caller's.
	Resource(p gazetteer.Partition, id gazetteer.ID) ([]gazetteer.Update, error)
	// Scan yields the updates of p whose positions are above the vector, sorted by
	// position. Rare: the core uses it for whole scans and orphans only.
	Scan(p gazetteer.Partition, above gazetteer.Vector) iter.Seq2[gazetteer.Update, error]
	// Tombstones returns up to limit tombstones with stamps below the clock value,
	// of all partitions, in no particular order.
	Tombstones(below gazetteer.Clock, limit int) ([]Held, error)
}

// Store keeps what one process hosts: many partitions, one committer, one identity.
// Memory and Badger stores both pass storetest. Readers are concurrent; Save is called
// by one goroutine at a time.
type Store interface {
	Reader
	// State returns what was held when the store was opened.
	State() State
	// Save performs s durably and all at once. After an error nothing may be assumed
	// of s: the process stops and finds out at its next start (fail-stop), unless the
	// error's kind is Full: then nothing of s was done.
	Save(s *Save) error
	// Snapshot freezes the present content for a scan that goes on while writes do.
	Snapshot() Snapshot
	// AppendRecord appends the encoded updates of one resource to dst, see
	// [AppendRecord], or nothing if none is held. It is the read path of lookups:
	// lock-free towards Save, and served from the cache of hot records.
	AppendRecord(dst []byte, p gazetteer.Partition, id gazetteer.ID) ([]byte, error)
	// List yields the ids of p that have a live element and are above after, in byte
	// order.
	List(p gazetteer.Partition, after gazetteer.ID) iter.Seq2[gazetteer.ID, error]
	// Conflicts yields the conflict journal, oldest first.
	Conflicts() iter.Seq2[Conflict, error]
	// Close releases the store and marks it as cleanly closed.
	Close() error
}

// Snapshot is one frozen state of a store.
type Snapshot interface {
	// Scan yields the updates of p above the vector, strictly after the position
	// after, sorted by position.
	Scan(p gazetteer.Partition, above gazetteer.Vector, after gazetteer.Position) iter.Seq2[gazetteer.Update, error]
	Close()
}

// Held is one update together with its partition.
type Held struct {
	Partition gazetteer.Partition
	Update    gazetteer.Update
}

// State is what a store remembers across restarts, apart from the elements.
type State struct {
	Partitions map[gazetteer.Partition]PartitionState
	Clock      gazetteer.Clock // not below the clock of any stamp ever saved
}

// PartitionState is what a store remembers of one partition.
type PartitionState struct {
	Filled         bool             // false until the first mark, see DESIGN.md rule 4
	Vector         gazetteer.Vector // what is held: rule 1
	Collected      gazetteer.Vector // up to where tombstones may be gone: rule 7
	CollectedClock gazetteer.Clock  // the highest clock of a tombstone that is gone
}

// Save is one atomic, durable change of a store. The order of the fields is the order
// of their effect: what is dropped goes first, then removals, then puts.
type Save struct {
	// Drop forgets what is remembered of partitions: from here on nothing is said of
	// them. Their elements stay until they are removed.
	Drop []gazetteer.Partition
	// Remove drops elements: collected tombstones, and what a whole scan ends.
	Remove []Held
	// Put makes each update the one held of its element. If the element was held
	// under another position, that index entry goes.
	Put []Held
	// Raise merges into what is remembered of partitions: vectors by Merge, Filled by
	// or, CollectedClock by max. It names only the origins that changed.
	Raise map[gazetteer.Partition]PartitionState
	// Journal adds to the conflict journal; an entry that exists already stays.
	Journal []Conflict
	// Expire drops journal entries whose At is below this time (Unix milliseconds).
	Expire int64
	// Clock replaces State.Clock if it is higher.
	Clock gazetteer.Clock
}

// Empty reports whether s changes nothing.
func (s *Save) Empty() bool {
	return len(s.Drop)+len(s.Remove)+len(s.Put)+len(s.Raise)+len(s.Journal) == 0 && s.Expire == 0
}

// Conflict is one concurrent value that lost. It is keyed by (Loser's element, Loser's
// position): mirrors do not hold the same entries, and a reader who unites them by this
// key counts each once.
type Conflict struct {
	Partition gazetteer.Partition
	Loser     gazetteer.Update
	Winner    gazetteer.Stamp
	At        int64 // when this replica saw it, Unix milliseconds
}
