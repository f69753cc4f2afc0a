package ring

import (
	"time"

	"gazetteer"
)

// Now is the time as a driver tells it: the wall clock may jump and drift, the
// monotonic one only goes forward.
type Now struct {
	Wall int64         // Unix milliseconds
	Mono time.Duration // since some point in the past
}

// Ack is a level of acknowledgement of a write.
type Ack uint8

const (
	AckNone    Ack = iota
	AckLocal       // durable on the active replica
	AckRing        // durable on a majority of the ring's configured members
	AckRegions     // AckRing in every region of the installed tree
)

// Write is one resource's change, all or nothing.
type Write struct {
	Token     uint64 // names the Outcome; chosen by the driver
	Partition gazetteer.Partition
	ID        gazetteer.ID
	Put       []Value                // attributes first if any, then locations
	Delete    []gazetteer.LocationID // what is not there is passed over
	// Replace deletes every live element that Put does not name.
	Replace bool
	// If holds the versions under which the write is done, see region.Change.If.
	If  []gazetteer.Version
	Ack Ack
	// Deadline is when an Outcome is due with the level reached by then (monotonic).
	Deadline time.Duration
}

// Value is the new body of one element of a written resource.
type Value struct {
	Location gazetteer.LocationID // empty for the attributes
	Body     []byte
}

// Outcome answers a Write. With Err nothing of the write was done; without it the write
// is durable at least on this replica when the driver gets it.
type Outcome struct {
	Token   uint64
	Version gazetteer.Version // of the resource after the write; 0: no longer there
	Created bool              // the resource did not exist before
	Existed bool              // all that Put and Delete name existed before
	Reached Ack
	Shown   Token // of the resource after the write: for the session that wrote
	Err     error
}

// Envelope is a message and the node it goes to, over the link that is open to it.
type Envelope struct {
	To      gazetteer.NodeID
	Message Message
}

// ScanID names a scan that the driver performs.
type ScanID uint64

// Scan asks the driver to open a snapshot, after Save, and to read the updates of the
// partition above the vector, by position, in chunks of Config.ScanBatch. The driver
// gives the first chunk to [Replica.Scanned] at once and each further one when a Ready
// names it in More.
type Scan struct {
	ID        ScanID
	Partition gazetteer.Partition
	Above     gazetteer.Vector
}

// Chunk is what a scan read.
type Chunk struct {
	ID      ScanID
	Updates []gazetteer.Update
	Done    bool // nothing follows; the driver has closed the snapshot
}

// Serving says whether a partition answers reads and takes writes here.
type Serving struct {
	Reads    bool
	Writes   bool
	Degraded bool // it serves without having heard from a live mate
}

// Ready is what the driver performs, in this order:
//
//  1. if not SaveFirst: Send
//  2. Save, if it is not empty; an error ends the process
//  3. if SaveFirst: Send; then After
//  4. Close, Scans, More
//  5. Outcomes
//
// The driver performs a Ready whole before it calls the replica again.
type Ready struct {
	// SaveFirst is set when Send holds writes of this origin: they must be durable
	// before anybody else sees them. What only passes through goes on at once.
	SaveFirst bool
	Send      []Envelope
	Save      Save
	After     []Envelope // reports: they speak of what is durable
	Close     []ScanID   // scans that nobody wants any more
	Scans     []Scan
	More      []ScanID
	Outcomes  []Outcome
	// Serving is the new state of all partitions, nil if nothing changed.
	Serving map[gazetteer.Partition]Serving
	// Peers are the nodes to keep a link to, sorted, nil if nothing changed.
	Peers []gazetteer.NodeID
}

// Counters count what happened since the start: for metrics, and for tests to know what
// a schedule covered.
type Counters struct {
	Written, Applied, Duplicates, Superseded uint64
	Gaps                                     uint64 // a live update that left a gap: an alarm
	Scans, Resumed, WholeScans               uint64
	Overflows, OverflowsInScan               uint64
	Held                                     uint64 // updates dropped for a stamp too far ahead
	Fenced                                   uint64 // times this node fenced itself
	Orphans                                  uint64 // elements written anew
	Collected                                uint64 // tombstones collected
	Conflicts                                uint64 // journal entries
	Rewritten                                uint64 // elements that a whole scan had written anew
	Mutual                                   uint64 // handshakes below each other's horizon
	Stuck                                    uint64 // handshakes asked for after StuckAfter
	Renewed                                  uint64 // handshakes that watchers were asked for
}
