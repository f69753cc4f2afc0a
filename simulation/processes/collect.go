package processes

import (
	"context"
	"runtime"
	"slices"
	"sync"
	"time"

	"gazetteer"
	"gazetteer/simulation/result"
)

// lookEvery is how often servers are asked what they know: for lags and trees, which
// change faster than the collector's periods.
const lookEvery = time.Second

// collector asks servers while the load goes on.
type collector struct {
	run    *run
	began  time.Time
	period time.Duration
	due    time.Duration              // of the next samples
	base   map[*face]figures          // when the load began
	last   map[*face]figures          // at the last samples
	asked  map[gazetteer.RegionID]int // requests at the last samples
	failed map[gazetteer.RegionID]int64
	lags   []result.Lag
}

func (r *run) newCollector() *collector {
	c := &collector{run: r, period: max(r.c.Scenario.Metrics.Period, lookEvery), base: map[*face]figures{}, last: map[*face]figures{},
		asked: map[gazetteer.RegionID]int{}, failed: map[gazetteer.RegionID]int64{}}
	c.due = c.period
	return c
}

// start takes what was counted before the load.
func (c *collector) start(ctx context.Context, began time.Time) {
	c.began = began
	c.look(ctx)
	for _, f := range c.run.faces() {
		c.base[f] = f.seen.total()
		c.last[f] = c.base[f]
	}
}

// drive looks every second until ctx ends.
func (c *collector) drive(ctx context.Context) {
	for n := 1; sleepUntil(ctx, c.began.Add(time.Duration(n)*lookEvery)); n++ {
		c.look(ctx)
		at := time.Since(c.began)
		c.lag(at)
		if at >= c.due {
			c.sample(c.due)
			for c.due <= at {
				c.due += c.period
			}
		}
	}
}

// look asks all servers that can answer, at once.
func (c *collector) look(ctx context.Context) {
	ctx, cancel := context.WithTimeout(ctx, faceWithin)
	defer cancel()
	var asking sync.WaitGroup
	for _, p := range c.run.processes {
		if p.face != nil && p.runs() {
			asking.Go(func() {
				_ = c.run.scrape(ctx, p.face) // what a server does not say it says later
				c.run.trees.look(ctx, p)
			})
		}
	}
	asking.Wait()
}

// since is what a server has counted since the load began.
func (c *collector) since(f *face, name string) float64 {
	return f.seen.total()[name] - c.base[f][name]
}

// lag records what regions lack: of each ring the replica that has most is counted.
func (c *collector) lag(at time.Duration) {
	written := 0.0
	for _, f := range c.run.faces() {
		written += c.since(f, writtenTotal)
	}
	for _, r := range c.run.c.Scenario.Regions {
		has, known := c.has(r.Name)
		if known {
			c.lags = append(c.lags, result.Lag{AtMS: result.MillisOf(at), Region: r.Name, Updates: max(0, int64(written-has))})
		}
	}
}

// has is how many of the updates since the load began a region holds; not known if a ring
// of it has no replica that can be asked.
func (c *collector) has(r gazetteer.RegionID) (updates float64, known bool) {
	byRing := map[int]float64{}
	for _, p := range c.run.of(r) {
		if p.ring >= 0 && p.face != nil {
			byRing[p.ring] = max(byRing[p.ring], c.since(p.face, writtenTotal)+c.since(p.face, appliedTotal))
		}
	}
	for _, u := range byRing {
		updates += u
	}
	return updates, len(byRing) > 0 && len(byRing) == c.run.rings(r)
}

// sample writes down the period that has ended.
func (c *collector) sample(at time.Duration) {
	for _, p := range c.run.processes {
		if p.face == nil {
			continue
		}
		now := p.face.seen.total()
		by := func(name string) float64 { return now[name] - c.last[p.face][name] }
		c.add(at, p.region, result.TierRegional, p.name, result.MetricRequests, by(routeNames[reading])+by(routeNames[writing])+by(routeNames[looking]))
		c.add(at, p.region, result.TierRegional, p.name, result.MetricCPU, by(cpuTotal)/c.period.Seconds()/float64(runtime.NumCPU()))
		c.add(at, p.region, result.TierReplica, p.name, "written", by(writtenTotal))
		c.add(at, p.region, result.TierReplica, p.name, "applied", by(appliedTotal))
		c.add(at, p.region, result.TierReplica, p.name, "crossings", by(crossedTotal))
		c.last[p.face] = now
	}
	for _, r := range c.run.c.Scenario.Regions {
		c.sampleClients(at, r.Name)
	}
}

// sampleClients writes down what the clients of a region have seen.
func (c *collector) sampleClients(at time.Duration, region gazetteer.RegionID) {
	var took []time.Duration
	var counts result.Counts
	for _, f := range c.run.fleets {
		if f.region == region {
			took = append(took, f.news()...)
			add(&counts, f.total())
		}
	}
	slices.Sort(took)
	requests, failed := int(counts.Reads+counts.Writes), failures(&counts)
	c.add(at, region, result.TierClient, "", result.MetricRequests, float64(requests-c.asked[region]))
	c.add(at, region, result.TierClient, "", result.MetricErrors, float64(failed-c.failed[region]))
	c.asked[region], c.failed[region] = requests, failed
	for name, q := range map[string]float64{result.MetricP50: 0.5, result.MetricP90: 0.9, result.MetricP99: 0.99} {
		if len(took) > 0 {
			c.add(at, region, result.TierClient, "", name, float64(result.MillisOf(quantile(took, q))))
		}
	}
}

func (c *collector) add(at time.Duration, region gazetteer.RegionID, tier, server, metric string, v float64) {
	c.run.log.Sample(result.Sample{At: at, Region: region, Tier: tier, Server: server, Metric: metric, Value: v})
}
