package ring_test

import (
	"time"

	"gazetteer"
	"gazetteer/ring"
	"gazetteer/ring/memstore"
)

// node is one process and its disk.
type node struct {
	i      int
	id     gazetteer.NodeID
	region *region
	circle *members
	disk   *disk
	copied *disk // an old copy of the disk, if one was made

	r        *ring.Replica // nil while the process is down
	life     int           // counts starts
	began    time.Duration
	skew     time.Duration // of the wall clock
	frozen   bool          // the process stands still
	away     bool          // it was taken out of the plan
	ignorant bool          // and does not know it
	isolated bool          // and nobody reaches it
	resting  bool          // its process stays stopped until it is back in the plan
	stopped  bool          // for good
	restart  time.Duration // how long it stays down after a halt
	dice     dice
	plan     ring.Plan // as last configured
	next     ring.Plan // as the region would have it
	scans    map[ring.ScanID]*scan
	wants    uint64 // nodes to keep a link to, as bits
	sees     []sight
	writes   []*write  // those without an outcome yet
	busy     bool      // inputs were given whose Ready has not been taken
	inputs   int       // since the last Ready
	stalled  []event   // what happens to it once it moves again
	whole    []*sealed // marks of whole scans since the last Ready
	halt     halt
	reading  time.Duration // what one chunk of a scan takes
	counted  ring.Counters // of earlier lives
	forgot   int           // facts in the books when its disk was last replaced
	serving  map[gazetteer.Partition]ring.Serving
}

// sight is what a node believes of another.
type sight uint8

const (
	unseen sight = iota
	seenDead
	seenAlive
)

// halt says at which point of its next Ready with a Save a process dies.
type halt uint8

const (
	noHalt     halt = iota
	haltInSend      // some messages are out, nothing is saved
	haltBeforeSave
	haltAfterSave // what was saved nobody has heard of
)

// scan is a snapshot that a node reads for one of its links.
type scan struct {
	id       ring.ScanID
	part     gazetteer.Partition
	above    gazetteer.Vector
	snapshot ring.Snapshot
	after    gazetteer.Position
}

func (n *node) lives(life int) bool { return n.r != nil && n.life == life }

func (n *node) bit() uint64 { return 1 << n.i }

// begin starts a node's process on what its disk holds.
func (w *world) begin(n *node) {
	if n.r != nil || n.stopped || n.resting {
		return
	}
	r, err := ring.New(w.configOf(n))
	if err != nil {
		w.books.fail("start", n, "%v", err)
		return
	}
	n.r, n.began, n.busy, n.wants = r, w.now, false, 0
	n.life++
	n.scans = map[ring.ScanID]*scan{}
	n.sees = make([]sight, len(w.nodes))
	w.books.starts(n)
	w.tracef(n, "starts")
	w.changed++
	if !n.ignorant {
		n.next = w.planOf(n)
	}
	w.configure(n)
	for _, m := range w.nodes {
		w.dialSoon(n, m)
	}
	w.add(n.dice.between(0, w.shape.tick), event{kind: evTick, node: n, life: n.life})
}

// end stops a node's process. What it has sent may still arrive.
func (w *world) end(n *node, sent fate) {
	if n.r == nil {
		return
	}
	w.tracef(n, "stops")
	n.counted = w.countersOf(n)
	w.cover.saw(n.r.Counters())
	n.r, n.busy, n.frozen, n.halt, n.wants = nil, false, false, noHalt, 0
	for _, s := range n.scans {
		s.snapshot.Close()
	}
	for i := range n.stalled {
		if e := &n.stalled[i]; e.kind == evArrive && isData(e.mail.msg) {
			w.flying--
		}
	}
	n.writes, n.whole, n.stalled, n.inputs = nil, nil, nil, 0
	for _, v := range w.viewers {
		if v.at == n {
			w.detaches(v, false)
		}
	}
	for _, m := range w.nodes {
		if l := w.links[w.pair(n, m)]; l != nil {
			l.states[l.side(n)] = toldBroken
			w.breaks(l, sent)
		}
	}
	w.changed++
}

// ticks lets a node's time pass and tells it whom it can see.
func (w *world) ticks(n *node, life int) {
	if !n.lives(life) {
		return
	}
	w.add(n.dice.between(w.shape.tick*3/4, w.shape.tick*5/4), event{kind: evTick, node: n, life: life})
	n.r.Tick(w.clockOf(n))
	for _, m := range w.nodes {
		w.looksFor(n, m)
	}
	w.after(n)
	if n.r != nil && !n.busy {
		w.books.overdue(n)
	}
}

// looksFor tells n, a little late, whether it can see m.
func (w *world) looksFor(n, m *node) {
	now := seenDead
	if w.reaches(n, m) {
		now = seenAlive
	}
	if n == m || now == n.sees[m.i] || !n.dice.once(2) {
		return
	}
	n.sees[m.i] = now
	n.r.Alive(m.id, now == seenAlive)
}

// stalls keeps an event for later if the node it happens to stands still.
func (w *world) stalls(e *event) bool {
	n := e.node
	if e.link != nil {
		n = e.link.ends[e.arg]
	}
	if n == nil || !n.frozen || e.kind == evDial || e.kind == evStart || e.kind == evMend {
		return false
	}
	n.stalled = append(n.stalled, *e)
	return true
}

