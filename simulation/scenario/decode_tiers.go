package scenario

import (
	"time"

	"gazetteer"
	"gazetteer/yamltree"
)

// Bounds of a classic balancer's health checks (ELB API 2012-06-01, HealthCheck).
const (
	minInterval  = 5 * time.Second
	maxInterval  = 300 * time.Second
	minTimeout   = 2 * time.Second
	maxTimeout   = 60 * time.Second
	minThreshold = 2
	maxThreshold = 10
)

const (
	maxCores   = 256
	maxPeriods = 1000
)

func (d *decoder) tiers(t *tree, at string) {
	s := &d.s.Tiers
	tier := func(name string, to *Tier) key {
		return yamltree.Known(name, func(t *tree, at string) { d.tier(t, at, name, to) })
	}
	d.Mapping(t, at, tier(Regional, &s.Regional), tier(Cluster, &s.Cluster), tier(Replica, &s.Replica))
}

func (d *decoder) tier(t *tree, at, name string, to *Tier) {
	d.Mapping(t, at,
		d.timeKey("service", &to.Service, 0, time.Minute),
		d.countKey("cores", &to.Cores, 1, maxCores),
		yamltree.Known("balancer", func(t *tree, at string) { to.Balancer = d.balancer(t, at) }),
		yamltree.Known("group", func(t *tree, at string) {
			if to.Group = d.group(t, at); name == Replica {
				d.Fail(d.Line(at), at, "replicas have no scaling group: a ring's members are its plan's; take it out")
			}
		}),
	)
}

func (d *decoder) balancer(t *tree, at string) *Balancer {
	b := defaultBalancer()
	d.Mapping(t, at,
		oneOfKey(d, "choice", &b.Choice, RoundRobin, LeastOutstanding),
		d.timeKey("interval", &b.Interval, minInterval, maxInterval),
		d.timeKey("timeout", &b.Timeout, minTimeout, maxTimeout),
		d.countKey("healthy", &b.Healthy, minThreshold, maxThreshold),
		d.countKey("unhealthy", &b.Unhealthy, minThreshold, maxThreshold),
	)
	if b.Timeout >= b.Interval {
		d.Fail(d.Line(at+"/timeout"), at+"/timeout", "a check's timeout, %v, is below the interval, %v: shorten the one or lengthen the other", b.Timeout, b.Interval)
	}
	return &b
}

func (d *decoder) group(t *tree, at string) *Group {
	g := defaultGroup()
	d.Mapping(t, at,
		d.countKey("min", &g.Min, 1, maxServers),
		d.countKey("max", &g.Max, 1, maxServers),
		yamltree.Known("up", func(t *tree, at string) { d.alarm(t, at, &g.Up) }),
		yamltree.Known("down", func(t *tree, at string) { d.alarm(t, at, &g.Down) }),
		d.timeKey("cooldown", &g.Cooldown, 0, maxTime),
		d.timeKey("boot", &g.Boot, 0, maxTime),
	)
	if g.Min > g.Max {
		d.Fail(d.Line(at+"/min"), at+"/min", "min, %d, is above max, %d", g.Min, g.Max)
	}
	if g.Down.CPU >= g.Up.CPU {
		d.Fail(d.Line(at+"/down/cpu"), at+"/down/cpu", "down, at %v, is not below up, at %v: the group would never rest", g.Down.CPU, g.Up.CPU)
	}
	return &g
}

func (d *decoder) alarm(t *tree, at string, a *Alarm) {
	d.Mapping(t, at,
		d.floatKey("cpu", &a.CPU, 0, 1),
		d.countKey("periods", &a.Periods, 1, maxPeriods),
		d.timeKey("period", &a.Period, time.Second, maxTime),
		d.countKey("by", &a.By, 1, maxServers),
	)
}

// checkGroups holds the number of servers of every region against the bounds of their
// scaling group.
func (d *decoder) checkGroups() {
	d.checkGroup(Regional, func(r *Region) int { return r.Servers })
	d.checkGroup(Cluster, func(r *Region) int { return r.ClusterServers })
}

func (d *decoder) checkGroup(tier string, servers func(*Region) int) {
	g, at := d.s.Tiers.Tier(tier).Group, "/tiers/"+tier+"/group"
	if g == nil || g.Min > g.Max {
		return
	}
	beyond := d.regionsThat(func(r *Region) bool { return servers(r) < g.Min || servers(r) > g.Max })
	if len(beyond) > 0 {
		d.Fail(d.Line(at), at, "the group has from %d to %d servers; not so at the start: %s", g.Min, g.Max, listed(beyond))
	}
}

// regionsThat returns the names of regions, so that what is wrong with many is said once.
func (d *decoder) regionsThat(are func(*Region) bool) (names []gazetteer.RegionID) {
	for i := range d.s.Regions {
		if are(&d.s.Regions[i]) {
			names = append(names, d.s.Regions[i].Name)
		}
	}
	return names
}

// checkRings makes sure that every type has a home in every region, and that rings are of
// types that there are.
func (d *decoder) checkRings() {
	for _, t := range d.typeNames() {
		homeless := d.regionsThat(func(r *Region) bool { return len(r.Rings) > 0 && len(r.RingsOf(t)) == 0 })
		if len(homeless) > 0 {
			d.Fail(d.regions.lines[homeless[0]], "/regions", "no ring for the type %q in %s; add one, or one without a type for all", t, listed(homeless))
		}
	}
	seen := map[gazetteer.Type]bool{"": true}
	for _, r := range d.s.Regions {
		for _, g := range r.Rings {
			if !seen[g.Type] {
				seen[g.Type] = true
				d.wantType(g.Type, d.regions.lines[r.Name], "/regions")
			}
		}
	}
}
