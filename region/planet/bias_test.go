package planet

import (
	"strings"
	"testing"
	"time"

	"gazetteer"
	"gazetteer/region"
	"gazetteer/region/control"
	"gazetteer/region/geo"
)

// first returns the region that another one sends a client to of whom it knows the place.
func first(l *land, lat, lon float64) string {
	return string(region.OrderSites(nil, l.planet.Sites(), geo.Place{Point: gazetteer.Point{Lat: lat, Lon: lon}, Located: true})[0].Site.Name)
}

// at says where a region is.
func at(lat, lon float64) func(*Config, *control.Description) {
	return func(c *Config, _ *control.Description) { c.Place = &Place{Lat: lat, Lon: lon} }
}

// TestABiasTravels: what an operator says in one region changes whom all of them send a
// client to, and draining changes nothing of it.
func TestABiasTravels(t *testing.T) {
	inBubble(t, "a-b=20 a-c=40 b-c=30", func(e *earth) {
		ctx := t.Context()
		a := e.found("a", at(0, 0))
		b, c := e.admitted("b", a, at(0, 10)), e.admitted("c", a, at(0, 20))
		e.eventually(60*time.Second, "a-b b-c")

		all := func(want string) {
			t.Helper()
			time.Sleep(2 * time.Second)
			for _, l := range e.regions {
				if got := first(l, 0, 9); got != want {
					t.Errorf("%s sends the client to %s, want %s", l.name, got, want)
				}
			}
		}
		must := func(err error) {
			t.Helper()
			if err != nil {
				t.Fatal(err)
			}
		}
		all("b")
		must(c.planet.Bias(ctx, "b", 40*time.Millisecond))
		all("a")
		must(a.planet.Drain(ctx, "b", true))
		must(a.planet.Drain(ctx, "b", false))
		all("a")
		must(b.planet.Bias(ctx, "c", -time.Second))
		all("c")
		must(a.planet.Bias(ctx, "c", 0))
		must(a.planet.Bias(ctx, "b", 0))
		all("b")

		if status, err := a.planet.topologyNow(ctx); err != nil || status.Regions[1].Bias != 0 {
			t.Errorf("%+v, %v", status.Regions, err)
		}
		must(a.planet.Bias(ctx, "a", 1500*time.Microsecond))
		if status, err := b.planet.topologyNow(ctx); err != nil || status.Regions[0].Bias != 1500*time.Microsecond {
			t.Errorf("%+v, %v", status.Regions, err)
		}
	})
}

func TestABiasThatCannotBe(t *testing.T) {
	inBubble(t, "a-b=20", func(e *earth) {
		a := e.found("a")
		e.admitted("b", a)
		e.eventually(60*time.Second, "a-b")
		op := a.planet.Operator()
		for name, c := range map[string]struct {
			r    gazetteer.RegionID
			bias time.Duration
			want gazetteer.Kind
		}{
			"too far":  {"b", region.BiasMax + 1, gazetteer.Unprocessable},
			"too near": {"b", -region.BiasMax - 1, gazetteer.Unprocessable},
			"nobody":   {"x", 0, gazetteer.NotFound},
		} {
			if err := op.BiasRegion(t.Context(), c.r, c.bias); gazetteer.KindOf(err) != c.want {
				t.Errorf("%s: %v", name, err)
			}
		}
		if err := op.RemoveRegion(t.Context(), "b", true); err != nil {
			t.Fatal(err)
		}
		if err := op.BiasRegion(t.Context(), "b", 0); gazetteer.KindOf(err) != gazetteer.NotFound {
			t.Errorf("a region that is gone: %v", err)
		}
	})
}

func TestBiasesComeBack(t *testing.T) {
	d := sampleDescription()
	for _, bias := range []time.Duration{0, time.Microsecond, -region.BiasMax, region.BiasMax} {
		r := stored(t, "x", &d, &Standing{State: Draining})
		l := biasLocation(bias)
		if err := l.Validate(); err != nil {
			t.Error(err)
		}
		strange := gazetteer.Location{ID: "of-a-newer-server", URL: "gazetteer:other", Weight: 1}
		r.Locations = append(r.Locations, l, strange)
		if got, err := recordOf(r); err != nil || got.Bias != bias || got.Standing.State != Draining {
			t.Errorf("%v came back as %+v, %v", bias, got, err)
		}
		for _, bad := range []string{"", "1.5", "much", "1000001", "-1000001"} {
			r.Locations[1].Labels[0].Value = bad
			if got, err := recordOf(r); err == nil || !strings.Contains(err.Error(), "_regions/x") {
				t.Errorf("%q: got %+v, %v", bad, got, err)
			}
		}
	}
}
