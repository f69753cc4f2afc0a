package dns

import (
	"context"
	"encoding/binary"
	"net/netip"
	"time"

	"github.com/miekg/dns"

	"gazetteer/region/geo"
)

// work is the memory with which one packet after the other is answered.
type work struct {
	request request
	key     []byte
	client  netip.Addr // whose place counts
	place   geo.Place
	cookie  [cookieBytes]byte
	// moment is when the packets that are answered now came, on the server's clock and by
	// the calendar.
	moment int64
	unix   uint32
}

// transport says how a packet came.
type transport uint8

const (
	overUDP transport = iota
	overTCP
)

func (t transport) String() string { return [...]string{"udp", "tcp"}[t] }

// now sets the moment for the packets to come.
func (s *Server) now(w *work) {
	now := s.Now()
	w.moment, w.unix = int64(now.Sub(s.began))+1, uint32(now.Unix())
}

// query is one packet and how it came.
type query struct {
	packet []byte
	from   netip.Addr
	by     transport
	// wait: the reply may be found out now, however long that takes.
	wait bool
}

// respond appends the response to a packet to dst.
func (s *Server) respond(ctx context.Context, dst []byte, w *work, q query) ([]byte, verdict) {
	r := &w.request
	if len(q.packet) < headerBytes || q.packet[2]&0x80 != 0 {
		s.count.ignored.Add(1)
		return dst, dropped // too short to be answered, or itself a response
	}
	if r.parse(q.packet) {
		return s.judge(ctx, dst, w, q)
	}
	if bits := binary.BigEndian.Uint16(q.packet[2:]); bits&opMask != 0 {
		return s.refuseHeader(dst, q, dns.RcodeNotImplemented), answered
	}
	plain := normalize(q.packet)
	switch {
	case plain == nil:
	case binary.BigEndian.Uint16(plain[4:]) == 0:
		return s.cookieOnly(dst, w, q, plain)
	case r.parse(plain):
		return s.judge(ctx, dst, w, q)
	}
	return s.refuseHeader(dst, q, dns.RcodeFormatError), answered
}

// refuseHeader answers with a header alone: no larger than anything that it answers.
func (s *Server) refuseHeader(dst []byte, q query, rcode int) []byte {
	bits := binary.BigEndian.Uint16(q.packet[2:])
	dst = append(dst, q.packet[0], q.packet[1])
	dst = binary.BigEndian.AppendUint16(dst, bitQR|bits&(opMask|bitRD)|uint16(rcode))
	s.count.responses[q.by].of(rcode).Add(1)
	return append(dst, 0, 0, 0, 0, 0, 0, 0, 0)
}

// cookieOnly answers a query without question that asks for a cookie (RFC 7873, section
// 5.4).
func (s *Server) cookieOnly(dst []byte, w *work, q query, plain []byte) ([]byte, verdict) {
	var o options
	end := plain[min(len(plain), headerBytes+optBytes):]
	if len(end) == 0 || !o.parse(end) || o.wrong || o.cookie == nil {
		return s.refuseHeader(dst, q, dns.RcodeFormatError), answered
	}
	r := &w.request
	r.id, r.bits = binary.BigEndian.Uint16(plain), binary.BigEndian.Uint16(plain[2:])
	r.question, r.edns, r.do, r.options = nil, true, false, o
	x := extended{cookie: s.baked(w, q.from)}
	return s.finish(dst, w, q, &x, nil, 0), answered
}

// judge refuses what is not for this server, and answers the rest.
func (s *Server) judge(ctx context.Context, dst []byte, w *work, q query) ([]byte, verdict) {
	r := &w.request
	switch {
	case r.bits&opMask != 0:
		return s.refuseHeader(dst, q, dns.RcodeNotImplemented), answered
	case r.wrong:
		return s.refuseHeader(dst, q, dns.RcodeFormatError), answered
	case r.version > 0:
		return s.limited(dst, w, q, &packed{rcode: dns.RcodeBadVers}, 0)
	case r.qclass != dns.ClassINET || !s.zone.holds(r.name):
		return s.limited(dst, w, q, outside, 0)
	case r.qtype == dns.TypeOPT:
		return s.refuseHeader(dst, q, dns.RcodeFormatError), answered
	case dns.TypeTKEY <= r.qtype && r.qtype < dns.TypeANY:
		return s.limited(dst, w, q, noTransfer, 0)
	}
	return s.answer(ctx, dst, w, q)
}

