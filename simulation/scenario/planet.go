package scenario

import (
	"cmp"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"time"

	"gazetteer"
	"gazetteer/region/geo"
	"gazetteer/simulation/aws"
)

// tableOrder returns the bundled regions, the seven of 2012 first, the others by name.
func tableOrder(w *aws.World) (out []aws.Region) {
	seven := aws.Seven()
	for _, name := range seven {
		r, _ := w.Region(name)
		out = append(out, r)
	}
	for _, r := range w.Regions() {
		if !slices.Contains(seven, r.Name) {
			out = append(out, r)
		}
	}
	return out
}

// madeUp returns regions that stand anywhere on the globe, every square kilometre with
// the same probability. They are called p001, p002 and so on.
func madeUp(n int, seed uint64) (out []Region) {
	dice := rand.New(rand.NewPCG(seed, 0))
	digits := max(3, len(fmt.Sprint(n)))
	for i := range n {
		out = append(out, Region{
			Name: gazetteer.RegionID(fmt.Sprintf("p%0*d", digits, i+1)),
			Point: gazetteer.Point{
				Lat: math.Asin(2*dice.Float64()-1) * 180 / math.Pi,
				Lon: 360*dice.Float64() - 180,
			},
		})
	}
	return out
}

// kmPerMS is how far apart two regions are for each millisecond of their round trip: the
// median over the 496 pairs of the bundled table, which a test computes. Light in glass
// would come 100 km far and back; cables make detours.
const kmPerMS = 57

// lastMile is the part of a round trip that distance has no part in.
const lastMile = time.Millisecond

// ByDistance is the round trip between two regions of which nothing but their places is
// known: 1 ms, and 1 ms for every 57 km of the great circle.
func ByDistance(a, b gazetteer.Point) time.Duration {
	ms := geo.DistanceKM(a, b) / kmPerMS
	return lastMile + time.Duration(math.Round(ms*1000))*time.Microsecond
}

func sortRegions(rs []Region) {
	slices.SortFunc(rs, func(a, b Region) int { return cmp.Compare(a.Name, b.Name) })
}

// centre returns the region from which the round trips to all others sum to the least, of
// equals the one that is first by name.
func (s *Scenario) centre() (name gazetteer.RegionID) {
	least := time.Duration(math.MaxInt64)
	for _, a := range s.Regions {
		var sum time.Duration
		for _, b := range s.Regions {
			sum += s.Network.RTT[PairOf(a.Name, b.Name)]
		}
		if sum < least {
			name, least = a.Name, sum
		}
	}
	return name
}
