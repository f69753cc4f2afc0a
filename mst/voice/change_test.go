package voice_test

import (
	"flag"
	"fmt"
	"slices"
	"testing"
	"time"

	"gazetteer"
	"gazetteer/mst/voice"
)

// settled starts a planet with given costs and lets it come to rest.
func settled(t *testing.T, s setup) *planet {
	t.Helper()
	p := newPlanet(s).startAll()
	mustSettle(t, p, time.Minute)
	return p
}

// mustBeKruskal holds the tree against the oracle.
func mustBeKruskal(t *testing.T, p *planet) {
	t.Helper()
	if got, want := p.tree(), kruskal(p.truth()); !equal(got, want) {
		t.Errorf("the tree weighs %d, the best one %d", got.weight(), want.weight())
	}
}

func equal(a, b forest) bool {
	if len(a) != len(b) {
		return false
	}
	for e := range a {
		if _, ok := b[e]; !ok {
			return false
		}
	}
	return true
}

// added returns what the second has and the first has not.
func added(a, b forest) (out []edge) {
	for e := range b {
		if _, ok := a[e]; !ok {
			out = append(out, e)
		}
	}
	return out
}

// joined reports whether the branches that are wanted, for whatever reason, join all
// regions that are up.
func (p *planet) joined() bool {
	links := map[edge]uint64{}
	up := 0
	var one gazetteer.RegionID
	for _, r := range p.regions {
		if r.voice == nil || !slices.Contains(r.known, r.name) {
			continue
		}
		up++
		one = r.name
		for _, b := range r.branches {
			if other := p.region(b.Region); p.checker.connected(r, other) {
				links[newEdge(r.name, b.Region)] = 0
			}
		}
	}
	size, _ := kruskal(links).part(one)
	return size == up
}

var (
	deathsFlag = flag.Int("deaths", 11, "TestEachRegionDies lets every so many of the 32 regions die; 1: each")
	stepsFlag  = flag.Int("steps", 23, "TestLeaderChanges replaces a leader at every so many steps of a run; 1: each")
	allFlag    = flag.Bool("all", false, "the tests of costs look at 32 regions, not at the 16 around the Atlantic")
	noiseFlag  = flag.Duration("noise", 3*time.Minute, "how long TestNoise lets 32 regions jitter")
)

// TestEachRegionDies: within the time of three beats the rest is joined again by
// provisional branches, and then has the best tree: the old one without the edges of the
// dead region, and one edge less than it had in exchange.
func TestEachRegionDies(t *testing.T) {
	delays := matrix(t)
	names := all32(delays)
	for i := 0; i < len(names); i += *deathsFlag {
		t.Run(string(names[i]), func(t *testing.T) { regionDies(t, names, i) })
	}
}

func regionDies(t *testing.T, names []gazetteer.RegionID, i int) {
	p := settled(t, setup{seed: uint64(i), names: names, delays: matrix(t), given: true, bare: true})
	before := p.tree()
	dead := names[i]
	p.region(dead).crash()
	var installed time.Duration
	start := p.now
	p.onInstall = func(*region) { installed = p.now - start }
	joined := p.untilJoined()
	if joined > 3*2560*time.Millisecond+1500*time.Millisecond {
		t.Errorf("the rest was in parts for %v", joined)
	}
	mustSettle(t, p, time.Minute)
	t.Logf("joined after %v, tree everywhere after %v", joined, installed)
	mustBeKruskal(t, p)
	after, degree := p.tree(), 0
	for e := range before {
		if e.a == dead || e.b == dead {
			degree++
		}
	}
	if n := len(added(before, after)); n != degree-1 {
		t.Errorf("it had %d edges, %d are new", degree, n)
	}
	if n := p.entered(); n != 2 {
		t.Errorf("%d epochs, want 2", n)
	}
}

