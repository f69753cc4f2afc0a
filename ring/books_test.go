package ring_test

import (
	"fmt"
	"math/bits"
	"slices"
	"strconv"

	"gazetteer"
	"gazetteer/ring"
)

// books are the checkers' own records: every update that was ever made durable, and of
// every disk what it holds, taken from the Saves alone. They share nothing with the
// core but its words.
type books struct {
	w         *world
	facts     []fact
	origins   map[gazetteer.Origin]*chronicle
	order     []*chronicle
	elements  map[gazetteer.Element]int
	byElement [][]int32 // facts, by partition and element
	wholes    map[wayOf]*wholeScan
	disasters bool // a disk was lost or rolled back: journals may be gone
	alarms    int  // journal entries of values that the winner's writer had seen
	rewritten int  // values that live again because they were written anew
	failure   *violation
}

// fact is one update that was made durable.
type fact struct {
	u         gazetteer.Update
	part      int
	element   int
	by        *chronicle
	before    int32  // what its writer held of the element, noFact for nothing
	seen      bool   // the writer of a later fact held it
	covered   uint64 // nodes whose disks have ever covered it, as bits
	free      bool   // at some moment no disk covered it: it may be lost
	outside   bool   // only nodes outside the plan knew it when a later tombstone was collected
	among     uint64 // of a tombstone: the nodes of every plan under which it was collected
	settled   bool   // written while there were no faults; then what it has cost:
	crossings int
	inRing    [4]int
}

const noFact = int32(-1)

// chronicle is all that one origin has written.
type chronicle struct {
	number int
	origin gazetteer.Origin
	node   *node
	life   int
	facts  [][]int32       // by partition; noFact for one that never was on a disk by itself
	next   gazetteer.Clock // promised: no later stamp is below
	named  []uint64        // by partition: the position its freshness marks have named
}

// shelf is what a disk holds of one partition.
type shelf struct {
	held      []int32  // by element
	gone      []int32  // by element: the highest tombstone known to be collected
	vector    []uint64 // by chronicle
	filled    bool
	collected gazetteer.Vector
}

// wayOf names one direction of a partition's feed.
type wayOf struct {
	from, to int
	part     gazetteer.Partition
}

// wholeScan is one that is under way: its session and the horizon that it brings.
type wholeScan struct {
	session   uint64
	collected gazetteer.Vector
}

// sealed is what travels, for the books, with the mark of a whole scan.
type sealed struct {
	part      int
	gone      []int32
	collected gazetteer.Vector
}

// violation is a promise that was broken.
type violation struct {
	kind   string
	detail string
}

func (v *violation) String() string { return v.kind + ": " + v.detail }

func newBooks(w *world) *books {
	return &books{
		w: w, origins: map[gazetteer.Origin]*chronicle{}, elements: map[gazetteer.Element]int{},
		byElement: make([][]int32, len(w.parts)*maxElements), wholes: map[wayOf]*wholeScan{},
	}
}

// fail notes the first violation; the world stops at it.
func (b *books) fail(kind string, n *node, format string, args ...any) {
	if b.failure != nil {
		return
	}
	where := "planet"
	if n != nil {
		where = string(n.id)
	}
	b.failure = &violation{kind, fmt.Sprintf("at %v, %s: ", b.w.now, where) + fmt.Sprintf(format, args...)}
}

// maxElements bounds the elements of a world's partition.
const maxElements = 40

func newShelf() shelf {
	s := shelf{held: make([]int32, maxElements), gone: make([]int32, maxElements)}
	for i := range s.held {
		s.held[i], s.gone[i] = noFact, noFact
	}
	return s
}

func (s *shelf) clone() shelf {
	c := *s
	c.held, c.gone = slices.Clone(s.held), slices.Clone(s.gone)
	c.vector, c.collected = slices.Clone(s.vector), s.collected.Clone()
	return c
}

func (s *shelf) at(c *chronicle) uint64 {
	if c.number < len(s.vector) {
		return s.vector[c.number]
	}
	return 0
}

func (s *shelf) covers(f *fact) bool { return s.at(f.by) >= f.u.Position.Seq }

func (b *books) element(e gazetteer.Element) int {
	i, ok := b.elements[e]
	if !ok {
		i = len(b.elements)
		b.elements[e] = i
	}
	return i
}

// starts opens the chronicle of a node's new life.
func (b *books) starts(n *node) {
	o := n.r.Origin()
	if b.origins[o] != nil {
		return // it must not be: the first position it reuses will tell
	}
	parts := len(b.w.parts)
	c := &chronicle{number: len(b.order), origin: o, node: n, life: n.life, facts: make([][]int32, parts), named: make([]uint64, parts)}
	b.origins[o] = c
	b.order = append(b.order, c)
}

func (b *books) own(n *node) *chronicle { return b.origins[n.r.Origin()] }

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

// conflicts counts the journal entries that are none: the winner's writer had seen the
// loser.
func (b *books) conflicts(c *ring.Conflict) {
	f := b.known(c.Partition, c.Loser.Position)
	if f == noFact {
		return
	}
	t := &b.facts[f]
	for _, g := range b.byElement[t.part*maxElements+t.element] {
		if b.facts[g].u.Stamp == c.Winner && b.follows(g, f) {
			b.alarms++
		}
	}
}

