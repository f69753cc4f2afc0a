package dns

import (
	"bytes"
	"cmp"
	"context"
	"net/netip"
	"os"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/miekg/dns"

	"gazetteer"
	"gazetteer/region"
	"gazetteer/region/geo"
)

// stubRegional ranks as a real regional server does; it keeps records in a map.
type stubRegional struct {
	locator  *geo.Locator
	sites    atomic.Pointer[[]region.Site]
	policy   atomic.Pointer[geo.Policy]
	down     atomic.Bool
	degraded atomic.Bool
	asked    atomic.Uint64

	mu      sync.Mutex // guards records
	records map[gazetteer.Key]gazetteer.Record
}

func (s *stubRegional) Locate(c *geo.Client) geo.Place { return s.locator.Locate(*c) }

// Order is by distance; those that are not live come last.
func (s *stubRegional) Order(dst []region.Choice, c *geo.Client) (geo.Place, []region.Choice) {
	p := s.Locate(c)
	sites := *s.sites.Load()
	for i := range sites {
		at := region.Choice{Site: &sites[i], DistanceKM: geo.DistanceKM(p.Point, sites[i].Point)}
		if sites[i].State != region.SiteLive {
			at.Excluded = string(sites[i].State)
		}
		dst = append(dst, at)
	}
	slices.SortStableFunc(dst, func(a, b region.Choice) int {
		out := func(c *region.Choice) int { return min(len(c.Excluded), 1) }
		if p.Located {
			return cmp.Or(out(&a)-out(&b), cmp.Compare(a.DistanceKM, b.DistanceKM))
		}
		return out(&a) - out(&b)
	})
	return p, dst
}

// change lets a test change the regions.
func (b *bed) change(f func([]region.Site)) {
	next := slices.Clone(*b.regional.sites.Load())
	f(next)
	b.regional.sites.Store(&next)
	b.look()
}

func (s *stubRegional) Type(_ context.Context, t gazetteer.Type) (region.TypeSpec, error) {
	if t != "web" && t != "ndt" {
		return region.TypeSpec{}, &gazetteer.Error{Op: "stub.Type", Kind: gazetteer.NotFound, Detail: "no such type"}
	}
	return region.TypeSpec{Name: t, TTL: 20 * time.Second, Policy: s.policy.Load()}, nil
}

