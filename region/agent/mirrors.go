package agent

import (
	"context"
	"fmt"
	"strings"
	"time"

	"gazetteer"
	"gazetteer/region"
	"gazetteer/ring"
)

// Bounds of one answer, so that it fits into a frame between servers.
const (
	pageBytesMax = 1 << 20
	conflictsMax = 4096
)

// graceMax is how much longer than the deadline of its last write a call waits for the
// loop, which alone knows what has become of it.
const graceMax = time.Second

// Read appends what is held of a resource. It runs in the caller's goroutine. Of a
// partition that has moved away only what is there is an answer: what is not may have been
// written at the new owner.
func (a *agent) Read(dst []byte, p gazetteer.Partition, id gazetteer.ID) ([]byte, region.Held, error) {
	v := a.view.Load()
	at, err := a.readable(v, p)
	if err != nil {
		return dst, region.Held{}, err
	}
	held := at.describe(a.clock) // before the read: what comes in meanwhile only makes it younger
	out, err := a.store.AppendRecord(dst, p, id)
	if err == nil && at.stance == keeps && len(out) == len(dst) {
		return dst, region.Held{}, v.refused(p, gazetteer.WrongOwner, "it has moved to another ring, and nothing of the resource is left here")
	}
	return out, held, err
}

// readable returns the place of a partition that may be read here.
func (a *agent) readable(v *view, p gazetteer.Partition) (place, error) {
	if a.ended() {
		return place{}, v.refused(p, gazetteer.Unavailable, "the node is stopping")
	}
	at, known := v.at(p)
	switch {
	case !known:
		return at, a.openLater(v, p)
	case at.ring == "":
		return at, v.refused(p, gazetteer.WrongOwner, "no ring of this node owns the partition")
	case a.outrun(v.plan):
		return at, v.refused(p, gazetteer.WrongOwner, "all others use a newer plan, which has not come here yet")
	case at.stance == fills:
		return at, v.refused(p, gazetteer.WrongOwner, "it moves to a ring of this node, which does not own it yet")
	case !at.serving.Reads:
		return at, v.refused(p, gazetteer.Unserved, "this replica is not filled yet")
	}
	return at, nil
}

// openLater has the loop open a type that was made at run time. The caller comes back,
// or asks another replica.
func (a *agent) openLater(v *view, p gazetteer.Partition) error {
	if newHosting(v.plan, a.self, p.Type) == nil {
		return v.refused(p, gazetteer.WrongOwner, "this node is in no ring of the type")
	}
	a.put(open(p.Type))
	return v.refused(p, gazetteer.Unserved, "the type is being opened here")
}

func (v *view) refused(p gazetteer.Partition, kind gazetteer.Kind, detail string) error {
	return &gazetteer.Error{Op: "agent.Read", Kind: kind, Plan: v.plan.Epoch(),
		Detail: fmt.Sprintf("partition %d of %s: %s", p.Index, p.Type, detail)}
}

// Write has the loop propose the writes and waits for their outcomes. Deadlines are
// times left.
func (a *agent) Write(ctx context.Context, ws []ring.Write) []ring.Outcome {
	if len(ws) == 0 {
		return nil
	}
	if a.ended() {
		return failAll(ws, gazetteer.Unavailable, "the node is stopping; nothing was written")
	}
	if err := a.writable(); err != nil {
		return failAll(ws, err.Kind, err.Error())
	}
	c := a.calls.get()
	c.fill(ws, a.clock.Now().Mono)
	select {
	case a.inbox <- c:
	case <-a.done:
		return failAll(ws, gazetteer.Unavailable, "the node is stopping; nothing was written")
	case <-ctx.Done():
		return failAll(ws, gazetteer.Unavailable, "the node is overloaded; nothing was written")
	}
	return a.await(ctx, c, ws)
}

// roomy is a store that sees a full disk coming. Room returns nil, or an error of kind
// Full once clients' writes would take what the feed still needs.
type roomy interface{ Room() error }

// writable refuses writes early while the disk is full: once they are proposed it is
// too late, see save.
func (a *agent) writable() *gazetteer.Error {
	if err := a.stalled.Load(); err != nil {
		return err
	}
	s, ok := a.store.(roomy)
	if !ok {
		return nil
	}
	if err := s.Room(); err != nil {
		return &gazetteer.Error{Op: "agent.Write", Kind: gazetteer.KindOf(err), Err: err}
	}
	return nil
}

