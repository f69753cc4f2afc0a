package geo

import (
	"bufio"
	"encoding/json"
	"net/netip"
	"os"
	"path/filepath"
	"testing"

	"gazetteer"
	"gazetteer/region/geo/sample"
)

// expected is one line of testdata/lookups.jsonl.
type expected struct {
	DB        string       `json:"db"`
	IP        string       `json:"ip"`
	Network   netip.Prefix `json:"network"`
	Latitude  *float64     `json:"latitude"`
	Longitude *float64     `json:"longitude"`
	Country   *string      `json:"country"`
}

func (e *expected) place(t *testing.T) Place {
	p := Place{Method: Unknown}
	if e.Country != nil {
		c := centreOf(*e.Country)
		if c == nil {
			t.Fatalf("%s has no centre", *e.Country)
		}
		p = Place{Point: c.point, Located: true, Country: *e.Country, Method: GeoIPCountry}
	}
	if e.Latitude != nil {
		p.Point, p.Located, p.Method = gazetteer.Point{Lat: *e.Latitude, Lon: *e.Longitude}, true, GeoIPCity
	}
	p.Network = e.Network
	return p
}

// anywhere is a place without the network that it holds for.
func anywhere(p Place) Place {
	p.Network = netip.Prefix{}
	return p
}

func TestEveryNetworkOfTheTestDatabases(t *testing.T) {
	locators := map[string]*Locator{"GeoIP2-City-Test": sampleLocator(t)}
	for _, name := range []string{"GeoLite2-City-Test", "GeoIP2-Country-Test", "GeoLite2-Country-Test"} {
		locators[name] = openLocator(t, filepath.Join("testdata", name+".mmdb"))
	}
	methods := map[Method]int{}
	for _, e := range readLookups(t) {
		want := e.place(t)
		if got := locators[e.DB].Locate(Client{Addr: netip.MustParseAddr(e.IP)}); got != want {
			t.Errorf("%s in %s: got %+v, want %+v", e.IP, e.DB, got, want)
		}
		methods[want.Method]++
	}
	for _, m := range []Method{GeoIPCity, GeoIPCountry, Unknown} {
		if methods[m] == 0 {
			t.Errorf("no lookup with method %s", m)
		}
	}
}

func TestAddressesWithoutEvidence(t *testing.T) {
	l := sampleLocator(t)
	unknown := Place{Method: Unknown}
	for _, a := range []string{
		"10.1.2.3", "192.168.0.1", "172.16.0.1", "127.0.0.1", "::1", "fe80::1%eth0", "fc00::1",
		"0.0.0.0", "::", "224.0.0.1", "ff02::1", "255.255.255.255", "169.254.1.1", "100.64.0.1", "240.0.0.1",
		"::ffff:10.1.2.3", "::ffff:127.0.0.1",
		"2.3.3.0",   // the record has a continent only
		"214.1.1.0", // an empty record
		"9.9.9.9",   // no record
	} {
		if got := anywhere(l.Locate(Client{Addr: netip.MustParseAddr(a)})); got != unknown {
			t.Errorf("%s: got %+v, want unknown", a, got)
		}
	}
	if got := l.Locate(Client{}); got != unknown {
		t.Errorf("no address: got %+v, want unknown", got)
	}
}

func TestMappedAndZonedAddressesAreTheirPlainForms(t *testing.T) {
	l := sampleLocator(t)
	for plain, forms := range map[string][]string{
		"81.2.69.142": {"::ffff:81.2.69.142", "::ffff:81.2.69.142%eth0", "2002:5102:458e::1" /* 6to4 */},
		"2001:218::1": {"2001:218::1%3"},
	} {
		want := anywhere(l.Locate(Client{Addr: netip.MustParseAddr(plain)}))
		if want.Method != GeoIPCity {
			t.Fatalf("%s: %+v", plain, want)
		}
		for _, f := range forms {
			if got := anywhere(l.Locate(Client{Addr: netip.MustParseAddr(f)})); got != want {
				t.Errorf("%s: got %+v, want %+v", f, got, want)
			}
		}
	}
}

func TestEvidenceIsTakenInItsOrder(t *testing.T) {
	l := sampleLocator(t)
	all := Client{
		Addr:   netip.MustParseAddr("81.2.69.142"), // London
		Stated: gazetteer.Point{Lat: -33.9, Lon: 18.4}, HasPoint: true,
		Country: "NZ",
		IP:      netip.MustParseAddr("216.160.83.56"), // Milton, Washington
	}
	steps := []struct {
		drop    func(*Client)
		method  Method
		country string
	}{
		{func(c *Client) {}, StatedPoint, "NZ"},
		{func(c *Client) { c.Stated.Lat = 91 }, StatedCountry, "NZ"},
		{func(c *Client) { c.HasPoint = false }, StatedCountry, "NZ"},
		{func(c *Client) { c.Country = "ZZ" }, StatedIP, "US"},
		{func(c *Client) { c.IP = netip.MustParseAddr("10.0.0.1") }, GeoIPCity, "GB"},
		{func(c *Client) { c.IP = netip.Addr{} }, GeoIPCity, "GB"},
		{func(c *Client) { c.Addr = netip.MustParseAddr("10.0.0.1") }, Unknown, ""},
	}
	for i, s := range steps {
		s.drop(&all)
		got := l.Locate(all)
		if got.Method != s.method || got.Country != s.country || got.Located != (s.method != Unknown) {
			t.Errorf("step %d: got %+v, want %s in %q", i, got, s.method, s.country)
		}
	}
}

func TestLocatorWithoutDatabaseKnowsWhatClientsState(t *testing.T) {
	var l Locator
	if got := l.Locate(Client{Country: "JP"}); got.Method != StatedCountry {
		t.Errorf("got %+v", got)
	}
	everywhere := Place{Method: Unknown, Network: netip.MustParsePrefix("0.0.0.0/0")}
	if got := l.Locate(Client{Addr: netip.MustParseAddr("81.2.69.142")}); got != everywhere {
		t.Errorf("got %+v", got)
	}
	if changed, err := l.ReloadIfChanged(); changed || err != nil {
		t.Errorf("reload: %v, %v", changed, err)
	}
}

func TestLocateAllocatesNothing(t *testing.T) {
	l := sampleLocator(t)
	for _, c := range []Client{
		{Addr: netip.MustParseAddr("81.2.69.142")},
		{Addr: netip.MustParseAddr("::ffff:81.2.69.142")},
		{Country: "NZ"},
		{},
	} {
		if n := testing.AllocsPerRun(100, func() { l.Locate(c) }); n != 0 {
			t.Errorf("%+v: %v allocations", c, n)
		}
	}
}

func sampleLocator(tb testing.TB) *Locator {
	tb.Helper()
	l, err := LocatorFromBytes(sample.City())
	if err != nil {
		tb.Fatal(err)
	}
	return l
}

func openLocator(tb testing.TB, path string) *Locator {
	tb.Helper()
	l, err := OpenLocator(path)
	if err != nil {
		tb.Fatal(err)
	}
	return l
}

func readLookups(t *testing.T) []expected {
	f, err := os.Open("testdata/lookups.jsonl")
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	var out []expected
	for lines := bufio.NewScanner(f); lines.Scan(); {
		var e expected
		if err := json.Unmarshal(lines.Bytes(), &e); err != nil {
			t.Fatal(err)
		}
		out = append(out, e)
	}
	if len(out) != 856 {
		t.Fatalf("%d lookups, want 856", len(out))
	}
	return out
}
