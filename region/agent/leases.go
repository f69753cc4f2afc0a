package agent

import (
	"maps"
	"slices"
	"time"

	"gazetteer"
	"gazetteer/pb"
	"gazetteer/region"
	"gazetteer/ring"
	"gazetteer/ring/lease"
)

const (
	// leaseGrace is above the time within which two members of a ring that no longer hear
	// each other both find out: until then both may decide.
	leaseGrace = 2 * time.Second
	// leasePause is a gap between two turns of the loop after which it does not know what
	// it missed.
	leasePause = time.Second
	// leaseTokens are those of writes that the loop makes for leases, not for a call.
	leaseTokens = uint64(1) << 63
	// leaseWrite is how long such a write may take to become durable on the ring.
	leaseWrite = 5 * time.Second
)

// leases are what the loop knows of leases, and of the writes it makes for them.
type leases struct {
	*lease.Leases
	pending map[uint64]lease.Transition // that are being written, by token
	orphans []lease.Transition          // ended, but their locations are gone
	next    uint64                      // token
	leads   map[gazetteer.Partition]uint64
	turns   uint64 // counts when this node came to decide
	dirty   bool   // who decides may have changed
}

func newLeases() leases {
	return leases{
		Leases:  lease.New(lease.Config{Grace: leaseGrace, Pause: leasePause}),
		pending: map[uint64]lease.Transition{}, leads: map[gazetteer.Partition]uint64{},
	}
}

// endLeases decides what this node has to decide, and proposes what changes by time alone.
// It comes behind the inputs of a turn: renewals that waited are in time.
func (a *agent) endLeases() {
	if a.leases.dirty {
		a.leases.dirty = false
		a.findLeads()
	}
	a.leases.Tick(a.now.Mono)
	for _, t := range a.leases.Ready() {
		a.proposeTransition(t)
	}
	for _, t := range a.leases.orphans {
		a.core.Propose(ring.Write{Token: a.leaseToken(), Partition: t.Partition, ID: t.Name.ID, Ack: ring.AckLocal,
			Delete: []gazetteer.LocationID{a.leaseElement(t.Name.Location)}})
	}
	a.leases.orphans = a.leases.orphans[:0]
}

func (a *agent) leaseToken() uint64 {
	a.leases.next++
	return leaseTokens | a.leases.next
}

func (a *agent) proposeTransition(t lease.Transition) {
	token := a.leaseToken()
	a.leases.pending[token] = t
	a.core.Propose(ring.Write{
		Token: token, Partition: t.Partition, ID: t.Name.ID, Put: []ring.Value{a.leaseValue(&t)},
		Ack: ring.AckLocal, Deadline: a.now.Mono + leaseWrite,
	})
}

// leaseElement names the element of a lease that this region holds.
func (a *agent) leaseElement(location uint64) gazetteer.LocationID {
	return gazetteer.Beside{Aspect: gazetteer.Leased, Location: location, Region: a.plan.Region()}.Element()
}

func (a *agent) leaseValue(t *lease.Transition) ring.Value {
	body := pb.AppendHealth(nil, &pb.HealthBody{Down: t.Held.Down, Term: t.Held.Term, Since: a.now.Wall})
	return ring.Value{Location: a.leaseElement(t.Name.Location), Body: body}
}

// settle gives a write's outcome to whoever waits for it.
func (a *agent) settle(o ring.Outcome) {
	if t, ok := a.leases.pending[o.Token]; ok {
		delete(a.leases.pending, o.Token)
		if o.Err != nil {
			a.leaseRefused(t, o.Err)
		}
	}
	if o.Token&leaseTokens == 0 {
		a.waiting.settle(o)
	}
}

func (a *agent) leaseRefused(t lease.Transition, err error) {
	a.leases.Refused(&t)
	if t.Held.Down && gazetteer.KindOf(err) == gazetteer.NotFound {
		a.leases.orphans = append(a.leases.orphans, t)
	}
}

// observe tells the leases what has been saved of them.
func (a *agent) observe(s *ring.Save) {
	for i := range s.Remove {
		a.observeOne(&s.Remove[i], false)
	}
	for i := range s.Put {
		a.observeOne(&s.Put[i], !s.Put[i].Update.Tombstone)
	}
}

func (a *agent) observeOne(h *ring.Held, exists bool) {
	if !h.Update.Element.Location.IsBeside() {
		return
	}
	if n, held, ok := leaseOf(a.plan.Region(), &h.Update); ok {
		a.leases.Observe(h.Partition, n, held, exists)
	}
}

// leaseOf reads an element that is a lease of a region. A body that cannot be read is that
// of a lease without a term: the first renewal writes it anew.
func leaseOf(r gazetteer.RegionID, u *gazetteer.Update) (lease.Name, lease.Held, bool) {
	b, ok := u.Element.Location.Beside()
	if !ok || b.Aspect != gazetteer.Leased || b.Region != r {
		return lease.Name{}, lease.Held{}, false
	}
	h, err := pb.DecodeHealth(u.Body)
	if err != nil {
		h = pb.HealthBody{}
	}
	return lease.Name{ID: u.Element.ID, Location: b.Location}, lease.Held{Down: h.Down, Term: h.Term}, true
}

