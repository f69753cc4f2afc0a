package peer

import (
	"cmp"
	"context"
	"crypto/tls"
	"net"
	"time"

	"gazetteer"
)

// Config is what a Transport needs. Zero fields take the defaults named.
type Config struct {
	Node gazetteer.NodeID
	// Region is where the node belongs, and Partitions the planet's number: a peer with
	// another is refused. A process that does not know them yet leaves them out and
	// tells them later, see [Transport.Settle].
	Region     gazetteer.RegionID
	Partitions uint32

	// Resolve returns the address (host:port) of a node's peer port, empty if the node
	// is not known. It is asked at every dial and must not block. The answer may change:
	// nodes move, and join.
	Resolve func(gazetteer.NodeID) string
	// Dial opens a connection; net.Dialer's by default. A demo or a test puts delays
	// and faults here.
	Dial func(ctx context.Context, addr string) (net.Conn, error)

	// Conns (2) is how many connections carry the requests to one node. More use more
	// cores and gather fewer frames into one system call.
	Conns int
	// CallTimeout (5 s) ends a request whose context has no deadline.
	CallTimeout time.Duration
	// DialTimeout (2 s) bounds connecting, and then the exchange of hellos, at both ends.
	// Keep it above two round trips to the farthest node.
	DialTimeout time.Duration
	// RetryMin and RetryMax (50 ms, 2 s) bound the wait before a node is dialled again;
	// it doubles, and each wait is jittered by half.
	RetryMin, RetryMax time.Duration

	// MaxInFlight (4096) bounds the requests that are under way on one connection, at
	// both ends. Beyond it a request fails as Unavailable.
	MaxInFlight int
	// MaxHandlers (4096) bounds the requests that this node answers at once, on all
	// connections; those answered by [Transport.HandleInline] do not count.
	MaxHandlers int
	// MaxConns (2048) bounds the connections that this node accepts.
	MaxConns int
	// MaxQueued (16 MiB) bounds the bytes that wait to be written on one connection: of
	// requests, of replies, of a link's control messages. A link's data is bounded by
	// the window of the core that sends it.
	MaxQueued int
	// MaxReply (64 MiB) bounds a reply that comes in parts: a conflict journal.
	MaxReply int
	// StallAfter (10 s) closes a connection whose peer takes nothing of what is written
	// for so long.
	StallAfter time.Duration

	// BeatEvery (500 ms) is the pace of heartbeats; DeadAfter (2 s) is how long a node
	// may be silent before it counts as dead. Shorter finds the dead sooner, and takes
	// pauses for deaths; below three round trips it takes distance for death.
	BeatEvery, DeadAfter time.Duration

	// ServerTLS and ClientTLS wrap what is accepted and dialled. Nil: plain TCP, for
	// loopback.
	ServerTLS, ClientTLS *tls.Config

	// Refused is told of every connection that was accepted or dialled and then refused,
	// by either end, and of every link that broke a limit. May be nil.
	Refused func(addr string, err error)
}

func (c Config) withDefaults() Config {
	c.Conns = cmp.Or(c.Conns, 2)
	c.CallTimeout = cmp.Or(c.CallTimeout, 5*time.Second)
	c.DialTimeout = cmp.Or(c.DialTimeout, 2*time.Second)
	c.RetryMin = cmp.Or(c.RetryMin, 50*time.Millisecond)
	c.RetryMax = cmp.Or(c.RetryMax, 2*time.Second)
	c.MaxInFlight = cmp.Or(c.MaxInFlight, 4096)
	c.MaxHandlers = cmp.Or(c.MaxHandlers, 4096)
	c.MaxConns = cmp.Or(c.MaxConns, 2048)
	c.MaxQueued = cmp.Or(c.MaxQueued, 16<<20)
	c.MaxReply = cmp.Or(c.MaxReply, 64<<20)
	c.StallAfter = cmp.Or(c.StallAfter, 10*time.Second)
	c.BeatEvery = cmp.Or(c.BeatEvery, 500*time.Millisecond)
	c.DeadAfter = cmp.Or(c.DeadAfter, 2*time.Second)
	if c.Dial == nil {
		c.Dial = func(ctx context.Context, addr string) (net.Conn, error) {
			return new(net.Dialer).DialContext(ctx, "tcp", addr)
		}
	}
	if c.Refused == nil {
		c.Refused = func(string, error) {}
	}
	return c
}

func (c Config) validate() error {
	switch {
	case c.Node == "" || len(c.Node) > gazetteer.MaxIDBytes:
		return invalidConfig("Node must be named, with at most 255 bytes")
	case c.Resolve == nil:
		return invalidConfig("Resolve is missing")
	case c.Conns < 1 || c.MaxInFlight < 1 || c.MaxHandlers < 1 || c.MaxConns < 1 || c.MaxReply < 1 || c.MaxQueued < maxRequestBytes:
		return invalidConfig("Conns and the limits must be positive, MaxQueued at least 4 MiB")
	case c.DeadAfter < 2*c.BeatEvery:
		return invalidConfig("DeadAfter must be at least twice BeatEvery, else a late heartbeat counts as a death")
	case c.BeatEvery <= 0 || c.CallTimeout <= 0 || c.DialTimeout <= 0 || c.StallAfter <= 0 || c.RetryMin <= 0 || c.RetryMax < c.RetryMin:
		return invalidConfig("times must be positive, RetryMax not below RetryMin")
	}
	return nil
}

func invalidConfig(detail string) error {
	return &gazetteer.Error{Op: "peer.New", Kind: gazetteer.Invalid, Detail: detail}
}
