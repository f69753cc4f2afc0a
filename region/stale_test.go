package region

import (
	"context"
	"strings"
	"testing"
	"time"

	"gazetteer"
)

// aged is a tier that says how old its knowledge may be.
type aged struct {
	*fake
	staleness time.Duration
	degraded  bool
}

func (a *aged) Read(ctx context.Context, dst []byte, k gazetteer.Key) ([]byte, ReadInfo, error) {
	out, info, err := a.fake.Read(ctx, dst, k)
	info.Staleness, info.Degraded = a.staleness, a.degraded
	return out, info, err
}

// agedTransport reaches one cluster server.
type agedTransport struct{ own *aged }

func (t agedTransport) Tier(gazetteer.NodeID, Role) Tier { return t.own }

// agedPlanet is planetOf, of which each region's age can be set.
func agedPlanet(t *testing.T) (s *Server, own, near, far *aged) {
	_, ownFake, nearFake, farFake := planetOf(t)
	own, near, far = &aged{fake: ownFake}, &aged{fake: nearFake}, &aged{fake: farFake}
	nodes := []gazetteer.NodeID{"a"}
	s = NewServer(Config{
		Plan: fakePlan{servers: nodes, rings: [][]gazetteer.NodeID{nodes}}, Node: "front",
		Transport: agedTransport{own}, Elsewhere: others{{"near", near}, {"far", far}},
	})
	return s, own, near, far
}

func TestWhatIsTooOldIsReadElsewhere(t *testing.T) {
	const most = time.Second
	for _, c := range []struct {
		name           string
		own, near, far time.Duration // below 0: degraded, with 0
		want           gazetteer.RegionID
		detail         string
	}{
		{"fresh here", most, 0, 0, "here", ""},
		{"fresh nearby", most + 1, most, 0, "near", ""},
		{"fresh far away", 3 * most, 2 * most, most / 2, "far", ""},
		{"degraded is fresh for nobody", -1, 2 * most, 0, "far", ""},
		{"nowhere", 3 * most, 2500 * time.Millisecond, 9 * most, "", "may be 2.5s old"},
		{"degraded everywhere", -1, -1, -1, "", "an origin does not answer"},
		{"a known age is better than none", -1, 7 * most, -1, "", "may be 7s old"},
	} {
		s, own, near, far := agedPlanet(t)
		for i, r := range []*aged{own, near, far} {
			age := []time.Duration{c.own, c.near, c.far}[i]
			r.staleness, r.degraded = max(age, 0), age < 0
		}
		var a Answer
		err := s.Resolve(t.Context(), &Query{Key: mirror("x"), MaxStale: most}, &a)
		switch {
		case c.detail == "" && (err != nil || a.Region != c.want || len(a.Candidates) != 1):
			t.Errorf("%s: answered by %q, %v; want %q", c.name, a.Region, err, c.want)
		case c.detail != "" && (gazetteer.KindOf(err) != gazetteer.Unavailable || !strings.Contains(err.Error(), c.detail)):
			t.Errorf("%s: %v", c.name, err)
		}
	}
}

// A region that was named answers itself or not at all, and a query without a bound takes
// what there is.
func TestABoundHoldsForTheRegionNamed(t *testing.T) {
	s, own, near, _ := agedPlanet(t)
	own.staleness, own.degraded = time.Minute, true
	var a Answer
	if err := s.Resolve(t.Context(), &Query{Key: mirror("x"), MaxStale: time.Second, Region: "here"}, &a); gazetteer.KindOf(err) != gazetteer.Unavailable || near.called() != 0 {
		t.Errorf("got %v, the nearest region was asked %d times", err, near.called())
	}
	if err := s.Resolve(t.Context(), &Query{Key: mirror("x")}, &a); err != nil || near.called() != 0 || a.Staleness != time.Minute || !a.Degraded {
		t.Errorf("got %v, %v, the nearest region was asked %d times", a.Staleness, err, near.called())
	}
}
