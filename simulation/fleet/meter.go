package fleet

import (
	"time"

	"gazetteer"
	"gazetteer/simulation/result"
)

// meter counts requests that have ended.
type meter struct {
	result.Counts
	refused int64 // attempts at a server that had ended
	stale   int64
	latency Histogram // of those that went well
}

// meters count the same for the collector's period and for the whole run.
type meters struct{ period, total meter }

// ended counts a request that took so long, and failed if there is a kind for it.
func (m *meter) ended(write bool, took time.Duration, failed string) {
	if write {
		m.Writes++
	} else {
		m.Reads++
	}
	if failed == "" {
		m.latency.Add(took)
		return
	}
	countError(&m.Counts, failed)
}

func countError(c *result.Counts, kind string) {
	if c.Errors == nil {
		c.Errors = map[string]int64{}
	}
	c.Errors[kind]++
}

// errors is how many failed.
func (m *meter) errors() (n int64) {
	for _, of := range m.Errors {
		n += of
	}
	return n
}

func (m *meter) requests() int64 { return m.Reads + m.Writes }

func (m *meter) merge(o *meter) {
	addCounts(&m.Counts, &o.Counts)
	m.refused += o.refused
	m.stale += o.stale
	m.latency.Merge(&o.latency)
}

func addCounts(c, o *result.Counts) {
	c.Reads += o.Reads
	c.Writes += o.Writes
	c.Wrong += o.Wrong
	for kind, n := range o.Errors {
		if c.Errors == nil {
			c.Errors = map[string]int64{}
		}
		c.Errors[kind] += n
	}
}

// reset begins a new period.
func (m *meter) reset() {
	latency := m.latency
	latency.Reset()
	*m = meter{latency: latency}
}

// traffic is what it counted, for the report.
func (m *meter) traffic(r gazetteer.RegionID, tier string) result.Traffic {
	return result.Traffic{
		Region: r, Tier: tier, Counts: m.Counts,
		P50MS: result.MillisOf(m.latency.Quantile(0.5)),
		P90MS: result.MillisOf(m.latency.Quantile(0.9)),
		P99MS: result.MillisOf(m.latency.Quantile(0.99)),
		MaxMS: result.MillisOf(m.latency.Max()),
	}
}
