package ring

import (
	"cmp"
	"slices"

	"gazetteer"
)

// link is the open FIFO session to one peer. Control messages go out at once; data
// messages of the live tail wait in a bounded queue for the driver's credit.
type link struct {
	peer        *peer
	greeted     bool
	store       gazetteer.StoreID
	incarnation uint64
	generation  uint64
	// over: a newer incarnation of the peer's store is known; nothing that still comes
	// over this link is taken (rule 3).
	over bool
	// watcher: a [Watcher] is at the other end, see [Replica.Watched].
	watcher bool
	feeds   map[gazetteer.Partition]*feed
	order   []*feed // sorted by partition
	// sessions holds the last session of feeds that have ended: a link never uses a
	// number twice, since messages of the old one may still be on their way.
	sessions map[gazetteer.Partition]uint64
	credit   int
	queue    []queued
	queued   int  // updates in queue and in the tails of scanning feeds
	active   int  // scans under way
	waiting  bool // there may be scans that are not under way yet
}

type queued struct {
	feed *feed
	msg  Message
	size int
}

// feed is one partition on one link: two independent directions.
type feed struct {
	link   *link
	m      *mirror
	wanted bool // by this node's plan; else only the peer wants it
	// quit: this node has left the feed. It does not come back because a Hello that
	// crossed its Leave says that the peer is there.
	quit bool
	in   subscription
	out  publication
	told reaches // by the relay at the other end, of what is durable behind it
}

// Linked tells that a link to the node is open.
func (r *Replica) Linked(n gazetteer.NodeID) {
	l := r.openLink(n)
	want := r.wants(n)
	g := r.greet()
	for _, m := range r.order {
		if want[m.partition] {
			f := r.feed(l, m)
			f.wanted = true
			f.in = subscription{state: inAsked, session: 1}
			g.Digests = append(g.Digests, Digest{m.partition, m.greeting()})
		}
	}
	r.batch.after(n, g)
	r.greetFresh(l)
}

// openLink puts a new link in place of one that may still be there.
func (r *Replica) openLink(n gazetteer.NodeID) *link {
	p := r.peer(n)
	if p.link != nil {
		r.Unlinked(n)
		p = r.peer(n)
	}
	l := &link{peer: p, feeds: map[gazetteer.Partition]*feed{}, sessions: map[gazetteer.Partition]uint64{}, credit: r.cfg.Window}
	p.link = l
	i, _ := slices.BinarySearchFunc(r.links, n, func(l *link, n gazetteer.NodeID) int { return cmp.Compare(l.peer.id, n) })
	r.links = slices.Insert(r.links, i, l)
	return l
}

func (r *Replica) greet() Greet {
	return Greet{Store: r.origin.Store, Incarnation: r.origin.Incarnation, Generation: r.generation, Next: r.clock.peek(r.now.Wall)}
}

// Unlinked tells that the link broke: everything sent and not received is lost, nothing
// more comes from it.
func (r *Replica) Unlinked(n gazetteer.NodeID) {
	l := r.linkTo(n)
	if l == nil {
		return
	}
	order := l.order
	l.order = nil // a thousand feeds end at once: none is looked up among the others
	for _, f := range order {
		r.rememberResume(f)
		r.endFeed(f)
	}
	l.peer.link, l.peer.next = nil, 0
	r.links = slices.DeleteFunc(r.links, func(k *link) bool { return k == l })
	if l.watcher {
		delete(r.peers, n) // it comes back under any name
	}
}

// linkTo returns the open link to a node, nil if there is none.
func (r *Replica) linkTo(n gazetteer.NodeID) *link {
	if p := r.peers[n]; p != nil {
		return p.link
	}
	return nil
}

// feed returns the feed of a mirror on a link, made if need be.
func (r *Replica) feed(l *link, m *mirror) *feed {
	f := l.feeds[m.partition]
	if f == nil {
		f = &feed{link: l, m: m, in: subscription{session: l.sessions[m.partition]}}
		l.feeds[m.partition] = f
		i, _ := l.place(m.partition)
		l.order = slices.Insert(l.order, i, f)
		m.addFeed(f)
	}
	return f
}

// place returns where among the feeds that of a partition is, or would be.
func (l *link) place(p gazetteer.Partition) (i int, found bool) {
	return slices.BinarySearchFunc(l.order, p, func(f *feed, p gazetteer.Partition) int { return f.m.partition.Compare(p) })
}

// endFeed takes a feed off its link, both directions.
func (r *Replica) endFeed(f *feed) {
	r.abortWhole(f)
	r.stopPublishing(f)
	f.link.sessions[f.m.partition] = f.in.session
	delete(f.link.feeds, f.m.partition)
	if i, ok := f.link.place(f.m.partition); ok {
		f.link.order = slices.Delete(f.link.order, i, i+1)
	}
	f.m.dropFeed(f)
}

