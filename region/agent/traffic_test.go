package agent

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"slices"
	"sync"
	"time"

	"gazetteer"
	"gazetteer/region"
	"gazetteer/ring"
)

// traffic writes and reads through all fronts of a district without a pause, and keeps
// books: what was acknowledged must be found, from then on and for good.
type traffic struct {
	d    *district
	stop chan struct{}
	all  sync.WaitGroup

	mu sync.Mutex // guards following
	// lag is how late what a ring has acknowledged may be read: 0 in rings of one and two,
	// whose majority is everybody.
	lag      time.Duration
	entries  []*entry
	reads    int
	writes   int
	failures []string // requests that failed
	wrong    []string // promises that were broken
}

// entry is one resource. One writer at a time writes it.
type entry struct {
	id   string
	busy bool
	last int // the last value that was tried
	acks []ackedValue
	gone bool // its deletion was tried
	dead bool // and acknowledged
}

type ackedValue struct {
	value int
	ring  bool // by the ring; else by one replica only
	at    time.Time
}

// begin starts writers and readers.
func (d *district) begin(seed uint64) *traffic {
	d.t.Helper()
	front := d.front(rand.New(rand.NewPCG(seed, 0)))
	if _, err := front.PutType(d.t.Context(), region.TypeSpec{Name: "mirror"}); err != nil {
		d.t.Fatal(err)
	}
	time.Sleep(time.Second) // until it is known everywhere
	tr := &traffic{d: d, stop: make(chan struct{})}
	for i := range uint64(4) {
		tr.all.Go(func() { tr.run(rand.New(rand.NewPCG(seed, 10+i)), tr.write) })
		tr.all.Go(func() { tr.run(rand.New(rand.NewPCG(seed, 20+i)), tr.read) })
	}
	return tr
}

func (tr *traffic) run(dice *rand.Rand, do func(*rand.Rand)) {
	for {
		select {
		case <-tr.stop:
			return
		case <-time.After(time.Duration(dice.Int64N(int64(10 * time.Millisecond)))):
			do(dice)
		}
	}
}

// front returns the regional server of a process that runs.
func (d *district) front(dice *rand.Rand) region.Regional {
	for {
		if _, n := d.procs[dice.IntN(len(d.procs))].parts(); n != nil && n.Regional() != nil {
			return n.Regional()
		}
	}
}

func (tr *traffic) write(dice *rand.Rand) {
	e := tr.pick(dice)
	c := region.Change{Key: key(e.id), Op: region.PutResource, Ack: ring.AckRing}
	c.Attributes = json.RawMessage(fmt.Sprintf(`{"n":%d}`, e.last))
	if dice.IntN(4) == 0 {
		c.Ack = ring.AckLocal
	}
	if e.gone {
		c.Op, c.Attributes = region.DeleteResource, nil
	}
	rec := tr.d.front(dice).Write(tr.d.t.Context(), []region.Change{c})[0]
	tr.mu.Lock()
	defer tr.mu.Unlock()
	e.busy = false
	tr.writes++
	switch {
	case rec.Err != nil:
		tr.failures = append(tr.failures, fmt.Sprintf("write %s: %v", e.id, rec.Err))
	case e.gone:
		e.dead = true
	default:
		e.acks = append(e.acks, ackedValue{e.last, rec.Reached == ring.AckRing, time.Now()})
	}
}

// pick takes a new resource, or one that nobody writes, and seldom to delete it for good.
func (tr *traffic) pick(dice *rand.Rand) *entry {
	tr.mu.Lock()
	defer tr.mu.Unlock()
	var e *entry
	if n := len(tr.entries); n > 0 && dice.IntN(2) == 0 {
		e = tr.entries[dice.IntN(n)]
	}
	if e == nil || e.busy || e.gone {
		e = &entry{id: fmt.Sprint("id", len(tr.entries))}
		tr.entries = append(tr.entries, e)
	}
	e.busy = true
	e.last++
	e.gone = len(e.acks) > 0 && dice.IntN(10) == 0
	return e
}

// read looks for a resource of which something was acknowledged before.
func (tr *traffic) read(dice *rand.Rand) {
	e, least := tr.expected(dice)
	if e == nil {
		return
	}
	from := tr.d.front(dice)
	asked := time.Now()
	_, err := from.Get(tr.d.t.Context(), key(e.id))
	answered, story := time.Now(), ""
	if err != nil && gazetteer.KindOf(err) == gazetteer.NotFound && !tr.goes(e) {
		story = tr.d.story(e.id)
	}
	tr.mu.Lock()
	defer tr.mu.Unlock()
	tr.reads++
	switch {
	case e.gone: // meanwhile
	case story != "":
		_, front := from.(*region.Server).Name()
		tr.wrong = append(tr.wrong, fmt.Sprintf("%v to %v: %s is not found at %s, and value %d was acknowledged: %+v: %v: %s",
			asked.Format("05.000"), answered.Format("05.000"), e.id, front, least, e.acks, err, story))
	case err != nil:
		tr.failures = append(tr.failures, fmt.Sprintf("read %s: %v", e.id, err))
	}
}

