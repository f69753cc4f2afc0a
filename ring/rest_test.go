package ring_test

import (
	"slices"
	"time"

	"gazetteer"
	"gazetteer/ring"
)

// heal ends all faults: cuts, slow wires, stopped processes, wrong clocks. Nodes that
// were taken out of the plan come back, or stop for good.
func (w *world) heal(d *dice) {
	w.healed = true
	w.now++
	for _, n := range w.nodes {
		n.skew, n.halt = 0, noHalt
		w.thaw(n)
		for _, m := range w.nodes {
			w.wires[w.pair(n, m)].slow = 0
		}
	}
	clear(w.cuts)
	for _, n := range w.nodes {
		w.heals(n, d)
	}
	w.agree(w.newest().out, w.someTree(d))
	w.spread(50 * time.Millisecond)
	w.changed++
	for _, n := range w.nodes {
		for _, m := range w.nodes {
			w.dialSoon(n, m)
		}
	}
}

func (w *world) heals(n *node, d *dice) {
	n.isolated = false
	switch {
	case !n.away:
		w.begin(n)
	case n.life > 0 && d.once(4):
		w.end(n, lost)
		n.stopped = true
		w.books.loses(n, n.disk)
	case n.life > 0 || d.once(2):
		w.bringBack(n)
	}
}

// patience is how long a healed world may take to come to rest.
const patience = 40 * time.Second

// rests lets time pass until the planet is at rest, then sees that it stays so.
func (w *world) rests() {
	end := w.now + patience
	for w.unrest() != "" {
		if w.now >= end {
			w.books.fail(w.unrest(), nil, "not at rest %v after the last fault", patience)
		}
		if w.books.failure != nil {
			return
		}
		w.run(w.now + 50*time.Millisecond)
	}
	w.run(w.now + w.shape.config.StuckAfter) // links that have just been opened compare
	before := w.labour()
	w.run(w.now + w.shape.config.StuckAfter*2)
	for end := w.now + time.Second; w.flying > 0 && w.now < end; { // the marks of a comparison
		w.run(w.now + 10*time.Millisecond)
	}
	if w.books.failure != nil {
		return
	}
	if why := w.unrest(); why != "" {
		w.books.fail("no rest", nil, "was at rest, then: %s", why)
	}
	if after := w.labour(); after != before {
		w.books.fail("no rest", nil, "%d updates sent or subscribers stuck though nothing was missing", after-before)
	}
}

// labour counts what a planet at rest does not do: send updates, and find subscribers
// stuck.
func (w *world) labour() uint64 {
	k := w.carried
	for _, n := range w.nodes {
		k += w.countersOf(n).Stuck
	}
	return k
}

// unrest says what keeps the planet from rest, "" for nothing.
func (w *world) unrest() string {
	if w.flying > 0 {
		return "data is under way"
	}
	for part := range w.parts {
		var first *shelf
		for _, n := range w.nodes {
			if n.stopped || w.newest().without(n) || n.circle.parts&(1<<part) == 0 {
				continue
			}
			s := &n.disk.shelves[part]
			if first == nil {
				first = s
			}
			if why := unlike(first, s); why != "" {
				return why
			}
			if why := w.books.leftover(s); why != "" {
				return why
			}
		}
	}
	return w.unshown()
}

func unlike(a, b *shelf) string {
	switch {
	case !b.filled:
		return "never filled"
	case !equalVectors(a.vector, b.vector):
		return "vectors differ"
	case !slices.Equal(a.held, b.held):
		return "diverged"
	}
	return ""
}

func equalVectors(a, b []uint64) bool {
	for i := range max(len(a), len(b)) {
		var x, y uint64
		if i < len(a) {
			x = a[i]
		}
		if i < len(b) {
			y = b[i]
		}
		if x != y {
			return false
		}
	}
	return true
}

// leftover says what a shelf holds that must go with time: orphans are written anew,
// tombstones are collected.
func (b *books) leftover(s *shelf) string {
	for _, f := range s.held {
		switch {
		case f == noFact:
		case !s.covers(&b.facts[f]):
			return "orphan never adopted"
		case b.facts[f].u.Tombstone:
			return "tombstone never collected"
		}
	}
	return ""
}

// judge holds what must be true of a planet at rest. A gap in a live tail is an alarm
// also while links break: the next session begins with a scan.
func (w *world) judge() {
	if w.books.failure != nil {
		return
	}
	for _, n := range w.nodes {
		if k := w.countersOf(n); k.Gaps > 0 {
			w.books.fail("gap", n, "%d live updates left a gap", k.Gaps)
		}
	}
	for part := range w.parts {
		owners := w.owners(part)
		for _, n := range owners {
			w.books.keeps(n, part)
		}
		w.books.nothingLost(owners[0], part)
		w.books.journaled(part)
		w.books.countRewritten(owners[0], part)
	}
	w.books.watchersAgree()
}

