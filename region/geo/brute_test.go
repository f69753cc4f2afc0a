package geo

import (
	"fmt"
	"math"
	"net/netip"
	"sort"
	"strings"

	"gazetteer"
)

// bruteForce ranks by the text of DESIGN.md, without any of the ranker's code but the
// distance: it looks at all pairs for the top weights and sorts everything.
type bruteForce struct {
	place  Place
	client netip.Addr
	locs   []gazetteer.Location
	filter []string // conditions without escapes
	prefer []string
	avoid  []gazetteer.LocationID
	policy PolicyDocument
	// country is where the client's own address is.
	country string
}

type scored struct {
	loc                    gazetteer.Location
	km, top, score, draw   float64
	measured               bool
	standing               standing
	assumed, excludedCause string
}

func (b *bruteForce) rank() (ranked, excluded []scored) {
	for _, l := range b.locs {
		if cause := b.excludes(l); cause != "" {
			excluded = append(excluded, scored{loc: l, excludedCause: cause})
			continue
		}
		s := scored{loc: l, draw: b.draw(l)}
		s.km, s.assumed = b.reckon(l)
		s.measured = s.assumed == ""
		s.standing = b.stand(l, s.km)
		if b.policy.Beyond == "exclude" && s.standing.tier == "world" {
			excluded = append(excluded, scored{loc: l, excludedCause: "policy: in none of the tiers"})
			continue
		}
		ranked = append(ranked, s)
	}
	for i := range ranked {
		for _, other := range ranked {
			if other.km == ranked[i].km && other.standing.pullsWith(ranked[i].standing) {
				ranked[i].top = math.Max(ranked[i].top, other.loc.Weight)
			}
		}
		if b.policy.Weights == "share" {
			ranked[i].top = 1
		}
		ranked[i].score = (ranked[i].km + 50) * ranked[i].standing.bias / ranked[i].top
	}
	sort.SliceStable(ranked, func(i, j int) bool { return ranked[i].less(&ranked[j]) })
	return ranked, excluded
}

func (s *scored) less(t *scored) bool {
	switch {
	case s.standing.spilled != t.standing.spilled:
		return t.standing.spilled
	case s.standing.preferred != t.standing.preferred:
		return s.standing.preferred
	case s.standing.rank != t.standing.rank:
		return s.standing.rank < t.standing.rank
	case s.score != t.score:
		return s.score < t.score
	case s.km != t.km:
		return s.km < t.km
	case s.draw != t.draw:
		return s.draw < t.draw
	}
	return s.loc.ID < t.loc.ID
}

func (b *bruteForce) reckon(l gazetteer.Location) (float64, string) {
	half := math.Pi * 6371.0088
	if !b.place.Located {
		return half, "client's place unknown: half the circumference for all"
	}
	if l.Located {
		return DistanceKM(b.place.Point, l.Point), ""
	}
	for _, c := range centres {
		if c.country == l.Country {
			return DistanceKM(b.place.Point, c.point), "no coordinates: centre of its country"
		}
	}
	return half, "no coordinates and no known country: half the circumference"
}

func (b *bruteForce) excludes(l gazetteer.Location) string {
	if l.Weight == 0 {
		return "weight 0"
	}
	for _, c := range b.filter {
		if !naivelyHolds(c, l) {
			return "filter: " + c
		}
	}
	for _, a := range b.avoid {
		if a == l.ID {
			return "avoided by the client"
		}
	}
	return b.forbids(l)
}

func (b *bruteForce) draw(l gazetteer.Location) float64 {
	return -math.Log(b.uniform(b.hash(l))) / l.Weight
}

func (b *bruteForce) hash(l gazetteer.Location) uint64 {
	network := uint64(0)
	if b.client.IsValid() {
		a := b.client.Unmap()
		bits := b.bits(a.Is4())
		masked := netip.PrefixFrom(a.WithZone(""), bits).Masked().Addr().As16()
		network = gazetteer.Hash(string(masked[:]))
	}
	return splitMix(network ^ gazetteer.Hash(string(l.ID)))
}

func (b *bruteForce) uniform(hash uint64) float64 {
	return (float64(hash/2048) + 0.5) / math.Pow(2, 53)
}

// splitMix is the finaliser of SplitMix64 (Steele, Lea and Flood 2014, figure 16).
func splitMix(z uint64) uint64 {
	z ^= z >> 30
	z *= 0xbf58476d1ce4e5b9
	z ^= z >> 27
	z *= 0x94d049bb133111eb
	z ^= z >> 31
	return z
}

func naivelyHolds(condition string, l gazetteer.Location) bool {
	properties := map[string]string{"id": string(l.ID)}
	for _, label := range l.Labels {
		properties[label.Key] = label.Value
	}
	delete(properties, "country")
	if l.Country != "" {
		properties["country"] = l.Country
	}
	if key, value, ok := strings.Cut(condition, "!="); ok {
		have, has := properties[key]
		return !has || have != value
	}
	if key, value, ok := strings.Cut(condition, "="); ok {
		have, has := properties[key]
		return has && have == value
	}
	_, has := properties[condition]
	return has
}

func (s scored) String() string {
	return fmt.Sprintf("%s km %v weight %v top %v score %v draw %v %s%s", s.loc.ID, s.km, s.loc.Weight, s.top, s.score, s.draw, s.assumed, s.excludedCause)
}
