package ring_test

import (
	"time"

	"gazetteer"
	"gazetteer/ring"
)

// action is one thing that a schedule does to the world. Its numbers mean nothing by
// themselves: each kind takes them modulo what there is, so that a schedule still makes
// sense when other actions are left out.
type action struct {
	at         time.Duration
	kind       actionKind
	a, b, c, d uint32
}

type actionKind uint8

const (
	doWrite   actionKind = iota // one element
	doMany                      // several elements of one resource
	doDelete                    // one element
	doDrop                      // a whole resource
	doReplace                   // a resource becomes exactly this
	doIf                        // a write with a condition
	doBurst                     // many writes at one replica at once
	doCrash                     // a process dies; what it has sent may arrive
	doPower                     // a machine dies with all that was under way
	doHalt                      // a process dies in the middle of its next Ready
	doLose                      // a disk is lost; the node comes back empty
	doCopy                      // a copy of a disk is made
	doRestore                   // an old copy is put back
	doCut                       // two nodes cannot reach each other
	doSplit                     // two regions cannot reach each other
	doBreak                     // a link breaks
	doSlow                      // a wire becomes slow
	doFreeze                    // a process stands still
	doTree                      // the planet agrees on another tree
	doRemove                    // a node is taken out of the plan
	doReturn                    // a node comes (back) into the plan
	doClock                     // a wall clock jumps
	doPause                     // nothing happens for a while
	actionKinds
)

var actionNames = [actionKinds]string{"write", "many", "delete", "drop", "replace", "if", "burst", "crash", "power", "halt",
	"lose", "copy", "restore", "cut", "split", "break", "slow", "freeze", "tree", "remove", "return", "clock", "pause"}

func (w *world) act(x *action) {
	n := w.nodes[x.a%uint32(len(w.nodes))]
	w.traceAction(x, n)
	switch x.kind {
	case doWrite, doMany, doDelete, doDrop, doReplace, doIf:
		w.writes(n, x)
	case doBurst:
		for i := range 4 + x.c%20 {
			w.writes(n, &action{kind: doWrite, b: x.b + i, c: x.c ^ i*7, d: x.d})
		}
	case doCrash:
		w.end(n, arriving)
		w.restarts(n, x)
	case doPower:
		w.end(n, lost)
		w.restarts(n, x)
	case doHalt:
		w.dooms(n, x)
	case doLose:
		w.replaceDisk(n, w.newDisk(), x)
		w.cover.diskLost = true
	case doCopy:
		n.copied = n.disk.clone()
	case doRestore:
		if n.copied != nil {
			w.replaceDisk(n, n.copied.clone(), x)
			w.cover.copyPutBack = true
		}
	case doTree:
		w.replants(x)
	case doRemove:
		w.removes(n, x)
	case doReturn:
		w.returns(x)
	case doClock:
		w.jumps(n, x)
	default:
		w.disturbs(n, x)
	}
}

// disturbs does what ends by itself: cuts, slow wires, processes that stand still.
func (w *world) disturbs(n *node, x *action) {
	m := w.nodes[x.b%uint32(len(w.nodes))]
	long := time.Duration(10+x.c%400) * time.Millisecond
	switch x.kind {
	case doCut:
		w.cut(n, m, 1)
		w.add(long, event{kind: evMend, node: n, arg: m.i, life: mendCut})
	case doSplit:
		w.split(n.region, m.region, 1)
		w.add(long, event{kind: evMend, node: n, arg: m.i, life: mendSplit})
	case doBreak:
		if l := w.linkBy(n, x.b); l != nil {
			w.cover.linkBroken = true
			w.breaks(l, fate(x.c%2))
		}
	case doSlow:
		if m = w.farEnd(n, x.b); m != nil {
			w.wires[w.pair(n, m)].slow = time.Duration(5+x.d%60) * time.Millisecond
			w.add(long, event{kind: evMend, node: n, arg: m.i, life: mendSlow})
		}
	case doFreeze:
		if n.r != nil && !n.frozen {
			n.frozen = true
			w.changed++
			w.add(long/2, event{kind: evMend, node: n, life: mendFreeze})
		}
	}
}

