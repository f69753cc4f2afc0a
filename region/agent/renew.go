package agent

import (
	"slices"
	"time"

	"gazetteer"
	"gazetteer/pb"
	"gazetteer/ring"
	"gazetteer/ring/lease"
)

// A renewal comes as a write of the lease's element, alone or together with its location,
// so it takes the way of the partition's other writes. Here, at its end, it becomes what
// it changes: nearly always nothing, and then nothing is written.

// renew takes the renewal out of a write. It returns true if no write is left, or the
// renewal cannot be taken: then the write has its outcome.
func (a *agent) renew(w *ring.Write) (settled bool) {
	i := slices.IndexFunc(w.Put, isRenewal)
	if i < 0 {
		return false
	}
	b, _ := w.Put[i].Location.Beside()
	asked, err := pb.DecodeHealth(w.Put[i].Body)
	if err != nil {
		a.refuse(w, gazetteer.Invalid, "the renewal cannot be read")
		return true
	}
	w.Put = slices.Delete(slices.Clone(w.Put), i, i+1)
	if asked.Term == 0 {
		w.Delete = append(slices.Clone(w.Delete), a.storedLeases(w, b.Location)...)
	} else if !a.renewFor(w, b.Location, asked.Term) {
		a.refuse(w, gazetteer.Unserved, "another replica decides the leases of this partition, or none can now")
		return true
	}
	if len(w.Put)+len(w.Delete) > 0 || w.Replace {
		return false
	}
	a.refused = append(a.refused, ring.Outcome{Token: w.Token, Existed: true, Reached: ring.AckRing})
	return true
}

func isRenewal(v ring.Value) bool {
	b, ok := v.Location.Beside()
	return ok && b.Aspect == gazetteer.Leased
}

// renewFor adds to the write what a renewal changes. It returns false if this node does
// not decide.
func (a *agent) renewFor(w *ring.Write, location uint64, term time.Duration) bool {
	p, n := w.Partition, lease.Name{ID: w.ID, Location: location}
	var held lease.Held
	exists := false
	if a.leases.Leads(p) && !a.leases.Knows(p, n) {
		held, exists = a.storedLease(w, n)
	}
	t, changes, ok := a.leases.Renew(p, n, term, held, exists)
	if changes {
		a.leases.pending[w.Token] = t
		w.Put = append(w.Put, a.leaseValue(&t))
	}
	return ok
}

// storedLease reads what the element of a lease of this region says.
func (a *agent) storedLease(w *ring.Write, want lease.Name) (held lease.Held, exists bool) {
	a.eachLease(w, func(l gazetteer.LocationID, body []byte) {
		u := gazetteer.Update{Element: gazetteer.Element{ID: w.ID, Location: l}, Body: body}
		if n, h, ok := leaseOf(a.plan.Region(), &u); ok && n == want {
			held, exists = h, true
		}
	})
	return held, exists
}

// storedLeases returns the elements of all leases of a location, in whatever region.
func (a *agent) storedLeases(w *ring.Write, location uint64) (out []gazetteer.LocationID) {
	a.eachLease(w, func(l gazetteer.LocationID, _ []byte) {
		if b, _ := l.Beside(); b.Location == location {
			out = append(out, l)
		}
	})
	return out
}

// eachLease calls f for the live leases of the resource that is written.
func (a *agent) eachLease(w *ring.Write, f func(l gazetteer.LocationID, body []byte)) {
	record, err := a.store.AppendRecord(nil, w.Partition, w.ID)
	if err != nil {
		a.failed = storeFailed("reading", err)
		return
	}
	v := ring.View(record)
	for v.Next() {
		if v.Tombstone || !besideAny(v.Location) {
			continue
		}
		if l := gazetteer.LocationID(v.Location); isRenewal(ring.Value{Location: l}) {
			f(l, v.Body)
		}
	}
}
