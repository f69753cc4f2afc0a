package mastery

import (
	"fmt"
	"slices"
	"time"

	"gazetteer"
)

// anyVersion in the expected versions of a write matches every record that exists.
const anyVersion = ^gazetteer.Version(0)

// Now is the time as a driver tells it.
type Now struct {
	Wall int64         // Unix milliseconds: may jump
	Mono time.Duration // only goes forward
}

// Home is one leader of a region in one term: it says which writes may be tried and what
// may be answered. A new term needs a new one, made when the ledger shows all that was
// decided before. One goroutine at a time uses it.
type Home struct {
	self   gazetteer.RegionID
	term   uint32
	ledger *Ledger
	lease  *Lease
	tried  map[gazetteer.Key]gazetteer.Clock // the clocks of writes that were tried and not decided
	busy   map[gazetteer.Key]uint64          // the attempt that is under way
	count  uint64                            // of attempts
	fenced map[gazetteer.Key]Promise
}

// NewHome returns what a leader decides with.
func NewHome(self gazetteer.RegionID, term uint32, l *Ledger) *Home {
	return &Home{
		self: self, term: term, ledger: l, lease: NewLease(self),
		tried: map[gazetteer.Key]gazetteer.Clock{}, busy: map[gazetteer.Key]uint64{}, fenced: map[gazetteer.Key]Promise{},
	}
}

// Terms are the rules of a type, as far as mastery goes.
type Terms struct {
	// Home is the region that is the home of records nobody has written yet.
	Home gazetteer.RegionID
	// Witnesses are the regions of whom the home must hear a majority, itself among them.
	Witnesses []gazetteer.RegionID
}

// Attempt is a write that may be tried: with this stamp, on all elements.
type Attempt struct {
	Key   gazetteer.Key
	From  Entry // before it
	Stamp gazetteer.Stamp
	Terms Terms

	number uint64
}

// Look returns what is agreed on of a record, if this region is its home and may answer.
// It is of kind Conflict if the home is elsewhere: the entry says where; Unavailable if
// this region may not answer now.
func (h *Home) Look(k gazetteer.Key, t Terms, now Now) (Entry, error) {
	e, known := h.ledger.Entry(k)
	if !known {
		e.Home = t.Home
	}
	if p := h.promised(k); p.Epoch > e.Epoch && e.Home == h.self {
		if p.To == h.self {
			return e, refuse(gazetteer.Unavailable, k, "its re-homing to this region has begun and not ended: retry in %v, or have it moved again", TakeAfter)
		}
		e.Home = p.To
	}
	if e.Home != h.self {
		return e, elsewhere(k, e.Home)
	}
	if !h.MayAnswer(t, now) {
		return e, silent(k, t)
	}
	return e, nil
}

// MayAnswer reports whether the region has heard from a majority lately.
func (h *Home) MayAnswer(t Terms, now Now) bool {
	return now.Mono < h.lease.Until(t.Witnesses, now.Mono)
}

func silent(k gazetteer.Key, t Terms) error {
	return &gazetteer.Error{Op: "mastery.Home", Kind: gazetteer.Unavailable, Key: k,
		Detail: fmt.Sprintf("the home of the record has not heard from a majority of %d regions in the last %v: retry in a second", len(t.Witnesses), LeaseFor)}
}

// Begin lets a write be tried, one at a time for each record: until [Home.End] the next is
// of kind Unserved, and waits. Expected are the versions under which it is done, as
// region.Change.If has them; a write without any is refused.
func (h *Home) Begin(k gazetteer.Key, expected []gazetteer.Version, t Terms, now Now) (Attempt, error) {
	if h.busy[k] != 0 {
		return Attempt{}, refuse(gazetteer.Unserved, k, "another write of the record is under way")
	}
	e, err := h.Look(k, t, now)
	if err != nil {
		return Attempt{From: e}, err
	}
	if err := h.mayWrite(k, &e, expected); err != nil {
		return Attempt{From: e}, err
	}
	h.count++
	h.busy[k] = h.count
	return Attempt{Key: k, From: e, Stamp: h.stamp(k, &e, now), Terms: t, number: h.count}, nil
}

