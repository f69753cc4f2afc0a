package ring

import (
	"slices"
	"time"

	"gazetteer"
)

// publication is the sending direction of a feed.
type publication struct {
	phase   outPhase
	session uint64 // 0: the peer has not asked
	left    bool   // the peer has had what it wanted
	// founding: its mark came from a mirror that was not believed itself.
	founding bool
	hello    Hello  // what the peer said last
	filter   Filter // of a watcher's scope
	// acked is what the peer has reported as durable.
	acked gazetteer.Vector
	reach gazetteer.Vector // told to the relay of a branch, see [Reach]

	scan       *scan
	tail       []queued // what changed during the scan
	size       int      // updates in tail
	overflowed bool     // the tail was dropped: another scan follows

	behind bool // something was sent that acked may not cover
	goal   gazetteer.Vector
	goalAt time.Duration
}

type outPhase uint8

const (
	outIdle    outPhase = iota
	outWaiting          // a Hello waits until it may be answered
	outScanning
	outLive
)

// scan is one catch-up under way: read by the driver from one snapshot.
type scan struct {
	id       ScanID
	above    gazetteer.Vector
	resume   *Resume
	whole    bool
	snapshot gazetteer.Vector // as of the Ready that opened it
	opened   bool             // handed to the driver
	begun    bool             // Begin was sent
	asked    bool             // the next chunk is under way
	found    int
}

// maxScans bounds the snapshots that one link keeps open.
const maxScans = 4

// stepHello takes a subscriber's vector and answers with what it lacks.
func (r *Replica) stepHello(l *link, h Hello) {
	m := r.mirrors[h.Partition]
	if m == nil {
		return
	}
	f := r.feed(l, m)
	if h.Session <= f.out.session {
		return
	}
	r.stopPublishing(f)
	f.out = publication{phase: outWaiting, session: h.Session, hello: h, acked: h.Vector.Clone()}
	r.subscribed(f)
	r.answer(f)
	if f.in.state == inNone && m.whole == nil && !f.quit {
		r.sendHello(f)
	}
}

// answer starts a scan for a waiting Hello if that may be done now.
func (r *Replica) answer(f *feed) {
	m, h := f.m, &f.out.hello
	if f.link.watcher {
		r.answerWatcher(f)
		return
	}
	if f.out.phase != outWaiting || m.whole != nil || !r.mayPublish(m, f) {
		return
	}
	behind := !h.Vector.CoversAll(m.collected)
	ahead := !m.vector.CoversAll(h.Collected)
	if behind && ahead {
		r.count.Mutual++
	}
	switch {
	case behind && (!ahead || r.origin.Store > f.link.store):
		r.startWhole(f)
	case ahead: // it is we who are below the horizon: send nothing before that is mended
		m.waits = true
	default:
		r.startScan(f, h.Vector)
		f.out.scan.resume = h.Resume
		if h.Resume != nil {
			r.count.Resumed++
		}
	}
}

// mayPublish: an empty mirror sends nothing before its first mark, except to one that
// is empty too; of two the smaller store id counts as filled.
func (r *Replica) mayPublish(m *mirror, f *feed) bool {
	return m.filled || !f.out.hello.Filled && f.link.greeted && r.origin.Store < f.link.store
}

// answerWaiting tries again the Hellos that waited for a change of this mirror.
func (r *Replica) answerWaiting(m *mirror) {
	m.waits = false
	for _, f := range m.feeds {
		r.answer(f)
	}
}

// startScan begins a catch-up above a vector, in place of whatever went on.
func (r *Replica) startScan(f *feed, above gazetteer.Vector) {
	r.cancelScan(f)
	r.scanID++
	f.out.scan = &scan{id: r.scanID, above: above.Clone()}
	f.out.phase = outScanning
	f.out.tail, f.out.size, f.out.overflowed = nil, 0, false
	f.link.waiting = true
	r.scans[r.scanID] = f
	r.count.Scans++
}

func (r *Replica) startWhole(f *feed) {
	r.startScan(f, nil)
	f.out.scan.whole = true
	r.count.WholeScans++
}

