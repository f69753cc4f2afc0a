package dns

import (
	"slices"
	"strings"
	"testing"

	"github.com/miekg/dns"

	"gazetteer"
	"gazetteer/region"
)

const (
	london = "81.2.69.160/27" // nearest: fra
	milton = "216.160.83.56/29"
)

func TestAnswers(t *testing.T) {
	soa := "5 IN SOA ns.gz.test. hostmaster.gz.test. 1 7200 900 1209600 5"
	named, _ := NameOf(gazetteer.Key{Type: "web", ID: "Named Id/ü"}, "", "gz.test")
	m1 := labels("m 1")
	tests := []struct {
		name   string
		qtype  uint16
		subnet string
		rcode  int
		want   []string // records of the answer; of the authority if there are none
	}{
		{"gz.test", dns.TypeSOA, london, 0, []string{"3600 IN SOA ns.gz.test. hostmaster.gz.test. 1 7200 900 1209600 5"}},
		{"gz.test", dns.TypeNS, london, 0, []string{"3600 IN NS ns.gz.test.", "3600 IN NS ns.elsewhere.example."}},
		{"ns.gz.test", dns.TypeA, london, 0, []string{"3600 IN A 192.0.2.53"}},
		{"ns.gz.test", dns.TypeAAAA, london, 0, []string{soa}},
		{"any.gz.test", dns.TypeNS, london, 0, []string{soa}},
		{"gz.test", dns.TypeANY, london, 0, []string{`3600 IN HINFO "RFC8482" ""`}},
		{"nothing.gz.test", dns.TypeANY, london, dns.RcodeNameError, []string{soa}},

		{"gz.test", dns.TypeA, london, 0, []string{"30 IN A 192.0.2.1", "30 IN A 192.0.2.2", "30 IN A 198.51.100.1"}},
		{"any.gz.test", dns.TypeA, milton, 0, []string{"30 IN A 198.51.100.1", "30 IN A 192.0.2.1", "30 IN A 192.0.2.2"}},
		{"second.gz.test", dns.TypeA, london, 0, []string{"30 IN A 198.51.100.1", "30 IN A 203.0.113.1"}},
		{"gz.test", dns.TypeAAAA, london, 0, []string{soa}}, // fra has none: not those of nyc
		{"gz.test", dns.TypeAAAA, milton, 0, []string{"30 IN AAAA 2001:db8::1"}},
		{"gz.test", dns.TypeMX, london, 0, []string{soa}},
		{"gz.test", dns.TypeURI, milton, 0, []string{
			`30 IN URI 1 1 "http://198.51.100.1:8080/"`, `30 IN URI 1 1 "http://[2001:db8::1]:8080/"`,
			`30 IN URI 2 1 "http://192.0.2.1:8080/"`, `30 IN URI 2 1 "http://192.0.2.2:8080/"`}},

		{"syd.gz.test", dns.TypeA, london, 0, []string{"30 IN A 203.0.113.1"}},
		{"syd.gz.test", dns.TypeSRV, london, 0, []string{"30 IN SRV 1 1 8080 syd-1.syd.gz.test.", "30 IN SRV 1 1 443 api.syd.example."}},
		{"_http._tcp.syd.gz.test", dns.TypeSRV, london, 0, []string{"30 IN SRV 1 1 8080 syd-1.syd.gz.test.", "30 IN SRV 1 1 443 api.syd.example."}},
		{"_ftp._tcp.syd.gz.test", dns.TypeSRV, london, 0, []string{soa}},
		{"syd-1.syd.gz.test", dns.TypeA, london, 0, []string{"30 IN A 203.0.113.1"}},
		{"syd-9.syd.gz.test", dns.TypeA, london, dns.RcodeNameError, []string{soa}},
		{"syd.gz.test", dns.TypeLOC, london, 0, []string{"30 IN LOC 33 54 0.000 S 151 12 0.000 E 0m 1m 10000m 10m"}},
		{"web.gz.test", dns.TypeA, london, 0, []string{soa}}, // an empty non-terminal
		{"web.syd.gz.test", dns.TypeA, london, 0, []string{soa}},
		{"no.gz.test", dns.TypeA, london, dns.RcodeNameError, []string{soa}},

		{"one.web.gz.test", dns.TypeA, london, 0, []string{"20 IN A 192.0.2.10"}},
		{"ONE.web.GZ.test", dns.TypeA, london, 0, []string{"20 IN A 192.0.2.10"}},
		{"one.web.gz.test", dns.TypeAAAA, london, 0, []string{soa}},
		{"two.web.gz.test", dns.TypeA, london, 0, []string{"20 IN A 192.0.2.10", "20 IN A 198.51.100.10"}},
		{"two.web.gz.test", dns.TypeA, milton, 0, []string{"20 IN A 198.51.100.10", "20 IN A 192.0.2.10"}},
		{"second.two.web.gz.test", dns.TypeA, london, 0, []string{"20 IN A 198.51.100.10"}},
		{"two.web.syd.gz.test", dns.TypeA, milton, 0, []string{"20 IN A 198.51.100.10", "20 IN A 192.0.2.10"}},
		{"two.web.gz.test", dns.TypeSRV, london, 0, []string{"20 IN SRV 1 1 80 l1.two.web.gz.test.", "20 IN SRV 2 1 8443 l2.two.web.gz.test."}},
		{"_https._tcp.two.web.gz.test", dns.TypeSRV, london, 0, []string{"20 IN SRV 2 1 8443 l2.two.web.gz.test."}},
		{"l2.two.web.gz.test", dns.TypeA, london, 0, []string{"20 IN A 198.51.100.10"}},
		{"l9.two.web.gz.test", dns.TypeA, london, dns.RcodeNameError, []string{soa}},
		{"equal.web.gz.test", dns.TypeURI, "", 0, []string{
			`20 IN URI 1 1 "http://192.0.2.10/"`, `20 IN URI 1 1 "http://192.0.2.11/"`, `20 IN URI 1 1 "http://192.0.2.12/"`}},
		{"two.web.gz.test", dns.TypeTXT, milton, 0, []string{
			`20 IN TXT "rank=1" "location=l2" "url=https://198.51.100.10:8443/x"`, `20 IN TXT "rank=2" "location=l1" "url=http://192.0.2.10/"`}},
		{"two.web.gz.test", dns.TypeLOC, milton, 0, []string{"20 IN LOC 40 42 0.000 N 74 00 0.000 W 0m 1m 10000m 10m"}},
		{"two.web.gz.test", dns.TypeCNAME, milton, 0, []string{soa}},

		{named, dns.TypeA, london, 0, []string{"20 IN CNAME mirror.example."}},
		{named, dns.TypeA, milton, 0, []string{"20 IN A 198.51.100.10"}},
		{named, dns.TypeSRV, london, 0, []string{"20 IN SRV 1 1 80 mirror.example.", "20 IN SRV 2 1 873 l2." + named}},
		{"opaque.web.gz.test", dns.TypeA, london, 0, []string{soa}},
		{"opaque.web.gz.test", dns.TypeURI, london, 0, []string{`20 IN URI 1 1 "mailto:you"`}},
		{"lhr.ndt.gz.test", dns.TypeA, london, 0, []string{"20 IN A 192.0.2.77"}},
		{"lhr.ndt.gz.test", dns.TypeAAAA, london, 0, []string{"20 IN AAAA 2001:db8::77"}},
		{"lhr.ndt.gz.test", dns.TypeSRV, london, 0, []string{"20 IN SRV 1 1 443 m1.example."}},
		{m1 + ".lhr.ndt.gz.test", dns.TypeAAAA, london, 0, []string{"20 IN AAAA 2001:db8::77"}},
		{"lhr.ndt.no.gz.test", dns.TypeA, london, dns.RcodeNameError, []string{soa}},
		{"missing.web.gz.test", dns.TypeA, london, dns.RcodeNameError, []string{soa}},
		{"a.b.c.d.web.gz.test", dns.TypeA, london, dns.RcodeNameError, []string{soa}},
		{"_b-zz.web.gz.test", dns.TypeA, london, dns.RcodeNameError, []string{soa}},

		{"other.example", dns.TypeA, "", dns.RcodeRefused, nil},
		{"test", dns.TypeSOA, "", dns.RcodeRefused, nil},
		{"notgz.test", dns.TypeA, "", dns.RcodeRefused, nil},
		{"gz.test", dns.TypeAXFR, "", dns.RcodeRefused, nil},
	}
	b := serve(t, nil)
	for _, network := range []string{"udp", "tcp"} {
		for _, x := range tests {
			t.Run(network+"/"+x.name+"/"+dns.TypeToString[x.qtype], func(t *testing.T) {
				m := question(x.name, x.qtype)
				if x.subnet != "" {
					withSubnet(m, x.subnet)
				}
				got := b.ask(t, m, network)
				if got.Rcode != x.rcode {
					t.Fatalf("rcode %s\n%s", dns.RcodeToString[got.Rcode], got)
				}
				if got.Question[0] != m.Question[0] {
					t.Errorf("the question came back as %v", got.Question[0])
				}
				if authoritative := x.rcode != dns.RcodeRefused; got.Authoritative != authoritative || got.RecursionAvailable {
					t.Errorf("authoritative %v, recursion %v", got.Authoritative, got.RecursionAvailable)
				}
				rrs := got.Answer
				if len(rrs) == 0 {
					rrs = got.Ns
				}
				if !sameButTurned(texts(rrs), x.want) {
					t.Errorf("got  %q\nwant %q", texts(rrs), x.want)
				}
			})
		}
	}
}

