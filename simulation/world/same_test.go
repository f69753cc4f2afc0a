package world

import (
	"bytes"
	"testing"
	"time"

	"gazetteer/ring"
	"gazetteer/simulation/aws"
	"gazetteer/simulation/scenario"
)

func TestEqualSeedsGiveEqualEvents(t *testing.T) {
	run := func(seed uint64) string {
		var log bytes.Buffer
		w, l := begun(t, ordeal(t, seed), seed, &log)
		l.run(50*time.Millisecond, w.agenda.Now()+20*time.Second, 8)
		w.agenda.Run(w.agenda.Now() + 21*time.Second)
		return log.String()
	}
	first, again, other := run(3), run(3), run(4)
	if first != again {
		t.Errorf("two runs of one seed differ after %d bytes of %d", common(first, again), len(first))
	}
	if first == other {
		t.Error("two seeds give the same events")
	}
}

func common(a, b string) int {
	n := 0
	for n < len(a) && n < len(b) && a[n] == b[n] {
		n++
	}
	return n
}

// Each mistake of a driver must be found within some seeds, by the promise that it breaks.
func TestPlantedMistakesAreFound(t *testing.T) {
	for _, m := range []struct {
		name  string
		plant mutation
		by    []string
	}{
		{"skip sync", skipSync, []string{"acknowledged is durable", "no acknowledged write lost"}},
		{"send before save", sendBeforeSave, []string{"durable first", "prefix"}},
		{"drop marks", dropMarks, []string{"at rest"}},
		{"reorder links", reorderLinks, []string{"no gaps"}},
	} {
		t.Run(m.name, func(t *testing.T) { mustFind(t, m.plant, m.by) })
	}
}

func mustFind(t *testing.T, plant mutation, by []string) {
	for seed := uint64(1); seed <= 5; seed++ {
		w := endure(t, seed, plant, nil)
		_, err := w.Settle(20 * time.Second)
		w.books.judge()
		found := err != nil && by[0] == "at rest"
		for _, c := range w.Checks() {
			for _, name := range by {
				found = found || !c.OK && c.Name == name
			}
		}
		if found {
			t.Logf("found with seed %d", seed)
			return
		}
	}
	t.Errorf("five seeds have not found it by any of %q", by)
}

// BenchmarkOrdeal is the fault scenario: 60 s of seven regions of three replicas.
func BenchmarkOrdeal(b *testing.B) {
	var steps uint64
	for i := range b.N {
		w := endure(b, uint64(i+1), sound, nil)
		if _, err := w.Settle(3 * time.Minute); err != nil {
			b.Error(err)
		}
		steps += w.agenda.Steps()
	}
	b.ReportMetric(float64(steps)/b.Elapsed().Seconds(), "events/s")
}

// Links as a star and as a mesh carry the same updates at other costs.
func TestStarAndMeshCost(t *testing.T) {
	for shape, each := range map[string]int64{"star": 6, "mesh": 36} {
		s := planet(t, aws.Seven(), 1)
		s.Tree.Shape, s.Tree.Hub = "star", "us-east-1"
		if shape == "mesh" {
			s.Tree.Shape = "mesh"
		}
		w, l := begun(t, s, 1, nil)
		l.keys = l.keys[:0]
		for i := range 400 { // no two writes of one key meet
			l.keys = append(l.keys, key(i))
		}
		l.run(500*time.Millisecond, w.agenda.Now()+10*time.Second, 0)
		w.agenda.Run(w.agenda.Now() + 12*time.Second)
		r := finish(t, w, 20*time.Second)
		if got := r.Messages.Crossings; got > each*r.Messages.Updates || got < each*r.Messages.Updates*9/10 {
			t.Errorf("%s: %d crossings of %d updates, want %d each", shape, got, r.Messages.Updates, each)
		}
	}
}

// A position is used again only if the incarnation is: a region of one replica has an old
// copy of its disk put back while nobody can tell it what it had written.
func TestReusedIncarnationIsFound(t *testing.T) {
	if found := oldCopy(t, sound); len(found) > 0 {
		t.Errorf("without a mistake: %v", found)
	}
	found := oldCopy(t, reuseIncarnation)
	if len(found) == 0 || found[0].promise != "one position, one content" {
		t.Errorf("with a reused incarnation: %v", found)
	}
}

func oldCopy(t *testing.T, plant mutation) []violation {
	s := planet(t, aws.Seven()[:3], 1)
	w, _ := begun(t, s, 1, nil)
	w.planted = plant
	n := w.regions[0].members[0].id
	write := func(value uint64) {
		w.Write(n, key(1), value, ring.AckRing, ring.Token{}, time.Second, func(Answer) {})
		w.agenda.Run(w.agenda.Now() + time.Second)
	}
	w.CopyDisk(n)
	write(1)
	w.Break(&scenario.Fault{Kind: scenario.Cut, Region: w.regions[0].name, For: 20 * time.Second})
	w.RestoreDisk(n, 100*time.Millisecond)
	w.agenda.Run(w.agenda.Now() + 10*time.Second)
	write(2)
	w.agenda.Run(w.agenda.Now() + 30*time.Second)
	return w.books.failures
}
