package ring_test

import (
	"testing"
	"time"

	"gazetteer"
	"gazetteer/ring"
	"gazetteer/ring/memstore"
)

// TestASlowWayIsNoSlowClock: what two peers said of their next stamps has been under way
// for three seconds. Reckoned from when it was said their clocks are this one's; only
// marks that say nothing of their way show peers that are behind.
func TestASlowWayIsNoSlowClock(t *testing.T) {
	const way = 3 * time.Second
	for _, c := range []struct {
		said   time.Duration // what the marks say of their way
		fenced uint64
	}{{way, 0}, {0, 1}} {
		if got := fencedAfterMarks(t, way, c.said); got != c.fenced {
			t.Errorf("marks of %v ago that say %v: fenced %d times, want %d", way, c.said, got, c.fenced)
		}
	}
}

// fencedAfterMarks returns how often a node fences itself that hears marks of two peers.
func fencedAfterMarks(t *testing.T, way, said time.Duration) uint64 {
	t.Helper()
	store := memstore.New()
	r, err := ring.New(ring.Config{Self: "a", Incarnation: 1, Reader: store, State: store.State()})
	if err != nil {
		t.Fatal(err)
	}
	now := ring.Now{Wall: epoch}
	r.Tick(now)
	peers := []gazetteer.NodeID{"b", "c"}
	for _, n := range peers {
		r.Linked(n)
		r.Step(n, ring.Greet{Store: n.Store(), Incarnation: 1, Generation: 1, Next: stampAt(now)})
	}
	for number := range uint64(10) {
		before := now
		now.Wall, now.Mono = now.Wall+way.Milliseconds(), now.Mono+way
		r.Tick(now)
		for _, n := range peers {
			o := gazetteer.Origin{Store: n.Store(), Incarnation: 1}
			r.Step(n, ring.Fresh{Node: n, Origin: o, Generation: 1, Number: number + 1, Next: stampAt(before), Age: said})
		}
		r.Tick(now)
		r.Ready()
	}
	return r.Counters().Fenced
}

func stampAt(n ring.Now) gazetteer.Clock { return gazetteer.ClockAt(n.Wall) }
