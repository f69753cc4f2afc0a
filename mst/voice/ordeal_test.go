package voice_test

import (
	"cmp"
	"flag"
	"fmt"
	"maps"
	"math/rand/v2"
	"runtime"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"gazetteer"
	"gazetteer/mst"
	"gazetteer/mst/voice"
)

var (
	ordealsFlag = flag.Int("ordeals", 60, "how many planets TestOrdeals puts to everything at once")
	seedFlag    = flag.Uint64("seed", 0, "the one planet that TestOrdeals runs, if not 0")
)

// TestOrdeals puts random planets to everything at once: loss, doubling, jitter, cuts both
// ways and one way, crashes, pauses, new leaders, joining and leaving regions, proposals.
// When that is over each group of regions that can reach each other comes to rest with the
// best tree, and not too many epochs were needed.
func TestOrdeals(t *testing.T) {
	delays := matrix(t)
	if *seedFlag != 0 {
		if _, err := ordeal(delays, *seedFlag); err != nil {
			t.Fatal(err)
		}
		return
	}
	var mu sync.Mutex // guards following
	all := cover{}
	eachSeed(*ordealsFlag, func(seed uint64) bool {
		c, err := ordeal(delays, seed)
		if err != nil {
			t.Errorf("-seed %d: %v", seed, err)
			return false
		}
		mu.Lock()
		defer mu.Unlock()
		all.add(c)
		return true
	})
	if missed := all.missed(); len(missed) > 0 && *ordealsFlag >= 50 {
		t.Errorf("a batch that never saw %q proves little", missed)
	}
	t.Logf("seen: %v", all)
}

// cover counts what a planet went through.
type cover map[string]int

func (c cover) note(happened bool, what string) {
	if happened {
		c[what]++
	}
}

func (c cover) message(m voice.Message) {
	switch m := m.(type) {
	case voice.Frame:
		c.note(m.Stale != mst.Epoch{}, "frame refused as stale")
	case voice.Decline:
		c.note(m.Highest == mst.Epoch{}, "edge declined")
		c.note(m.Highest != mst.Epoch{}, "epoch declared over")
	case voice.Call:
		c.note(m.Ask, "offer asked for")
		c.note(m.Nearest > 0, "epoch over the nearest")
	}
}

func (c cover) add(d cover) {
	for what, n := range d {
		c[what] += n
	}
}

// missed returns what a batch should have seen and has not.
func (c cover) missed() (out []string) {
	for _, what := range []string{
		"frame refused as stale", "edge declined", "epoch declared over", "offer asked for", "epoch over the nearest",
		"branch tree", "branch provisional", "branch asked", "branch draining",
		"ended before it saved", "ended after it saved, before it sent",
		"run failed", "tree of a part", "epoch overtaken",
	} {
		if c[what] == 0 {
			out = append(out, what)
		}
	}
	return out
}

// voices notes what the voices that are up count.
func (p *planet) voices() {
	for _, r := range p.regions {
		c := r.voice.Status().Counters
		p.cover.note(c.Failed > 0, "run failed")
		p.cover.note(c.Entered > c.Installed+c.Failed, "epoch overtaken")
		for _, i := range r.installs {
			p.cover.note(i.tree.Regions < len(p.regions), "tree of a part")
		}
	}
}

// eachSeed runs do for the seeds from 1 on, on all processors, until one fails.
func eachSeed(n int, do func(seed uint64) bool) {
	var next atomic.Uint64
	var stop atomic.Bool
	var all sync.WaitGroup
	for range runtime.GOMAXPROCS(0) {
		all.Go(func() {
			for seed := next.Add(1); seed <= uint64(n) && !stop.Load(); seed = next.Add(1) {
				if !do(seed) {
					stop.Store(true)
				}
			}
		})
	}
	all.Wait()
}

// An ordealSetup is how the planet of a seed is.
func ordealSetup(dice *rand.Rand, delays map[way]time.Duration, seed uint64) setup {
	names := all32(delays)
	dice.Shuffle(len(names), func(i, j int) { names[i], names[j] = names[j], names[i] })
	s := setup{seed: seed, names: names[:2+dice.IntN(9)], delays: delays, given: dice.IntN(2) == 0}
	if dice.IntN(2) == 0 {
		s.loss, s.double = 0.03*dice.Float64(), 0.05*dice.Float64()
	}
	if dice.IntN(3) == 0 {
		s.faults = 0.05 * dice.Float64()
	}
	s.jitter = 0.1 * dice.Float64()
	if dice.IntN(3) == 0 {
		s.nearest = 1 + dice.IntN(3)
	}
	return s
}

