package ring

import (
	"time"

	"gazetteer"
)

// Message travels over a link, the FIFO session between two nodes. Each partition of a
// link is two independent feeds, one in each direction: the subscriber says [Hello],
// the publisher answers with a scan ([Begin], [Elements], [Mark]) and then the live
// tail. All of a feed's messages carry the session its Hello named; others are dropped.
type Message interface{ message() }

// Greet opens a link, from both ends. For each partition that the sender wants from
// this link it names a digest of its vector, as session 1 of the feed towards it. The
// receiver answers with one Match and one Ask; and it wants those partitions, too.
type Greet struct {
	Store       gazetteer.StoreID
	Incarnation uint64
	Generation  uint64
	Next        gazetteer.Clock // the sender's next stamp is at least this: for max_skew
	Digests     []Digest
}

// Digest is a sum over the entries of a partition's vector. Equal digests mean equal
// vectors. Unfilled partitions have digest 0, which equals nothing.
type Digest struct {
	Partition gazetteer.Partition
	Sum       uint64
}

// Match says: for these partitions your vector was mine, session 1 is live from here.
// It is an empty scan and its mark.
type Match struct{ Partitions []gazetteer.Partition }

// Ask says: send a Hello for these partitions.
type Ask struct{ Partitions []gazetteer.Partition }

// Leave says: send me no more of these partitions; my plan no longer wants them from
// you. To a watcher it says: I hold them no more, ask elsewhere.
type Leave struct{ Partitions []gazetteer.Partition }

// Hello says: here is my vector; send me what I lack, then what is new.
type Hello struct {
	Partition      gazetteer.Partition
	Session        uint64
	Filled         bool
	Vector         gazetteer.Vector
	Collected      gazetteer.Vector
	CollectedClock gazetteer.Clock
	Resume         *Resume // a scan from the same incarnation of the publisher broke
}

// Subscribe is a watcher's Hello: here is my vector, true within this scope; send me
// what I lack of it, then what is new of it. Its feed goes one way, and its link filters:
// no mark is passed on over it (rule 5).
type Subscribe struct {
	Scope   Scope
	Session uint64
	Vector  gazetteer.Vector
}

// Resume names how far a broken scan came: its subscriber held Hello.Vector, received
// everything up to After, and the scan had been read from a snapshot with this vector.
type Resume struct {
	After    gazetteer.Position
	Snapshot gazetteer.Vector
}

// Begin opens a scan. A whole scan replaces a difference when the subscriber is below
// the publisher's horizon (rule 7); only then Collected and CollectedClock are set.
type Begin struct {
	Partition      gazetteer.Partition
	Session        uint64
	Snapshot       gazetteer.Vector
	Whole          bool
	Collected      gazetteer.Vector
	CollectedClock gazetteer.Clock
}

// Elements carries updates: of a scan or passed on from another scan (Live false), or
// of the live tail (Live true), where each origin's sequence numbers have no gaps but on a
// link that filters.
type Elements struct {
	Partition gazetteer.Partition
	Session   uint64
	Live      bool
	Updates   []gazetteer.Update
}

// Mark says: after all that came before it on this feed you hold everything up to
// Vector. End closes the scan that Begin opened; a mark that is passed on has it false.
type Mark struct {
	Partition gazetteer.Partition
	Session   uint64
	Vector    gazetteer.Vector
	End       bool
	// Founding marks come from a replica that is itself not filled: they fill, but
	// they are no evidence that there is nothing more.
	Founding bool
}

// Report tells a publisher what its subscriber holds durably: the entries that changed
// since the last report of this link. In rings so large that a majority is more than a
// member and its neighbours, reports are relayed: By then names the subscriber, Hops how
// often it may still be relayed, and Session is 0.
type Report struct {
	Partition gazetteer.Partition
	Session   uint64
	Durable   gazetteer.Vector
	By        gazetteer.NodeID // empty: the sender itself
	Hops      uint32
}

// Fresh is a freshness mark: every later stamp of this origin is at least Next, and up
// to here it has written these positions. It is flooded over all links.
type Fresh struct {
	Node   gazetteer.NodeID
	Origin gazetteer.Origin
	// Generation orders the incarnations of a store: each takes one above the highest
	// that it hears of its own store, so the order does not rest on a clock.
	Generation uint64
	Number     uint64 // counts up within the incarnation
	// Base is the Number since which Positions names every partition written to; 0
	// when it names all of this incarnation.
	Base      uint64
	Next      gazetteer.Clock
	Positions []PartitionSeq
	// Age is how long the mark has been under way: each hop adds its own monotonic
	// time, so the receiver's knowledge is at most this old plus its own.
	Age time.Duration
	// Stable carries the origin's part of the stable stamp; nil on most marks.
	Stable *Stable
}

// PartitionSeq is the last sequence number of an origin in one partition.
type PartitionSeq struct {
	Partition gazetteer.Partition
	Seq       uint64
}

// Stable is what one replica adds to the stable stamp (rule 6): it is complete from
// every origin up to Complete, and holds of each ended origin what the digests say.
type Stable struct {
	Epoch    uint64 // of the plan it was reckoned with
	Complete gazetteer.Clock
	Held     []Run    // the partitions that it holds, in order
	Ended    []Digest // over the durable positions of ended origins, in order; a held partition without one has none
}

// Run is partitions of one type with consecutive indexes.
type Run struct {
	Type         gazetteer.Type
	First, Count uint32
}

func (Greet) message()     {}
func (Match) message()     {}
func (Ask) message()       {}
func (Leave) message()     {}
func (Hello) message()     {}
func (Begin) message()     {}
func (Elements) message()  {}
func (Mark) message()      {}
func (Report) message()    {}
func (Fresh) message()     {}
func (Subscribe) message() {}
