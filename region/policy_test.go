package region

import (
	"encoding/json"
	"net/netip"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"gazetteer"
	"gazetteer/pb"
	"gazetteer/region/geo"
	"gazetteer/region/geo/sample"
	"gazetteer/ring"
)

func policy(t *testing.T, text string) *geo.Policy {
	t.Helper()
	p := geo.ParsePolicy(text)
	if p.Ignored() != "" {
		t.Fatal(p.Ignored())
	}
	return p
}

func withPolicy(t *testing.T, s *Server, text string) {
	t.Helper()
	if _, err := s.PutType(t.Context(), TypeSpec{Name: "mirror", Policy: policy(t, text)}); err != nil {
		t.Fatal(err)
	}
}

// storeType writes the record of a type as another server would.
func storeType(f fakes, attributes string) {
	body := pb.AppendAttributes(nil, json.RawMessage(attributes))
	f["a"].shelf.write(gazetteer.TypesType, &ring.Write{ID: "mirror", Replace: true, Put: []ring.Value{{Body: body}}})
}

// A policy set at one server orders the answers of another once that has read the type,
// as it was written.
func TestAPolicyTravelsWithItsType(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, f := regional(t, "a")
		f.stock(mirror("x"), located("akl", -37, 175), located("fra", 50, 8))
		other := NewServer(Config{Plan: s.groups.plan(), Node: "other", Transport: f})
		go other.Run(t.Context())
		if first := firstAt(t, other, Query{Key: mirror("x"), Client: near(50, 8)}); first != "fra" {
			t.Fatal(first)
		}
		const text = `{"tiers":[{"name":"down under","locations":"id=akl"}]}`
		withPolicy(t, s, text)
		time.Sleep(2 * refreshEvery)
		for _, at := range []*Server{s, other} {
			if first := firstAt(t, at, Query{Key: mirror("x"), Client: near(50, 8)}); first != "akl" {
				t.Errorf("%s sends first to %s", at.node, first)
			}
			if spec, err := at.Type(t.Context(), "mirror"); err != nil || spec.Policy.Text() != text {
				t.Errorf("%s: %q, %v", at.node, spec.Policy.Text(), err)
			}
		}
		if _, err := s.PutType(t.Context(), TypeSpec{Name: "mirror"}); err != nil {
			t.Fatal(err)
		}
		time.Sleep(2 * refreshEvery)
		if first := firstAt(t, other, Query{Key: mirror("x"), Client: near(50, 8)}); first != "fra" {
			t.Errorf("without its policy the type sends first to %s", first)
		}
	})
}

func near(lat, lon float64) geo.Client {
	return geo.Client{Stated: gazetteer.Point{Lat: lat, Lon: lon}, HasPoint: true}
}

func firstAt(t *testing.T, s *Server, q Query) string {
	t.Helper()
	var a Answer
	if err := s.Resolve(t.Context(), &q, &a); err != nil {
		t.Fatal(err)
	}
	if len(a.Candidates) == 0 {
		return ""
	}
	return string(a.Candidates[0].Location.ID)
}

// The types are read again twice a second; a policy is made ready when it changes.
func TestAPolicyIsMadeReadyOncePerChange(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, f := regional(t, "a")
		go s.Run(t.Context())
		storeType(f, `{"mode":"multi","ttl_seconds":30,"policy":{"weights":"share"}}`)
		ready := func() (*TypeSpec, *geo.Policy) {
			if _, err := s.Type(t.Context(), "mirror"); err != nil {
				t.Fatal(err)
			}
			spec := (*s.types.known.Load())["mirror"]
			return spec, spec.Policy
		}
		spec, p := ready()
		time.Sleep(10 * refreshEvery)
		if again, q := ready(); again != spec || q != p || p == nil {
			t.Error("it is made ready again though nothing has changed")
		}
		storeType(f, `{"mode":"multi","ttl_seconds":60,"policy":{"weights":"share"}}`)
		time.Sleep(2 * refreshEvery)
		if again, q := ready(); again.TTL != time.Minute || q != p {
			t.Error("it is made ready again though only the rest of the type has changed")
		}
		storeType(f, `{"mode":"multi","ttl_seconds":60,"policy":{"weights":"pull"}}`)
		time.Sleep(2 * refreshEvery)
		if _, q := ready(); q == p || q.Text() != `{"weights":"pull"}` {
			t.Errorf("the change is not seen: %q", q.Text())
		}
	})
}

// What a newer server stored of a type is neither lost by a write nor in its way.
func TestUnknownFieldsOfATypeAreKept(t *testing.T) {
	s, f := regional(t, "a")
	storeType(f, `{"mode":"multi","ttl_seconds":30,"quota":{"reads":[1,2]},"policy":{"asn":[7],"weights":"share"}}`)
	spec, err := s.Type(t.Context(), "mirror")
	if err != nil || spec.Policy.Text() != `{"asn":[7],"weights":"share"}` {
		t.Fatalf("%q, %v", spec.Policy.Text(), err)
	}
	if _, err := s.PutType(t.Context(), TypeSpec{Name: "mirror", TTL: time.Minute, Redirect: true}); err != nil {
		t.Fatal(err)
	}
	r, err := s.get(t.Context(), typeKey("mirror"))
	if err != nil {
		t.Fatal(err)
	}
	var stored map[string]any
	if err := json.Unmarshal(r.Attributes, &stored); err != nil {
		t.Fatal(err)
	}
	if stored["quota"] == nil || stored["ttl_seconds"] != 60.0 || stored["redirect"] != true || stored["policy"] != nil {
		t.Errorf("stored is %s", r.Attributes)
	}
}

