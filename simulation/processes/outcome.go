package processes

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"gazetteer"
	"gazetteer/simulation/result"
	"gazetteer/simulation/scenario"
)

// outcome puts together what was measured.
func (r *run) outcome() *result.Run {
	s := r.c.Scenario
	out := &result.Run{Scenario: s.Name, About: s.About, Mode: result.Processes, Seed: s.Seed, DurationMS: result.MillisOf(min(r.ended, s.Duration)), Unlike: r.unlike()}
	if r.ctx.Err() != nil {
		out.Unfinished = fmt.Sprintf("interrupted after %v: %v", time.Since(r.began).Round(time.Second), context.Cause(r.ctx))
	}
	out.Trees, out.Edges = r.trees.told()
	out.Regions = r.places()
	out.Propagation = r.propagation()
	out.Convergence = r.collector.lags
	out.Traffic = r.traffic()
	for _, f := range r.fleets {
		add(&out.Generators, f.total())
		out.StaleReads += f.stale
	}
	out.Messages = r.messages()
	out.Happenings = r.happenings(out.Trees)
	out.Checks = r.checks(out)
	return out
}

func (r *run) places() (all []result.Region) {
	for _, g := range r.c.Scenario.Regions {
		p := result.Region{Name: g.Name, Lat: g.Point.Lat, Lon: g.Point.Lon, Rings: len(g.Rings), State: "live"}
		for _, ring := range g.Rings {
			p.Replicas += ring.Replicas
		}
		if r.running(g.Name) == nil {
			p.State = "down"
		}
		all = append(all, p)
	}
	return all
}

func (r *run) propagation() (all []result.Propagation) {
	for _, a := range r.c.Scenario.Regions {
		paths := r.paths(a.Name)
		for _, b := range r.c.Scenario.Regions {
			took := r.probes.took[[2]gazetteer.RegionID{a.Name, b.Name}]
			if len(took) == 0 {
				continue
			}
			slices.Sort(took)
			all = append(all, result.Propagation{
				From: a.Name, To: b.Name, Updates: int64(len(took)),
				P50MS: result.MillisOf(quantile(took, 0.5)), P99MS: result.MillisOf(quantile(took, 0.99)), MaxMS: result.MillisOf(took[len(took)-1]),
				DirectMS: result.MillisOf(r.between(a.Name, b.Name) / 2), PathMS: result.MillisOf(paths[b.Name]),
			})
		}
	}
	return all
}

// traffic is what clients of each region asked and what its regional servers counted.
func (r *run) traffic() (all []result.Traffic) {
	for _, g := range r.c.Scenario.Regions {
		t := result.Traffic{Region: g.Name, Tier: result.TierClient}
		var took []time.Duration
		for _, f := range r.fleets {
			if f.region == g.Name {
				add(&t.Counts, f.total())
				took = append(took, f.took...)
			}
		}
		slices.Sort(took)
		for q, to := range map[float64]*result.Millis{0.5: &t.P50MS, 0.9: &t.P90MS, 0.99: &t.P99MS, 1: &t.MaxMS} {
			*to = result.MillisOf(quantile(took, q))
		}
		all = append(all, t, r.regional(g.Name))
	}
	return all
}

// regional is what the servers of a region have counted of what generators ask.
func (r *run) regional(region gazetteer.RegionID) result.Traffic {
	t := result.Traffic{Region: region, Tier: result.TierRegional}
	for _, f := range r.faces() {
		if f.region == region {
			t.Reads += int64(r.collector.since(f, routeNames[reading]) + r.collector.since(f, routeNames[looking]))
			t.Writes += int64(r.collector.since(f, routeNames[writing]))
		}
	}
	return t
}

func (r *run) messages() result.Messages {
	m := result.Messages{ByKind: map[string]int64{}}
	for _, f := range r.faces() {
		m.Updates += int64(r.collector.since(f, writtenTotal))
		m.Crossings += int64(r.collector.since(f, crossedTotal))
		for name, kind := range kept {
			if kind != "" {
				m.ByKind[kind] += int64(r.collector.since(f, name))
			}
		}
	}
	m.ByKind["update"] = m.Crossings
	// In a mesh in which each region passes on what is new to all but the one it has it
	// from, the first sends n-1 and each other one n-2. In a star each update crosses every
	// one of its n-1 edges once.
	n := int64(len(r.c.Scenario.Regions))
	m.Mesh = m.Updates * (n - 1) * (n - 1)
	m.Star = m.Updates * (n - 1)
	return m
}

// happenings are faults and trees, by time.
func (r *run) happenings(trees []result.Tree) []result.Happening {
	r.mu.Lock()
	all := slices.Clone(r.happens)
	r.mu.Unlock()
	for _, t := range trees {
		if t.AtMS > 0 {
			all = append(all, result.Happening{AtMS: t.AtMS, Kind: "tree", Detail: fmt.Sprintf("epoch %s of %d regions: %s", t.Epoch, t.Regions, t.Why)})
		}
	}
	slices.SortStableFunc(all, func(a, b result.Happening) int { return cmp.Compare(a.AtMS, b.AtMS) })
	return all
}