// goes reports whether a resource is being deleted, or has been.
func (tr *traffic) goes(e *entry) bool {
	tr.mu.Lock()
	defer tr.mu.Unlock()
	return e.gone
}

// spreads is by when what one replica has acknowledged is at the others, if that one lives
// so long.
const spreads = time.Second

// killedAbout reports whether a process was killed when something was acknowledged, or
// before that had spread: then it may be nowhere else until the process is back.
func (d *district) killedAbout(at time.Time) bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	return slices.ContainsFunc(d.kills, func(k time.Time) bool {
		return k.After(at.Add(-spreads)) && k.Before(at.Add(spreads))
	})
}

// expected returns a resource that must be found, and the value that was acknowledged.
func (tr *traffic) expected(dice *rand.Rand) (*entry, int) {
	tr.mu.Lock()
	defer tr.mu.Unlock()
	if len(tr.entries) == 0 {
		return nil, 0
	}
	e := tr.entries[dice.IntN(len(tr.entries))]
	if dice.IntN(2) == 0 { // what is new is what is lost most easily
		e = tr.entries[len(tr.entries)-1-dice.IntN(min(8, len(tr.entries)))]
	}
	for _, a := range e.acks {
		if a.ring && time.Since(a.at) >= tr.lag || time.Since(a.at) > spreads && !tr.d.killedAbout(a.at) {
			return e, a.value
		}
	}
	return nil, 0
}

// end stops the traffic, waits until all is at rest and checks that nothing acknowledged
// was lost, at any front.
func (tr *traffic) end() {
	tr.d.t.Helper()
	close(tr.stop)
	tr.all.Wait()
	time.Sleep(5 * time.Second)
	tr.mu.Lock()
	defer tr.mu.Unlock()
	for _, p := range tr.d.procs {
		if _, n := p.parts(); n != nil && n.Regional() != nil {
			for _, e := range tr.entries {
				if why := tr.check(n.Regional(), e); why != "" {
					tr.wrong = append(tr.wrong, fmt.Sprintf("at rest, %s: %s", p.name, why))
				}
			}
		}
	}
}

// check says what is wrong with a resource at rest.
func (tr *traffic) check(front region.Regional, e *entry) string {
	r, err := front.Get(tr.d.t.Context(), key(e.id))
	missing := err != nil && gazetteer.KindOf(err) == gazetteer.NotFound
	switch {
	case err != nil && !missing:
		return fmt.Sprintf("read %s: %v", e.id, err)
	case e.dead && !missing:
		return fmt.Sprintf("%s is back, and its deletion was acknowledged", e.id)
	case e.gone || len(e.acks) == 0:
		return ""
	case missing:
		return fmt.Sprintf("%s is lost: %+v", e.id, e.acks)
	}
	var held struct{ N int }
	if err := json.Unmarshal(r.Attributes, &held); err != nil {
		return err.Error()
	}
	if acked := e.acks[len(e.acks)-1].value; held.N < acked || held.N > e.last {
		return fmt.Sprintf("%s has value %d, and %d was acknowledged", e.id, held.N, acked)
	}
	return ""
}

// mustHold fails the test if a promise was broken, or if a request failed more often than
// it may.
func (tr *traffic) mustHold(failuresMax int) {
	tr.d.t.Helper()
	for _, w := range tr.wrong[:min(10, len(tr.wrong))] {
		tr.d.t.Error(w)
	}
	if len(tr.failures) > failuresMax {
		for _, f := range tr.failures[:min(10, len(tr.failures))] {
			tr.d.t.Error(f)
		}
		tr.d.t.Errorf("%d requests failed, at most %d may", len(tr.failures), failuresMax)
	}
	if tr.reads < 500 || tr.writes < 500 {
		tr.d.t.Errorf("%d reads and %d writes; the test says little", tr.reads, tr.writes)
	}
}

// placed waits until each partition is held by its owner's members, and by nobody else.
func (d *district) placed() {
	d.t.Helper()
	d.eventually(func() error {
		plan := d.procs[0].plan()
		for _, p := range d.procs {
			held := p.store.State().Partitions
			for i := range uint32(districtPartitions) {
				q := gazetteer.Partition{Type: "mirror", Index: i}
				owns := slices.Contains(plan.RingOf(q).Members, p.name)
				_, has := held[q]
				for range p.store.Scan(q, nil) {
					has = true
					break
				}
				if owns != has {
					return fmt.Errorf("%s owns partition %d: %v, holds it: %v%s", p.name, i, owns, has, p.leftover(q))
				}
			}
		}
		return nil
	})
}

// leftover says what a process knows of a partition that it has yet to hand over.
func (p *proc) leftover(q gazetteer.Partition) (out string) {
	_, n := p.parts()
	n.agent.tell(func(a *agent) {
		l := a.left[q]
		if l == nil {
			return
		}
		out = fmt.Sprintf("; to hand over %v to %v", l.goal, l.owner.Members)
		for _, m := range l.owner.Members {
			told, ok := a.core.Told(q, m)
			out += fmt.Sprintf("; %s has told %v, %v", m, told, ok)
		}
	})
	return out
}
