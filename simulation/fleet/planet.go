package fleet

import (
	"time"

	"gazetteer"
	"gazetteer/ring"
)

// Planet is what the fleet needs of the replicas and of the network between all nodes.
// All calls come from one goroutine, in virtual time; answers are given by calling back
// at the time at which they leave the replica, at once or later.
type Planet interface {
	// Owners appends the replicas of the ring that owns a key in a region, by the plan
	// that is in force there, in ring order.
	Owners(dst []gazetteer.NodeID, r gazetteer.RegionID, k gazetteer.Key) []gazetteer.NodeID
	// State says how a replica's process is.
	State(n gazetteer.NodeID) State
	// Ready reports whether a replica that is up serves all that it hosts: a health check
	// of it answers 200.
	Ready(n gazetteer.NodeID) bool
	// Serving reports whether a replica that is up serves a key.
	Serving(n gazetteer.NodeID, k gazetteer.Key) bool
	// Read and Write ask a replica that was up when it was asked. One that ends before it
	// has answered never does. What stands in an answer is of the element of the key's
	// attributes.
	Read(n gazetteer.NodeID, k gazetteer.Key, session ring.Token, done func(Answer))
	Write(n gazetteer.NodeID, k gazetteer.Key, value uint64, session ring.Token, deadline time.Duration, done func(Answer))
	// Delay is how long a message that leaves now is under way, one way; false if it does
	// not arrive. Nodes that the planet does not know (clients, servers, balancers) lie in
	// their region.
	Delay(from, to Place) (time.Duration, bool)
	// Initial is the value that the catalogue gave a key; false if it has none.
	Initial(k gazetteer.Key) (value uint64, ok bool)
}

// State is how a process is.
type State uint8

// The states.
const (
	Up     State = iota
	Paused       // it takes what comes, and answers when it goes on
	Down         // the process has ended, its machine refuses for it
	Gone         // with its machine: nobody refuses
)

// Place is where a message starts or ends.
type Place struct {
	Region gazetteer.RegionID
	Node   gazetteer.NodeID
}

// Answer is what a replica says to a request.
type Answer struct {
	// Failed says why it is none: Unserved, WrongOwner, Unavailable, Deadline, Full... A
	// request that was carried out has Done.
	Done   bool
	Failed gazetteer.Kind
	// Value and Stamp are of the element as the replica has it after the request; Found is
	// false if it holds none.
	Found bool
	Value uint64
	Stamp gazetteer.Stamp
	// Session covers what was shown or written.
	Session ring.Token
}
