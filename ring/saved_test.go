package ring_test

import (
	"slices"

	"gazetteer"
	"gazetteer/ring"
)

// saved takes a Save into the books and holds every promise about it.
func (b *books) saved(n *node, rd *ring.Ready) {
	b.born(n, rd)
	s := &rd.Save
	installs := b.installs(n, s)
	var again []int32 // facts whose element went down
	for i := range s.Remove {
		again = b.removed(n, &s.Remove[i], installs, again)
	}
	for i := range s.Put {
		again = b.put(n, &s.Put[i], again)
	}
	for part, up := range s.Raise {
		b.raised(n, part, &up)
	}
	for _, f := range again {
		b.recheck(n, f)
	}
	for i := range s.Journal {
		b.conflicts(&s.Journal[i])
	}
}

// born registers the writes of this node in a Ready that is being saved. A write that
// another of the same batch has replaced is seen only in what is sent, or not at all.
func (b *books) born(n *node, rd *ring.Ready) {
	if !rd.SaveFirst {
		return
	}
	own := b.own(n)
	var us []ring.Held
	for i := range rd.Save.Put {
		if h := &rd.Save.Put[i]; h.Update.Position.Origin == own.origin {
			us = append(us, *h)
		}
	}
	for i := range rd.Send {
		if e, ok := rd.Send[i].Message.(ring.Elements); ok && e.Live {
			for _, u := range e.Updates {
				if u.Position.Origin == own.origin {
					us = append(us, ring.Held{Partition: e.Partition, Update: u})
				}
			}
		}
	}
	for i := range rd.Save.Journal { // one that lost within its own batch
		if c := &rd.Save.Journal[i]; c.Loser.Position.Origin == own.origin {
			us = append(us, ring.Held{Partition: c.Partition, Update: c.Loser})
		}
	}
	slices.SortFunc(us, func(x, y ring.Held) int { return x.Update.Position.Compare(y.Update.Position) })
	for i := range us {
		b.birth(n, own, &us[i])
	}
	for part, up := range rd.Save.Raise { // the last ones may have lost within the batch
		for log := &own.facts[part.Index]; uint64(len(*log)) < up.Vector.At(own.origin); {
			*log = append(*log, noFact)
		}
	}
}

func (b *books) birth(n *node, own *chronicle, h *ring.Held) {
	part, seq := int(h.Partition.Index), h.Update.Position.Seq
	log := own.facts[part]
	if seq <= uint64(len(log)) {
		return
	}
	for uint64(len(log)) < seq-1 {
		log = append(log, noFact)
	}
	f := int32(len(b.facts))
	e := b.element(h.Update.Element)
	before := b.before(n, own, part, e, log)
	b.facts = append(b.facts, fact{u: h.Update, part: part, element: e, by: own, before: before, among: ^uint64(0), settled: b.w.settled})
	own.facts[part] = append(log, f)
	b.sees(n, f)
	k := part*maxElements + e
	b.byElement[k] = append(b.byElement[k], f)
	if c := h.Update.Stamp.Clock; c < own.next {
		b.fail("freshness", n, "promised no stamp below %v, writes %v", own.next, c)
	}
	b.attribute(n, f)
}

// before is what the writer of a new fact held of its element: what its disk holds, or
// an earlier write of the same batch.
func (b *books) before(n *node, own *chronicle, part, e int, log []int32) int32 {
	held := n.disk.shelves[part].held[e]
	for i := len(log) - 1; i >= 0; i-- {
		g := log[i]
		if g != noFact && b.facts[g].element == e {
			if b.stamp(g).Compare(b.stampOr(held)) > 0 {
				return g
			}
			break
		}
	}
	return held
}

// sees marks what the writer of a fact had seen: not lost, but replaced. Of a batch of
// several inputs only the fact itself can say what came in between.
func (b *books) sees(n *node, f int32) {
	t := &b.facts[f]
	if t.before != noFact {
		b.facts[t.before].seen = true
	}
	if g := n.disk.shelves[t.part].gone[t.element]; g != noFact {
		b.facts[g].seen = true
	}
	if n.inputs < 2 {
		return
	}
	for _, g := range b.byElement[t.part*maxElements+t.element] {
		if t.u.Context.Covers(b.facts[g].u.Position) {
			b.facts[g].seen = true
		}
	}
}

// put takes one update onto a disk.
func (b *books) put(n *node, h *ring.Held, again []int32) []int32 {
	u := &h.Update
	f := b.known(h.Partition, u.Position)
	if f == noFact {
		b.fail("invented", n, "%v of %v was never written", u.Position, u.Element)
		return again
	}
	if was := &b.facts[f].u; was.Stamp != u.Stamp || was.Element != u.Element || was.Tombstone != u.Tombstone || string(was.Body) != string(u.Body) {
		b.fail("position reused", n, "%v stands for %v and for %v", u.Position, *was, *u)
		return again
	}
	s := &n.disk.shelves[h.Partition.Index]
	e := b.facts[f].element
	if old := s.held[e]; old != noFact && b.stamp(old).Compare(u.Stamp) > 0 {
		again = append(again, old)
	}
	if g := s.gone[e]; g != noFact && !u.Tombstone && b.stamp(g).Compare(u.Stamp) > 0 && !b.outside(f, g) {
		b.fail("resurrected", n, "%s of %v lives again; its deletion %s was collected", b.name(f), u.Element, b.name(g))
	}
	s.held[e] = f
	return again
}

