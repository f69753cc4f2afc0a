package geo

import (
	"encoding/json"
	"slices"

	"gazetteer"
)

// PolicyDocument is the policy of a type as its publisher writes it: the JSON of it is
// the member "policy" of a type. Everything in it may be absent. Filters are in the
// language of [ParseFilter]; DESIGN.md says how each part enters the order.
type PolicyDocument struct {
	// Pin lists filters: a location for which none of them holds is left out.
	Pin []string `json:"pin,omitempty"`
	// Region is the one that answers while it can be reached, unless a client names
	// another.
	Region gazetteer.RegionID `json:"region,omitempty"`
	// Countries say for clients of which countries locations are.
	Countries []CountryRule `json:"countries,omitempty"`
	// Tiers are tried in order: a location is in the first one that takes it.
	Tiers []TierRule `json:"tiers,omitempty"`
	// Beyond is what becomes of a location that no tier takes: "rank" puts it behind
	// all others, which is the default; "exclude" leaves it out.
	Beyond string `json:"beyond_tiers,omitempty"`
	// Weights is "pull", the default: a site of twice the weight is as good as one at
	// half the way; or "share": weights only divide clients among the equally near.
	Weights string `json:"weights,omitempty"`
	// Bias stretches or shortens the way to some locations; the first rule that fits
	// counts.
	Bias []BiasRule `json:"bias,omitempty"`
	// Load sends clients on from locations that are loaded; nil: none are.
	Load *LoadRule `json:"load,omitempty"`
	// Network is how much of a client's address counts as one client; nil: a /24 of
	// IPv4, a /56 of IPv6.
	Network *NetworkRule `json:"network,omitempty"`
}

// CountryRule bars clients by their country from the locations that a filter names, from
// all if there is none.
type CountryRule struct {
	Locations string   `json:"locations,omitempty"`
	Allow     []string `json:"allow,omitempty"` // clients of these only
	Deny      []string `json:"deny,omitempty"`  // no clients of these
}

// TierRule names the locations of one tier: those for which all that it says holds.
type TierRule struct {
	Name        string  `json:"name"`
	WithinKM    float64 `json:"within_km,omitempty"`    // of the client, as reckoned; 0: anywhere
	SameCountry bool    `json:"same_country,omitempty"` // as the client, who must be known to be in one
	Locations   string  `json:"locations,omitempty"`    // filter
}

// BiasRule draws clients to some locations or keeps them away, from -99 to 99.
type BiasRule struct {
	Locations string  `json:"locations,omitempty"` // filter
	Percent   float64 `json:"percent"`
}

// LoadRule says where a location's load is told and when clients go elsewhere: none
// while it is at most From, all when it is Full or more, in between a part of all
// networks that grows evenly.
type LoadRule struct {
	Label string  `json:"label"` // its value is a number; without it a location has no load
	From  float64 `json:"from"`
	Full  float64 `json:"full"`
}

// NetworkRule is by how many leading bits of their addresses clients are told apart.
type NetworkRule struct {
	IPv4 int `json:"ipv4"`
	IPv6 int `json:"ipv6"`
}

// Policy is a policy made ready for ranking. It does not change any more; a nil Policy
// says nothing.
type Policy struct {
	text    string // its document, as it is stored
	ignored string // what of that is not understood; empty if all is

	pins      []Filter
	region    gazetteer.RegionID
	countries []countryRule
	tiers     []tier
	exclusive bool // what no tier takes is left out
	share     bool // weights do not pull
	biases    []bias
	load      *LoadRule
	network   NetworkRule
}

type countryRule struct {
	of          Filter
	allow, deny []string // sorted
}

type tier struct {
	name        string
	withinKM    float64 // 0: anywhere
	sameCountry bool
	of          Filter
}

type bias struct {
	of     Filter
	factor float64 // of the way
	number uint8   // see number
}

// networkDefault is what RFC 7871 recommends for saying where a client is. A policy may
// take less of an address, never more: through DNS more is not known.
var networkDefault = NetworkRule{IPv4: 24, IPv6: 56}

// NewPolicy makes a policy of a document, nil of an empty one. An error points into the
// document and has the kind Unprocessable.
func NewPolicy(d *PolicyDocument) (*Policy, error) {
	p := &Policy{network: networkDefault}
	for _, part := range policyParts() {
		if err := part.compile(p, d); err != nil {
			return nil, err
		}
	}
	text, err := json.Marshal(d)
	if err != nil {
		return nil, badPolicy("", "cannot be written: %v", err)
	}
	if string(text) == "{}" {
		return nil, nil
	}
	p.text = string(text)
	return p, nil
}

// ParsePolicy makes a policy of a stored document, which a newer server may have
// written: a part that is not understood is ignored as a whole, for half of it might mean
// the opposite. [Policy.Ignored] tells.
func ParsePolicy(text string) *Policy {
	p := &Policy{text: text, network: networkDefault}
	var members map[string]json.RawMessage
	if err := json.Unmarshal([]byte(text), &members); err != nil {
		p.ignored = "the policy is not an object"
		return p
	}
	for _, part := range policyParts() {
		if raw, ok := members[part.name]; ok {
			p.noteIgnored(part.parse(p, raw))
			delete(members, part.name)
		}
	}
	for _, name := range sortedKeys(members) {
		p.noteIgnored(badPolicy("/"+name, "is not known here"))
	}
	return p
}

// Text returns the document as it was given to [ParsePolicy], or as [NewPolicy] writes
// it; "" for no policy.
func (p *Policy) Text() string {
	if p == nil {
		return ""
	}
	return p.text
}

// Ignored says what of a stored policy this server does not understand and leaves out,
// empty if there is nothing.
func (p *Policy) Ignored() string {
	if p == nil {
		return ""
	}
	return p.ignored
}

// Region is the region that answers, "" for any.
func (p *Policy) Region() gazetteer.RegionID {
	if p == nil {
		return ""
	}
	return p.region
}

// AsksCountry reports whether the country of clients decides what they get: then it
// must not be their own word alone, see [Options.Country].
func (p *Policy) AsksCountry() bool { return p != nil && len(p.countries) > 0 }

// Spills reports whether load sends some networks on: then the order depends on the
// client's network also where no two locations are equals.
func (p *Policy) Spills() bool { return p != nil && p.load != nil }

func (p *Policy) noteIgnored(err error) {
	if err != nil && p.ignored == "" {
		p.ignored = err.Error()
	}
}

func sortedKeys(m map[string]json.RawMessage) []string {
	var keys []string
	for k := range m {
		keys = append(keys, k)
	}
	slices.Sort(keys)
	return keys
}
