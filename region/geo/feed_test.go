package geo

import (
	"encoding/json"
	"fmt"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"gazetteer"
)

func TestNetworksAreRead(t *testing.T) {
	for _, c := range []struct{ line, want string }{
		// A plain geofeed: the examples of RFC 8805 have such lines.
		{"81.2.69.0/24,GB,GB-LND,London,", "81.2.69.0/24 operator-network 53.9,-2.5 GB"},
		{"81.2.69.1,US,US-AL,,", "81.2.69.1/32 operator-network 39.8,-98.6 US"},
		{"2a02:1::/32,de", "2a02:1::/32 operator-network 51.1,10.4 DE"},
		{`81.2.69.0/24,"GB","GB-LND","a ""quoted"", city",`, "81.2.69.0/24 operator-network 53.9,-2.5 GB"},
		// Columns of ours.
		{"81.2.69.0/24,GB,,London,,51.5,-0.1", "81.2.69.0/24 operator-network 51.5,-0.1 GB"},
		{"81.2.69.0/24,,,,,0,0", "81.2.69.0/24 operator-network 0,0"},
		{"81.2.69.0/24,,,,,,,fra", "81.2.69.0/24 operator-network in fra"},
		{" 81.2.69.0/24 , , , , , 51.5 , -0.1 , lon ", "81.2.69.0/24 operator-network 51.5,-0.1 in lon"},
		{"::ffff:81.2.69.0/120,GB", "81.2.69.0/24 operator-network 53.9,-2.5 GB"},
		// Nothing is known here, whatever GeoIP says.
		{"81.2.69.0/24,,,,", "81.2.69.0/24 operator-network"},
		{"81.2.69.0/24", "81.2.69.0/24 operator-network"},
	} {
		all, err := ParseNetworks([]byte("# a comment\r\n\r\n" + c.line + "\r\n  \n"))
		if err != nil || len(all) != 1 {
			t.Errorf("%s: %v, %v", c.line, all, err)
			continue
		}
		l := sampleLocator(t)
		l.UseNetworks(all)
		if got := described(l.Locate(Client{Addr: all[0].Prefix.Addr()})); got != c.want {
			t.Errorf("%s: %s, want %s", c.line, got, c.want)
		}
	}
}

func described(p Place) string {
	out := fmt.Sprint(p.Network, " ", p.Method)
	if p.Located {
		out += fmt.Sprintf(" %v,%v", p.Point.Lat, p.Point.Lon)
	}
	if p.Country != "" {
		out += " " + p.Country
	}
	if p.Region != "" {
		out += " in " + string(p.Region)
	}
	return out
}

func TestEveryBadLineIsTold(t *testing.T) {
	bad := []struct{ line, says string }{
		{"hello", `"hello" is neither a network`},
		{",GB", `"" is neither a network`},
		{"81.2.69.0/33,GB", "neither a network"},
		{"81.2.69.1/24,GB", "is it 81.2.69.0/24?"},
		{"fe80::1%eth0,GB", "neither a network"},
		{"::ffff:0.0.0.0/90,GB", "write it as IPv4"},
		{"10.1.0.0/16,GB", "lies in 10.0.0.0/8, which is reserved"},
		{"fd00::/8,GB", "lies in fc00::/7, which is reserved"},
		{"81.2.70.0/24,England", `"England" is not an ISO 3166-1`},
		{"81.2.71.0/24,ZZ", `"ZZ" is not an ISO 3166-1`},
		{"81.2.72.0/24,,,,,51.5", "not a latitude and a longitude"},
		{"81.2.73.0/24,,,,,91,0", "not a latitude and a longitude"},
		{"81.2.74.0/24,,,,,NaN,0", "not a latitude and a longitude"},
		{"81.2.75.0/24,,,,,,,Europe", "is not a DNS label"},
		{"81.2.76.0/24,,,,,,,fra,x", "9 fields, want at most 8"},
		{`81.2.77.0/24,"GB`, "quotes are out of place"},
		{"81.2.78.0/24,\xff", "not valid UTF-8"},
		{"81.2.79.0/24," + strings.Repeat("x", maxLineBytes), "want at most 4096"},
		{"81.2.69.0/24,US", "line 1 has 81.2.69.0/24 already"},
	}
	text := "81.2.69.0/24,GB\n"
	for _, b := range bad {
		text += b.line + "\n"
	}
	all, err := ParseNetworks([]byte(text))
	if all != nil || gazetteer.KindOf(err) != gazetteer.Unprocessable {
		t.Fatalf("%v, %v", all, err)
	}
	told := strings.Split(err.Error(), "\n")[1:]
	if len(told) != len(bad) {
		t.Fatalf("%d complaints of %d bad lines: %v", len(told), len(bad), err)
	}
	for i, b := range bad {
		if !strings.HasPrefix(told[i], fmt.Sprintf("line %d: ", i+2)) || !strings.Contains(told[i], b.says) {
			t.Errorf("%s: %q, want %q", b.line, told[i], b.says)
		}
	}
	_, err = ParseNetworks([]byte(strings.Repeat("x\n", maxComplaints+5)))
	if told := strings.Split(err.Error(), "\n"); len(told) != maxComplaints+2 || told[len(told)-1] != "and 5 more" {
		t.Errorf("%d complaints, the last is %q", len(told), told[len(told)-1])
	}
}

