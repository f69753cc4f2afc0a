package peer

import "sync/atomic"

// counters are what Counters returns, as they are counted.
type counters struct {
	accepted, crowded, refused   atomic.Uint64
	requests                     atomic.Uint64
	linked, unlinked, collisions atomic.Uint64
	overflows, unknown           atomic.Uint64
	streams, watches             atomic.Uint64
}

// Counters count what happened since the start: for metrics.
type Counters struct {
	Accepted   uint64 // connections
	Crowded    uint64 // connections closed at once because there were MaxConns
	Refused    uint64 // connections refused in the handshake, or ended for what they sent
	Requests   uint64 // requests taken
	Linked     uint64 // links that came up
	Unlinked   uint64 // links that ended
	Collisions uint64 // link attempts refused because the other end's goes on
	Overflows  uint64 // links closed because their control messages were not taken
	Unknown    uint64 // link messages of a kind this version does not know
	Streams    uint64 // raft streams taken
	Watches    uint64 // streams of changes begun
}

// Counters returns what happened so far.
func (t *Transport) Counters() Counters {
	c := &t.count
	return Counters{
		Accepted: c.accepted.Load(), Crowded: c.crowded.Load(), Refused: c.refused.Load(), Requests: c.requests.Load(),
		Linked: c.linked.Load(), Unlinked: c.unlinked.Load(), Collisions: c.collisions.Load(),
		Overflows: c.overflows.Load(), Unknown: c.unknown.Load(), Streams: c.streams.Load(), Watches: c.watches.Load(),
	}
}
