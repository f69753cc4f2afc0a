package processes

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"gazetteer/simulation/scenario"
)

// TestLayout: tiers share processes, and whatever a scenario names is somewhere.
func TestLayout(t *testing.T) {
	for want, r := range map[string]scenario.Region{
		"r-1 region,cluster,replica r/server-1 r/cluster-1 r/a-1": {Servers: 1, ClusterServers: 1, Rings: []scenario.Ring{{Name: "a", Replicas: 1}}},
		"r-1 region,cluster,replica r/server-1 r/cluster-1 r/a-1; r-2 region,replica r/server-2 r/a-2; r-3 replica r/b-1": {
			Servers: 2, ClusterServers: 1, Rings: []scenario.Ring{{Name: "a", Replicas: 2}, {Name: "b", Replicas: 1}}},
		"r-1 region,cluster,replica r/server-1 r/cluster-1 r/a-1; r-2 region,cluster r/server-2 r/cluster-2": {
			Servers: 2, ClusterServers: 2, Rings: []scenario.Ring{{Name: "a", Replicas: 1}}},
	} {
		r.Name = "r"
		var got []string
		for _, s := range seatsOf(&r) {
			got = append(got, fmt.Sprintf("%s %s %s", s.name, strings.Join(s.roles, ","), strings.Join(s.nodes, " ")))
		}
		if g := strings.Join(got, "; "); g != want {
			t.Errorf("got  %s\nwant %s", g, want)
		}
	}
}

// TestWaysOfFaults: a cut is of both ways, a delay may be of one.
func TestWaysOfFaults(t *testing.T) {
	way := func(f *scenario.Fault) way {
		y := way{From: "a", To: "b", Takes: time.Second}
		turnWay(&y, f)
		return y
	}
	link := func(from, to string, oneWay bool) *scenario.Link {
		return &scenario.Link{From: from, To: to, OneWay: oneWay}
	}
	for name, c := range map[string]struct {
		f     scenario.Fault
		takes time.Duration
		cut   bool
	}{
		"region":        {scenario.Fault{Kind: scenario.Cut, Region: "b"}, time.Second, true},
		"other region":  {scenario.Fault{Kind: scenario.Cut, Region: "c"}, time.Second, false},
		"link":          {scenario.Fault{Kind: scenario.Cut, Link: link("b", "a", false)}, time.Second, true},
		"other link":    {scenario.Fault{Kind: scenario.Cut, Link: link("b", "c", false)}, time.Second, false},
		"delay there":   {scenario.Fault{Kind: scenario.Delay, Link: link("a", "b", true), By: time.Second}, 2 * time.Second, false},
		"delay back":    {scenario.Fault{Kind: scenario.Delay, Link: link("b", "a", true), By: time.Second}, time.Second, false},
		"delay of both": {scenario.Fault{Kind: scenario.Delay, Link: link("b", "a", false), By: time.Second}, 2 * time.Second, false},
	} {
		if y := way(&c.f); y.Takes != c.takes || y.Cut != c.cut {
			t.Errorf("%s: %+v", name, y)
		}
	}
}

// TestWhatCannotBeDoneIsSaid: each fault is done or has a reason not to be.
func TestWhatCannotBeDoneIsSaid(t *testing.T) {
	yes, no := func(string) bool { return true }, func(string) bool { return false }
	done := map[scenario.FaultKind]bool{scenario.Crash: true, scenario.DiskLoss: true, scenario.Pause: true, scenario.Cut: true, scenario.RegionDown: true, scenario.Upgrade: true}
	for _, k := range []scenario.FaultKind{scenario.Crash, scenario.PowerLoss, scenario.DiskLoss, scenario.Pause, scenario.SlowDisk, scenario.ClockJump, scenario.Cut,
		scenario.Lossy, scenario.Delay, scenario.Duplicate, scenario.RegionDown, scenario.BalancerDown, scenario.GroupStop, scenario.Upgrade, "another"} {
		if why := canDo(&scenario.Fault{Kind: k}, yes, yes); (why == "") != done[k] {
			t.Errorf("%s: %q", k, why)
		}
	}
	if canDo(&scenario.Fault{Kind: scenario.Crash, Node: "x"}, no, no) == "" {
		t.Error("a crash of nobody is done")
	}
	if canDo(&scenario.Fault{Kind: scenario.Cut, Link: &scenario.Link{From: "a", To: "b", OneWay: true}}, yes, yes) == "" {
		t.Error("a one-way cut is done")
	}
}
