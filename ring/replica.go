package ring

import "gazetteer"

// TEMPORARY shape: bodies follow.

// Replica is the state machine of one node's mirrors: all partitions of all rings that
// the node is a member of. It starts no goroutine, reads no clock, opens nothing. One
// goroutine owns it.
type Replica struct{}

// New checks the configuration and returns a replica with the state of its store.
func New(c Config) (*Replica, error) { panic("todo") }

// Configure takes a new plan.
func (r *Replica) Configure(p Plan) { panic("todo") }

// Tick tells the time. The driver calls it before each batch of inputs and at least every 100 ms.
func (r *Replica) Tick(now Now) { panic("todo") }

// Alive tells whether a node answers, as the driver sees it.
func (r *Replica) Alive(n gazetteer.NodeID, alive bool) { panic("todo") }

// Linked tells that a link to the node is open, Unlinked that it broke: everything
// sent and not received is lost, nothing more comes from it.
func (r *Replica) Linked(n gazetteer.NodeID)   { panic("todo") }
func (r *Replica) Unlinked(n gazetteer.NodeID) { panic("todo") }

// Sent tells that the link has taken k more of the data messages (Begin, Elements, Mark) handed to it.
func (r *Replica) Sent(n gazetteer.NodeID, k int) { panic("todo") }

// Step takes a message that came over the link from a node.
func (r *Replica) Step(from gazetteer.NodeID, m Message) { panic("todo") }

// Propose takes a write of a client.
func (r *Replica) Propose(w Write) { panic("todo") }

// Scanned takes what a scan read.
func (r *Replica) Scanned(c Chunk) { panic("todo") }

// Ready returns what is to be done, and forgets it.
func (r *Replica) Ready() Ready { panic("todo") }

// Vector returns what the replica holds of a partition.
func (r *Replica) Vector(p gazetteer.Partition) gazetteer.Vector { panic("todo") }

// Counters returns what happened so far.
func (r *Replica) Counters() Counters { panic("todo") }

// Stable returns the stamp below which tombstones may be collected, 0 for none known.
func (r *Replica) Stable() gazetteer.Clock { panic("todo") }

// Origin returns the origin under which this replica writes.
func (r *Replica) Origin() gazetteer.Origin { panic("todo") }
