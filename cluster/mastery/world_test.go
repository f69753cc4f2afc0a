package mastery

import (
	"container/heap"
	"fmt"
	"math/rand/v2"
	"slices"
	"time"

	"github.com/anishathalye/porcupine"

	"gazetteer"
)

const ms = time.Millisecond

// faults say what is broken on purpose; the zero value is the protocol as it stands.
type faults struct {
	lateAnswer   bool // an old home answers though its lease has ended
	noEpoch      bool // the epoch of a leader's writes is forgotten
	staleCAS     bool // a version is compared with what a replica holds, and not agreed on
	takeTwice    bool // what was taken already is taken again
	noBarrier    bool // a read does not ask whether this member still leads
	leaseFirst   bool // a word extends the lease though what it promises is not obeyed
	noWait       bool // a re-homing by force does not wait
	undecided    bool // a read answers with what the ring holds, decided or not
	decideFirst  bool // a write is decided before its data is durable
	noHold       bool // two attempts of one record go at the same time with one stamp
	promiseAlone bool // a re-homing by force goes on without a majority
}

// world is a planet of regions with one leader each at a time, in virtual time.
type world struct {
	rand    *rand.Rand
	f       faults
	now     time.Duration
	agenda  agenda
	seq     int
	regions []*site
	names   []gazetteer.RegionID
	keys    []gazetteer.Key
	cut     map[[2]gazetteer.RegionID]bool
	history map[gazetteer.Key][]porcupine.Operation
	next    int // the last version
	clients int
	seen    coverage
	wrong   []string
}

// coverage is what a batch of schedules must have met.
type coverage struct {
	decided, refused, unknown, reads, moves, forced, elections, adopted, dropped, silent, cuts, pauses, jumps, late int
}

type site struct {
	w       *world
	name    gazetteer.RegionID
	term    uint32
	ledger  *Ledger // of what is committed
	leader  *leader
	old     []*leader // deposed, and they do not know
	pending []func(committed bool)
	ring    []*replica
}

// leader is a process that takes itself for the leader.
type leader struct {
	s           *site
	home        *Home
	term        uint32
	mono        time.Duration // its clock's offset
	wall        int64         // its wall clock's offset
	pausedUntil time.Duration
	deposed     bool // it knows
}

type stored struct {
	stamp   gazetteer.Stamp
	version gazetteer.Version
}

type replica struct{ held map[gazetteer.Key]stored }

func (r *replica) offer(k gazetteer.Key, s stored) {
	if s.stamp.Compare(r.held[k].stamp) > 0 {
		r.held[k] = s
	}
}

type event struct {
	at  time.Duration
	seq int
	do  func()
}

type agenda []event

func (a agenda) Len() int { return len(a) }
func (a agenda) Less(i, j int) bool {
	return a[i].at < a[j].at || a[i].at == a[j].at && a[i].seq < a[j].seq
}
func (a agenda) Swap(i, j int) { a[i], a[j] = a[j], a[i] }
func (a *agenda) Push(x any)   { *a = append(*a, x.(event)) }
func (a *agenda) Pop() any {
	old := *a
	e := old[len(old)-1]
	*a = old[:len(old)-1]
	return e
}

func newWorld(seed uint64, f faults) *world {
	w := &world{
		rand: rand.New(rand.NewPCG(seed, 1)), f: f, names: []gazetteer.RegionID{"ams", "bom", "cpt"},
		keys: []gazetteer.Key{{Type: "t", ID: "k"}, {Type: "t", ID: "l"}},
		cut:  map[[2]gazetteer.RegionID]bool{}, history: map[gazetteer.Key][]porcupine.Operation{}, now: time.Minute,
	}
	for _, n := range w.names {
		s := &site{w: w, name: n, ledger: NewLedger(n)}
		for range 3 {
			s.ring = append(s.ring, &replica{held: map[gazetteer.Key]stored{}})
		}
		w.regions = append(w.regions, s)
		s.elect()
		w.every(700*ms, s.ask)
		w.every(900*ms, s.tell)
	}
	w.every(300*ms, w.gossip)
	return w
}

func (w *world) terms() Terms { return Terms{Home: "ams", Witnesses: w.names} }

func (w *world) after(d time.Duration, do func()) {
	w.seq++
	heap.Push(&w.agenda, event{w.now + d, w.seq, do})
}

func (w *world) every(d time.Duration, do func()) {
	var again func()
	again = func() { do(); w.after(d/2+w.some(d), again) }
	w.after(w.some(d), again)
}

func (w *world) some(d time.Duration) time.Duration { return time.Duration(w.rand.Int64N(int64(d))) }
func (w *world) chance(percent int) bool            { return w.rand.IntN(100) < percent }

func (w *world) run(d time.Duration) {
	end := w.now + d
	for len(w.agenda) > 0 && w.agenda[0].at <= end {
		e := heap.Pop(&w.agenda).(event)
		w.now = e.at
		e.do()
	}
	w.now = end
}

func (w *world) site(n gazetteer.RegionID) *site {
	return w.regions[slices.Index(w.names, n)]
}

func (w *world) reach(a, b gazetteer.RegionID) bool { return !w.cut[[2]gazetteer.RegionID{a, b}] }

