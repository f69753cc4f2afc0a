package dns

import (
	"bytes"

	"github.com/miekg/dns"
)

// packed is a reply in wire form, ready to be sent to everybody who asks the same from a
// place that is the same. All but variants' turn is fixed.
type packed struct {
	rcode   int
	depends dependence
	code    uint16
	text    string
	counts  [3]uint16 // records in answer, authority, additional
	// variants are what follows the question, which differ in who is first. Pointers in
	// them count from the start of a message with this question.
	variants [][]byte
	glueAt   int // where additional begins in each
}

// variantsMax bounds the memory of one reply.
const variantsMax = serversMax

// pack turns a reply into bytes.
func (r *reply) pack(owner string, qtype uint16, questionBytes int) (*packed, error) {
	p := &packed{
		rcode: r.rcode, depends: r.depends, code: r.code, text: r.text,
		counts: [3]uint16{uint16(len(r.answer)), uint16(len(r.authority)), uint16(len(r.additional))},
	}
	for i := range min(max(r.turning, 1), variantsMax) {
		tail, glueAt, err := r.tail(owner, qtype, headerBytes+questionBytes, i)
		if err != nil {
			return nil, err
		}
		p.variants, p.glueAt = append(p.variants, tail), glueAt
	}
	return p, nil
}

// tail packs what follows the question, with the first turning records turned so often.
func (r *reply) tail(owner string, qtype uint16, start, turn int) (tail []byte, glueAt int, err error) {
	m := dns.Msg{
		Question: []dns.Question{{Name: owner, Qtype: qtype, Qclass: dns.ClassINET}},
		Answer:   r.turned(turn), Ns: r.authority, Compress: true,
	}
	without, err := m.Pack()
	if err != nil {
		return nil, 0, err
	}
	glueAt = len(without) - start
	if len(r.additional) == 0 {
		return bytes.Clone(without[start:]), glueAt, nil
	}
	m.Extra = r.additional
	whole, err := m.Pack()
	if err != nil {
		return nil, 0, err
	}
	return bytes.Clone(whole[start:]), glueAt, nil
}

func (r *reply) turned(by int) []dns.RR {
	if by == 0 {
		return r.answer
	}
	out := append([]dns.RR{}, r.answer[by:r.turning]...)
	out = append(out, r.answer[:by]...)
	return append(out, r.answer[r.turning:]...)
}

// size is about how many bytes a reply takes.
func (p *packed) size() (n int) {
	for _, v := range p.variants {
		n += len(v)
	}
	return n + len(p.text)
}
