package dns

import (
	"encoding/binary"
	"net/netip"

	"github.com/miekg/dns"
)

// options are those of an OPT record that the server knows.
type options struct {
	nsid   bool
	ecs    ecs
	cookie []byte // nil if there is none
	wrong  bool   // one of them is malformed
}

// ecs is a client subnet (RFC 7871, section 6).
type ecs struct {
	asked  bool
	family uint16
	source uint8 // how many bits of the address there are
	addr   netip.Addr
	raw    []byte // the address as it came, to be given back
}

// parse reads options; false if they do not add up.
func (o *options) parse(b []byte) bool {
	for len(b) > 0 {
		if len(b) < 4 {
			return false
		}
		code, n := binary.BigEndian.Uint16(b), int(binary.BigEndian.Uint16(b[2:]))
		if len(b) < 4+n {
			return false
		}
		o.take(code, b[4:4+n:4+n])
		b = b[4+n:]
	}
	return true
}

func (o *options) take(code uint16, value []byte) {
	switch code {
	case dns.EDNS0NSID:
		o.nsid = true
		o.wrong = o.wrong || len(value) > 0
	case dns.EDNS0SUBNET:
		o.wrong = o.wrong || o.ecs.asked || !o.ecs.parse(value)
	case dns.EDNS0COOKIE:
		// RFC 7873, section 5.2.2: the client's 8 bytes, or these and 8 to 32 of a server.
		if o.wrong = o.wrong || o.cookie != nil || len(value) != 8 && (len(value) < 16 || len(value) > 40); !o.wrong {
			o.cookie = value
		}
	}
}

const (
	familyNone = 0
	family4    = 1
	family6    = 2
)

// parse reads a subnet, and refuses what RFC 7871, section 7.1.2, says is an error: an
// unknown family, a scope in a question, more or fewer bytes than the source's bits need,
// bits beyond these. Family 0 with no bits at all asks that no address be used.
func (e *ecs) parse(b []byte) bool {
	if len(b) < 4 || b[3] != 0 {
		return false
	}
	e.asked, e.family, e.source, e.raw = true, binary.BigEndian.Uint16(b), b[2], b[4:]
	if len(e.raw) != (int(e.source)+7)/8 {
		return false
	}
	var whole [16]byte
	copy(whole[:], e.raw)
	switch {
	case e.family == familyNone:
		return e.source == 0
	case e.family == family4 && e.source <= 32:
		e.addr = netip.AddrFrom4([4]byte(whole[:4]))
	case e.family == family6 && e.source <= 128:
		e.addr = netip.AddrFrom16(whole)
	default:
		return false
	}
	return netip.PrefixFrom(e.addr, int(e.source)).Masked().Addr() == e.addr
}

// minUDP is what every client takes over UDP, maxUDP what is sent at most: it crosses all
// networks in one piece (DNS flag day 2020).
const (
	minUDP = 512
	maxUDP = 1232
)

// extended is what of a response goes into its OPT record.
type extended struct {
	rcode  uint16
	scope  uint8
	cookie []byte // the server's part, nil for none
	nsid   string
	code   uint16 // of EDE (RFC 8914); text "" for none
	text   string
}

// appendOPT appends the OPT record of a response.
func (r *request) appendOPT(dst []byte, x *extended) []byte {
	dst = append(dst, 0, 0, byte(dns.TypeOPT), maxUDP>>8, maxUDP&0xff, byte(x.rcode>>4), 0, 0, 0, 0, 0)
	if r.do {
		dst[len(dst)-4] = 0x80 // RFC 3225, section 3: given back
	}
	start := len(dst)
	if r.ecs.asked {
		dst = appendOption(dst, dns.EDNS0SUBNET, 4+len(r.ecs.raw))
		dst = append(dst, byte(r.ecs.family>>8), byte(r.ecs.family), r.ecs.source, x.scope)
		dst = append(dst, r.ecs.raw...)
	}
	if x.cookie != nil {
		dst = appendOption(dst, dns.EDNS0COOKIE, 8+len(x.cookie))
		dst = append(append(dst, r.cookie[:8]...), x.cookie...)
	}
	if r.nsid && x.nsid != "" {
		dst = append(appendOption(dst, dns.EDNS0NSID, len(x.nsid)), x.nsid...)
	}
	if x.text != "" {
		dst = appendOption(dst, dns.EDNS0EDE, 2+len(x.text))
		dst = append(append(dst, byte(x.code>>8), byte(x.code)), x.text...)
	}
	binary.BigEndian.PutUint16(dst[start-2:], uint16(len(dst)-start))
	return dst
}

func appendOption(dst []byte, code, length int) []byte {
	return append(dst, byte(code>>8), byte(code), byte(length>>8), byte(length))
}
