// Package scenario is the file that an experiment is written in: which regions with which
// servers, what they hold, who asks, what breaks, and what must be true in the end. The
// same file runs in virtual time, as processes on one machine, and on EC2.
package scenario

import (
	"time"

	"gazetteer"
)

// Scenario is one experiment, complete: what a file leaves out has its default here.
type Scenario struct {
	Name  string // the file's name without its ending, unless the file gives one
	About string // what it shows, for a reader

	Seed     uint64
	Duration time.Duration // of the load; what comes after is rest, until all is equal
	Rest     time.Duration // at most so long

	Partitions uint32
	Regions    []Region // by name
	Network    Network
	Tree       Tree
	Types      []Type
	Catalogue  Catalogue
	Clients    []Clients
	Tiers      Tiers
	Metrics    Metrics
	Faults     []Fault  // by time; those of Random come to them, see [Scenario.FaultsOf]
	Random     []Random // what draws faults from the seed
	Checks     Checks
}

// Region is one of them. Nodes are called REGION/server-N, REGION/cluster-N and
// REGION/RING-N, from 1; balancers and scaling groups REGION/TIER.
type Region struct {
	Name           gazetteer.RegionID
	Point          gazetteer.Point
	Servers        int // regional servers
	ClusterServers int
	Rings          []Ring // names differ; each type has one, its own or one for all
}

// Ring is one shard of a region's clusters. A type with rings of its own in a region has
// only those there.
type Ring struct {
	Name     string
	Type     gazetteer.Type // of the cluster; empty for all types
	Replicas int
}

// Network is what lies between nodes. Between regions a message takes half the round
// trip of their pair, plus jitter; inside a region half of Local.
type Network struct {
	RTT       map[Pair]time.Duration // every pair of regions, smaller name first
	Local     time.Duration          // round trip inside a region
	Jitter    float64                // of the delay, at most; uniform
	Loss      float64                // of messages, 0 to 1; a link resends what its transport loses, later
	Bandwidth int64                  // bytes a second and pair of nodes; 0: without bound
	Drift     float64                // of clocks, parts of a second a second, at most
	Skew      time.Duration          // of clocks at the start, at most
}

// Pair is two regions, the smaller name first.
type Pair struct{ A, B gazetteer.RegionID }

// PairOf returns the pair of two regions in any order.
func PairOf(a, b gazetteer.RegionID) Pair {
	if b < a {
		a, b = b, a
	}
	return Pair{a, b}
}

// Tree says along which edges regions are linked.
type Tree struct {
	Shape     Shape
	Hub       gazetteer.RegionID // of a star; empty for the other shapes
	Shortcuts int                // beyond a tree, the k that save most
}

// Shape is how regions are linked.
type Shape string

// The shapes. Only MST is what the product does; the others are what it is compared with.
const (
	MST  Shape = "mst"
	Star Shape = "star"
	Mesh Shape = "mesh"
)

// Type is a resource type.
type Type struct{ Name gazetteer.Type }

// Catalogue is what stands in the planet when the load begins.
type Catalogue struct {
	Bundled   bool   // M-Lab's measurement services
	File      string // NDJSON, one resource document a line; a path as the process sees it
	Synthetic []Synthetic
}

// Synthetic is a catalogue of a type that is made up: IDs resources, of which the nth is
// asked for with a probability that falls as 1/n^Zipf.
type Synthetic struct {
	Type      gazetteer.Type
	IDs       int
	Locations int // of each resource
	Zipf      float64
}

// Clients are a fleet of test clients in one region. Arrivals are open-loop: a stall of
// the planet does not slow them down.
type Clients struct {
	Region gazetteer.RegionID
	Type   gazetteer.Type
	Reads  float64 // share of requests, 0 to 1; the rest writes
	Rate   []Step  // by time; before the first nobody asks
}

// Step is a rate from a time on; between two steps with Ramp it goes in a straight line.
type Step struct {
	At   time.Duration
	Rate float64 // requests a second
	Ramp bool    // towards the next step
}

