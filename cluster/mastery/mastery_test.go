package mastery

import (
	"flag"
	"slices"
	"testing"
	"time"

	"github.com/anishathalye/porcupine"

	"gazetteer"
)

var schedules = flag.Int("schedules", 24, "how many schedules of the planet are run")

// play runs one schedule: clients and trouble, then rest. It returns what is wrong.
func play(seed uint64, f faults) (*world, []string) {
	w := newWorld(seed, f)
	end := w.now + 2*time.Minute
	for i := range 4 {
		for j, k := range w.keys {
			w.clients++
			c := &client{w: w, id: w.clients, key: k, at: w.names[(i+j)%3], end: end, left: 70}
			w.after(w.some(2*time.Second), c.next)
		}
	}
	forced := seed%2 == 0
	for at := time.Duration(0); at < end-w.now; at += time.Second + w.some(4*time.Second) {
		w.after(at, func() { w.trouble(forced) })
	}
	w.run(3 * time.Minute)
	w.rest()
	for _, k := range w.keys {
		switch r := porcupine.CheckOperationsTimeout(register, w.history[k], 20*time.Second); r {
		case porcupine.Illegal:
			w.fail("the history of %v is not linearizable (%d operations)", k, len(w.history[k]))
		case porcupine.Unknown:
			w.fail("the checker did not decide on %v (%d operations)", k, len(w.history[k]))
		}
	}
	return w, w.wrong
}

// rest heals everything: each record then has one home, whose ring holds what is decided,
// and reads are answered.
func (w *world) rest() {
	for r := range w.cut {
		delete(w.cut, r)
	}
	w.run(40 * time.Second)
	for _, k := range w.keys {
		homes := w.homes(k)
		for range 5 {
			if len(homes) > 0 {
				break
			}
			w.again(k)
			homes = w.homes(k)
		}
		if len(homes) != 1 {
			w.fail("%v has %d homes at rest", k, len(homes))
			continue
		}
		w.readAtRest(k, homes[0])
	}
	w.run(40 * time.Second)
}

// homes are the regions that would decide on a record.
func (w *world) homes(k gazetteer.Key) (out []*site) {
	for _, s := range w.regions {
		if _, err := s.leader.home.Look(k, w.terms(), s.leader.now()); err == nil {
			out = append(out, s)
		}
	}
	return out
}

// again is what an operator does whose re-homing has not ended.
func (w *world) again(k gazetteer.Key) {
	var newest Promise
	for _, s := range w.regions {
		if p := s.ledger.promises[k]; p.Epoch > newest.Epoch {
			newest = p
		}
	}
	if newest.To != "" {
		w.site(newest.To).leader.force(k)
	}
	w.run(20 * time.Second)
}

func (w *world) readAtRest(k gazetteer.Key, s *site) {
	from, answered := w.now, false
	var ask func()
	ask = func() {
		s.leader.read(k, 3, func(out answer, err error) {
			switch {
			case err == nil:
				answered = true
				c := client{w: w, id: w.clients + 1, key: k}
				w.clients++
				c.note(call{read: true}, out, from)
			case w.now < from+20*time.Second:
				w.after(time.Second, ask)
			}
		})
	}
	ask()
	w.after(30*time.Second, func() {
		if !answered {
			w.fail("%v cannot be read at rest", k)
		}
	})
}

func TestRecordsAreLinearizable(t *testing.T) {
	var all coverage
	for seed := range *schedules {
		w, wrong := play(uint64(seed), faults{})
		if len(wrong) > 0 {
			t.Fatalf("seed %d: %v", seed, wrong)
		}
		all.add(w.seen)
	}
	t.Logf("%d schedules: %+v", *schedules, all)
	if missed := all.missed(); len(missed) > 0 && *schedules >= 20 {
		t.Errorf("the batch is invalid: it met no %v", missed)
	}
}

func (c *coverage) parts() []*int {
	return []*int{&c.decided, &c.refused, &c.unknown, &c.reads, &c.moves, &c.forced, &c.elections, &c.adopted, &c.dropped, &c.silent, &c.cuts, &c.pauses, &c.jumps, &c.late}
}

func (c *coverage) add(d coverage) {
	for i, p := range d.parts() {
		*c.parts()[i] += *p
	}
}

func (c *coverage) missed() (out []string) {
	names := []string{"decided", "refused", "unknown", "reads", "moves", "forced", "elections", "adopted", "dropped", "silent", "cuts", "pauses", "jumps", "late"}
	for i, p := range c.parts() {
		if *p == 0 {
			out = append(out, names[i])
		}
	}
	return out
}

func TestMutantsAreCaught(t *testing.T) {
	mutants := map[string]faults{
		"an old home answers after its lease":               {lateAnswer: true},
		"the epoch is forgotten":                            {noEpoch: true},
		"compare-and-set against what a replica holds":      {staleCAS: true},
		"what was taken is taken again":                     {takeTwice: true},
		"a read does not ask who leads":                     {noBarrier: true},
		"the lease is extended before promises are obeyed":  {leaseFirst: true},
		"a re-homing by force does not wait":                {noWait: true},
		"a re-homing by force needs no majority":            {promiseAlone: true},
		"a read answers with what is not decided":           {undecided: true},
		"a write is decided before its data is durable":     {decideFirst: true},
		"two writes of one record are tried with one stamp": {noHold: true},
	}
	for _, name := range sortedNames(mutants) {
		t.Run(name, func(t *testing.T) {
			for seed := range uint64(400) {
				if _, wrong := play(seed, mutants[name]); len(wrong) > 0 {
					t.Logf("seed %d: %s", seed, wrong[0])
					return
				}
			}
			t.Error("400 schedules did not catch it")
		})
	}
}

func sortedNames(m map[string]faults) (out []string) {
	for n := range m {
		out = append(out, n)
	}
	slices.Sort(out)
	return out
}
