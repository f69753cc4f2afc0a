package dns

import (
	"bytes"
	"net/netip"
	"strings"
	"time"

	"github.com/miekg/dns"
)

// Seconds.
const (
	fixedTTL    = 3600 // of what the configuration says
	troubleTTL  = 5    // near trouble
	negativeTTL = 5    // of what is not there: it may be written at any moment
	refusalTTL  = 3600 // of the answer to ANY
)

// zone is what of the zone never changes.
type zone struct {
	name string // in presentation form, with a dot at its end
	wire []byte
	soa  dns.RR
	ns   []dns.RR
	// hosts are the nameservers below the zone, by their labels in front of it.
	hosts map[string][]netip.Addr
}

func newZone(c *Config) (*zone, error) {
	z := &zone{name: c.Zone, hosts: map[string][]netip.Addr{}}
	var b [256]byte
	n, err := dns.PackDomainName(z.name, b[:], 0, nil, false)
	if err != nil {
		return nil, invalid("zone %q: %v", c.Zone, err)
	}
	z.wire = bytes.Clone(b[:n])
	z.soa = &dns.SOA{
		Hdr: z.header(z.name, dns.TypeSOA, fixedTTL), Ns: c.Nameservers[0].Name, Mbox: c.Hostmaster,
		// Nothing is transferred: the serial, as the times, speaks to nobody.
		Serial: 1, Refresh: 7200, Retry: 900, Expire: 1209600, Minttl: negativeTTL,
	}
	for _, n := range c.Nameservers {
		z.ns = append(z.ns, &dns.NS{Hdr: z.header(z.name, dns.TypeNS, fixedTTL), Ns: n.Name})
		if below, ok := strings.CutSuffix(n.Name, "."+z.name); ok {
			z.hosts[below] = n.Addrs
		}
	}
	return z, nil
}

func (z *zone) header(owner string, rrtype uint16, ttl uint32) dns.RR_Header {
	return dns.RR_Header{Name: owner, Rrtype: rrtype, Class: dns.ClassINET, Ttl: ttl}
}

// holds reports whether a name in wire form and lower case is the zone's or below it.
func (z *zone) holds(name []byte) bool {
	for len(name) > len(z.wire) {
		name = name[1+int(name[0]):]
	}
	return bytes.Equal(name, z.wire)
}

// below returns the labels of a name in front of the zone, as they are. A dot within one
// makes no two of it.
func (z *zone) below(name []byte) (ls []string) {
	for len(name) > len(z.wire) {
		ls = append(ls, string(name[1:1+name[0]]))
		name = name[1+int(name[0]):]
	}
	return ls
}

// negative is the SOA record of an answer that says that something is not there (RFC 2308,
// section 3).
func (z *zone) negative() []dns.RR {
	soa := *z.soa.(*dns.SOA)
	soa.Hdr.Ttl = negativeTTL
	return []dns.RR{&soa}
}

// hosting returns the records of a nameserver below the zone.
func (z *zone) hosting(owner string, addrs []netip.Addr, qtype uint16) (out []dns.RR) {
	for _, a := range addrs {
		if rr := z.address(owner, a, fixedTTL*time.Second); rr.Header().Rrtype == qtype {
			out = append(out, rr)
		}
	}
	return out
}

// address is the A or AAAA record of an address.
func (z *zone) address(owner string, a netip.Addr, ttl time.Duration) dns.RR {
	if a.Is4() {
		return &dns.A{Hdr: z.header(owner, dns.TypeA, seconds(ttl)), A: a.AsSlice()}
	}
	return &dns.AAAA{Hdr: z.header(owner, dns.TypeAAAA, seconds(ttl)), AAAA: a.AsSlice()}
}

func seconds(d time.Duration) uint32 { return uint32(d / time.Second) }
