package dns

import (
	"context"
	"fmt"
	"math"
	"net"
	"net/netip"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/miekg/dns"

	"gazetteer"
	"gazetteer/region"
	"gazetteer/region/geo"
)

const (
	// addressesMax is how many addresses an answer about a resource has, locationsMax how
	// many locations one of another type names.
	addressesMax = 4
	locationsMax = 8
	// urlMax is the longest URL that an answer holds.
	urlMax = 1024
)

// ranked are the locations of a resource for one client.
type ranked struct {
	best    []place // best first
	ttl     time.Duration
	depends dependence
}

// place is one location as records tell of it.
type place struct {
	*geo.Candidate
	tier   int // locations of one tier are equals, 1 is the best
	scheme string
	host   string // a name or an address
	port   uint16 // 0 if neither the URL nor its scheme says
	addresses
}

// resource answers for a resource, or one location of it.
func (f *finder) resource(ctx context.Context) reply {
	a := new(region.Answer)
	k, err := f.locations(ctx, a)
	if err != nil {
		return f.failed(err)
	}
	if f.service != "" {
		k.best = slices.DeleteFunc(k.best, func(p place) bool { return p.scheme != f.service })
	}
	if len(k.best) == 0 {
		return f.noLocation(k.depends)
	}
	r := f.ofPlaces(k)
	r.depends = k.depends
	return r
}

// noLocation says that the resource is there, and nothing of what is asked for.
func (f *finder) noLocation(d dependence) reply {
	r := f.found(nil, d)
	if f.service == "" {
		r.code, r.text = dns.ExtendedErrorCodeOther, "no location of the resource is in use"
	}
	return r
}

// locations ranks what a name asks for. The answer's memory is theirs.
func (f *finder) locations(ctx context.Context, a *region.Answer) (k ranked, err error) {
	if f.location != "" {
		return f.oneLocation(ctx)
	}
	q := region.Query{Key: gazetteer.Key{Type: f.typ, ID: f.id}, Client: geo.Client{Addr: f.client}, Region: f.region, Limit: locationsMax + 2}
	if err := f.Regional.Resolve(ctx, &q, a); err != nil {
		return k, err
	}
	k.ttl, k.depends = a.TTL, dependsOn(a)
	if spec, err := f.Regional.Type(ctx, f.typ); err != nil || spec.Policy.Spills() {
		k.depends = onNetwork
	}
	if a.Degraded {
		k.ttl = min(k.ttl, troubleTTL*time.Second)
	}
	all := places(a.Candidates)
	if f.second && len(all) > 1 {
		all = all[1:]
	}
	k.best = all[:min(len(all), locationsMax)]
	return k, nil
}

// dependsOn says on what the order of an answer depends: on nothing if there is nothing to
// order; on the client's network if two are equals for a client at this place, also at the
// edge of what is shown.
func dependsOn(a *region.Answer) dependence {
	if len(a.Candidates) < 2 {
		return onNothing
	}
	for i := range a.Candidates[1:] {
		if equals(&a.Candidates[i], &a.Candidates[i+1]) {
			return onNetwork
		}
	}
	return onPlace
}

func equals(a, b *geo.Candidate) bool { return a.Score == b.Score && a.Terms.KM == b.Terms.KM }

// places reads the URLs of candidates, and counts their tiers.
func places(cs []geo.Candidate) []place {
	out := make([]place, len(cs))
	tier := 1
	for i := range cs {
		if i > 0 && !equals(&cs[i-1], &cs[i]) {
			tier++
		}
		out[i] = placeOf(&cs[i])
		out[i].tier = tier
	}
	return out
}

// placeOf reads where a location is reached. Its labels "ipv4" and "ipv6" say more than the
// host of its URL, which may be a name.
func placeOf(c *geo.Candidate) place {
	p := place{Candidate: c, tier: 1}
	if u, err := url.Parse(c.Location.URL); err == nil {
		p.scheme, p.host, p.port = strings.ToLower(u.Scheme), u.Hostname(), portOf(u)
	}
	if a, err := netip.ParseAddr(p.host); err == nil {
		p.addresses = addressesOf(a)
	}
	for _, l := range c.Location.Labels {
		a, err := netip.ParseAddr(l.Value)
		switch a = a.WithZone(""); {
		case err != nil || a.IsUnspecified():
		case l.Key == "ipv4" && a.Is4():
			p.four = a
		case l.Key == "ipv6" && a.Is6() && !a.Is4In6():
			p.six = a
		}
	}
	return p
}

func portOf(u *url.URL) uint16 {
	if n, err := strconv.ParseUint(u.Port(), 10, 16); err == nil {
		return uint16(n)
	}
	switch u.Scheme {
	case "http", "ws":
		return 80
	case "https", "wss":
		return 443
	case "ftp":
		return 21
	case "rsync":
		return 873
	}
	return 0
}

// oneLocation finds the location that a name names.
func (f *finder) oneLocation(ctx context.Context) (k ranked, err error) {
	spec, err := f.Regional.Type(ctx, f.typ)
	if err != nil {
		return k, err
	}
	key := gazetteer.Key{Type: f.typ, ID: f.id}
	record, _, err := f.Regional.GetFrom(ctx, key, f.region)
	if err != nil {
		return k, err
	}
	i := slices.IndexFunc(record.Locations, func(l gazetteer.Location) bool { return l.ID == f.location })
	if i < 0 {
		return k, &gazetteer.Error{Op: "dns.Location", Kind: gazetteer.NotFound, Key: key, Detail: "no such location"}
	}
	return ranked{best: []place{placeOf(&geo.Candidate{Location: record.Locations[i]})}, ttl: spec.TTL}, nil
}

