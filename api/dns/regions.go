package dns

import (
	"context"
	"fmt"
	"net/netip"
	"slices"
	"time"

	"github.com/miekg/dns"

	"gazetteer"
	"gazetteer/region/geo"
)

const (
	// serversMax is how many servers of one region an answer names.
	serversMax = 4
	// regionsMax is how many regions it names: the best, and one more for when that dies
	// while the answer is still kept.
	regionsMax = 2
)

// order returns the regions that clients are sent to, best first. If none is up it is all
// of them: a wrong memory must not turn an answer into none.
func (f *finder) order() (chosen []site, ttl time.Duration, allDown bool) {
	all := f.ordered()
	ttl = f.TTL
	for i := range all {
		switch {
		case len(all[i].servers) == 0:
		case all[i].up:
			chosen = append(chosen, all[i])
		default:
			ttl = min(f.TTL, troubleTTL*time.Second)
		}
	}
	if len(chosen) == 0 {
		chosen = slices.DeleteFunc(slices.Clone(all), func(r site) bool { return len(r.servers) == 0 })
		allDown = true
	}
	if f.second && len(chosen) > 1 {
		chosen = chosen[1:]
	}
	return chosen, ttl, allDown
}

// ordered returns all regions, best first for the client.
func (f *finder) ordered() []site {
	_, choices := f.Regional.Order(nil, &geo.Client{Addr: f.client})
	out := make([]site, len(choices))
	for i := range choices {
		out[i] = siteOf(&choices[i])
	}
	return out
}

// nearest answers for the planet: with servers of the best region, then of the next.
func (f *finder) nearest() reply {
	chosen, ttl, allDown := f.order()
	if len(chosen) == 0 {
		return f.unable(dns.ExtendedErrorCodeNotReady, "no regional server is known yet")
	}
	r := f.ofRegions(chosen, ttl)
	if len(chosen) > 1 || f.second {
		r.depends = onPlace
	}
	if allDown {
		r.code, r.text = dns.ExtendedErrorCodeOther, "no region answers, or all drain: the answer names all the same"
	}
	return r
}

// oneRegion answers for a region that the client has chosen, whatever its state.
func (f *finder) oneRegion() reply {
	r, _ := f.site(f.region)
	ttl := f.TTL
	if !r.up {
		ttl = min(ttl, troubleTTL*time.Second)
	}
	return f.ofRegions([]site{r}, ttl)
}

// ofRegions returns the records of regions, the best first.
func (f *finder) ofRegions(rs []site, ttl time.Duration) reply {
	switch f.qtype {
	case dns.TypeA, dns.TypeAAAA:
		if f.service == "" {
			return f.addressed(rs, ttl)
		}
	case dns.TypeSRV:
		return f.services(rs, ttl)
	case dns.TypeURI:
		return f.found(f.urls(rs, ttl), onNothing)
	case dns.TypeTXT:
		return f.found(f.told(rs, ttl), onNothing)
	case dns.TypeLOC:
		if rs[0].located && f.service == "" {
			return f.found([]dns.RR{f.zone.loc(f.owner, rs[0].point, ttl)}, onNothing)
		}
	}
	return f.found(nil, onNothing)
}

// addressed gives the addresses of the best region that has any, then of the next. If the
// best has none of this family there are none: those of the next would draw clients of
// both families away from the best.
func (f *finder) addressed(rs []site, ttl time.Duration) reply {
	var rrs []dns.RR
	turning, regions := 0, 0
	for i := range rs {
		these, any := f.hosts(&rs[i], ttl)
		if !any {
			continue
		}
		if regions++; regions == 1 {
			turning = len(these)
		}
		for _, rr := range these {
			if !named(rrs, rr) {
				rrs = append(rrs, rr)
			}
		}
		if turning == 0 || regions == regionsMax {
			break
		}
	}
	r := f.found(rrs, onNothing)
	r.turning = turning
	if regions == 0 {
		r.code, r.text = dns.ExtendedErrorCodeOther, "the regional servers have names, not addresses: ask for SRV or URI"
	}
	return r
}

