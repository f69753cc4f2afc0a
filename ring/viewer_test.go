package ring_test

import (
	"slices"
	"time"

	"gazetteer"
	"gazetteer/ring"
)

// viewer is a client that watches a scope: it goes from replica to replica with its
// cursor, and keeps what it was shown, by the higher stamp.
type viewer struct {
	name     gazetteer.NodeID
	core     *ring.Watcher
	dice     dice
	at       *node // nil: nowhere
	life     int   // of that node
	visit    int   // counts attachments
	since    time.Duration
	ways     [2]time.Duration // when the last message of each direction arrives
	delay    time.Duration
	whole    bool             // a whole scan is under way towards it
	held     []int32          // by element: what it was shown
	gone     []int32          // by element: what its replica had collected at a reset
	latest   map[int]int32    // by element: what this visit has shown last
	claimed  gazetteer.Vector // up to where it was checked
	restarts int
}

func (v *viewer) part() int { return int(v.core.Scope().Partition.Index) }

// watched gives some planets watchers.
func (w *world) watched() {
	d := dice(w.shape.seed ^ 0x3c6ef372fe94f82b)
	for i := range d.n(4) {
		v := w.newViewer(i, dice(d.next()), ring.Scope{Partition: w.parts[d.n(len(w.parts))], Filter: w.someFilter(&d)})
		w.add(v.dice.between(0, 100*time.Millisecond), event{kind: evRoam, viewer: v})
	}
}

func (w *world) newViewer(i int, d dice, s ring.Scope) *viewer {
	v := &viewer{name: names[gazetteer.NodeID]("viewer", i+1)[i], dice: d}
	v.delay = v.dice.between(100*time.Microsecond, 20*time.Millisecond)
	v.begins(ring.NewWatcher(s, nil))
	w.viewers = append(w.viewers, v)
	return v
}

func (w *world) someFilter(d *dice) ring.Filter {
	switch d.n(3) {
	case 0:
		return ring.Filter{}
	case 1:
		return ring.Filter{Prefix: "k"}
	}
	return ring.Filter{Prefix: w.ids[d.n(len(w.ids))]}
}

func (v *viewer) begins(core *ring.Watcher) {
	v.core = core
	v.forgets()
}

func (v *viewer) forgets() {
	fresh := newShelf()
	v.held, v.gone, v.claimed, v.latest = fresh.held, fresh.gone, nil, map[int]int32{}
}

// roams is what a viewer does by itself, again and again.
func (w *world) roams(v *viewer) {
	w.add(v.dice.between(20*time.Millisecond, 120*time.Millisecond), event{kind: evRoam, viewer: v})
	switch {
	case v.at == nil:
		w.attaches(v)
	case !w.healed && v.dice.once(6):
		w.detaches(v, true)
	case !v.core.Live() && w.now-v.since > 400*time.Millisecond:
		w.despairs(v)
	}
}

// attaches links a viewer to some replica, after its cursor went over a wire.
func (w *world) attaches(v *viewer) {
	var open []*node
	for _, n := range w.nodes {
		if n.r != nil && !n.frozen && n.serving[v.core.Scope().Partition].Reads {
			open = append(open, n)
		}
	}
	if len(open) == 0 {
		return
	}
	w.carriesCursor(v)
	if v.dice.once(4) && !w.healed {
		w.rescopes(v)
	}
	w.joins(v, open[v.dice.n(len(open))])
}

func (w *world) joins(v *viewer, n *node) {
	v.at, v.life, v.since, v.whole = n, n.life, w.now, false
	v.visit++
	v.latest = map[int]int32{}
	w.tracef(n, "%s watches %q from %s", v.name, v.core.Scope().Filter.Prefix, w.vector(v.core.Vector()))
	n.r.Tick(w.clockOf(n))
	n.r.Watched(v.name)
	w.after(n)
	v.core.Linked()
	w.views(v)
}

// detaches ends a visit. The replica is told, unless it is gone itself.
func (w *world) detaches(v *viewer, tell bool) {
	n := v.at
	v.at = nil
	v.core.Unlinked()
	w.views(v)
	if tell {
		n.r.Tick(w.clockOf(n))
		n.r.Unlinked(v.name)
		w.after(n)
	}
}

