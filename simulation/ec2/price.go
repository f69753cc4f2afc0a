package ec2

import (
	"fmt"
	"strings"
	"time"

	"gazetteer/simulation/scenario"
)

// PricesOf says when the table was written. Prices are list prices of us-east-1 in US
// dollars, rounded up; they are for a guess of the order of a run's cost, not for a bill.
const PricesOf = "January 2026"

// perHour of an instance type, Linux on demand.
func perHour(kind string) (dollars float64, known bool) {
	dollars, known = map[string]float64{
		"t3.micro": 0.0104, "t3.small": 0.0208, "t3.medium": 0.0416, "t3.large": 0.0832,
		"c5.large": 0.085, "c5.xlarge": 0.17, "c6i.large": 0.085, "c7i.large": 0.0893,
		"m5.large": 0.096, "m6i.large": 0.096, "m7i.large": 0.1008,
	}[kind]
	return dollars, known
}

const (
	dearest       = 0.2 // an hour, for types that are not in the table
	diskGiBHour   = 0.08 / 730
	addressHour   = 0.005 // each public address
	balancerHour  = 0.0225
	capacityHour  = 0.006 // one unit of a balancer's capacity
	requestBytes  = 2000  // there and back, with headers
	betweenGiB    = 0.09  // out of a region, the dearest way
	keeperDisk    = 8.0   // GiB of a voter's own volume
	replicaDisk   = 40.0
	rootDisk      = 8.0
	metricsMonth  = 0.30 // one detailed metric
	metricsOfNode = 7
)

// dearer is how much more a region costs than us-east-1.
func dearer(region string) float64 {
	if f, known := map[string]float64{
		"us-east-1": 1, "us-east-2": 1, "us-west-2": 1, "us-west-1": 1.2, "eu-west-1": 1.1, "eu-central-1": 1.15,
		"ap-southeast-1": 1.27, "ap-northeast-1": 1.31, "sa-east-1": 1.62,
	}[region]; known {
		return f
	}
	return 1.4
}

// Cost is what a run is guessed to cost.
type Cost struct {
	Hours float64 // for which all stands
	Lines []CostLine
	Total float64 // dollars
}

// CostLine is one of the things that cost money, over all regions.
type CostLine struct {
	What    string
	Dollars float64
}

// around is how long everything stands besides the load: coming up, filling, going down.
const around = 45 * time.Minute

// Estimate guesses what a run costs if all goes well and groups grow to their most.
func Estimate(s *scenario.Scenario, t Types) Cost {
	c := Cost{Hours: (s.Duration + around).Hours()}
	var instances, disks, addresses, balancers, metrics, moved float64
	for i := range s.Regions {
		r := &s.Regions[i]
		f := dearer(string(r.Name))
		n := sizeOf(s, r)
		nodes := float64(n.voters + n.servers + n.cluster + n.replicas + n.clients)
		instances += f * (float64(n.voters+n.servers)*priceOf(t.Server) + float64(n.cluster)*priceOf(t.Cluster) + float64(n.replicas)*priceOf(t.Replica) + float64(n.clients)*priceOf(t.Client))
		disks += f * diskGiBHour * (rootDisk*nodes + keeperDisk*float64(n.voters) + replicaDisk*float64(n.replicas))
		addresses += addressHour * (nodes + 3)
		balancers += f * (balancerHour + capacityHour)
		metrics += f * metricsMonth * metricsOfNode * nodes / 730
		moved += f * betweenGiB * requestsOf(s, r) * requestBytes / (1 << 30)
	}
	c.add("instances", c.Hours*instances)
	c.add("volumes", c.Hours*disks)
	c.add("public addresses", c.Hours*addresses)
	c.add("balancers", c.Hours*balancers)
	c.add("metrics", c.Hours*metrics)
	c.add("what clients move, if all of it left its region", moved)
	return c
}

func (c *Cost) add(what string, dollars float64) {
	c.Lines = append(c.Lines, CostLine{what, dollars})
	c.Total += dollars
}

func priceOf(kind string) float64 {
	if p, known := perHour(kind); known {
		return p
	}
	return dearest
}

type size struct{ voters, servers, cluster, replicas, clients int }

func sizeOf(s *scenario.Scenario, r *scenario.Region) size {
	voters := votersOf(r)
	n := size{voters, max(0, r.Servers-voters), max(1, r.ClusterServers), max(1, len(r.Rings)) * replicasOf(r), machines(s, r.Name)}
	if g := s.Tiers.Regional.Group; g != nil {
		n.servers = max(0, g.Max-voters)
	}
	if g := s.Tiers.Cluster.Group; g != nil {
		n.cluster = max(1, g.Max)
	}
	return n
}

// requestsOf is how many requests the clients of a region make, at most: each step at the
// higher of its ends.
func requestsOf(s *scenario.Scenario, r *scenario.Region) (n float64) {
	for _, c := range s.Clients {
		if c.Region != r.Name {
			continue
		}
		for i, step := range c.Rate {
			rate, end := step.Rate, s.Duration
			if i+1 < len(c.Rate) {
				end = c.Rate[i+1].At
				if step.Ramp {
					rate = max(rate, c.Rate[i+1].Rate)
				}
			}
			n += rate * max(0, (min(end, s.Duration)-step.At).Seconds())
		}
	}
	return n
}

// String is the cost line by line.
func (c Cost) String() string {
	var b strings.Builder
	fmt.Fprintf(&b, "guessed cost for %.1f hours, by list prices of %s:\n", c.Hours, PricesOf)
	for _, l := range c.Lines {
		fmt.Fprintf(&b, "  %8.2f $  %s\n", l.Dollars, l.What)
	}
	fmt.Fprintf(&b, "  %8.2f $  in all, before taxes", c.Total)
	return b.String()
}