// sameButTurned compares records. Those of the servers of one region and of equals may come
// in any order.
func sameButTurned(got, want []string) bool {
	normal := func(l []string) string {
		l = slices.Clone(l)
		for i := range l {
			for _, turns := range []string{"A 192.0.2.2", "A 192.0.2.1"} {
				if strings.HasSuffix(l[i], turns) {
					l[i] = strings.TrimSuffix(l[i], turns) + "fra"
				}
			}
		}
		if len(l) > 0 && strings.Contains(l[0], "URI") {
			slices.Sort(l)
		}
		return strings.Join(l, "\n")
	}
	return normal(got) == normal(want)
}

func TestServersTakeTurns(t *testing.T) {
	b := serve(t, nil)
	first := map[string]int{}
	for range 20 {
		first[texts(b.ask(t, withSubnet(question("gz.test", dns.TypeA), london), "udp").Answer)[0]]++
	}
	if len(first) != 2 {
		t.Fatalf("first were %v", first)
	}
	for server, n := range first {
		if n < 8 {
			t.Errorf("%s was first %d times of 20", server, n)
		}
	}
}

func TestHealth(t *testing.T) {
	b := serve(t, nil)
	ask := func() *dns.Msg { return b.ask(t, withSubnet(question("gz.test", dns.TypeA), london), "udp") }
	steps := []struct {
		name string
		up   []bool
		want []string
		ede  bool
	}{
		{"all are up", []bool{true, true, true}, []string{"30 IN A 192.0.2.1", "30 IN A 192.0.2.2", "30 IN A 198.51.100.1"}, false},
		{"the nearest is down: shorter", []bool{false, true, true}, []string{"5 IN A 198.51.100.1", "5 IN A 203.0.113.1"}, false},
		{"one is left", []bool{false, false, true}, []string{"5 IN A 203.0.113.1"}, false},
		{"all are down: all are named", []bool{false, false, false}, []string{"5 IN A 192.0.2.1", "5 IN A 192.0.2.2", "5 IN A 198.51.100.1"}, true},
		{"all are back", []bool{true, true, true}, []string{"30 IN A 192.0.2.1", "30 IN A 192.0.2.2", "30 IN A 198.51.100.1"}, false},
	}
	for _, s := range steps {
		b.change(func(rs []region.Site) {
			for i := range rs {
				if rs[i].State = region.SiteLive; !s.up[i] {
					rs[i].State = region.SiteUnreachable
				}
			}
		})
		got := ask()
		if !sameButTurned(texts(got.Answer), s.want) {
			t.Errorf("%s: %q", s.name, texts(got.Answer))
		}
		if _, ok := option[*dns.EDNS0_EDE](got); ok != s.ede {
			t.Errorf("%s: extended error %v", s.name, ok)
		}
	}
}

