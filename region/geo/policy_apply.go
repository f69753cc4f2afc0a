package geo

import (
	"fmt"
	"math"
	"net/netip"
	"slices"
	"strconv"
	"strings"

	"gazetteer"
)

// An entry's standing is what the order looks at first; lower is better.
const (
	standsSpilled     = 1 << 31 // its load sends this client on
	standsUnpreferred = 1 << 30 // the client would rather have others
	standsTier        = 1<<8 - 1
)

// prepare works out what a policy says of the client, once for all locations.
func (k *ranking) prepare(client netip.Addr) {
	n := networkDefault
	k.barred = 0
	if p := k.options.Policy; p != nil {
		n = p.network
		for i := range p.countries {
			if p.countries[i].bars(k.place.Country, k.options.Country) {
				k.barred |= 1 << i
			}
		}
	}
	k.network = networkHash(client, n)
}

// bars reports whether clients who are known to be in these countries are kept out.
// Each is evidence against a client; none is enough to be on a list.
func (r *countryRule) bars(countries ...string) bool {
	known := false
	for _, c := range countries {
		if c == "" {
			continue
		}
		known = true
		if _, denied := slices.BinarySearch(r.deny, c); denied {
			return true
		}
		if _, allowed := slices.BinarySearch(r.allow, c); len(r.allow) > 0 && !allowed {
			return true
		}
	}
	return len(r.allow) > 0 && !known
}

// refused returns why the policy leaves a location out whatever its distance, nil if it
// does not: the index of the country rule, or -1 for the pin.
func (k *ranking) refused(l *gazetteer.Location) (rule int, refused bool) {
	p := k.options.Policy
	if p == nil {
		return 0, false
	}
	if len(p.pins) > 0 && !anyHolds(p.pins, l) {
		return pinned, true
	}
	if k.barred == 0 {
		return 0, false
	}
	for i := range p.countries {
		if k.barred&(1<<i) != 0 && p.countries[i].of.Match(l) {
			return i, true
		}
	}
	return 0, false
}

const pinned = -1

func anyHolds(filters []Filter, l *gazetteer.Location) bool {
	for i := range filters {
		if filters[i].Match(l) {
			return true
		}
	}
	return false
}

// stand gives an entry its standing and bias. It is false for an entry that no tier
// takes where that leaves it out.
func (k *ranking) stand(e *entry, l *gazetteer.Location) bool {
	if o := k.options; !o.Prefer.IsZero() && !o.Prefer.Match(l) {
		e.standing |= standsUnpreferred
	}
	p := k.options.Policy
	if p == nil {
		return true
	}
	i := p.tierOf(l, e.km, k.place.Country)
	if i == len(p.tiers) && p.exclusive {
		return false
	}
	e.standing |= uint32(i)
	e.bias = p.biasOf(l)
	if p.load != nil && k.spills(l) {
		e.standing |= standsSpilled
	}
	return true
}

// tierOf returns the index of a location's tier, one past the last if none takes it.
func (p *Policy) tierOf(l *gazetteer.Location, km float64, country string) int {
	for i := range p.tiers {
		if p.tiers[i].takes(l, km, country) {
			return i
		}
	}
	return len(p.tiers)
}

func (t *tier) takes(l *gazetteer.Location, km float64, country string) bool {
	if t.withinKM > 0 && km > t.withinKM {
		return false
	}
	if t.sameCountry && (country == "" || l.Country != country) {
		return false
	}
	return t.of.Match(l)
}

// biasOf returns the number of the first rule that fits, 0 if none does.
func (p *Policy) biasOf(l *gazetteer.Location) uint8 {
	for i := range p.biases {
		if p.biases[i].of.Match(l) {
			return p.biases[i].number
		}
	}
	return 0
}

func (k *ranking) biasFactor(e *entry) float64 {
	if e.bias == 0 {
		return 1
	}
	return k.options.Policy.biases[e.bias-1].factor
}

// spills reports whether a location's load sends this client's network on. Which
// networks go is drawn as all draws are, so they stay away until the load has fallen.
func (k *ranking) spills(l *gazetteer.Location) bool {
	part := k.options.Policy.load.part(l)
	return part > 0 && unit(mix(k.hash(l)^spillSalt)) < part
}

// spillSalt makes the draw for spilling independent of the one for order.
const spillSalt = 0x5851f42d4c957f2d

// part is the part of all networks that a location's load sends on.
func (r *LoadRule) part(l *gazetteer.Location) float64 {
	switch load := r.of(l); {
	case load >= r.Full:
		return 1
	case load <= r.From:
		return 0
	default:
		return (load - r.From) / (r.Full - r.From)
	}
}

// of returns a location's load; 0 if it tells none.
func (r *LoadRule) of(l *gazetteer.Location) float64 {
	text, ok := property(l, r.Label)
	if !ok {
		return 0
	}
	load, err := strconv.ParseFloat(text, 64)
	if err != nil || !(load > 0) || math.IsInf(load, 0) {
		return 0
	}
	return load
}

// explainTerms adds what the policy and the client's preference made of an entry.
func (k *ranking) explainTerms(t *Terms, e *entry) {
	t.Spilled = e.standing&standsSpilled != 0
	t.Preferred = !k.options.Prefer.IsZero() && e.standing&standsUnpreferred == 0
	t.Bias = k.biasFactor(e)
	p := k.options.Policy
	if p == nil {
		return
	}
	if p.load != nil {
		t.Load = p.load.of(&k.locs[e.index])
	}
	if len(p.tiers) == 0 {
		return
	}
	i := int(e.standing & standsTier)
	t.TierRank, t.Tier = i+1, furthestTier
	if i < len(p.tiers) {
		t.Tier = p.tiers[i].name
	}
}

// refusal says in words why the policy leaves a location out.
func (k *ranking) refusal(rule int) string {
	if rule == pinned {
		return "policy: pinned to others"
	}
	who := "an unknown country"
	switch a, b := k.place.Country, k.options.Country; {
	case a == "" && b == "":
	case a == "" || a == b:
		who = strings.Clone(b)
	case b == "":
		who = strings.Clone(a)
	default:
		who = a + " or " + b
	}
	// Clones: were the options' strings printed, the options would live on the heap.
	return fmt.Sprintf("policy: not for clients of %s (countries/%d)", who, rule)
}