// freezeScans hands new scans to the driver. Their snapshot is what the mirror holds
// once this Ready is saved, and the tail begins there.
func (r *Replica) freezeScans() {
	for _, l := range r.links {
		if !l.waiting {
			continue
		}
		l.waiting = false
		for _, f := range l.order {
			if f.out.phase != outScanning || f.out.scan.opened {
				continue
			}
			if l.active >= maxScans {
				l.waiting = true
				break
			}
			s := f.out.scan
			if !s.whole && !s.above.CoversAll(f.m.collected) {
				r.askAnew(f)
				continue
			}
			s.opened, s.asked = true, true
			s.snapshot = f.m.vector.Clone()
			l.active++
			l.queued -= f.out.size
			f.out.tail, f.out.size, f.out.overflowed = nil, 0, false
			r.batch.scans = append(r.batch.scans, Scan{ID: s.id, Partition: f.m.partition, Above: s.above})
		}
	}
}

// askAnew ends a catch-up that began above the horizon and would now end below it: since
// the peer's Hello this mirror has collected what the peer, which the plan need not
// count, is not known to hold. Its next Hello tells.
func (r *Replica) askAnew(f *feed) {
	r.stopPublishing(f)
	r.control(f.link, Ask{Partitions: []gazetteer.Partition{f.m.partition}})
}

// continueScans asks for the next chunk of scans, while the link has credit.
func (r *Replica) continueScans(l *link) {
	room, left := l.credit, l.active
	for _, f := range l.order {
		if room <= 0 || left <= 0 {
			return
		}
		s := f.out.scan
		if s == nil || !s.opened {
			continue
		}
		if left--; !s.asked {
			s.asked = true
			r.batch.more = append(r.batch.more, s.id)
			room--
		}
	}
}

// Scanned takes what a scan read. A chunk goes out as it comes: its credit was counted
// when it was asked for.
func (r *Replica) Scanned(c Chunk) {
	f := r.scans[c.ID]
	if f == nil {
		return
	}
	s := f.out.scan
	s.asked = false
	if !s.begun {
		s.begun = true
		r.begin(f)
	}
	us := c.Updates
	if s.resume != nil {
		us = unsent(us, s.resume)
	}
	s.count(us)
	if us = f.out.filter.passed(us); len(us) > 0 {
		r.data(f.link, Elements{Partition: f.m.partition, Session: f.out.session, Updates: us})
	}
	if c.Done {
		r.finishScan(f)
	}
}

// count adds up what the scan has found. What lies above the snapshot's own vector does
// not count: no mark covers it, the next scan will find it again, and with more of it than
// the queue holds scans would follow each other for ever.
func (s *scan) count(us []gazetteer.Update) {
	for i := range us {
		if s.snapshot.Covers(us[i].Position) {
			s.found++
		}
	}
}

func (r *Replica) begin(f *feed) {
	s, m := f.out.scan, f.m
	b := Begin{Partition: m.partition, Session: f.out.session, Snapshot: s.snapshot, Whole: s.whole}
	if s.whole {
		b.Collected, b.CollectedClock = m.collected.Clone(), m.collectedClock
	}
	r.data(f.link, b)
}

// unsent drops what the broken scan had sent: up to its last position, unless it came
// after that scan's snapshot.
func unsent(us []gazetteer.Update, b *Resume) []gazetteer.Update {
	var out []gazetteer.Update
	for _, u := range us {
		if u.Position.Compare(b.After) > 0 || !b.Snapshot.Covers(u.Position) {
			out = append(out, u)
		}
	}
	return out
}

// finishScan sends the mark. If the tail overflowed, or the scan was as long as the
// queue, another and smaller scan follows; else the feed is live.
func (r *Replica) finishScan(f *feed) {
	s, m := f.out.scan, f.m
	f.out.founding = !f.link.watcher && (!m.filled || m.founding)
	r.data(f.link, Mark{Partition: m.partition, Session: f.out.session, Vector: s.snapshot, End: true, Founding: f.out.founding})
	again := f.out.overflowed || s.found >= r.cfg.QueueMax
	r.closeScan(f)
	f.out.behind = true
	if again {
		f.link.queued -= f.out.size
		r.startScan(f, s.above.Clone().Merge(s.snapshot))
		return
	}
	f.out.phase = outLive
	f.link.queue = append(f.link.queue, f.out.tail...)
	f.out.tail, f.out.size = nil, 0
	r.compared(f.link)
}

