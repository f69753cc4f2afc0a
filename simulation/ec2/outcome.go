package ec2

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"time"

	"gazetteer"
	"gazetteer/simulation/result"
	"gazetteer/simulation/scenario"
)

var replicaNode = regexp.MustCompile(`-r[0-9]+-[0-9]+$`)

func regionID(name string) gazetteer.RegionID { return gazetteer.RegionID(name) }

func sortedKeys[V any](m map[string]V) []string { return slices.Sorted(maps.Keys(m)) }

// write makes the result of what was collected, and leaves it in its folder.
func (e *experiment) write(ctx context.Context) error {
	text, err := os.ReadFile(filepath.Join(e.Dir, collectedFile))
	if err != nil {
		return err
	}
	var c collected
	if err := json.Unmarshal(text, &c); err != nil {
		return fmt.Errorf("%s: %w", collectedFile, err)
	}
	e.begin()
	e.addUp(c.Counted)
	e.out.Trees, e.out.Edges = c.Trees, c.Edges
	for _, region := range e.regions() {
		o, err := e.output(ctx, region)
		if err != nil {
			return err
		}
		e.samplePoints(region, &o, c.Points[region])
	}
	e.out.Checks = e.checks()
	e.out.Unlike = e.differences()
	return e.leave()
}

// writeUnfinished leaves a result that says why there is no more.
func (e *experiment) writeUnfinished(failure error) error {
	if e.state.has("report") {
		return nil
	}
	e.begin()
	e.out.DurationMS = result.MillisOf(e.passed())
	e.out.Unfinished = failure.Error()
	e.out.Unlike = e.differences()
	return e.leave()
}

// passed is how much of the load went by.
func (e *experiment) passed() time.Duration {
	if e.state.Start.IsZero() {
		return 0
	}
	return min(e.Scenario.Duration, max(0, e.Clock.Now().Sub(e.state.Start)))
}

// begin makes the part of the result that nobody has to be asked for.
func (e *experiment) begin() {
	s := e.Scenario
	e.out = &result.Run{Scenario: s.Name, About: s.About, Mode: result.EC2, Seed: s.Seed, Commit: e.Commit, Replay: e.Replay, DurationMS: result.MillisOf(s.Duration)}
	for i := range s.Regions {
		r := &s.Regions[i]
		rings := max(1, len(r.Rings))
		e.out.Regions = append(e.out.Regions, result.Region{Name: r.Name, Lat: r.Point.Lat, Lon: r.Point.Lon, Rings: rings, Replicas: rings * replicasOf(r), State: "live"})
	}
	e.out.Happenings = e.state.Happened
	e.samples = nil
}

// leave writes the result's folder.
func (e *experiment) leave() error {
	f, err := result.Create(e.Out, *e.out)
	if err != nil {
		return err
	}
	for _, s := range e.samples {
		f.Sample(s)
	}
	for _, h := range e.out.Happenings {
		f.Event(time.Duration(float64(h.AtMS)*float64(time.Millisecond)), h.Kind+" "+h.Detail)
	}
	return f.Finish(*e.out)
}

// checks says what held, of what is known on EC2.
func (e *experiment) checks() (all []result.Check) {
	add := func(name string, ok bool, format string, args ...any) {
		all = append(all, result.Check{Name: name, OK: ok, Detail: fmt.Sprintf(format, args...)})
	}
	g := &e.out.Generators
	asked, failed := g.Reads+g.Writes, int64(0)
	for _, n := range g.Errors {
		failed += n
	}
	add("no wrong answer", g.Wrong == 0, "%d of %d", g.Wrong, asked)
	if most := e.Scenario.Checks.MaxErrors; most != nil {
		add("errors", float64(failed) <= *most*float64(asked), "%d of %d requests; at most %g of them", failed, asked, *most)
	}
	if most := e.Scenario.Checks.MaxP99; most != nil {
		for _, t := range e.out.Traffic {
			add("p99 of requests from "+string(t.Region), t.P99MS <= result.MillisOf(*most), "%.1f ms, at most %v", t.P99MS, *most)
		}
	}
	return all
}