// follows reports whether the writer of g had seen f.
func (b *books) follows(g, f int32) bool {
	for g = b.facts[g].before; g != noFact && g != f; g = b.facts[g].before {
	}
	return g == f
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

func (b *books) stamp(f int32) *gazetteer.Stamp { return &b.facts[f].u.Stamp }

func (b *books) stampOr(f int32) gazetteer.Stamp {
	if f == noFact {
		return gazetteer.Stamp{}
	}
	return b.facts[f].u.Stamp
}

// known returns the fact that an update is, or noFact.
func (b *books) known(part gazetteer.Partition, p gazetteer.Position) int32 {
	c := b.origins[p.Origin]
	if c == nil || p.Seq == 0 {
		return noFact
	}
	log := c.facts[part.Index]
	if p.Seq > uint64(len(log)) {
		return noFact
	}
	return log[p.Seq-1]
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

// outside reports whether a fact may live although a later tombstone was collected: only
// nodes outside the plan under which that was done knew it then, or wrote it since, and
// the writer of the tombstone had not seen it.
func (b *books) outside(f, gone int32) bool {
	t := &b.facts[f]
	return t.outside || b.facts[gone].among&t.by.node.bit() == 0 && !b.follows(gone, f)
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
	all := uint64(0)
	for _, m := range b.w.nodes {
		if slices.Contains(n.plan.Stores, m.id.Store()) && m.circle.parts&(1<<t.part) != 0 {
			all |= m.bit()
		}
	}
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

// sends holds that nobody sees a write of this origin before it is durable.
func (b *books) sends(n *node, rd *ring.Ready) {
	own := b.own(n)
	for i := range rd.Send {
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

// loses notes that a node's disk was replaced: what no disk covers any more may be lost.
func (b *books) loses(old *disk) {
	b.disasters = true
	for i := range b.facts {
		f := &b.facts[i]
		if !f.free && old.shelves[f.part].covers(f) && !b.anyCovers(f, ^uint64(0)) {
			f.free = true
		}
	}
}

// anyCovers reports whether the disk of one of these nodes covers a fact.
func (b *books) anyCovers(f *fact, nodes uint64) bool {
	for _, n := range b.w.nodes {
		if !n.stopped && nodes&n.bit() != 0 && n.disk.shelves[f.part].covers(f) {
			return true
		}
	}
	return false
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
// ring of k, and one for each edge of the tree.
func (b *books) budget() {
	for i := range b.facts {
		t := &b.facts[i]
		if !t.settled {
			continue
		}
		if t.crossings != len(b.w.regions)-1 {
			b.fail("budget", nil, "%s crossed %d times between %d regions", b.name(int32(i)), t.crossings, len(b.w.regions))
		}
		for _, g := range b.w.regions {
			k := g.mirrors(t.part)
			if most := messagesOf(k); t.inRing[g.i] > most {
				b.fail("budget", nil, "%s took %d messages in a ring of %d", b.name(int32(i)), t.inRing[g.i], k)
			}
		}
	}
	for _, n := range b.w.nodes {
		if k := b.w.countersOf(n); k.Gaps > 0 {
			b.fail("gap", n, "%d gaps without any fault", k.Gaps)
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

// name tells a fact in a trace.
func (b *books) name(f int32) string {
	if f == noFact {
		return "nothing"
	}
	return b.w.position(b.facts[f].u.Position) + "@" + b.w.stamp(b.facts[f].u.Stamp)
}

// root is the client's write that a value came from.
func root(u *gazetteer.Update) string { return string(u.Body) }

// write is one that waits for its outcome.
type write struct {
	ring.Write
	outcome *ring.Outcome // nil until it is known
	deletes bool
	fresh   bool // proposed since the last Ready
	alone   bool // no other of its batch is of the same resource
	facts   []int32
}

func body(token uint64, k int) []byte {
	return strconv.AppendInt(strconv.AppendUint([]byte("w"), token, 10), int64(-k-1), 10)
}

// attribute finds the client's write that a new fact belongs to.
func (b *books) attribute(n *node, f int32) {
	t := &b.facts[f]
	for i := range n.writes {
		w := n.writes[i]
		if !w.fresh || w.Partition.Index != uint32(t.part) || w.ID != t.u.Element.ID {
			continue
		}
		if t.u.Tombstone && w.deletes || slices.ContainsFunc(w.Put, func(v ring.Value) bool { return string(v.Body) == string(t.u.Body) }) {
			w.facts = append(w.facts, f)
		}
	}
}

// answered holds an outcome against what the disks have had.
func (b *books) answered(n *node, o *ring.Outcome) {
	i := slices.IndexFunc(n.writes, func(w *write) bool { return w.Token == o.Token })
	if i < 0 {
		b.fail("outcome", n, "write %d is answered twice, or was never asked", o.Token)
		return
	}
	w := n.writes[i]
	n.writes = slices.Delete(n.writes, i, i+1)
	b.w.heardBack(n, w, o)
	if o.Err != nil {
		if len(w.facts) > 0 {
			b.fail("outcome", n, "write %d was refused (%v) and done", o.Token, o.Err)
		}
		return
	}
	if o.Reached == ring.AckRing && w.alone {
		b.acknowledged(n, w)
	}
}

// acknowledged holds that a majority of the configured members has had the write on
// disk.
func (b *books) acknowledged(n *node, w *write) {
	members, need := uint64(0), 0
	for _, r := range n.plan.Rings {
		need = len(r.Members)/2 + 1
		for _, id := range r.Members {
			members |= b.w.byID[id].bit()
		}
	}
	for _, f := range w.facts {
		if have := bits.OnesCount64(b.facts[f].covered & members); have < need {
			b.fail("acknowledged", n, "write %d: %s is on %d disks, a majority is %d", w.Token, b.name(f), have, need)
		}
	}
}

// overdue fails if a write has waited beyond its deadline.
func (b *books) overdue(n *node) {
	for _, w := range n.writes {
		if mono := b.w.now - n.began; w.Deadline > 0 && mono > w.Deadline+2*b.w.shape.tick {
			b.fail("outcome", n, "write %d is due at %v and has no outcome at %v", w.Token, w.Deadline, mono)
		}
	}
}
