package ring

import "gazetteer"

// subscription is the receiving direction of a feed.
type subscription struct {
	state   inState
	session uint64
	// snapshot and after say how far the scan under way has come, for a Resume.
	snapshot gazetteer.Vector
	after    gazetteer.Position
	resumed  bool // the next Begin continues a broken scan
	// confirmed: a filled publisher's mark has come. It is evidence once the publisher
	// is a ring mate.
	confirmed bool
	// held is the highest stamp too far ahead that came over this feed since the last
	// handshake: no mark raises anything until the next one.
	held gazetteer.Stamp
}

type inState uint8

const (
	inNone inState = iota
	inAsked
	inScanning
	inLive
)

func (s *subscription) isHeld() bool { return s.held != gazetteer.Stamp{} }

// stepGreet answers for each partition whether the peer's vector is ours (Match: the
// feed towards it is live from here) or not (Ask for its Hello).
func (r *Replica) stepGreet(l *link, g Greet) {
	l.greeted, l.store, l.incarnation, l.generation = true, g.Store, g.Incarnation, g.Generation
	l.peer.heard(g.Next, r.now.Mono)
	var match Match
	var ask Ask
	back := r.greet()
	for _, d := range g.Digests {
		m := r.mirrors[d.Partition]
		if m == nil {
			continue
		}
		f := r.feed(l, m)
		if d.Sum == 0 { // no answer to this node's own Greet: the peer's plan wants the feed
			f.quit = false
		}
		equal := d.Sum != 0 && d.Sum == m.greeting() && !r.mayBeLoose(m)
		if equal {
			r.stopPublishing(f) // a peer that greets again has no more use for a scan
			f.out = publication{phase: outLive, session: 1, acked: m.vector.Clone()}
			r.subscribed(f)
			match.Partitions = append(match.Partitions, d.Partition)
		} else {
			ask.Partitions = append(ask.Partitions, d.Partition)
		}
		switch {
		case f.in.state != inNone || f.quit || !r.takes(f):
		case equal && f.in.session == 0:
			f.in = subscription{state: inAsked, session: 1}
			back.Digests = append(back.Digests, d)
		default:
			r.sendHello(f)
		}
	}
	if back.Digests != nil {
		r.batch.after(l.peer.id, back)
	}
	if match.Partitions != nil {
		r.control(l, match)
	}
	if ask.Partitions != nil {
		r.control(l, ask)
	}
	r.compared(l)
}

func (r *Replica) matched(f *feed) {
	if f.in.state != inAsked || f.in.session != 1 {
		return
	}
	f.in.state = inLive
	delete(f.link.peer.resumes, f.m.partition)
	r.evidence(f)
	r.compared(f.link)
}

// evidence notes that a filled peer's content is ours: a mirror serves once a ring mate
// has given it a mark.
func (r *Replica) evidence(f *feed) {
	f.in.confirmed = true
	for _, n := range f.m.ring.others {
		if n == f.link.peer.id && !f.m.marked {
			f.m.marked, r.servingDirty = true, true
		}
	}
}

// sendHello begins a new session: what is still under way of the old one is dropped.
// While a whole scan is under way the mirror takes nothing from other links.
func (r *Replica) sendHello(f *feed) {
	m := f.m
	r.abortWhole(f)
	if m.whole != nil || !r.takes(f) {
		f.in = subscription{state: inNone, session: f.in.session}
		return
	}
	f.in = subscription{state: inAsked, session: f.in.session + 1}
	h := Hello{
		Partition: m.partition, Session: f.in.session, Filled: m.filled, Vector: m.vector.Clone(),
		Collected: m.collected.Clone(), CollectedClock: m.collectedClock,
	}
	if b, ok := f.link.peer.resumes[m.partition]; ok && f.link.greeted && b.incarnation == f.link.incarnation {
		h.Resume = &Resume{After: b.After, Snapshot: b.Snapshot}
		f.in.after, f.in.snapshot, f.in.resumed = b.After, b.Snapshot, true
	}
	delete(f.link.peer.resumes, m.partition)
	r.batch.after(f.link.peer.id, h)
}

// takes reports whether a feed may be taken: this node wants it, or its peer is in the
// plan. What others write the stable stamp does not wait for: where a deletion is
// collected already it would live, and elsewhere not.
func (r *Replica) takes(f *feed) bool { return f.wanted || r.planned[f.link.peer.id.Store()] }

