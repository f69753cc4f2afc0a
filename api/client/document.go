package client

import "encoding/json"

// Document is a resource as it is published and as GET returns it.
type Document struct {
	Type       string          `json:"type,omitempty"`
	ID         string          `json:"id,omitempty"`
	Attributes json.RawMessage `json:"attributes,omitempty"`
	Locations  []Location      `json:"locations"`
	Version    string          `json:"version,omitempty"`
	Health     []Health        `json:"health,omitempty"` // see GetHealth
}

// Location is one place where a resource can be had. What is unknown is nil or empty.
type Location struct {
	ID      string            `json:"id,omitempty"`
	URL     string            `json:"url"`
	Lat     *float64          `json:"lat,omitempty"`
	Lon     *float64          `json:"lon,omitempty"`
	Country string            `json:"country,omitempty"`
	Weight  *float64          `json:"weight,omitempty"` // nil: 1
	Labels  map[string]string `json:"labels,omitempty"`
}

// Answer tells where a resource is, best first.
type Answer struct {
	Type      string   `json:"type"`
	ID        string   `json:"id"`
	Version   string   `json:"version"`
	Locations []Ranked `json:"locations"`
	Client    Place    `json:"client"`
	ServedBy  struct {
		Region string `json:"region"`
		Node   string `json:"node"`
	} `json:"served_by"`
	StalenessSeconds float64      `json:"staleness_seconds"`
	Degraded         bool         `json:"degraded,omitempty"`
	Explain          *Explanation `json:"explain,omitempty"`
}

// Ranked is a location in an answer.
type Ranked struct {
	Location
	DistanceKM *float64 `json:"distance_km,omitempty"` // nil: not known
	State      string   `json:"state"`
	Score      float64  `json:"score"` // lower is better
}

// Place is where the server took the client to be, and how it knew.
type Place struct {
	Lat     *float64 `json:"lat,omitempty"`
	Lon     *float64 `json:"lon,omitempty"`
	Country string   `json:"country,omitempty"`
	Method  string   `json:"method"`
}

// Explanation tells the way of a lookup and what was thought of every location.
type Explanation struct {
	Hops []struct {
		Role    string  `json:"role"`
		Name    string  `json:"name"`
		Seconds float64 `json:"seconds"`
	} `json:"hops"`
	Candidates []Candidate `json:"candidates"`
	// PolicyIgnored is what of the type's policy the server does not understand.
	PolicyIgnored string `json:"policy_ignored,omitempty"`
}

// Candidate is one location as it was judged.
type Candidate struct {
	ID         string          `json:"id"`
	DistanceKM *float64        `json:"distance_km,omitempty"`
	Score      *float64        `json:"score,omitempty"`
	Terms      json.RawMessage `json:"terms,omitempty"`
	Excluded   string          `json:"excluded,omitempty"` // why it was left out
}

// Type is what is known of a type.
type Type struct {
	Name       string `json:"name"`
	Mode       string `json:"mode,omitempty"`
	TTLSeconds *int64 `json:"ttl_seconds,omitempty"`
	Redirect   *bool  `json:"redirect,omitempty"`
	// Policy says how locations are ordered and which are left out; nil: nothing.
	Policy json.RawMessage `json:"policy,omitempty"`
	Health *Checks         `json:"health,omitempty"` // nil: locations are not checked
}