// untilJoined lets time pass until the branches join all regions, and returns how long.
func (p *planet) untilJoined() time.Duration {
	start := p.now
	for p.run(tickEvery); !p.joined() && p.now < start+time.Minute; p.run(tickEvery) {
	}
	return p.now - start
}

func inAmericas(n gazetteer.RegionID) bool {
	return slices.Contains([]string{"us", "ca", "sa", "mx"}, string(n[:2]))
}

// TestPartition: cut off from the rest, the Americas have their own tree; when the cut
// heals one branch joins the two at once, and the tree is the old one again.
func TestPartition(t *testing.T) {
	delays := matrix(t)
	p := settled(t, setup{seed: 1, names: all32(delays), delays: delays, given: true, bare: true})
	whole := p.tree()
	p.sever(inAmericas)
	p.run(10 * time.Second) // until all are missed
	mustSettle(t, p, time.Minute)
	for range 6 { // one side is ahead of the other
		p.region("us-east-1").voice.ProposeNow()
		p.region("us-east-1").perform()
		mustSettle(t, p, time.Minute)
	}
	parts := p.tree()
	if w := parts.weight(); len(parts) != 30 || (w+50)/100 != 10_388 {
		t.Errorf("the parts have %d edges of weight %d, want 30 of 1,038.8 ms", len(parts), w)
	}
	p.heal()
	p.run(5 * time.Second)
	if !p.joined() {
		t.Error("5 s after the cut healed nothing joins the two parts")
	}
	mustSettle(t, p, time.Minute)
	if got := added(parts, p.tree()); len(got) != 1 || got[0] != (edge{"ca-central-1", "eu-west-1"}) || !equal(p.tree(), whole) {
		t.Errorf("healing added %v", got)
	}
	if n := p.region("af-south-1").voice.Status().Counters.Entered; n != 3 {
		t.Errorf("%d epochs in the part that was behind, want the first, its own, and one that joins the two", n)
	}
}

// TestDeadEdge: an edge of the tree fails while its ends live. The swap edge is a branch
// at once at its two ends, which are not those of the dead edge.
func TestDeadEdge(t *testing.T) {
	p := settled(t, setup{seed: 1, names: seven, delays: matrix(t), given: true})
	for e := range p.tree() {
		a, b := e.a, e.b
		p.cut[way{a, b}], p.cut[way{b, a}] = true, true
		p.run(5 * time.Second)
		if !p.joined() {
			t.Errorf("%v is dead, and nothing joins the parts", e)
		}
		mustSettle(t, p, time.Minute)
		mustBeKruskal(t, p)
		p.heal()
		p.run(2 * time.Minute) // an edge that the last epoch has not seen is held to the letter
		mustSettle(t, p, time.Minute)
		mustBeKruskal(t, p)
	}
}

// TestDeadOneWay: words that pass one way only are no edge.
func TestDeadOneWay(t *testing.T) {
	p := settled(t, setup{seed: 2, names: seven, delays: matrix(t), given: true})
	before := p.entered()
	p.cut[way{"us-west-1", "us-west-2"}] = true
	p.run(5 * time.Second)
	mustSettle(t, p, time.Minute)
	mustBeKruskal(t, p)
	if n := p.entered() - before; n != 1 {
		t.Errorf("%d epochs for one dead edge", n)
	}
}

// TestDeafRegion: a region that hears nobody is alone, though all hear it.
func TestDeafRegion(t *testing.T) {
	p := settled(t, setup{seed: 3, names: seven, delays: matrix(t), given: true})
	for _, n := range seven {
		p.cut[way{n, "us-east-1"}] = true
	}
	p.run(5 * time.Second)
	mustSettle(t, p, time.Minute)
	mustBeKruskal(t, p)
	p.run(10 * time.Minute)
	if n := p.entered(); n > 4 {
		t.Errorf("%d epochs: they do not come to rest", n)
	}
}

// costNames are the regions that the tests of costs look at.
func costNames(delays map[way]time.Duration) []gazetteer.RegionID {
	names := all32(delays)
	if *allFlag {
		return names
	}
	return slices.DeleteFunc(names, func(n gazetteer.RegionID) bool { return !inAmericas(n) && n[:2] != "eu" })
}