// What an evMend ends, in its life field.
const (
	mendCut = iota
	mendSplit
	mendSlow
	mendFreeze
)

func (w *world) mend(e *event) {
	if w.healed {
		return
	}
	m := w.nodes[e.arg]
	switch e.life {
	case mendCut:
		w.cut(e.node, m, -1)
	case mendSplit:
		w.split(e.node.region, m.region, -1)
	case mendSlow:
		w.wires[w.pair(e.node, m)].slow = 0
	case mendFreeze:
		w.thaw(e.node)
	}
}

// linkBy picks one of the links a node has.
func (w *world) linkBy(n *node, k uint32) *link {
	var found []*link
	for _, m := range w.nodes {
		if l := w.links[w.pair(n, m)]; l != nil && !l.broken {
			found = append(found, l)
		}
	}
	if found == nil {
		return nil
	}
	return found[k%uint32(len(found))]
}

func (w *world) farEnd(n *node, k uint32) *node {
	l := w.linkBy(n, k)
	if l == nil {
		return nil
	}
	return l.ends[1-l.side(n)]
}

// cut adds to, or takes from, the faults that keep two nodes apart.
func (w *world) cut(a, b *node, k int) {
	if a == b {
		return
	}
	i, j := w.pair(a, b), w.pair(b, a)
	w.cuts[i] += k
	w.cuts[j] += k
	w.changed++
	if l := w.links[i]; l != nil && w.cuts[i] > 0 {
		w.cover.linkBroken = true
		w.breaks(l, lost)
	}
	w.dialSoon(a, b)
}

func (w *world) split(g, h *region, k int) {
	if g == h {
		return
	}
	for _, a := range g.nodes() {
		for _, b := range h.nodes() {
			w.cut(a, b, k)
		}
	}
}

// restarts starts a node again after a while.
func (w *world) restarts(n *node, x *action) {
	w.cover.crashed = true
	w.add(time.Duration(1+x.c%300)*time.Millisecond, event{kind: evStart, node: n})
}

// dooms lets a process die in the middle of its next Ready that saves something.
func (w *world) dooms(n *node, x *action) {
	if n.r == nil {
		return
	}
	n.halt = haltInSend + halt(x.b%3)
	n.restart = time.Duration(1+x.c%300) * time.Millisecond
}

// replaceDisk stops a node and starts it again on another disk.
func (w *world) replaceDisk(n *node, d *disk, x *action) {
	w.end(n, fate(x.d%2))
	w.restarts(n, x)
	old := n.disk
	n.disk = d
	w.books.loses(n, old)
}

func (w *world) replants(x *action) {
	if len(w.regions) < 2 {
		return
	}
	d := dice(uint64(x.a)<<32 | uint64(x.b))
	edges := w.someTree(&d)
	if k := len(w.regions); x.c%3 == 0 && k > 2 { // and a shortcut
		i := d.n(k)
		edges = append(edges, [2]int{i, (i + 1 + d.n(k-1)) % k})
	}
	w.cover.treeChanged = true
	w.agree(w.newest().out, edges)
	w.spread(300 * time.Millisecond)
}

// removes takes a node out of the plan, unless it is the last of its ring. It may be
// told, or go on as if nothing had happened, reached by others or not; or it stops.
func (w *world) removes(n *node, x *action) {
	out := w.newest().out
	left := 0
	for _, m := range n.circle.nodes {
		if out&m.bit() == 0 {
			left++
		}
	}
	if n.away || left < 2 {
		return
	}
	w.cover.removed = true
	n.away = true
	switch x.b % 4 {
	case 0: // it learns of it
	case 1:
		n.ignorant = true
	case 2:
		n.ignorant = true
		for _, m := range w.nodes {
			w.cut(n, m, 1)
		}
		n.isolated = true
	case 3:
		w.end(n, arriving)
		n.resting = true
	}
	w.agree(out|n.bit(), w.newest().edges)
	w.spread(300 * time.Millisecond)
}

// returns brings one of the nodes that are not in the plan into it.
func (w *world) returns(x *action) {
	var out []*node
	for _, n := range w.nodes {
		if n.away && !n.stopped {
			out = append(out, n)
		}
	}
	if len(out) > 0 {
		w.bringBack(out[x.a%uint32(len(out))])
		w.spread(300 * time.Millisecond)
	}
}

