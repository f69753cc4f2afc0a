package fleet

import (
	"slices"
	"strings"
	"testing"
	"time"

	"gazetteer"
	"gazetteer/simulation/result"
	"gazetteer/simulation/scenario"
)

func TestNothingFailsWhenNothingBreaks(t *testing.T) {
	for _, direct := range []bool{false, true} {
		s := small("a", "b")
		if direct {
			s.Tiers.Regional.Balancer, s.Tiers.Cluster.Balancer, s.Tiers.Replica.Balancer = nil, nil, nil
		}
		x := begin(t, s, 1)
		x.run(s.Duration)
		g := x.Generators()
		if n := g.Reads + g.Writes; n < 13_900 || n > 14_900 || len(g.Errors) > 0 || g.Wrong > 0 || x.StaleReads() > 0 {
			t.Errorf("direct %v: counted %+v and %d stale, want about 14400 requests and nothing else", direct, g, x.StaleReads())
		}
		if p99 := x.Latency().Quantile(0.99); p99 > 20*time.Millisecond {
			t.Errorf("direct %v: p99 is %v although everything is idle and near", direct, p99)
		}
		for node, n := range x.planet.answers {
			if want := int(g.Reads+g.Writes) / 6; n < want*17/20 || n > want*23/20 {
				t.Errorf("direct %v: %s answered %d requests, want about a sixth: %d", direct, node, n, want)
			}
		}
	}
}

// EC2-PLAN's S-02 and S-03: one of several servers behind a balancer ends. Errors stop
// within interval x unhealthy threshold + timeout, and it has traffic again healthy
// threshold x interval after it is back.
func TestBalancersPutServersOutAndIn(t *testing.T) {
	const (
		breaks = 30 * time.Second
		lasts  = 60 * time.Second
		hop    = time.Second // a sample's period, and what a message takes
		out    = 2*6*time.Second + 2*time.Second
		in     = 3 * 6 * time.Second
	)
	for _, c := range []struct {
		node string
		kind scenario.FaultKind
		slow time.Duration // until the client knows
	}{
		{"a/server-2", scenario.Crash, 0},
		{"a/server-2", scenario.PowerLoss, deadline},
		{"a/server-2", scenario.Pause, deadline},
		{"a/cluster-3", scenario.Crash, 0},
		{"a/cluster-3", scenario.PowerLoss, deadline},
		{"a/ring-1", scenario.Crash, 0},
		{"a/ring-1", scenario.PowerLoss, deadline},
	} {
		t.Run(c.node+" "+string(c.kind), func(t *testing.T) {
			x := begin(t, small("a"), 2)
			f := &scenario.Fault{Kind: c.kind, Node: c.node, At: breaks, For: lasts}
			x.at(breaks, func() { x.breaks(f) })
			x.at(breaks+lasts, func() { x.heals(f) })
			x.run(x.s().Duration)

			if n := x.sum(result.TierClient, result.MetricErrors, breaks, breaks+hop+out+c.slow); n < 5 {
				t.Errorf("only %v requests failed, so it had no traffic", n)
			}
			if n := x.sum(result.TierClient, result.MetricErrors, breaks+hop+out+c.slow, time.Hour); n > 0 {
				t.Errorf("%v requests failed later than %v after it ended", n, out)
			}
			if n := x.sum(result.TierClient, result.MetricErrors, 0, breaks); n > 0 {
				t.Errorf("%v requests failed before anything did", n)
			}
			back := x.when("in_service", c.node)
			if len(back) != 1 || back[0] <= breaks+lasts || back[0] > breaks+lasts+in+hop {
				t.Errorf("it was in service again at %v, want once within %v after %v", back, in, breaks+lasts)
			}
			if !x.hasTraffic(c.node, breaks+lasts+in+hop) {
				t.Error("it has no traffic although it is in service again")
			}
		})
	}
}

// hasTraffic reports whether a node's cores are used after a time.
func (x *trial) hasTraffic(node string, after time.Duration) bool {
	return slices.ContainsFunc(x.samples, func(s result.Sample) bool {
		return s.Server == node && s.Metric == result.MetricCPU && s.At > after && s.Value > 0
	})
}