// despairs begins anew where a cursor is not covered. Where it is, a planet without
// faults has to serve it.
func (w *world) despairs(v *viewer) {
	n := v.at
	if n.frozen || v.core.Vector() == nil {
		return
	}
	if covered := n.r.Vector(v.core.Scope().Partition).CoversAll(v.core.Vector()); covered && w.now-v.since < patience {
		return
	} else if covered && w.healed {
		w.books.fail("watch", n, "serves no scan to %s, though it covers its cursor", v.name)
		return
	}
	w.detaches(v, true)
	v.restarts++
	v.begins(ring.NewWatcher(v.core.Scope(), nil))
}

// carriesCursor takes a cursor through its encoding, and offers it for another scope.
func (w *world) carriesCursor(v *viewer) {
	s := v.core.Scope()
	b := ring.AppendCursor(nil, s, v.core.Vector())
	from, err := ring.DecodeCursor(b, s)
	if err != nil || !from.Equal(v.core.Vector()) {
		w.books.fail("cursor", nil, "%v came back as %v: %v", v.core.Vector(), from, err)
	}
	other := s
	other.Filter.Prefix += "x"
	if _, err := ring.DecodeCursor(b, other); gazetteer.KindOf(err) != gazetteer.Invalid {
		w.books.fail("cursor", nil, "a cursor of %v is taken for %v: %v", s, other, err)
	}
	v.core = ring.NewWatcher(s, from)
}

// rescopes changes what a viewer watches. A wider scope begins empty.
func (w *world) rescopes(v *viewer) {
	s := v.core.Scope()
	s.Filter = w.someFilter(&v.dice)
	v.core.Rescope(s)
	w.views(v)
}

// toViewer puts a message of a replica on its way to a viewer.
func (w *world) toViewer(n *node, e *ring.Envelope) {
	i := slices.IndexFunc(w.viewers, func(v *viewer) bool { return v.name == e.To })
	v := w.viewers[i]
	if v.at != n || v.life != n.life {
		return
	}
	if w.trace != nil {
		w.tracef(n, "%s->%s %s", n.id, v.name, w.message(e.Message))
	}
	m := mail{msg: e.Message}
	switch x := e.Message.(type) {
	case ring.Begin:
		v.whole = x.Whole
	case ring.Mark:
		if v.whole && x.End {
			m.seal = &sealed{part: v.part(), gone: slices.Clone(n.disk.shelves[v.part()].gone)}
		}
	}
	w.add(v.arrival(w.now, 0), event{kind: evShow, viewer: v, arg: v.visit, mail: m})
	if isData(e.Message) {
		w.add(v.dice.between(0, 2*v.delay), event{kind: evDrain, node: n, life: n.life, viewer: v, arg: v.visit})
	}
}

// arrival is after how long the next message of one direction arrives.
func (v *viewer) arrival(now time.Duration, way int) time.Duration {
	v.ways[way] = max(v.ways[way]+1, now+v.dice.between(v.delay/2, v.delay))
	return v.ways[way] - now
}

// happensTo does what concerns viewers.
func (w *world) happensTo(v *viewer, e *event) {
	if e.kind == evRoam {
		w.roams(v)
		return
	}
	n := v.at
	if n == nil || v.visit != e.arg || !n.lives(v.life) {
		return
	}
	switch e.kind {
	case evShow:
		v.core.Step(e.mail.msg)
		w.views(v)
		if e.mail.seal != nil && v.at != nil {
			v.learnsGone(w, e.mail.seal.gone)
		}
		w.books.claims(v)
	case evDrain:
		n.r.Tick(w.clockOf(n))
		n.r.Sent(v.name, 1)
		w.after(n)
	case evHear:
		n.r.Tick(w.clockOf(n))
		n.r.Step(v.name, e.mail.msg)
		w.after(n)
	}
}

// learnsGone takes over what the publisher of a whole scan knows to be collected.
func (v *viewer) learnsGone(w *world, gone []int32) {
	for e, f := range gone {
		if f != noFact && w.books.stampOr(v.gone[e]).Compare(*w.books.stamp(f)) < 0 {
			v.gone[e] = f
		}
	}
}

// views takes what the core shows, then sends what it says.
func (w *world) views(v *viewer) {
	rd := v.core.Ready()
	for i := range rd.Events {
		w.books.shows(v, &rd.Events[i])
		if rd.Events[i].Kind == ring.EventLeft && v.at != nil {
			w.cover.watchLeft = true
			defer func() {
				if v.at != nil {
					w.detaches(v, true)
				}
			}()
		}
	}
	for _, m := range rd.Send {
		if v.at != nil {
			w.add(v.arrival(w.now, 1), event{kind: evHear, node: v.at, life: v.life, viewer: v, arg: v.visit, mail: mail{msg: m}})
		}
	}
}

