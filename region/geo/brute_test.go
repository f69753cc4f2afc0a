package geo

import (
	"encoding/binary"
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
	avoid  []gazetteer.LocationID
}

type scored struct {
	loc                    gazetteer.Location
	km, top, score, draw   float64
	measured               bool
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
		ranked = append(ranked, s)
	}
	for i := range ranked {
		for _, other := range ranked {
			if other.km == ranked[i].km {
				ranked[i].top = math.Max(ranked[i].top, other.loc.Weight)
			}
		}
		ranked[i].score = (ranked[i].km + 50) / ranked[i].top
	}
	sort.SliceStable(ranked, func(i, j int) bool { return ranked[i].less(&ranked[j]) })
	return ranked, excluded
}

func (s *scored) less(t *scored) bool {
	switch {
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
	return ""
}

func (b *bruteForce) draw(l gazetteer.Location) float64 {
	network := uint64(0)
	if b.client.IsValid() {
		a := b.client.Unmap()
		bits := 56
		if a.Is4() {
			bits = 24
		}
		masked := netip.PrefixFrom(a, bits).Masked().Addr().As16()
		network = gazetteer.Hash(string(masked[:]))
	}
	var text [8]byte
	binary.BigEndian.PutUint64(text[:], splitMix(network^gazetteer.Hash(string(l.ID))))
	u := (float64(binary.BigEndian.Uint64(text[:])/2048) + 0.5) / math.Pow(2, 53)
	return -math.Log(u) / l.Weight
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
