package rest

import (
	"github.com/prometheus/client_golang/prometheus"

	"gazetteer"
	"gazetteer/region"
)

// A Sample is one value of a metric that another part of the process keeps. Its name
// begins with gazetteer_ and ends with its unit, as Prometheus asks for.
type Sample struct {
	Name, Help string
	Counter    bool // it only grows; else it is a gauge
	Labels     []gazetteer.Label
	Value      float64
}

// regionCollector reads what the region and other parts know at the time of a scrape.
type regionCollector struct {
	regional region.Regional
	samples  func() []Sample
}

// Describe sends nothing: which samples there are is known only when they are read.
func (c *regionCollector) Describe(chan<- *prometheus.Desc) {}

// Collect implements prometheus.Collector.
func (c *regionCollector) Collect(out chan<- prometheus.Metric) {
	if r, ok := c.regional.(statusReporter); ok {
		for _, s := range statusSamples(r.Status()) {
			send(out, s)
		}
	}
	if c.samples != nil {
		for _, s := range c.samples() {
			send(out, s)
		}
	}
}

func send(out chan<- prometheus.Metric, s Sample) {
	keys, values := make([]string, len(s.Labels)), make([]string, len(s.Labels))
	for i, l := range s.Labels {
		keys[i], values[i] = l.Key, l.Value
	}
	sort := prometheus.GaugeValue
	if s.Counter {
		sort = prometheus.CounterValue
	}
	m, err := prometheus.NewConstMetric(prometheus.NewDesc(s.Name, s.Help, keys, nil), sort, s.Value, values...)
	if err != nil {
		m = prometheus.NewInvalidMetric(prometheus.NewDesc(s.Name, s.Help, nil, nil), err)
	}
	out <- m
}

func gauge(name, help string, v float64) Sample { return Sample{Name: name, Help: help, Value: v} }

func total(name, help string, v uint64) Sample {
	return Sample{Name: name, Help: help, Counter: true, Value: float64(v)}
}

// statusSamples are what a regional server tells of itself.
func statusSamples(st region.Status) []Sample {
	q := st.Requests
	out := []Sample{
		gauge("gazetteer_plan_epoch", "Epoch of the plan in use.", float64(st.Plan)),
		total("gazetteer_region_lookups_total", "Lookups, over all faces.", q.Lookups),
		total("gazetteer_region_gets_total", "Records read whole.", q.Gets),
		total("gazetteer_region_lists_total", "Pages of listings.", q.Lists),
		total("gazetteer_region_writes_total", "Changes asked for.", q.Writes),
		total("gazetteer_region_missing_total", "Requests for what does not exist.", q.Missing),
		total("gazetteer_region_failures_total", "Requests that failed otherwise.", q.Failures),
		total("gazetteer_region_retries_total", "Requests that a second cluster server was asked for.", q.Retries),
	}
	if st.Mirrored != nil {
		out = append(out, mirrorSamples(st.Mirrored)...)
	}
	return out
}

func mirrorSamples(m *region.Mirrored) []Sample {
	c := m.Counters
	out := []Sample{
		gauge("gazetteer_partitions", "Partitions mirrored here.", float64(m.Partitions)),
		gauge("gazetteer_partitions_serving", "Of these, that answer reads.", float64(m.Serving)),
		gauge("gazetteer_partitions_alone", "Of these, that have heard no live ring mate.", float64(m.Alone)),
		total("gazetteer_ring_written_total", "Updates accepted from clients.", c.Written),
		total("gazetteer_ring_apply_total", "Updates applied from ring mates.", c.Applied),
		total("gazetteer_ring_duplicates_total", "Updates that came twice.", c.Duplicates),
		total("gazetteer_ring_gaps_total", "Updates that left a gap: an alarm.", c.Gaps),
		total("gazetteer_ring_scans_total", "Catch-up scans.", c.Scans),
		total("gazetteer_ring_whole_scans_total", "Whole scans below a horizon.", c.WholeScans),
		total("gazetteer_ring_overflows_total", "Links that fell back to catch-up.", c.Overflows),
		total("gazetteer_ring_held_total", "Updates dropped for a stamp too far ahead.", c.Held),
		total("gazetteer_ring_fenced_total", "Times this node fenced itself.", c.Fenced),
		total("gazetteer_ring_collected_total", "Tombstones collected.", c.Collected),
		total("gazetteer_ring_conflicts_total", "Entries of the conflict journal.", c.Conflicts),
	}
	return append(out, healthSamples(m)...)
}

// healthSamples tell of the locations whose health this process decides.
func healthSamples(m *region.Mirrored) []Sample {
	l, c := m.Leases, m.Checks
	by := func(s Sample, key, value string) Sample {
		s.Labels = []gazetteer.Label{{Key: key, Value: value}}
		return s
	}
	checks := func(result string, n uint64) Sample {
		return by(total("gazetteer_health_checks_total", "Checks of locations, by how they ended.", n), "result", result)
	}
	turns := func(to string, n uint64) Sample {
		return by(total("gazetteer_health_transitions_total", "Locations that went down or came back.", n), "to", to)
	}
	down := func(cause string, n int) Sample {
		return by(gauge("gazetteer_locations_down", "Locations that are down, by whose word.", float64(n)), "by", cause)
	}
	return []Sample{
		gauge("gazetteer_leases", "Leases that are renewed here.", float64(l.Held)),
		total("gazetteer_lease_renewals_total", "Renewals of leases.", l.Renewed),
		down("lease", l.Down), down("check", c.NowDown),
		turns("down", l.Ended+c.Down), turns("up", l.Returned+c.Up),
		checks("ok", c.OK), checks("failed", c.Failed), checks("denied", c.Denied),
		total("gazetteer_health_capped_total", "Failures that took nothing down because too many failed at once.", c.Capped),
	}
}
