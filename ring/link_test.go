package ring_test

import (
	"time"

	"gazetteer"
	"gazetteer/ring"
)

// wire is the way from one node to another; it outlives links.
type wire struct {
	dice  dice
	delay time.Duration // one way
	slow  time.Duration // what one data message takes to be sent
}

// link is a FIFO session between two nodes.
type link struct {
	ends   [2]*node
	lives  [2]int
	states [2]linkState
	pipes  [2]pipe // pipes[i] leads from ends[i] to the other
	broken bool
}

// linkState is what one end has been told.
type linkState uint8

const (
	untold linkState = iota
	toldOpen
	toldBroken
)

// pipe is one direction of a link.
type pipe struct {
	free  time.Duration // when it can take the next message
	last  time.Duration // when the last one arrives
	until time.Duration // what arrives later is lost
}

// mail is a message under way. With the mark of a whole scan travels, for the books,
// what its publisher knew to be collected.
type mail struct {
	msg  ring.Message
	seal *sealed
}

// fate is what becomes of the messages under way when a link breaks.
type fate uint8

const (
	lost     fate = iota
	arriving      // until the receiver is told
)

const never = time.Duration(1 << 62)

func (w *world) newWire(a, b *node) wire {
	d := dice(w.shape.seed ^ uint64(a.id.Store()) ^ uint64(b.id.Store())*31)
	lo, hi := 200*time.Microsecond, 4*time.Millisecond
	if a.region != b.region {
		lo, hi = 5*time.Millisecond, 30*time.Millisecond
	}
	delay := d.between(lo, hi)
	return wire{dice: d, delay: delay}
}

func (l *link) side(n *node) int {
	if l.ends[0] == n {
		return 0
	}
	return 1
}

// wantsLinks notes whom a node wants links to.
func (w *world) wantsLinks(n *node, peers []gazetteer.NodeID) {
	old := n.wants
	n.wants = 0
	for _, id := range peers {
		if m := w.byID[id]; m != nil && m != n {
			n.wants |= m.bit()
		}
	}
	for _, m := range w.nodes {
		if (old^n.wants)&m.bit() != 0 {
			w.dialSoon(n, m)
		}
	}
}

func (w *world) dialSoon(a, b *node) {
	if a != b {
		w.add(w.wires[w.pair(a, b)].dice.between(time.Millisecond/2, 5*time.Millisecond), event{kind: evDial, node: a, arg: b.i})
	}
}

// dial opens the link between two nodes if one wants it, and closes it if none does.
func (w *world) dial(a, b *node) {
	l := w.links[w.pair(a, b)]
	wanted := a.r != nil && b.r != nil && (a.wants&b.bit() != 0 || b.wants&a.bit() != 0)
	switch {
	case l == nil && wanted && w.cuts[w.pair(a, b)] == 0:
		w.open(a, b)
	case l != nil && !wanted && !l.broken:
		w.breaks(l, arriving)
	}
}

func (w *world) open(a, b *node) {
	l := &link{ends: [2]*node{a, b}, lives: [2]int{a.life, b.life}}
	w.links[w.pair(a, b)], w.links[w.pair(b, a)] = l, l
	for i, n := range l.ends {
		in := w.wires[w.pair(n, l.ends[1-i])].dice.between(0, 4*time.Millisecond)
		l.pipes[1-i] = pipe{last: w.now + in, until: never}
		w.add(in, event{kind: evTold, link: l, arg: i})
	}
}

// breaks ends a link. Each end that lives is told in its own time.
func (w *world) breaks(l *link, sent fate) {
	if l.broken {
		w.forget(l)
		return
	}
	l.broken = true
	for i, n := range l.ends {
		in := w.wires[w.pair(n, l.ends[1-i])].dice.between(0, 40*time.Millisecond)
		l.pipes[1-i].until = w.now
		if sent == arriving {
			l.pipes[1-i].until = w.now + in
		}
		w.add(in, event{kind: evTold, link: l, arg: i})
	}
	w.forget(l)
}

// told tells one end of a link what has become of it.
func (w *world) told(l *link, side int) {
	n := l.ends[side]
	if !n.lives(l.lives[side]) || l.states[side] == toldBroken {
		return
	}
	peer := l.ends[1-side]
	switch {
	case l.broken:
		was := l.states[side]
		l.states[side] = toldBroken
		if was == toldOpen {
			w.tracef(n, "link to %s is broken", peer.id)
			n.r.Tick(w.clockOf(n))
			n.r.Unlinked(peer.id)
			w.after(n)
		}
		w.forget(l)
	case l.states[side] == untold:
		l.states[side] = toldOpen
		n.r.Tick(w.clockOf(n))
		n.r.Linked(peer.id)
		w.after(n)
	}
}

// forget makes room for a new link once both ends know that the old one is broken.
func (w *world) forget(l *link) {
	a, b := l.ends[0], l.ends[1]
	for i, n := range l.ends {
		if n.lives(l.lives[i]) && l.states[i] != toldBroken {
			return
		}
	}
	if w.links[w.pair(a, b)] == l {
		w.links[w.pair(a, b)], w.links[w.pair(b, a)] = nil, nil
		w.dialSoon(a, b)
	}
}

func (w *world) sendAll(n *node, es []ring.Envelope) {
	for i := range es {
		w.send(n, &es[i])
	}
}

// send hands a message to the link that is open, as far as the sender knows.
func (w *world) send(n *node, e *ring.Envelope) {
	to := w.byID[e.To]
	if to == nil {
		w.toViewer(n, e)
		return
	}
	l := w.links[w.pair(n, to)]
	if l == nil || l.states[l.side(n)] != toldOpen || !n.lives(l.lives[l.side(n)]) {
		return
	}
	w.traceSend(n, to, e.Message)
	if es, ok := e.Message.(ring.Elements); ok {
		w.carried += uint64(len(es.Updates))
		w.books.travels(n, to, &es)
	}
	if l.broken {
		return
	}
	side := l.side(n)
	p, wire := &l.pipes[side], &w.wires[w.pair(n, to)]
	data := isData(e.Message)
	takes := 10 * time.Microsecond
	if data {
		takes += wire.slow
	}
	p.free = max(p.free, w.now) + takes
	p.last = max(p.last+1, p.free+wire.delay+wire.dice.between(0, wire.delay/2+1))
	if data {
		w.flying++
		w.agenda.add(p.free, event{kind: evTaken, link: l, arg: side})
	}
	w.agenda.add(p.last, event{kind: evArrive, link: l, arg: 1 - side, mail: w.books.seal(n, to, e.Message)})
}

func isData(m ring.Message) bool {
	switch m.(type) {
	case ring.Begin, ring.Elements, ring.Mark:
		return true
	}
	return false
}

// arrives gives a message to the end of a link it was sent to.
func (w *world) arrives(l *link, side int, m mail) {
	n, from := l.ends[side], l.ends[1-side]
	if isData(m.msg) {
		w.flying--
	}
	if !n.lives(l.lives[side]) || l.states[side] != toldOpen || w.now > l.pipes[1-side].until {
		return
	}
	if m.seal != nil {
		n.whole = append(n.whole, m.seal)
	}
	n.r.Tick(w.clockOf(n))
	n.r.Step(from.id, m.msg)
	w.after(n)
}

// taken tells a node that its link has taken one more data message.
func (w *world) taken(l *link, side int) {
	n := l.ends[side]
	if !n.lives(l.lives[side]) || l.states[side] != toldOpen || l.broken {
		return
	}
	n.r.Tick(w.clockOf(n))
	n.r.Sent(l.ends[1-side].id, 1)
	w.after(n)
}