func TestZoneWithoutRegions(t *testing.T) {
	b := serve(t, nil)
	b.change(func(rs []region.Site) {
		for i := range rs {
			rs[i].Servers = nil
		}
	})
	got := b.ask(t, withSubnet(question("gz.test", dns.TypeA), london), "udp")
	e, ok := option[*dns.EDNS0_EDE](got)
	if got.Rcode != dns.RcodeServerFailure || !ok || e.InfoCode != dns.ExtendedErrorCodeNotReady {
		t.Errorf("a planet without servers:\n%s", got)
	}
	if got := b.ask(t, question("gz.test", dns.TypeSOA), "udp"); got.Rcode != 0 || len(got.Answer) != 1 {
		t.Errorf("SOA:\n%s", got)
	}
}

func TestRegionThatCannotAnswer(t *testing.T) {
	b := serve(t, nil)
	b.regional.down.Store(true)
	m := question("one.web.gz.test", dns.TypeA)
	m.SetEdns0(1232, false)
	got := b.ask(t, m, "udp")
	if _, ok := option[*dns.EDNS0_EDE](got); got.Rcode != dns.RcodeServerFailure || !ok {
		t.Errorf("%s", got)
	}
	b.regional.down.Store(false)
	b.regional.degraded.Store(true)
	if got := texts(b.ask(t, m, "udp").Answer); !slices.Equal(got, []string{"5 IN A 192.0.2.10"}) {
		t.Errorf("a failure was kept, or a doubtful answer is kept long: %q", got)
	}
}

