package world

import (
	"slices"
	"time"

	"gazetteer"
	"gazetteer/ring"
)

const (
	// deadAfter is after what time of silence the transport takes a node as dead.
	deadAfter = 2 * time.Second
	// dialEvery is the pace of attempts to open a link.
	dialEvery = 500 * time.Millisecond
	// sentBatch is how many data messages a link takes before its process hears of it.
	sentBatch = 8
)

// peer is what a process' transport knows of another node.
type peer struct {
	link    *link
	dialing bool
	failing time.Duration // since when nothing has been heard of it; -1: it is heard
	told    bool          // whether it lives, the core has been told
	alive   bool
}

// link is a FIFO session between two processes, as TCP gives it.
type link struct {
	ends   [2]*process
	lives  [2]int
	open   [2]bool // as each end knows
	pipes  [2]pipe // pipes[i] leads from ends[i] to the other
	broken bool
	silent time.Duration // since when a way of it is blocked; -1: none is
}

// pipe is one direction of a link.
type pipe struct {
	free   time.Duration // when it can take the next message
	last   time.Duration // when the last one arrives
	held   []heldBack
	taken  int // data messages of which the sender has not heard yet
	posted bool
}

// heldBack is a message that waits for its way to be free.
type heldBack struct {
	m     ring.Message
	since time.Duration
}

func (l *link) side(p *process) int {
	if l.ends[0] == p {
		return 0
	}
	return 1
}

func (p *process) peer(q *process) *peer {
	if p.peers[q.i] == nil {
		p.peers[q.i] = &peer{failing: -1}
	}
	return p.peers[q.i]
}

func (p *process) linkedTo(q *process) bool {
	l := p.peer(q).link
	return l != nil && !l.broken && l.open[0] && l.open[1]
}

// want keeps links to these nodes from now on.
func (p *process) want(nodes []gazetteer.NodeID) {
	old := p.wants
	p.wants = nil
	for _, n := range nodes {
		if q := p.world.byID[n]; q != nil && q != p {
			p.wants = append(p.wants, q)
		}
	}
	for _, q := range p.wants {
		k := p.peer(q)
		if k.alive && k.told && !slices.Contains(old, q) {
			p.tellAlive(q, true, true)
		}
		if k.link == nil {
			k.failing = max(k.failing, -1)
			p.dialSoon(q, between(p.dice, 0, 5*time.Millisecond))
		}
	}
	for _, q := range old {
		if l := p.peer(q).link; l != nil && !slices.Contains(p.wants, q) && !slices.Contains(q.wants, p) {
			p.world.breaks(l, "nobody wants it")
		}
	}
}

// tellAlive tells the core whether a node answers.
func (p *process) tellAlive(q *process, alive, again bool) {
	k := p.peer(q)
	if k.told && k.alive == alive && !again {
		return
	}
	k.told, k.alive = true, alive
	p.give(func(r *ring.Replica) { r.Alive(q.id, alive) })
}

func (p *process) dialSoon(q *process, in time.Duration) {
	k := p.peer(q)
	if k.dialing {
		return
	}
	k.dialing = true
	life := p.life
	p.world.agenda.After(in, func() {
		if p.life == life && p.core != nil {
			k.dialing = false
			p.dial(q)
		}
	})
}

// dial opens a link to a node that is wanted, or tries again later.
func (p *process) dial(q *process) {
	k := p.peer(q)
	if k.link != nil || !slices.Contains(p.wants, q) {
		return
	}
	now := p.world.agenda.Now()
	if q.core != nil && p.world.talks(p, q) {
		p.world.open(p, q)
		return
	}
	if k.failing < 0 {
		k.failing = now
	}
	if now-k.failing >= deadAfter && !p.paused {
		p.tellAlive(q, false, false)
	}
	p.dialSoon(q, between(p.dice, dialEvery/2, dialEvery*3/2))
}

