package mastery

import (
	"fmt"
	"math"

	"gazetteer"
)

// MaxEntries bounds the records that one region keeps account of, those that were handed
// on or deleted included: with the longest names their ledger has about 50 MB.
const MaxEntries = 100_000

// MaxPromises bounds the re-homings that one region remembers as a witness.
const MaxPromises = 10_000

// Mark names one decided write of a record: the sequence number in the epoch in which it
// was decided. The zero Mark is that of a record nobody has written yet.
type Mark struct {
	Epoch    uint32
	Sequence uint64
}

// Entry is what is agreed on of one record.
type Entry struct {
	// Home is the region that decides.
	Home gazetteer.RegionID
	// Stamp is of the last decided write: all elements of the record carry it. Version is
	// the digest over them, 0 for a record that does not exist.
	Stamp   gazetteer.Stamp
	Version gazetteer.Version
	// Epoch is the highest in which the home may have tried to write, Base what its leaders
	// add to their terms to come to theirs.
	Epoch, Base uint32
}

// Mark names the last decided write.
func (e *Entry) Mark() Mark { return MarkOf(e.Stamp) }

// MarkOf reads the mark of a write out of its stamp: the sequence number stands where other
// stamps have an incarnation.
func MarkOf(s gazetteer.Stamp) Mark { return Mark{Epoch: s.Epoch, Sequence: s.Origin.Incarnation} }

// Ledger is what a region agrees on. The same commands in the same order make the same
// ledger; a command is performed whole or refused.
type Ledger struct {
	self     gazetteer.RegionID
	entries  map[gazetteer.Key]Entry
	promises map[gazetteer.Key]Promise
}

// NewLedger returns the empty ledger of a region.
func NewLedger(self gazetteer.RegionID) *Ledger {
	return &Ledger{self: self, entries: map[gazetteer.Key]Entry{}, promises: map[gazetteer.Key]Promise{}}
}

// Entry returns what is agreed on of a record; false if nothing is: no write of it was
// ever decided here.
func (l *Ledger) Entry(k gazetteer.Key) (Entry, bool) {
	e, ok := l.entries[k]
	return e, ok
}

// Len returns how many records the ledger keeps account of.
func (l *Ledger) Len() int { return len(l.entries) }

// Decide says that a write, whose data is durable in the home's ring, is the record's
// next one.
type Decide struct {
	Key      gazetteer.Key
	Expected Mark
	Stamp    gazetteer.Stamp
	Version  gazetteer.Version
}

// Hand gives the mastership to another region. What it returns as an entry is what that
// region takes.
type Hand struct {
	Key      gazetteer.Key
	Expected Mark
	To       gazetteer.RegionID
	Epoch    uint32 // of the leader that hands it on: the last in which it may have tried
}

// Take makes this region the home of a record that another has handed to it, or that an
// operator has taken from another.
type Take struct {
	Key  gazetteer.Key
	From Entry
	Term uint32 // of this region's leader
}

// Promise says that a record is re-homed by force: whoever was its home before the epoch
// is told so with each word of this region.
type Promise struct {
	Key   gazetteer.Key
	To    gazetteer.RegionID
	Epoch uint32
}

// Decide performs d. It is of kind Precondition if another write was decided meanwhile,
// Conflict if the record has its home elsewhere, Full if the ledger is.
func (l *Ledger) Decide(d Decide) (Entry, error) {
	e, known := l.entries[d.Key]
	switch {
	case !known && len(l.entries) >= MaxEntries:
		return e, refuse(gazetteer.Full, d.Key, "this region is the home of %d records, which is the limit: move some, or make another type", MaxEntries)
	case known && e.Home != l.self:
		return e, elsewhere(d.Key, e.Home)
	case e.Mark() != d.Expected:
		return e, refuse(gazetteer.Precondition, d.Key, "write %d of epoch %d was decided meanwhile: read the record and decide again", e.Mark().Sequence, e.Mark().Epoch)
	case d.Stamp.Compare(e.Stamp) <= 0 || d.Stamp.Epoch < e.Epoch || MarkOf(d.Stamp).Sequence != e.Mark().Sequence+1:
		return e, refuse(gazetteer.Precondition, d.Key, "the write is of epoch %d, the record is in %d", d.Stamp.Epoch, e.Epoch)
	}
	e.Home, e.Stamp, e.Version = l.self, d.Stamp, d.Version
	e.Epoch = d.Stamp.Epoch
	l.entries[d.Key] = e
	return e, nil
}

