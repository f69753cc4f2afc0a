package ring

import (
	"fmt"
	"slices"
	"time"

	"gazetteer"
)

// anyVersion in Write.If matches every resource that exists.
const anyVersion = ^gazetteer.Version(0)

// waiter is a write that is durable here and waits for more.
type waiter struct {
	m        *mirror
	position gazetteer.Position // the last one of the write
	outcome  Outcome
	ack      Ack
	deadline time.Duration
}

// Propose takes a write of a client. Its Outcome comes with a later Ready.
func (r *Replica) Propose(w Write) {
	m := r.mirrors[w.Partition]
	if err := r.mayWrite(m, &w); err != nil {
		r.refuse(w.Token, err)
		return
	}
	g := r.resource(m.partition, w.ID)
	if err := r.checkWrite(g, &w); err != nil {
		r.refuse(w.Token, err)
		return
	}
	out := Outcome{Token: w.Token, Existed: g.hasAll(&w), Created: len(g.live()) == 0, Reached: AckLocal}
	us := r.apply(m, g, &w)
	out.Version, out.Shown = VersionOf(g.live()), g.shown()
	if us == nil {
		r.batch.outcomes = append(r.batch.outcomes, out)
		return
	}
	r.passOn(m, nil, Elements{Partition: m.partition, Live: true, Updates: us}, len(us))
	r.waiters = append(r.waiters, &waiter{m, us[len(us)-1].Position, out, w.Ack, w.Deadline})
}

func (r *Replica) refuse(token uint64, err error) {
	r.batch.outcomes = append(r.batch.outcomes, Outcome{Token: token, Err: err})
}

func (r *Replica) mayWrite(m *mirror, w *Write) error {
	fail := func(k gazetteer.Kind, detail string) error {
		return &gazetteer.Error{Op: "ring.Propose", Kind: k, Key: gazetteer.Key{Type: w.Partition.Type, ID: w.ID}, Detail: detail}
	}
	switch {
	case m == nil:
		return fail(gazetteer.WrongOwner, "this node does not hold the partition")
	case r.fenced:
		return fail(gazetteer.Unavailable, "this node's clock is too far ahead of its peers'; it takes no writes until that is mended")
	case !r.serves(m).Writes || m.vector.At(r.origin) < m.least:
		return fail(gazetteer.Unserved, "this replica is not filled yet")
	}
	return nil
}

// checkWrite holds the write against the expected versions and the limits.
func (r *Replica) checkWrite(g *resource, w *Write) error {
	fail := func(k gazetteer.Kind, format string, args ...any) error {
		return &gazetteer.Error{Op: "ring.Propose", Kind: k, Key: gazetteer.Key{Type: w.Partition.Type, ID: w.ID}, Detail: fmt.Sprintf(format, args...)}
	}
	if len(w.If) > 0 {
		v := VersionOf(g.live())
		if !slices.Contains(w.If, v) && !(v != 0 && slices.Contains(w.If, anyVersion)) {
			return fail(gazetteer.Precondition, "the resource's version is %016x", uint64(v))
		}
	}
	if l, ok := g.homeless(w); ok {
		return fail(gazetteer.NotFound, "there is no location that %q stands beside", l)
	}
	locations, size := g.after(w)
	if locations > gazetteer.MaxLocations {
		return fail(gazetteer.TooLarge, "the resource would have %d locations, at most %d are allowed", locations, gazetteer.MaxLocations)
	}
	if size > gazetteer.MaxRecordBytes {
		return fail(gazetteer.TooLarge, "the resource would have %d bytes, at most %d are allowed", size, gazetteer.MaxRecordBytes)
	}
	return nil
}

// after reckons how many locations and bytes the resource would have; of a write that is
// beside locations, how many elements and bytes would be there. Neither takes room from
// the other.
func (g *resource) after(w *Write) (locations, size int) {
	beside := w.isBeside()
	for _, v := range w.Put {
		if v.Location.IsBeside() != beside {
			continue
		}
		if v.Location != "" && !beside {
			locations++
		}
		size += len(v.Location) + len(v.Body)
	}
	if w.Replace {
		return locations, size
	}
	named := w.named()
	for _, e := range g.elements {
		l := e.now.Element.Location
		if !e.lives() || named[l] || l.IsBeside() != beside {
			continue
		}
		if l != "" && !beside {
			locations++
		}
		size += len(l) + len(e.now.Body)
	}
	return locations, size
}