func ordeal(delays map[way]time.Duration, seed uint64) (cover, error) {
	dice := rand.New(rand.NewPCG(seed, 3))
	p := newPlanet(ordealSetup(dice, delays, seed))
	const span = 3 * time.Minute
	for _, r := range p.regions {
		p.after(time.Duration(dice.Int64N(int64(10*time.Second))), r.start)
	}
	blows := 2 + dice.IntN(12)
	p.strikeInRuns(dice, blows/2)
	for range blows - blows/2 {
		p.after(time.Duration(dice.Int64N(int64(span))), p.blow(dice))
	}
	p.run(span)
	p.calm()
	p.run(lasts) // what ends a blow comes later
	if _, err := p.settle(15 * time.Minute); err != nil {
		return nil, err
	}
	p.voices()
	blows += p.cover["ended before it saved"] + p.cover["ended after it saved, before it sent"]
	return p.cover, cmp.Or(p.best(), p.honest(), p.epochsFor(blows))
}

// without returns the forest without an edge.
func (f forest) without(e edge) forest {
	out := maps.Clone(f)
	delete(out, e)
	return out
}

// honest: between correct regions no edge is disputed and no frame refused.
func (p *planet) honest() error {
	for _, r := range p.regions {
		if c := r.voice.Status().Counters; c.Disputes > 0 || c.Refused > 0 {
			return fmt.Errorf("%s disputed %d edges and refused %d frames", r.name, c.Disputes, c.Refused)
		}
	}
	return nil
}

// strikeInRuns lets things happen while epochs run: as certain of their messages are sent.
func (p *planet) strikeInRuns(dice *rand.Rand, blows int) {
	at := map[int]func(){}
	for range blows {
		at[dice.IntN(100*len(p.names))] = p.blow(dice)
	}
	n := 0
	p.onSend = func(m voice.Message) {
		if m.Kind() == voice.KindWord {
			return
		}
		n++
		if do := at[n]; do != nil {
			p.after(0, do)
		}
	}
}

// calm ends what ends by itself: loss, pauses, blows. Cuts stay.
func (p *planet) calm() {
	p.onSend = nil
	p.loss, p.double, p.faults, p.jitter = 0, 0, 0, min(p.jitter, 0.02)
	for _, r := range p.regions {
		if r.voice == nil {
			r.start()
		}
		r.resume()
	}
}

// lasts is how long a blow lasts at most.
const lasts = 40 * time.Second

// blow draws one thing that happens to the planet.
func (p *planet) blow(dice *rand.Rand) func() {
	r := p.regions[dice.IntN(len(p.regions))]
	to := p.names[dice.IntN(len(p.names))]
	span := time.Duration(dice.Int64N(int64(lasts)))
	return []func(){
		func() { r.start() },
		func() { r.start() },
		func() { r.crash(); p.after(span, r.start) },
		func() { r.pause(); p.after(span, func() { r.wakeUp() }) },
		func() { p.sever(func(n gazetteer.RegionID) bool { return n < r.name }) },
		func() { p.sever(func(n gazetteer.RegionID) bool { return n < r.name }); p.after(span, p.heal) },
		func() { p.cut[way{r.name, to}] = true },
		func() { p.cut[way{r.name, to}], p.cut[way{to, r.name}] = true, true; p.after(span, p.heal) },
		p.heal,
		func() { p.leave(r.name); p.after(span, p.rejoin) },
		func() {
			if r.voice != nil && !r.paused {
				r.voice.ProposeNow()
				r.perform()
			}
		},
	}[dice.IntN(11)]
}

func (r *region) wakeUp() {
	if r.voice != nil && r.paused {
		r.resume()
	}
}

// leave takes a region out of the directory; the word spreads.
func (p *planet) leave(name gazetteer.RegionID) {
	rest := slices.DeleteFunc(slices.Clone(p.regions[0].known), func(n gazetteer.RegionID) bool { return n == name })
	p.spread(rest)
}

func (p *planet) rejoin() { p.spread(p.names) }

func (p *planet) spread(names []gazetteer.RegionID) {
	for i, r := range p.regions {
		p.after(time.Duration(i)*50*time.Millisecond, func() { r.learn(names) })
	}
}

// best: with given costs the trees are the best ones; with measured ones no branch is much
// heavier than an edge that could replace it.
func (p *planet) best() error {
	truth := p.truth()
	got, want := p.tree(), kruskal(truth)
	if p.given && !equal(got, want) {
		return fmt.Errorf("the tree weighs %d, the best one %d", got.weight(), want.weight())
	}
	for e, cost := range got {
		side := got.without(e).around(e.a)
		for f, instead := range truth {
			if side[f.a] != side[f.b] && float64(cost) > 1.3*float64(instead)+8_000 {
				return fmt.Errorf("%v costs %d, %v %d", e, cost, f, instead)
			}
		}
	}
	return nil
}

// epochsFor bounds the epochs that so many blows may cost.
func (p *planet) epochsFor(blows int) error {
	var highest uint64
	for _, r := range p.regions {
		highest = max(highest, p.checker.saves[r.name].Epoch.Counter)
	}
	if most := uint64(10 + 4*blows); highest > most {
		return fmt.Errorf("%d epochs for %d blows", highest, blows)
	}
	return nil
}
