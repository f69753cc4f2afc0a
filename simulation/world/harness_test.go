package world

import (
	"bytes"
	"fmt"
	"io"
	"testing"
	"time"

	"gazetteer"
	"gazetteer/ring"
	"gazetteer/simulation/aws"
	"gazetteer/simulation/result"
	"gazetteer/simulation/scenario"
)

// planet is a scenario of some AWS regions with one ring of so many replicas each.
func planet(t testing.TB, names []gazetteer.RegionID, replicas int) *scenario.Scenario {
	t.Helper()
	table, err := aws.Load()
	if err != nil {
		t.Fatal(err)
	}
	s := &scenario.Scenario{Name: "test", Duration: 60 * time.Second, Rest: time.Minute, Partitions: 4,
		Types: []scenario.Type{{Name: "service"}}, Tree: scenario.Tree{Shape: scenario.MST}}
	s.Network = scenario.Network{RTT: map[scenario.Pair]time.Duration{}, Local: time.Millisecond}
	for i, n := range names {
		at, ok := table.Region(n)
		if !ok {
			t.Fatalf("no region %s", n)
		}
		s.Regions = append(s.Regions, scenario.Region{Name: n, Point: at.Point, Servers: 3, ClusterServers: 1, Rings: []scenario.Ring{{Name: "a", Replicas: replicas}}})
		for _, m := range names[:i] {
			s.Network.RTT[scenario.PairOf(n, m)] = table.RTT(n, m)
		}
	}
	return s
}

// load is what writers do to a world: at every replica in turn, some of them at once.
type load struct {
	w              *World
	keys           []gazetteer.Key
	next           uint64
	done, answered int
	refused        map[gazetteer.Kind]int
}

func key(i int) gazetteer.Key {
	return gazetteer.Key{Type: "service", ID: gazetteer.ID(fmt.Sprintf("id-%03d", i))}
}

func newLoad(w *World, keys int) *load {
	l := &load{w: w, refused: map[gazetteer.Kind]int{}}
	for i := range keys {
		k := key(i)
		l.keys = append(l.keys, k)
		if i%2 == 0 {
			w.Stock(k, 2)
		}
	}
	return l
}

// run writes so often for so long; one write in so many deletes.
func (l *load) run(every, until time.Duration, deletes uint64) {
	d := l.w.dice("load", 0)
	var write func()
	write = func() {
		if l.w.agenda.Now() >= until {
			return
		}
		l.w.agenda.After(every, write)
		p := l.w.processes[d.IntN(len(l.w.processes))]
		k := l.keys[d.IntN(len(l.keys))]
		l.next++
		answer := func(a Answer) {
			l.answered++
			if a.Done {
				l.done++
			} else {
				l.refused[a.Failed]++
			}
		}
		if deletes > 0 && l.next%deletes == 0 {
			l.w.Delete(p.id, k, ring.AckRing, time.Second, answer)
		} else {
			l.w.Write(p.id, k, l.next, ring.AckRing, ring.Token{}, time.Second, answer)
		}
	}
	l.w.agenda.After(every, write)
}

// begun is a world whose load begins.
func begun(t testing.TB, s *scenario.Scenario, seed uint64, log *bytes.Buffer) (*World, *load) {
	t.Helper()
	var events io.Writer
	if log != nil {
		events = log
	}
	w, err := New(s, seed, events)
	if err != nil {
		t.Fatal(err)
	}
	l := newLoad(w, 40)
	if err := w.Found(time.Minute); err != nil {
		t.Fatal(err)
	}
	w.Begin()
	return w, l
}

// finish lets a world come to rest and returns its result.
func finish(t testing.TB, w *World, limit time.Duration) *result.Run {
	t.Helper()
	took, err := w.Settle(limit)
	if err != nil {
		t.Errorf("seed %d: %v", w.seed, err)
	}
	w.agenda.Run(w.agenda.Now() + 2*time.Second)
	r := &result.Run{}
	w.Result(r)
	for _, c := range r.Failed() {
		t.Errorf("seed %d: %s: %s", w.seed, c.Name, c.Detail)
	}
	t.Logf("at rest after %v; %+v", took, w.Coverage())
	return r
}
