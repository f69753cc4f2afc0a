package ghs

import (
	"time"

	"gazetteer"
	"gazetteer/mst"
)

// station is one region in a run: its node, and its ends of the edges.
type station struct {
	world  *world
	name   gazetteer.RegionID
	node   *mst.Node
	ends   map[gazetteer.RegionID]*end
	halted bool
}

// end is one region's end of an edge.
type end struct {
	owner, peer *station
	opposite    *end
	wire        wire      // from the owner to the peer
	link        *mst.Link // nil in a bare run
	tick        time.Duration
}

func (w *world) join(a, b *station, cost uint64) {
	x := w.newEnd(a, b, cost)
	y := w.newEnd(b, a, cost)
	x.opposite, y.opposite = y, x
}

// resendAfter is above every round-trip time of a delay of up to half of it.
const resendAfter = 500 * time.Millisecond

func (w *world) newEnd(owner, peer *station, cost uint64) *end {
	e := &end{owner: owner, peer: peer, wire: wire{cost: cost}}
	if !w.o.Bare {
		e.link = mst.NewLink(mst.Epoch{Counter: 1}, cost, resendAfter)
	}
	owner.ends[peer.name] = e
	return e
}

func (s *station) wake() {
	if s.node.Status().State != mst.Sleeping {
		return
	}
	if s.world.o.Transcript {
		s.world.result.Transcript = append(s.world.result.Transcript, Event{At: s.world.net.agenda.Now(), To: s.name})
	}
	s.node.Wake()
	s.perform()
}

// perform sends what the node has to send.
func (s *station) perform() {
	if s.node.Halted() && !s.halted {
		s.halted, s.world.result.Elapsed = true, s.world.net.agenda.Now()
	}
	for _, out := range s.node.Ready() {
		s.ends[out.To].send(out.Message)
	}
}

// take gives the node a message.
func (s *station) take(from *station, m mst.Message) {
	s.world.took(from, s, m)
	if err := s.node.Step(from.name, m); err != nil && !s.world.o.forgive {
		s.world.fail("%s: %v", s.name, err)
	}
	s.perform()
}

func (e *end) send(m mst.Message) {
	if e.link == nil {
		e.owner.world.net.send(&e.wire, func() { e.peer.take(e.owner, m) })
		return
	}
	e.link.Tick(e.owner.world.net.agenda.Now())
	if err := e.link.Send(m); err != nil {
		e.owner.world.fail("%s: %v", e.owner.name, err)
	}
	e.flush()
}

// flush puts on the wire what the link has to send, and plans its next tick.
func (e *end) flush() {
	net := e.owner.world.net
	for _, f := range e.link.Ready() {
		net.send(&e.wire, func() { e.opposite.arrive(f) })
	}
	if at, ok := e.link.Due(); ok && at != e.tick {
		e.tick = at
		net.agenda.At(at, e.ticks)
	}
}

func (e *end) ticks() {
	e.link.Tick(e.owner.world.net.agenda.Now())
	e.flush()
}

// arrive takes a frame from the opposite end.
func (e *end) arrive(f mst.Frame) {
	e.link.Tick(e.owner.world.net.agenda.Now())
	messages, err := e.link.Receive(f)
	if err != nil {
		e.owner.world.fail("%s: %v", e.owner.name, err)
	}
	for _, m := range messages {
		e.owner.take(e.peer, m)
	}
	e.flush()
}

func (s *station) addLinks(sum *mst.LinkCounters) {
	for _, e := range s.ends {
		if e.link != nil {
			c := e.link.Counters()
			sum.Sent += c.Sent
			sum.Resent += c.Resent
			sum.Acks += c.Acks
			sum.Duplicates += c.Duplicates
		}
	}
}
