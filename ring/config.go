package ring

import (
	"cmp"
	"math/rand/v2"
	"time"

	"gazetteer"
)

// Config is what a Replica needs for good. Zero fields take the defaults named.
type Config struct {
	Self        gazetteer.NodeID
	Incarnation uint64 // 64 random bits, new at every start, clean or not
	Reader      Reader
	State       State      // as the store held it when it was opened
	Rand        *rand.Rand // jitter; a seed makes a run repeatable

	// MaxSkew (1 s) is how far a stamp may be ahead of the local clock. Larger
	// tolerates worse clocks, and lets a broken one win for longer.
	MaxSkew time.Duration
	// QueueMax (10,000) bounds the updates that wait on one link. Beyond it the link
	// drops them and returns to catch-up: memory stays bounded, a slow peer costs the
	// others nothing.
	QueueMax int
	// ScanBatch (256) is how many updates one message of a scan carries.
	ScanBatch int
	// Window (32) is how many data messages a link may have handed to the driver that
	// the driver has not reported as sent.
	Window int
	// FreshEvery (500 ms) is the pace of freshness marks; every StableEvery (10 s) one
	// carries all positions and the sender's part of the stable stamp.
	FreshEvery, StableEvery time.Duration
	// StuckAfter (10 s): a subscriber whose acknowledged vector stays below the
	// publisher's for so long is asked for a new handshake.
	StuckAfter time.Duration
	// OrphanAfter (1 min): an element above the vector of an ended origin is written
	// anew by a replica that finds it so for this long.
	OrphanAfter time.Duration
	// AloneAfter (3 s): a replica that sees no live ring mate for so long serves and
	// says that it is degraded.
	AloneAfter time.Duration
	// CompareEvery (20 s, jittered by half) links to one random ring member for a
	// moment, beyond the neighbours.
	CompareEvery time.Duration
	// CollectEvery (5 s) is the pace at which stable tombstones are looked for.
	CollectEvery time.Duration
	// KeepTombstones (0) is how long after its deletion, by this replica's clock, a tombstone
	// stays at least, also when it could be collected: whoever comes back within that time
	// gets a difference. It costs the bytes of what was deleted meanwhile. A clock that is
	// wrong costs a whole scan or more bytes, and nothing else.
	KeepTombstones time.Duration
	// JournalFor (24 h) is how long the conflict journal keeps an entry.
	JournalFor time.Duration
}

func (c Config) withDefaults() Config {
	c.MaxSkew = cmp.Or(c.MaxSkew, time.Second)
	c.QueueMax = cmp.Or(c.QueueMax, 10_000)
	c.ScanBatch = cmp.Or(c.ScanBatch, 256)
	c.Window = cmp.Or(c.Window, 32)
	c.FreshEvery = cmp.Or(c.FreshEvery, 500*time.Millisecond)
	c.StableEvery = cmp.Or(c.StableEvery, 10*time.Second)
	c.StuckAfter = cmp.Or(c.StuckAfter, 10*time.Second)
	c.OrphanAfter = cmp.Or(c.OrphanAfter, time.Minute)
	c.AloneAfter = cmp.Or(c.AloneAfter, 3*time.Second)
	c.CompareEvery = cmp.Or(c.CompareEvery, 20*time.Second)
	c.CollectEvery = cmp.Or(c.CollectEvery, 5*time.Second)
	c.JournalFor = cmp.Or(c.JournalFor, 24*time.Hour)
	if c.Rand == nil {
		c.Rand = rand.New(rand.NewPCG(c.Incarnation, uint64(c.Self.Store())))
	}
	return c
}

func (c Config) validate() error {
	switch {
	case c.Self == "":
		return invalidConfig("Self names no node")
	case c.Reader == nil:
		return invalidConfig("Reader is missing")
	case c.Incarnation == 0:
		return invalidConfig("Incarnation is 0; draw 64 random bits at every start")
	case c.KeepTombstones < 0:
		return invalidConfig("KeepTombstones is negative")
	case c.QueueMax < 1 || c.ScanBatch < 1 || c.Window < 1:
		return invalidConfig("QueueMax, ScanBatch and Window must be positive")
	}
	return nil
}

func invalidConfig(detail string) error {
	return &gazetteer.Error{Op: "ring.New", Kind: gazetteer.Invalid, Detail: detail}
}
