package world

import (
	"fmt"
	"slices"
	"time"

	"gazetteer"
	"gazetteer/ring"
)

// books are the checkers' own records: every update that was ever made durable, and of
// every disk what it holds, taken from the saves alone.
type books struct {
	w        *World
	facts    []fact
	origins  map[gazetteer.Origin]*chronicle
	order    []*chronicle
	elements []map[gazetteer.Element]int32 // by partition
	gone     [][]gazetteer.Stamp           // by partition and element: the highest tombstone that was collected
	stock    []*shelf                      // by partition: what the catalogue puts there
	shown    []uint64                      // by fact: regions that show it, as bits, stride words each
	stride   int
	since    int // facts before it are not of the load
	asks     uint64
	failures []violation
	failed   map[string]int // by promise
}

// fact is one update that was made durable.
type fact struct {
	u         gazetteer.Update // without body
	part      int32
	element   int32
	by        *chronicle
	digest    uint64 // of its body
	at        time.Duration
	region    int
	free      bool // only disks that were lost had it: it may be lost
	acked     bool
	crossings int32 // of edges between regions
	inside    int32 // of links inside regions
}

const noFact = int32(-1)

// chronicle is all that one origin has written.
type chronicle struct {
	number  int
	origin  gazetteer.Origin
	process *process // nil: the catalogue
	facts   [][]int32
	written []int32 // in the order of writing
	forgot  int     // facts there were when its disk was last lost
}

// shelf is what a disk holds of one partition.
type shelf struct {
	held   []int32  // by element
	vector []uint64 // by chronicle
	filled bool
}

func (s *shelf) clone() shelf {
	return shelf{slices.Clone(s.held), slices.Clone(s.vector), s.filled}
}

func (s *shelf) at(c *chronicle) uint64 {
	if c.number < len(s.vector) {
		return s.vector[c.number]
	}
	return 0
}

func (s *shelf) raise(c *chronicle, to uint64) {
	for c.number >= len(s.vector) {
		s.vector = append(s.vector, 0)
	}
	s.vector[c.number] = max(s.vector[c.number], to)
}

func (s *shelf) of(element int32) int32 {
	if int(element) < len(s.held) {
		return s.held[element]
	}
	return noFact
}

func (s *shelf) hold(element, f int32) {
	for int(element) >= len(s.held) {
		s.held = append(s.held, noFact)
	}
	s.held[element] = f
}

func (s *shelf) covers(f *fact) bool { return s.at(f.by) >= f.u.Position.Seq }

// violation is a promise that was broken.
type violation struct {
	promise string
	detail  string
}

func newBooks(w *World) *books {
	b := &books{w: w, origins: map[gazetteer.Origin]*chronicle{}, stride: (len(w.regions) + 63) / 64}
	for range w.parts {
		b.elements = append(b.elements, map[gazetteer.Element]int32{})
		b.stock = append(b.stock, &shelf{filled: true})
	}
	b.gone = make([][]gazetteer.Stamp, len(w.parts))
	b.open(gazetteer.Origin{Store: gazetteer.NodeID("catalogue").Store(), Incarnation: 1}, nil)
	return b
}

// violationsMost bounds what is kept of each promise that is broken: the first tells most.
const violationsMost = 5

func (b *books) fail(promise string, p *process, format string, args ...any) {
	where := "planet"
	if p != nil {
		where = string(p.id)
	}
	detail := fmt.Sprintf("at %v, %s: ", b.w.agenda.Now(), where) + fmt.Sprintf(format, args...)
	if b.failed == nil {
		b.failed = map[string]int{}
	}
	if b.failed[promise]++; b.failed[promise] <= violationsMost {
		b.failures = append(b.failures, violation{promise, detail})
		b.w.log.note("BROKEN " + promise + ": " + detail)
	}
}

func (b *books) begin() { b.since = len(b.facts) }

func (b *books) open(o gazetteer.Origin, p *process) *chronicle {
	c := &chronicle{number: len(b.order), origin: o, process: p, facts: make([][]int32, len(b.w.parts))}
	b.origins[o] = c
	b.order = append(b.order, c)
	return c
}

// starts opens the chronicle of a process' new life.
func (b *books) starts(p *process, o gazetteer.Origin) *chronicle {
	if c := b.origins[o]; c != nil {
		return c // it must not be: the first position it uses again will tell
	}
	c := b.open(o, p)
	c.forgot = p.forgot
	return c
}

func (b *books) element(part int32, e gazetteer.Element) int32 {
	i, ok := b.elements[part][e]
	if !ok {
		i = int32(len(b.elements[part]))
		b.elements[part][e] = i
		b.gone[part] = append(b.gone[part], gazetteer.Stamp{})
	}
	return i
}