func (a *agent) await(ctx context.Context, c *call, ws []ring.Write) []ring.Outcome {
	late := time.NewTimer(patience(ws))
	defer late.Stop()
	select {
	case <-c.done:
		out := append([]ring.Outcome(nil), c.outcomes...)
		a.calls.put(c)
		return out
	case <-late.C:
		return failAll(ws, gazetteer.Deadline, "not durable in time; the write may still be done")
	case <-ctx.Done():
		return failAll(ws, gazetteer.Deadline, "the caller went away; the write may still be done")
	case <-a.done:
		return failAll(ws, gazetteer.Deadline, "the node stopped; it is not known whether the write was done")
	}
}

// patience is how long a call waits at most.
func patience(ws []ring.Write) time.Duration {
	longest := time.Duration(0)
	for i := range ws {
		longest = max(longest, ws[i].Deadline)
	}
	return longest + graceMax
}

// apply proposes the call's writes as far as they fit into the batch.
func (c *call) apply(a *agent, b *batch) {
	a.waiting.add(c)
	a.backlog = c
	a.proposeBacklog(b)
}

// proposeBacklog proposes what fits into the batch. With its last write a call may be
// settled, and is then its caller's, who may use it for another: nobody looks at it here.
func (a *agent) proposeBacklog(b *batch) {
	for a.backlog != nil && !b.full() {
		c := a.backlog
		if c.next+1 == len(c.writes) {
			a.backlog = nil
		}
		a.propose(c, b)
	}
}

// propose gives the core the next write of a call. One whose time is over is refused:
// under overload the work goes to those who still wait for it.
func (a *agent) propose(c *call, b *batch) {
	i := c.next
	c.next++
	w := &c.writes[i]
	w.Token = c.token(i)
	if w.Deadline > 0 && a.now.Mono >= w.Deadline {
		a.refuse(w, gazetteer.Deadline, "the node is overloaded; nothing was written")
		return
	}
	a.openType(w.Partition.Type)
	if !a.takes(w.Partition) {
		a.refuse(w, gazetteer.WrongOwner, fmt.Sprintf("in plan %d no ring of this node owns partition %d", a.plan.Epoch(), w.Partition.Index))
		return
	}
	b.take(size(w))
	if !a.renew(w) {
		a.core.Propose(*w)
	}
}

// takes reports whether writes into a partition may be taken here. A ring that has given
// it away takes none: what it holds then stands still but for what the new owner gives it,
// and can be handed over.
func (a *agent) takes(p gazetteer.Partition) bool {
	h := a.hosted[p.Type]
	if h == nil || int(p.Index) >= len(h.places) {
		return false
	}
	at := &h.places[p.Index]
	return at.ring != "" && at.stance == owns && !a.outrun(a.plan)
}

// refuse answers a write that the core does not see. The answer goes out with those of the
// core: whoever has it may use the call's memory again.
func (a *agent) refuse(w *ring.Write, kind gazetteer.Kind, detail string) {
	e := &gazetteer.Error{Op: "agent.Write", Kind: kind, Key: gazetteer.Key{Type: w.Partition.Type, ID: w.ID}, Plan: a.plan.Epoch(), Detail: detail}
	a.refused = append(a.refused, ring.Outcome{Token: w.Token, Err: e})
}

// List returns a page of the resources of one partition, in the caller's goroutine.
func (a *agent) List(ctx context.Context, q region.ListQuery) (region.ListPage, error) {
	var page region.ListPage
	at, err := a.readable(a.view.Load(), q.Partition)
	if err != nil {
		return page, err
	}
	held := at.describe(a.clock)
	page.Staleness, page.Degraded = held.Staleness, held.Degraded
	bytes := 0
	for id, err := range a.store.List(q.Partition, q.Start()) {
		if err == nil {
			err = ctx.Err()
		}
		if err != nil {
			return region.ListPage{}, err
		}
		if !strings.HasPrefix(string(id), q.Prefix) {
			return page, nil
		}
		if len(page.IDs) == q.Limit || bytes >= pageBytesMax {
			page.More = true
			return page, nil
		}
		record, err := a.store.AppendRecord(nil, q.Partition, id)
		if err != nil {
			return region.ListPage{}, err
		}
		page.IDs = append(page.IDs, id)
		page.Records = append(page.Records, record)
		bytes += len(id) + len(record)
	}
	return page, nil
}

// Conflicts returns the newest entries of the store's journal that are of one type.
func (a *agent) Conflicts(ctx context.Context, t gazetteer.Type) ([]ring.Conflict, error) {
	var out []ring.Conflict
	for c, err := range a.store.Conflicts() {
		if err != nil {
			return nil, err
		}
		if c.Partition.Type == t && !c.Loser.Element.Location.IsBeside() { // what is beside a location nobody has published
			out = append(out, c)
		}
		if len(out) == 2*conflictsMax {
			out = append(out[:0], out[conflictsMax:]...)
		}
	}
	return out[max(0, len(out)-conflictsMax):], ctx.Err()
}