// send carries a message one way; one that meets a cut is lost.
func (w *world) send(a, b gazetteer.RegionID, do func()) {
	w.after(5*ms+w.some(120*ms), func() {
		if w.reach(a, b) {
			do()
		}
	})
}

func (l *leader) now() Now {
	return Now{Wall: int64((l.s.w.now)/ms) + l.wall, Mono: l.s.w.now + l.mono}
}

// at has a process do something, once it runs.
func (l *leader) at(d time.Duration, do func()) {
	w := l.s.w
	w.after(d, func() {
		if w.now < l.pausedUntil {
			l.at(l.pausedUntil-w.now+ms, do)
			return
		}
		do()
	})
}

// elect makes another process the leader. Of what the old one has proposed some is
// committed before, the rest never.
func (s *site) elect() {
	w := s.w
	if s.leader != nil {
		s.leader.home.ledger = s.ledger.Clone() // it hears no more of what is decided
	}
	for _, p := range s.pending {
		p(w.chance(50))
	}
	s.pending = nil
	if s.leader != nil {
		w.seen.elections++
		old := s.leader
		s.old = append(s.old, old)
		w.after(w.some(9*time.Second), func() { old.deposed = true })
	}
	s.term++
	term := s.term
	if w.f.noEpoch {
		term = 1
	}
	s.leader = &leader{s: s, term: s.term, home: NewHome(s.name, term, s.ledger), mono: w.some(time.Hour), wall: int64(w.rand.IntN(200) - 100)}
}

// propose gives a command to the log. The answer is nil only if it was committed and
// performed; ok is false if nobody knows.
func (l *leader) propose(apply func(*Ledger) error, answer func(ok bool, err error)) {
	s, w := l.s, l.s.w
	if l.term != s.term {
		l.at(w.some(2*time.Second), func() { answer(false, nil) })
		return
	}
	done := false
	decide := func(committed bool) {
		if done {
			return
		}
		done = true
		if !committed {
			w.seen.dropped++
			l.at(w.some(2*time.Second), func() { answer(false, nil) })
			return
		}
		err := apply(s.ledger)
		late := l.term != s.term
		l.at(w.some(20*ms), func() { answer(!late, err) })
	}
	s.pending = append(s.pending, decide)
	w.after(ms+w.some(20*ms), func() {
		if l.term == s.term {
			decide(true)
		}
	})
}

// verify asks whether this process still leads.
func (l *leader) verify(answer func(bool)) {
	if l.s.w.f.noBarrier {
		answer(true)
		return
	}
	l.at(l.s.w.some(20*ms), func() { answer(l.term == l.s.term) })
}

// ask asks all other regions for their word.
func (s *site) ask() {
	w := s.w
	for _, l := range append(slices.Clone(s.old), s.leader) {
		if l.deposed || w.now < l.pausedUntil {
			continue
		}
		asked := l.now().Mono
		for _, r := range w.names {
			if r == s.name {
				continue
			}
			w.send(s.name, r, func() {
				said := w.site(r).promises()
				w.send(r, s.name, func() { l.at(0, func() { l.heard(r, asked, said) }) })
			})
		}
	}
}

func (s *site) promises() (out []Promise) {
	for _, k := range s.w.keys {
		if p, ok := s.ledger.promises[k]; ok {
			out = append(out, p)
		}
	}
	return out
}

func (l *leader) heard(r gazetteer.RegionID, asked time.Duration, said []Promise) {
	if l.s.w.f.leaseFirst {
		said = nil
	}
	l.home.Heard(r, asked, said)
}

// gossip is the feed: a replica tells another what it holds.
func (w *world) gossip() {
	for range 4 {
		a, b := w.regions[w.rand.IntN(3)], w.regions[w.rand.IntN(3)]
		from, to, k := a.ring[w.rand.IntN(3)], b.ring[w.rand.IntN(3)], w.keys[w.rand.IntN(len(w.keys))]
		held := from.held[k]
		w.send(a.name, b.name, func() { to.offer(k, held) })
	}
}

// store writes to the ring; done tells whether a majority has it durably.
func (s *site) store(k gazetteer.Key, what stored, l *leader, done func(bool)) {
	w, have, told := s.w, 0, false
	for _, r := range s.ring {
		if w.chance(15) {
			if w.chance(50) {
				w.seen.late++
				w.after(w.some(20*time.Second), func() { r.offer(k, what) })
			}
			continue
		}
		w.after(w.some(30*ms), func() {
			r.offer(k, what)
			if have++; have == 2 && !told {
				told = true
				l.at(w.some(5*ms), func() { done(true) })
			}
		})
	}
	l.at(500*ms, func() {
		if !told {
			told = true
			done(false)
		}
	})
}

// gather waits until a replica holds the decided write, or finds one that was tried after
// it and never decided.
func (l *leader) gather(k gazetteer.Key, e Entry, tries int, done func(held stored, ahead, ok bool)) {
	w := l.s.w
	held := l.s.ring[w.rand.IntN(3)].held[k]
	switch c := held.stamp.Compare(e.Stamp); {
	case c == 0 || c > 0:
		done(held, c > 0, true)
	case tries == 0:
		done(held, false, false)
	default:
		l.at(w.some(40*ms), func() { l.gather(k, e, tries-1, done) })
	}
}

func (w *world) fail(format string, args ...any) {
	w.wrong = append(w.wrong, fmt.Sprintf(format, args...))
}