// asked answers a publisher's wish for a handshake, unless this node has left the feed.
func (r *Replica) asked(f *feed) {
	if !f.quit {
		r.sendHello(f)
	}
}

// rememberResume keeps how far a scan came when its link breaks. A scan that held a
// stamp is not resumed: what it held would never be sent again.
func (r *Replica) rememberResume(f *feed) {
	if f.in.state == inScanning && !f.in.isHeld() && f.m.whole == nil && f.in.after.Seq != 0 {
		f.link.peer.resumes[f.m.partition] = resume{f.link.incarnation, Resume{f.in.after, f.in.snapshot}}
	}
}

// unsubscribe ends the receiving direction.
func (r *Replica) unsubscribe(f *feed) {
	r.abortWhole(f)
	f.in = subscription{state: inNone, session: f.in.session}
	if f.out.session == 0 && !f.quit {
		r.endFeed(f)
	}
}

// left takes the peer's word that its plan wants a partition no more. If this node's plan
// does, it says so: what it holds has to reach the peer.
func (r *Replica) left(f *feed) {
	r.stopPublishing(f)
	f.out = publication{left: true}
	r.compared(f.link)
	if f.wanted {
		g := r.greet()
		g.Digests = []Digest{{Partition: f.m.partition}}
		r.batch.after(f.link.peer.id, g)
	} else if f.in.state != inNone {
		r.batch.after(f.link.peer.id, Leave{Partitions: []gazetteer.Partition{f.m.partition}})
		r.unsubscribe(f)
	}
}

func (r *Replica) stepBegin(f *feed, b Begin) {
	if b.Whole {
		r.beginWhole(f, b)
	} else {
		r.abortWhole(f) // the publisher has thought again
	}
	if !f.in.resumed || b.Whole {
		f.in.after, f.in.snapshot = gazetteer.Position{}, b.Snapshot
	}
	f.in.resumed = false
	f.in.state = inScanning
}

// stepElements takes a batch of a scan or of the live tail, and passes on what is new.
func (r *Replica) stepElements(f *feed, e Elements) {
	if f.m.whole != nil {
		r.gatherWhole(f, e)
		return
	}
	if e.Live {
		r.stepLive(f, e.Updates)
		return
	}
	var fresh []gazetteer.Update
	for _, u := range e.Updates {
		if f.in.state == inScanning && u.Position.Compare(f.in.after) > 0 {
			f.in.after = u.Position
		}
		if r.takeLoose(f, u) {
			fresh = append(fresh, u)
		}
	}
	if fresh != nil {
		r.passOn(f.m, f.link, Elements{Partition: f.m.partition, Updates: fresh}, len(fresh))
	}
}

// takeLoose takes one update that comes without its predecessors: it is stored if it
// wins, and the vector waits for a mark. One that the vector covers already is not
// needed: it is held, or its winner was known.
func (r *Replica) takeLoose(f *feed, u gazetteer.Update) (isNew bool) {
	if r.tooFar(u.Stamp) {
		r.hold(f, u.Stamp)
		return false
	}
	if f.m.vector.Covers(u.Position) {
		r.count.Duplicates++
		return false
	}
	if !r.offer(f.m, u) {
		return false
	}
	f.m.loose = true
	return true
}

// stepLive takes updates of the live tail: each must be the next of its origin. One that
// loses is passed on as a mark only: its winner has gone before it, and where that was a
// tombstone which is collected already, the loser would live.
func (r *Replica) stepLive(f *feed, us []gazetteer.Update) {
	if f.in.state != inLive {
		return
	}
	var fresh []gazetteer.Update
	for _, u := range us {
		held := f.m.vector.At(u.Position.Origin)
		switch {
		case u.Position.Seq <= held:
			r.count.Duplicates++
		case r.tooFar(u.Stamp):
			r.hold(f, u.Stamp)
		case u.Position.Seq == held+1:
			won := r.offer(f.m, u)
			r.raise(f.m, u.Position)
			if won {
				fresh = append(fresh, u)
				continue
			}
			r.passLive(f, fresh)
			fresh = nil
			r.passOn(f.m, f.link, Mark{Partition: f.m.partition, Vector: gazetteer.Vector{u.Position}}, 1)
		case f.in.isHeld(): // a gap that the held stamp explains: no alarm
		default:
			r.passLive(f, fresh)
			r.count.Gaps++
			r.sendHello(f)
			return
		}
	}
	r.passLive(f, fresh)
}

