package dns

import (
	"bytes"
	"encoding/binary"
	"net/netip"
	"testing"

	"github.com/miekg/dns"
)

func packed1(t testing.TB, m *dns.Msg) []byte {
	t.Helper()
	b, err := m.Pack()
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// seeds are packets of every sort, well-formed and broken.
func seeds(t testing.TB) [][]byte {
	plain := packed1(t, question("two.web.gz.test", dns.TypeA))
	full := withSubnet(question("gz.test", dns.TypeTXT), london)
	withOption(full, &dns.EDNS0_COOKIE{Code: dns.EDNS0COOKIE, Cookie: "0123456789abcdef"})
	withOption(full, &dns.EDNS0_NSID{Code: dns.EDNS0NSID})
	rich := packed1(t, full)
	two := full.Copy()
	two.Extra = append(two.Extra, two.Extra[0])
	signed := question("gz.test", dns.TypeA)
	signed.Extra = append(signed.Extra, &dns.TXT{Hdr: dns.RR_Header{Name: "x.", Rrtype: dns.TypeTXT, Class: 1}, Txt: []string{"y"}})
	update := question("gz.test", dns.TypeSOA)
	update.Opcode = dns.OpcodeUpdate
	loop := bytes.Clone(plain)
	copy(loop[headerBytes:], []byte{0xc0, headerBytes})
	long := append(bytes.Clone(plain[:headerBytes]), bytes.Repeat([]byte{63, 'a', 'b'}, 100)...)
	ixfr := question("gz.test", dns.TypeIXFR)
	ixfr.Ns = []dns.RR{&dns.SOA{Hdr: dns.RR_Header{Name: "gz.test.", Rrtype: dns.TypeSOA, Class: 1}, Ns: "a.", Mbox: "b."}}
	chaos := question("version.bind", dns.TypeTXT)
	chaos.Question[0].Qclass = dns.ClassCHAOS
	named, _ := join(labels("Named Id/ü"), "web", "gz.test")
	out := [][]byte{
		{}, plain[:3], plain[:headerBytes], plain[:headerBytes+4], plain[:len(plain)-1], append(bytes.Clone(plain), 0, 1, 2),
		plain, rich, rich[:len(rich)-1], loop, long, packed1(t, two), packed1(t, signed), packed1(t, update), packed1(t, ixfr), packed1(t, chaos),
		packed1(t, question("_explain.two.web.gz.test", dns.TypeTXT)), packed1(t, question("_https._tcp.two.web.gz.test", dns.TypeSRV)),
		packed1(t, question(named, dns.TypeSRV)), packed1(t, question(`a\.b\000.web.gz.test`, dns.TypeANY)), packed1(t, question(".", dns.TypeNS)),
	}
	for i := 4; i < headerBytes; i += 2 { // counts that are not true
		lie := bytes.Clone(rich)
		binary.BigEndian.PutUint16(lie[i:], 0xffff)
		out = append(out, lie)
	}
	return out
}

// FuzzPacket holds, for whatever comes: no panic; a response is a response to it and is a
// message; what is malformed is not answered with more than was asked; over UDP nothing is
// larger than the client takes; and what the fast reader takes the library reads the same.
func FuzzPacket(f *testing.F) {
	for _, s := range seeds(f) {
		f.Add(s)
	}
	r := testRegional(f)
	s, err := New(Config{Zone: "gz.test", Regional: r, Node: "fra-1", Rate: -1, Nameservers: []Nameserver{{Name: "ns.elsewhere.example"}},
		Explainers: []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")}})
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, packet []byte) {
		agree(t, packet)
		for _, by := range []transport{overUDP, overTCP} {
			var w work
			s.now(&w)
			out, v := s.respond(t.Context(), []byte("before"), &w, query{packet: bytes.Clone(packet), from: netip.MustParseAddr("127.0.0.1"), by: by, wait: true})
			if v == dropped {
				continue
			}
			holds(t, packet, bytes.TrimPrefix(out, []byte("before")), by)
		}
	})
}

func holds(t *testing.T, packet, out []byte, by transport) {
	if len(out) < headerBytes || !bytes.Equal(out[:2], packet[:2]) || out[2]&0x80 == 0 {
		t.Fatalf("%x is no response to %x", out, packet)
	}
	rcode := out[3] & 0xf
	if (rcode == dns.RcodeFormatError || rcode == dns.RcodeNotImplemented) && len(out) > len(packet) {
		t.Fatalf("%d bytes for %d that are malformed", len(out), len(packet))
	}
	m := new(dns.Msg)
	if err := m.Unpack(out); err != nil {
		t.Fatalf("%x is no message: %v", out, err)
	}
	if limit := maxUDP; by == overUDP && len(out) > limit {
		t.Fatalf("%d bytes over UDP", len(out))
	}
	if m.IsEdns0() == nil && by == overUDP && len(out) > minUDP {
		t.Fatalf("%d bytes without EDNS", len(out))
	}
}

// agree fails if the fast reader takes what the library reads otherwise.
func agree(t *testing.T, packet []byte) {
	var r request
	if !r.parse(packet) {
		return
	}
	m := new(dns.Msg)
	if err := m.Unpack(packet); err != nil {
		if !r.wrong { // the library refuses malformed options itself
			t.Fatalf("%x was taken, and the library says %v", packet, err)
		}
		return
	}
	name, _, err := dns.UnpackDomainName(r.name, 0)
	if err != nil || name != dns.CanonicalName(m.Question[0].Name) || r.qtype != m.Question[0].Qtype || r.qclass != m.Question[0].Qclass {
		t.Fatalf("%q %d, and the library says %v (%v)", name, r.qtype, m.Question[0], err)
	}
	o := m.IsEdns0()
	if (o != nil) != r.edns {
		t.Fatalf("EDNS %v, and the library says %v", r.edns, o)
	}
	if o != nil && (o.Version() != r.version || max(o.UDPSize(), minUDP) != r.size || o.Do() != r.do) {
		t.Fatalf("OPT %+v, and the library says %v", r, o)
	}
	if e, ok := option[*dns.EDNS0_SUBNET](m); ok && !r.wrong && r.ecs.family != familyNone {
		if a, _ := netip.AddrFromSlice(e.Address); a.Unmap() != r.ecs.addr.Unmap() || e.SourceNetmask != r.ecs.source {
			t.Fatalf("subnet %+v, and the library says %v", r.ecs, e)
		}
	}
}

// FuzzLabels holds that each id has one name that leads back to it.
func FuzzLabels(f *testing.F) {
	for _, id := range []string{"lhr", "LHR", "any", "second", "_x", "a/b", "", "-a", "a.b", "ü", "x y", string(bytes.Repeat([]byte("z"), 255))} {
		f.Add(id)
	}
	f.Fuzz(func(t *testing.T, id string) {
		if id == "" || len(id) > 255 {
			return
		}
		back, rest, ok := takeID(append([]string{"before"}, split(labels(id))...))
		if !ok || back != id || len(rest) != 1 {
			t.Fatalf("%q became %q and came back as %q (%v, %v)", id, labels(id), back, rest, ok)
		}
	})
}

func split(s string) (out []string) {
	for l := range bytes.SplitSeq([]byte(s), []byte(".")) {
		out = append(out, string(l))
	}
	return out
}
