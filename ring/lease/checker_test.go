package lease

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"time"

	"gazetteer"
)

const (
	stepMS   = 100 * time.Millisecond
	grace    = 2 * time.Second
	travel   = 300 * time.Millisecond // of a transition to the other replicas, at most
	overlap  = grace - travel         // for which two replicas may both decide
	pauseMin = time.Second
)

var part = gazetteer.Partition{Type: "mirror", Index: 3}

// world is a ring of replicas under one random schedule: deciders change, overlap, stop
// and wake up; publishers renew, fall silent and come back.
type world struct {
	dice       *rand.Rand
	now        time.Duration
	replicas   []*replica
	publishers []*publisher
	decider    int
	changed    time.Duration // when the decider changed last, or slept, or was deaf
	plant      func(*world, *replica)
	broken     string
	covered    map[string]int
}

// replica is one mirror: its core, and what its store says of each lease.
type replica struct {
	w      *world
	leases *Leases
	store  map[Name]stored
	asleep time.Duration // until when it is stopped
	loses  time.Duration // when it learns that it decides no more; 0: it does, or never did
	mail   []parcel
}

type stored struct {
	Held
	stamp int64 // orders the values; 0: none
}

type parcel struct {
	at time.Duration
	n  Name
	s  stored
}

// publisher renews a lease, or does not.
type publisher struct {
	name    Name
	term    time.Duration
	next    time.Duration
	silent  bool
	renewed time.Duration // the last time that was acknowledged
	since   time.Duration // from when on he was never later than a term
}

func newWorld(seed uint64, plant func(*world, *replica)) *world {
	w := &world{dice: rand.New(rand.NewPCG(seed, 7)), plant: plant, covered: map[string]int{}}
	for range 3 {
		r := &replica{w: w, store: map[Name]stored{}}
		r.leases = New(Config{Grace: grace, Pause: pauseMin})
		w.replicas = append(w.replicas, r)
	}
	for i := range 4 {
		term := time.Duration(1+w.dice.IntN(8)) * time.Second
		w.publishers = append(w.publishers, &publisher{name: Name{"r", uint64(i)}, term: term})
	}
	w.lead(0)
	return w
}

func (w *world) fail(format string, args ...any) {
	if w.broken == "" {
		w.broken = fmt.Sprintf("at %v: ", w.now) + fmt.Sprintf(format, args...)
	}
}

func (w *world) run(steps int) {
	for range steps {
		w.now += stepMS
		w.disturb()
		for _, p := range w.publishers {
			w.publish(p)
		}
		for _, r := range w.replicas {
			r.turn()
		}
		for _, p := range w.publishers {
			w.mustEnd(p)
		}
	}
}

// disturb changes the decider, or stops one for a while: in its sleep it loses the lead.
func (w *world) disturb() {
	switch w.dice.IntN(60) {
	case 0:
		w.change()
	case 1:
		r := w.replicas[w.decider]
		if r.asleep < w.now {
			r.asleep = w.now + pauseMin + time.Duration(w.dice.Int64N(int64(12*time.Second)))
			w.covered["slept"]++
			w.change()
		}
	}
}

// change makes another replica decide. The old one learns of it within the overlap, one
// that sleeps when it wakes up.
func (w *world) change() {
	old := w.replicas[w.decider]
	next := (w.decider + 1 + w.dice.IntN(len(w.replicas)-1)) % len(w.replicas)
	if r := w.replicas[next]; r.asleep >= w.now || r.loses != 0 {
		return
	}
	old.loses = max(w.now, old.asleep) + time.Duration(w.dice.Int64N(int64(overlap)))
	w.covered["changed"]++
	w.lead(next)
}

func (w *world) lead(next int) {
	w.decider, w.changed = next, w.now
	r := w.replicas[next]
	r.leases.Lead(part, true)
	for _, n := range r.names() {
		r.leases.Load(part, n, r.store[n].Held)
	}
	r.leases.Loaded(part)
	if w.plant != nil {
		w.plant(w, r)
	}
}

