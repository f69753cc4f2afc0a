// Package lease decides when the leases of locations end.
//
// A publisher who takes a lease renews it; if he does not, the location is down until he
// does. Renewals are soft state of one replica, the decider of the lease's partition:
// they are never stored and never leave it. What changes is a [Transition], which the
// driver writes into an element beside the location.
//
// It is a core: no goroutine, lock or clock. Its promises, which the checker of its tests
// holds under random schedules:
//
//  1. A lease that is renewed within its term never ends, whichever replica decides and
//     however often that changes, as long as two think so at once for no longer than
//     [Config.Grace].
//  2. One that is not renewed ends within two terms and Grace after the last renewal or
//     the last change of decider.
//  3. One decider makes at most one transition of each real change.
package lease

import (
	"cmp"
	"slices"
	"strings"
	"time"

	"gazetteer"
)

// Name names a lease within its partition.
type Name struct {
	ID       gazetteer.ID
	Location uint64 // see [gazetteer.LocationID.Hash]
}

// Compare orders names by id, then location.
func (n Name) Compare(m Name) int {
	return cmp.Or(cmp.Compare(n.ID, m.ID), cmp.Compare(n.Location, m.Location))
}

// Held is what the element of a lease says.
type Held struct {
	Down bool
	Term time.Duration // how long one renewal lasts
}

// Transition is a change that the driver writes. It ends with [Leases.Observe] when it is
// stored, or with [Leases.Refused].
type Transition struct {
	Partition gazetteer.Partition
	Name      Name
	Held      Held
}

// Config says how sure a decider has to be.
type Config struct {
	// Grace is added to every term. It is the longest time for which two replicas may
	// both think that they decide: the renewals of one are unknown to the other.
	Grace time.Duration
	// Pause is the gap between two ticks from which on it is not known what was missed:
	// a process that was stopped may have lost the decision meanwhile, and renewals
	// with it.
	Pause time.Duration
}

// Leases holds the leases of the partitions that one replica decides. Nothing is kept of
// others.
type Leases struct {
	cfg    Config
	now    time.Duration
	tables map[gazetteer.Partition]*table
	due    queue
	out    []Transition
	count  Counters
}

// Counters count what happened since the start.
type Counters struct {
	Renewed, Ended, Returned uint64
}

// table is one partition that this replica decides.
type table struct {
	partition gazetteer.Partition
	// since is when all terms began anew: when the replica became the decider, or came
	// back from a pause.
	since  time.Duration
	leases map[Name]*lease
	gone   map[Name]bool     // deleted while the leases are loaded; nil afterwards
	down   map[Name]struct{} // that have ended
}

// lease is one that has not ended, or whose end is being written.
type lease struct {
	table   *table
	name    Name
	term    time.Duration
	renewed time.Duration
	due     time.Duration // when it is looked at next
	place   int           // in the queue, -1 if it is not there
	down    bool          // its end is being written
	fresh   bool          // its begin is being written: nothing is stored of it
	unsure  bool          // what was to be written was refused: a renewal writes it again
}

// New returns a replica's leases; it decides nothing yet.
func New(c Config) *Leases {
	return &Leases{cfg: c, tables: map[gazetteer.Partition]*table{}}
}

// Lead says whether this replica decides a partition from now on. It begins to know the
// leases anew: the driver gives it those that are stored ([Leases.Observe]), then calls
// [Leases.Loaded]. Each has a whole term from now on.
func (l *Leases) Lead(p gazetteer.Partition, decides bool) {
	t := l.tables[p]
	switch {
	case decides && t == nil:
		l.tables[p] = &table{partition: p, since: l.now, leases: map[Name]*lease{}, gone: map[Name]bool{}, down: map[Name]struct{}{}}
	case !decides && t != nil:
		for _, e := range t.leases {
			l.due.drop(e)
		}
		delete(l.tables, p)
	}
}

// Leads reports whether this replica decides a partition.
func (l *Leases) Leads(p gazetteer.Partition) bool { return l.tables[p] != nil }

// Loaded says that all stored leases of a partition have been given.
func (l *Leases) Loaded(p gazetteer.Partition) {
	if t := l.tables[p]; t != nil {
		t.gone = nil
	}
}

// Len returns how many leases are held that have not ended.
func (l *Leases) Len() (n int) {
	for _, t := range l.tables {
		n += len(t.leases)
	}
	return n
}

// Down returns how many leases have ended and did not return.
func (l *Leases) Down() (n int) {
	for _, t := range l.tables {
		n += len(t.down)
	}
	return n
}

func (t *table) note(n Name, down bool) {
	_, was := t.down[n]
	switch {
	case down && !was:
		n.ID = gazetteer.ID(strings.Clone(string(n.ID)))
		t.down[n] = struct{}{}
	case !down && was:
		delete(t.down, n)
	}
}

