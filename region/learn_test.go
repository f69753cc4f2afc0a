package region

import (
	"context"
	"fmt"
	"net/netip"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"gazetteer"
	"gazetteer/region/geo"
	"gazetteer/region/geo/sample"
)

// learner is a running server of three regions that knows a GeoIP database.
func learner(t *testing.T) *Server {
	l, err := geo.LocatorFromBytes(sample.City())
	if err != nil {
		t.Fatal(err)
	}
	s := NewServer(Config{Plan: fakePlan{}, Node: "front", Locator: l})
	s.elsewhere = atlas{sites: threeRegions()}
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan struct{})
	go func() { defer close(done); s.learning.run(ctx) }()
	t.Cleanup(func() { cancel(); <-done })
	return s
}

func measured(fra, lon, syd float64) []geo.Measurement {
	var out []geo.Measurement
	for i, ms := range []float64{fra, lon, syd} {
		if ms > 0 {
			out = append(out, geo.Measurement{Region: threeRegions()[i].Name, RTT: time.Duration(ms * float64(time.Millisecond))})
		}
	}
	return out
}

func TestOrderByWhatClientsHaveMeasured(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := learner(t)
		order := func(a string) string {
			p, got := s.Order(nil, &geo.Client{Addr: netip.MustParseAddr(a)})
			return told(got) + fmt.Sprint("in ", p.Network)
		}
		report := func(a string, all []geo.Measurement) {
			t.Helper()
			if r, err := s.Measure(netip.MustParseAddr(a), all); err != nil || r.Taken != len(all) {
				t.Fatalf("%+v, %v", r, err)
			}
		}
		want := func(a, order string, got string) {
			t.Helper()
			if got != order {
				t.Errorf("%s:\n got  %s\n want %s", a, got, order)
			}
		}
		// London, by GeoIP. One client finds Frankfurt nearer: so it is for him, only.
		byDistance := "lon 5 distance; fra 16 distance; syd 288 distance; in "
		want("before", byDistance+"81.2.69.142/31", order("81.2.69.142"))
		report("81.2.69.142", measured(7, 25, 0))
		time.Sleep(2 * learnEvery)
		want("itself", "fra 7 learned; lon 25 learned; syd 288 distance; in 81.2.69.142/32", order("81.2.69.142"))
		want("its neighbour", byDistance+"81.2.69.143/32", order("81.2.69.143"))
		// Two more say so: so it is for all of their network.
		report("81.2.69.1", measured(9, 25, 0))
		report("81.2.69.2", measured(8, 23, 0))
		time.Sleep(2 * learnEvery)
		want("its neighbour", "fra 8 learned; lon 25 learned; syd 288 distance; in 81.2.69.143/32", order("81.2.69.143"))
		// Who states where he is is not in that network.
		_, got := s.Order(nil, &geo.Client{Addr: netip.MustParseAddr("81.2.69.142"), Country: "GB"})
		if got[0].Terms.By != ByDistance {
			t.Errorf("stated: %s", told(got))
		}
		// The terms say whose measurements they are.
		_, got = s.Order(nil, &geo.Client{IP: netip.MustParseAddr("81.2.69.160")})
		if got[0].Terms.Length != 24 || got[0].Terms.Sources != 3 {
			t.Errorf("terms %+v", got[0].Terms)
		}
		time.Sleep(25 * time.Hour)
		want("a day later", byDistance+"81.2.69.142/31", order("81.2.69.142"))
	})
}

// Whoever keeps an order by the place keeps it right: clients with equal places get the
// same, and the network of a place is one in which all do.
func TestEqualPlacesHaveTheSameOrder(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := learner(t)
		orders := map[geo.Place]string{}
		look := func() {
			var places []geo.Place
			for last := range 256 {
				c := geo.Client{Addr: netip.AddrFrom4([4]byte{81, 2, 69, byte(last)})}
				p, got := s.Order(nil, &c)
				if p != s.Locate(&c) {
					t.Fatalf("%v is at %+v, or at %+v", c.Addr, p, s.Locate(&c))
				}
				for _, earlier := range places {
					if earlier.Network.Contains(c.Addr) && earlier != p {
						t.Fatalf("%v is in %s, and at %+v", c.Addr, earlier.Network, p)
					}
				}
				places = append(places, p)
				p.Network = netip.Prefix{}
				if before, ok := orders[p]; ok && before != told(got) {
					t.Fatalf("%+v: %s, then %s", p, before, told(got))
				}
				orders[p] = told(got)
			}
		}
		look()
		for i, ms := range []float64{9, 25, 7, 30} {
			for host := range 3 {
				if _, err := s.Measure(netip.AddrFrom4([4]byte{81, 2, 69, byte(140 + 20*i + host)}), measured(ms, 20, 0)); err != nil {
					t.Fatal(err)
				}
			}
			time.Sleep(2 * learnEvery)
			look()
		}
	})
}

// What one says of regions cannot be less than light takes: London and Sydney are
// 17,000 km apart.
func TestNobodyIsNearerThanLightAllows(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := learner(t)
		london := netip.MustParseAddr("81.2.69.142")
		r, err := s.Measure(london, measured(16, 6, 0.1))
		if err != nil || r.Taken != 3 || r.Raised != 1 || r.Network != netip.MustParsePrefix("81.2.69.0/24") {
			t.Fatalf("%+v, %v", r, err)
		}
		time.Sleep(2 * learnEvery)
		if _, got := s.Order(nil, &geo.Client{Addr: london}); told(got) != "lon 6 learned; fra 16 learned; syd 113 learned; " {
			t.Errorf("got %s", told(got))
		}
	})
}

func TestOperatorsWordIsAboveWhatClientsMeasure(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := learner(t)
		s.locator.UseNetworks([]geo.Network{{Prefix: netip.MustParsePrefix("81.2.69.0/24"), Region: "syd"}})
		client := geo.Client{Addr: netip.MustParseAddr("81.2.69.142")}
		if _, err := s.Measure(client.Addr, measured(16, 6, 300)); err != nil {
			t.Fatal(err)
		}
		time.Sleep(2 * learnEvery)
		// From there the others are as far as light takes.
		p, got := s.Order(nil, &client)
		if told(got) != "syd 0 operator-network; fra 110 learned; lon 113 learned; " || p.Point != threeRegions()[2].Point {
			t.Errorf("%+v: %s", p, told(got))
		}
	})
}

func TestReportsThatAreRefused(t *testing.T) {
	s := serverAmong(threeRegions())
	for _, c := range []struct{ addr, region, says string }{
		{"127.0.0.1", "fra", "no address of a client"},
		{"::ffff:10.0.0.1", "fra", "no address of a client"},
		{"81.2.69.142", "mars", `/measurements/0/region: the planet has no region "mars"`},
	} {
		r, err := s.Measure(netip.MustParseAddr(c.addr), []geo.Measurement{{Region: gazetteer.RegionID(c.region), RTT: time.Millisecond}})
		if gazetteer.KindOf(err) != gazetteer.Unprocessable || !strings.Contains(err.Error(), c.says) || r.Taken != 0 {
			t.Errorf("%s of %s: %+v, %v", c.addr, c.region, r, err)
		}
	}
	if _, err := s.Measure(netip.Addr{}, nil); gazetteer.KindOf(err) != gazetteer.Unprocessable {
		t.Errorf("from nowhere: %v", err)
	}
}