func TestReloadKeepsTheOldNetworksWhenTheNewOnesAreBad(t *testing.T) {
	path := filepath.Join(t.TempDir(), "networks.csv")
	client := Client{Addr: netip.MustParseAddr("81.2.69.142")}
	replace(t, path, []byte("81.2.69.0/24,NZ\n"))
	l := sampleLocator(t)
	if err := l.OpenNetworks(path); err != nil {
		t.Fatal(err)
	}
	for _, s := range []struct {
		name    string
		do      func()
		changed bool
		fails   string
		country string
	}{
		{"nothing new", func() {}, false, "", "NZ"},
		{"one bad line", func() { replace(t, path, []byte("81.2.69.0/24,JP\n81.2.70.0/24,JPN\n")) }, true, "line 2: ", "NZ"},
		{"gone", func() { os.Remove(path) }, true, "no such file", "NZ"},
		{"mended", func() { replace(t, path, []byte("81.2.69.0/24,JP\n")) }, true, "", "JP"},
		{"empty", func() { replace(t, path, nil) }, true, "", "GB"},
	} {
		s.do()
		if changed, err := l.ReloadNetworksIfChanged(); changed != s.changed || (err != nil) != (s.changed && s.fails != "") {
			t.Errorf("%s: changed %v, %v", s.name, changed, err)
		}
		st := l.NetworksStatus()
		if (st.Err != nil) != (s.fails != "") || st.Err != nil && !(strings.Contains(st.Err.Error(), s.fails) && strings.Contains(st.Err.Error(), path)) {
			t.Errorf("%s: status %v, want %q", s.name, st.Err, s.fails)
		}
		if got := l.Locate(client); got.Country != s.country {
			t.Errorf("%s: %+v, want %s", s.name, got, s.country)
		}
	}
	if err := new(Locator).OpenNetworks(filepath.Join(t.TempDir(), "none")); gazetteer.KindOf(err) != gazetteer.NotFound {
		t.Errorf("a file that is not there: %v", err)
	}
}

func TestNetworksOfAStatedAddress(t *testing.T) {
	l := sampleLocator(t)
	l.UseNetworks(parsed(t, "81.2.69.0/24,,,,,,,fra\n216.160.83.0/24\n"))
	got := l.Locate(Client{IP: addr("81.2.69.1"), Addr: addr("2001:218::1")})
	if got.Method != StatedIP || got.Source != OperatorNetwork || got.Region != "fra" {
		t.Errorf("got %+v", got)
	}
	// Of this network the operator says that nothing is known: that is known of it.
	if got := l.Locate(Client{Addr: addr("216.160.83.56")}); got.Located || got.Method != OperatorNetwork {
		t.Errorf("got %+v", got)
	}
}