// Counters returns what happened so far.
func (l *Leases) Counters() Counters { return l.count }

// Observe says what the element of a lease holds now, whoever wrote it. What is only read
// from the store, and may be old, is given to [Leases.Load].
func (l *Leases) Observe(p gazetteer.Partition, n Name, h Held, exists bool) {
	t := l.tables[p]
	if t == nil {
		return
	}
	if t.gone != nil {
		t.gone[n] = !exists || h.Down
	}
	t.note(n, exists && h.Down)
	if !exists || h.Down {
		l.drop(t, n)
		return
	}
	e := t.leases[n]
	if e == nil {
		l.add(t, n, h.Term)
		return
	}
	if e.down { // somebody else has heard of the publisher
		e.down, e.renewed = false, l.now
	}
	e.term, e.fresh, e.unsure = h.Term, false, false
	l.due.look(e, l.endOf(e))
}

// Load says what the store held of a lease at some moment since the replica decides.
func (l *Leases) Load(p gazetteer.Partition, n Name, h Held) {
	t := l.tables[p]
	if t == nil || t.leases[n] != nil {
		return
	}
	if _, heard := t.gone[n]; heard {
		return
	}
	if h.Down {
		t.note(n, true)
		return
	}
	l.add(t, n, h.Term)
}

// Knows reports whether a renewal of the lease needs nothing from the store.
func (l *Leases) Knows(p gazetteer.Partition, n Name) bool {
	t := l.tables[p]
	return t != nil && t.leases[n] != nil
}

// Renew notes that the publisher lives. Stored is what the element says, if it exists; it
// is not looked at if [Leases.Knows]. If something changes by it the transition is to be
// written. It returns false if this replica does not decide the partition.
func (l *Leases) Renew(p gazetteer.Partition, n Name, term time.Duration, stored Held, exists bool) (t Transition, changes, ok bool) {
	at := l.tables[p]
	if at == nil {
		return Transition{}, false, false
	}
	l.count.Renewed++
	e := at.leases[n]
	known := e != nil
	if !known {
		e = l.add(at, n, term)
		e.fresh = !exists || stored.Down
	}
	changes = e.down || e.unsure || e.term != term || !known && (e.fresh || stored.Term != term)
	if e.down || !known && stored.Down {
		l.count.Returned++
	}
	e.renewed, e.term, e.down, e.unsure = l.now, term, false, false
	l.due.look(e, l.endOf(e))
	return Transition{p, n, Held{Term: term}}, changes, true
}

// Refused says that a transition was not written. A lease that began with it is
// forgotten; one that ended is tried again a term later.
func (l *Leases) Refused(t *Transition) {
	at := l.tables[t.Partition]
	if at == nil {
		return
	}
	e := at.leases[t.Name]
	switch {
	case e == nil:
	case t.Held.Down && e.down:
		e.down, e.renewed = false, l.now
		l.due.look(e, l.endOf(e))
	case t.Held.Down:
	case e.fresh:
		l.drop(at, t.Name)
	default:
		e.unsure = true
	}
}

// Tick tells the monotonic time, and ends the leases that were not renewed.
func (l *Leases) Tick(now time.Duration) {
	if now-l.now > l.cfg.Pause {
		for _, t := range l.tables {
			t.since = now
		}
	}
	l.now = now
	for {
		e := l.due.next(now)
		if e == nil {
			return
		}
		if end := l.endOf(e); end > now {
			l.due.look(e, end)
		} else {
			l.end(e)
		}
	}
}

// end makes the transition of a lease whose publisher has gone.
func (l *Leases) end(e *lease) {
	e.down = true
	l.count.Ended++
	l.out = append(l.out, Transition{e.table.partition, e.name, Held{Down: true, Term: e.term}})
}

// endOf is when a lease ends unless it is renewed.
func (l *Leases) endOf(e *lease) time.Duration {
	return max(e.renewed, e.table.since) + e.term + l.cfg.Grace
}

// Ready returns the transitions that time has brought, in the order of their names.
func (l *Leases) Ready() []Transition {
	out := l.out
	l.out = nil
	slices.SortFunc(out, func(a, b Transition) int {
		return cmp.Or(a.Partition.Compare(b.Partition), a.Name.Compare(b.Name))
	})
	return out
}

// add keeps a copy of the id: it may be a part of something larger.
func (l *Leases) add(t *table, n Name, term time.Duration) *lease {
	n.ID = gazetteer.ID(strings.Clone(string(n.ID)))
	e := &lease{table: t, name: n, term: term, renewed: l.now, place: -1}
	t.leases[n] = e
	l.due.look(e, l.endOf(e))
	return e
}

func (l *Leases) drop(t *table, n Name) {
	if e := t.leases[n]; e != nil {
		l.due.drop(e)
		delete(t.leases, n)
	}
}
