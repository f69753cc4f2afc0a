package result

// The tiers that are asked.
const (
	TierClient   = "client"
	TierRegional = "regional"
	TierCluster  = "cluster"
	TierReplica  = "replica"
)

// The metrics of a sample. Each is of the period that ended at its time: a count is of
// what happened in it, a latency of the requests that ended in it.
const (
	MetricRequests = "requests" // that ended, well or not
	MetricErrors   = "errors"   // of these, those that failed
	MetricStale    = "stale"    // reads that were behind what was acknowledged
	MetricP50      = "p50_ms"
	MetricP90      = "p90_ms"
	MetricP99      = "p99_ms"
	MetricCPU      = "cpu"     // mean share of the cores in use, 0 to 1
	MetricServers  = "servers" // in service at the end
)