func (r *Replica) passLive(f *feed, us []gazetteer.Update) {
	if us == nil {
		return
	}
	r.passOn(f.m, f.link, Elements{Partition: f.m.partition, Live: true, Updates: us}, len(us))
	if f.m.waits {
		r.answerWaiting(f.m)
	}
}

// hold notes a stamp too far ahead. It is due again when the clock comes near it.
func (r *Replica) hold(f *feed, s gazetteer.Stamp) {
	r.count.Held++
	if s.Compare(f.in.held) > 0 {
		f.in.held = s
	}
}

// retryHeld handshakes again where the held stamp is due.
func (r *Replica) retryHeld() {
	for _, l := range r.links {
		for _, f := range l.order {
			if f.in.isHeld() && f.in.state == inLive && !r.tooFar(f.in.held) {
				r.sendHello(f)
			}
		}
	}
}

// stepMark raises the vector to a mark and passes on what it raised.
func (r *Replica) stepMark(f *feed, mk Mark) {
	m := f.m
	if w := m.whole; w != nil {
		if w.from == f && mk.End {
			r.endWhole(f, mk)
		}
		return
	}
	if mk.End {
		f.in.state = inLive
	}
	if f.in.isHeld() {
		return
	}
	raised := mk.Vector.Above(m.vector)
	for _, p := range raised {
		r.raise(m, p)
	}
	if raised != nil {
		r.passOn(m, f.link, Mark{Partition: m.partition, Vector: raised}, 1)
	}
	if m.waits {
		r.answerWaiting(m)
	}
	if mk.End {
		r.endScan(f, mk.Founding)
	}
}

// endScan notes the mark that ends a scan. A founding one fills an empty mirror, but
// leaves open whether somebody else holds more.
func (r *Replica) endScan(f *feed, founding bool) {
	m := f.m
	delete(f.link.peer.resumes, m.partition)
	switch {
	case !founding:
		r.servingDirty = r.servingDirty || m.founding
		m.founding = false
		r.evidence(f)
		r.confirm(m)
	case !m.filled:
		m.founding, m.foundedAt = true, r.now.Mono
	}
	r.fill(m)
	r.compared(f.link)
}

// askStuck asks those subscribers for a new handshake whose acknowledged vector has
// stayed below what we held StuckAfter ago.
func (r *Replica) askStuck() {
	for _, l := range r.links {
		var ask Ask
		for _, f := range l.order {
			switch {
			case !r.stuck(f):
			case l.watcher:
				r.renew(f)
			default:
				ask.Partitions = append(ask.Partitions, f.m.partition)
			}
		}
		if ask.Partitions != nil {
			r.count.Stuck++
			r.control(l, ask)
		}
	}
}

func (r *Replica) stuck(f *feed) bool {
	o := &f.out
	if o.phase != outLive || !o.behind {
		return false
	}
	switch {
	case o.goal == nil:
		o.goal, o.goalAt = f.m.vector.Clone(), r.now.Mono
	case o.acked.CoversAll(o.goal):
		o.goal = nil
		o.behind = !o.acked.CoversAll(f.m.vector)
	case r.now.Mono-o.goalAt > r.cfg.StuckAfter:
		o.goal = nil
		return true
	}
	return false
}

// report tells publishers what became durable with this Ready.
func (r *Replica) report() {
	for _, m := range r.batch.raisedM {
		raised := r.batch.raise[m.partition].Vector
		if raised == nil {
			continue
		}
		r.stir(m, raised)
		for _, f := range m.feeds {
			if f.in.state != inNone {
				r.batch.after(f.link.peer.id, Report{Partition: m.partition, Session: f.in.session, Durable: raised.Clone()})
			}
		}
	}
}

// mayBeLoose reports whether the mirror holds elements above its vector. It looks into
// the store only when they are possible and no scan is under way.
func (r *Replica) mayBeLoose(m *mirror) bool {
	if !m.loose {
		return false
	}
	for range r.scanMirror(m, m.vector) {
		return true
	}
	m.loose = false
	return false
}
