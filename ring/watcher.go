package ring

import (
	"slices"

	"gazetteer"
)

// Watcher is the receiving end of a watch: it follows one scope, from a vector on, over a
// link to any replica that holds the partition, and yields what happens there. It starts
// no goroutine, reads no clock, opens nothing; one goroutine owns it. It keeps its vector,
// not the elements.
//
// Of each element that is within the scope and not covered by the first vector it yields
// the value that is held at last, and of those in between some or none, in the order of
// their stamps. An element above the vector may come again from another replica, and
// there an older value of it before: of two events the higher stamp is right.
type Watcher struct {
	scope   Scope
	vector  gazetteer.Vector
	session uint64
	state   inState
	raised  gazetteer.Vector // since the last Ready, to be reported
	asked   bool             // a Subscribe is due
	out     WatchReady
}

// WatchReady is what a driver performs: it hands over Events, then sends Send over the
// link. So the replica hears only of what was handed over.
type WatchReady struct {
	Events []Event
	Send   []Message
}

// Event is one thing that a watch shows.
type Event struct {
	Kind   EventKind
	Update gazetteer.Update // of Put and Delete
	Vector gazetteer.Vector // of Mark: all that is within the scope and covered by it has been shown
}

// EventKind says what an Event shows.
type EventKind uint8

const (
	EventPut    EventKind = iota + 1 // an element has this value
	EventDelete                      // an element is gone
	EventReset                       // forget everything: what follows, up to the next mark, is all there is
	EventMark                        // a bookmark: the watch can go on from here anywhere
	EventLeft                        // the replica holds the partition no more: ask elsewhere
)

// NewWatcher returns a watcher of a scope that goes on from a vector, or begins if that
// is empty.
func NewWatcher(s Scope, from gazetteer.Vector) *Watcher {
	return &Watcher{scope: s, vector: from.Clone()}
}

// Scope returns what is watched.
func (w *Watcher) Scope() Scope { return w.scope }

// Vector returns up to where everything within the scope has been shown, once the last
// Ready was performed. See [AppendCursor].
func (w *Watcher) Vector() gazetteer.Vector { return w.vector.Clone() }

// Live reports whether the watcher has seen everything that its replica holds.
func (w *Watcher) Live() bool { return w.state == inLive }

// Rescope watches another scope from here on. Inside the one before, the vector stays
// true; a wider one, or another, begins empty, and with a reset.
func (w *Watcher) Rescope(s Scope) {
	if !s.Inside(w.scope) {
		w.reset()
	}
	linked := w.state != inNone
	if linked && s.Partition != w.scope.Partition {
		w.out.Send = append(w.out.Send, Leave{Partitions: []gazetteer.Partition{w.scope.Partition}})
	}
	w.scope = s
	if linked {
		w.subscribe()
	}
}

// Linked tells that a link to a replica is open.
func (w *Watcher) Linked() { w.subscribe() }

// Unlinked tells that the link broke: nothing more comes over it.
func (w *Watcher) Unlinked() { w.state, w.asked, w.raised, w.out.Send = inNone, false, nil, nil }

// Step takes a message that came over the link.
func (w *Watcher) Step(msg Message) {
	switch m := msg.(type) {
	case Ask:
		if slices.Contains(m.Partitions, w.scope.Partition) {
			w.subscribe()
		}
	case Leave:
		if w.state != inNone && slices.Contains(m.Partitions, w.scope.Partition) {
			w.state, w.asked = inNone, false
			w.shows(Event{Kind: EventLeft})
		}
	case Begin:
		if w.current(m.Partition, m.Session) {
			w.stepBegin(m)
		}
	case Elements:
		if w.current(m.Partition, m.Session) {
			w.stepElements(m)
		}
	case Mark:
		if w.current(m.Partition, m.Session) {
			w.stepMark(m)
		}
	}
}

// Ready returns what is to be done, and forgets it.
func (w *Watcher) Ready() WatchReady {
	if len(w.raised) > 0 && w.state != inNone {
		w.out.Send = append(w.out.Send, Report{Partition: w.scope.Partition, Session: w.session, Durable: w.raised})
	}
	if w.asked {
		w.out.Send = append(w.out.Send, Subscribe{Scope: w.scope, Session: w.session, Vector: w.vector.Clone()})
	}
	out := w.out
	w.out, w.raised, w.asked = WatchReady{}, nil, false
	return out
}

// subscribe begins a new session: what is still under way of the old one is dropped.
func (w *Watcher) subscribe() {
	w.session++
	w.state, w.asked, w.raised = inAsked, true, nil
}

func (w *Watcher) current(p gazetteer.Partition, session uint64) bool {
	return w.state != inNone && p == w.scope.Partition && session == w.session
}

func (w *Watcher) shows(e Event) { w.out.Events = append(w.out.Events, e) }

func (w *Watcher) reset() {
	w.vector, w.raised = nil, nil
	w.shows(Event{Kind: EventReset})
}

func (w *Watcher) stepBegin(b Begin) {
	w.state = inScanning
	if b.Whole {
		w.reset()
	}
}

// stepElements shows what is new. A gap in the sequence numbers of the live tail is no
// loss: what lies in it does not pass the filter, or has lost.
func (w *Watcher) stepElements(e Elements) {
	if e.Live && w.state != inLive {
		return
	}
	for i := range e.Updates {
		u := &e.Updates[i]
		if w.vector.Covers(u.Position) || !w.scope.Filter.Passes(u.Element) {
			continue
		}
		w.shows(eventOf(u))
		if e.Live {
			w.raise(u.Position)
		}
	}
}

func eventOf(u *gazetteer.Update) Event {
	if u.Tombstone {
		return Event{Kind: EventDelete, Update: *u}
	}
	return Event{Kind: EventPut, Update: *u}
}

// stepMark raises the vector: a mark is true within the scope it was subscribed with.
func (w *Watcher) stepMark(m Mark) {
	if m.End {
		w.state = inLive
	}
	for _, p := range m.Vector.Above(w.vector) {
		w.raise(p)
	}
	w.shows(Event{Kind: EventMark, Vector: w.vector.Clone()})
}

func (w *Watcher) raise(p gazetteer.Position) {
	w.vector = w.vector.Raise(p)
	w.raised = w.raised.Raise(p)
}