// differences names what of the scenario is otherwise on EC2, or not measured there.
func (e *experiment) differences() []string {
	s := e.Scenario
	e.acts() // names the faults that are not done
	e.unlike("network, disks and clocks are EC2's own, not the scenario's")
	e.unlike("how long updates take, what regions lack and what updates cost between regions is not measured")
	for name, t := range map[string]scenario.Tier{scenario.Regional: s.Tiers.Regional, scenario.Cluster: s.Tiers.Cluster, scenario.Replica: s.Tiers.Replica} {
		e.unlikeTier(name, &t)
	}
	for i := range s.Faults {
		switch s.Faults[i].Kind {
		case scenario.Crash, scenario.RegionDown:
			e.unlike("a crash is a machine whose power is taken away, and it is back only when EC2 has started it again")
		case scenario.Upgrade:
			e.unlike("an upgrade reboots machines: each is down for as long as that takes")
		}
	}
	e.unlikeSizes()
	slices.Sort(e.state.Unlike)
	return e.state.Unlike
}

func (e *experiment) unlikeTier(name string, t *scenario.Tier) {
	if t.Service > 0 || t.Cores > 0 {
		e.unlike("%s servers take what time they need on their instance type", name)
	}
	if t.Balancer != nil && name == scenario.Regional {
		e.unlike("the balancer before the regional servers chooses by connection, not by request")
	} else if t.Balancer != nil {
		e.unlike("no balancer before the %s tier: callers know the servers", name)
	}
}

func (e *experiment) unlikeSizes() {
	if n := e.Scenario.Partitions; n != 0 && n != gazetteer.DefaultPartitions {
		e.unlike("%d partitions instead of %d", gazetteer.DefaultPartitions, n)
	}
	if e.Scenario.Tree.Shortcuts > 0 {
		e.unlike("no shortcuts: regions are linked by their tree alone")
	}
	for i := range e.Scenario.Regions {
		r := &e.Scenario.Regions[i]
		for _, g := range r.Rings {
			if g.Replicas != replicasOf(r) {
				e.unlike("ring %s of region %s has %d replicas, as its largest has, instead of %d", g.Name, r.Name, replicasOf(r), g.Replicas)
			}
		}
	}
}

// Down takes down what is left of a run: what Terraform has made, then by tag whatever it
// did not know of, then secrets and the bucket. It goes on after an error and tells all of
// them; it may be called again.
func Down(ctx context.Context, c Config, s *State) error {
	say := func(format string, args ...any) {
		if c.Say != nil {
			c.Say(fmt.Sprintf(format, args...))
		}
	}
	if len(s.Regions) == 0 || s.Down {
		return nil
	}
	say("down: Terraform takes away what it has made")
	var errs []error
	if _, err := os.Stat(filepath.Join(rootOf(c.Dir), "main.tf.json")); err == nil {
		errs = append(errs, c.Terraform.Destroy(ctx, rootOf(c.Dir)))
	}
	say("down: what is still tagged gazetteer:run=%s", s.Run)
	for _, r := range s.Regions {
		swept, err := c.Cloud.Sweep(ctx, string(r), s.Run)
		for _, what := range swept {
			say("down: %s: removed %s", r, what)
		}
		errs = append(errs, err, c.Cloud.RemoveSecret(ctx, string(r), "/gazetteer/"+s.Run+"/admission"))
	}
	errs = append(errs, c.Cloud.RemoveBucket(ctx, string(s.Regions[0]), s.Bucket))
	if err := errors.Join(errs...); err != nil {
		return &gazetteer.Error{Op: "ec2.Down", Kind: gazetteer.Unavailable, Err: err, Detail: "something may be left that costs money; do it again with: gazetteer-ec2 down " + s.Run}
	}
	s.Down = true
	return s.save(c.Dir)
}