// answer gives the reply that is kept, or finds it out.
func (s *Server) answer(ctx context.Context, dst []byte, w *work, q query) ([]byte, verdict) {
	s.locate(w, q.from)
	generation := s.planet.Load().generation
	w.key = appendKey(w.key[:0], w.request.name, w.request.qtype, &w.place)
	k := s.cache.find(w.key, generation, w.moment)
	if k != nil && k.packed == nil {
		w.key = appendNetwork(w.key, w.client)
		k = s.cache.find(w.key, generation, w.moment)
	}
	switch {
	case k != nil:
		return s.limited(dst, w, q, k.packed, k.turn.Add(1))
	case !q.wait:
		return dst, later
	}
	p := s.findOut(ctx, w, q.from, generation)
	return s.limited(dst, w, q, p, 0)
}

// locate says where the client is: at the address that the resolver tells of, or that of the
// resolver. A subnet that nobody routes says nothing (RFC 7871, section 11.1).
func (s *Server) locate(w *work, from netip.Addr) {
	w.client = from
	if e := &w.request.ecs; e.asked && e.source > 0 && !s.IgnoreECS && isRouted(e.addr.Unmap()) {
		w.client = e.addr.Unmap()
	}
	w.place = s.Regional.Locate(&geo.Client{Addr: w.client})
}

// isRouted reports whether clients elsewhere can have an address. The zero address is that
// of a very short prefix.
func isRouted(a netip.Addr) bool {
	return a.IsUnspecified() || a.IsGlobalUnicast() && !a.IsPrivate()
}

// findWithin is how long a reply may take to be found out: longer than the region takes to
// ask two others, shorter than resolvers wait.
const findWithin = 3 * time.Second

// findOut asks the region, and keeps what it says.
func (s *Server) findOut(ctx context.Context, w *work, peer netip.Addr, generation uint64) *packed {
	r := &w.request
	owner, _, err := dns.UnpackDomainName(r.name, 0)
	if err != nil {
		return broken
	}
	f := finder{Server: s, owner: owner, qtype: r.qtype, client: w.client, place: w.place}
	ctx, cancel := context.WithTimeout(ctx, findWithin)
	defer cancel()
	reply := f.find(ctx, r.name)
	if f.explain && !s.mayExplain(peer) {
		return notAllowed
	}
	p, err := reply.pack(owner, r.qtype, len(r.question))
	if err != nil {
		return broken
	}
	if !reply.private {
		s.keep(w, generation, p)
	}
	return p
}

// keep puts a reply into the cache under as much as it depends on.
func (s *Server) keep(w *work, generation uint64, p *packed) {
	key := appendKey(w.key[:0], w.request.name, w.request.qtype, &w.place)
	if p.depends == onNetwork {
		s.cache.put(key, generation, w.moment, nil)
		key = appendNetwork(key, w.client)
	}
	s.cache.put(key, generation, w.moment, p)
	w.key = key
}

// scope is how many bits of a client subnet the reply depends on: within these all get the
// same.
func (w *work) scope(d dependence) uint8 {
	e := &w.request.ecs
	if !e.asked || e.source == 0 || d == onNothing {
		return 0
	}
	if e.addr.Unmap() != w.client {
		return e.source // it was not used
	}
	bits := max(w.place.Network.Bits(), 0)
	if d == onNetwork {
		bits = max(bits, drawNetwork(w.client).Bits())
	}
	if e.family == family6 && w.client.Is4() {
		bits += 96
	}
	return uint8(bits)
}
