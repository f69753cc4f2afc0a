// Package agent runs the cores of one process in the real world: it is the only place
// where they meet goroutines, the clock, the disk and the network.
package agent

import (
	"gazetteer"
	"gazetteer/ring"
)

// Links is what an agent needs to exchange ring messages with other nodes. A link is
// one FIFO session between two nodes; while it is open, messages arrive once, in order.
// api/peer implements it over the peer port. No method blocks.
type Links interface {
	// Start gives the handler that all events go to. It is called once.
	Start(h LinkHandler)
	// Want names the nodes to keep a link to. Others may still open one to us.
	Want(nodes []gazetteer.NodeID)
	// Send queues m on the link to a node; without one m is dropped. The Age of a Fresh
	// grows by the time that it is under way.
	Send(to gazetteer.NodeID, m ring.Message)
}

// LinkHandler takes the events of links. Its methods are called by the transport's
// goroutines, may block for back-pressure, and are in order for one node.
type LinkHandler interface {
	Linked(n gazetteer.NodeID)
	Unlinked(n gazetteer.NodeID)
	Received(n gazetteer.NodeID, m ring.Message)
	// Sent tells that k more data messages (Begin, Elements, Mark) were written.
	Sent(n gazetteer.NodeID, k int)
	// Alive tells that a node answers, or has not answered for the dead time, also if
	// it never did since it was wanted.
	Alive(n gazetteer.NodeID, alive bool)
}