// open makes a link. The one that is called hears of it first.
func (w *World) open(p, q *process) {
	if old := q.peer(p).link; old != nil { // its other end is gone, and q has not noticed
		w.breaks(old, "a new one comes")
		old.unlink(1, q, w)
	}
	l := &link{ends: [2]*process{p, q}, lives: [2]int{p.life, q.life}, silent: -1}
	out, back := w.network.delay(p.place(), q.place(), p.dice), w.network.delay(q.place(), p.place(), p.dice)
	now := w.agenda.Now()
	l.pipes[0].last, l.pipes[1].last = now+out+1, now+out+back+1
	p.peer(q).link, q.peer(p).link = l, l
	w.links = append(w.links, l)
	w.agenda.After(out, func() { l.linked(1) })
	w.agenda.After(out+back, func() { l.linked(0) })
}

// linked tells one end that the link is open.
func (l *link) linked(side int) {
	p, q := l.ends[side], l.ends[1-side]
	if l.broken || !l.holds(side) {
		return
	}
	l.open[side] = true
	p.peer(q).failing = -1
	p.tellAlive(q, true, false)
	p.give(func(r *ring.Replica) {
		if p.peers[q.i].link == l {
			r.Linked(q.id)
		}
	})
}

// holds reports whether the process that opened an end still runs and holds it.
func (l *link) holds(side int) bool {
	p := l.ends[side]
	return p.core != nil && p.life == l.lives[side] && p.peer(l.ends[1-side]).link == l
}

// breaks ends a link. Each end that lives is told after what a segment takes.
func (w *World) breaks(l *link, why string) {
	if l.broken {
		return
	}
	l.broken = true
	w.cover.LinksBroken++
	w.log.note("link " + string(l.ends[0].id) + " " + string(l.ends[1].id) + " breaks: " + why)
	w.links = slices.DeleteFunc(w.links, func(k *link) bool { return k == l })
	for i := range l.ends {
		p, q := l.ends[i], l.ends[1-i]
		if l.holds(i) {
			w.agenda.After(w.network.delay(q.place(), p.place(), p.dice), func() { l.unlink(i, p, w) })
		}
	}
}

// unlink tells one end that its link is broken.
func (l *link) unlink(side int, p *process, w *World) {
	if l.ends[side] != p {
		side = 1 - side
	}
	q := l.ends[1-side]
	if !l.holds(side) {
		return
	}
	k := p.peer(q)
	k.link, k.failing = nil, w.agenda.Now()
	if l.open[side] {
		l.open[side] = false
		p.give(func(r *ring.Replica) { r.Unlinked(q.id) })
	}
	if slices.Contains(p.wants, q) {
		p.dialSoon(q, between(p.dice, time.Millisecond, dialEvery/4))
	}
}

// hangUp lets go of all links of a process that has ended. If its machine goes on, the
// others hear of it at once, else by silence.
func (p *process) hangUp() {
	for i, k := range p.peers {
		if k == nil {
			continue
		}
		q := p.world.processes[i]
		if l := k.link; l != nil && !l.broken {
			p.leave(l, q)
		}
		p.peers[i] = nil
	}
	p.wants = nil
}

func (p *process) leave(l *link, q *process) {
	w := p.world
	after := deadAfter
	if !p.gone && w.network.reaches(p.place(), q.place()) {
		after = w.network.delay(p.place(), q.place(), p.dice)
	}
	l.broken = true
	w.links = slices.DeleteFunc(w.links, func(k *link) bool { return k == l })
	w.agenda.After(after, func() { l.unlink(l.side(q), q, w) })
}

// watchLinks looks at which links have a blocked way: after a time of silence they break,
// and what was held goes on where the way is free again.
func (w *World) watchLinks() {
	now := w.agenda.Now()
	for _, l := range slices.Clone(w.links) {
		free := w.talks(l.ends[0], l.ends[1])
		switch {
		case free && l.silent >= 0:
			l.silent = -1
			l.flush(0)
			l.flush(1)
		case !free && l.silent < 0:
			l.silent = now
			w.agenda.After(deadAfter, func() { w.maybeSilent(l, now) })
		}
	}
}

// talks reports whether two processes can answer each other.
func (w *World) talks(a, b *process) bool {
	return !a.paused && !b.paused && w.network.reaches(a.place(), b.place()) && w.network.reaches(b.place(), a.place())
}

