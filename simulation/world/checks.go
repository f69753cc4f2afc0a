package world

import (
	"fmt"
	"slices"
	"time"

	"gazetteer"
)

// The promises that are held after every step. Each fails with the name that a report
// shows; what is said of them beside DESIGN.md stands here.

// maxSkew is how far a stamp may be ahead of the clock of who applies it (DESIGN 4).
const maxSkew = time.Second

// prefix holds rule 1: a vector that names a position holds its update or a winner over it.
func (b *books) prefix(p *process, s *shelf, part int32, at gazetteer.Position) {
	f := b.known(part, at)
	switch {
	case f == noFact && b.swallowed(part, at):
		return
	case f == noFact:
		b.fail("prefix", p, "its vector covers position %d, which nobody has written", at.Seq)
		return
	}
	t := &b.facts[f]
	held := s.of(t.element)
	switch {
	case held != noFact && b.facts[held].u.Stamp.Compare(t.u.Stamp) >= 0:
	case b.gone[part][t.element].Compare(t.u.Stamp) >= 0:
	default:
		b.fail("prefix", p, "its vector covers %v at %d, which it does not hold", t.u.Element, at.Seq)
		return
	}
	b.show(p, f)
}

// removed holds that what a replica lets go of was collected, or is not promised.
func (b *books) removed(p *process, f int32) {
	t := &b.facts[f]
	s := &p.disk.shelves[t.part]
	if s.of(t.element) != noFact {
		return // something else took its place
	}
	gone := &b.gone[t.part][t.element]
	switch {
	case t.u.Tombstone:
		if gone.Compare(t.u.Stamp) < 0 {
			*gone = t.u.Stamp
		}
	case gone.Compare(t.u.Stamp) < 0 && s.covers(t) && !t.free:
		b.fail("prefix", p, "drops %v, which its vector covers", t.u.Element)
	}
}

// alive holds that nothing comes back below a tombstone that was collected: all replicas
// were complete up to it. Only who has lost his disk, and with it the tombstone, may write
// below it later.
func (b *books) alive(p *process, f int32) {
	t := &b.facts[f]
	gone := b.gone[t.part][t.element]
	if t.u.Tombstone || gone.Compare(t.u.Stamp) < 0 || t.by.forgot > 0 {
		return
	}
	b.fail("nothing deleted comes back", p, "%v lives again below a tombstone that was collected", t.u.Element)
}

// ahead holds that no clock that is wrong makes others take its stamps. The clock of the
// receiver must not have jumped since it looked.
func (b *books) ahead(p *process, f int32) {
	t := &b.facts[f]
	now := b.w.agenda.Now()
	limit := p.clock.wall(now) + maxSkew.Milliseconds() + 1
	if t.u.Stamp.Clock.UnixMilli() > limit && (p.clock.jumped == 0 || now-p.clock.jumped > time.Second) {
		b.fail("no wrong clock wins", p, "holds %v with a stamp %d ms ahead", t.u.Element, t.u.Stamp.Clock.UnixMilli()-p.clock.wall(now))
	}
}

// looksEach is on which of its looks a replica's word about its own age is held.
const looksEach = 10

// fresh holds that a replica never says that it knows more than it does: what a store had
// made durable by the moment that AsOf tells, it holds.
func (b *books) fresh(p *process) {
	p.looks++
	if p.looks%looksEach != 0 || p.saving || p.core == nil {
		return
	}
	for len(p.checked) < len(b.order) {
		p.checked = append(p.checked, 0)
	}
	for _, c := range b.order {
		if c.process == nil || c.process == p || p.checked[c.number] == len(c.written) {
			continue
		}
		if at, known := p.core.AsOf(c.origin.Store); known {
			b.knows(p, c, p.began+at)
		}
	}
}

func (b *books) knows(p *process, c *chronicle, asOf time.Duration) {
	k := p.checked[c.number]
	for ; k < len(c.written) && b.facts[c.written[k]].at <= asOf; k++ {
		t := &b.facts[c.written[k]]
		if p.hosts(t.part) && !t.free && !p.disk.shelves[t.part].covers(t) {
			b.fail("age is not under-reported", p, "says it knows all of %v as of %v and lacks %v of %v", c.process.id, asOf, t.u.Element, t.at)
		}
	}
	p.checked[c.number] = k
}

func (p *process) hosts(part int32) bool { return slices.Contains(p.shard.parts, p.world.parts[part]) }

// live reports whether a replica must be equal to the others at rest.
func (p *process) live() bool { return p.core != nil && !p.paused }