// breaks lets the fleet and the fake have a fault.
func (x *trial) breaks(f *scenario.Fault) {
	x.Break(f)
	if strings.Contains(f.Node, "ring") {
		as := map[scenario.FaultKind]State{scenario.Crash: Down, scenario.PowerLoss: Gone, scenario.Pause: Paused}
		x.planet.states[gazetteer.NodeID(f.Node)] = as[f.Kind]
	}
}

func (x *trial) heals(f *scenario.Fault) {
	x.Heal(f)
	delete(x.planet.states, gazetteer.NodeID(f.Node))
}

// S-03: a replica that starts again is asked for nothing before it has caught up, neither
// by a balancer nor by cluster servers who know it.
func TestRestartedReplicaAnswersAfterCatchUp(t *testing.T) {
	for _, direct := range []bool{false, true} {
		s := small("a")
		if direct {
			s.Tiers.Replica.Balancer = nil
		}
		x := begin(t, s, 3)
		n := gazetteer.NodeID("a/ring-2")
		x.at(30*time.Second, func() { x.planet.states[n] = Down })
		x.at(30500*time.Millisecond, func() { x.planet.states[n], x.planet.behind[n] = Up, true }) // before a check sees it
		var before int
		x.at(120*time.Second, func() { before = x.planet.answers[n]; delete(x.planet.behind, n) })
		x.run(s.Duration)
		if x.planet.early > 0 {
			t.Errorf("direct %v: it answered %d times before it had caught up", direct, x.planet.early)
		}
		if x.planet.answers[n] < before+300 {
			t.Errorf("direct %v: it answered %d times after it had caught up", direct, x.planet.answers[n]-before)
		}
		if e := x.Generators().Errors; direct && len(e) > 0 {
			t.Errorf("cluster servers that can ask another replica returned errors: %v", e)
		}
	}
}

// Callers who know the servers themselves ask the next when one refuses.
func TestDirectCallersAskTheNext(t *testing.T) {
	s := small("a")
	s.Tiers.Regional.Balancer, s.Tiers.Cluster.Balancer, s.Tiers.Replica.Balancer = nil, nil, nil
	x := begin(t, s, 4)
	for _, node := range []string{"a/server-1", "a/cluster-1", "a/ring-1"} {
		x.at(10*time.Second, func() { x.breaks(&scenario.Fault{Kind: scenario.Crash, Node: node}) })
	}
	x.run(s.Duration)
	// What a server had in hand when it ended is refused, and sent on as well.
	if g := x.Generators(); len(g.Errors) > 0 {
		t.Errorf("clients got errors: %v", g.Errors)
	}
}

// S-07, as clients see it: a region that goes away has no requests any more after the
// failover bound, the next nearest one has them, and back again.
func TestClientsGoToTheNextRegion(t *testing.T) {
	s := small("a", "b", "c")
	x := begin(t, s, 5)
	f := &scenario.Fault{Kind: scenario.RegionDown, Region: "a"}
	x.at(60*time.Second, func() { x.Break(f) })
	x.at(120*time.Second, func() { x.Heal(f) })
	x.run(s.Duration)
	if n := x.sum(result.TierClient, result.MetricErrors, 60*time.Second+FailoverBound+deadline, time.Hour); n > 0 {
		t.Errorf("%v requests failed after the failover bound", n)
	}
	if silent := x.when("region_silent", ""); len(silent) != 3 || silent[2] > 60*time.Second+FailoverBound {
		t.Errorf("clients found it silent at %v, want all three regions' within %v", silent, FailoverBound)
	}
	per := func(r gazetteer.RegionID, from, to time.Duration) (n float64) {
		for _, s := range x.samples {
			if s.Region == r && s.Tier == result.TierRegional && s.Metric == result.MetricRequests && s.At > from && s.At <= to {
				n += s.Value
			}
		}
		return n / (to - from).Seconds()
	}
	b, c := per("b", 70*time.Second, 120*time.Second), per("c", 70*time.Second, 120*time.Second)
	if b < 72 || c > 48 {
		t.Errorf("while a is down b has %.0f requests a second and c %.0f, want a's clients at b, which is nearer", b, c)
	}
	if a := per("a", 130*time.Second, 180*time.Second); a < 32 {
		t.Errorf("when it is back it has %.0f requests a second", a)
	}
}

