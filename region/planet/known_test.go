package planet

import (
	"testing"
	"time"

	"gazetteer"
	"gazetteer/region/control"
	"gazetteer/simulation/aws"
)

// The real planets, over real delays: the seven regions of 2012 and all 32. The weights
// are Kruskal's, see simulation/ghs.
func TestKnownTrees(t *testing.T) {
	world, err := aws.Load()
	if err != nil {
		t.Fatal(err)
	}
	var all []gazetteer.RegionID
	for _, r := range world.Regions() {
		all = append(all, r.Name)
	}
	for _, c := range []struct {
		name    string
		regions []gazetteer.RegionID
		given   bool
		weight  time.Duration
	}{
		{"seven, given", aws.Seven(), true, 439_555 * time.Microsecond},
		{"seven, measured", aws.Seven(), false, 439_555 * time.Microsecond},
		{"all, given", all, true, 1_107_902 * time.Microsecond},
		{"all, measured", all, false, 1_107_902 * time.Microsecond},
	} {
		t.Run(c.name, func(t *testing.T) {
			if testing.Short() && len(c.regions) > 7 {
				t.Skip("32 raft groups take some seconds")
			}
			inBubble(t, "", func(e *earth) {
				took, truth := e.growTo(world, c.regions, c.given)
				t.Logf("the tree stands %v after the last region was admitted, true weight %v", took, truth)
				if d := truth - c.weight; c.given && d != 0 || d > c.weight/100 {
					t.Errorf("the tree weighs %v, want %v", truth, c.weight)
				}
			})
		})
	}
}

// growTo makes a planet and waits for one tree of all its regions. It returns how long
// that took and what the tree weighs by the true round trips.
func (e *earth) growTo(world *aws.World, names []gazetteer.RegionID, given bool) (took, truth time.Duration) {
	for _, a := range names {
		for _, b := range names {
			e.rtt[pairOf(a, b)] = world.RTT(a, b)
		}
	}
	costs := func(self gazetteer.RegionID) func(*Config, *control.Description) {
		return func(c *Config, _ *control.Description) {
			if c.Candidates = 5; given {
				c.Costs = func(r gazetteer.RegionID) (time.Duration, bool) { return world.RTT(self, r), true }
			}
		}
	}
	first := e.found(names[0], costs(names[0]))
	for _, name := range names[1:] {
		token, _, err := first.planet.Admit(e.t.Context(), name)
		if err != nil {
			e.t.Fatal(err)
		}
		e.found(name, joining(first, token), costs(name))
	}
	begin := time.Now()
	for ; ; time.Sleep(100 * time.Millisecond) {
		if truth, whole := e.trueWeight(world, len(names)); whole {
			return time.Since(begin), truth
		}
		if time.Since(begin) > 2*time.Minute {
			e.t.Fatalf("after %v the branches are %s", time.Since(begin), e.tree())
		}
	}
}

// trueWeight returns what the trees in the plans weigh, and whether they are one tree of
// all regions of one epoch.
func (e *earth) trueWeight(world *aws.World, regions int) (sum time.Duration, whole bool) {
	ends := 0
	var epoch string
	for _, l := range e.regions {
		saved, err := savedIn(l.planet.plan())
		if err != nil {
			e.t.Fatal(err)
		}
		if epoch == "" {
			epoch = saved.Tree.Epoch.String()
		}
		if saved.Tree.Regions != regions || saved.Tree.Epoch.String() != epoch {
			return 0, false
		}
		for _, b := range saved.Tree.Branches {
			ends++
			sum += world.RTT(l.name, b.To)
		}
	}
	return sum / 2, ends == 2*(regions-1)
}
