package ring

import "gazetteer"

// The sending direction towards watchers. A watcher's link filters, by a scope, and
// carries two things: scans within the scope, each ended by its mark, and of the live
// tail what passes the filter. What this mirror takes in scans of its own does not go
// over it. So nothing may be said there of a mark that this mirror takes: the link
// handshakes again, and the scan that follows brings what the mark covers (rule 5).

// Watched tells that a link to a [Watcher] is open. It goes one way: nobody greets on it,
// no freshness marks go over it, and the watcher counts for no acknowledgement. Its name
// must be no node's. [Replica.Unlinked] ends it, [Replica.Sent] gives it credit.
func (r *Replica) Watched(n gazetteer.NodeID) { r.openLink(n).watcher = true }

// stepWatcher takes what a watcher may say.
func (r *Replica) stepWatcher(l *link, msg Message) {
	switch m := msg.(type) {
	case Subscribe:
		r.stepSubscribe(l, m)
	case Report:
		if f := l.feeds[m.Partition]; f != nil && f.out.session == m.Session {
			f.out.acked = f.out.acked.Merge(m.Durable)
		}
	case Leave:
		r.eachFeed(l, m.Partitions, r.endFeed)
	}
}

func (r *Replica) stepSubscribe(l *link, s Subscribe) {
	m := r.mirrors[s.Scope.Partition]
	if m == nil {
		r.control(l, Leave{Partitions: []gazetteer.Partition{s.Scope.Partition}})
		return
	}
	f := r.feed(l, m)
	if s.Session <= f.out.session {
		return
	}
	r.stopPublishing(f)
	f.out = publication{phase: outWaiting, session: s.Session, filter: s.Scope.Filter, acked: s.Vector.Clone()}
	r.answerWatcher(f)
}

// answerWatcher starts a scan for a watcher once this mirror covers its vector. Before
// that it could be sent what it has seen replaced, and later not what has replaced it:
// that its vector covers.
func (r *Replica) answerWatcher(f *feed) {
	m, v := f.m, f.out.acked
	switch {
	case f.out.phase != outWaiting:
	case m.whole != nil || !m.filled || !m.vector.CoversAll(v):
		m.waits = true
	case !v.CoversAll(m.collected):
		r.startWhole(f)
	default:
		r.startScan(f, v)
	}
}

// passToWatcher gives a watcher what is new of the live tail and passes its filter. What
// came in a scan comes to the watcher in one, too, when its mark has come.
func (r *Replica) passToWatcher(f *feed, msg Message) {
	e, ok := msg.(Elements)
	switch {
	case !ok:
		r.renew(f)
	case e.Live:
		f.out.behind = true
		if us := f.out.filter.passed(e.Updates); len(us) > 0 {
			e.Updates, e.Session = us, f.out.session
			r.tailToWatcher(f, e)
		}
	}
}

func (r *Replica) tailToWatcher(f *feed, e Elements) {
	switch f.out.phase {
	case outLive:
		r.enqueue(f, e, len(e.Updates))
	case outScanning:
		r.toTail(f, e, len(e.Updates))
	}
}

// renew begins a watcher's feed anew, because this mirror's vector has risen over what
// has not gone over the link. A scan under way goes on to its mark; another follows.
func (r *Replica) renew(f *feed) {
	switch f.out.phase {
	case outWaiting:
		r.answerWatcher(f)
	case outScanning:
		if f.out.scan.opened {
			f.link.queued -= f.out.size
			f.out.tail, f.out.size, f.out.overflowed = nil, 0, true
		}
	case outLive:
		r.count.Renewed++
		r.stopPublishing(f)
		r.control(f.link, Ask{Partitions: []gazetteer.Partition{f.m.partition}})
	}
}