// S-04: four times the load for ten minutes.
func TestGroupsFollowTheLoad(t *testing.T) {
	s := small("a")
	s.Duration = 40 * time.Minute
	s.Metrics.Period = time.Minute
	s.Clients[0].Rate = []scenario.Step{{Rate: 20}, {At: 10 * time.Minute, Rate: 80}, {At: 20 * time.Minute, Rate: 20}}
	s.Tiers.Regional.Service, s.Tiers.Regional.Cores = 50*time.Millisecond, 1
	s.Regions[0].Servers = 2
	g := &scenario.Group{
		Min: 2, Max: 10, Cooldown: 3 * time.Minute, Boot: 30 * time.Second,
		Up:   scenario.Alarm{CPU: 0.7, Periods: 1, Period: time.Minute, By: 3},
		Down: scenario.Alarm{CPU: 0.3, Periods: 3, Period: time.Minute, By: 2},
	}
	s.Tiers.Regional.Group = g
	x := begin(t, s, 6)
	x.run(s.Duration)

	servers := map[time.Duration]float64{}
	p99 := map[time.Duration]float64{}
	for _, s := range x.samples {
		switch {
		case s.Tier == result.TierRegional && s.Metric == result.MetricServers:
			servers[s.At] = s.Value
		case s.Tier == result.TierClient && s.Metric == result.MetricP99:
			p99[s.At] = s.Value
		}
	}
	const target = 400
	m := time.Minute
	if before := servers[9*m]; before != 2 || p99[9*m] > target {
		t.Errorf("before: %v servers, p99 %v ms", before, p99[9*m])
	}
	if p99[11*m] < target {
		t.Errorf("in the first minute of the crowd p99 is %v ms: nothing was overloaded", p99[11*m])
	}
	if servers[20*m] < 5 || p99[18*m] > target || p99[20*m] > target {
		t.Errorf("at the crowd's end: %v servers, p99 %v and %v ms, want more than 4 and at most %v ms", servers[20*m], p99[18*m], p99[20*m], target)
	}
	if servers[40*m] > 4 {
		t.Errorf("20 minutes after the crowd there are %v servers", servers[40*m])
	}
	acts := append(x.when("scale_up", ""), x.when("scale_down", "")...)
	slices.Sort(acts)
	for i := 1; i < len(acts); i++ {
		if acts[i]-acts[i-1] < g.Cooldown {
			t.Errorf("two actions at %v and %v, within the cooldown of %v", acts[i-1], acts[i], g.Cooldown)
		}
	}
	if len(acts) < 2 {
		t.Errorf("actions: %v, want at least one up and one down", acts)
	}
}

func TestGroupReplacesTheDead(t *testing.T) {
	for _, stopped := range []bool{false, true} {
		s := small("a")
		s.Duration = 5 * time.Minute
		s.Tiers.Regional.Group = &scenario.Group{Min: 4, Max: 4, Boot: 10 * time.Second}
		x := begin(t, s, 7)
		if stopped {
			x.Break(&scenario.Fault{Kind: scenario.GroupStop, Node: "a/regional"})
		}
		x.at(30*time.Second, func() { x.Break(&scenario.Fault{Kind: scenario.PowerLoss, Node: "a/server-1"}) })
		x.run(s.Duration)
		in := x.when("in_service", "a/server-5")
		if want := 1; stopped && len(in) > 0 || !stopped && len(in) != want {
			t.Errorf("stopped %v: the replacement came into service at %v", stopped, in)
		}
	}
}

