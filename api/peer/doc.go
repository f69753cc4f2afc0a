// Package peer is how servers reach each other: one TCP port, over which go the requests
// of one tier to the next and to services, the links of the feed, and raft.
//
// A [Transport] both listens and dials. It implements region.Transport (a [Remote] is a
// region.Tier in another process) and agent.Links, and gives out what region/control
// wants: [Transport.Streams] and [Transport.Control]. DESIGN.md describes the wire.
package peer
