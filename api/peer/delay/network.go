// Package delay puts the distances between regions into connections on one machine: for
// demos and tests. A [Network] knows how long a byte travels from one region to another,
// and which regions are cut off from each other; its dialers make connections on which
// both directions take that long.
//
// What is written arrives in order, never early, and as late as the machine's timers are
// (some tenths of a millisecond). Nothing is lost, and the bandwidth has no limit of its
// own: each direction of a connection holds up to 4 MiB that are under way, as a TCP
// window does, and beyond that its writer waits. A connection costs one goroutine, which
// is blocked while nothing comes; what is under way costs a timer.
package delay

import (
	"context"
	"fmt"
	"net"
	"sync"
	"time"

	"gazetteer"
)

// Network connects regions. The zero value is of no use, see [New].
type Network struct {
	delay func(from, to gazetteer.RegionID) time.Duration

	mu     sync.Mutex // guards all below
	cuts   map[pair]bool
	conns  map[*conn]bool
	healed chan struct{} // closed at the next Heal
}

// pair is two regions in any order, the smaller first.
type pair [2]gazetteer.RegionID

func pairOf(a, b gazetteer.RegionID) pair { return pair{min(a, b), max(a, b)} }

// Dialer opens a connection to an address (host:port), as peer.Config wants it.
type Dialer func(ctx context.Context, addr string) (net.Conn, error)

// New returns a network on which a byte takes delay(from, to) one way. It is asked for
// every write, by many goroutines at once, so the distances may change; what is under way
// keeps its order. It must not call the network.
func New(delay func(from, to gazetteer.RegionID) time.Duration) *Network {
	return &Network{delay: delay, cuts: map[pair]bool{}, conns: map[*conn]bool{}, healed: make(chan struct{})}
}

// Dialer returns what the servers of one region dial with. The region of an address is
// what regionOf says of it; one of the same region, or of none (empty), is reached as
// without this package. base makes the real connections; nil: TCP.
//
// To connect takes one round trip. It waits while the regions are cut off from each
// other.
func (n *Network) Dialer(from gazetteer.RegionID, regionOf func(addr string) gazetteer.RegionID, base Dialer) Dialer {
	if base == nil {
		base = func(ctx context.Context, addr string) (net.Conn, error) {
			return new(net.Dialer).DialContext(ctx, "tcp", addr)
		}
	}
	return func(ctx context.Context, addr string) (net.Conn, error) {
		to := regionOf(addr)
		if to == from || to == "" {
			return base(ctx, addr)
		}
		if err := n.travel(ctx, from, to); err != nil {
			return nil, err
		}
		nc, err := base(ctx, addr)
		if err != nil {
			return nil, err
		}
		return n.wrap(nc, from, to), nil
	}
}

// travel waits for a round trip on which nothing is cut.
func (n *Network) travel(ctx context.Context, from, to gazetteer.RegionID) error {
	for {
		if err := n.awaitWay(ctx, from, to); err != nil {
			return err
		}
		trip := time.NewTimer(n.delay(from, to) + n.delay(to, from))
		select {
		case <-trip.C:
		case <-ctx.Done():
			trip.Stop()
			return tooLate(ctx, "region %s did not answer in time", to)
		}
		if !n.IsCut(from, to) {
			return nil
		}
	}
}

func (n *Network) awaitWay(ctx context.Context, from, to gazetteer.RegionID) error {
	for {
		n.mu.Lock()
		cut, healed := n.cuts[pairOf(from, to)], n.healed
		n.mu.Unlock()
		if !cut {
			return nil
		}
		select {
		case <-healed:
		case <-ctx.Done():
			return tooLate(ctx, "regions %s and %s are cut off from each other", from, to)
		}
	}
}

// Cut stops all traffic between the regions of a and those of b: bytes under way and
// bytes written later are held back, connecting waits. Within a set nothing changes, and
// a region is never cut off from itself.
func (n *Network) Cut(a, b []gazetteer.RegionID) { n.set(a, b, true) }

// Heal ends cuts between the regions of a and those of b. What was held back arrives
// after the way's delay.
func (n *Network) Heal(a, b []gazetteer.RegionID) { n.set(a, b, false) }

// IsCut reports whether two regions are cut off from each other.
func (n *Network) IsCut(a, b gazetteer.RegionID) bool {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.cuts[pairOf(a, b)]
}

func (n *Network) set(a, b []gazetteer.RegionID, cut bool) {
	n.mu.Lock()
	defer n.mu.Unlock()
	for _, x := range a {
		for _, y := range b {
			if cut && x != y {
				n.cuts[pairOf(x, y)] = true
			} else {
				delete(n.cuts, pairOf(x, y))
			}
		}
	}
	for c := range n.conns {
		c.hold(n.cuts[pairOf(c.from, c.to)])
	}
	if !cut {
		close(n.healed)
		n.healed = make(chan struct{})
	}
}

// wrap delays a connection that was dialled from one region to another.
func (n *Network) wrap(nc net.Conn, from, to gazetteer.RegionID) *conn {
	c := newConn(n, nc, from, to)
	n.mu.Lock()
	defer n.mu.Unlock()
	n.conns[c] = true
	c.hold(n.cuts[pairOf(from, to)])
	go c.receive()
	return c
}

func (n *Network) forget(c *conn) {
	n.mu.Lock()
	defer n.mu.Unlock()
	delete(n.conns, c)
}

func tooLate(ctx context.Context, format string, args ...any) error {
	return &gazetteer.Error{Op: "delay.Dial", Kind: gazetteer.Deadline, Detail: fmt.Sprintf(format, args...), Err: context.Cause(ctx)}
}