// TestBlindSpot: a region that does not hear the two ends of a branch, nor they it, knows
// nothing of that branch, and does not take it for missing.
func TestBlindSpot(t *testing.T) {
	p := settled(t, setup{seed: 4, names: seven, delays: matrix(t), given: true})
	for _, n := range []gazetteer.RegionID{"us-west-1", "us-west-2"} { // a branch of theirs
		p.cut[way{n, "ap-southeast-1"}], p.cut[way{"ap-southeast-1", n}] = true, true
	}
	p.run(5 * time.Second)
	mustSettle(t, p, time.Minute)
	epochs := p.entered()
	p.run(10 * time.Minute)
	mustSettle(t, p, time.Minute)
	mustBeKruskal(t, p)
	if n := p.entered(); n != epochs {
		t.Errorf("%d epochs at rest", n-epochs)
	}
}

// heavyLinks are links that become bad, and what comes into the tree for them.
var heavyLinks = []struct {
	heavy  edge
	factor float64
	comes  edge
}{
	{edge{"sa-east-1", "us-east-1"}, 1.5, edge{"sa-east-1", "us-east-2"}},
	{edge{"us-east-1", "us-east-2"}, 3, edge{"ca-central-1", "us-east-2"}},
}

// slow makes a link slower, both ways.
func (p *planet) slow(e edge, factor float64) {
	p.slower[way{e.a, e.b}], p.slower[way{e.b, e.a}] = factor, factor
	if p.given {
		for _, r := range p.regions {
			r.learn(r.known)
		}
	}
}

// TestCostRule: one link that stays bad makes a tree due, once. With measured costs edges
// that are practically tied may be exchanged along with it.
func TestCostRule(t *testing.T) {
	delays := matrix(t)
	for _, c := range heavyLinks {
		p := newPlanet(setup{seed: 1, names: costNames(delays), delays: delays, jitter: 0.03, bare: true}).startAll()
		mustSettle(t, p, time.Minute)
		p.run(time.Minute)
		epochs := p.entered()
		p.slow(c.heavy, c.factor)
		p.run(3 * time.Minute)
		mustSettle(t, p, time.Minute)
		if n := p.entered() - epochs; n != 1 {
			t.Errorf("%v: %d epochs, want 1", c.heavy, n)
		}
		tree, best := p.tree(), kruskal(p.truth()).weight()
		if _, still := tree[c.heavy]; still || float64(tree.weight()) > 1.01*float64(best) {
			t.Errorf("%v is a branch: %v; the tree weighs %d, the best one %d", c.heavy, still, tree.weight(), best)
		}
	}
}

// TestCostGiven: the same with costs that the operator changes: a small change changes
// nothing, a large one exchanges one edge.
func TestCostGiven(t *testing.T) {
	delays := matrix(t)
	for _, c := range heavyLinks {
		p := settled(t, setup{seed: 1, names: costNames(delays), delays: delays, given: true, bare: true})
		before := p.tree()
		p.slow(c.heavy, 1.05)
		p.run(2 * time.Minute)
		if n := p.entered(); n != 1 || !equal(p.tree(), before) {
			t.Errorf("%v: %d epochs for a small change", c.heavy, n)
		}
		p.slow(c.heavy, c.factor)
		p.run(2 * time.Minute)
		mustSettle(t, p, time.Minute)
		mustBeKruskal(t, p)
		if got := added(before, p.tree()); p.entered() != 2 || len(got) != 1 || got[0] != c.comes {
			t.Errorf("%v: %d epochs, new are %v, want %v", c.heavy, p.entered(), got, c.comes)
		}
	}
}

