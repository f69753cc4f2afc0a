package geo

import (
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"

	"gazetteer"
)

// standing is what of a location counts before its score, by the text of DESIGN.md.
type standing struct {
	spilled, preferred bool
	rank               int
	tier               string
	bias, load         float64
}

func (s standing) pullsWith(t standing) bool {
	return s.spilled == t.spilled && s.preferred == t.preferred && s.rank == t.rank && s.bias == t.bias
}

func (b *bruteForce) stand(l gazetteer.Location, km float64) standing {
	s := standing{bias: b.bias(l)}
	s.preferred = len(b.prefer) > 0 && allHold(b.prefer, l)
	if n := len(b.policy.Tiers); n > 0 {
		s.rank, s.tier = n+1, "world"
	}
	for i := len(b.policy.Tiers) - 1; i >= 0; i-- {
		if t := b.policy.Tiers[i]; b.inTier(t, l, km) {
			s.rank, s.tier = i+1, t.Name
		}
	}
	if r := b.policy.Load; r != nil {
		s.load = loadOf(l, r.Label)
		s.spilled = b.spilled(l, s.load, r)
	}
	return s
}

func (b *bruteForce) inTier(t TierRule, l gazetteer.Location, km float64) bool {
	near := t.WithinKM == 0 || km <= t.WithinKM
	home := !t.SameCountry || (b.place.Country != "" && b.place.Country == l.Country)
	return near && home && textHolds(t.Locations, l)
}

func (b *bruteForce) bias(l gazetteer.Location) float64 {
	for _, r := range b.policy.Bias {
		if !textHolds(r.Locations, l) {
			continue
		}
		if r.Percent >= 0 {
			return 1 - r.Percent/100
		}
		return 1 / (1 + r.Percent/100)
	}
	return 1
}

func loadOf(l gazetteer.Location, label string) float64 {
	for _, have := range l.Labels {
		if v, err := strconv.ParseFloat(have.Value, 64); have.Key == label && err == nil && v > 0 && v <= math.MaxFloat64 {
			return v
		}
	}
	return 0
}

func (b *bruteForce) spilled(l gazetteer.Location, load float64, r *LoadRule) bool {
	if load >= r.Full {
		return true
	}
	if load <= r.From {
		return false
	}
	return b.uniform(splitMix(b.hash(l)^0x5851f42d4c957f2d)) < (load-r.From)/(r.Full-r.From)
}

func (b *bruteForce) bits(v4 bool) int {
	n := b.policy.Network
	switch {
	case n == nil && v4:
		return 24
	case n == nil:
		return 56
	case v4:
		return n.IPv4
	}
	return n.IPv6
}

// forbids says why the policy leaves a location out before its distance is known.
func (b *bruteForce) forbids(l gazetteer.Location) string {
	if len(b.policy.Pin) > 0 && !slices.ContainsFunc(b.policy.Pin, func(text string) bool { return textHolds(text, l) }) {
		return "policy: pinned to others"
	}
	for i, r := range b.policy.Countries {
		if textHolds(r.Locations, l) && !b.welcome(r) {
			return fmt.Sprintf("policy: not for clients of %s (countries/%d)", b.nationality(), i)
		}
	}
	return ""
}

// welcome: no country that the client is known to be in is against him, and where there
// is a list of the allowed one of his is on it.
func (b *bruteForce) welcome(r CountryRule) bool {
	listed := 0
	for _, c := range []string{b.place.Country, b.country} {
		switch {
		case c == "":
		case slices.Contains(r.Deny, c) || (len(r.Allow) > 0 && !slices.Contains(r.Allow, c)):
			return false
		default:
			listed++
		}
	}
	return len(r.Allow) == 0 || listed > 0
}

func (b *bruteForce) nationality() string {
	known := slices.Compact(slices.DeleteFunc([]string{b.place.Country, b.country}, func(c string) bool { return c == "" }))
	if len(known) == 0 {
		return "an unknown country"
	}
	return strings.Join(known, " or ")
}

func textHolds(filter string, l gazetteer.Location) bool {
	return filter == "" || allHold(strings.Split(filter, ","), l)
}

func allHold(conditions []string, l gazetteer.Location) bool {
	return !slices.ContainsFunc(conditions, func(c string) bool { return !naivelyHolds(c, l) })
}
