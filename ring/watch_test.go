package ring_test

import (
	"testing"
	"time"

	"gazetteer"
	"gazetteer/ring"
)

// view lets a viewer watch from a node on, and waits until it is live.
func (s *scene) view(n *node, f ring.Filter) *viewer {
	s.t.Helper()
	v := s.newViewer(len(s.viewers), dice(7), ring.Scope{Partition: s.parts[0], Filter: f})
	v.delay = time.Millisecond
	s.joins(v, n)
	s.until("the viewer is live", v.core.Live)
	return v
}

// shown reports whether a viewer holds a value of the element.
func (s *scene) shown(v *viewer) bool {
	f := v.held[s.books.element(gazetteer.Element{ID: s.ids[0], Location: s.locations[1]})]
	return s.books.valueOf(f) != noFact
}

// Rule 5, links that filter: a has written while it was alone. What b takes in the scan
// from it does not go over the link to the viewer. So b may not pass on the mark either,
// which covers it: the link handshakes again, and the viewer gets both in a scan.
func TestNoMarkIsPassedOnOverAFilteringLink(t *testing.T) {
	s := newScene(t, 2, 0)
	a, b := s.nodes[0], s.nodes[1]
	s.alone(a)
	s.put(a)
	s.propose(a, ring.Write{Partition: s.parts[0], ID: "m", Put: []ring.Value{{}}}, time.Second) // scanned after it
	v := s.view(b, ring.Filter{Prefix: "k"})
	a.reading = 40 * time.Millisecond
	s.rejoin(a)
	s.until("the value has come to b", func() bool { return s.above(b) })
	if s.shown(v) {
		t.Fatal("the viewer was shown what no mark covers yet: the schedule shows nothing")
	}
	s.until("its mark has come to b", func() bool { return !s.above(b) })
	s.pass(s.shape.config.StuckAfter / 2) // long before a bookmark is due
	if !s.shown(v) {
		t.Error("the viewer has not been shown the value")
	}
	if s.countersOf(b).Renewed != 1 {
		t.Errorf("the link handshook again %d times, want once", s.countersOf(b).Renewed)
	}
	a.reading = 0
	s.ends()
}

// Rule 5, the tail under way: the mark comes while b is in the middle of a scan to the
// viewer. That one goes on to its mark; another brings what this mark covers, before a
// later write of a's may raise the viewer's vector over it.
func TestAMarkDuringAFilteredScanBringsAnother(t *testing.T) {
	s := newScene(t, 2, 0)
	a, b := s.nodes[0], s.nodes[1]
	s.alone(a)
	s.put(a)
	for i := range rune(4) {
		s.propose(b, ring.Write{Partition: s.parts[0], ID: gazetteer.ID('k') + gazetteer.ID('a'+i), Put: []ring.Value{{}}}, time.Second)
	}
	b.reading = 30 * time.Millisecond
	v := s.newViewer(0, dice(7), ring.Scope{Partition: s.parts[0], Filter: ring.Filter{Prefix: "k"}})
	s.joins(v, b)
	s.pass(40 * time.Millisecond)
	s.rejoin(a)
	s.until("a's mark has come to b", func() bool { return b.r.Vector(s.parts[0]).CoversAll(a.r.Vector(s.parts[0])) && s.live(b) })
	if v.core.Live() || s.shown(v) {
		t.Fatal("the first scan is over: the schedule shows nothing")
	}
	s.propose(a, ring.Write{Partition: s.parts[0], ID: "kz", Put: []ring.Value{{}}}, time.Second) // live, beyond the mark
	s.until("the viewer is live", v.core.Live)
	s.until("the viewer was shown a's value", func() bool { return s.shown(v) })
	b.reading = 0
	s.ends()
}

// Rule 2, scopes: what is outside the filter is not shown, leaves gaps in the sequence
// numbers that are no loss, and is in the bookmark.
func TestGapsAreLegalOnAFilteringLink(t *testing.T) {
	s := newScene(t, 2, 0)
	a, b := s.nodes[0], s.nodes[1]
	v := s.view(b, ring.Filter{Prefix: "k"})
	for _, id := range []gazetteer.ID{"m1", "k1", "m2", "m3", "k2", "m4"} {
		s.propose(a, ring.Write{Partition: s.parts[0], ID: id, Put: []ring.Value{{}}}, time.Second)
		s.pass(5 * time.Millisecond)
	}
	s.pass(20 * time.Millisecond)
	if got := v.core.Vector().At(a.r.Origin()); got != 5 || s.cover.shown != 2 {
		t.Errorf("the viewer was shown %d elements up to a.%d, want 2 up to a.5", s.cover.shown, got)
	}
	s.pass(2 * s.shape.config.StuckAfter)
	if got := v.core.Vector().At(a.r.Origin()); got != 6 {
		t.Errorf("the bookmark says a.%d, want a.6", got)
	}
	s.ends()
}

