package geo

import (
	"fmt"
	"net/netip"
	"testing"

	"pgregory.net/rapid"
)

// holder is a set of networks that is searched from end to end.
type holder map[netip.Prefix]int32

func (h holder) value(a netip.Addr) int32 {
	value, longest := noValue, -1
	for p, v := range h {
		if p.Contains(a) && p.Bits() > longest {
			value, longest = v, p.Bits()
		}
	}
	return value
}

// widest returns the widest network around an address in which no other has an end: all
// that contain a part of it contain the whole.
func (h holder) widest(a netip.Addr) netip.Prefix {
	for length := 0; ; length++ {
		around, _ := a.Prefix(length)
		whole := true
		for p := range h {
			if p.Bits() > length && around.Overlaps(p) {
				whole = false
			}
		}
		if whole {
			return around
		}
	}
}

// Networks of few bits that differ nest and touch in every way there is.
func TestTrieFindsWhatASearchFinds(t *testing.T) {
	for _, family := range []string{"IPv4", "IPv6"} {
		t.Run(family, func(t *testing.T) { rapid.Check(t, func(t *rapid.T) { checkTrie(t, family) }) })
	}
}

func checkTrie(t *rapid.T, family string) {
	h := holder{}
	var built trie
	for i := range rapid.IntRange(0, 20).Draw(t, "networks") {
		a := anyAddr(t, family)
		p, _ := a.Prefix(rapid.IntRange(0, a.BitLen()).Draw(t, "length"))
		if rapid.Bool().Draw(t, "short") {
			p, _ = a.Prefix(min(p.Bits(), 12))
		}
		h[p] = int32(i)
		built.insert(keyOf(p.Addr()), p.Bits(), int32(i))
	}
	for range 20 {
		a := anyAddr(t, family)
		value, length := built.find(keyOf(a))
		around, _ := a.Prefix(length)
		if want, widest := h.value(a), h.widest(a); value != want || around != widest {
			t.Fatalf("%s among %v: %d in %s, want %d in %s", a, h, value, around, want, widest)
		}
	}
}

func anyAddr(t *rapid.T, family string) netip.Addr {
	high := rapid.SampledFrom([]byte{0, 0x80, 0xc0, 0xff}).Draw(t, "high")
	next := byte(rapid.IntRange(0, 15).Draw(t, "next")) << 4
	last := byte(rapid.IntRange(0, 3).Draw(t, "last"))
	if family == "IPv4" {
		return netip.AddrFrom4([4]byte{high, next, 0, last})
	}
	return netip.AddrFrom16([16]byte{0: high, 1: next, 9: last, 15: last})
}

// A table splits what holds around an address at every network of the operator, every
// reserved one, and every record of the database.
func TestNetworkOfAPlace(t *testing.T) {
	l := sampleLocator(t)
	l.UseNetworks(parsed(t, "81.2.69.144/28,,,,,48.2,16.4\n81.2.69.150,,,,,,,fra\n0.0.0.0/1,NZ\n2001:218:8000::/33,,,,,,,syd\n"))
	for _, c := range []struct{ addr, method, network string }{
		{"81.2.69.144", "operator-network", "81.2.69.144/30"}, // ends before .150
		{"81.2.69.150", "operator-network", "81.2.69.150/32"},
		{"81.2.69.151", "operator-network", "81.2.69.151/32"},
		{"81.2.69.152", "operator-network", "81.2.69.152/29"},
		{"81.2.69.142", "operator-network", "81.2.69.128/28"}, // of 0.0.0.0/1, which is wider than GeoIP's
		{"10.0.0.1", "unknown", "10.0.0.0/8"},
		{"11.0.0.1", "operator-network", "11.0.0.0/8"}, // beside what is reserved
		{"216.160.83.56", "geoip-city", "216.160.83.56/29"},
		{"2001:218:8000::1", "operator-network", "2001:218:8000::/33"},
		{"2001:218::1", "geoip-city", "2001:218::/33"}, // half of GeoIP's /32
		{"2a02:d500::1", "geoip-city", "2a02:d500::/29"},
	} {
		p := l.Locate(Client{Addr: netip.MustParseAddr(c.addr)})
		if got := fmt.Sprint(p.Method, " ", p.Network); got != c.method+" "+c.network {
			t.Errorf("%s: %s, want %s %s", c.addr, got, c.method, c.network)
		}
	}
}

func parsed(tb testing.TB, text string) []Network {
	tb.Helper()
	all, err := ParseNetworks([]byte(text))
	if err != nil {
		tb.Fatal(err)
	}
	return all
}

func BenchmarkNetworks(b *testing.B) {
	var all []Network
	for i := range 100_000 {
		all = append(all, Network{Prefix: netip.PrefixFrom(netip.AddrFrom4([4]byte{byte(16 + i>>12), byte(i >> 4), byte(i << 4), 0}), 22+i%3).Masked()})
	}
	t := newTable(all)
	b.ReportAllocs()
	for i := uint32(0); b.Loop(); i += 2654435761 {
		t.find(netip.AddrFrom4([4]byte{16 + byte(i>>24)%25, byte(i >> 16), byte(i >> 8), byte(i)}))
	}
}