// hosts returns the address records of a region's servers, and whether they have an address
// at all.
func (f *finder) hosts(r *site, ttl time.Duration) (rrs []dns.RR, any bool) {
	for i := range r.servers {
		a := r.servers[i].addresses()
		any = any || !a.none()
		one := a.of(f.qtype)
		if !one.IsValid() || len(rrs) == serversMax {
			continue
		}
		if rr := f.zone.address(f.owner, one, ttl); !named(rrs, rr) {
			rrs = append(rrs, rr)
		}
	}
	return rrs, any
}

// of returns the address of the family that a query type asks for.
func (a addresses) of(qtype uint16) netip.Addr {
	if qtype == dns.TypeA {
		return a.four
	}
	return a.six
}

// eachServer calls f with the servers that an answer about regions names.
func eachServer(rs []site, f func(rank int, r *site, e *entry)) {
	for i := range rs[:min(len(rs), regionsMax)] {
		for j := range rs[i].servers[:min(len(rs[i].servers), serversMax)] {
			f(i+1, &rs[i], &rs[i].servers[j])
		}
	}
}

// services gives SRV records (RFC 2782): the best region has the first priority.
func (f *finder) services(rs []site, ttl time.Duration) reply {
	var r reply
	if f.service != "" && f.service != "http" {
		return f.found(nil, onNothing)
	}
	eachServer(rs, func(rank int, of *site, e *entry) {
		target, glue, ok := f.serverName(of.name, e, ttl)
		if !ok {
			return
		}
		r.answer = append(r.answer, &dns.SRV{
			Hdr: f.zone.header(f.owner, dns.TypeSRV, seconds(ttl)), Priority: uint16(rank), Weight: 1, Port: e.port, Target: target,
		})
		r.additional = append(r.additional, glue...)
	})
	if len(r.answer) == 0 {
		return f.found(nil, onNothing)
	}
	return r
}

// serverName is the name of a regional server: its own, or one below the zone.
func (f *finder) serverName(r gazetteer.RegionID, e *entry, ttl time.Duration) (target string, glue []dns.RR, ok bool) {
	a := e.addresses()
	if a.none() {
		return dns.CanonicalName(e.host), nil, isHostname(e.host)
	}
	target, ok = join(labels(string(e.node)), string(r), f.zone.name)
	return target, f.zone.glue(target, a, ttl), ok
}

// glue are the address records that spare a client the next question.
func (z *zone) glue(owner string, a addresses, ttl time.Duration) (out []dns.RR) {
	for _, one := range []netip.Addr{a.four, a.six} {
		if one.IsValid() {
			out = append(out, z.address(owner, one, ttl))
		}
	}
	return out
}

// url is where the REST face of a server is.
func (e *entry) url() string {
	if a, err := netip.ParseAddr(e.host); err == nil {
		return "http://" + netip.AddrPortFrom(a, e.port).String() + "/"
	}
	return fmt.Sprintf("http://%s:%d/", e.host, e.port)
}

func (f *finder) urls(rs []site, ttl time.Duration) (out []dns.RR) {
	if f.service != "" && f.service != "http" {
		return nil
	}
	eachServer(rs, func(rank int, _ *site, e *entry) {
		out = append(out, &dns.URI{Hdr: f.zone.header(f.owner, dns.TypeURI, seconds(ttl)), Priority: uint16(rank), Weight: 1, Target: e.url()})
	})
	return out
}

// told says in words what the answer names.
func (f *finder) told(rs []site, ttl time.Duration) (out []dns.RR) {
	if f.service != "" {
		return nil
	}
	eachServer(rs, func(rank int, r *site, e *entry) {
		out = append(out, f.zone.text(f.owner, ttl, fmt.Sprintf("rank=%d", rank), "region="+string(r.name), "node="+string(e.node), "url="+e.url()))
	})
	return out
}

// oneServer answers for one regional server of a region.
func (f *finder) oneServer(ctx context.Context) reply {
	r, _ := f.site(f.region)
	for i := range r.servers {
		if string(r.servers[i].node) == f.node {
			r.servers = r.servers[i : i+1]
			return f.ofRegions([]site{r}, f.TTL)
		}
	}
	return f.typeOnly(ctx, gazetteer.Type(f.node))
}