// findLeads finds the partitions whose leases this node decides now.
func (a *agent) findLeads() {
	leads := map[gazetteer.Partition]bool{}
	for t, h := range a.hosted {
		if t.Internal() {
			continue
		}
		for i := range h.places {
			if p := (gazetteer.Partition{Type: t, Index: uint32(i)}); a.decides(h, p) {
				leads[p] = true
			}
		}
	}
	for p := range a.leases.leads {
		if !leads[p] {
			delete(a.leases.leads, p)
			a.leases.Lead(p, false)
		}
	}
	a.beginLeads(leads)
}

func (a *agent) beginLeads(leads map[gazetteer.Partition]bool) {
	var begun []gazetteer.Partition
	for _, p := range slices.SortedFunc(maps.Keys(leads), gazetteer.Partition.Compare) {
		if a.leases.leads[p] == 0 {
			a.leases.turns++
			a.leases.leads[p] = a.leases.turns
			a.leases.Lead(p, true)
			begun = append(begun, p)
		}
	}
	if len(begun) > 0 {
		a.loadLeases(begun)
	}
	shown := slices.SortedFunc(maps.Keys(leads), gazetteer.Partition.Compare)
	a.leading.Store(&shown)
}

// decides reports whether this node is the decider of a partition: of the members of its
// ring the first that lives, counted from the one at which the partition's writes meet,
// and not cut off from most of them. Members whom the plan calls dead do not count: their
// region has agreed on that, and they cannot have.
func (a *agent) decides(h *hosting, p gazetteer.Partition) bool {
	at := &h.places[p.Index]
	if at.ring == "" || at.stance != owns || !a.serving[p].Writes {
		return false
	}
	members := h.members[at.ring]
	if len(members) == 0 || a.firstFrom(members, int(p.Index)%len(members)) != a.self {
		return false
	}
	return a.hearsMost(members)
}

func (a *agent) firstFrom(members []gazetteer.NodeID, place int) gazetteer.NodeID {
	if n := a.firstLive(members[place:]); n != "" {
		return n
	}
	return a.firstLive(members[:place])
}

func (a *agent) hearsMost(members []gazetteer.NodeID) bool {
	counted, heard := 0, 0
	for _, n := range members {
		lives := n == a.self || !a.dead(n)
		heard += count(lives)
		counted += count(lives || !a.plan.Dead(n))
	}
	return 2*heard > counted
}

// loaded are the stored leases of a partition that this node has come to decide.
type loaded struct {
	partition gazetteer.Partition
	turn      uint64
	names     []lease.Name
	held      []lease.Held
	err       error
}

// loadLeases reads the stored leases beside the loop, one partition after the other.
func (a *agent) loadLeases(ps []gazetteer.Partition) {
	turns := make([]uint64, len(ps))
	for i, p := range ps {
		turns[i] = a.leases.leads[p]
	}
	home := a.plan.Region()
	a.readers.Go(func() {
		for i, p := range ps {
			l := loaded{partition: p, turn: turns[i]}
			l.err = l.read(a, home)
			if !a.put(l) || l.err != nil {
				return
			}
		}
	})
}

// read finds the leases in all records of the partition: there is no index of them, and
// this happens only when another comes to decide.
func (l *loaded) read(a *agent, home gazetteer.RegionID) error {
	var buf []byte
	for id, err := range a.store.List(l.partition, "") {
		if err != nil {
			return err
		}
		if a.ended() {
			return nil
		}
		if buf, err = a.store.AppendRecord(buf[:0], l.partition, id); err != nil {
			return err
		}
		v := ring.View(buf)
		for v.Next() {
			if !v.Tombstone && besideAny(v.Location) {
				e := gazetteer.Element{ID: id, Location: gazetteer.LocationID(v.Location)}
				l.add(home, &gazetteer.Update{Element: e, Body: v.Body})
			}
		}
	}
	return nil
}

// besideAny reports whether an encoded location is an element beside one.
func besideAny(location []byte) bool {
	return len(location) > 0 && gazetteer.LocationID(location[:1]).IsBeside()
}

func (l *loaded) add(home gazetteer.RegionID, u *gazetteer.Update) {
	if n, held, ok := leaseOf(home, u); ok {
		l.names, l.held = append(l.names, n), append(l.held, held)
	}
}

func (l loaded) apply(a *agent, b *batch) {
	if l.err != nil {
		a.failed = storeFailed("reading", l.err)
		return
	}
	if a.leases.leads[l.partition] != l.turn {
		return
	}
	for i, n := range l.names {
		a.leases.Load(l.partition, n, l.held[i])
	}
	a.leases.Loaded(l.partition)
}

// showLeases shows what is held, at the pace of the tick.
func (a *agent) showLeases() {
	c := a.leases.Counters()
	if now := (region.Leases{Held: a.leases.Len(), Down: a.leases.Down(), Renewed: c.Renewed, Ended: c.Ended, Returned: c.Returned}); now != *a.leased.Load() {
		a.leased.Store(&now)
	}
}
