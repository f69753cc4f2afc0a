package dns

import (
	"encoding/binary"
	"net/netip"

	"github.com/miekg/dns"
)

// What is said without asking anybody.
var (
	outside    = &packed{rcode: dns.RcodeRefused, code: dns.ExtendedErrorCodeNotAuthoritative, text: "not a name of this zone"}
	noTransfer = &packed{rcode: dns.RcodeRefused, code: dns.ExtendedErrorCodeNotSupported, text: "nothing is transferred"}
	notAllowed = &packed{rcode: dns.RcodeRefused, code: dns.ExtendedErrorCodeProhibited, text: "only its operators may ask why"}
	broken     = &packed{rcode: dns.RcodeServerFailure, code: dns.ExtendedErrorCodeOther, text: "the answer does not fit into a message"}
)

// limited sends a reply unless the client's network has had its share of it. Whoever shows a
// cookie has not forged his address, and over TCP nobody can.
func (s *Server) limited(dst []byte, w *work, q query, p *packed, turn uint32) ([]byte, verdict) {
	x := extended{rcode: uint16(p.rcode), scope: w.scope(p.depends), code: p.code, text: p.text, nsid: s.Node}
	honest := q.by == overTCP
	if c := w.request.cookie; c != nil {
		valid, fresh := believe(&s.Secret, c, q.from, w.unix)
		honest = honest || valid
		if x.cookie = c[8:]; !fresh {
			x.cookie = s.baked(w, q.from)
		}
	}
	if honest {
		return s.finish(dst, w, q, &x, p, turn), answered
	}
	switch s.limiter.ask(q.from, subject(w, p), w.moment) {
	case limit:
		s.count.limited.Add(1)
		return dst, dropped
	case slip:
		s.count.slipped.Add(1)
		return s.slip(dst, w, q, x), answered
	}
	return s.finish(dst, w, q, &x, p, turn), answered
}

// subject is what responses are counted under: all names that are not there under one, as a
// flood can make up as many as it likes.
func subject(w *work, p *packed) []byte {
	if p.rcode != dns.RcodeSuccess {
		return nil
	}
	return w.request.name
}

// slip tells a client that it may come over TCP; or, if it knows cookies, how the next one
// looks (RFC 7873, section 5.2.3).
func (s *Server) slip(dst []byte, w *work, q query, x extended) []byte {
	x.code, x.text, x.rcode = 0, "", dns.RcodeSuccess
	if x.cookie != nil {
		x.rcode = dns.RcodeBadCookie
		return s.finish(dst, w, q, &x, nil, 0)
	}
	start := len(dst)
	dst = s.finish(dst, w, q, &x, nil, 0)
	dst[start+2] |= bitTC >> 8
	return dst
}

func (s *Server) baked(w *work, from netip.Addr) []byte {
	bake(&w.cookie, &s.Secret, w.request.cookie, from, w.unix)
	return w.cookie[:]
}

// finish writes a response: header, question, the reply's records as far as there is room,
// OPT. Without a reply there are no records.
func (s *Server) finish(dst []byte, w *work, q query, x *extended, p *packed, turn uint32) []byte {
	r := &w.request
	s.count.responses[q.by].of(int(x.rcode)).Add(1)
	start := len(dst)
	bits := bitQR | r.bits&(opMask|bitRD|bitCD) | x.rcode&0xf
	if x.rcode == dns.RcodeSuccess || x.rcode == dns.RcodeNameError {
		bits |= bitAA
	}
	dst = append(dst, byte(r.id>>8), byte(r.id), byte(bits>>8), byte(bits), 0, 0, 0, 0, 0, 0, 0, 0)
	if len(r.question) > 0 {
		dst[start+5] = 1
		dst = append(dst, r.question...)
	}
	if p != nil && len(p.variants) > 0 {
		dst = r.appendRecords(dst, start, p, turn, r.room(q.by, x))
	}
	if r.edns {
		dst[start+11]++ // never more than 255: glue is of few records
		dst = r.appendOPT(dst, x)
	}
	return dst
}

// room is how many bytes a response may have without its OPT record.
func (r *request) room(by transport, x *extended) int {
	if by == overTCP {
		return 0xffff - r.optSize(x)
	}
	return int(min(r.size, maxUDP)) - r.optSize(x)
}

func (r *request) optSize(x *extended) int {
	if !r.edns {
		return 0
	}
	n := optBytes
	if r.ecs.asked {
		n += 8 + len(r.ecs.raw)
	}
	if x.cookie != nil {
		n += 12 + len(x.cookie)
	}
	if r.nsid && x.nsid != "" {
		n += 4 + len(x.nsid)
	}
	if x.text != "" {
		n += 6 + len(x.text)
	}
	return n
}

// appendRecords appends the records of a reply, without the additional ones if they do not
// fit, and none if not even the rest does: then the client is told to ask over TCP.
func (r *request) appendRecords(dst []byte, start int, p *packed, turn uint32, room int) []byte {
	tail := p.variants[turn%uint32(len(p.variants))]
	counts := p.counts
	if len(dst)-start+len(tail) > room {
		tail, counts[2] = tail[:p.glueAt], 0
	}
	if len(dst)-start+len(tail) > room {
		dst[start+2] |= bitTC >> 8
		return dst
	}
	for i, n := range counts {
		binary.BigEndian.PutUint16(dst[start+6+2*i:], n)
	}
	return append(dst, tail...)
}