// named holds the elements that the write puts or deletes.
func (w *Write) named() map[gazetteer.LocationID]bool {
	set := make(map[gazetteer.LocationID]bool, len(w.Put)+len(w.Delete))
	for _, v := range w.Put {
		set[v.Location] = true
	}
	for _, l := range w.Delete {
		set[l] = true
	}
	return set
}

// hasAll reports whether all elements that the write names are live.
func (g *resource) hasAll(w *Write) bool {
	lives := func(l gazetteer.LocationID) bool {
		u, ok := g.held(l)
		return ok && !u.Tombstone
	}
	for _, v := range w.Put {
		if !v.Location.IsBeside() && !lives(v.Location) {
			return false
		}
	}
	return !slices.ContainsFunc(w.Delete, func(l gazetteer.LocationID) bool { return !lives(l) })
}

// apply performs the write and returns its updates, in position order. All carry one
// stamp: they are of different elements.
func (r *Replica) apply(m *mirror, g *resource, w *Write) []gazetteer.Update {
	gone := slices.Clone(w.Delete)
	if w.Replace && len(g.elements) > 0 {
		named := w.named()
		for _, u := range g.live() {
			if !named[u.Element.Location] {
				gone = append(gone, u.Element.Location)
			}
		}
	}
	gone = append(gone, g.besides(gone)...)
	stamp := gazetteer.Stamp{Clock: r.clock.next(r.now.Wall)}
	us := make([]gazetteer.Update, 0, len(w.Put)+len(gone))
	for _, v := range w.Put {
		held, _ := g.held(v.Location)
		u := gazetteer.Update{Element: gazetteer.Element{ID: w.ID, Location: v.Location}, Stamp: stamp, Body: v.Body}
		us = append(us, r.write(m, g, u, r.seen(held)))
	}
	for _, l := range gone {
		held, ok := g.held(l)
		if !ok || held.Tombstone {
			continue
		}
		u := gazetteer.Update{Element: gazetteer.Element{ID: w.ID, Location: l}, Stamp: stamp, Tombstone: true}
		us = append(us, r.write(m, g, u, r.seen(held)))
	}
	if len(us) == 0 {
		return nil
	}
	return us
}

// settleWaiters answers the writes that have reached their level: what is durable here
// will be so when the driver gives the outcomes.
func (r *Replica) settleWaiters() {
	r.waiters = slices.DeleteFunc(r.waiters, func(w *waiter) bool {
		reached := r.reached(w)
		if reached < w.ack && !r.hopeless(w, reached) {
			return false
		}
		r.settle(w, reached)
		return true
	})
}

// expireWaiters answers the writes whose deadline has passed with the level reached.
func (r *Replica) expireWaiters() {
	r.waiters = slices.DeleteFunc(r.waiters, func(w *waiter) bool {
		if w.deadline == 0 || r.now.Mono < w.deadline {
			return false
		}
		r.settle(w, r.reached(w))
		return true
	})
}

func (r *Replica) settle(w *waiter, reached Ack) {
	w.outcome.Reached = reached
	r.batch.outcomes = append(r.batch.outcomes, w.outcome)
}

// reached counts the configured members of the ring that hold the write durably.
func (r *Replica) reached(w *waiter) Ack {
	have := w.m.ring.own()
	for _, n := range w.m.ring.others {
		f := w.m.feedTo(n)
		if f != nil && f.out.acked.Covers(w.position) || w.m.acked[n] >= w.position.Seq {
			have++
		}
	}
	switch {
	case have < w.m.ring.majority():
		return AckLocal
	case w.ack == AckRegions && r.everywhere(w):
		return AckRegions
	}
	return AckRing
}

// hopeless: so few ring members are alive that the level cannot be reached now, or a
// region of the tree does not answer.
func (r *Replica) hopeless(w *waiter, reached Ack) bool {
	if reached == AckRing {
		return r.plan.Tree.Cut
	}
	alive := w.m.ring.own()
	for _, n := range w.m.ring.others {
		if p := r.peer(n); !p.known || p.alive {
			alive++
		}
	}
	return alive < w.m.ring.majority()
}
