package dns

import (
	"math"
	"time"

	"github.com/miekg/dns"

	"gazetteer"
)

// stringMax is the longest text in a TXT record (RFC 1035, section 3.3).
const stringMax = 255

// text is a TXT record of "key=value" texts (RFC 1464). Those too long for one are left
// out.
func (z *zone) text(owner string, ttl time.Duration, texts ...string) dns.RR {
	rr := &dns.TXT{Hdr: z.header(owner, dns.TypeTXT, seconds(ttl))}
	for _, t := range texts {
		if len(t) <= stringMax {
			rr.Txt = append(rr.Txt, escaped(t))
		}
	}
	return rr
}

// escaped writes a text as the library expects it, where a backslash takes the meaning off
// what follows.
func escaped(t string) string {
	var b []byte
	for i := range len(t) {
		if t[i] == '\\' || t[i] == '"' {
			b = append(b, '\\')
		}
		b = append(b, t[i])
	}
	return string(b)
}

// Thousandths of a second of arc, and what RFC 1876 says of a place of 1 m and of one known
// to 10 km and 10 m.
const (
	arcPerDegree = 3600 * 1000
	arcOrigin    = 1 << 31
	sizeMetre    = 0x12
	within10km   = 0x16
	within10m    = 0x13
	seaLevel     = 100_000 * 100 // centimetres above 100 km below it
)

// loc is the LOC record (RFC 1876) of a point.
func (z *zone) loc(owner string, p gazetteer.Point, ttl time.Duration) dns.RR {
	return &dns.LOC{
		Hdr: z.header(owner, dns.TypeLOC, seconds(ttl)), Size: sizeMetre, HorizPre: within10km, VertPre: within10m,
		Latitude: arc(p.Lat), Longitude: arc(p.Lon), Altitude: seaLevel,
	}
}

func arc(degrees float64) uint32 { return uint32(arcOrigin + int64(math.Round(degrees*arcPerDegree))) }
