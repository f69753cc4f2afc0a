package dns

import (
	"bufio"
	"bytes"
	"encoding/json"
	"math/rand/v2"
	"net/netip"
	"slices"
	"strings"
	"testing"

	"github.com/miekg/dns"

	"gazetteer/region"
	"gazetteer/region/geo"
)

// networks returns those of the test databases.
func networks(t *testing.T) (out []netip.Prefix) {
	t.Helper()
	lines := bufio.NewScanner(bytes.NewReader(mustRead(t, "../../region/geo/testdata/lookups.jsonl")))
	for lines.Scan() {
		var l struct{ Network netip.Prefix }
		if err := json.Unmarshal(lines.Bytes(), &l); err != nil {
			t.Fatal(err)
		}
		out = append(out, l.Network)
	}
	if len(out) < 100 {
		t.Fatalf("%d networks", len(out))
	}
	return out
}

// somewhere returns a random address within a network.
func somewhere(r *rand.Rand, p netip.Prefix) netip.Addr {
	b := p.Masked().Addr().AsSlice()
	for i := p.Bits(); i < len(b)*8; i++ {
		if r.IntN(2) == 1 {
			b[i/8] |= 0x80 >> (i % 8)
		}
	}
	a, _ := netip.AddrFromSlice(b)
	return a
}

// answerFor asks without a socket, and returns the records that are answered, as a set, and
// the scope.
func (b *bed) answerFor(t *testing.T, name string, qtype uint16, subnet netip.Prefix) (string, int) {
	t.Helper()
	packet, err := withSubnet(question(name, qtype), subnet.String()).Pack()
	if err != nil {
		t.Fatal(err)
	}
	var w work
	b.now(&w)
	out, v := b.respond(t.Context(), nil, &w, query{packet: packet, from: netip.MustParseAddr("127.0.0.1"), wait: true})
	if v != answered {
		t.Fatalf("%s for %s: %d", name, subnet, v)
	}
	m := new(dns.Msg)
	if err := m.Unpack(out); err != nil {
		t.Fatal(err)
	}
	e, ok := option[*dns.EDNS0_SUBNET](m)
	if !ok {
		t.Fatalf("no subnet came back: %s", m)
	}
	back, _ := netip.AddrFromSlice(e.Address)
	if back.Unmap() != subnet.Addr().Unmap() || int(e.SourceNetmask) != subnet.Bits() {
		t.Fatalf("%v came back as %s", subnet, e)
	}
	rrs := texts(m.Answer)
	if qtype == dns.TypeA || qtype == dns.TypeAAAA {
		slices.Sort(rrs) // servers take turns
	}
	return strings.Join(rrs, "\n"), int(e.SourceScope)
}

// Every client within the scope of an answer gets this answer (RFC 7871, section 7.2.1), and
// the scopes of one question do not overlap.
func TestEveryAddressInTheScopeGetsTheSame(t *testing.T) {
	r := rand.New(rand.NewPCG(7, 7))
	b := serve(t, nil)
	questions := []struct {
		name  string
		qtype uint16
	}{
		{"gz.test", dns.TypeA}, {"gz.test", dns.TypeURI}, {"second.gz.test", dns.TypeTXT}, {"fra.gz.test", dns.TypeA},
		{"one.web.gz.test", dns.TypeA}, {"two.web.gz.test", dns.TypeURI}, {"equal.web.gz.test", dns.TypeTXT}, {"missing.web.gz.test", dns.TypeA},
	}
	all := networks(t)
	for range 200 { // also where the databases know nothing
		all = append(all, netip.PrefixFrom(netip.AddrFrom4([4]byte{byte(r.IntN(256)), byte(r.IntN(256)), byte(r.IntN(256)), 0}), 24))
	}
	scopes, answers := map[int]bool{}, map[string]bool{}
	for _, q := range questions {
		seen := map[netip.Prefix]string{}
		for _, n := range all {
			a := somewhere(r, n)
			whole := netip.PrefixFrom(a, a.BitLen())
			want, scope := b.answerFor(t, q.name, q.qtype, whole)
			around := netip.PrefixFrom(a, scope).Masked()
			scopes[scope], answers[want] = true, true
			for range 3 {
				other := somewhere(r, around)
				got, also := b.answerFor(t, q.name, q.qtype, netip.PrefixFrom(other, other.BitLen()))
				if !isRouted(other) && scope > 0 {
					continue // it is not used, and its scope is its own
				}
				if got != want || also != scope {
					t.Fatalf("%s %d: %s has scope /%d and\n%s\nbut %s in it has /%d and\n%s", q.name, q.qtype, a, scope, want, other, also, got)
				}
			}
			for s := range seen {
				if s != around && s.Overlaps(around) && isRouted(a) {
					t.Fatalf("%s: the scopes %s and %s overlap", q.name, s, around)
				}
			}
			if isRouted(a) {
				seen[around] = want
			}
		}
	}
	if len(scopes) < 10 || len(answers) < 8 {
		t.Errorf("only %d scopes and %d answers: that proves little", len(scopes), len(answers))
	}
}

