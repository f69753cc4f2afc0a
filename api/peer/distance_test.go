package peer

import (
	"context"
	"strings"
	"testing"
	"time"

	"gazetteer"
	"gazetteer/api/peer/delay"
	"gazetteer/region"
	"gazetteer/ring"
)

// farthest is one way of the longest round trip between two regions that is measured.
const farthest = 210 * time.Millisecond

// unhurried is a configuration with the times that it has by default.
func (w *town) unhurried(n gazetteer.NodeID) Config {
	return Config{Node: n, Partitions: gazetteer.DefaultPartitions, Resolve: w.resolve}
}

// acrossThePlanet returns two nodes whose regions are as far from each other as may be.
func acrossThePlanet(t *testing.T, setUp func(*Transport)) (w *town, n *delay.Network, a, b node) {
	w = newTown(t)
	n = delay.New(func(_, _ gazetteer.RegionID) time.Duration { return farthest })
	far := w.on(n)
	a, b = w.linking(far(w.unhurried("a"))), w.linking(far(w.unhurried("b")))
	for _, tr := range []*Transport{a.Transport, b.Transport} {
		setUp(tr)
	}
	return w, n, a, b
}

// With the times that are set by default the farthest regions reach each other, nobody
// takes distance for death, and ages include the way.
func TestTheFarthestRegionsReachEachOther(t *testing.T) {
	t.Parallel()
	_, _, a, b := acrossThePlanet(t, func(tr *Transport) {
		tr.HandleService("s", echoService)
		tr.Handle(region.RoleRegion, regionTier("b"))
	})
	a.Want([]gazetteer.NodeID{"b"})
	b.Want([]gazetteer.NodeID{"a"})
	began := time.Now()
	if got, err := a.CallNode(within(t, patience), "b", "s", nil); err != nil || string(got) != "a of a: " {
		t.Errorf("a service: %q, %v", got, err)
	}
	if took := time.Since(began); took < 6*farthest {
		t.Errorf("connecting, hellos and a request took %v, less than three round trips", took)
	}
	if took, err := a.PingNode(within(t, patience), "b"); err != nil || took < 2*farthest {
		t.Errorf("a ping: %v, %v", took, err)
	}
	if _, _, err := a.Tier("b", region.RoleRegion).Read(within(t, patience), nil, gazetteer.Key{Type: "t", ID: "x"}); err != nil {
		t.Errorf("a read: %v", err)
	}
	eventually(t, "they are linked", func() bool { return a.times("linked b") == 1 && b.times("linked a") == 1 })
	a.Send("b", ring.Greet{})
	b.Send("a", ring.Greet{})
	for k := range 8 { // for longer than the dead time
		a.Send("b", ring.Fresh{Number: uint64(k), Age: time.Second})
		eventually(t, "a mark arrives", func() bool { return len(b.from("a")) == k+2 })
		time.Sleep(100 * time.Millisecond)
	}
	for _, m := range b.from("a")[1:] {
		if age := m.(ring.Fresh).Age - time.Second; age < farthest {
			t.Errorf("%v under way is told as %v", farthest, age)
		}
	}
	for _, r := range []*recorder{a.recorder, b.recorder} {
		if events := r.all(); len(events) != 2 {
			t.Errorf("distance was taken for death: %v", events)
		}
	}
}

// slowService takes longer than a caller waits before it asks whether its peer is there.
func slowService(ctx context.Context, _ Caller, _ []byte) ([]byte, error) {
	select {
	case <-time.After(1500 * time.Millisecond):
	case <-ctx.Done():
	}
	return nil, ctx.Err()
}

// A slow request is no dead peer at the greatest distance either: pings come back in time.
func TestSlowAnswersFromFarAreAwaited(t *testing.T) {
	t.Parallel()
	_, _, a, _ := acrossThePlanet(t, func(tr *Transport) { tr.HandleService("slow", slowService) })
	if _, err := a.CallNode(within(t, patience), "b", "slow", nil); err != nil {
		t.Error(err)
	}
}

// A cut is noticed after the dead time, and what was cut off comes back when it heals.
func TestACutBetweenRegions(t *testing.T) {
	t.Parallel()
	w, n, a, b := acrossThePlanet(t, func(tr *Transport) { tr.HandleService("s", echoService) })
	here, there := []gazetteer.RegionID{"a"}, []gazetteer.RegionID{"b"}
	a.Want([]gazetteer.NodeID{"b"})
	eventually(t, "they are linked", func() bool { return a.times("alive b") == 1 && b.times("alive a") == 1 })
	n.Cut(here, there)
	eventually(t, "each is dead to the other", func() bool { return a.times("dead b") == 1 && b.times("dead a") == 1 })
	_, err := a.CallAddr(within(t, patience), w.resolve("b"), "s", nil)
	if gazetteer.KindOf(err) != gazetteer.Unavailable || !strings.Contains(err.Error(), "regions a and b are cut off from each other") {
		t.Errorf("through a cut: %v", err)
	}
	n.Heal(here, there)
	eventually(t, "they are linked again", func() bool { return a.times("linked b") >= 2 && a.times("alive b") == 2 && b.times("alive a") == 2 })
	eventually(t, "requests pass again", func() bool {
		_, err := a.CallAddr(within(t, patience), w.resolve("b"), "s", nil)
		return err == nil
	})
}
