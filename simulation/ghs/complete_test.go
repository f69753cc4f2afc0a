package ghs

import (
	"flag"
	"runtime"
	"testing"
	"time"
)

var completeFlag = flag.Int("complete", 100, "how many regions the complete graph has")

// What a thousand regions may take; fewer take less.
const (
	completeMost   = time.Minute
	completeMemory = 2 << 30
)

// TestCompleteGraph builds the tree of a complete graph within the paper's bound of
// messages, and within time and memory.
func TestCompleteGraph(t *testing.T) {
	n := *completeFlag
	g := Complete(n, 1)
	begun := time.Now()
	r, err := Simulate(g, Options{Seed: 1})
	took := time.Since(begun)
	if err != nil {
		t.Fatal(err)
	}
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	most := Bound(n, len(g.Edges))
	t.Logf("%d regions: %d messages, %.2f of the bound; %v, %d MiB taken from the system", n, r.Messages, float64(r.Messages)/float64(most), took.Round(time.Millisecond), m.Sys>>20)
	if r.Messages > most || len(r.Tree) != n-1 || r.Components != 1 {
		t.Errorf("%d messages of at most %d, a tree of %d edges", r.Messages, most, len(r.Tree))
	}
	if took > completeMost || m.Sys > completeMemory {
		t.Errorf("it took %v and %d MiB", took, m.Sys>>20)
	}
}