// shows takes one event into a viewer's own record.
func (b *books) shows(v *viewer, e *ring.Event) {
	switch e.Kind {
	case ring.EventReset:
		b.w.cover.watchReset = true
		v.forgets()
	case ring.EventMark:
		b.w.cover.bookmarked = true
	case ring.EventPut, ring.EventDelete:
		b.showsElement(v, &e.Update)
	}
}

func (b *books) showsElement(v *viewer, u *gazetteer.Update) {
	f := b.known(v.core.Scope().Partition, u.Position)
	switch {
	case f == noFact:
		b.fail("invented", v.at, "%s is shown %v of %v, which was never written", v.name, u.Position, u.Element)
		return
	case !v.core.Scope().Filter.Passes(u.Element):
		b.fail("scope", v.at, "%s is shown %v, which is outside its scope", v.name, u.Element)
	}
	b.w.cover.shown++
	e := b.facts[f].element
	if last, ok := v.latest[e]; ok && b.stamp(last).Compare(u.Stamp) > 0 {
		b.fail("watch order", v.at, "%s is shown %s of %v after %s", v.name, b.name(f), u.Element, b.name(last))
	}
	v.latest[e] = f
	if b.stampOr(v.held[e]).Compare(u.Stamp) < 0 {
		v.held[e] = f
	}
}

// claims holds the prefix for what a viewer's vector says now: every update within the
// scope was shown, or a winner over it.
func (b *books) claims(v *viewer) {
	part := v.part()
	for _, p := range v.core.Vector().Above(v.claimed) {
		c := b.origins[p.Origin]
		for seq := v.claimed.At(p.Origin); seq < p.Seq && seq < uint64(len(c.facts[part])); seq++ {
			if f := c.facts[part][seq]; f != noFact && v.core.Scope().Filter.Passes(b.facts[f].u.Element) {
				b.wasShown(v, f)
			}
		}
		v.claimed = v.claimed.Raise(p)
	}
}

func (b *books) wasShown(v *viewer, f int32) {
	t := &b.facts[f]
	if b.stampOr(v.held[t.element]).Compare(t.u.Stamp) >= 0 || b.stampOr(v.gone[t.element]).Compare(t.u.Stamp) >= 0 {
		return
	}
	b.fail("watch prefix", v.at, "the vector of %s covers %s of %v, but neither it nor a winner was shown (shown was %s)",
		v.name, b.name(f), t.u.Element, b.name(v.held[t.element]))
}

// unshown says what keeps a viewer from having seen everything, "" for nothing.
func (w *world) unshown() string {
	for _, v := range w.viewers {
		if len(w.owners(v.part())) == 0 {
			continue
		}
		if v.at == nil || !v.core.Live() {
			return "a watcher is not served"
		}
		if !v.at.r.Vector(v.core.Scope().Partition).Equal(v.core.Vector()) {
			return "a watcher's bookmark is behind"
		}
	}
	return ""
}

// watchersAgree holds that at rest a viewer has what the mirrors hold.
func (b *books) watchersAgree() {
	for _, v := range b.w.viewers {
		if v.at == nil {
			continue
		}
		held := b.w.owners(v.part())[0].disk.shelves[v.part()].held
		for e, f := range v.held {
			if b.valueOf(b.within(v, f)) != b.valueOf(b.within(v, held[e])) && !b.livesAgain(held[e], f) {
				b.fail("watch diverged", v.at, "%s has %s, the mirrors %s", v.name, b.name(f), b.name(held[e]))
			}
		}
	}
}

func (b *books) within(v *viewer, f int32) int32 {
	if f == noFact || !v.core.Scope().Filter.Passes(b.facts[f].u.Element) {
		return noFact
	}
	return f
}

// valueOf is a fact that lives, or noFact.
func (b *books) valueOf(f int32) int32 {
	if f == noFact || b.facts[f].u.Tombstone {
		return noFact
	}
	return f
}

// livesAgain reports whether the mirrors hold less than was shown, and may: it was lost
// with a disk before the mark that covers it came to the viewer; or it is a deletion, and
// the value below it only outsiders knew, see [books.outside].
func (b *books) livesAgain(f, shown int32) bool {
	if shown != noFact && b.facts[shown].free {
		return true
	}
	return f != noFact && shown != noFact && b.facts[shown].u.Tombstone && b.outside(f, shown)
}