// S-05: what the report says is what the generators counted, exactly, whatever breaks.
func TestReportEqualsGenerators(t *testing.T) {
	s := small("a", "b")
	x := begin(t, s, 8)
	for i, f := range []*scenario.Fault{
		{Kind: scenario.Crash, Node: "a/server-1"}, {Kind: scenario.RegionDown, Region: "b"},
		{Kind: scenario.BalancerDown, Node: "a/cluster"}, {Kind: scenario.Pause, Node: "b/cluster-1"},
	} {
		x.at(time.Duration(20+30*i)*time.Second, func() { x.Break(f) })
		x.at(time.Duration(45+30*i)*time.Second, func() { x.Heal(f) })
	}
	x.run(s.Duration)
	g := x.Generators()
	var failed, reported, errors int64
	for _, n := range g.Errors {
		failed += n
	}
	var total result.Counts
	for _, of := range x.Traffic() {
		if of.Tier == result.TierClient {
			addCounts(&total, &of.Counts)
		}
	}
	for _, n := range total.Errors {
		errors += n
	}
	reported = int64(x.sum(result.TierClient, result.MetricRequests, 0, time.Hour))
	if failed < 20 {
		t.Errorf("only %d requests failed", failed)
	}
	if total.Reads != g.Reads || total.Writes != g.Writes || errors != failed || reported != g.Reads+g.Writes {
		t.Errorf("traffic %+v and %d in the series, want what the generators counted: %+v", total, reported, g)
	}
	if n := int64(x.sum(result.TierClient, result.MetricErrors, 0, time.Hour)); n != failed {
		t.Errorf("the series have %d errors, the generators %d", n, failed)
	}
	if n := x.Latency().Count(); n != g.Reads+g.Writes-failed {
		t.Errorf("%d latencies, want one for each of %d requests that went well", n, g.Reads+g.Writes-failed)
	}
}

func TestOneSeedIsOneRun(t *testing.T) {
	run := func(seed uint64) []string {
		s := small("a", "b")
		s.Duration = time.Minute
		x := begin(t, s, seed)
		x.at(20*time.Second, func() { x.Break(&scenario.Fault{Kind: scenario.Crash, Node: "a/server-1"}) })
		x.run(s.Duration)
		return x.events
	}
	first := run(9)
	if again := run(9); !slices.Equal(first, again) || len(first) < 60 {
		t.Errorf("two runs of one seed decide differently, or nothing: %d and %d lines", len(first), len(again))
	}
	if slices.Equal(first, run(10)) {
		t.Error("another seed gives the same run")
	}
}

func TestWrongAnswersAreCounted(t *testing.T) {
	for name, lie := range map[string]func(*Answer){
		"never written":  func(a *Answer) { a.Value = firstValue + 1<<30 },
		"of another key": func(a *Answer) { a.Value = firstValue },
		"gone":           func(a *Answer) { a.Found = false },
		"older than the session's own": func(a *Answer) {
			*a = Answer{Done: true, Found: true, Value: 7}
		},
	} {
		s := small("a")
		s.Duration = time.Minute
		x := begin(t, s, 11)
		n := 0
		x.planet.lie = func(a *Answer) {
			if n++; n%2 == 0 {
				lie(a)
			}
		}
		x.run(s.Duration)
		if g := x.Generators(); g.Wrong < 5 {
			t.Errorf("%s: %d wrong answers were noticed of %d reads", name, g.Wrong, g.Reads)
		}
		if name == "older than the session's own" && x.StaleReads() < 20 {
			t.Errorf("%s: %d stale reads without a session were noticed", name, x.StaleReads())
		}
	}
}

func TestBalancersChoose(t *testing.T) {
	b := &balancer{choice: scenario.RoundRobin}
	for range 4 {
		b.register(&backend{station: &station{}, in: true})
	}
	b.backends[2].in = false
	picks := func(n int) (out []int) {
		for range n {
			k := b.pick()
			k.outstanding++
			out = append(out, slices.Index(b.backends, k))
		}
		return out
	}
	if got := picks(5); !slices.Equal(got, []int{0, 1, 3, 0, 1}) {
		t.Errorf("round robin picked %v", got)
	}
	b.choice = scenario.LeastOutstanding // 2 2 - 1
	if got := picks(4); got[0] != 3 || b.backends[0].outstanding != 3 || b.backends[1].outstanding != 3 || b.backends[3].outstanding != 3 {
		t.Errorf("least outstanding picked %v", got)
	}
	for _, k := range b.backends {
		k.in = false
	}
	if b.pick() != nil {
		t.Error("picked one that is out of service")
	}
}