// Hand performs h. To hand on what was handed to the same region already changes nothing.
func (l *Ledger) Hand(h Hand) (Entry, error) {
	e, known := l.entries[h.Key]
	switch {
	case !known && len(l.entries) >= MaxEntries:
		return e, refuse(gazetteer.Full, h.Key, "the ledger is full")
	case known && e.Home == h.To && e.Mark() == h.Expected:
		return e, nil
	case known && e.Home != l.self:
		return e, elsewhere(h.Key, e.Home)
	case e.Mark() != h.Expected:
		return e, refuse(gazetteer.Precondition, h.Key, "a write was decided meanwhile: move the record again")
	}
	e.Home, e.Epoch = h.To, max(e.Epoch, h.Epoch)
	l.entries[h.Key] = e
	return e, nil
}

// Take performs t. What was taken already, or has gone on from here since, stays as it is:
// a word that comes late or twice changes nothing.
func (l *Ledger) Take(t Take) (Entry, error) {
	e, known := l.entries[t.Key]
	switch {
	case !known && len(l.entries) >= MaxEntries:
		return e, refuse(gazetteer.Full, t.Key, "this region is the home of %d records, which is the limit: move the record elsewhere", MaxEntries)
	case known && e.Epoch > t.From.Epoch:
		return e, nil
	case t.From.Epoch == math.MaxUint32:
		return e, refuse(gazetteer.Full, t.Key, "the record has no epoch left: write it under another id")
	}
	if !known || e.Home != l.self || e.Stamp.Compare(t.From.Stamp) < 0 {
		e.Stamp, e.Version = t.From.Stamp, t.From.Version
	}
	e.Home, e.Epoch = l.self, t.From.Epoch+1
	e.Base = max(e.Epoch, t.Term) - t.Term
	l.entries[t.Key] = e
	return e, nil
}

// era is by how many epochs a re-homing by force goes ahead: more than a home comes to by
// elections and by being moved in order. So the epoch of a promise is above all those of the
// homes before it that any majority has heard of.
const era = 1 << 16

// NextEra returns the epoch in which a record may be re-homed by force, as far as this
// ledger and a stamp that the feed has brought say.
func (l *Ledger) NextEra(k gazetteer.Key, held gazetteer.Stamp) uint32 {
	return (max(held.Epoch, l.entries[k].Epoch, l.promises[k].Epoch)/era + 1) * era
}

// Promise performs p. It is of kind Conflict if there is a promise of this epoch or a later
// one to another region, or the record has come to a later epoch here.
func (l *Ledger) Promise(p Promise) error {
	old, known := l.promises[p.Key]
	switch {
	case p.Epoch == 0 || p.Epoch%era != 0:
		return refuse(gazetteer.Invalid, p.Key, "no re-homing begins with epoch %d", p.Epoch)
	case known && old == p:
		return nil
	case known && old.Epoch >= p.Epoch:
		return refuse(gazetteer.Conflict, p.Key, "it is being re-homed to %s in epoch %d, or was: look where it is", old.To, old.Epoch)
	case l.entries[p.Key].Epoch >= p.Epoch:
		return refuse(gazetteer.Conflict, p.Key, "it is in epoch %d already: look where it is", l.entries[p.Key].Epoch)
	case !known && len(l.promises) >= MaxPromises:
		return refuse(gazetteer.Full, p.Key, "this region remembers %d re-homings, which is the limit", MaxPromises)
	}
	l.promises[p.Key] = p
	return nil
}

func elsewhere(k gazetteer.Key, home gazetteer.RegionID) error {
	return refuse(gazetteer.Conflict, k, "the record has its home in region %s", home)
}

func refuse(kind gazetteer.Kind, k gazetteer.Key, format string, args ...any) error {
	return &gazetteer.Error{Op: "mastery.Ledger", Kind: kind, Key: k, Detail: fmt.Sprintf(format, args...)}
}