// TestNoise: 20 % jitter on all delays, and no new tree: for an hour on seven regions, for
// as long as -noise says on 32.
func TestNoise(t *testing.T) {
	delays := matrix(t)
	quietFor(t, setup{seed: 1, names: seven, delays: delays, jitter: 0.2, bare: true}, time.Hour)
	quietFor(t, setup{seed: 1, names: all32(delays), delays: delays, jitter: 0.2, bare: true}, *noiseFlag)
}

func quietFor(t *testing.T, s setup, span time.Duration) {
	t.Helper()
	p := newPlanet(s).startAll()
	mustSettle(t, p, time.Minute)
	p.run(span)
	mustSettle(t, p, time.Minute)
	if n := p.entered(); n != 1 {
		t.Errorf("%d regions: %d epochs", len(s.names), n)
	}
	t.Logf("%d regions: %d words in %v", len(s.names), p.sent[voice.KindWord], p.now)
}

// TestJoin: a region joins by another one, which is its branch at once; then one tree
// holds all. The directory reaches the others a little later.
func TestJoin(t *testing.T) {
	delays := matrix(t)
	names := all32(delays)
	p := newPlanet(setup{seed: 1, names: names, delays: delays, given: true, bare: true})
	young := p.region("eu-west-3")
	old := slices.DeleteFunc(slices.Clone(p.names), func(n gazetteer.RegionID) bool { return n == young.name })
	for _, r := range p.regions {
		r.known = old
		if r != young {
			p.after(0, r.start)
		}
	}
	young.known = []gazetteer.RegionID{young.name}
	young.start()
	mustSettle(t, p, time.Minute)
	for i, r := range p.regions {
		p.after(time.Duration(i)*10*time.Millisecond, func() { r.learn(p.names) })
	}
	p.after(0, func() {
		p.region("sa-east-1").learn(p.names)
		young.learn(p.names)
		young.voice.Contact("sa-east-1")
		young.perform()
	})
	p.run(100 * time.Millisecond)
	if !slices.Contains(young.branches, voice.Branch{Region: "sa-east-1", Why: voice.Contact}) {
		t.Errorf("at once it has the branches %v", young.branches)
	}
	p.run(time.Second)
	if !slices.Contains(p.region("sa-east-1").branches, voice.Branch{Region: young.name, Why: voice.Asked}) {
		t.Errorf("its contact has the branches %v", p.region("sa-east-1").branches)
	}
	mustSettle(t, p, time.Minute)
	mustBeKruskal(t, p)
	if n := p.entered(); n != 2 {
		t.Errorf("%d epochs, want 2", n)
	}
}

// TestRemove: a region leaves the directory while it still speaks. Its branches are kept
// for the drain, then it is alone.
func TestRemove(t *testing.T) {
	p := settled(t, setup{seed: 1, names: seven, delays: matrix(t), given: true})
	gone := p.region("us-east-1")
	rest := slices.DeleteFunc(slices.Clone(p.names), func(n gazetteer.RegionID) bool { return n == gone.name })
	for _, r := range p.regions {
		r.learn(rest)
	}
	p.run(time.Second)
	if !p.joined() || len(gone.branches) != 3 {
		t.Errorf("it has the branches %v", gone.branches)
	}
	mustSettle(t, p, time.Minute)
	for _, r := range p.regions {
		if r != gone && len(r.voice.Status().Regions) != 6 {
			t.Errorf("%s knows %v", r.name, r.voice.Status().Regions)
		}
	}
	p.run(10 * time.Second)
	if s := gone.voice.Status(); len(s.Branches) != 0 || len(s.Regions) != 0 {
		t.Errorf("it has %v", s)
	}
}

// TestProposalsAtOnce: all regions propose in one moment; the highest epoch wins.
func TestProposalsAtOnce(t *testing.T) {
	delays := matrix(t)
	p := settled(t, setup{seed: 1, names: all32(delays), delays: delays, given: true})
	for _, r := range p.regions {
		r.voice.ProposeNow()
		r.perform()
	}
	mustSettle(t, p, time.Minute)
	mustBeKruskal(t, p)
	if e := p.regions[0].voice.Status().Tree.Epoch; e.Counter != 2 || e.Proposer != p.names[31] {
		t.Errorf("the tree is of %v", e)
	}
}

