package client

import "time"

// Topology is the planet as the region asked knows it.
type Topology struct {
	Epoch    string   `json:"epoch"`   // of the tree in use; empty before the first
	Running  string   `json:"running"` // of the tree that is being built; empty if none is
	Due      string   `json:"due"`     // why another tree is needed; empty if none is
	Regions  []Placed `json:"regions"`
	Edges    []Edge   `json:"edges"`
	WeightMS float64  `json:"weight_ms"` // sum of the costs of the tree's edges
	Messages uint64   `json:"messages"`  // sent by this region to build it

	// From waking until this region, as one of the two of GHS's core, knew that the tree is
	// complete (0 for all others), and until it used it.
	HaltedMS    float64 `json:"halted_ms"`
	InstalledMS float64 `json:"installed_ms"`
}

// Placed is a region on the map.
type Placed struct {
	Name  string   `json:"name"`
	Lat   *float64 `json:"lat,omitempty"`
	Lon   *float64 `json:"lon,omitempty"`
	State string   `json:"state"`
}

// Edge is a pair of regions, A before B.
type Edge struct {
	A           string  `json:"a"`
	B           string  `json:"b"`
	CostMS      float64 `json:"cost_ms"`
	Tree        bool    `json:"tree"`        // of the tree in use
	Provisional bool    `json:"provisional"` // in place of an edge that is gone
}

// RegionLag tells how far behind a region what is known of it may be. What is not known is
// nil.
type RegionLag struct {
	Name          string   `json:"name"`
	State         string   `json:"state"` // live, draining, unreachable, expected
	Self          bool     `json:"self"`
	RTTMS         *float64 `json:"rtt_ms,omitempty"`
	SilentSeconds *float64 `json:"silent_seconds,omitempty"`
	LagSeconds    *float64 `json:"lag_seconds,omitempty"`
}

// Region is a region as another one knows it.
type Region struct {
	RegionLag
	Lat     *float64 `json:"lat,omitempty"`
	Lon     *float64 `json:"lon,omitempty"`
	Servers []Entry  `json:"servers"`
	Stores  int      `json:"stores"`            // its replicas
	BiasMS  float64  `json:"bias_ms,omitempty"` // that operators add to the round trip of every client
}

// Entry is a regional server.
type Entry struct {
	Node string `json:"node"`
	Peer string `json:"peer"`
	HTTP string `json:"http,omitempty"`
}

// Admission is what a region or a process joins by.
type Admission struct {
	Region   string    `json:"region,omitempty"`
	Token    string    `json:"token"` // shown once
	Until    time.Time `json:"until"`
	Contacts []string  `json:"contacts"` // peer addresses
}

// Member is a process of the region.
type Member struct {
	Node   string   `json:"node"`
	Roles  []string `json:"roles"`
	Peer   string   `json:"peer"`
	HTTP   string   `json:"http,omitempty"`
	State  string   `json:"state"` // joining, live, dead, leaving
	Leader bool     `json:"leader"`
	Plan   uint64   `json:"plan,omitempty"` // epoch of the plan it uses; 0: not known
	Rings  []string `json:"rings"`
}

// Invitation says what a token for processes is good for. Zero fields take the server's
// defaults: all roles, one process, half an hour.
type Invitation struct {
	Roles []string
	Uses  int
	TTL   time.Duration
}

// Cluster is the cluster of a type; "default" is the one of all types that have none of
// their own.
type Cluster struct {
	Type    string `json:"type"`
	Rings   []Ring `json:"rings"`
	Moving  int    `json:"moving"`  // partitions on their way now
	Pending int    `json:"pending"` // partitions that still have to go
	Auto    *Auto  `json:"auto,omitempty"`
}

// Auto is what the rings of a cluster follow their demand by.
type Auto struct {
	Min        int     `json:"min"` // rings
	Max        int     `json:"max"`
	TargetRate float64 `json:"target_rate"` // requests a second that one ring is to carry
	// Cooldown is the least time between two changes, such as 10m; "" for the server's
	// default.
	Cooldown string `json:"cooldown,omitempty"`
}

// Ring is one ring of a cluster.
type Ring struct {
	Name       string   `json:"name"`
	Members    []string `json:"members"`
	Partitions int      `json:"partitions"`
}