// Rule 2, scopes: widening a filter starts from an empty vector. What the wider scope
// holds besides, the narrower one's vector says nothing of.
func TestAWiderScopeBeginsEmpty(t *testing.T) {
	s := newScene(t, 1, 0)
	a := s.nodes[0]
	for _, id := range []gazetteer.ID{"m1", "k1", "k2"} {
		s.propose(a, ring.Write{Partition: s.parts[0], ID: id, Put: []ring.Value{{}}}, time.Second)
	}
	v := s.view(a, ring.Filter{Prefix: "k"})
	s.detaches(v, true)
	v.core.Rescope(ring.Scope{Partition: s.parts[0]})
	s.joins(v, a)
	s.until("the viewer is live", v.core.Live)
	s.pass(50 * time.Millisecond)
	if s.cover.shown != 2+3 {
		t.Errorf("the viewer was shown %d elements, want 2, and then 3", s.cover.shown)
	}
	v.core.Rescope(ring.Scope{Partition: s.parts[0], Filter: ring.Filter{Prefix: "m"}})
	s.views(v)
	s.pass(50 * time.Millisecond)
	if !v.core.Live() || s.cover.shown != 2+3 {
		t.Errorf("narrowed, the viewer was shown %d elements, want none anew", s.cover.shown-5)
	}
	s.ends()
}

// Rule 2, cursors: a watch goes on only where its vector is covered. b, which has not
// heard of a's value yet, would show the value before it as news, and later drop a's.
func TestAWatchGoesOnOnlyWhereItsCursorIsCovered(t *testing.T) {
	s := newScene(t, 2, 0)
	a, b := s.nodes[0], s.nodes[1]
	v := s.view(a, ring.Filter{})
	s.alone(b)
	s.put(b)
	s.pass(5 * time.Millisecond)
	s.put(a) // over it: a higher stamp
	s.pass(20 * time.Millisecond)
	newer := v.held[s.books.element(gazetteer.Element{ID: s.ids[0], Location: s.locations[1]})]
	s.detaches(v, true)
	s.joins(v, b)
	s.pass(100 * time.Millisecond)
	if v.core.Live() || len(v.latest) > 0 {
		t.Errorf("b, which does not cover the cursor, shows the viewer %d elements", len(v.latest))
	}
	s.rejoin(b)
	s.until("the viewer is live", v.core.Live)
	if !s.shown(v) || s.books.stamp(newer).Compare(*s.books.stamp(v.held[s.books.facts[newer].element])) > 0 {
		t.Error("the viewer has gone back")
	}
	s.ends()
}

// Rule 7: a watch below the horizon is reset: a difference could not show it what was
// deleted and collected.
func TestAWatchBelowTheHorizonIsReset(t *testing.T) {
	s := newScene(t, 2, 0)
	a, b := s.nodes[0], s.nodes[1]
	s.put(a)
	v := s.view(b, ring.Filter{})
	if !s.shown(v) {
		t.Fatal("the viewer was not shown the value")
	}
	s.detaches(v, true)
	s.gone(a)
	s.until("both have collected", func() bool { return s.collected(a) && s.collected(b) })
	s.joins(v, b)
	s.until("the viewer is live", v.core.Live)
	if s.shown(v) || !s.cover.watchReset {
		t.Error("the viewer still has the deleted value")
	}
	s.ends()
}

// A replica that holds a partition no more tells its watchers to ask elsewhere.
func TestAPartitionThatGoesSendsItsWatchersAway(t *testing.T) {
	s := newScene(t, 2, 0)
	a, b := s.nodes[0], s.nodes[1]
	v := s.view(b, ring.Filter{})
	b.ignorant = true
	s.follows(b, b.bit())
	s.until("the viewer has left", func() bool { return v.at == nil })
	s.joins(v, b)
	s.until("the viewer has left at once", func() bool { return v.at == nil })
	s.joins(v, a)
	s.until("the viewer is live elsewhere", v.core.Live)
	b.ignorant = false
	s.follows(b, 0)
	s.pass(time.Second)
	s.ends()
}