// closeScan forgets a scan whose snapshot the driver has closed.
func (r *Replica) closeScan(f *feed) {
	if f.out.scan.opened {
		f.link.active--
	}
	delete(r.scans, f.out.scan.id)
	f.out.scan = nil
}

// cancelScan ends a scan that nobody wants any more.
func (r *Replica) cancelScan(f *feed) {
	if f.out.scan == nil {
		return
	}
	if f.out.scan.opened {
		r.batch.close = append(r.batch.close, f.out.scan.id)
	}
	r.closeScan(f)
	f.link.queued -= f.out.size
	f.out.tail, f.out.size, f.out.overflowed = nil, 0, false
}

// stopPublishing drops all that is under way to the peer. The session number stays, so
// that an older Hello is not taken for a new one.
func (r *Replica) stopPublishing(f *feed) {
	r.cancelScan(f)
	f.link.dropQueued(f)
	f.out = publication{phase: outIdle, session: f.out.session}
}

// passOn gives a message to all other feeds of a mirror: to live ones at once, to
// scanning ones after their mark. from is nil for this replica's own writes.
func (r *Replica) passOn(m *mirror, from *link, msg Message, size int) {
	for _, f := range m.feeds {
		if f.link == from {
			continue
		}
		if f.link.watcher {
			r.passToWatcher(f, msg)
			continue
		}
		switch f.out.phase {
		case outLive:
			f.out.behind = true
			r.enqueue(f, withSession(msg, f.out.session), size)
		case outScanning:
			r.toTail(f, withSession(msg, f.out.session), size)
		}
	}
}

// toTail keeps what changed during a scan for after its mark. Before the snapshot is
// taken there is nothing to keep: it will hold the change.
func (r *Replica) toTail(f *feed, msg Message, size int) {
	if !f.out.scan.opened || f.out.overflowed {
		return
	}
	f.out.tail = append(f.out.tail, queued{f, msg, size})
	f.out.size += size
	f.link.queued += size
	if f.link.queued > r.cfg.QueueMax {
		r.overflow(f.link)
	}
}

func withSession(m Message, session uint64) Message {
	switch m := m.(type) {
	case Elements:
		m.Session = session
		return m
	case Mark:
		m.Session = session
		return m
	}
	return m
}

// stepReport notes what a subscriber holds durably.
func (r *Replica) stepReport(l *link, rep Report) {
	f := l.feeds[rep.Partition]
	if f == nil {
		return
	}
	if rep.By != "" {
		f.m.heardOf(rep.By, rep.Durable.At(r.origin))
		r.heardMore(f.m, &rep)
		r.relayReport(f, rep)
		return
	}
	if rep.Session != f.out.session {
		return
	}
	f.out.acked = f.out.acked.Merge(rep.Durable)
	r.stir(f.m, rep.Durable)
	rep.By, rep.Hops, rep.Session = l.peer.id, f.m.ring.relays(), 0
	r.relayReport(f, rep)
}

// relayReport passes a report on, away from where it came from, without what this
// replica itself has written: where there is a tree, the relay wants that, too.
func (r *Replica) relayReport(from *feed, rep Report) {
	if rep.Hops == 0 {
		return
	}
	rep.Hops--
	if !r.reaching() {
		rep.Durable = slices.DeleteFunc(rep.Durable.Clone(), func(p gazetteer.Position) bool { return p.Origin == r.origin })
	}
	if len(rep.Durable) == 0 {
		return
	}
	for _, f := range from.m.feeds {
		if f != from && f.link.peer.id != rep.By && slices.Contains(from.m.ring.others, f.link.peer.id) {
			r.batch.after(f.link.peer.id, rep)
		}
	}
}