// known returns the fact at a position, or noFact.
func (b *books) known(part int32, p gazetteer.Position) int32 {
	c := b.origins[p.Origin]
	if c == nil || p.Seq == 0 || p.Seq > uint64(len(c.facts[part])) {
		return noFact
	}
	return c.facts[part][p.Seq-1]
}

// swallowed reports whether a position is of an update that never was on its writer's disk
// by itself: a winner over it was in the same save, which covers it.
func (b *books) swallowed(part int32, p gazetteer.Position) bool {
	c := b.origins[p.Origin]
	return c != nil && p.Seq > 0 && p.Seq <= uint64(len(c.facts[part])) && c.facts[part][p.Seq-1] == noFact
}

// stocks writes a resource of the catalogue down, as the first origin's.
func (b *books) stocks(k gazetteer.Key, value uint64, locations int) {
	part, ok := b.w.partIndex[b.w.Partition(k)]
	if !ok {
		return
	}
	for i := range locations + 1 {
		u := gazetteer.Update{Element: gazetteer.Element{ID: k.ID}, Body: bodyOf(value)}
		if i > 0 {
			u.Element.Location = gazetteer.LocationID(fmt.Sprintf("l%04d", i))
		}
		b.stockOne(part, u)
	}
}

func (b *books) stockOne(part int32, u gazetteer.Update) {
	c := b.order[0]
	seq := uint64(len(c.facts[part]) + 1)
	u.Stamp = gazetteer.Stamp{Clock: gazetteer.ClockAt(epoch-int64(time.Hour/time.Millisecond)) + gazetteer.Clock(seq), Origin: c.origin}
	u.Position = gazetteer.Position{Origin: c.origin, Seq: seq}
	f := b.write(part, &u, c, 0)
	b.facts[f].u.Body = u.Body
	b.stock[part].hold(b.facts[f].element, f)
	b.stock[part].raise(c, seq)
}

// write makes a fact of an update.
func (b *books) write(part int32, u *gazetteer.Update, c *chronicle, region int) int32 {
	f := int32(len(b.facts))
	t := fact{u: *u, part: part, element: b.element(part, u.Element), by: c, digest: gazetteer.HashBytes(u.Body),
		at: b.w.agenda.Now(), region: region}
	t.u.Body, t.u.Context = nil, nil
	b.facts = append(b.facts, t)
	b.shown = append(b.shown, make([]uint64, b.stride)...)
	for uint64(len(c.facts[part])) < u.Position.Seq {
		c.facts[part] = append(c.facts[part], noFact)
	}
	c.facts[part][u.Position.Seq-1] = f
	c.written = append(c.written, f)
	return f
}

// saved takes a save into the books, and holds what must be true after every step.
func (b *books) saved(p *process, s *ring.Save) {
	var removed []int32
	for i := range s.Remove {
		h := &s.Remove[i]
		part := b.w.partIndex[h.Partition]
		e := b.element(part, h.Update.Element)
		if f := p.disk.shelves[part].of(e); f != noFact {
			removed = append(removed, f)
			p.disk.shelves[part].hold(e, noFact)
		}
	}
	for i := range s.Put {
		b.put(p, &s.Put[i])
	}
	for _, f := range removed {
		b.removed(p, f)
	}
	for _, q := range b.w.sorted(s.Raise) {
		b.raised(p, q, s.Raise[b.w.parts[q]])
	}
}

// sorted are the numbers of the partitions that a save raises.
func (w *World) sorted(raise map[gazetteer.Partition]ring.PartitionState) []int32 {
	out := make([]int32, 0, len(raise))
	for q := range raise {
		out = append(out, w.partIndex[q])
	}
	slices.Sort(out)
	return out
}

func (b *books) put(p *process, h *ring.Held) {
	part := b.w.partIndex[h.Partition]
	u := &h.Update
	f := b.known(part, u.Position)
	own := u.Position.Origin == p.origin.origin
	switch {
	case f == noFact && own:
		f = b.write(part, u, p.origin, p.region.i)
		b.wrote(p, f)
	case f == noFact && b.swallowed(part, u.Position):
		c := b.origins[u.Position.Origin]
		f = b.write(part, u, c, c.process.region.i)
	case f == noFact:
		b.fail("durable first", p, "holds %v of %v, which its origin has not saved", u.Position.Seq, u.Element)
		return
	case b.facts[f].digest != gazetteer.HashBytes(u.Body) || b.facts[f].u.Element != u.Element || b.facts[f].u.Stamp != u.Stamp:
		b.fail("one position, one content", p, "position %d of %v stands for two contents", u.Position.Seq, u.Element)
		return
	}
	if !own {
		b.ahead(p, f)
	}
	b.alive(p, f)
	p.disk.shelves[part].hold(b.facts[f].element, f)
	b.show(p, f)
}

