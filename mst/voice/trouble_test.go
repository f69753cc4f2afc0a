package voice_test

import (
	"testing"
	"time"

	"gazetteer"
	"gazetteer/mst"
	"gazetteer/mst/voice"
)

// TestMakeBeforeBreak: while one tree follows another, links that are wanted join all
// regions at every moment, and what the new tree has not is kept for the drain.
func TestMakeBeforeBreak(t *testing.T) {
	p := settled(t, setup{seed: 1, names: seven, delays: matrix(t), given: true})
	before := p.tree()
	p.slower[way{"us-east-1", "us-west-1"}] = 3
	for _, r := range p.regions {
		r.learn(r.known)
	}
	var changed, alone time.Duration
	for end := p.now + 3*time.Minute; p.now < end; p.run(100 * time.Millisecond) {
		if !p.joined() {
			t.Fatalf("at %v the branches do not join all regions", p.now)
		}
		if changed == 0 && !equal(p.tree(), before) {
			changed = p.now
		}
		if changed > 0 && alone == 0 && !p.drains() {
			alone = p.now
		}
	}
	if changed == 0 || alone-changed < 9900*time.Millisecond || alone-changed > 11*time.Second {
		t.Errorf("the tree changed at %v, its old branches were gone at %v", changed, alone)
	}
}

func (p *planet) drains() bool {
	for _, r := range p.regions {
		for _, b := range r.branches {
			if b.Why == voice.Draining {
				return true
			}
		}
	}
	return false
}

// TestLostAgreement: what one kind of message loses on one edge takes that edge out of the
// epoch at both ends, or fails the run at once; no run waits for it until its deadline.
func TestLostAgreement(t *testing.T) {
	for _, c := range []struct {
		lost    voice.Kind
		epochs  uint64
		within  time.Duration
		without bool
	}{
		{voice.KindOffer, 1, 8 * time.Second, true},
		{voice.KindAccept, 1, 8 * time.Second, true},
		{voice.KindConfirm, 1, 8 * time.Second, false}, // a frame that follows says as much
	} {
		t.Run(c.lost.String(), func(t *testing.T) {
			p := newPlanet(setup{seed: 1, names: seven, delays: matrix(t), given: true})
			e := edge{"us-west-1", "us-west-2"}
			p.drop = func(w way, m voice.Message) bool { return newEdge(w.from, w.to) == e && m.Kind() == c.lost }
			p.startAll()
			p.run(c.within)
			if _, has := p.tree()[e]; has == c.without {
				t.Errorf("the edge is a branch: %v", has)
			}
			if n := p.entered(); n != c.epochs || len(p.tree()) != len(seven)-1 {
				t.Errorf("%d epochs, %d branches", n, len(p.tree()))
			}
			p.drop = nil
			mustSettle(t, p, 3*time.Minute)
			mustBeKruskal(t, p)
			if err := p.honest(); err != nil {
				t.Error(err)
			}
		})
	}
}

// TestOneEndHasAnEdge: of a pair the higher name never hears that the edge is agreed, and
// runs without it. The first frame that comes is denied, and the run replaced long before
// its deadline.
func TestOneEndHasAnEdge(t *testing.T) {
	delays := matrix(t)
	p := newPlanet(setup{seed: 1, names: all32(delays), delays: delays, given: true, bare: true})
	p.drop = func(w way, m voice.Message) bool {
		late := m.Kind() == voice.KindConfirm || m.Kind() == voice.KindFrame
		return late && w == way{"us-west-1", "us-west-2"} && p.now < 7*time.Second
	}
	p.startAll()
	p.run(25 * time.Second)
	if n := p.entered(); n != 2 || len(p.tree()) != 31 {
		t.Errorf("%d epochs, %d branches", n, len(p.tree()))
	}
	mustSettle(t, p, time.Minute)
	mustBeKruskal(t, p)
}

// TestHopeless: runs that never end are repeated ever more rarely, and what is left of the
// old tree is joined by provisional branches all the time.
func TestHopeless(t *testing.T) {
	p := settled(t, setup{seed: 1, names: seven, delays: matrix(t), given: true, bare: true})
	p.drop = func(_ way, m voice.Message) bool {
		f, ok := m.(voice.Frame)
		return ok && f.Message != nil && f.Message.Kind() == mst.KindDone
	}
	p.region("us-east-1").crash()
	p.run(10 * time.Second)
	for range 120 {
		p.run(time.Minute)
		if !p.joined() {
			t.Fatalf("at %v the rest is not joined", p.now)
		}
	}
	epochs := p.entered()
	if epochs > 40 {
		t.Errorf("%d epochs in two hours", epochs)
	}
	p.drop = nil
	mustSettle(t, p, 15*time.Minute)
	mustBeKruskal(t, p)
}

