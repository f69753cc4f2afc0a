package lease

import (
	"fmt"
	"strings"
	"testing"
	"time"
)

// schedules runs the checker over many seeds, and returns what broke first.
func schedules(seeds int, plant func(*world, *replica)) (broken string, covered map[string]int) {
	covered = map[string]int{}
	for seed := range seeds {
		w := newWorld(uint64(seed), plant)
		w.run(1500)
		for what, n := range w.covered {
			covered[what] += n
		}
		if w.broken != "" {
			return fmt.Sprintf("seed %d: %s", seed, w.broken), covered
		}
	}
	return "", covered
}

func TestSchedulesKeepThePromises(t *testing.T) {
	broken, covered := schedules(3000, nil)
	if broken != "" {
		t.Fatal(broken)
	}
	t.Logf("covered %v", covered)
	for _, what := range []string{"changed", "slept", "ended", "returned"} {
		if covered[what] < 3000 {
			t.Errorf("%s %d times: the schedules prove nothing", what, covered[what])
		}
	}
}

// TestMutantsAreKilled breaks the core on purpose: the checker has to see each.
func TestMutantsAreKilled(t *testing.T) {
	for _, m := range []struct {
		name, promise string
		plant         func(*world, *replica)
	}{
		{"a successor that does not wait a term", "promise 1", func(w *world, r *replica) {
			if at := r.leases.tables[part]; at.since == r.leases.now && w.changed == w.now {
				at.since = 0
				for _, e := range at.leases {
					e.renewed, e.due = 0, 0
				}
			}
		}},
		{"no grace", "promise 1", func(w *world, r *replica) { r.leases.cfg.Grace = 0 }},
		{"who slept goes on as if awake", "promise 1", func(w *world, r *replica) { r.leases.cfg.Pause = time.Hour }},
		{"renewals are not noted", "promise 1", func(w *world, r *replica) {
			for _, e := range r.leases.tables[part].leases {
				if !e.fresh && e.renewed == r.leases.now {
					e.renewed -= 2 * e.term
				}
			}
		}},
		{"leases that nobody renews are kept", "promise 2", func(w *world, r *replica) {
			for _, e := range r.leases.tables[part].leases {
				e.renewed += e.term
			}
		}},
		{"the stored leases are not loaded", "promise 2", func(w *world, r *replica) {
			if w.changed == w.now {
				for n := range r.leases.tables[part].leases {
					r.leases.drop(r.leases.tables[part], n)
				}
			}
		}},
		{"every renewal is written", "promise 3", func(w *world, r *replica) {
			for _, e := range r.leases.tables[part].leases {
				e.unsure = true
			}
		}},
	} {
		t.Run(m.name, func(t *testing.T) {
			broken, _ := schedules(300, m.plant)
			if !strings.Contains(broken, m.promise) {
				t.Errorf("it lives; the checker says %q", broken)
			}
		})
	}
}

// alone is the leases of a replica that decides.
func alone() *Leases {
	l := New(Config{Grace: grace, Pause: pauseMin})
	l.Lead(part, true)
	l.Loaded(part)
	return l
}

func (l *Leases) until(end time.Duration) (out []Transition) {
	for l.now < end {
		l.Tick(l.now + stepMS)
		out = append(out, l.Ready()...)
	}
	return out
}

func TestALeaseEndsAndReturns(t *testing.T) {
	l, n := alone(), Name{"debian", 1}
	tr, changes, ok := l.Renew(part, n, 10*time.Second, Held{}, false)
	if !changes || !ok || tr.Held != (Held{Term: 10 * time.Second}) {
		t.Fatalf("the first renewal: %+v %v %v", tr, changes, ok)
	}
	l.Observe(part, n, tr.Held, true)
	l.until(9 * time.Second)
	if _, changes, _ := l.Renew(part, n, 10*time.Second, Held{}, false); changes {
		t.Error("a renewal in time changes something")
	}
	if out := l.until(20900 * time.Millisecond); out != nil {
		t.Errorf("ended early: %+v", out)
	}
	out := l.until(21100 * time.Millisecond)
	if len(out) != 1 || !out[0].Held.Down {
		t.Fatalf("at the end of term and grace: %+v", out)
	}
	l.Observe(part, n, out[0].Held, true)
	if l.Len() != 0 {
		t.Errorf("%d leases are held after the end", l.Len())
	}
	tr, changes, _ = l.Renew(part, n, 10*time.Second, out[0].Held, true)
	if !changes || tr.Held.Down {
		t.Errorf("the return: %+v %v", tr, changes)
	}
	if c := l.Counters(); c != (Counters{Renewed: 3, Ended: 1, Returned: 1}) {
		t.Errorf("counted %+v", c)
	}
}

func TestARefusedTransitionIsTriedAgain(t *testing.T) {
	l, n := alone(), Name{"debian", 1}
	tr, _, _ := l.Renew(part, n, time.Second, Held{}, false)
	l.Refused(&tr)
	if l.Len() != 0 {
		t.Fatal("a lease of no location is held")
	}
	tr, _, _ = l.Renew(part, n, time.Second, Held{}, false)
	l.Observe(part, n, tr.Held, true)
	out := l.until(4 * time.Second)
	if len(out) != 1 {
		t.Fatalf("%+v", out)
	}
	l.Refused(&out[0])
	if again := l.until(8 * time.Second); len(again) != 1 {
		t.Errorf("the refused end came again as %+v", again)
	}
	tr, _, _ = l.Renew(part, n, 2*time.Second, Held{}, true)
	l.Observe(part, n, tr.Held, true)
	tr, changes, _ := l.Renew(part, n, 3*time.Second, Held{}, true)
	l.Refused(&tr)
	if _, again, _ := l.Renew(part, n, 3*time.Second, Held{}, true); !changes || !again {
		t.Error("a refused change of term is not written again")
	}
}

func TestADeletedLeaseIsNotLoaded(t *testing.T) {
	l, n := New(Config{Grace: grace, Pause: pauseMin}), Name{"debian", 1}
	l.Lead(part, true)
	l.Observe(part, n, Held{}, false) // deleted while the store is read
	l.Load(part, n, Held{Term: time.Second})
	l.Loaded(part)
	if l.Len() != 0 {
		t.Error("a lease came back that was given up")
	}
	if _, _, ok := New(Config{}).Renew(part, n, time.Second, Held{}, false); ok {
		t.Error("a replica that does not decide took a renewal")
	}
}
