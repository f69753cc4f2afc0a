package dns

import (
	"encoding/binary"

	"github.com/miekg/dns"
)

// headerBytes is the length of a message's header (RFC 1035, section 4.1.1).
const headerBytes = 12

// Bits of the second 16-bit word of a header.
const (
	bitQR  = 1 << 15
	bitAA  = 1 << 10
	bitTC  = 1 << 9
	bitRD  = 1 << 8
	bitCD  = 1 << 4
	opMask = 0xf << 11
)

// request is one question as it came. It points into the packet.
type request struct {
	id, bits uint16
	question []byte // name, type and class as they came, so that the case is given back
	name     []byte // the question's name in wire form and lower case; points into lower
	qtype    uint16
	qclass   uint16
	edns     bool
	version  uint8
	size     uint16 // of the largest answer that the client takes over UDP
	do       bool
	options

	lower [256]byte
}

// verdict says what becomes of a packet.
type verdict uint8

const (
	answered verdict = iota // the response is there
	dropped                 // nothing is sent
	later                   // the answer has to be found out
)

// parse reads a packet that holds one query and at most one OPT record: all that resolvers
// send. It returns false for what is anything else, well-formed or not; [normalize] judges
// that.
func (r *request) parse(packet []byte) bool {
	if len(packet) < headerBytes {
		return false
	}
	r.id = binary.BigEndian.Uint16(packet)
	r.bits = binary.BigEndian.Uint16(packet[2:])
	additional := binary.BigEndian.Uint16(packet[10:])
	if binary.BigEndian.Uint32(packet[4:]) != 1<<16 || packet[8]|packet[9] != 0 || additional > 1 {
		return false
	}
	end, ok := r.parseQuestion(packet)
	if !ok {
		return false
	}
	r.edns, r.version, r.size, r.do = false, 0, minUDP, false
	r.options = options{}
	if additional == 0 {
		return end == len(packet)
	}
	return r.parseOPT(packet[end:])
}

// parseQuestion reads the name, folds its case, and returns where the question ends. A
// pointer is no part of it: there is nothing before the question to point at.
func (r *request) parseQuestion(packet []byte) (end int, ok bool) {
	at := headerBytes
	for {
		if at >= len(packet) {
			return 0, false
		}
		n := int(packet[at])
		next := at + 1 + n
		if n > 63 || next > headerBytes+255 || next+4 > len(packet) {
			return 0, false
		}
		fold(r.lower[at-headerBytes:], packet[at:next])
		at = next
		if n == 0 {
			break
		}
	}
	r.name = r.lower[:at-headerBytes]
	r.question = packet[headerBytes : at+4]
	r.qtype = binary.BigEndian.Uint16(packet[at:])
	r.qclass = binary.BigEndian.Uint16(packet[at+2:])
	return at + 4, true
}

// fold copies one label with its length in lower case. A length is below any letter.
func fold(dst, label []byte) {
	for i, c := range label {
		if 'A' <= c && c <= 'Z' {
			c += 'a' - 'A'
		}
		dst[i] = c
	}
}

// optBytes is the length of an OPT record without options: the root's name, type, class,
// TTL and length.
const optBytes = 11

// parseOPT reads the record that ends the packet (RFC 6891, section 6.1.2).
func (r *request) parseOPT(b []byte) bool {
	if len(b) < optBytes || b[0] != 0 || binary.BigEndian.Uint16(b[1:]) != dns.TypeOPT {
		return false
	}
	if int(binary.BigEndian.Uint16(b[9:])) != len(b)-optBytes {
		return false
	}
	r.edns = true
	r.size = max(minUDP, binary.BigEndian.Uint16(b[3:]))
	r.version = b[6]
	r.do = b[7]&0x80 != 0
	return r.options.parse(b[optBytes:])
}

// normalize returns the query of a packet that is well-formed but not of the usual form as
// a packet of that form: with the question and the OPT record only. It returns nil if there
// is none.
func normalize(packet []byte) []byte {
	var m dns.Msg
	if m.Unpack(packet) != nil || len(m.Question) > 1 || len(m.Answer) > 0 || len(m.Ns) > 1 || len(m.Extra) > 2 {
		return nil
	}
	opts := 0
	for _, rr := range m.Extra {
		if _, ok := rr.(*dns.OPT); ok {
			opts++
		}
	}
	if opts > 1 {
		return nil
	}
	plain := dns.Msg{MsgHdr: m.MsgHdr, Question: m.Question}
	if o := m.IsEdns0(); o != nil {
		plain.Extra = []dns.RR{o}
	}
	plain.Rcode = 0
	out, err := plain.Pack()
	if err != nil {
		return nil
	}
	return out
}
