// Package geo says where a client is and which locations are best for it.
//
// A [Locator] places a client by what it states itself, by the operator's networks or by
// a GeoIP database; a [Ranker] orders locations for a place by one documented score; a [Filter] says which
// locations come into question at all. DESIGN.md has the reasons.
package geo

import (
	"net/netip"

	"gazetteer"
)

// Method says how a client was placed, best evidence first.
type Method string

const (
	StatedPoint     Method = "stated-point"     // the client said lat and lon
	StatedCountry   Method = "stated-country"   // the client said its country: its centre
	StatedIP        Method = "stated-ip"        // the client said ip=, and one of the next three knew it
	OperatorNetwork Method = "operator-network" // the operator says it of the address's network
	GeoIPCity       Method = "geoip-city"       // GeoIP has coordinates for the address
	GeoIPCountry    Method = "geoip-country"    // GeoIP has only a country: its centre
	DefaultPlace    Method = "default"          // no evidence: where the operator takes such clients to be
	Unknown         Method = "unknown"          // no evidence, no default: locations share clients by weight
)

// Client is the evidence about where a client is. Every field may be absent.
type Client struct {
	Addr     netip.Addr      // whose request it is; private and reserved addresses are no evidence
	Stated   gazetteer.Point // meaningful only if HasPoint: for ranking only
	HasPoint bool
	Country  string     // stated, ISO 3166-1 alpha-2 in upper case
	IP       netip.Addr // stated
}

// Place is where a client is taken to be.
type Place struct {
	Point   gazetteer.Point
	Located bool   // false: Point means nothing
	Country string // empty if not known
	Method  Method
	// Source is what knew the address that the client stated; only if Method is StatedIP.
	Source Method
	// Region is the one that the operator names for the client's network; empty if none.
	Region gazetteer.RegionID
	// Network is around the client's address, the stated one if that placed it: the
	// widest in which every address is placed the same by the same evidence. It is not
	// valid where the place does not come from an address.
	Network netip.Prefix
	// Measured names what clients in that network have measured, as [Row.ID] does; 0 if
	// that is nothing, or was not asked for.
	Measured uint64
}

// Candidate is one location as ranked for one place.
type Candidate struct {
	Location    gazetteer.Location
	DistanceKM  float64 // great circle; meaningful only if HasDistance
	HasDistance bool
	Score       float64 // lower is better: (Terms.KM + 50) * Terms.Bias / Terms.TopWeight
	Terms       Terms
	Excluded    string // why it is left out; empty if it is not
	State       State  // as Options.States said
}

// Terms are the parts of the order, for explain: by them the candidates stand as the
// answer has them, Spilled first, then Preferred, TierRank, the score, KM, Draw and the
// location's id. Those of a candidate that was excluded before it was scored are zero.
// Only explain fills those from Draw on.
type Terms struct {
	KM     float64 // the distance that was reckoned with, also when it is only assumed
	Weight float64
	// TopWeight is the greatest weight among the candidates at the same KM with the same
	// Spilled, Preferred, TierRank and Bias: they pull clients together and share them
	// by weight. It is 1 where the policy says that weights only share.
	TopWeight float64
	Assumed   string // why KM is assumed; empty if it is measured
	// Draw settles equal scores, lower first: -ln(u)/Weight, where u in (0,1) is a
	// hash of the client's network and the location's id.
	Draw      float64
	Spilled   bool    // its load sends this client's network on: behind all that are not
	Load      float64 // by its label; 0 if the policy asks for none or it tells none
	Preferred bool    // by the client: before all that are not
	TierRank  int     // from 1; 0 if the policy has no tiers
	Tier      string
	Bias      float64 // factor of the way, 1 for none
}