// TestDeathInARun: a run that needs a region which dies is replaced as soon as that region
// is missed, long before its deadline.
func TestDeathInARun(t *testing.T) {
	delays := matrix(t)
	p := newPlanet(setup{seed: 1, names: all32(delays), delays: delays, given: true, bare: true}).startAll()
	p.run(5 * time.Second) // the run is under way
	p.region("eu-central-2").crash()
	for _, r := range p.regions {
		if r.voice != nil && !r.voice.Status().Running {
			t.Fatalf("%s is not in a run", r.name)
		}
	}
	p.run(3*2560*time.Millisecond + 12*time.Second) // missed, collected, agreed and run
	if got := p.tree(); len(got) != 30 {
		t.Errorf("%d branches, want 30", len(got))
	}
	mustSettle(t, p, time.Minute)
	mustBeKruskal(t, p)
}

// TestNearest: with few candidate edges the run is shorter, and the tree is the same: when
// an edge is missed that was left out, an epoch over all edges follows.
func TestNearest(t *testing.T) {
	delays := matrix(t)
	for _, c := range []struct {
		nearest int
		epochs  uint64
	}{{0, 1}, {5, 1}, {4, 2}} {
		p := newPlanet(setup{seed: 1, names: all32(delays), delays: delays, given: true, bare: true, nearest: c.nearest})
		s := p.watch()
		p.startAll()
		took := mustSettle(t, p, 2*time.Minute)
		if w := p.tree().weight(); w != 1_107_902 {
			t.Errorf("nearest %d: weight %d", c.nearest, w)
		}
		if n := p.entered(); n != c.epochs {
			t.Errorf("nearest %d: %d epochs, want %d", c.nearest, n, c.epochs)
		}
		status := p.regions[0].voice.Status()
		t.Logf("nearest %d: first run %v, at rest after %v; last tree %d messages; sent %v", c.nearest, s.halted-s.woke, took, status.Messages, p.sent)
	}
}

// TestNearestMissesALighterEdge: the edges to the nearest join all regions, and yet leave
// out one of the tree: two towns, and a lonely region whose nearest are dearer than the
// edge between the towns.
func TestNearestMissesALighterEdge(t *testing.T) {
	place := map[gazetteer.RegionID]int{"a1": 0, "a2": 1, "a3": 2, "b1": 30, "b2": 31, "b3": 32, "z": 80}
	delays := map[way]time.Duration{}
	var names []gazetteer.RegionID
	for a, x := range place {
		names = append(names, a)
		for b, y := range place {
			if a != b {
				delays[way{a, b}] = time.Duration(max(x-y, y-x)) * time.Millisecond
			}
		}
	}
	// z is far from all, and no nearer to one town than to the other.
	for _, n := range names {
		if n != "z" {
			delays[way{n, "z"}], delays[way{"z", n}] = 60*time.Millisecond, 60*time.Millisecond
		}
	}
	delays[way{"a1", "z"}], delays[way{"z", "a1"}] = 55*time.Millisecond, 55*time.Millisecond
	delays[way{"b1", "z"}], delays[way{"z", "b1"}] = 55*time.Millisecond, 55*time.Millisecond
	p := newPlanet(setup{seed: 1, names: names, delays: delays, given: true, nearest: 2}).startAll()
	mustSettle(t, p, 2*time.Minute)
	mustBeKruskal(t, p)
	if n := p.entered(); n != 2 {
		t.Errorf("%d epochs, want one over the nearest and one over all", n)
	}
}

// TestAskedBranch: a link that one end wants beyond its tree is a branch at the other end,
// too, as long as it does.
func TestAskedBranch(t *testing.T) {
	p := settled(t, setup{seed: 1, names: seven, delays: matrix(t), given: true})
	a, b := p.region("ap-northeast-1"), p.region("sa-east-1")
	a.voice.Step(b.name, voice.Word{Voice: 1, Number: 1 << 40, Pace: time.Second, Tree: a.voice.Status().Tree.Epoch, Regions: 7,
		Entries: []voice.Entry{{Region: a.name, Hearing: voice.Heard, Asks: true}}})
	a.perform()
	if !hasBranchFor(a, b.name, voice.Asked) {
		t.Errorf("it has the branches %v", a.branches)
	}
	p.run(2 * time.Second) // true words come
	if !hasBranchFor(a, b.name, voice.Draining) {
		t.Errorf("it has the branches %v", a.branches)
	}
	mustSettle(t, p, time.Minute)
}

func hasBranchFor(r *region, to gazetteer.RegionID, why voice.Why) bool {
	for _, b := range r.branches {
		if b == (voice.Branch{Region: to, Why: why}) {
			return true
		}
	}
	return false
}
