package world

import (
	"path/filepath"
	"testing"
	"time"

	"gazetteer/ring"
	"gazetteer/simulation/scenario"
)

// Planets of other shapes come to rest, too, with their faults: faults that the
// seed draws, shortcuts, clocks that go wrong, a split.
func TestScenariosOfTheLibrary(t *testing.T) {
	for _, name := range []string{"faults-60s", "clock-madness", "split-brain", "tree-shortcuts"} {
		t.Run(name, func(t *testing.T) { playFile(t, name) })
	}
}

func playFile(t *testing.T, name string) {
	s, err := scenario.Load(filepath.Join("..", "scenarios", name+".yaml"))
	if err != nil {
		t.Fatal(err)
	}
	w, err := New(s, s.Seed, nil)
	if err != nil {
		t.Fatal(err)
	}
	if err := w.Found(2 * time.Minute); err != nil {
		t.Fatal(err)
	}
	w.Begin()
	d := w.dice("load", 0)
	end, next := w.agenda.Now()+s.Duration, uint64(0)
	var write func()
	write = func() {
		if w.agenda.Now() >= end {
			return
		}
		w.agenda.After(100*time.Millisecond, write)
		next++
		k := key(d.IntN(100))
		k.Type = s.Types[d.IntN(len(s.Types))].Name
		owners := w.Owners(nil, w.regions[d.IntN(len(w.regions))].name, k)
		w.Write(owners[d.IntN(len(owners))], k, next, ring.AckRing, ring.Token{}, time.Second, func(Answer) {})
	}
	write()
	w.agenda.Run(end)
	finish(t, w, s.Rest+time.Minute)
}
