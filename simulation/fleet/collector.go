package fleet

import (
	"time"

	"gazetteer/simulation/result"
)

// defaultPeriod is that of detailed monitoring by CloudWatch; the basic one was 5 minutes.
const defaultPeriod = time.Minute

// Metrics of the fleet beside those that package result names.
const (
	metricLatency   = "latency_mean_ms"
	metricHealthy   = "healthy_hosts"
	metricUnhealthy = "unhealthy_hosts"
	metricRefused   = "refused"
)

// collect ends a period of the collector, and plans the next.
func (f *Fleet) collect() {
	f.Flush()
	f.agenda.After(f.period, f.collect)
}

// Flush takes the samples of the period that has begun, and begins another. It is called
// once more when a run is over, so that nothing is left out.
func (f *Fleet) Flush() {
	for _, a := range f.areas {
		s := sampler{f, result.Sample{At: f.now(), Region: a.name}}
		s.clients(&a.clients.period)
		for _, b := range a.balancers {
			s.balancer(b)
		}
		s.servers(a)
		f.flushed(a)
	}
	f.collected = f.agenda.Now()
}

// sampler writes samples of one region.
type sampler struct {
	*Fleet
	of result.Sample
}

func (s sampler) put(metric string, value float64) {
	s.of.Metric, s.of.Value = metric, value
	s.config.Sample(s.of)
}

func (s sampler) clients(m *meter) {
	s.of.Tier = result.TierClient
	s.meter(m)
	s.put(result.MetricStale, float64(m.stale))
}

func (s sampler) meter(m *meter) {
	s.put(result.MetricRequests, float64(m.requests()))
	s.put(result.MetricErrors, float64(m.errors()))
	if m.latency.Count() == 0 {
		return
	}
	ms := func(d time.Duration) float64 { return float64(result.MillisOf(d)) }
	s.put(metricLatency, ms(m.latency.Mean()))
	s.put(result.MetricP50, ms(m.latency.Quantile(0.5)))
	s.put(result.MetricP90, ms(m.latency.Quantile(0.9)))
	s.put(result.MetricP99, ms(m.latency.Quantile(0.99)))
}

func (s sampler) balancer(b *balancer) {
	s.of.Tier, s.of.Server = b.tier, b.name
	s.meter(&b.period)
	in := b.inService()
	s.put(metricHealthy, float64(in))
	s.put(metricUnhealthy, float64(len(b.backends)-in))
	s.put(metricRefused, float64(b.period.refused))
}

// servers are those of all tiers, with the share of their cores' time in use.
func (s sampler) servers(a *area) {
	for _, c := range a.servers {
		s.of.Tier, s.of.Server = c.tier, ""
		s.put(result.MetricServers, float64(c.front[0].inService()))
		s.cpu(c.stations)
	}
	s.of.Tier = result.TierReplica
	s.cpu(a.replicas)
}

func (s sampler) cpu(stations []*station) {
	for _, k := range stations {
		used := k.used()
		could := time.Duration(k.cores) * (s.agenda.Now() - max(s.collected, k.born))
		if k.state == Up && could > 0 {
			s.of.Server = string(k.place.Node)
			s.put(result.MetricCPU, float64(used-k.sampled)/float64(could))
		}
		k.sampled = used
	}
}

// flushed begins new periods.
func (f *Fleet) flushed(a *area) {
	a.clients.period.reset()
	for _, b := range a.balancers {
		b.period.reset()
	}
}

// Traffic is what all tiers of all regions were asked.
func (f *Fleet) Traffic() (all []result.Traffic) {
	for _, a := range f.areas {
		all = append(all, a.clients.total.traffic(a.name, result.TierClient))
		for _, tier := range []string{result.TierCluster, result.TierRegional, result.TierReplica} {
			var m meter
			for _, b := range a.balancers {
				if b.tier == tier {
					m.merge(&b.total)
				}
			}
			all = append(all, m.traffic(a.name, tier))
		}
	}
	return all
}

// Generators is what the clients themselves counted.
func (f *Fleet) Generators() (c result.Counts) {
	for _, a := range f.areas {
		for _, k := range a.crowds {
			addCounts(&c, &k.counts)
		}
	}
	return c
}

// StaleReads is how many reads showed less than was acknowledged anywhere before they
// began: what the product promises only within a session.
func (f *Fleet) StaleReads() (n int64) {
	for _, a := range f.areas {
		n += a.clients.total.stale
	}
	return n
}

// Latency is that of all requests that went well.
func (f *Fleet) Latency() *Histogram {
	var h Histogram
	for _, a := range f.areas {
		h.Merge(&a.clients.total.latency)
	}
	return &h
}
