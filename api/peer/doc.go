// Package peer is how servers reach each other: one TCP port, over which go the requests
// of one tier to the next and the links of the feed.
//
// A [Transport] both listens and dials. It implements region.Transport (a [Remote] is a
// region.Tier in another process) and agent.Links. DESIGN.md describes the wire.
package peer