// removed takes one element off a disk: a tombstone that was collected, or what a whole
// scan ends.
func (b *books) removed(n *node, h *ring.Held, installs []*sealed, again []int32) []int32 {
	part := int(h.Partition.Index)
	s := &n.disk.shelves[part]
	f := b.known(h.Partition, h.Update.Position)
	if f == noFact {
		b.fail("invented", n, "removes %v, which was never written", h.Update.Position)
		return again
	}
	e := b.facts[f].element
	if old := s.held[e]; old != f {
		b.fail("remove", n, "removes %s, but holds %s", b.name(f), b.name(old))
		return again
	}
	s.held[e] = noFact
	if slices.ContainsFunc(installs, func(w *sealed) bool { return w.part == part }) {
		return append(again, f)
	}
	if !h.Update.Tombstone {
		b.fail("remove", n, "removes %s, which is no tombstone", b.name(f))
		return again
	}
	b.mayCollect(n, f)
	s.gone[e] = f
	return again
}

// mayCollect holds that every store of the plan has had the tombstone, and everything
// of the element that it replaces, unless that was lost with disks, or only stores
// outside the plan still have it.
func (b *books) mayCollect(n *node, f int32) {
	t := &b.facts[f]
	all := b.w.plannedBy(n, t.part)
	t.among &= all
	t.seen = true // it has done its work
	if all&n.bit() == 0 {
		b.fail("collected", n, "collects %s, but is not in its plan", b.name(f))
	}
	for _, g := range b.byElement[t.part*maxElements+t.element] {
		o := &b.facts[g]
		switch {
		case o.u.Stamp.Compare(t.u.Stamp) > 0:
			continue
		case o.free || all&o.by.node.bit() == 0 || !b.anyCovers(o, all):
			o.outside = o.outside || !b.follows(f, g)
			continue
		case o.covered&all == all:
			continue
		}
		b.fail("collected", n, "collects %s, but %s has not been everywhere: %b of %b", b.name(f), b.name(g), o.covered, all)
	}
}

// raised takes a rise of a partition's vector, and holds the prefix for all that it now
// says is held.
func (b *books) raised(n *node, part gazetteer.Partition, up *ring.PartitionState) {
	s := &n.disk.shelves[part.Index]
	s.filled = s.filled || up.Filled
	s.collected = s.collected.Merge(up.Collected)
	for _, p := range up.Vector {
		c := b.origins[p.Origin]
		if c == nil {
			b.fail("prefix", n, "the vector names %v, which never lived", p)
			return
		}
		log := c.facts[part.Index]
		if p.Seq > uint64(len(log)) {
			b.fail("prefix", n, "the vector says %v, but only %d were written", p, len(log))
			return
		}
		b.rises(n, s, c, log, p.Seq)
	}
}

func (b *books) rises(n *node, s *shelf, c *chronicle, log []int32, to uint64) {
	for len(s.vector) <= c.number {
		s.vector = append(s.vector, 0)
	}
	for seq := s.vector[c.number]; seq < to; seq++ {
		if f := log[seq]; f != noFact {
			b.facts[f].covered |= n.bit()
			b.holds(n, s, f)
		}
	}
	s.vector[c.number] = max(s.vector[c.number], to)
}

// holds fails unless the shelf has the fact, a winner over it, or knows that a winner
// was collected.
func (b *books) holds(n *node, s *shelf, f int32) {
	t := &b.facts[f]
	if h := s.held[t.element]; h != noFact && b.stamp(h).Compare(t.u.Stamp) >= 0 {
		return
	}
	if g := s.gone[t.element]; g != noFact && b.stamp(g).Compare(t.u.Stamp) >= 0 {
		return
	}
	b.fail("prefix", n, "the vector covers %s of %v %v, but neither it nor a winner is held (holds %s)",
		b.name(f), b.w.parts[t.part], t.u.Element, b.name(s.held[t.element]))
}

// recheck holds the prefix for all facts of an element whose value went down.
func (b *books) recheck(n *node, f int32) {
	t := &b.facts[f]
	s := &n.disk.shelves[t.part]
	for _, g := range b.byElement[t.part*maxElements+t.element] {
		if s.covers(&b.facts[g]) {
			b.holds(n, s, g)
		}
	}
}

// installs returns the whole scans whose content this Save takes over: their horizon
// comes with it. What was known to be collected there is known here from now on.
func (b *books) installs(n *node, s *ring.Save) []*sealed {
	var taken []*sealed
	for _, w := range n.whole {
		up, ok := s.Raise[b.w.parts[w.part]]
		if !ok || len(w.collected) == 0 || !up.Collected.CoversAll(w.collected) {
			continue
		}
		taken = append(taken, w)
		gone := n.disk.shelves[w.part].gone
		for e, f := range w.gone {
			if f != noFact && (gone[e] == noFact || b.stamp(gone[e]).Compare(*b.stamp(f)) < 0) {
				gone[e] = f
			}
		}
	}
	return taken
}

// seal gives a message to the post; with the mark of a whole scan goes what its
// publisher knows to be collected.
func (b *books) seal(n, to *node, m ring.Message) mail {
	switch m := m.(type) {
	case ring.Begin:
		way := wayOf{n.i, to.i, m.Partition}
		delete(b.wholes, way)
		if m.Whole {
			b.wholes[way] = &wholeScan{m.Session, m.Collected}
		}
	case ring.Mark:
		way := wayOf{n.i, to.i, m.Partition}
		if w := b.wholes[way]; w != nil && m.End && m.Session == w.session {
			delete(b.wholes, way)
			part := int(m.Partition.Index)
			return mail{m, &sealed{part, slices.Clone(n.disk.shelves[part].gone), w.collected}}
		}
	}
	return mail{msg: m}
}
