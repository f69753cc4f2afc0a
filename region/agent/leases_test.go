package agent

import (
	"context"
	"errors"
	"fmt"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"gazetteer"
	"gazetteer/region"
	"gazetteer/region/geo"
	"gazetteer/region/health"
	"gazetteer/ring"
)

// renew renews the lease of the location fra of a resource, once.
func (w *world) renew(n gazetteer.NodeID, id string, term time.Duration) error {
	c := region.Change{Key: key(id), Op: region.RenewLease, Location: "fra", Lease: term}
	return w.front(n).Write(w.t.Context(), []region.Change{c})[0].Err
}

func (w *world) mustRenew(n gazetteer.NodeID, id string, term time.Duration) {
	w.t.Helper()
	if err := w.renew(n, id, term); err != nil {
		w.t.Fatal(err)
	}
}

// state returns that of the location fra, and whether an answer holds it.
func (w *world) state(n gazetteer.NodeID, id string) (s geo.State, answered bool) {
	w.t.Helper()
	var a region.Answer
	if err := w.front(n).Resolve(w.t.Context(), &region.Query{Key: key(id), Explain: true}, &a); err != nil {
		w.t.Fatal(err)
	}
	for _, c := range append(a.Candidates, a.Excluded...) {
		if c.Location.ID == "fra" {
			if c.State == geo.StateDown && c.Excluded != "down" && len(a.Candidates) != 1 {
				w.t.Errorf("fra is down, and the explanation says %q", c.Excluded)
			}
			return c.State, c.Excluded == ""
		}
	}
	w.t.Fatalf("no word of fra in %+v", a)
	return 0, false
}

func (w *world) awaitState(n gazetteer.NodeID, id string, want geo.State) time.Duration {
	w.t.Helper()
	start := time.Now()
	w.eventually(func() error {
		if s, _ := w.state(n, id); s != want {
			return fmt.Errorf("%s says fra is %v, want %v", n, s, want)
		}
		return nil
	})
	return time.Since(start)
}

// written counts the updates that the replicas have made themselves.
func (w *world) written() (n uint64) {
	for _, name := range w.plan.rings[0] {
		if node := w.node(name); node != nil {
			n += node.agent.counters.Load().Written
		}
	}
	return n
}

func inRing(t *testing.T, test func(*world)) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, ringOf(3))
		defer w.stopAll()
		w.begin()
		put(t, w.front("r0"), "x")
		time.Sleep(time.Second)
		test(w)
	})
}

func TestALeaseThatIsRenewedCostsNothing(t *testing.T) {
	inRing(t, func(w *world) {
		w.mustRenew("r0", "x", 5*time.Second)
		time.Sleep(time.Second)
		before := w.written()
		for i := range 40 {
			w.mustRenew(w.plan.rings[0][i%3], "x", 5*time.Second)
			time.Sleep(3 * time.Second)
		}
		if n := w.written() - before; n != 0 {
			w.t.Errorf("40 renewals wrote %d updates", n)
		}
		if s, in := w.state("r1", "x"); s != geo.StateUp || !in {
			w.t.Errorf("after them fra is %v", s)
		}
	})
}

func TestALeaseThatIsNotRenewedEndsAndReturns(t *testing.T) {
	inRing(t, func(w *world) {
		version := w.version("x")
		if s, _ := w.state("r0", "x"); s != geo.StateUnknown {
			w.t.Errorf("without a lease fra is %v", s)
		}
		w.mustRenew("r0", "x", 5*time.Second)
		before := w.written()
		if took := w.awaitState("r2", "x", geo.StateDown); took < 5*time.Second || took > 9*time.Second {
			w.t.Errorf("a lease of 5 s ended after %v", took)
		}
		if _, in := w.state("r1", "x"); in {
			w.t.Error("what is down is in an answer")
		}
		time.Sleep(time.Minute)
		w.mustRenew("r1", "x", 5*time.Second)
		w.awaitState("r0", "x", geo.StateUp)
		if n := w.written() - before; n != 2 {
			w.t.Errorf("the end and the return of a lease wrote %d updates", n)
		}
		if now := w.version("x"); now != version {
			w.t.Errorf("the version was %x and is %x: health is no edit", version, now)
		}
	})
}

