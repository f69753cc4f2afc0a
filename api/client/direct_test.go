package client

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"

	"gazetteer"
	"gazetteer/api/rest"
	"gazetteer/api/rest/resttest"
	"gazetteer/region"
)

// station is a regional server and what it was asked.
type station struct {
	*httptest.Server
	regional              *resttest.Regional
	normal, direct, plans atomic.Int64
}

func newStation(t *testing.T) *station {
	t.Helper()
	s := &station{regional: resttest.New("ndt")}
	h, err := rest.New(rest.Config{Regional: s.regional})
	if err != nil {
		t.Fatal(err)
	}
	s.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, q *http.Request) {
		switch {
		case q.URL.Path == "/v1/plan":
			s.plans.Add(1)
		case q.URL.Query().Has("direct"):
			s.direct.Add(1)
		default:
			s.normal.Add(1)
		}
		h.ServeHTTP(w, q)
	}))
	t.Cleanup(s.Close)
	w := s.regional.Write(t.Context(), []region.Change{{Key: gazetteer.Key{Type: "ndt", ID: "one"}, Op: region.PutResource,
		Locations: []gazetteer.Location{{ID: "a", URL: "https://a.example/", Weight: 1}}}})
	if w[0].Err != nil {
		t.Fatal(w[0].Err)
	}
	return s
}

// says has the station name one member, at an address, as the owner of everything.
func (s *station) says(epoch uint64, n gazetteer.NodeID, addr string) {
	s.regional.Place(region.Owners{Region: "r1", Epoch: epoch, Placement: []int{0, 0, 0},
		Rings: []region.OwnerRing{{Name: "a", Members: []region.Owner{{Node: n, HTTP: addr, Live: true}}}}})
}

func (s *station) host() string { return strings.TrimPrefix(s.URL, "http://") }

// asked checks how many requests of each sort came in since the last call.
func (s *station) asked(t *testing.T, normal, direct, plans int64) {
	t.Helper()
	if n, d, p := s.normal.Swap(0), s.direct.Swap(0), s.plans.Swap(0); n != normal || d != direct || p != plans {
		t.Errorf("asked %d times the normal way, %d times directly, %d times for the plan; want %d, %d, %d", n, d, p, normal, direct, plans)
	}
}

func directTo(t *testing.T, s *station) *Client {
	t.Helper()
	k, err := New(Config{Addr: s.URL, Direct: true})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(k.Close)
	return k
}

func (c *Client) mustFind(t *testing.T) {
	t.Helper()
	if a, err := c.Resolve(t.Context(), Query{Type: "ndt", ID: "one"}); err != nil || len(a.Locations) != 1 {
		t.Fatal(a, err)
	}
}

func TestDirectAsksTheOwner(t *testing.T) {
	front, owner := newStation(t), newStation(t)
	front.says(1, "n1", owner.host())
	owner.says(1, "n1", owner.host())
	k := directTo(t, front)
	for range 3 {
		k.mustFind(t)
	}
	if d, err := k.Get(t.Context(), "ndt", "one"); err != nil || len(d.Locations) != 1 {
		t.Error(d, err)
	}
	_, err := k.Resolve(t.Context(), Query{Type: "ndt", ID: "none"})
	if gazetteer.KindOf(err) != gazetteer.NotFound {
		t.Error(err)
	}
	front.asked(t, 0, 0, 1)
	owner.asked(t, 0, 5, 0)
}

// TestAWrongOwnerCostsOneRetry: the plan has changed under the client.
func TestAWrongOwnerCostsOneRetry(t *testing.T) {
	front, owner := newStation(t), newStation(t)
	front.says(1, "n1", owner.host())
	owner.says(1, "n1", owner.host())
	k := directTo(t, front)
	k.mustFind(t)
	front.asked(t, 0, 0, 1)
	owner.asked(t, 0, 1, 0)

	front.says(2, "n1", front.host())
	owner.says(2, "n2", front.host())
	k.mustFind(t)
	front.asked(t, 1, 0, 0)
	owner.asked(t, 0, 1, 0)

	k.plans.mu.Lock()
	k.plans.kept["ndt"].until = k.plans.kept["ndt"].until.Add(-2 * planRest)
	k.plans.mu.Unlock()
	k.mustFind(t)
	front.asked(t, 0, 1, 1)
	owner.asked(t, 0, 0, 0)
}

func TestADeadOwnerCostsOneRetry(t *testing.T) {
	front, owner := newStation(t), newStation(t)
	front.says(1, "n1", owner.host())
	k := directTo(t, front)
	owner.Close()
	k.mustFind(t)
	front.asked(t, 1, 0, 1)
	if d := k.plans.doors[owner.host()]; d.failures.Load() != 1 {
		t.Errorf("the dead member was tried %d times", d.failures.Load())
	}
}

func TestWithoutAnAddressTheNormalWay(t *testing.T) {
	front := newStation(t)
	front.says(1, "n1", "")
	k := directTo(t, front)
	k.mustFind(t)
	k.mustFind(t)
	front.asked(t, 2, 0, 1)
	if _, err := k.GetFrom(t.Context(), "ndt", "one", "r1"); err != nil {
		t.Error(err)
	}
	front.asked(t, 1, 0, 0)
}
