package voice_test

import (
	"testing"
	"time"

	"gazetteer"
	"gazetteer/mst"
	"gazetteer/mst/voice"
	"gazetteer/simulation/ghs"
)

func mustSettle(t *testing.T, p *planet, within time.Duration) time.Duration {
	t.Helper()
	took, err := p.settle(within)
	if err != nil {
		t.Fatal(err)
	}
	return took
}

// entered returns how many epochs the region entered that entered most.
func (p *planet) entered() (most uint64) {
	for _, r := range p.regions {
		if r.voice != nil {
			most = max(most, r.voice.Status().Counters.Entered)
		}
	}
	return most
}

// proposed returns how many epochs were proposed.
func (p *planet) proposed() (sum uint64) {
	for _, r := range p.regions {
		if r.voice != nil {
			sum += r.voice.Status().Counters.Proposed
		}
	}
	return sum
}

// TestKnownTrees: with costs given the trees are those that are known, and one epoch is
// enough.
func TestKnownTrees(t *testing.T) {
	delays := matrix(t)
	for _, c := range []struct {
		names  []gazetteer.RegionID
		weight uint64
	}{
		{seven[:1], 0},
		{[]gazetteer.RegionID{"us-east-1", "eu-west-1", "ap-northeast-1"}, 218_865},
		{seven, 439_555},
		{all32(delays), 1_107_902},
	} {
		p := newPlanet(setup{seed: 1, names: c.names, delays: delays, given: true}).startAll()
		took := mustSettle(t, p, time.Minute)
		if got := p.tree().weight(); got != c.weight {
			t.Errorf("%d regions: weight %d, want %d", len(c.names), got, c.weight)
		}
		if n, m := p.entered(), p.proposed(); n != 1 || m != 1 {
			t.Errorf("%d regions: %d epochs, %d proposals", len(c.names), n, m)
		}
		t.Logf("%d regions: at rest after %v, sent %v", len(c.names), took, p.sent)
	}
}

// TestLateStart: a planet that begins waits for a region that starts a little later.
func TestLateStart(t *testing.T) {
	p := newPlanet(setup{seed: 1, names: seven, delays: matrix(t), given: true})
	for i, r := range p.regions {
		late := 2300 * time.Millisecond * time.Duration(i/6) // the last one
		p.after(late, r.start)
	}
	mustSettle(t, p, time.Minute)
	mustBeKruskal(t, p)
	if n := p.entered(); n != 1 {
		t.Errorf("%d epochs", n)
	}
}

// TestMeasuredTree: with costs measured over a network that jitters the tree's true weight
// is within 1 % of the best.
func TestMeasuredTree(t *testing.T) {
	delays := matrix(t)
	for _, names := range [][]gazetteer.RegionID{seven, all32(delays)} {
		for seed := range uint64(3) {
			p := newPlanet(setup{seed: seed, names: names, delays: delays, jitter: 0.05, bare: true}).startAll()
			mustSettle(t, p, time.Minute)
			if err := p.honest(); err != nil {
				t.Error(err)
			}
			best, got := kruskal(p.truth()).weight(), p.tree().weight()
			if float64(got) > 1.01*float64(best) {
				t.Errorf("%d regions, seed %d: weight %d, the best is %d", len(names), seed, got, best)
			}
		}
	}
}

// TestCostsAreFrozen: what is measured while costs are being agreed does not count.
func TestCostsAreFrozen(t *testing.T) {
	p := newPlanet(setup{seed: 1, names: seven, delays: matrix(t), jitter: 0.2, pings: tickEvery}).startAll()
	mustSettle(t, p, time.Minute)
	if err := p.honest(); err != nil {
		t.Error(err)
	}
	if n := p.entered(); n != 1 {
		t.Errorf("%d epochs", n)
	}
}

// stopwatch notes the moments of a run.
type stopwatch struct {
	woke, halted, installed time.Duration
}

// watch notes when the first message of GHS is sent, when the first that ends the run is,
// and when the last region has installed the tree.
func (p *planet) watch() *stopwatch {
	s := &stopwatch{}
	p.onSend = func(m voice.Message) {
		f, ok := m.(voice.Frame)
		switch {
		case !ok || f.Message == nil:
		case s.woke == 0:
			s.woke = p.now
		case f.Message.Kind() == mst.KindDone && s.halted == 0:
			s.halted = p.now
		}
	}
	p.onInstall = func(*region) { s.installed = p.now }
	return s
}

// TestTimeOfARun holds a run of voices against the same run of bare nodes that are all
// woken at once: agreeing spreads the waking, and words share the network.
func TestTimeOfARun(t *testing.T) {
	delays := matrix(t)
	for _, names := range [][]gazetteer.RegionID{seven, all32(delays)} {
		p := newPlanet(setup{seed: 3, names: names, delays: delays, given: true})
		s := p.watch()
		p.startAll()
		mustSettle(t, p, time.Minute)
		g := ghs.Graph{Nodes: p.names}
		for e, cost := range p.truth() {
			g.Edges = append(g.Edges, ghs.NewEdge(e.a, e.b, cost))
		}
		bare, err := ghs.Simulate(g, ghs.Options{Seed: 3, Delay: ghs.RoundTripDelay})
		if err != nil {
			t.Fatal(err)
		}
		run := s.halted - s.woke
		t.Logf("%d regions: woken %v, halted after %v (bare %v), installed everywhere %v later", len(names), s.woke, run, bare.Elapsed, s.installed-s.halted)
		if run > bare.Elapsed*13/10 {
			t.Errorf("%d regions: %v from waking to halting, bare nodes take %v", len(names), run, bare.Elapsed)
		}
		if late := s.installed - s.halted; late > 2*time.Second {
			t.Errorf("%d regions: installed everywhere %v after halting", len(names), late)
		}
	}
}