// unlike names what of the scenario this mode does otherwise, or not at all.
func (r *run) unlike() (all []string) {
	s := r.c.Scenario
	said := map[string]bool{}
	say := func(is bool, format string, args ...any) {
		text := fmt.Sprintf(format, args...)
		if is && !said[text] {
			said[text] = true
			all = append(all, text)
		}
	}
	faceless := 0
	for _, g := range s.Regions {
		t := together(r.seats(g.Name))
		say(t != "", "region %s: one process each: %s", g.Name, t)
	}
	for _, p := range r.processes {
		if p.face == nil {
			faceless++
		}
	}
	say(faceless > 0, "%d processes have no REST face: their updates and crossings are not counted", faceless)
	say(s.Tree.Shortcuts > 0, "no shortcuts: regions are linked by their tree alone")
	say(s.Network.Local > 0, "inside a region messages take as long as on loopback, not %v", s.Network.Local)
	say(s.Network.Loss > 0, "no loss: connections lose nothing")
	say(s.Network.Bandwidth > 0, "no bound on bandwidth")
	say(s.Network.Drift > 0 || s.Network.Skew > 0, "no drift or skew: all processes have this machine's clock")
	for name, t := range map[string]scenario.Tier{"regional": s.Tiers.Regional, "cluster": s.Tiers.Cluster, "replica": s.Tiers.Replica} {
		say(t.Balancer != nil, "no balancer before the %s tier: clients take servers in turns", name)
		say(t.Group != nil, "no scaling group for the %s tier: its servers stand", name)
		say(t.Service > 0 || t.Cores > 0, "%s servers take what time they need and share this machine's cores", name)
	}
	for i := range s.Faults {
		f := &s.Faults[i]
		why := canDo(f, r.isProcess, r.isRegion)
		say(f.Kind == scenario.DiskLoss && why == "", "a disk that is lost leaves its node the plan of its region")
		say(why != "", "not done: %s at %v: %s", describe(f), f.At, why)
	}
	slices.Sort(all)
	return all
}

func (r *run) seats(region gazetteer.RegionID) (all []seat) {
	for _, p := range r.of(region) {
		all = append(all, p.seat)
	}
	return all
}

// checks says what held and what did not.
func (r *run) checks(out *result.Run) (all []result.Check) {
	add := func(name string, ok bool, format string, args ...any) {
		all = append(all, result.Check{Name: name, OK: ok, Detail: fmt.Sprintf(format, args...)})
	}
	want := r.c.Scenario.Checks
	asked := out.Generators.Reads + out.Generators.Writes
	failed := failures(&out.Generators)
	var wrongs []string
	for _, f := range r.fleets {
		wrongs = append(wrongs, f.wrongs...)
	}
	add("no wrong answer", out.Generators.Wrong == 0, "%d of %d; %s", out.Generators.Wrong, asked, strings.Join(wrongs, "; "))
	most := 0.0
	if want.MaxErrors != nil {
		most = *want.MaxErrors
	}
	if want.MaxErrors != nil || len(r.c.Scenario.Faults) == 0 {
		add("errors", float64(failed) <= most*float64(asked), "%d of %d requests: %s; at most %g of them", failed, asked, byKind(out.Generators.Errors), most)
	}
	add("no process ended by itself", len(r.deaths) == 0, "%s", strings.Join(r.deaths, "\n"))
	if r.breaker.first != nil {
		add("faults are done", false, "%v", r.breaker.first)
	}
	if out.Unfinished != "" {
		return all
	}
	return append(all, r.checksAtRest(out)...)
}

// checksAtRest says what held when nothing went on any more.
func (r *run) checksAtRest(out *result.Run) (all []result.Check) {
	add := func(name string, ok bool, format string, args ...any) {
		all = append(all, result.Check{Name: name, OK: ok, Detail: fmt.Sprintf(format, args...)})
	}
	want := r.c.Scenario.Checks
	within := r.patience()
	if want.EqualIn != nil {
		within = *want.EqualIn
	}
	add("regions are equal at rest", r.apart == nil && r.rest <= within, "after %v, at most %v %s", r.rest.Round(time.Millisecond), within, said(r.apart))
	lost, err := r.lost(r.ctx)
	add("no acknowledged write is lost", err == nil && len(lost) == 0, "%d; %s %s", len(lost), strings.Join(lost[:min(3, len(lost))], "; "), said(err))
	add("every update is shown everywhere", r.probes.lost == 0, "%d were not shown by a region until the end of the rest", r.probes.lost)
	if want.MaxP99 != nil {
		p99 := r.p99()
		add("p99 of requests", p99 <= *want.MaxP99, "%v, at most %v", p99, *want.MaxP99)
	}
	if want.MaxRebuild != nil {
		n := len(slices.DeleteFunc(slices.Clone(out.Trees), func(t result.Tree) bool { return t.AtMS == 0 }))
		add("trees installed under load", n <= *want.MaxRebuild, "%d, at most %d", n, *want.MaxRebuild)
	}
	return append(all, r.agreement())
}

func (r *run) p99() time.Duration {
	var took []time.Duration
	for _, f := range r.fleets {
		took = append(took, f.took...)
	}
	slices.Sort(took)
	return quantile(took, 0.99)
}

func said(err error) string {
	if err == nil {
		return ""
	}
	return err.Error()
}

func byKind(errors map[string]int64) string {
	var all []string
	for _, kind := range slices.Sorted(maps.Keys(errors)) {
		all = append(all, fmt.Sprintf("%d %s", errors[kind], kind))
	}
	return strings.Join(all, ", ")
}