func (w *world) version(id string) gazetteer.Version {
	w.t.Helper()
	r, err := w.front("r0").Get(w.t.Context(), key(id))
	if err != nil {
		w.t.Fatal(err)
	}
	return r.Version
}

// TestADeciderIsKilled ends the member that knows of the renewals, whichever it is.
func TestADeciderIsKilled(t *testing.T) {
	inRing(t, func(w *world) {
		w.mustRenew("r0", "x", 10*time.Second)
		w.mustRenew("r0", "x", 10*time.Second)
		var dead gazetteer.NodeID
		for _, n := range w.plan.rings[0] {
			if w.node(n).agent.Mirrored().Leases.Held > 0 {
				dead = n
			}
		}
		alive := w.plan.rings[0][0]
		if alive == dead {
			alive = w.plan.rings[0][1]
		}
		time.Sleep(8 * time.Second)
		w.stop(dead)
		for range 4 { // renewed at others from now on, and never down
			w.eventually(func() error { return w.renew(alive, "x", 10*time.Second) })
			if s, in := w.state(alive, "x"); s != geo.StateUp || !in {
				w.t.Fatalf("a lease that is renewed is %v after its decider %s died", s, dead)
			}
			time.Sleep(4 * time.Second)
		}
		w.awaitState(alive, "x", geo.StateDown)
	})
}

// TestASuccessorWaitsATerm kills the decider, and nobody renews any more.
func TestASuccessorWaitsATerm(t *testing.T) {
	inRing(t, func(w *world) {
		w.mustRenew("r0", "x", 10*time.Second)
		time.Sleep(9 * time.Second)
		for _, n := range w.plan.rings[0] {
			if w.node(n).agent.Mirrored().Leases.Held > 0 {
				w.stop(n)
				break
			}
		}
		for _, n := range w.plan.rings[0] {
			if w.node(n) == nil {
				continue
			}
			if took := w.awaitState(n, "x", geo.StateDown); took < 10*time.Second || took > 17*time.Second {
				w.t.Errorf("the successor ended a lease of 10 s %v after it took over", took)
			}
			return
		}
	})
}

// TestARestartedRingKnowsItsLeases stops all, and starts them again.
func TestARestartedRingKnowsItsLeases(t *testing.T) {
	inRing(t, func(w *world) {
		w.mustRenew("r0", "x", 5*time.Second)
		time.Sleep(time.Second)
		w.stopAll()
		w.start(w.all()...)
		w.ready()
		if s, _ := w.state("r0", "x"); s != geo.StateUp {
			w.t.Errorf("after the start fra is %v", s)
		}
		w.awaitState("r0", "x", geo.StateDown)
	})
}

func TestLeaseThatCannotBe(t *testing.T) {
	inRing(t, func(w *world) {
		missing := region.Change{Key: key("x"), Op: region.RenewLease, Location: "nowhere", Lease: time.Minute}
		if err := w.front("r0").Write(w.t.Context(), []region.Change{missing})[0].Err; gazetteer.KindOf(err) != gazetteer.NotFound {
			w.t.Errorf("a location that is not there: %v", err)
		}
		if err := w.renew("r0", "y", time.Minute); gazetteer.KindOf(err) != gazetteer.NotFound {
			w.t.Errorf("a resource that is not there: %v", err)
		}
		for _, term := range []time.Duration{time.Millisecond, 25 * time.Hour, -2 * time.Second} {
			if err := w.renew("r0", "x", term); gazetteer.KindOf(err) != gazetteer.Unprocessable {
				w.t.Errorf("%v: %v", term, err)
			}
		}
	})
}