func TestExplainTellsWhatOfAPolicyIsIgnored(t *testing.T) {
	s, f := regional(t, "a")
	f.stock(mirror("x"), located("akl", -37, 175))
	storeType(f, `{"policy":{"asn":[7]}}`)
	var a Answer
	for _, explain := range []bool{true, false} {
		if err := s.Resolve(t.Context(), &Query{Key: mirror("x"), Explain: explain}, &a); err != nil {
			t.Fatal(err)
		}
		if strings.Contains(a.PolicyIgnored, "/asn") != explain || len(a.Candidates) != 1 {
			t.Errorf("explain %v: %q", explain, a.PolicyIgnored)
		}
	}
}

// planet adds what a regional server knows of regions to the servers of others.
type planet struct {
	others
	sites []Site
}

func (p planet) Sites() []Site { return p.sites }

// The region that a policy names answers while it can; whoever names another gets that.
func TestAPolicyNamesTheRegionThatAnswers(t *testing.T) {
	s, own, _, far := planetOf(t)
	regions := planet{s.elsewhere.(others), []Site{{Name: "here", Self: true}, {Name: "near", State: SiteLive}, {Name: "far", State: SiteLive}}}
	s.elsewhere = regions
	withPolicy(t, s, `{"region":"far"}`)
	answered := func(named gazetteer.RegionID) gazetteer.RegionID {
		var a Answer
		if err := s.Resolve(t.Context(), &Query{Key: mirror("x"), Region: named}, &a); err != nil {
			t.Fatal(err)
		}
		return a.Region
	}
	if by := answered(""); by != "far" {
		t.Errorf("answered by %s", by)
	}
	if by := answered("near"); by != "near" {
		t.Errorf("near was named, answered by %s", by)
	}
	far.fail(gazetteer.Unavailable)
	if by := answered(""); by != "here" {
		t.Errorf("far is gone, answered by %s", by)
	}
	far.heal()
	regions.sites[2].State = SiteUnreachable
	before := far.called()
	if by := answered(""); by != "here" || far.called() != before {
		t.Errorf("far is known to be gone, answered by %s", by)
	}
	regions.sites[2].State = SiteLive
	withPolicy(t, s, `{"region":"nowhere"}`)
	if by := answered(""); by != "here" {
		t.Errorf("nobody is nowhere, answered by %s", by)
	}
	withPolicy(t, s, `{"region":"here"}`)
	own.fail(gazetteer.Unavailable)
	if by := answered(""); by != "near" {
		t.Errorf("the policy's region is this one and cannot answer, answered by %s", by)
	}
}

// Who is kept out by country does not get in by saying that he is elsewhere.
func TestACountryIsNotTakenOnTheClientsWord(t *testing.T) {
	s, f := regional(t, "a")
	l, err := geo.LocatorFromBytes(sample.City())
	if err != nil {
		t.Fatal(err)
	}
	s.locator = l
	f.stock(mirror("x"), located("fra", 50, 8))
	withPolicy(t, s, `{"countries":[{"deny":["GB"]}]}`)
	const british, swedish = "81.2.69.142", "89.160.20.112"
	for _, c := range []struct {
		client geo.Client
		want   string
	}{
		{geo.Client{Addr: netip.MustParseAddr(british)}, ""},
		{geo.Client{Addr: netip.MustParseAddr(swedish)}, "fra"},
		{geo.Client{Addr: netip.MustParseAddr(british), Country: "SE"}, ""},
		{geo.Client{Addr: netip.MustParseAddr(british), HasPoint: true}, ""},
		{geo.Client{Addr: netip.MustParseAddr(british), IP: netip.MustParseAddr(swedish)}, ""},
		{geo.Client{Addr: netip.MustParseAddr(swedish), IP: netip.MustParseAddr(british)}, ""},
		{geo.Client{Country: "SE"}, "fra"},
	} {
		if first := firstAt(t, s, Query{Key: mirror("x"), Client: c.client}); first != c.want {
			t.Errorf("%+v gets %q", c.client, first)
		}
	}
}

// A policy costs a lookup no memory.
func TestResolveByPolicyAllocatesNothing(t *testing.T) {
	s, f := regional(t, "a")
	f.stock(mirror("x"), located("akl", -37, 175), located("fra", 50, 8), located("nyc", 40, -74))
	s.clusters.server("a").local = true
	withPolicy(t, s, `{"pin":["id!=zrh"],"countries":[{"deny":["KP"]}],"tiers":[{"name":"local","within_km":100},{"name":"near","same_country":true}],
		"bias":[{"locations":"id=fra","percent":-20}],"load":{"label":"load","full":1},"network":{"ipv4":16,"ipv6":40}}`)
	var a Answer
	q := Query{Key: mirror("x"), Client: near(1, 0)}
	n := testing.AllocsPerRun(100, func() {
		if err := s.Resolve(t.Context(), &q, &a); err != nil {
			t.Fatal(err)
		}
	})
	if n != 0 {
		t.Errorf("%v allocations", n)
	}
}