func TestScopes(t *testing.T) {
	b := serve(t, nil)
	tests := []struct {
		name, subnet string
		scope        int
	}{
		{"gz.test", "81.2.69.160/32", 27},
		{"gz.test", "81.2.69.0/24", 25},            // the source says too little: the address taken is the first
		{"gz.test", "::ffff:81.2.69.160/128", 123}, // IPv4 within IPv6
		{"gz.test", "0.0.0.0/0", 0},                // nobody is to be told of
		{"gz.test", "10.1.2.0/24", 24},             // nobody routes it: the resolver counts
		{"fra.gz.test", "81.2.69.160/32", 0},       // the same for all
		{"one.web.gz.test", "81.2.69.160/32", 0},
		{"two.web.gz.test", "81.2.69.160/32", 27},
		{"equal.web.gz.test", "81.2.69.160/32", 27},
		{"equal.web.gz.test", "202.196.224.9/32", 24}, // of a /20, in which equals are told apart
		{"missing.web.gz.test", "81.2.69.160/32", 0},
	}
	for _, x := range tests {
		if _, scope := b.answerFor(t, x.name, dns.TypeA, netip.MustParsePrefix(x.subnet)); scope != x.scope {
			t.Errorf("%s for %s: scope %d, want %d", x.name, x.subnet, scope, x.scope)
		}
	}
	b.change(func(rs []region.Site) {
		for i := range rs {
			if rs[i].Servers = nil; rs[i].Name == "syd" {
				rs[i].Servers = []region.RegionServer{{Node: "syd-1", HTTP: "203.0.113.1:1"}}
			}
		}
	})
	if _, scope := b.answerFor(t, "gz.test", dns.TypeA, netip.MustParsePrefix("81.2.69.160/32")); scope != 0 {
		t.Errorf("with one region the answer is for all: scope %d", scope)
	}
}

// Load sends some networks on, so the answer is for one network alone.
func TestSpillingNarrowsTheScope(t *testing.T) {
	b := serve(t, nil)
	p, err := geo.NewPolicy(&geo.PolicyDocument{Load: &geo.LoadRule{Label: "load", From: 0.5, Full: 1}})
	if err != nil {
		t.Fatal(err)
	}
	b.regional.policy.Store(p)
	if _, scope := b.answerFor(t, "two.web.gz.test", dns.TypeA, netip.MustParsePrefix("202.196.224.9/32")); scope != 24 {
		t.Errorf("scope %d", scope)
	}
}

func TestIgnoredSubnet(t *testing.T) {
	b := serve(t, func(c *Config) { c.IgnoreECS = true })
	for _, subnet := range []string{london, milton} {
		got := b.ask(t, withSubnet(question("gz.test", dns.TypeA), subnet), "udp")
		if e, ok := option[*dns.EDNS0_SUBNET](got); !ok || e.SourceScope != e.SourceNetmask {
			t.Errorf("%s: %v", subnet, e)
		}
	}
}

// Malformed subnets are refused (RFC 7871, section 7.1.2).
func TestMalformedSubnets(t *testing.T) {
	b := serve(t, nil)
	for what, raw := range map[string][]byte{
		"an unknown family":            {0, 3, 24, 0, 81, 2, 69},
		"bits of no family":            {0, 0, 8, 0, 81},
		"a scope in a question":        {0, 1, 24, 24, 81, 2, 69},
		"too many bits":                {0, 1, 33, 0, 81, 2, 69, 1, 128},
		"too many bits of IPv6":        append([]byte{0, 2, 129, 0}, make([]byte, 17)...),
		"too few bytes":                {0, 1, 24, 0, 81, 2},
		"too many bytes":               {0, 1, 24, 0, 81, 2, 69, 0},
		"bits beyond the source":       {0, 1, 23, 0, 81, 2, 69},
		"an end in the middle":         {0, 1, 24},
		"nothing":                      {},
		"no family, with a whole byte": {0, 0, 0, 0, 1},
	} {
		m := withOption(question("gz.test", dns.TypeA), &dns.EDNS0_LOCAL{Code: dns.EDNS0SUBNET, Data: raw})
		if got := b.ask(t, m, "udp"); got.Rcode != dns.RcodeFormatError || len(got.Answer) > 0 {
			t.Errorf("%s: %s", what, got)
		}
	}
	m := withOption(question("gz.test", dns.TypeA), &dns.EDNS0_LOCAL{Code: dns.EDNS0SUBNET, Data: []byte{0, 0, 0, 0}})
	if got := b.ask(t, m, "udp"); got.Rcode != dns.RcodeSuccess {
		t.Errorf("no family and no bits: %s", got)
	}
}
