package region

import (
	"fmt"
	"math"
	"net/netip"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"

	"gazetteer"
	"gazetteer/region/geo"
)

// atlas is a planet without servers.
type atlas struct {
	others
	sites []Site
}

func (a atlas) Sites() []Site { return a.sites }

func at(name string, lat, lon float64) Site {
	return Site{Name: gazetteer.RegionID(name), State: SiteLive, Located: true, Point: gazetteer.Point{Lat: lat, Lon: lon}}
}

// threeRegions are fra (this one), lon and syd.
func threeRegions() []Site {
	all := []Site{at("fra", 50.1, 8.7), at("lon", 51.5, -0.1), at("syd", -33.9, 151.2)}
	all[0].Self = true
	all[1].RTT, all[2].RTT = 12*time.Millisecond, 280*time.Millisecond
	return all
}

func serverAmong(sites []Site) *Server {
	s := NewServer(Config{Plan: fakePlan{}, Node: "front"})
	s.elsewhere = atlas{sites: sites}
	return s
}

// told writes an order down: region, score, how it is expected, why it is left out.
func told(cs []Choice) string {
	out := ""
	for _, c := range cs {
		out += fmt.Sprintf("%s %.0f %s", c.Site.Name, c.Score, c.Terms.By)
		if c.Excluded != "" {
			out += " " + c.Excluded
		}
		out += "; "
	}
	return out
}

func TestOrderOfRegions(t *testing.T) {
	paris := geo.Client{Stated: gazetteer.Point{Lat: 48.9, Lon: 2.4}, HasPoint: true}
	for _, c := range []struct {
		name   string
		client geo.Client
		change func([]Site)
		want   string
	}{
		{"nearest first", paris, nil, "lon 11 distance; fra 13 distance; syd 288 distance; "},
		{"a bias makes a region farther", paris, func(s []Site) { s[1].Bias = 3 * time.Millisecond }, "fra 13 distance; lon 14 distance; syd 288 distance; "},
		{"or nearer", paris, func(s []Site) { s[0].Bias = -5 * time.Millisecond }, "fra 8 distance; lon 11 distance; syd 288 distance; "},
		{"a draining region comes last", paris, func(s []Site) { s[1].State = SiteDraining }, "fra 13 distance; syd 288 distance; lon 11 distance draining; "},
		{"so does a silent one", paris, func(s []Site) { s[0].State, s[1].State = SiteUnreachable, SiteDraining },
			"syd 288 distance; lon 11 distance draining; fra 13 distance unreachable; "},
		{"who cannot be placed is here", geo.Client{}, nil, "fra 0 this-region; lon 12 this-region; syd 280 this-region; "},
		{"a region without a place is far", paris, func(s []Site) { s[1].Located = false }, "fra 13 distance; syd 288 distance; lon 339 nothing; "},
		{"one that was never heard, too", geo.Client{}, func(s []Site) { s[1].RTT = 0 }, "fra 0 this-region; syd 280 this-region; lon 339 nothing; "},
		{"names settle what is equal", geo.Client{}, func(s []Site) { s[1].RTT = 280 * time.Millisecond }, "fra 0 this-region; lon 280 this-region; syd 280 this-region; "},
	} {
		t.Run(c.name, func(t *testing.T) {
			sites := threeRegions()
			if c.change != nil {
				c.change(sites)
			}
			if _, got := serverAmong(sites).Order(nil, &c.client); told(got) != c.want {
				t.Errorf("got  %s\nwant %s", told(got), c.want)
			}
		})
	}
}

func TestRegionWithoutPlanetIsAllOfIt(t *testing.T) {
	s := NewServer(Config{Plan: fakePlan{}, Node: "front"})
	if _, got := s.Order(nil, &geo.Client{}); told(got) != "here 0 this-region; " {
		t.Errorf("got %s", told(got))
	}
	s.elsewhere = atlas{} // that does not know the planet yet
	if _, got := s.Order(nil, &geo.Client{}); len(got) != 1 {
		t.Errorf("got %s", told(got))
	}
}