// thaw lets a node that stood still catch up with what has happened to it.
func (w *world) thaw(n *node) {
	if !n.frozen {
		return
	}
	n.frozen = false
	w.changed++
	stalled := n.stalled
	n.stalled = nil
	for i := range stalled {
		w.happen(&stalled[i])
	}
}

// after lets a node perform what its last input asks for: at once, or together with
// what the next inputs ask for.
func (w *world) after(n *node) {
	n.inputs++
	if n.busy {
		return
	}
	if !w.prompt && n.dice.once(4) {
		n.busy = true
		w.add(n.dice.between(0, time.Millisecond), event{kind: evPerform, node: n, life: n.life})
		return
	}
	w.perform(n)
}

// perform does what a Ready asks for, in the order of its contract, and dies in the
// middle of it if that is the node's fate.
func (w *world) perform(n *node) {
	rd := n.r.Ready()
	n.busy = false
	w.books.sends(n, &rd)
	saves := !rd.Save.Empty()
	if !rd.SaveFirst {
		if saves && n.halt == haltInSend {
			rd.Send = rd.Send[:len(rd.Send)/2]
		}
		w.sendAll(n, rd.Send)
	}
	if w.halts(n, saves, haltInSend) || w.halts(n, saves, haltBeforeSave) {
		return
	}
	if saves {
		w.saves(n, &rd)
	}
	n.whole, n.inputs = nil, 0
	for _, o := range n.writes {
		o.fresh = false
	}
	if w.halts(n, saves, haltAfterSave) {
		return
	}
	if rd.SaveFirst {
		w.sendAll(n, rd.Send)
	}
	w.books.speaks(n, rd.After)
	w.sendAll(n, rd.After)
	w.scansOf(n, &rd)
	for i := range rd.Outcomes {
		w.books.answered(n, &rd.Outcomes[i])
	}
	if rd.Serving != nil {
		n.serving = rd.Serving
	}
	if rd.Peers != nil {
		w.wantsLinks(n, rd.Peers)
	}
}

// halts ends a node's process if it was to die at this point of a Ready.
func (w *world) halts(n *node, saves bool, at halt) bool {
	if !saves || n.halt != at {
		return false
	}
	w.cover.crashed = true
	w.add(n.restart, event{kind: evStart, node: n})
	w.end(n, arriving)
	return true
}

func (w *world) saves(n *node, rd *ring.Ready) {
	if err := n.disk.store.Save(&rd.Save); err != nil {
		w.books.fail("store", n, "%v", err)
		return
	}
	w.traceSave(n, &rd.Save)
	w.books.saved(n, rd)
}

// scansOf closes, opens and goes on with the scans a Ready names.
func (w *world) scansOf(n *node, rd *ring.Ready) {
	for _, id := range rd.Close {
		if s := n.scans[id]; s != nil {
			n.closes(s)
		}
	}
	for _, o := range rd.Scans {
		s := &scan{id: o.ID, part: o.Partition, above: o.Above, snapshot: n.disk.store.Snapshot()}
		n.scans[o.ID] = s
		w.readSoon(n, s)
	}
	for _, id := range rd.More {
		if s := n.scans[id]; s != nil {
			w.readSoon(n, s)
		}
	}
}

func (n *node) closes(s *scan) {
	s.snapshot.Close()
	delete(n.scans, s.id)
}

func (w *world) readSoon(n *node, s *scan) {
	in := n.reading + 100*time.Microsecond
	if !w.prompt {
		in = n.dice.between(0, 3*time.Millisecond)
	}
	w.add(in, event{kind: evChunk, node: n, life: n.life, scan: s})
}

// reads gives a node the next chunk of a scan.
func (w *world) reads(n *node, life int, s *scan) {
	if !n.lives(life) || n.scans[s.id] != s {
		return
	}
	c := ring.Chunk{ID: s.id, Done: true}
	for u, err := range s.snapshot.Scan(s.part, s.above, s.after) {
		if err != nil {
			w.books.fail("store", n, "%v", err)
			return
		}
		if len(c.Updates) == w.shape.config.ScanBatch {
			c.Done = false
			break
		}
		c.Updates = append(c.Updates, u)
	}
	if k := len(c.Updates); k > 0 {
		s.after = c.Updates[k-1].Position
	}
	if c.Done {
		n.closes(s)
	}
	n.r.Tick(w.clockOf(n))
	n.r.Scanned(c)
	w.after(n)
}

// countersOf sums a node's counters over its lives.
func (w *world) countersOf(n *node) ring.Counters {
	if n.r == nil {
		return n.counted
	}
	return sum(n.counted, n.r.Counters())
}

// disk is a store, and the books' own record of what was saved to it.
type disk struct {
	store   *memstore.Store
	shelves []shelf
}

func (w *world) newDisk() *disk {
	d := &disk{store: memstore.New(), shelves: make([]shelf, len(w.parts))}
	for i := range d.shelves {
		d.shelves[i] = newShelf()
	}
	return d
}

func (d *disk) clone() *disk {
	c := &disk{store: d.store.Clone(), shelves: make([]shelf, len(d.shelves))}
	for i := range d.shelves {
		c.shelves[i] = d.shelves[i].clone()
	}
	return c
}

// content returns all that a disk holds of a partition, by position.
func (d *disk) content(p gazetteer.Partition) []gazetteer.Update {
	var all []gazetteer.Update
	for u := range d.store.Scan(p, nil) {
		all = append(all, u)
	}
	return all
}
