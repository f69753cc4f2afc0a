package dns

import (
	"context"
	"fmt"
	"net/netip"
	"time"

	"github.com/miekg/dns"

	"gazetteer"
	"gazetteer/region/geo"
)

// dependence says on what of a client an answer depends.
type dependence uint8

const (
	onNothing dependence = iota
	onPlace              // on where it is
	onNetwork            // also on its network, which settles between equals
)

// reply is what is said to a question, but for what depends on how it was asked.
type reply struct {
	rcode                         int
	answer, authority, additional []dns.RR
	// turning records at the front of the answer take turns at being first.
	turning int
	depends dependence
	code    uint16 // of EDE; text "" for none
	text    string
	private bool // not to be kept
}

// finder finds the reply to one question of one client.
type finder struct {
	*Server
	owner  string // the question's name in presentation form
	qtype  uint16
	client netip.Addr
	place  geo.Place
	name
}

// find answers a question about a name in the zone.
func (f *finder) find(ctx context.Context, wire []byte) reply {
	below := f.zone.below(wire)
	if len(below) > 0 {
		if addrs, ok := f.zone.hosts[dotted(below)]; ok {
			return f.found(f.zone.hosting(f.owner, addrs, f.qtype), onNothing)
		}
	}
	if !f.read(below, f.isRegion) {
		return f.missing()
	}
	if f.explain {
		return f.explanation(ctx)
	}
	r := f.about(ctx)
	if f.qtype == dns.TypeANY && r.rcode == dns.RcodeSuccess {
		// RFC 8482, section 4.2: one small record, whatever there is.
		return reply{answer: []dns.RR{&dns.HINFO{Hdr: f.zone.header(f.owner, dns.TypeHINFO, refusalTTL), Cpu: "RFC8482"}}}
	}
	return r
}

func dotted(ls []string) string {
	out := ls[0]
	for _, l := range ls[1:] {
		out += "." + l
	}
	return out
}

func (f *finder) isRegion(r gazetteer.RegionID) bool {
	_, ok := f.site(r)
	return ok
}

// about answers for what the name is about.
func (f *finder) about(ctx context.Context) reply {
	switch {
	case f.typ != "" && f.id != "":
		return f.resource(ctx)
	case f.typ != "":
		return f.typeOnly(ctx, f.typ)
	case f.node != "":
		return f.oneServer(ctx)
	case f.region != "":
		return f.oneRegion()
	case len(f.owner) == len(f.zone.name):
		return f.apex()
	}
	return f.nearest()
}

// apex answers for the zone's own name, which has SOA and NS beside all that "any" has.
func (f *finder) apex() reply {
	switch f.qtype {
	case dns.TypeSOA:
		return f.found([]dns.RR{f.zone.soa}, onNothing)
	case dns.TypeNS:
		r := f.found(f.zone.ns, onNothing)
		for labels, addrs := range f.zone.hosts {
			for _, a := range addrs {
				r.additional = append(r.additional, f.zone.address(labels+"."+f.zone.name, a, fixedTTL*time.Second))
			}
		}
		return r
	}
	return f.nearest()
}

// typeOnly answers for a name that has no records but others below it.
func (f *finder) typeOnly(ctx context.Context, t gazetteer.Type) reply {
	if t.Validate() != nil {
		return f.missing()
	}
	if _, err := f.Regional.Type(ctx, t); err != nil {
		return f.failed(err)
	}
	return f.found(nil, onNothing)
}

// found is the reply with these records, which may be none: then the name exists all the
// same.
func (f *finder) found(rrs []dns.RR, d dependence) reply {
	r := reply{answer: rrs, depends: d}
	if len(rrs) == 0 {
		r.authority = f.zone.negative()
	}
	return r
}

// missing says that there is no such name.
func (f *finder) missing() reply {
	return reply{rcode: dns.RcodeNameError, authority: f.zone.negative()}
}

// failed turns an error into a reply. What is not there is not there; all else passes.
func (f *finder) failed(err error) reply {
	switch gazetteer.KindOf(err) {
	case gazetteer.NotFound, gazetteer.Invalid, gazetteer.Unprocessable:
		return f.missing()
	}
	return f.unable(dns.ExtendedErrorCodeOther, "no server of this region can answer now")
}

// unable says that the server cannot answer now. The client asks another one.
func (f *finder) unable(code uint16, format string, args ...any) reply {
	return reply{rcode: dns.RcodeServerFailure, code: code, text: fmt.Sprintf(format, args...), private: true}
}