func (w *world) owners(part int) []*node {
	var all []*node
	for _, n := range w.nodes {
		if !n.stopped && !w.newest().without(n) && n.circle.parts&(1<<part) != 0 {
			all = append(all, n)
		}
	}
	return all
}

// keeps holds that the core's vector, the store's content and its versions are what the
// Saves have made them.
func (b *books) keeps(n *node, part int) {
	s := &n.disk.shelves[part]
	us := n.disk.content(b.w.parts[part])
	count := 0
	for _, f := range s.held {
		if f != noFact {
			count++
		}
	}
	if count != len(us) {
		b.fail("store", n, "holds %d elements, the books say %d", len(us), count)
	}
	v := n.r.Vector(b.w.parts[part])
	for _, p := range v {
		if s.at(b.origins[p.Origin]) != p.Seq {
			b.fail("vector", n, "the core says %v, its disk %d", p, s.at(b.origins[p.Origin]))
		}
	}
	for _, id := range b.w.ids {
		own := version(n, b.w.parts[part], id)
		if first := version(b.w.owners(part)[0], b.w.parts[part], id); own != first {
			b.fail("version", n, "of %s is %x, elsewhere %x", id, own, first)
		}
	}
}

func version(n *node, p gazetteer.Partition, id gazetteer.ID) gazetteer.Version {
	us, _ := n.disk.store.Resource(p, id)
	return ring.VersionOf(us)
}

// nothingLost holds that every update that was ever durable is covered, except what
// only lost disks had.
func (b *books) nothingLost(n *node, part int) {
	s := &n.disk.shelves[part]
	for i := range b.facts {
		if f := &b.facts[i]; f.part == part && !f.free && !s.covers(f) {
			b.fail("lost", n, "%s of %v was durable and is gone", b.name(int32(i)), f.u.Element)
		}
	}
}

// journaled holds that every value that lost to one whose writer had not seen it stands
// in some journal, unless disks were lost.
func (b *books) journaled(part int) {
	if b.disasters {
		return
	}
	in := make([]bool, len(b.facts))
	for _, n := range b.w.nodes {
		for c := range n.disk.store.Conflicts() {
			if f := b.known(c.Partition, c.Loser.Position); f != noFact {
				in[f] = true
			}
		}
	}
	for i := range b.facts {
		f := &b.facts[i]
		if f.part != part || f.seen || in[i] || b.wins(int32(i)) || b.lives(int32(i)) {
			continue
		}
		b.fail("journal", nil, "%s of %v lost and stands in no journal", b.name(int32(i)), f.u.Element)
	}
}

// wins reports whether a fact needs no journal: nothing is above it, or something with
// the same content, which stands for it.
func (b *books) wins(f int32) bool {
	t := &b.facts[f]
	same := func(o *fact) bool { return o.u.Tombstone == t.u.Tombstone && string(o.u.Body) == string(t.u.Body) }
	return b.highest(f) || slices.ContainsFunc(b.above(f), same)
}

// lives reports whether a planet at rest holds a fact: what was above it was written and
// collected by nodes that did not count its writer.
func (b *books) lives(f int32) bool {
	t := &b.facts[f]
	return b.w.owners(t.part)[0].disk.shelves[t.part].held[t.element] == f
}

// highest reports whether nothing of its element is above a fact.
func (b *books) highest(f int32) bool { return len(b.above(f)) == 0 }

// above lists what wins over a fact.
func (b *books) above(f int32) (all []*fact) {
	t := &b.facts[f]
	for _, g := range b.byElement[t.part*maxElements+t.element] {
		if o := &b.facts[g]; o.u.Stamp.Compare(t.u.Stamp) > 0 {
			all = append(all, o)
		}
	}
	return all
}

// countRewritten counts the values that live although their deletion was known: they
// were written anew, with a fresh stamp, by a whole scan or as orphans.
func (b *books) countRewritten(n *node, part int) {
	for _, f := range n.disk.shelves[part].held {
		if f == noFact {
			continue
		}
		for _, g := range b.byElement[part*maxElements+b.facts[f].element] {
			if b.facts[g].u.Tombstone && !b.facts[g].free && b.knew(g, string(b.facts[f].u.Body)) {
				b.rewritten++
				break
			}
		}
	}
}

// knew reports whether the writer of a tombstone had seen a content.
func (b *books) knew(t int32, body string) bool {
	for f := b.facts[t].before; f != noFact; f = b.facts[f].before {
		if string(b.facts[f].u.Body) == body {
			return true
		}
	}
	return false
}