// wrote finds the client's write that a new fact is of.
func (b *books) wrote(p *process, f int32) {
	t := &b.facts[f]
	b.w.cover.Written++
	if t.u.Tombstone {
		b.w.cover.Tombstones++
	}
	var first uint64 // of equal writes the one that came first
	for token, o := range p.writes {
		if o.is(t, b.w.parts[t.part]) && (first == 0 || token < first) {
			first = token
		}
	}
	if first > 0 {
		p.writes[first].fact = f
	}
}

// is reports whether a fact can be what a write has made.
func (o *write) is(t *fact, part gazetteer.Partition) bool {
	return o.fact == noFact && o.key.ID == t.u.Element.ID && o.part == part && (o.digest == t.digest || o.deletes && t.u.Tombstone)
}

// raised takes a partition's vector up.
func (b *books) raised(p *process, part int32, to ring.PartitionState) {
	s := &p.disk.shelves[part]
	s.filled = s.filled || to.Filled
	for _, q := range to.Vector {
		c := b.origins[q.Origin]
		if c == nil {
			b.fail("prefix", p, "its vector names an origin that never was")
			continue
		}
		for c == p.origin && uint64(len(c.facts[part])) < q.Seq {
			c.facts[part] = append(c.facts[part], noFact)
		}
		for seq := s.at(c) + 1; seq <= q.Seq; seq++ {
			b.prefix(p, s, part, gazetteer.Position{Origin: q.Origin, Seq: seq})
		}
		s.raise(c, q.Seq)
	}
}

// show notes that a region shows a fact.
func (b *books) show(p *process, f int32) {
	i, bit := int(f)*b.stride+p.region.i/64, uint64(1)<<(p.region.i%64)
	if b.shown[i]&bit != 0 {
		return
	}
	b.shown[i] |= bit
	b.w.sights.shows(b.w, &b.facts[f], p.region, int(f) >= b.since)
}

func (b *books) shows(f int32, region int) bool {
	return b.shown[int(f)*b.stride+region/64]&(1<<(region%64)) != 0
}

// vector is what a disk holds of a partition.
func (b *books) vector(p *process, q gazetteer.Partition) (v gazetteer.Vector) {
	s := &p.disk.shelves[b.w.partIndex[q]]
	for _, c := range b.order {
		v = v.Raise(gazetteer.Position{Origin: c.origin, Seq: s.at(c)})
	}
	return v
}

// loses notes that a disk was lost or rolled back: what no disk covers any more may be lost.
func (b *books) loses(p *process, old *disk) {
	p.forgot = len(b.facts)
	for i := range b.facts {
		f := &b.facts[i]
		if !f.free && old.shelves[f.part].covers(f) && !b.anyCovers(f) {
			f.free = true
		}
	}
}

func (b *books) anyCovers(f *fact) bool {
	return slices.ContainsFunc(b.w.processes, func(p *process) bool { return p.disk.shelves[f.part].covers(f) })
}

// acknowledged notes that a client was told that his write is durable on a majority, and
// holds that it is.
func (b *books) acknowledged(p *process, f int32) {
	t := &b.facts[f]
	if !t.acked {
		t.acked = true
		b.w.cover.Acknowledged++
		b.w.sights.acked(b, f)
	}
	holds := 0
	for _, q := range p.shard.members {
		if q.disk.durable().shelves[t.part].covers(t) {
			holds++
		}
	}
	if holds <= len(p.shard.members)/2 {
		b.fail("acknowledged is durable", p, "%v was acknowledged, and is on %d of %d disks", t.u.Element, holds, len(p.shard.members))
	}
}

// fillDisks puts the catalogue on every disk.
func (w *World) fillDisks() {
	for _, g := range w.regions {
		for _, h := range g.shards {
			first := newDisk(len(w.parts))
			w.books.fill(first, h)
			for _, p := range h.members {
				d := first.clone()
				p.disk.store, p.disk.shelves = d.store, d.shelves
			}
		}
	}
}

func (b *books) fill(d *disk, h *shard) {
	s := ring.Save{Raise: map[gazetteer.Partition]ring.PartitionState{}}
	c := b.order[0]
	for _, q := range h.parts {
		part := b.w.partIndex[q]
		for _, f := range c.facts[part] {
			u := b.facts[f].u
			s.Put = append(s.Put, ring.Held{Partition: q, Update: u})
		}
		v := gazetteer.Vector{}.Raise(gazetteer.Position{Origin: c.origin, Seq: uint64(len(c.facts[part]))})
		s.Raise[q] = ring.PartitionState{Filled: true, Vector: v}
		d.shelves[part] = b.stock[part].clone()
	}
	_ = d.store.Save(&s) // a store in memory does not fail
}