func (w *World) maybeSilent(l *link, since time.Duration) {
	if !l.broken && l.silent == since {
		w.breaks(l, "silence")
	}
}

// sendAll hands out messages. A freshness mark ages by what the save before it took.
func (p *process) sendAll(es []ring.Envelope) {
	waited := p.world.agenda.Now() - p.ticked
	for i := range es {
		m := es[i].Message
		if f, ok := m.(ring.Fresh); ok {
			f.Age += waited
			m = f
		}
		if q := p.world.byID[es[i].To]; q != nil {
			p.send(q, m)
		}
	}
}

// send hands a message to the link that is open, as far as the sender knows.
func (p *process) send(q *process, m ring.Message) {
	w := p.world
	l := p.peer(q).link
	if l == nil || !l.open[l.side(p)] {
		return
	}
	w.sights.sent(p, q, m)
	if l.broken || w.planted == dropMarks && isMark(m) {
		return
	}
	side := l.side(p)
	pipe := &l.pipes[side]
	if isData(m) {
		l.takes(side)
	}
	if len(pipe.held) > 0 || !w.network.reaches(p.place(), q.place()) {
		pipe.held = append(pipe.held, heldBack{m, w.agenda.Now()})
		return
	}
	l.carry(side, heldBack{m, w.agenda.Now()}, 0)
}

// flush carries what was held while the way was blocked: TCP sends it again.
func (l *link) flush(side int) {
	held := l.pipes[side].held
	l.pipes[side].held = nil
	in := between(l.ends[side].dice, 0, resendAfter)
	for _, h := range held {
		l.carry(side, h, in)
	}
}

// carry puts a message on its way. Those behind it do not overtake it.
func (l *link) carry(side int, h heldBack, in time.Duration) {
	p, q := l.ends[side], l.ends[1-side]
	w, pipe := p.world, &l.pipes[side]
	now := w.agenda.Now()
	pipe.free = max(pipe.free, now+in) + w.network.writes(h.m)
	at := pipe.free + w.network.delay(p.place(), q.place(), p.dice) + w.network.resends(p.place(), q.place(), p.dice)
	if w.planted != reorderLinks {
		at = max(at, pipe.last+1)
	}
	pipe.last = at
	w.agenda.At(at, func() { l.arrives(1-side, h.m, at-h.since) })
}

func (l *link) arrives(side int, m ring.Message, under time.Duration) {
	p, q := l.ends[side], l.ends[1-side]
	if !l.holds(side) || !l.open[side] {
		return
	}
	if f, ok := m.(ring.Fresh); ok {
		f.Age += under // the transport adds the time on the way
		m = f
	}
	came := p.world.agenda.Now()
	p.give(func(r *ring.Replica) {
		if k := p.peers[q.i]; k == nil || k.link != l {
			return
		}
		if f, ok := m.(ring.Fresh); ok {
			f.Age += p.world.agenda.Now() - came
			m = f
		}
		r.Step(q.id, m)
	})
}

// takes notes that a pipe has taken a data message. Its process hears of some at a time.
func (l *link) takes(side int) {
	pipe, p := &l.pipes[side], l.ends[side]
	pipe.taken++
	if pipe.posted && pipe.taken < sentBatch {
		return
	}
	pipe.posted = true
	in := 20 * time.Millisecond
	if pipe.taken >= sentBatch {
		in = max(0, pipe.free-p.world.agenda.Now())
	}
	p.world.agenda.After(in, func() { l.tellTaken(side) })
}

func (l *link) tellTaken(side int) {
	pipe, p, q := &l.pipes[side], l.ends[side], l.ends[1-side]
	k := pipe.taken
	pipe.taken, pipe.posted = 0, false
	if k == 0 || l.broken || !l.holds(side) || !l.open[side] {
		return
	}
	p.give(func(r *ring.Replica) {
		if j := p.peers[q.i]; j != nil && j.link == l {
			r.Sent(q.id, k)
		}
	})
}

func isData(m ring.Message) bool {
	switch m.(type) {
	case ring.Begin, ring.Elements, ring.Mark:
		return true
	}
	return false
}

func isMark(m ring.Message) bool { _, ok := m.(ring.Mark); return ok }