// Step takes a message that came over the link from a node. Messages for partitions
// that are not hosted here, and of sessions that are over, are dropped.
func (r *Replica) Step(from gazetteer.NodeID, msg Message) {
	l := r.linkTo(from)
	if l == nil {
		return
	}
	if l.watcher {
		r.stepWatcher(l, msg)
		return
	}
	if _, fresh := msg.(Fresh); l.over && !fresh {
		return
	}
	switch m := msg.(type) {
	case Greet:
		r.stepGreet(l, m)
	case Match:
		r.eachFeed(l, m.Partitions, r.matched)
	case Ask:
		r.eachFeed(l, m.Partitions, r.asked)
	case Leave:
		r.eachFeed(l, m.Partitions, r.left)
	case Hello:
		r.stepHello(l, m)
	case Begin:
		if f := l.receiving(m.Partition, m.Session); f != nil {
			r.stepBegin(f, m)
		}
	case Elements:
		if f := l.receiving(m.Partition, m.Session); f != nil {
			r.stepElements(f, m)
		}
	case Mark:
		if f := l.receiving(m.Partition, m.Session); f != nil {
			r.stepMark(f, m)
		}
	case Report:
		r.stepReport(l, m)
	case Reach:
		r.stepReach(l, m)
	case Fresh:
		r.stepFresh(l, m)
	}
}

func (r *Replica) eachFeed(l *link, ps []gazetteer.Partition, do func(*feed)) {
	for _, p := range ps {
		if f := l.feeds[p]; f != nil {
			do(f)
		}
	}
}

// receiving returns the feed that a data message belongs to, nil if its session is over.
func (l *link) receiving(p gazetteer.Partition, session uint64) *feed {
	f := l.feeds[p]
	if f == nil || f.in.state == inNone || f.in.session != session {
		return nil
	}
	return f
}

// control sends what needs no credit and no order towards data, before Save.
func (r *Replica) control(l *link, m Message) { r.batch.send(l.peer.id, m) }

// data hands one data message to the driver, using up credit.
func (r *Replica) data(l *link, m Message) {
	l.credit--
	r.batch.send(l.peer.id, m)
}

// enqueue puts a message of the live tail at the end of the link's queue.
func (r *Replica) enqueue(f *feed, m Message, size int) {
	f.link.queue = append(f.link.queue, queued{f, m, size})
	f.link.queued += size
	if f.link.queued > r.cfg.QueueMax {
		r.overflow(f.link)
	}
}

// Sent tells that the link has taken k more of the data messages (Begin, Elements,
// Mark) handed to it.
func (r *Replica) Sent(n gazetteer.NodeID, k int) {
	if l := r.linkTo(n); l != nil {
		l.credit += k
	}
}

// pump sends what waits while there is credit, then lets scans go on: the live tail of
// other partitions comes before a scan's next chunk. It runs once for each Ready, so
// that what came in one batch leaves in few messages.
func (r *Replica) pump(l *link) {
	for l.credit > 0 && len(l.queue) > 0 {
		q := r.pop(l)
		l.queued -= q.size
		r.data(l, q.msg)
	}
	if len(l.queue) == 0 {
		r.continueScans(l)
	}
}

// pop takes the first message, joined with those right behind it that fit into it.
func (r *Replica) pop(l *link) queued {
	q := l.queue[0]
	l.queue = l.queue[1:]
	e, ok := q.msg.(Elements)
	for ok && len(l.queue) > 0 && len(e.Updates) < r.cfg.ScanBatch {
		next, same := l.queue[0].msg.(Elements)
		if !same || l.queue[0].feed != q.feed || next.Live != e.Live || next.Session != e.Session {
			break
		}
		e.Updates = append(e.Updates[:len(e.Updates):len(e.Updates)], next.Updates...)
		q.size += l.queue[0].size
		q.msg = e
		l.queue = l.queue[1:]
	}
	return q
}

// overflow drops everything that waits on a link. Its live feeds return to catch-up;
// scans under way go on to their marks, and another, smaller one follows (rule 4).
func (r *Replica) overflow(l *link) {
	r.count.Overflows++
	hit := map[*feed]bool{}
	for _, q := range l.queue {
		hit[q.feed] = true
	}
	l.queue, l.queued = nil, 0
	inScan := false
	for _, f := range l.order {
		switch f.out.phase {
		case outScanning:
			if f.out.size > 0 {
				inScan = true
				f.out.tail, f.out.size, f.out.overflowed = nil, 0, true
			}
		case outLive:
			if hit[f] {
				r.startScan(f, f.out.acked)
			}
		}
	}
	if inScan {
		r.count.OverflowsInScan++
	}
}

// dropQueued removes what waits for one feed, which begins anew.
func (l *link) dropQueued(f *feed) {
	l.queue = slices.DeleteFunc(l.queue, func(q queued) bool {
		if q.feed == f {
			l.queued -= q.size
		}
		return q.feed == f
	})
}