// TestPause: a region whose process stands still for a while takes nobody as gone.
func TestPause(t *testing.T) {
	p := settled(t, setup{seed: 1, names: seven, delays: matrix(t), given: true})
	epochs := p.entered()
	r := p.region("us-east-1")
	r.pause()
	p.run(2500 * time.Millisecond)
	r.resume()
	r.voice.Tick(p.now)
	r.perform()
	p.run(10 * time.Second)
	mustSettle(t, p, time.Minute)
	if n := p.entered() - epochs; n != 0 {
		t.Errorf("%d epochs", n)
	}
	for _, r := range p.regions { // the machine stands still
		r.pause()
	}
	p.run(20 * time.Second)
	for _, r := range p.regions {
		r.resume()
		r.voice.Tick(p.now)
		for _, s := range r.voice.Status().Regions {
			if s.Hearing != voice.Mutual {
				t.Errorf("%s: %s is %v", r.name, s.Region, s.Hearing)
			}
		}
	}
	mustSettle(t, p, time.Minute)
	if n := p.entered() - epochs; n != 0 {
		t.Errorf("%d epochs", n)
	}
	r.pause()
	p.run(20 * time.Second) // the others miss it
	r.resume()
	mustSettle(t, p, time.Minute)
	mustBeKruskal(t, p)
	if n := p.entered() - epochs; n != 2 {
		t.Errorf("%d epochs, want one without it and one with it", n)
	}
}

// TestLeaderChanges: at every step of a run, of regions here and there, the voice is
// replaced by one made of what was saved.
func TestLeaderChanges(t *testing.T) {
	steps := countSteps(t)
	worst := time.Duration(0)
	for at := 1; at <= steps; at += *stepsFlag {
		p := newPlanet(setup{seed: 1, names: seven, delays: matrix(t), given: true})
		n := 0
		victim := p.regions[at%len(p.regions)]
		p.onSend = func(voice.Message) {
			if n++; n == at {
				p.after(0, victim.start)
			}
		}
		p.startAll()
		took, err := p.settle(2 * time.Minute)
		if err != nil {
			t.Fatalf("%s replaced at step %d: %v", victim.name, at, err)
		}
		mustBeKruskal(t, p)
		worst = max(worst, took)
		if n := p.entered(); n > 4 {
			t.Errorf("%s replaced at step %d: %d epochs", victim.name, at, n)
		}
	}
	t.Logf("%d steps, the slowest at rest after %v", steps, worst)
}

func countSteps(t *testing.T) (n int) {
	p := newPlanet(setup{seed: 1, names: seven, delays: matrix(t), given: true})
	p.onSend = func(voice.Message) { n++ }
	p.startAll()
	mustSettle(t, p, time.Minute)
	return n
}

// TestQuietLeaderChange: at rest a new leader changes nothing, nor does a planet all of
// whose processes start again.
func TestQuietLeaderChange(t *testing.T) {
	delays := matrix(t)
	p := settled(t, setup{seed: 1, names: all32(delays), delays: delays, given: true, bare: true})
	wait := 5 * time.Second
	for _, r := range append(slices.Clone(p.regions), p.regions...) {
		before := fmt.Sprint(r.branches)
		r.start()
		p.run(wait)
		if got := fmt.Sprint(r.branches); got != before {
			t.Errorf("%s: branches %s, before %s", r.name, got, before)
		}
		if r == p.regions[len(p.regions)-1] {
			wait = 5 * time.Millisecond // in the second round all within an instant
		}
	}
	mustSettle(t, p, time.Minute)
	for _, r := range p.regions {
		if n := r.voice.Status().Counters.Entered; n != 0 {
			t.Errorf("%s entered %d epochs", r.name, n)
		}
	}
}
