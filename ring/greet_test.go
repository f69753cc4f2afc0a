package ring_test

import (
	"slices"
	"testing"
	"time"

	"gazetteer"
	"gazetteer/ring"
	"gazetteer/ring/memstore"
)

// TestAGreetEndsAScan: a peer that greets while a scan goes to it, with the vector that is
// ours, is sent no more of the scan. What the driver still reads of it is nobody's.
func TestAGreetEndsAScan(t *testing.T) {
	store := memstore.New()
	r, err := ring.New(ring.Config{Self: "a", Incarnation: 1, Reader: store, State: store.State()})
	if err != nil {
		t.Fatal(err)
	}
	p := gazetteer.Partition{Type: "t", Index: 1}
	r.Tick(ring.Now{})
	r.Configure(ring.Plan{
		Rings: []ring.Ring{{Name: "ring", Members: []gazetteer.NodeID{"a"}, Partitions: []gazetteer.Partition{p}}},
		Edges: []ring.Edge{{Peer: "b", Partitions: []gazetteer.Partition{p}}},
	})
	r.Tick(ring.Now{Mono: time.Minute}) // nobody has filled it
	r.Linked("b")
	greets := r.Ready().After
	i := slices.IndexFunc(greets, func(e ring.Envelope) bool { _, is := e.Message.(ring.Greet); return is })
	digests := greets[i].Message.(ring.Greet).Digests
	if len(digests) != 1 || digests[0].Sum == 0 {
		t.Fatalf("it greets with %v", digests)
	}

	r.Step("b", ring.Greet{Store: gazetteer.NodeID("b").Store(), Digests: []ring.Digest{{Partition: p, Sum: 1}}})
	r.Step("b", ring.Hello{Partition: p, Session: 2, Filled: true})
	scans := r.Ready().Scans
	if len(scans) != 1 {
		t.Fatalf("%d scans", len(scans))
	}
	r.Step("b", ring.Greet{Store: gazetteer.NodeID("b").Store(), Digests: digests})
	if closed := r.Ready().Close; !slices.Equal(closed, []ring.ScanID{scans[0].ID}) {
		t.Errorf("scan %d goes on, %v are closed", scans[0].ID, closed)
	}
	r.Scanned(ring.Chunk{ID: scans[0].ID, Done: true})
	if out := r.Ready().Send; len(out) != 0 {
		t.Errorf("it sends %v", out)
	}
}
