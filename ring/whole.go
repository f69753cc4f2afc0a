package ring

import (
	"slices"

	"gazetteer"
)

// whole is a whole scan that a mirror takes because it is below the publisher's
// horizon: a difference could not tell it what was deleted and collected (rule 7).
type whole struct {
	from     *feed
	begin    Begin
	elements map[gazetteer.Element]gazetteer.Update
}

// beginWhole stops everything else of the mirror: until the mark it takes no client
// writes, sends nothing and takes nothing from other links.
func (r *Replica) beginWhole(f *feed, b Begin) {
	m := f.m
	m.whole = &whole{from: f, begin: b, elements: map[gazetteer.Element]gazetteer.Update{}}
	r.servingDirty = true
	for _, g := range m.feeds {
		r.stopPublishing(g)
		if g != f {
			g.in = subscription{state: inNone, session: g.in.session}
			delete(g.link.peer.resumes, m.partition)
		}
	}
}

func (r *Replica) gatherWhole(f *feed, e Elements) {
	if f.m.whole.from != f || e.Live {
		return
	}
	for _, u := range e.Updates {
		if r.tooFar(u.Stamp) {
			r.hold(f, u.Stamp)
		}
		f.m.whole.elements[u.Element] = u
	}
}

// abortWhole gives up a whole scan whose link or session ended; all begins anew.
func (r *Replica) abortWhole(f *feed) {
	m := f.m
	if m.whole == nil || m.whole.from != f {
		return
	}
	m.whole = nil
	r.servingDirty = true
	r.handshakeAgain(m, f)
}

// handshakeAgain renews all feeds of a mirror in both directions, but for one whose
// receiving direction goes on.
func (r *Replica) handshakeAgain(m *mirror, but *feed) {
	for _, f := range slices.Clone(m.feeds) {
		r.stopPublishing(f)
		r.control(f.link, Ask{Partitions: []gazetteer.Partition{m.partition}})
		if f != but && !f.link.watcher {
			r.sendHello(f)
		}
	}
}

// endWhole installs what was gathered, in one durable step, unless a stamp was held:
// then the mirror stays as it is and asks again when the stamp is due.
func (r *Replica) endWhole(f *feed, mk Mark) {
	m, w := f.m, f.m.whole
	m.whole = nil
	r.servingDirty = true
	f.in.state = inLive
	if f.in.isHeld() {
		r.handshakeAgain(m, f)
		return
	}
	r.install(m, w, mk.Vector)
	m.founding = false
	r.fill(m)
	r.evidence(f)
	r.handshakeAgain(m, nil)
}

// install makes the mirror what rule 7 says: the sender's elements, and of its own
// those that the sender cannot know.
func (r *Replica) install(m *mirror, w *whole, theirs gazetteer.Vector) {
	var own []gazetteer.Update
	for u := range r.scanMirror(m, nil) {
		own = append(own, u)
	}
	slices.SortFunc(own, func(a, b gazetteer.Update) int { return a.Position.Compare(b.Position) })
	covered, before := m.vector.Clone(), map[gazetteer.Element]gazetteer.Stamp{}
	for _, p := range theirs.Above(m.vector) {
		r.raise(m, p)
	}
	r.collectUpTo(m, w.begin.Collected, w.begin.CollectedClock)
	r.clock.observe(w.begin.CollectedClock) // a new write is above the deletions that came and went
	for _, u := range own {
		before[u.Element] = u.Stamp
		r.keepOrDrop(m, w, u, covered, theirs)
	}
	for _, u := range sortedUpdates(w.elements) {
		if covered.Covers(u.Position) && before[u.Element].Compare(u.Stamp) < 0 {
			continue // no winner over it is held, so one was collected: it was deleted
		}
		r.takeOver(m, u)
	}
	m.loose = true
}

// takeOver takes one element of the sender.
func (r *Replica) takeOver(m *mirror, u gazetteer.Update) {
	g := r.resource(m.partition, u.Element.ID)
	held, ok := g.held(u.Element.Location)
	switch {
	case !ok || held.Stamp.Compare(u.Stamp) < 0:
		r.accept(g, u)
	case held.Position != u.Position:
		r.conflict(m, u, held)
	}
}

// keepOrDrop decides about one element that the mirror held before a whole scan.
// covered is the mirror's vector from before it.
func (r *Replica) keepOrDrop(m *mirror, w *whole, u gazetteer.Update, covered, theirs gazetteer.Vector) {
	g := r.resource(m.partition, u.Element.ID)
	sent, isSent := w.elements[u.Element]
	switch {
	case theirs.Covers(u.Position):
		if !isSent || sent.Stamp.Compare(u.Stamp) != 0 {
			r.batch.remove(g, u.Element.Location) // the sender has seen it go
		}
	case isSent && sent.Stamp.Compare(u.Stamp) > 0:
		r.conflict(m, u, sent)
	case u.Stamp.Clock > w.begin.CollectedClock: // newer than anything the sender can have collected
	case covered.Covers(u.Position) || standsFor(u, covered, theirs):
		r.journal(m, u, u.Stamp)
		r.rewrite(m, g, u)
		r.count.Rewritten++
	case isSent: // half received; the sender holds what it replaces, so nobody it knows has deleted it
	default: // half received, and its mark may never come
		r.batch.remove(g, u.Element.Location)
	}
}

// standsFor reports whether a half-received update has replaced one that the mirror's
// vector covers and the sender's does not: that one would be written anew.
func standsFor(u gazetteer.Update, covered, theirs gazetteer.Vector) bool {
	return slices.ContainsFunc(u.Context, func(p gazetteer.Position) bool {
		return covered.At(p.Origin) > theirs.At(p.Origin) && p.Seq > theirs.At(p.Origin)
	})
}

// rewrite writes an element anew: a fresh stamp, and a context that covers the old
// position.
func (r *Replica) rewrite(m *mirror, g *resource, u gazetteer.Update) gazetteer.Update {
	seen := u.Context.Clone().Raise(u.Position)
	u.Stamp = gazetteer.Stamp{Epoch: u.Stamp.Epoch, Clock: r.clock.next(r.now.Wall)}
	return r.write(m, g, u, seen)
}

func sortedUpdates(set map[gazetteer.Element]gazetteer.Update) []gazetteer.Update {
	us := make([]gazetteer.Update, 0, len(set))
	for _, u := range set {
		us = append(us, u)
	}
	slices.SortFunc(us, func(a, b gazetteer.Update) int { return a.Position.Compare(b.Position) })
	return us
}
