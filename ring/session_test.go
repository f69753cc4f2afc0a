package ring_test

import (
	"maps"
	"slices"
	"time"

	"gazetteer/ring"
)

// session is a client that reads here and there and carries its token along.
type session struct {
	token ring.Token
	seen  map[int]int32 // by partition and element: the highest fact it was shown
	dice  dice
	tired int // reads in a row that its token did not allow
	// folded: its token has had a clock in place of positions. A clock asks for all that
	// the members of the plan hold; what was once lost with disks, or is known only to a member
	// that was removed, only a position names.
	folded bool
}

// visited gives some planets sessions.
func (w *world) visited() {
	d := dice(w.shape.seed ^ 0x510e527fade682d1)
	for range d.n(4) {
		s := &session{dice: dice(d.next()), seen: map[int]int32{}}
		w.sessions = append(w.sessions, s)
		w.add(s.dice.between(0, 50*time.Millisecond), event{kind: evRead, session: s})
	}
}

// reads lets a session read one resource at some replica that serves it, if its token
// allows it.
func (w *world) readsAt(s *session) {
	if !w.healed {
		w.add(s.dice.between(5*time.Millisecond, 60*time.Millisecond), event{kind: evRead, session: s})
	}
	n := w.nodes[s.dice.n(len(w.nodes))]
	part := s.dice.n(len(w.parts))
	p := w.parts[part]
	if n.r == nil || n.frozen || n.busy || !n.serving[p].Reads {
		return
	}
	held, ok := n.r.Holding(p)
	if !ok {
		return
	}
	w.carriesToken(s)
	if !held.Covers(s.token) {
		w.cover.tokenRefused++
		if s.tired++; s.tired > 20 {
			*s = session{dice: s.dice, seen: map[int]int32{}}
		}
		return
	}
	s.tired = 0
	w.readOne(s, n, part, held)
}

func (w *world) readOne(s *session, n *node, part int, held ring.Holding) {
	id := w.ids[s.dice.n(len(w.ids))]
	for _, at := range slices.Sorted(maps.Keys(s.seen)) {
		f := s.seen[at]
		if t := &w.books.facts[f]; s.folded && (t.free || !w.books.anyCovers(t, w.plannedBy(n, part))) {
			continue
		}
		if at/maxElements == part && w.books.facts[f].u.Element.ID == id {
			w.books.notBehind(n, part, f)
		}
	}
	us, _ := n.disk.store.Resource(w.parts[part], id)
	for i := range us {
		if f := w.books.known(w.parts[part], us[i].Position); f != noFact {
			s.saw(w.books, f)
		}
		if !held.Vector.Covers(us[i].Position) {
			w.cover.readLoose = true
		}
	}
	w.cover.tokenReads++
	s.token = held.Shown(s.token, us)
	switch s.dice.n(6) {
	case 0:
		s.token, s.folded = ring.Bounded(s.token, s.dice.n(3)), true
		w.cover.tokenFolded = true
	case 1:
		s.token, s.folded = held.Settled(s.token), true
	}
}

func (s *session) saw(b *books, f int32) {
	at := b.facts[f].part*maxElements + b.facts[f].element
	if was, ok := s.seen[at]; !ok || b.stamp(was).Compare(*b.stamp(f)) < 0 {
		s.seen[at] = f
	}
}

// wrote lets a session carry the token of a write that somebody made: it may have been
// its own.
func (w *world) wroteInSession(o *write, out *ring.Outcome) {
	for _, s := range w.sessions {
		if s.dice.once(8) {
			s.token = s.token.Merge(out.Shown)
			for _, f := range o.facts {
				s.saw(w.books, f)
			}
		}
	}
}

// carriesToken takes a token through its encoding.
func (w *world) carriesToken(s *session) {
	b := ring.AppendToken(nil, s.token)
	t, err := ring.DecodeToken(b)
	if err != nil || !t.Equal(s.token) {
		w.books.fail("token", nil, "%+v came back as %+v: %v", s.token, t, err)
	}
	s.token = t
}

// notBehind holds that a replica which covers a session's token holds what the session
// was shown, or a winner over it.
func (b *books) notBehind(n *node, part int, f int32) {
	t, shelf := &b.facts[f], &n.disk.shelves[part]
	if b.stampOr(shelf.held[t.element]).Compare(t.u.Stamp) >= 0 || b.stampOr(shelf.gone[t.element]).Compare(t.u.Stamp) >= 0 {
		return
	}
	b.fail("session went back", n, "a session was shown %s of %v, and now %s", b.name(f), t.u.Element, b.name(shelf.held[t.element]))
}

// plannedBy returns the nodes of n's own plan that hold a partition, as bits.
func (w *world) plannedBy(n *node, part int) (all uint64) {
	for _, g := range w.nodes {
		if slices.Contains(n.plan.Stores, g.id.Store()) && g.circle.parts&(1<<part) != 0 {
			all |= g.bit()
		}
	}
	return all
}
