package ring_test

import (
	"gazetteer/ring"
)

// sends holds that nobody sees a write of this origin before it is durable.
func (b *books) sends(n *node, rd *ring.Ready) {
	own := b.own(n)
	for i := range rd.Send {
		if m, ok := rd.Send[i].Message.(ring.Report); ok {
			b.reports(n, &m)
		}
		e, ok := rd.Send[i].Message.(ring.Elements)
		if !ok {
			continue
		}
		log := own.facts[e.Partition.Index]
		for j := range e.Updates {
			p := e.Updates[j].Position
			switch {
			case p.Origin != own.origin:
			case p.Seq <= uint64(len(log)) && log[p.Seq-1] == noFact:
				b.late(n, own, &ring.Held{Partition: e.Partition, Update: e.Updates[j]})
			case p.Seq > uint64(len(log)) && !rd.SaveFirst:
				b.fail("durability", n, "sends %v before it is saved", p)
			}
		}
	}
}

// late registers a write that another of its own batch replaced, so that it never was
// on its origin's disk: it waited in a queue until now.
func (b *books) late(n *node, own *chronicle, h *ring.Held) {
	f := int32(len(b.facts))
	part, e := int(h.Partition.Index), b.element(h.Update.Element)
	b.facts = append(b.facts, fact{u: h.Update, part: part, element: e, by: own, before: noFact, seen: true, among: ^uint64(0)})
	own.facts[part][h.Update.Position.Seq-1] = f
	b.byElement[part*maxElements+e] = append(b.byElement[part*maxElements+e], f)
	for _, m := range b.w.nodes {
		if m.disk.shelves[part].covers(&b.facts[f]) {
			b.facts[f].covered |= m.bit()
		}
	}
}

// speaks holds what a node says about itself after a Save: reports name only what is
// durable, freshness marks all that was written.
func (b *books) speaks(n *node, after []ring.Envelope) {
	for i := range after {
		switch m := after[i].Message.(type) {
		case ring.Report:
			b.reports(n, &m)
		case ring.Fresh:
			if m.Origin == n.r.Origin() {
				b.promises(n, &m)
			}
		}
	}
}

func (b *books) reports(n *node, m *ring.Report) {
	by := n
	if m.By != "" {
		by = b.w.byID[m.By]
	}
	s := &by.disk.shelves[m.Partition.Index]
	for _, p := range m.Durable {
		c := b.origins[p.Origin]
		if by == n && s.at(c) < p.Seq {
			b.fail("report", n, "reports %v, but only %d is durable", p, s.at(c))
		}
		if f := b.known(m.Partition, p); by != n && f != noFact && b.facts[f].covered&by.bit() == 0 {
			b.fail("report", n, "relays that %s holds %s, which it never did", by.id, b.name(f))
		}
	}
}

func (b *books) promises(n *node, m *ring.Fresh) {
	own := b.own(n)
	own.next = max(own.next, m.Next)
	for _, p := range m.Positions {
		own.named[p.Partition.Index] = max(own.named[p.Partition.Index], p.Seq)
	}
	for part, log := range own.facts {
		for seq := len(log); seq > 0 && uint64(seq) > own.named[part]; seq-- {
			if f := log[seq-1]; f != noFact && b.stamp(f).Clock < m.Next {
				b.fail("freshness", n, "a mark promises stamps from %v on and does not name %s", m.Next, b.name(f))
			}
		}
	}
}

// travels counts the link messages that carry a fact, while there are no faults.
func (b *books) travels(from, to *node, e *ring.Elements) {
	if !b.w.settled {
		return
	}
	for i := range e.Updates {
		f := b.known(e.Partition, e.Updates[i].Position)
		if f == noFact {
			continue
		}
		t := &b.facts[f]
		if from.region != to.region {
			t.crossings++
		} else {
			t.inRing[from.region.i]++
		}
	}
}

// budget holds what one update may cost while there are no faults: k+1 messages in a
// ring of k, and one for each edge of the tree. One that loses on its way ends there.
func (b *books) budget() {
	for i := range b.facts {
		t := &b.facts[i]
		if !t.settled {
			continue
		}
		if edges := len(b.w.regions) - 1; t.crossings > edges || t.crossings < edges && b.highest(int32(i)) {
			b.fail("budget", nil, "%s crossed %d times between %d regions", b.name(int32(i)), t.crossings, len(b.w.regions))
		}
		for _, g := range b.w.regions {
			k := g.mirrors(t.part)
			if most := messagesOf(k); t.inRing[g.i] > most {
				b.fail("budget", nil, "%s took %d messages in a ring of %d", b.name(int32(i)), t.inRing[g.i], k)
			}
		}
	}
}

// messagesOf is how many messages one update may take in a ring of k.
func messagesOf(k int) int {
	if k < 3 {
		return k - 1
	}
	return k + 1
}

// mirrors is the size of the region's ring for a partition.
func (g *region) mirrors(part int) int {
	for _, m := range g.circles {
		if m.parts&(1<<part) != 0 {
			return len(m.nodes)
		}
	}
	return 0
}