// ofPlaces returns the records of locations.
func (f *finder) ofPlaces(k ranked) reply {
	switch f.qtype {
	case dns.TypeA, dns.TypeAAAA, dns.TypeCNAME:
		if f.service == "" {
			return f.placesAddressed(k)
		}
	case dns.TypeSRV:
		return f.placeServices(k)
	case dns.TypeURI:
		return f.found(f.placeURLs(k), onNothing)
	case dns.TypeTXT:
		if f.service == "" {
			return f.found(f.placeTexts(k), onNothing)
		}
	case dns.TypeLOC:
		if f.service == "" && k.best[0].Location.Located {
			return f.found([]dns.RR{f.zone.loc(f.owner, k.best[0].Location.Point, k.ttl)}, onNothing)
		}
	}
	return f.found(nil, onNothing)
}

// placesAddressed gives addresses, best first, or the name of the best if that has no
// address. As for regions, the best decides whether there are any of this family.
func (f *finder) placesAddressed(k ranked) reply {
	best := &k.best[0]
	if best.none() {
		return f.alias(best, k.ttl)
	}
	var rrs []dns.RR
	if f.qtype != dns.TypeCNAME && best.of(f.qtype).IsValid() {
		for i := range k.best {
			one := k.best[i].of(f.qtype)
			if !one.IsValid() || len(rrs) == addressesMax {
				continue
			}
			if rr := f.zone.address(f.owner, one, k.ttl); !named(rrs, rr) {
				rrs = append(rrs, rr)
			}
		}
	}
	return f.found(rrs, onNothing)
}

// named reports whether a record is there: two servers may share an address and differ in
// their ports.
func named(rrs []dns.RR, rr dns.RR) bool {
	return slices.ContainsFunc(rrs, func(x dns.RR) bool { return dns.IsDuplicate(x, rr) })
}

// alias sends those who ask for addresses to the name of a location. Names below the zone
// are not followed: they could lead round in a circle.
func (f *finder) alias(p *place, ttl time.Duration) reply {
	if !f.isTarget(p.host) {
		r := f.found(nil, onNothing)
		r.code, r.text = dns.ExtendedErrorCodeOther, "the best location has neither an address nor the name of a host: ask for URI"
		return r
	}
	return f.found([]dns.RR{&dns.CNAME{Hdr: f.zone.header(f.owner, dns.TypeCNAME, seconds(ttl)), Target: dns.CanonicalName(p.host)}}, onNothing)
}

func (f *finder) isTarget(host string) bool {
	return isHostname(host) && !dns.IsSubDomain(f.zone.name, dns.CanonicalName(host))
}

// placeServices gives SRV records: a tier is a priority, a location's weight its share.
func (f *finder) placeServices(k ranked) reply {
	var r reply
	weights := shares(k.best)
	for i := range k.best {
		p := &k.best[i]
		target, glue, ok := f.placeName(p, k.ttl)
		if !ok || p.port == 0 {
			continue
		}
		r.answer = append(r.answer, &dns.SRV{
			Hdr: f.zone.header(f.owner, dns.TypeSRV, seconds(k.ttl)), Priority: uint16(p.tier), Weight: weights[i],
			Port: p.port, Target: target,
		})
		r.additional = append(r.additional, glue...)
	}
	if len(r.answer) == 0 {
		return f.found(nil, onNothing)
	}
	return r
}

// placeName is the name of a location: its host's, or one below the zone.
func (f *finder) placeName(p *place, ttl time.Duration) (target string, glue []dns.RR, ok bool) {
	if isHostname(p.host) && net.ParseIP(p.host) == nil {
		return dns.CanonicalName(p.host), nil, true
	}
	if p.none() {
		return "", nil, false
	}
	target, ok = join(labels(string(p.Location.ID)), labels(string(f.id)), string(f.typ), string(f.region), f.zone.name)
	return target, f.zone.glue(target, p.addresses, ttl), ok
}

// shares returns the weights of locations in 16 bits: as they are if all are whole and fit,
// else in thousandths of the greatest.
func shares(ps []place) []uint16 {
	top, whole := 0.0, true
	for i := range ps {
		w := ps[i].Location.Weight
		top, whole = max(top, w), whole && w == math.Trunc(w)
	}
	scale := 1.0
	if !whole || top > math.MaxUint16 {
		scale = 1000 / top
	}
	out := make([]uint16, len(ps))
	for i := range ps {
		out[i] = uint16(max(math.Round(ps[i].Location.Weight*scale), 1))
	}
	return out
}

func (f *finder) placeURLs(k ranked) (out []dns.RR) {
	weights := shares(k.best)
	for i := range k.best {
		p := &k.best[i]
		if len(p.Location.URL) <= urlMax {
			out = append(out, &dns.URI{
				Hdr:      f.zone.header(f.owner, dns.TypeURI, seconds(k.ttl)),
				Priority: uint16(p.tier), Weight: weights[i], Target: strings.Clone(p.Location.URL),
			})
		}
	}
	return out
}

func (f *finder) placeTexts(k ranked) (out []dns.RR) {
	for i := range k.best {
		p := &k.best[i]
		out = append(out, f.zone.text(f.owner, k.ttl, fmt.Sprintf("rank=%d", i+1), "location="+string(p.Location.ID), "url="+p.Location.URL))
	}
	return out
}