func TestDefaultPlace(t *testing.T) {
	l := sampleLocator(t)
	l.Default = &gazetteer.Point{Lat: 1, Lon: 2}
	if got := l.Locate(Client{Addr: addr("10.0.0.1")}); got.Method != DefaultPlace || !got.Located || got.Point != *l.Default {
		t.Errorf("got %+v", got)
	}
	if got := l.Locate(Client{Addr: addr("81.2.69.142")}); got.Method != GeoIPCity {
		t.Errorf("got %+v", got)
	}
}

func FuzzParseNetworks(f *testing.F) {
	f.Add([]byte("81.2.69.0/24,GB,GB-LND,\"London\",,51.5,-0.1,fra\n# x\n::/0,,,,\n"))
	f.Fuzz(func(t *testing.T, data []byte) {
		all, err := ParseNetworks(data)
		if err != nil && all != nil {
			t.Fatalf("%d networks and %v", len(all), err)
		}
		l := new(Locator)
		l.UseNetworks(all)
		for _, n := range all {
			if p := l.Locate(Client{Addr: n.Prefix.Addr()}); p.Method != OperatorNetwork && !l.networks.Load().reservedAt(n.Prefix.Addr()) {
				t.Fatalf("%s is placed by %s", n.Prefix, p.Method)
			}
		}
	})
}

func (t *table) reservedAt(a netip.Addr) bool {
	value, _ := t.find(a)
	return value == isReserved
}

// awsRanges reads the public list of AWS's networks as operator networks: a region of
// AWS is one of ours, GLOBAL says nothing.
func awsRanges(t *testing.T, dir string) []Network {
	data, err := os.ReadFile(filepath.Join(dir, "ip-ranges.json"))
	if err != nil {
		t.Skip("the list of AWS's networks is not here: ", err)
	}
	var list struct {
		Prefixes []awsRange `json:"prefixes"`
		Six      []awsRange `json:"ipv6_prefixes"`
	}
	if err := json.Unmarshal(data, &list); err != nil {
		t.Fatal(err)
	}
	var lines strings.Builder
	seen := map[string]bool{}
	for _, r := range append(list.Prefixes, list.Six...) {
		if line := r.line(); !seen[line] {
			seen[line] = true
			lines.WriteString(line)
		}
	}
	return parsed(t, lines.String())
}

type awsRange struct {
	Four   string `json:"ip_prefix"`
	Six    string `json:"ipv6_prefix"`
	Region string `json:"region"`
}

func (r *awsRange) line() string {
	if r.Region == "GLOBAL" {
		return r.Four + r.Six + ",,,,\n"
	}
	return r.Four + r.Six + ",,,,,,," + r.Region + "\n"
}

// Every lookup of the list is right: its region is the one named for the longest network
// around the address, and the network in which this holds lies in that one.
func TestEveryLookupInAWSNetworks(t *testing.T) {
	dir := filepath.Join("..", "..", "..", "shared", "data", "aws-ip-ranges") // beside the project, where it is too large to bundle
	l := new(Locator)
	l.UseNetworks(awsRanges(t, dir))
	data, err := os.ReadFile(filepath.Join(dir, "lookups.jsonl"))
	if err != nil {
		t.Fatal(err)
	}
	found := 0
	for _, line := range strings.Split(strings.TrimSpace(string(data)), "\n") {
		var want struct {
			IP      netip.Addr `json:"ip"`
			Length  *int       `json:"prefixlen"`
			Regions []string   `json:"regions"`
		}
		if err := json.Unmarshal([]byte(line), &want); err != nil {
			t.Fatal(err)
		}
		got := l.Locate(Client{Addr: want.IP})
		region := ""
		if len(want.Regions) > 0 && want.Regions[0] != "GLOBAL" {
			region = want.Regions[0]
			found++
		}
		if string(got.Region) != region || (got.Method == OperatorNetwork) != (len(want.Regions) > 0) {
			t.Errorf("%s: %+v, want %q", want.IP, got, region)
		}
		if len(want.Regions) > 0 && (got.Network.Bits() < *want.Length || !got.Network.Contains(want.IP)) {
			t.Errorf("%s: in %s, want at least %d bits", want.IP, got.Network, *want.Length)
		}
	}
	if found < 400 {
		t.Errorf("only %d lookups have a region", found)
	}
}
