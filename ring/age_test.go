package ring_test

import (
	"testing"
	"time"

	"gazetteer"
	"gazetteer/ring"
	"gazetteer/ring/memstore"
)

// A mark that was under way for longer than this node has run tells of a moment before the
// node's clock began, and not of that beginning.
func TestAgeOfMarkFromBeforeTheStart(t *testing.T) {
	r, err := ring.New(ring.Config{Self: "a", Incarnation: 1, Reader: memstore.New()})
	if err != nil {
		t.Fatal(err)
	}
	b := gazetteer.NodeID("b").Store()
	now := ring.Now{Wall: epoch, Mono: 100 * time.Millisecond}
	r.Tick(now)
	r.Configure(ring.Plan{Epoch: 1, Stores: []gazetteer.StoreID{gazetteer.NodeID("a").Store(), b}, Edges: []ring.Edge{{Peer: "b"}}})
	r.Linked("b")
	r.Step("b", ring.Greet{Store: b, Incarnation: 7, Generation: 1})
	r.Step("b", ring.Fresh{Node: "b", Origin: gazetteer.Origin{Store: b, Incarnation: 7}, Generation: 1, Number: 1,
		Next: gazetteer.ClockAt(epoch - 5000), Age: 5 * time.Second, Stable: &ring.Stable{}})
	r.Ready()
	at, known := r.AsOf(b)
	if want := now.Mono - 5*time.Second; !known || at != want {
		t.Errorf("as of %v, known %v; want %v", at, known, want)
	}
}