func (s *stubRegional) GetFrom(ctx context.Context, k gazetteer.Key, r gazetteer.RegionID) (gazetteer.Record, gazetteer.RegionID, error) {
	s.asked.Add(1)
	if s.down.Load() {
		return gazetteer.Record{}, "", &gazetteer.Error{Op: "stub.Get", Kind: gazetteer.Unavailable, Detail: "down"}
	}
	if _, err := s.Type(ctx, k.Type); err != nil {
		return gazetteer.Record{}, "", err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	record, ok := s.records[k]
	if !ok {
		return record, r, &gazetteer.Error{Op: "stub.Get", Kind: gazetteer.NotFound, Key: k, Detail: "no such resource"}
	}
	return record, r, nil
}

func (s *stubRegional) Resolve(ctx context.Context, q *region.Query, a *region.Answer) error {
	record, by, err := s.GetFrom(ctx, q.Key, q.Region)
	if err != nil {
		return err
	}
	var k geo.Ranker
	o := geo.Options{Limit: q.Limit, Explain: q.Explain, Policy: s.policy.Load()}
	a.Client = s.locator.Locate(q.Client)
	a.Candidates, a.Excluded = k.Rank(nil, a.Client, q.Client.Addr, record.Locations, &o)
	a.Key, a.Region, a.Node, a.TTL, a.Version, a.Degraded = q.Key, by, "fra-1", 20*time.Second, record.Version, s.degraded.Load()
	return nil
}

func (s *stubRegional) put(typ gazetteer.Type, id gazetteer.ID, ls ...gazetteer.Location) {
	s.mu.Lock()
	defer s.mu.Unlock()
	k := gazetteer.Key{Type: typ, ID: id}
	for i := range ls {
		ls[i].Weight = max(ls[i].Weight, 1)
	}
	s.records[k] = gazetteer.Record{Key: k, Locations: ls, Version: 7}
}

// bed is a server under test.
type bed struct {
	*Server
	regional *stubRegional
	addr     string
}

var (
	fra = gazetteer.Point{Lat: 50.1, Lon: 8.7}
	nyc = gazetteer.Point{Lat: 40.7, Lon: -74}
	syd = gazetteer.Point{Lat: -33.9, Lon: 151.2}
)

func at(id gazetteer.LocationID, p gazetteer.Point, url string, labels ...gazetteer.Label) gazetteer.Location {
	return gazetteer.Location{ID: id, URL: url, Point: p, Located: true, Weight: 1, Labels: labels}
}

func testRegional(tb testing.TB) *stubRegional {
	tb.Helper()
	locator, err := geo.OpenLocator("../../region/geo/testdata/GeoLite2-City-Test.mmdb")
	if err != nil {
		tb.Fatal(err)
	}
	r := &stubRegional{locator: locator, records: map[gazetteer.Key]gazetteer.Record{}}
	r.sites.Store(&[]region.Site{
		{Name: "fra", Point: fra, Located: true, State: region.SiteLive, Servers: []region.RegionServer{
			{Node: "fra-1", HTTP: "192.0.2.1:8080"}, {Node: "fra-2", HTTP: "[::]:8080", Peer: "192.0.2.2:7070"}, {Node: "fra-3", Peer: "192.0.2.3:7070"}}},
		{Name: "nyc", Point: nyc, Located: true, State: region.SiteLive, Servers: []region.RegionServer{
			{Node: "nyc-1", HTTP: "198.51.100.1:8080"}, {Node: "nyc-2", HTTP: "[2001:db8::1]:8080"}}},
		{Name: "syd", Point: syd, Located: true, State: region.SiteLive, Servers: []region.RegionServer{
			{Node: "syd-1", HTTP: "203.0.113.1:8080"}, {Node: "syd-2", HTTP: "api.syd.example:443"}}},
	})
	r.put("web", "one", at("l1", fra, "http://192.0.2.10/"))
	r.put("web", "two", at("l1", fra, "http://192.0.2.10/"), at("l2", nyc, "https://198.51.100.10:8443/x"))
	r.put("web", "equal", at("l1", fra, "http://192.0.2.10/"), at("l2", fra, "http://192.0.2.11/"), at("l3", fra, "http://192.0.2.12/"))
	r.put("web", "Named Id/ü", at("l1", fra, "http://mirror.example/pub"), at("l2", nyc, "rsync://198.51.100.10/pub"))
	r.put("web", "opaque", at("l1", fra, "mailto:you"))
	r.put("ndt", "lhr", at("m 1", fra, "https://m1.example/", gazetteer.Label{Key: "ipv4", Value: "192.0.2.77"}, gazetteer.Label{Key: "ipv6", Value: "2001:db8::77"}))
	return r
}

// serve starts a server that ends with the test.
func serve(t testing.TB, change func(*Config)) *bed {
	t.Helper()
	r := testRegional(t)
	c := Config{
		Zone: "gz.test", Regional: r, Node: "fra-1", Rate: -1,
		Nameservers: []Nameserver{{Name: "ns.gz.test", Addrs: []netip.Addr{netip.MustParseAddr("192.0.2.53")}}, {Name: "ns.elsewhere.example"}},
		Explainers:  []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")},
	}
	if change != nil {
		change(&c)
	}
	s, err := New(c)
	if err != nil {
		t.Fatal(err)
	}
	at, err := Listen(t.Context(), "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(context.Background())
	over := make(chan error, 1)
	go func() { over <- s.Serve(ctx, at) }()
	t.Cleanup(func() {
		stop()
		if err := <-over; err != nil {
			t.Error(err)
		}
	})
	return &bed{s, r, at.Addr()}
}

// ask asks over a real socket, by default over UDP.
func (b *bed) ask(t testing.TB, m *dns.Msg, network string) *dns.Msg {
	t.Helper()
	c := dns.Client{Net: network, Timeout: 10 * time.Second}
	got, _, err := c.Exchange(m, b.addr)
	if err != nil {
		t.Fatalf("%v: %v", m.Question, err)
	}
	return got
}

func question(name string, qtype uint16) *dns.Msg {
	m := new(dns.Msg).SetQuestion(dns.Fqdn(name), qtype)
	m.RecursionDesired = false
	return m
}

// withSubnet adds ECS.
func withSubnet(m *dns.Msg, subnet string) *dns.Msg {
	p := netip.MustParsePrefix(subnet)
	family := uint16(1)
	if p.Addr().Is6() {
		family = 2
	}
	return withOption(m, &dns.EDNS0_SUBNET{Code: dns.EDNS0SUBNET, Family: family, SourceNetmask: uint8(p.Bits()), Address: p.Addr().AsSlice()})
}

func withOption(m *dns.Msg, o dns.EDNS0) *dns.Msg {
	if m.IsEdns0() == nil {
		m.SetEdns0(1232, false)
	}
	m.IsEdns0().Option = append(m.IsEdns0().Option, o)
	return m
}

func option[T dns.EDNS0](m *dns.Msg) (none T, ok bool) {
	if m.IsEdns0() == nil {
		return none, false
	}
	for _, o := range m.IsEdns0().Option {
		if o, ok := o.(T); ok {
			return o, true
		}
	}
	return none, false
}

// texts writes records as owner-less lines.
func texts(rrs []dns.RR) (out []string) {
	for _, rr := range rrs {
		if rr.Header().Rrtype == dns.TypeOPT {
			continue
		}
		out = append(out, strings.Join(strings.Fields(rr.String())[1:], " "))
	}
	return out
}

func mustRead(tb testing.TB, path string) []byte {
	tb.Helper()
	b, err := os.ReadFile(path)
	if err != nil {
		tb.Fatal(err)
	}
	return b
}

func keyOf(id gazetteer.ID) gazetteer.Key { return gazetteer.Key{Type: "web", ID: id} }

func locationName(i int) gazetteer.LocationID { return gazetteer.LocationID("l" + string(rune('0'+i))) }

func make200() []byte { return bytes.Repeat([]byte("x"), 200) }
