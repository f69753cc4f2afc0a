package ec2

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"path/filepath"
	"slices"
	"time"

	"gazetteer/simulation/fleet"
	"gazetteer/simulation/processes"
	"gazetteer/simulation/result"
	"gazetteer/simulation/scenario"
)

// countedWithin is how long after the end of the load clients may still be at work: the
// last answers, and the way into the bucket.
const countedWithin = 5 * time.Minute

// collected is what was fetched, kept beside the state: when the bucket is gone it is all
// that there is.
type collected struct {
	Counted []processes.Counted `json:"counted"`
	Points  map[string][]Point  `json:"points"` // by region
	Trees   []result.Tree       `json:"trees"`
	Edges   []result.Edge       `json:"edges"`
}

const collectedFile = "collected.json"

// collect fetches what clients have counted, what CloudWatch has measured, and the tree.
func (e *experiment) collect(ctx context.Context) (err error) {
	c := collected{Points: map[string][]Point{}}
	if c.Counted, err = e.counted(ctx); err != nil {
		return err
	}
	for _, region := range e.regions() {
		if c.Points[region], err = e.measured(ctx, region); err != nil {
			return err
		}
	}
	if err := e.seeTree(ctx, &c); err != nil {
		return err
	}
	text, err := json.Marshal(&c)
	if err != nil {
		return err
	}
	return writeSynced(filepath.Join(e.Dir, collectedFile), text)
}

// counted fetches what each machine of clients has left.
func (e *experiment) counted(ctx context.Context) (all []processes.Counted, err error) {
	for _, region := range e.regions() {
		n := machinesOf(e.Scenario, region)
		for shard := range n {
			key := countedKey(e.Run, region, shard)
			var c processes.Counted
			err := e.until(ctx, fmt.Sprintf("clients %d of %d of region %s have left what they counted", shard+1, n, region), countedWithin, func() error {
				text, err := e.Cloud.Get(ctx, e.home(), e.state.Bucket, key)
				if err != nil {
					return err
				}
				return json.Unmarshal(text, &c)
			})
			if err != nil {
				return nil, err
			}
			all = append(all, c)
		}
	}
	return all, nil
}

// countedKey is where packaging/boot/clients puts what a shard has counted.
func countedKey(run, region string, shard int) string {
	return fmt.Sprintf("%s/clients/%s/counted-%d.json", run, region, shard+1)
}

// addUp makes the clients' part of the result.
func (e *experiment) addUp(counted []processes.Counted) {
	for _, region := range e.Scenario.Regions {
		t := result.Traffic{Region: region.Name, Tier: result.TierClient}
		var took fleet.Histogram
		periods := map[result.Millis]*processes.CountedPeriod{}
		for i := range counted {
			c := &counted[i]
			if c.Region != region.Name {
				continue
			}
			addCounts(&t.Counts, &c.Counts)
			took.Merge(&c.Took)
			e.out.StaleReads += c.Stale
			addPeriods(periods, c.Periods)
			e.note(c)
		}
		if machines(e.Scenario, region.Name) == 0 {
			continue
		}
		t.P50MS, t.P90MS, t.P99MS, t.MaxMS = at(&took, 0.5), at(&took, 0.9), at(&took, 0.99), result.MillisOf(took.Max())
		e.out.Traffic = append(e.out.Traffic, t)
		addCounts(&e.out.Generators, &t.Counts)
		for _, ms := range slices.Sorted(maps.Keys(periods)) {
			e.samplePeriod(string(region.Name), periods[ms])
		}
	}
}

func at(h *fleet.Histogram, q float64) result.Millis { return result.MillisOf(h.Quantile(q)) }

// note names clients that did not ask all the time.
func (e *experiment) note(c *processes.Counted) {
	if c.LateMS > 0 {
		e.unlike("clients %d of %d of region %s came %.0f s after the load had begun", c.Shard+1, c.Shards, c.Region, c.LateMS/1000)
	}
	if c.Unfinished != "" {
		e.unlike("clients %d of %d of region %s: %s", c.Shard+1, c.Shards, c.Region, c.Unfinished)
	}
}

func addCounts(to, c *result.Counts) {
	to.Reads += c.Reads
	to.Writes += c.Writes
	to.Wrong += c.Wrong
	for kind, n := range c.Errors {
		if to.Errors == nil {
			to.Errors = map[string]int64{}
		}
		to.Errors[kind] += n
	}
}