// Tiers is what stands in front of servers and how their number follows the load.
type Tiers struct {
	Regional, Cluster, Replica Tier
}

// Tier is one of them.
type Tier struct {
	Service  time.Duration // of one request on one server's core
	Cores    int           // of a server
	Balancer *Balancer     // nil: callers know the servers themselves
	Group    *Group        // nil: their number stands; replicas have none
}

// Balancer models a classic elastic load balancer.
type Balancer struct {
	Choice    Choice
	Interval  time.Duration // of health checks
	Timeout   time.Duration // of one
	Healthy   int           // checks in a row that put a server in service
	Unhealthy int           // and out
}

// Choice is how a balancer picks a server.
type Choice string

// The choices.
const (
	RoundRobin       Choice = "round_robin"
	LeastOutstanding Choice = "least_outstanding"
)

// Group models a scaling group: an alarm over a metric changes the number of servers.
type Group struct {
	Min, Max int
	Up, Down Alarm
	Cooldown time.Duration
	Boot     time.Duration // from the decision until a new server is ready
}

// Alarm fires when the metric was beyond the threshold for some periods in a row.
type Alarm struct {
	CPU     float64 // mean of the group, 0 to 1
	Periods int
	Period  time.Duration
	By      int // servers more, or less
}

// Metrics is how the collector samples.
type Metrics struct{ Period time.Duration }

// Fault is something that breaks at a time, and is whole again after For, unless that is
// 0: then it stays broken. An upgrade ends by itself: its For is how long each process is
// down, and then up before the next one's turn. Just one of Node, Region and Link says what breaks.
type Fault struct {
	Kind FaultKind
	At   time.Duration // before the end of the load
	For  time.Duration

	Node   string             // a process; for balancer_down and group_stop REGION/TIER
	Region gazetteer.RegionID // for region_down and upgrade; for cut, if it has no Link
	Link   *Link              // for those of the way between two
	Amount float64            // loss and duplication: 0 to 1; slow disk: times slower
	By     time.Duration      // delay: added one way; clock jump: forward, or back
	Line   int                // in the file
}

// Link is the way between two regions or two nodes; if OneWay, only what goes from From
// to To.
type Link struct {
	From, To string
	OneWay   bool
}

// FaultKind is what happens.
type FaultKind string

// The faults.
const (
	Crash        FaultKind = "crash"      // a process ends; its disk stays as it is
	PowerLoss    FaultKind = "power_loss" // and loses what was not synced
	DiskLoss     FaultKind = "disk_loss"  // and all of it
	Pause        FaultKind = "pause"      // it stands still, and goes on
	SlowDisk     FaultKind = "slow_disk"
	ClockJump    FaultKind = "clock_jump"
	Cut          FaultKind = "cut"         // nothing passes a link, or to and from a region
	Lossy        FaultKind = "loss"        // of a link
	Delay        FaultKind = "delay"       // of a link
	Duplicate    FaultKind = "duplicate"   // of a link
	RegionDown   FaultKind = "region_down" // all its processes crash
	BalancerDown FaultKind = "balancer_down"
	GroupStop    FaultKind = "group_stop" // a scaling group makes and replaces nothing
	Upgrade      FaultKind = "upgrade"    // every process of a region restarts, one after the other
)

// Random draws faults from a run's seed: one about every Every, of each of Kinds in turn, in
// an order and of things that the seed decides. All heal by Until. A ring loses the disk of
// at most one of its replicas.
type Random struct {
	Every   time.Duration
	Longest time.Duration // of one fault
	From    time.Duration
	Until   time.Duration
	Kinds   []FaultKind
	Line    int // in the file
}

// Checks is what must hold beside the promises, which are always checked.
type Checks struct {
	MaxErrors  *float64       // share of requests, 0 to 1
	MaxP99     *time.Duration // of requests
	EqualIn    *time.Duration // after the end of the load
	MaxRebuild *int           // trees installed after the first; max_rebuilds in a file
}