func TestExplain(t *testing.T) {
	b := serve(t, nil)
	got := b.ask(t, withSubnet(question("_explain.two.web.gz.test", dns.TypeTXT), milton), "tcp")
	all := strings.Join(texts(got.Answer), "\n")
	for _, want := range []string{"geoip-city", "rank 1 l2", "rank 2 l1", "0 IN TXT"} {
		if !strings.Contains(all, want) {
			t.Errorf("no %q in\n%s", want, all)
		}
	}
	b.change(func(rs []region.Site) { rs[0].State = region.SiteDraining })
	got = b.ask(t, withSubnet(question("_explain.gz.test", dns.TypeTXT), london), "tcp")
	if all := strings.Join(texts(got.Answer), "\n"); !strings.Contains(all, "region 3 fra") || !strings.Contains(all, "left out: draining") {
		t.Errorf("regions:\n%s", all)
	}

	b = serve(t, func(c *Config) { c.Explainers = nil })
	got = b.ask(t, withSubnet(question("_explain.two.web.gz.test", dns.TypeTXT), milton), "udp")
	if e, ok := option[*dns.EDNS0_EDE](got); got.Rcode != dns.RcodeRefused || !ok || e.InfoCode != dns.ExtendedErrorCodeProhibited {
		t.Errorf("a stranger was told\n%s", got)
	}
}

func TestWrittenShowsSoon(t *testing.T) {
	b := serve(t, nil)
	ask := func() *dns.Msg { return b.ask(t, question("new.web.gz.test", dns.TypeA), "udp") }
	if got := ask(); got.Rcode != dns.RcodeNameError {
		t.Fatalf("%s", got)
	}
	b.regional.put("web", "new", at("l1", fra, "http://192.0.2.99/"))
	for ask().Rcode != dns.RcodeSuccess { // until the test's own time is over
		if t.Context().Err() != nil {
			t.Fatal("what was written does not show")
		}
	}
	if got := b.regional.asked.Load(); got > 10 {
		t.Errorf("the region was asked %d times: nothing was kept", got)
	}
}
