package scenario

import (
	"cmp"
	"path/filepath"
	"strings"
	"time"

	"gazetteer"
)

// newScenario is what a file says that says nothing.
func newScenario(file string) *Scenario {
	base := filepath.Base(file)
	return &Scenario{
		Name:       cmp.Or(strings.TrimSuffix(base, filepath.Ext(base)), "scenario"),
		Seed:       1,
		Duration:   time.Minute,
		Rest:       time.Minute,
		Partitions: gazetteer.DefaultPartitions,
		Network:    defaultNetwork(),
		Tree:       Tree{Shape: MST},
		Tiers:      defaultTiers(),
		Metrics:    Metrics{Period: time.Minute}, // CloudWatch's detailed metrics of 2012
	}
}

// defaultNetwork is a quiet one: what data centres promise each other.
func defaultNetwork() Network {
	return Network{
		RTT:    map[Pair]time.Duration{},
		Local:  500 * time.Microsecond, // between zones of one place
		Jitter: 0.05,
		Drift:  20e-6,                 // of an ordinary quartz
		Skew:   10 * time.Millisecond, // what NTP leaves over distance
	}
}

// defaultTiers are servers of two cores, known to their callers.
func defaultTiers() Tiers {
	return Tiers{
		Regional: Tier{Service: 100 * time.Microsecond, Cores: 2},
		Cluster:  Tier{Service: 100 * time.Microsecond, Cores: 2},
		Replica:  Tier{Service: 200 * time.Microsecond, Cores: 2},
	}
}

// defaultBalancer is Elastic Load Balancing's for HTTP listeners: least outstanding
// requests, a check every 30 s (API of 2012-06-01, CloudFormation reference), ten good ones
// to come back.
func defaultBalancer() Balancer {
	return Balancer{Choice: LeastOutstanding, Interval: 30 * time.Second, Timeout: 5 * time.Second, Healthy: 10, Unhealthy: 2}
}

// defaultGroup scales up fast and down slowly. Its cool-down is Auto Scaling's.
func defaultGroup() Group {
	return Group{
		Min: 1, Max: 4,
		Up:       Alarm{CPU: 0.7, Periods: 2, Period: time.Minute, By: 1},
		Down:     Alarm{CPU: 0.3, Periods: 5, Period: time.Minute, By: 1},
		Cooldown: 5 * time.Minute,
		Boot:     time.Minute,
	}
}

// defaultRegion is what a region consists of that says nothing.
func defaultRegion() Region {
	return Region{Servers: 2, ClusterServers: 2, Rings: numberedRings(1, defaultReplicas)}
}

const defaultReplicas = 3

// defaultType is that of a scenario that names none.
const defaultType gazetteer.Type = "mirror"

// defaultSynthetic is a small catalogue with the popularity of web pages (Breslau et al.,
// "Web Caching and Zipf-like Distributions", 1999, found exponents up to 0.83).
func defaultSynthetic(t gazetteer.Type) Synthetic {
	return Synthetic{Type: t, IDs: 1000, Locations: 3, Zipf: 0.8}
}

// bundledTypes are those of M-Lab's catalogue.
func bundledTypes() []gazetteer.Type {
	return []gazetteer.Type{"ark", "demo8", "demo9", "flooefi", "msak", "ndt", "ndt-iupui", "neubot", "neubot-mlab", "pt", "revtr", "service", "wehe"}
}

// defaultUpgrade is how long a process is down while it is upgraded.
const defaultUpgrade = 2 * time.Second