// The explained order is the order: whoever sorts by the terms alone, with the formula
// as the documentation has it, gets what was returned.
func TestExplainedOrderIsTheOrder(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		sites := rapid.SliceOfNDistinct(rapid.Custom(anySite), 1, 12, func(s Site) gazetteer.RegionID { return s.Name }).Draw(t, "sites")
		client := geo.Client{HasPoint: rapid.Bool().Draw(t, "placed"), Stated: anyPoint(t)}
		place, got := serverAmong(sites).Order(nil, &client)
		explained := rapid.Permutation(slices.Clone(got)).Draw(t, "shuffled")
		slices.SortStableFunc(explained, func(a, b Choice) int {
			key := func(c Choice) [4]string {
				km := math.Inf(1)
				if c.HasDistance {
					km = c.DistanceKM
				}
				return [4]string{fmt.Sprint(c.Excluded != ""), sortable(c.Terms.RTT + c.Terms.Bias), sortable(km), string(c.Site.Name)}
			}
			x, y := key(a), key(b)
			return slices.Compare(x[:], y[:])
		})
		if told(got) != told(explained) || len(got) != len(sites) {
			t.Fatalf("place %+v\n got       %s\n explained %s", place, told(got), told(explained))
		}
		for _, c := range got {
			if c.Terms.By == ByDistance && c.Terms.RTT != 5+c.DistanceKM/60 {
				t.Fatalf("%s: %v ms for %v km", c.Site.Name, c.Terms.RTT, c.DistanceKM)
			}
			if (c.Excluded != "") != (c.Site.State != SiteLive) {
				t.Fatalf("%s is %s and excluded as %q", c.Site.Name, c.Site.State, c.Excluded)
			}
		}
	})
}

// sortable writes a number so that texts compare as the numbers do.
func sortable(f float64) string {
	bits := math.Float64bits(f)
	if bits>>63 == 1 {
		bits = ^bits
	} else {
		bits |= 1 << 63
	}
	return fmt.Sprintf("%016x", bits)
}

func anyPoint(t *rapid.T) gazetteer.Point {
	return gazetteer.Point{Lat: float64(rapid.IntRange(-9, 9).Draw(t, "lat")) * 10, Lon: float64(rapid.IntRange(-17, 18).Draw(t, "lon")) * 10}
}

func anySite(t *rapid.T) Site {
	return Site{
		Name:    gazetteer.RegionID(rapid.StringMatching("[a-f]{1,2}").Draw(t, "name")),
		Point:   anyPoint(t),
		Located: rapid.IntRange(0, 4).Draw(t, "located") > 0,
		Self:    rapid.IntRange(0, 3).Draw(t, "self") == 0,
		State:   rapid.SampledFrom([]SiteState{SiteLive, SiteLive, SiteLive, SiteDraining, SiteUnreachable}).Draw(t, "state"),
		RTT:     time.Duration(rapid.IntRange(0, 5).Draw(t, "rtt")) * 40 * time.Millisecond,
		Bias:    time.Duration(rapid.IntRange(-2, 2).Draw(t, "bias")) * 50 * time.Millisecond,
	}
}

func TestOrderAllocatesNothing(t *testing.T) {
	s := serverAmong(threeRegions())
	dst := make([]Choice, 0, 3)
	client := geo.Client{Addr: netip.MustParseAddr("81.2.69.142")}
	if n := testing.AllocsPerRun(100, func() { s.Order(dst, &client) }); n != 0 {
		t.Errorf("%v allocations", n)
	}
}

func BenchmarkOrder(b *testing.B) {
	for _, n := range []int{7, 32} {
		var sites []Site
		for i := range n {
			sites = append(sites, at(fmt.Sprint("r", i), float64(i*37%120-60), float64(i*91%360-180)))
		}
		s := serverAmong(sites)
		client := geo.Client{Stated: gazetteer.Point{Lat: 48, Lon: 16}, HasPoint: true}
		dst := make([]Choice, 0, n)
		b.Run(fmt.Sprint("regions=", n), func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				s.Order(dst, &client)
			}
		})
	}
}
