package ring_test

import (
	"fmt"
	"slices"

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
	forgot int             // facts there were when its disk was last replaced
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
	c := &chronicle{number: len(b.order), origin: o, node: n, life: n.life, forgot: n.forgot, facts: make([][]int32, parts), named: make([]uint64, parts)}
	b.origins[o] = c
	b.order = append(b.order, c)
}

func (b *books) own(n *node) *chronicle { return b.origins[n.r.Origin()] }

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

// loses notes that a node's disk was replaced: what no disk covers any more may be lost.
func (b *books) loses(n *node, old *disk) {
	b.disasters = true
	n.forgot = len(b.facts)
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

// name tells a fact in a trace.
func (b *books) name(f int32) string {
	if f == noFact {
		return "nothing"
	}
	return b.w.position(b.facts[f].u.Position) + "@" + b.w.stamp(b.facts[f].u.Stamp)
}

// follows reports whether the writer of g had seen f.
func (b *books) follows(g, f int32) bool {
	for g = b.facts[g].before; g != noFact && g != f; g = b.facts[g].before {
	}
	return g == f
}

// outside reports whether a fact may live although a later tombstone was collected: only
// nodes outside the plan under which that was done knew it then, or wrote it since, and
// the writer of the tombstone had not seen it; or it was written later by one whose disk
// has forgotten the tombstone, and whose clock was behind it.
func (b *books) outside(f, gone int32) bool {
	t := &b.facts[f]
	return t.outside || f > gone && t.by.forgot > int(gone) || b.facts[gone].among&t.by.node.bit() == 0 && !b.follows(gone, f)
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
