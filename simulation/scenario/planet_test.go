package scenario

import (
	"math"
	"slices"
	"testing"
	"time"

	"gazetteer"
	"gazetteer/region/geo"
	"gazetteer/simulation/aws"
)

// The formula's one figure is the median over all pairs of the table.
func TestDistanceIsFittedToTheTable(t *testing.T) {
	w, err := aws.Load()
	if err != nil {
		t.Fatal(err)
	}
	var speeds []float64
	for i, a := range w.Regions() {
		for _, b := range w.Regions()[i+1:] {
			ms := float64(w.RTT(a.Name, b.Name)) / float64(time.Millisecond)
			speeds = append(speeds, geo.DistanceKM(a.Point, b.Point)/ms)
		}
	}
	slices.Sort(speeds)
	if median := speeds[len(speeds)/2]; len(speeds) != 496 || math.Round(median) != kmPerMS {
		t.Errorf("%d pairs, median %v km/ms", len(speeds), median)
	}
	if got := ByDistance(gazetteer.Point{}, gazetteer.Point{Lon: 180}); got < 350*time.Millisecond || got > 354*time.Millisecond {
		t.Errorf("halfway around in %v", got)
	}
}

func TestBundledNamesByNumber(t *testing.T) {
	s := parsed(t, "regions: 32")
	if len(s.Regions) != 32 || len(s.Network.RTT) != 496 {
		t.Errorf("%d regions, %d round trips", len(s.Regions), len(s.Network.RTT))
	}
	seven := parsed(t, "regions: 7")
	for _, name := range aws.Seven() {
		if seven.Region(name) == nil {
			t.Errorf("%s is not among the first seven", name)
		}
	}
}

// Made-up regions stand anywhere: half of them in the north, half of them within 30 degrees
// of the equator, where half of the globe is. Their seed alone decides where.
func TestMadeUpPlanet(t *testing.T) {
	s := parsed(t, "regions: {random: 300, seed: 3}\nseed: 5")
	north, tropic := 0, 0
	for _, r := range s.Regions {
		if r.Point.Lat > 0 {
			north++
		}
		if math.Abs(r.Point.Lat) < 30 { // sin 30 is a half
			tropic++
		}
	}
	if north < 120 || north > 180 || tropic < 120 || tropic > 180 {
		t.Errorf("%d north, %d within 30 degrees of the equator", north, tropic)
	}
	a, b := s.Regions[0], s.Regions[299]
	if a.Name != "p001" || b.Name != "p300" || s.Network.RTT[PairOf(a.Name, b.Name)] != ByDistance(a.Point, b.Point) {
		t.Errorf("%+v, %+v", a, b)
	}
	if again := parsed(t, "regions: {random: 300, seed: 3}\nseed: 6"); again.Regions[7].Point != s.Regions[7].Point {
		t.Error("the run's seed moves regions")
	}
	if other := parsed(t, "regions: {random: 300, seed: 4}"); other.Regions[7].Point == s.Regions[7].Point {
		t.Error("the planet's seed does not move regions")
	}
}

func TestRoundTripsByWhatIsKnown(t *testing.T) {
	s := parsed(t, `
regions:
  - us-east-1
  - eu-west-1
  - {name: moon, lat: 0, lon: 0}
  - {name: mars, lat: 0, lon: 90}
network:
  rtt:
    us-east-1: {moon: 2500ms, eu-west-1: 1ms}
  by_distance: true
`)
	for pair, want := range map[Pair]time.Duration{
		PairOf("moon", "us-east-1"):      2500 * time.Millisecond,
		PairOf("eu-west-1", "us-east-1"): time.Millisecond, // the file comes before the table
		PairOf("mars", "moon"):           ByDistance(gazetteer.Point{}, gazetteer.Point{Lon: 90}),
	} {
		if got := s.Network.RTT[pair]; got != want {
			t.Errorf("%v: %v, want %v", pair, got, want)
		}
	}
}

func TestStarHasTheCentreAsHub(t *testing.T) {
	s := parsed(t, `
tree: star
regions: [{name: a, lat: 0, lon: 0}, {name: b, lat: 0, lon: 1}, {name: c, lat: 0, lon: 2}]
network: {by_distance: true}
`)
	if s.Tree != (Tree{Shape: Star, Hub: "b"}) {
		t.Errorf("got %+v", s.Tree)
	}
	if s := parsed(t, "tree: {shape: star, hub: eu-west-1}\nregions: 7"); s.Tree.Hub != "eu-west-1" {
		t.Errorf("got %+v", s.Tree)
	}
}