func addPeriods(to map[result.Millis]*processes.CountedPeriod, all []processes.CountedPeriod) {
	for i := range all {
		p := to[all[i].AtMS]
		if p == nil {
			p = &processes.CountedPeriod{AtMS: all[i].AtMS}
			to[p.AtMS] = p
		}
		p.Requests += all[i].Requests
		p.Errors += all[i].Errors
		p.Took.Merge(&all[i].Took)
	}
}

func (e *experiment) samplePeriod(region string, p *processes.CountedPeriod) {
	add := func(metric string, v float64) {
		e.sample(time.Duration(float64(p.AtMS)*float64(time.Millisecond)), region, result.TierClient, "", metric, v)
	}
	add(result.MetricRequests, float64(p.Requests))
	add(result.MetricErrors, float64(p.Errors))
	if p.Took.Count() > 0 {
		add(result.MetricP50, float64(at(&p.Took, 0.5)))
		add(result.MetricP90, float64(at(&p.Took, 0.9)))
		add(result.MetricP99, float64(at(&p.Took, 0.99)))
	}
}

// asked is a metric of CloudWatch and what it is called here.
type asked struct {
	Metric
	tier, server, metric string
	times                float64
}

const cloudwatchPeriod = time.Minute

// measured asks CloudWatch of the balancer and the groups of a region.
func (e *experiment) measured(ctx context.Context, region string) ([]Point, error) {
	o, err := e.output(ctx, region)
	if err != nil {
		return nil, err
	}
	var ask []Metric
	for _, w := range wantedMetrics(&o) {
		ask = append(ask, w.Metric)
	}
	return e.Cloud.Metrics(ctx, region, ask, e.state.Start.Truncate(cloudwatchPeriod), e.state.Start.Add(e.Scenario.Duration))
}

// samplePoints makes samples of what CloudWatch has said of a region.
func (e *experiment) samplePoints(region string, o *Region, points []Point) {
	wanted := wantedMetrics(o)
	slices.SortStableFunc(points, func(a, b Point) int { return a.At.Compare(b.At) })
	for _, p := range points {
		w := wanted[p.Asked]
		e.sample(p.At.Add(cloudwatchPeriod).Sub(e.state.Start), region, w.tier, w.server, w.metric, p.Value*w.times)
	}
}

func wantedMetrics(o *Region) (all []asked) {
	const nlb = "AWS/NetworkELB"
	balancer := map[string]string{"LoadBalancer": o.Balancer}
	targets := map[string]string{"LoadBalancer": o.Balancer, "TargetGroup": o.Targets["rest"].Suffix}
	all = []asked{
		{Metric{nlb, "NewFlowCount", "Sum", balancer}, result.TierRegional, "balancer", "flows", 1},
		{Metric{nlb, "ProcessedBytes", "Sum", balancer}, result.TierRegional, "balancer", "bytes", 1},
		{Metric{nlb, "HealthyHostCount", "Minimum", targets}, result.TierRegional, "balancer", result.MetricServers, 1},
		{Metric{nlb, "UnHealthyHostCount", "Maximum", targets}, result.TierRegional, "balancer", "unhealthy", 1},
	}
	for _, node := range sortedKeys(o.Groups) {
		group := map[string]string{"AutoScalingGroupName": o.Groups[node]}
		all = append(all, asked{Metric{"AWS/EC2", "CPUUtilization", "Average", group}, tierOf(node), node, result.MetricCPU, 0.01})
	}
	return all
}

// tierOf is the tier of a group as modules/region calls it.
func tierOf(node string) string {
	switch {
	case node == "cluster":
		return result.TierCluster
	case replicaNode.MatchString(node):
		return result.TierReplica
	}
	return result.TierRegional
}

func (e *experiment) sample(at time.Duration, region, tier, server, metric string, v float64) {
	e.samples = append(e.samples, result.Sample{At: at, Region: regionID(region), Tier: tier, Server: server, Metric: metric, Value: v})
}

// seeTree takes down the tree that the planet has at the end. If the region that is asked is
// down for good, none is known.
func (e *experiment) seeTree(ctx context.Context, c *collected) error {
	home, err := e.output(ctx, e.home())
	if err != nil {
		return err
	}
	t, edges, err := e.Planet.Tree(ctx, home.Endpoint)
	if err != nil {
		e.unlike("the tree at the end is not known: %v", err)
		return ctx.Err()
	}
	c.Trees, c.Edges = []result.Tree{t}, edges
	return nil
}

func machinesOf(s *scenario.Scenario, region string) int { return machines(s, regionID(region)) }
