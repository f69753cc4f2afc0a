// Package result is what a run of a scenario leaves behind, in virtual time, as processes
// or on EC2 alike: the files in its folder, and what stands in them.
//
//	run.json     Run
//	series.csv   time_s,region,tier,server,metric,value: the collector's samples
//	events.log   one decision a line; equal for equal seeds in virtual time
package result

import (
	"time"

	"gazetteer"
)

// Mode is how a run came about.
type Mode string

// The modes.
const (
	Virtual   Mode = "virtual"
	Processes Mode = "processes"
	EC2       Mode = "ec2"
)

// Run is the outcome of one run. Times count from the start of its load; durations are
// written in milliseconds, as floats.
type Run struct {
	Scenario string `json:"scenario"`
	About    string `json:"about"`
	Mode     Mode   `json:"mode"`
	Seed     uint64 `json:"seed"`
	Commit   string `json:"commit,omitempty"`
	Replay   string `json:"replay"` // the command that repeats it
	// Unfinished says why a run ended before its time; empty for one that did not.
	Unfinished string `json:"unfinished,omitempty"`
	DurationMS Millis `json:"duration_ms"`

	Regions []Region `json:"regions"`
	Edges   []Edge   `json:"edges"` // of the last tree, and what else was measured
	Trees   []Tree   `json:"trees"` // by time of installation

	Propagation []Propagation `json:"propagation"` // by origin, then region
	Convergence []Lag         `json:"convergence"` // by time
	Traffic     []Traffic     `json:"traffic"`     // by region, then tier
	Messages    Messages      `json:"messages"`
	Generators  Counts        `json:"generators"` // what the clients themselves counted
	StaleReads  int64         `json:"stale_reads"`

	Happenings []Happening `json:"happenings"` // faults, scaling, by time
	Checks     []Check     `json:"checks"`
	Unlike     []string    `json:"unlike,omitempty"` // how this mode differs from what the scenario says
}

// Millis is a duration in milliseconds.
type Millis float64

// MillisOf converts.
func MillisOf(d time.Duration) Millis { return Millis(float64(d) / float64(time.Millisecond)) }

// Region is where one stands and what state it was in at the end.
type Region struct {
	Name     gazetteer.RegionID `json:"name"`
	Lat      float64            `json:"lat"`
	Lon      float64            `json:"lon"`
	Rings    int                `json:"rings"`
	Replicas int                `json:"replicas"`
	State    string             `json:"state"`
}

// Edge is between two regions, A before B.
type Edge struct {
	A      gazetteer.RegionID `json:"a"`
	B      gazetteer.RegionID `json:"b"`
	CostMS Millis             `json:"cost_ms"`
	Tree   bool               `json:"tree"`
}

// Tree is one that was installed.
type Tree struct {
	AtMS     Millis `json:"at_ms"`
	Epoch    string `json:"epoch"`
	Why      string `json:"why"`
	WeightMS Millis `json:"weight_ms"`
	Regions  int    `json:"regions"`
	Messages int64  `json:"messages"`
	TookMS   Millis `json:"took_ms"` // from waking until installed everywhere
}

// Propagation is how long updates of one region took until another showed them.
type Propagation struct {
	From     gazetteer.RegionID `json:"from"`
	To       gazetteer.RegionID `json:"to"`
	Updates  int64              `json:"updates"`
	P50MS    Millis             `json:"p50_ms"`
	P99MS    Millis             `json:"p99_ms"`
	MaxMS    Millis             `json:"max_ms"`
	DirectMS Millis             `json:"direct_ms"` // one way, straight
	PathMS   Millis             `json:"path_ms"`   // one way, along the tree
}

// Lag is how much a region lacked of what was acknowledged anywhere.
type Lag struct {
	AtMS    Millis             `json:"at_ms"`
	Region  gazetteer.RegionID `json:"region"`
	Updates int64              `json:"updates"`
}

// Traffic is what one tier of a region was asked over the whole run.
type Traffic struct {
	Region gazetteer.RegionID `json:"region"`
	Tier   string             `json:"tier"` // client, regional, cluster, replica
	Counts
	P50MS Millis `json:"p50_ms"`
	P90MS Millis `json:"p90_ms"`
	P99MS Millis `json:"p99_ms"`
	MaxMS Millis `json:"max_ms"`
}

// Counts are requests by how they ended. Reads and Writes are all that were begun.
type Counts struct {
	Reads  int64            `json:"reads"`
	Writes int64            `json:"writes"`
	Errors map[string]int64 `json:"errors,omitempty"` // by kind
	Wrong  int64            `json:"wrong"`            // answered, and not true
}

// Messages is what the updates cost.
type Messages struct {
	Updates   int64            `json:"updates"`
	Crossings int64            `json:"crossings"` // updates over edges between regions
	Mesh      int64            `json:"mesh"`      // what a full mesh would have carried
	Star      int64            `json:"star"`
	ByKind    map[string]int64 `json:"by_kind"`
}

// Happening is something that a reader of the curves wants to see beside them.
type Happening struct {
	AtMS   Millis             `json:"at_ms"`
	Kind   string             `json:"kind"` // a fault's kind, healed, scale_up, scale_down, tree, out_of_service, in_service
	Region gazetteer.RegionID `json:"region,omitempty"`
	Node   string             `json:"node,omitempty"`
	Detail string             `json:"detail"`
}

// Check is one promise, and whether it held.
type Check struct {
	Name   string `json:"name"`
	OK     bool   `json:"ok"`
	Detail string `json:"detail"`
	// NotJudged: it is of a run's end, and this one was ended before. It has not failed.
	NotJudged bool `json:"not_judged,omitempty"`
}

// Unjudged is a check of the end of a run that did not get there.
func Unjudged(name string) Check {
	return Check{Name: name, OK: true, NotJudged: true, Detail: "not judged: the run was ended before its time"}
}

// Failed returns the checks that did not hold.
func (r *Run) Failed() (failed []Check) {
	for _, c := range r.Checks {
		if !c.OK {
			failed = append(failed, c)
		}
	}
	return failed
}