func (r *replica) names() (ns []Name) {
	for n := range r.store {
		ns = append(ns, n)
	}
	slices.SortFunc(ns, Name.Compare)
	return ns
}

// publish renews when it is time. Now and then a publisher falls silent or comes back.
func (w *world) publish(p *publisher) {
	if w.dice.IntN(150) == 0 {
		p.silent = !p.silent
		p.next = max(p.next, w.now)
	}
	if p.silent || w.now < p.next {
		return
	}
	r := w.replicas[w.decider]
	if r.asleep >= w.now {
		return // he gets no answer, and tries again
	}
	s := r.store[p.name]
	t, changes, ok := r.leases.Renew(part, p.name, p.term, s.Held, s.stamp != 0)
	if !ok {
		w.fail("the decider does not decide")
		return
	}
	if w.plant != nil {
		w.plant(w, r)
	}
	if changes {
		r.write(&t)
	}
	if w.now-p.renewed > p.term {
		p.since = w.now
	}
	p.renewed = w.now
	p.next = w.now + stepMS + time.Duration(w.dice.Int64N(int64(p.term)))
	p.next = min(p.next, w.now+p.term-stepMS)
}

// turn is what a replica that is awake does in a step.
func (r *replica) turn() {
	if r.asleep >= r.w.now {
		return
	}
	r.receive()
	r.leases.Tick(r.w.now)
	for _, t := range r.leases.Ready() {
		r.ends(&t)
		r.write(&t)
	}
	if r.loses != 0 && r.loses <= r.w.now {
		r.loses = 0
		if r != r.w.replicas[r.w.decider] {
			r.leases.Lead(part, false)
		}
	}
}

func (r *replica) receive() {
	r.mail = slices.DeleteFunc(r.mail, func(m parcel) bool {
		if m.at > r.w.now {
			return false
		}
		if m.s.stamp > r.store[m.n].stamp {
			r.store[m.n] = m.s
			r.leases.Observe(part, m.n, m.s.Held, true)
		}
		return true
	})
}

// ends holds promise 1: whoever ends a lease, its publisher was silent for a term. One who
// was late may still be taken for gone by who has not heard that he is back.
func (r *replica) ends(t *Transition) {
	w := r.w
	w.covered["ended"]++
	p := w.publishers[t.Name.Location]
	if silent := w.now - p.renewed; silent <= p.term && w.now-p.since > grace {
		w.fail("promise 1: the lease of %v ended %v after a renewal", p.term, silent)
	}
}

// write stores a transition, and holds promise 3: it is one.
func (r *replica) write(t *Transition) {
	old := r.store[t.Name]
	if old.stamp != 0 && old.Held == t.Held {
		r.w.fail("promise 3: written again: %+v", t.Held)
	}
	if old.Down && !t.Held.Down {
		r.w.covered["returned"]++
	}
	s := stored{t.Held, int64(r.w.now)*8 + int64(slices.Index(r.w.replicas, r)) + 1}
	r.store[t.Name] = s
	r.leases.Observe(part, t.Name, s.Held, true)
	for _, o := range r.w.replicas {
		if o != r {
			o.mail = append(o.mail, parcel{r.w.now + time.Duration(r.w.dice.Int64N(int64(travel))), t.Name, s})
		}
	}
}

// mustEnd holds promise 2 against what the decider's store says.
func (w *world) mustEnd(p *publisher) {
	r := w.replicas[w.decider]
	if s := r.store[p.name]; s.stamp == 0 || s.Down || r.asleep >= w.now {
		return
	}
	last := max(p.renewed+2*p.term, w.changed+p.term, r.asleep+p.term) + grace + travel + overlap + 2*stepMS
	if w.now > last {
		w.fail("promise 2: the lease of %v is alive %v after its last renewal, %v after the last change", p.term, w.now-p.renewed, w.now-w.changed)
	}
}
