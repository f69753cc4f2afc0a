package report

import (
	"math"
	"strconv"
	"strings"
	"testing"

	"gazetteer"
	"gazetteer/region/geo/outline"
)

func TestLandIsReadable(t *testing.T) {
	rings := 0
	for line := range strings.Lines(outline.Land()) {
		rings++
		for _, pair := range strings.Fields(line) {
			east, north, ok := strings.Cut(pair, ",")
			lon, err := strconv.ParseFloat(east, 64)
			lat, err2 := strconv.ParseFloat(north, 64)
			if !ok || err != nil || err2 != nil || math.Abs(lon) > 180 || math.Abs(lat) > 90 {
				t.Fatalf("ring %d has %q", rings, pair)
			}
		}
		ring := ringOf(line)
		for i := 1; i < len(ring); i++ {
			if math.Abs(ring[i].Lon-ring[i-1].Lon) > 180 {
				t.Fatalf("ring %d leaps from %v to %v", rings, ring[i-1], ring[i])
			}
		}
	}
	if rings < 100 {
		t.Errorf("%d rings; the world has more land", rings)
	}
}

func TestProjection(t *testing.T) {
	middle := project(0, 0)
	if middle.x != mapWide/2 || math.Abs(middle.y) > 1e-9 {
		t.Errorf("the middle of the map is at %v", middle)
	}
	if west := project(0, -180); west.x < 0 || west.x > 5 {
		t.Errorf("the equator begins at %v, want the map's border", west)
	}
	for lat := -55.0; lat < 75; lat += 5 {
		here, there := project(lat, 100), project(lat+5, 100)
		if there.y >= here.y {
			t.Errorf("%v degrees north is not above %v", lat+5, lat)
		}
		if mirror := project(lat, -100); math.Abs(here.x+mirror.x-mapWide) > 1e-9 || here.y != mirror.y {
			t.Errorf("east and west differ at %v: %v, %v", lat, here, mirror)
		}
	}
}

func TestGreatCircle(t *testing.T) {
	way := greatCircle(gazetteer.Point{Lat: 0, Lon: 170}, gazetteer.Point{Lat: 0, Lon: -170})
	if m := way[len(way)/2]; math.Abs(math.Abs(m.Lon)-180) > 4 || math.Abs(m.Lat) > 1e-9 {
		t.Errorf("over the Pacific the way leads by %v", m)
	}
	if north := greatCircle(gazetteer.Point{Lat: 50, Lon: -120}, gazetteer.Point{Lat: 50, Lon: 0}); north[len(north)/2].Lat < 60 {
		t.Errorf("the shortest way leads by %v, want further north", north[len(north)/2])
	}
	for _, q := range []gazetteer.Point{{Lat: 1, Lon: 2}, {Lat: -1, Lon: -178}} {
		if got := greatCircle(gazetteer.Point{Lat: 1, Lon: 2}, q); len(got) != 2 {
			t.Errorf("to %v there is no shortest way, and it has %d places", q, len(got))
		}
	}
}
