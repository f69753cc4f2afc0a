package router

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"slices"
	"testing"
	"time"

	"gazetteer"
	"gazetteer/region/geo"
	"gazetteer/region/geo/sample"
)

// tells is a regional server that answers GET /v1/regions.
func tells(t *testing.T, body func() string) *httptest.Server {
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, q *http.Request) {
		if q.URL.Path == "/v1/regions" {
			fmt.Fprint(w, body())
		}
	}))
	t.Cleanup(s.Close)
	return s
}

// TestTheDirectoryIsLearnedFromAnyone: one address is enough, and it may be gone later.
func TestTheDirectoryIsLearnedFromAnyone(t *testing.T) {
	var first, second *httptest.Server
	body := func() string {
		return fmt.Sprintf(`{"regions":[{"name":"a","state":"live","lat":1,"lon":2,"bias_ms":-2.5,"servers":[{"peer":"p:1","http":%q}]},
			{"name":"b","state":"draining","servers":[{"peer":"p:2","http":%q},{"peer":"p:3"},{"peer":"10.1.2.3:7070","http":"[::]:8080"}]}]}`,
			first.Listener.Addr(), second.Listener.Addr())
	}
	first, second = tells(t, body), tells(t, body)
	d, err := NewDirectory([]string{"http://127.0.0.1:1", first.URL})
	if err != nil {
		t.Fatal(err)
	}
	for _, gone := range []*httptest.Server{nil, first} {
		if gone != nil {
			gone.Close()
		}
		got, err := d.Regions(t.Context())
		want := []Region{
			{Name: "a", State: "live", Point: gazetteer.Point{Lat: 1, Lon: 2}, Located: true, Bias: -2500 * time.Microsecond, Servers: []string{first.URL}},
			{Name: "b", State: "draining", Servers: []string{second.URL, "http://10.1.2.3:8080"}},
		}
		if err != nil || fmt.Sprint(got) != fmt.Sprint(want) {
			t.Errorf("%v %v, want %v", got, err, want)
		}
	}
	second.Close()
	ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
	defer cancel()
	if _, err := d.Regions(ctx); gazetteer.KindOf(err) != gazetteer.Unavailable {
		t.Errorf("with nobody left: %v", err)
	}
}

// TestARegionAloneIsAPlanet: a process without an agreed plan answers 501.
func TestARegionAloneIsAPlanet(t *testing.T) {
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, q *http.Request) {
		if q.URL.Path == "/v1/status" {
			fmt.Fprint(w, `{"region":"solo"}`)
			return
		}
		w.WriteHeader(http.StatusNotImplemented)
	}))
	defer s.Close()
	d, err := NewDirectory([]string{s.URL})
	if err != nil {
		t.Fatal(err)
	}
	got, err := d.Regions(t.Context())
	if err != nil || len(got) != 1 || got[0].Name != "solo" || !slices.Equal(got[0].Servers, []string{s.URL}) {
		t.Errorf("%v %v", got, err)
	}
}

// TestTheNearestRegionIsFirst for clients that GeoIP knows; for others the router's own
// round trips say which.
func TestTheNearestRegionIsFirst(t *testing.T) {
	l, err := geo.LocatorFromBytes(sample.City())
	if err != nil {
		t.Fatal(err)
	}
	regions := []Region{
		{Name: "nowhere"},
		{Name: "sydney", Point: gazetteer.Point{Lat: -33.9, Lon: 151.2}, Located: true, RTT: time.Millisecond},
		{Name: "london", Point: gazetteer.Point{Lat: 51.5, Lon: -0.1}, Located: true, RTT: 2 * time.Millisecond},
		{Name: "oregon", Point: gazetteer.Point{Lat: 45.5, Lon: -122.7}, Located: true, RTT: 3 * time.Millisecond},
	}
	for addr, want := range map[string]string{
		"81.2.69.142":   "[london oregon sydney nowhere]", // London
		"216.160.83.56": "[oregon london sydney nowhere]", // Milton, Washington
		"127.0.0.1":     "[sydney london oregon nowhere]", // no evidence: by round trip
	} {
		var got []gazetteer.RegionID
		for _, i := range Nearest(l)(netip.MustParseAddr(addr), regions) {
			got = append(got, regions[i].Name)
		}
		if fmt.Sprint(got) != want {
			t.Errorf("%s: %v, want %s", addr, got, want)
		}
	}
}
