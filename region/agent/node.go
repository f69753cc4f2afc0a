package agent

import (
	"context"

	"gazetteer"
	"gazetteer/region"
	"gazetteer/region/geo"
	"gazetteer/ring"
)

// Config says what one process is made of.
type Config struct {
	Plan region.Plan
	Node gazetteer.NodeID // whose roles the plan names
	// Store keeps what the node's replicas hold; nil if it has no replica. It stays
	// the caller's, who closes it after [Node.Close].
	Store ring.Store
	// Links carry ring messages to other replicas; nil if there are no others.
	Links Links
	// Transport reaches the servers of other processes; nil if there are none. A hop
	// to a role of this process never goes through it.
	Transport region.Transport
	// Locator places clients; nil for one without a database.
	Locator *geo.Locator
	// Clock is the time for the cores; nil for the machine's.
	Clock Clock
}

// Node is one running process: the cores it drives and the servers it is.
type Node struct{}

// Start makes the servers of the node's roles and runs its cores until ctx ends, Close
// is called, or the store fails.
func Start(ctx context.Context, c Config) (*Node, error) { panic("not yet") }

// Regional returns the regional server, nil if the node does not have that role.
func (n *Node) Regional() region.Regional { return nil }

// Tiers returns the node's cluster server and replica, as far as it has these roles:
// what the peer port offers to other processes.
func (n *Node) Tiers() map[region.Role]region.Tier { return nil }

// Wait returns when the node has stopped: nil after Close or the end of its context,
// else the error that stopped it.
func (n *Node) Wait() error { return nil }

// Close stops the node and waits until it has.
func (n *Node) Close() error { return nil }