// unequal says where two live replicas differ, "" where none do.
func (b *books) unequal() string {
	for part := range b.w.parts {
		var first *process
		for _, p := range b.w.processes {
			if !p.live() || !p.hosts(int32(part)) {
				continue
			}
			if first == nil {
				first = p
			}
			if why := unlike(&first.disk.shelves[part], &p.disk.shelves[part]); why != "" {
				return fmt.Sprintf("%v: %s and %s: %s", b.w.parts[part], first.id, p.id, why)
			}
		}
	}
	return ""
}

func unlike(a, b *shelf) string {
	switch {
	case !b.filled:
		return "not filled"
	case !same(a.vector, b.vector, 0):
		return "vectors differ"
	case !same(a.held, b.held, noFact):
		return "contents differ"
	}
	return ""
}

// same compares lists of which the shorter one goes on with a value.
func same[T comparable](a, b []T, none T) bool {
	for i := range max(len(a), len(b)) {
		x, y := none, none
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

// judge holds what must be true of a planet at rest.
func (b *books) judge() {
	for _, p := range b.w.processes {
		if k := p.counters(); k.Gaps > 0 {
			b.fail("no gaps", p, "%d live updates left a gap", k.Gaps)
		}
		if p.live() {
			b.keeps(p)
		}
	}
	b.nothingLost()
	b.w.trees.judge(b)
	if b.w.faultless() {
		b.costs()
	}
}

// keeps holds that the store's content is what the saves have made it.
func (b *books) keeps(p *process) {
	for _, q := range p.shard.parts {
		part := b.w.partIndex[q]
		s := &p.disk.shelves[part]
		count := 0
		for u, err := range p.disk.store.Scan(q, nil) {
			f := b.known(part, u.Position)
			if err != nil || f == noFact || s.of(b.facts[f].element) != f {
				b.fail("mirrors equal", p, "its store holds %v, its saves do not", u.Element)
				return
			}
			count++
		}
		for _, f := range s.held {
			if f != noFact {
				count--
			}
		}
		if count != 0 {
			b.fail("mirrors equal", p, "its store lacks %d elements that it saved", -count)
		}
	}
}

// nothingLost holds that every update that was ever durable is covered by every live
// replica, except what only lost disks had.
func (b *books) nothingLost() {
	for i := range b.facts {
		t := &b.facts[i]
		for _, p := range b.w.processes {
			if t.free || !p.live() || !p.hosts(t.part) || p.disk.shelves[t.part].covers(t) {
				continue
			}
			what := "durable"
			if t.acked {
				what = "acknowledged"
			}
			b.fail("no acknowledged write lost", p, "%v, written at %v by %s and %s, is gone", t.u.Element, t.at, t.by.process.name(), what)
			break
		}
	}
}

func (p *process) name() string {
	if p == nil {
		return "the catalogue"
	}
	return string(p.id)
}

// faultless reports whether nothing has kept updates from going the way they should.
func (w *World) faultless() bool { return w.cover.Faults == 0 && w.lossless() }

func (w *World) lossless() bool {
	return w.cover.Lost == 0 && w.cover.LinksBroken == w.sights.brokenBefore
}

// costs holds what an update may cost where nothing fails: along a tree one crossing for
// each other region, and in a ring of k members k+1 messages. One that loses on its way
// ends there; one that is written while branches become others is not judged.
func (b *books) costs() {
	n := len(b.w.regions) - 1
	most := n + 2*b.w.scenario.Tree.Shortcuts
	winners := b.winners()
	for i := b.since; i < len(b.facts); i++ {
		t := &b.facts[i]
		if b.w.trees.turning(t.at) {
			continue
		}
		crossed := int(t.crossings)
		short := crossed < n && winners[t.part][t.element] == int32(i)
		if b.w.spoken() && (short || crossed > most) {
			b.fail("n-1 crossings", nil, "%v crossed %d edges between regions, want %d", t.u.Element, crossed, n)
		}
		if budget := b.w.budget(t.part); int(t.inside) > budget {
			b.fail("k+1 messages a ring", nil, "%v took %d messages inside regions, at most %d were due", t.u.Element, t.inside, budget)
		}
	}
}

// winners are, by partition and element, the facts with the highest stamps.
func (b *books) winners() [][]int32 {
	out := make([][]int32, len(b.w.parts))
	for part := range out {
		out[part] = slices.Repeat([]int32{noFact}, len(b.elements[part]))
	}
	for i := range b.facts {
		t := &b.facts[i]
		at := &out[t.part][t.element]
		if *at == noFact || b.facts[*at].u.Stamp.Compare(t.u.Stamp) < 0 {
			*at = int32(i)
		}
	}
	return out
}

// budget is what an update of a partition may take inside all rings that own it.
func (w *World) budget(part int32) (most int) {
	for _, g := range w.regions {
		for _, h := range g.shards {
			switch k := len(h.members); {
			case !slices.Contains(h.parts, w.parts[part]):
			case k < 3:
				most += k - 1
			default:
				most += k + 1
			}
		}
	}
	return most
}