func (w *world) bringBack(n *node) {
	if n.isolated {
		for _, m := range w.nodes {
			w.cut(n, m, -1)
		}
	}
	n.away, n.ignorant, n.isolated, n.resting = false, false, false, false
	w.agree(w.newest().out&^n.bit(), w.newest().edges)
	w.cover.joined = true
	w.begin(n)
}

// jumps sets a wall clock wrong: mostly a little, at times far beyond max_skew.
func (w *world) jumps(n *node, x *action) {
	far := int64(x.b%5000) - 2500
	switch x.c % 4 {
	case 0, 1:
		far = far * w.shape.config.MaxSkew.Milliseconds() / 3000
	case 2:
		far = far * w.shape.config.MaxSkew.Milliseconds() / 600
	case 3:
		far *= 2
	}
	n.skew = time.Duration(far) * time.Millisecond
	w.cover.clockJumped = true
}

// writes proposes a client's write at a replica.
func (w *world) writes(n *node, x *action) {
	if n.r == nil || n.frozen {
		return
	}
	wr := ring.Write{Partition: w.partOf(n, x.b), ID: w.ids[x.b/2%uint32(len(w.ids))]}
	location := w.locations[x.c%uint32(len(w.locations))]
	switch x.kind {
	case doWrite, doIf:
		wr.Put = []ring.Value{{Location: location}}
	case doMany, doReplace:
		for i, l := range w.locations {
			if (x.c>>i)&1 == 1 {
				wr.Put = append(wr.Put, ring.Value{Location: l})
			}
		}
		wr.Replace = x.kind == doReplace
	case doDelete:
		wr.Delete = []gazetteer.LocationID{location}
	case doDrop:
		wr.Replace = true
	}
	if x.kind == doIf {
		wr.If = []gazetteer.Version{w.versions[resourceOf{wr.Partition, wr.ID}]}
	}
	wr.Ack = ring.Ack(x.d % 4)
	patience := time.Duration(100+x.d%400) * time.Millisecond
	if wr.Ack == ring.AckRegions { // it is a long way through four regions
		patience *= 4
	}
	w.propose(n, wr, patience)
}

func (w *world) partOf(n *node, k uint32) gazetteer.Partition {
	for i := range w.parts {
		if p := (int(k) + i) % len(w.parts); n.circle.parts&(1<<p) != 0 {
			return w.parts[p]
		}
	}
	return w.parts[0]
}

// propose gives a write to a replica, with bodies that no other write has.
func (w *world) propose(n *node, wr ring.Write, patience time.Duration) *write {
	w.tokens++
	wr.Token = w.tokens
	for i := range wr.Put {
		if wr.Put[i].Body == nil {
			wr.Put[i].Body = body(wr.Token, i)
		}
	}
	wr.Deadline = w.now - n.began + patience
	o := &write{Write: wr, deletes: wr.Replace || len(wr.Delete) > 0, fresh: true, alone: true}
	for _, other := range n.writes {
		if other.fresh && other.Partition == wr.Partition && other.ID == wr.ID {
			other.alone, o.alone = false, false
		}
	}
	n.writes = append(n.writes, o)
	n.r.Tick(w.clockOf(n))
	n.r.Propose(wr)
	w.after(n)
	return o
}

type resourceOf struct {
	part gazetteer.Partition
	id   gazetteer.ID
}

// heardBack is the client's side of an outcome.
func (w *world) heardBack(n *node, o *write, out *ring.Outcome) {
	o.outcome = out
	w.traceOutcome(n, o, out)
	switch {
	case out.Err == nil:
		w.versions[resourceOf{o.Partition, o.ID}] = out.Version
		w.cover.done++
		w.wroteInSession(o, out)
	default:
		w.cover.refused++
	}
	if w.calm && w.settled && len(o.facts) > 0 && (out.Err != nil || out.Reached < o.Ack) {
		w.books.fail("service", n, "without any fault write %d reached level %d of %d: %v", o.Token, out.Reached, o.Ack, out.Err)
	}
}
