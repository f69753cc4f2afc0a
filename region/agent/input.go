package agent

import (
	"slices"
	"time"

	"gazetteer"
	"gazetteer/ring"
)

// input is something that the loop has to know. Inputs wait in one queue, so they are
// in order for each of their senders, and no kind of them starves another.
type input interface {
	apply(a *agent, b *batch)
}

// batch is what room is left in the commit that is being gathered.
type batch struct{ updates, bytes int }

func (b *batch) full() bool { return b.updates <= 0 || b.bytes <= 0 }

func (b *batch) take(updates, bytes int) {
	b.updates -= updates
	b.bytes -= bytes
}

// drain takes what waits until the batch is full: everything that came in while one
// commit ran goes into the next one.
func (a *agent) drain(b *batch) {
	a.proposeBacklog(b)
	for !b.full() {
		select {
		case in := <-a.inbox:
			in.apply(a, b)
		default:
			return
		}
	}
}

// put gives the loop an input and waits while the inbox is full. It reports false when
// the loop has ended.
func (a *agent) put(in input) bool {
	select {
	case a.inbox <- in:
		return true
	case <-a.done:
		return false
	}
}

type linked gazetteer.NodeID

func (n linked) apply(a *agent, b *batch) { a.core.Linked(gazetteer.NodeID(n)) }

type unlinked gazetteer.NodeID

func (n unlinked) apply(a *agent, b *batch) { a.core.Unlinked(gazetteer.NodeID(n)) }

type sent struct {
	node gazetteer.NodeID
	k    int
}

func (s sent) apply(a *agent, b *batch) { a.core.Sent(s.node, s.k) }

type alive struct {
	node  gazetteer.NodeID
	alive bool
}

func (v alive) apply(a *agent, b *batch) {
	a.alive[v.node] = v.alive
	if slices.Contains(a.wanted, v.node) { // a link that was given up falls silent, too
		a.tellAlive(v.node, v.alive)
	}
	a.core.Alive(v.node, v.alive)
	if len(a.moves) > 0 {
		a.configure() // others may be the first who live
	}
	a.publish()
}

type received struct {
	from gazetteer.NodeID
	msg  ring.Message
	at   time.Duration // when it came
}

func (r received) apply(a *agent, b *batch) {
	a.openMentioned(r.msg)
	if e, ok := r.msg.(ring.Elements); ok {
		for i := range e.Updates {
			b.take(1, e.Updates[i].Size())
		}
	}
	a.core.Step(r.from, hop(r.msg, max(0, a.now.Mono-r.at)))
}

// linkEvents is the handler that the transport's goroutines call.
type linkEvents struct{ a *agent }

func (h linkEvents) Linked(n gazetteer.NodeID)   { h.a.put(linked(n)) }
func (h linkEvents) Unlinked(n gazetteer.NodeID) { h.a.put(unlinked(n)) }
func (h linkEvents) Received(n gazetteer.NodeID, m ring.Message) {
	h.a.put(received{n, m, h.a.clock.Now().Mono})
}
func (h linkEvents) Sent(n gazetteer.NodeID, k int)    { h.a.put(sent{n, k}) }
func (h linkEvents) Alive(n gazetteer.NodeID, up bool) { h.a.put(alive{n, up}) }