func (h *Home) mayWrite(k gazetteer.Key, e *Entry, expected []gazetteer.Version) error {
	if !slices.Contains(expected, e.Version) && !(e.Version != 0 && slices.Contains(expected, anyVersion)) {
		return refuse(gazetteer.Precondition, k, "the resource's version is %016x", uint64(e.Version))
	}
	return nil
}

// Again is an attempt to make the record's own content, as it was tried by a leader that
// did not live to have it decided, the next write.
func (h *Home) Again(k gazetteer.Key, t Terms, now Now) (Attempt, error) {
	e, _ := h.ledger.Entry(k)
	return h.Begin(k, []gazetteer.Version{e.Version}, t, now)
}

// stamp is above those of all writes that were tried before: by other leaders and other
// homes because of its epoch, by this one because of its clock.
func (h *Home) stamp(k gazetteer.Key, e *Entry, now Now) gazetteer.Stamp {
	clock := max(gazetteer.ClockAt(now.Wall), e.Stamp.Clock+1, h.tried[k]+1)
	return gazetteer.Stamp{
		Epoch: h.Epoch(e), Clock: clock,
		Origin: gazetteer.Origin{Store: gazetteer.StoreID(gazetteer.Hash(string(h.self))), Incarnation: e.Mark().Sequence + 1},
	}
}

// Epoch is that of this leader's writes of a record.
func (h *Home) Epoch(e *Entry) uint32 { return max(e.Base+h.term, e.Epoch) }

// Stored tells that the ring may have taken an attempt: the next stamp must be above it.
func (h *Home) Stored(a *Attempt) { h.tried[a.Key] = max(h.tried[a.Key], a.Stamp.Clock) }

// End lets the next write of the record begin. It is called when the ledger shows what
// became of the attempt, or when nobody will ever propose it.
func (h *Home) End(a *Attempt) {
	if !h.Holds(a) {
		return
	}
	delete(h.busy, a.Key)
	if e, _ := h.ledger.Entry(a.Key); e.Stamp.Epoch >= a.Stamp.Epoch && e.Stamp.Clock >= h.tried[a.Key] {
		delete(h.tried, a.Key)
	}
}

// Holds reports whether an attempt has not ended. Nothing is proposed of one that has.
func (h *Home) Holds(a *Attempt) bool { return h.busy[a.Key] == a.number }

// Decision is what the log is asked once the attempt is durable in the ring.
func (a *Attempt) Decision(v gazetteer.Version) Decide {
	return Decide{Key: a.Key, Expected: a.From.Mark(), Stamp: a.Stamp, Version: v}
}

// Give begins to hand a record on: nothing of it is written until End.
func (h *Home) Give(k gazetteer.Key, to gazetteer.RegionID, t Terms, now Now) (Attempt, Hand, error) {
	e, err := h.Look(k, t, now)
	if err != nil {
		return Attempt{From: e}, Hand{}, err
	}
	a, err := h.Begin(k, []gazetteer.Version{e.Version}, t, now)
	return a, Hand{Key: k, Expected: e.Mark(), To: to, Epoch: h.Epoch(&e)}, err
}

// Heard takes a region's word: what it has promised comes before the lease that the word
// extends. Whoever is promised a record in a later epoch than its home is in ends the home,
// though the promise may have no majority: it must be ended, or given again.
func (h *Home) Heard(r gazetteer.RegionID, asked time.Duration, promises []Promise) {
	for _, p := range promises {
		if h.fenced[p.Key].Epoch < p.Epoch {
			h.fenced[p.Key] = p
		}
	}
	h.lease.Heard(r, asked)
}

// MayConfirm reports whether an attempt that was decided may be called done: the lease
// holds and nobody was promised the record meanwhile.
func (h *Home) MayConfirm(a *Attempt, now Now) bool {
	return h.MayAnswer(a.Terms, now) && h.promised(a.Key).Epoch <= a.Stamp.Epoch
}

// promised returns the newest promise of a record that this region has heard of, or given:
// as one of its own witnesses it must obey itself. One to this region itself counts, too:
// until it has taken the record, there may be an earlier one to another behind it.
func (h *Home) promised(k gazetteer.Key) Promise {
	heard, own := h.fenced[k], h.ledger.promises[k]
	if own.Epoch > heard.Epoch {
		return own
	}
	return heard
}