func TestALeaseIsTakenWithItsLocationAndGivenUp(t *testing.T) {
	inRing(t, func(w *world) {
		c := region.Change{Key: key("x"), Op: region.PutLocation, Locations: []gazetteer.Location{at("fra", 50, 9)}, Lease: 5 * time.Second}
		rec := w.front("r0").Write(w.t.Context(), []region.Change{c})[0]
		if rec.Err != nil || rec.Created || rec.Reached != ring.AckRing {
			w.t.Fatalf("%+v", rec)
		}
		w.awaitState("r0", "x", geo.StateDown)
		c.Lease = 0 // an edit says nothing of the lease
		if rec := w.front("r0").Write(w.t.Context(), []region.Change{c})[0]; rec.Err != nil {
			w.t.Fatal(rec.Err)
		}
		time.Sleep(time.Second)
		if s, _ := w.state("r0", "x"); s != geo.StateDown {
			w.t.Errorf("after an edit fra is %v", s)
		}
		w.mustRenew("r0", "x", region.NoLease)
		w.awaitState("r1", "x", geo.StateUnknown)
		time.Sleep(time.Minute)
		if s, _ := w.state("r1", "x"); s != geo.StateUnknown {
			w.t.Errorf("a minute after the lease was given up fra is %v", s)
		}
	})
}

// TestAnAnswerIsNeverEmptyBecauseOfHealth lets the only location go down.
func TestAnAnswerIsNeverEmptyBecauseOfHealth(t *testing.T) {
	inRing(t, func(w *world) {
		c := region.Change{Key: key("one"), Op: region.PutLocation, Locations: []gazetteer.Location{at("fra", 50, 9)}, Lease: 5 * time.Second}
		if rec := w.front("r0").Write(w.t.Context(), []region.Change{c})[0]; rec.Err != nil {
			w.t.Fatal(rec.Err)
		}
		w.awaitState("r0", "one", geo.StateDown)
		var a region.Answer
		if err := w.front("r0").Resolve(w.t.Context(), &region.Query{Key: key("one")}, &a); err != nil {
			w.t.Fatal(err)
		}
		if len(a.Candidates) != 1 || a.Candidates[0].State != geo.StateDown || a.TTL != 5*time.Second {
			w.t.Errorf("%+v, to be kept for %v", a.Candidates, a.TTL)
		}
	})
}

// TestLocationsAreCheckedByOneNode has one location fail, and counts who asks it.
func TestLocationsAreCheckedByOneNode(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, ringOf(3))
		defer w.stopAll()
		var sick atomic.Bool
		var asked atomic.Int32
		w.probe = func(_ context.Context, _ health.Spec, url string) error {
			if url != "https://fra.example/" {
				return nil
			}
			asked.Add(1)
			if sick.Load() {
				return errors.New("sick")
			}
			return nil
		}
		w.begin()
		put(t, w.front("r0"), "x")
		spec := region.TypeSpec{Name: "mirror", Health: health.Spec{Kind: health.HTTP, Interval: 2 * time.Second}}
		if _, err := w.front("r0").PutType(t.Context(), spec); err != nil {
			t.Fatal(err)
		}
		w.awaitState("r0", "x", geo.StateUp)
		time.Sleep(10 * time.Second)
		asked.Store(0)
		time.Sleep(20 * time.Second)
		if n := asked.Load(); n < 9 || n > 11 {
			t.Errorf("it was checked %d times in 10 intervals", n)
		}
		sick.Store(true)
		w.awaitState("r1", "x", geo.StateDown)
		if r, err := w.front("r2").Get(t.Context(), key("x")); err != nil || len(r.Health) != 1 || !r.Health[0].Down || r.Health[0].Region != "test" || r.Health[0].Aspect != gazetteer.Checked {
			t.Errorf("the record shows %+v (%v)", r.Health, err)
		}
		sick.Store(false)
		w.awaitState("r1", "x", geo.StateUp)
	})
}
