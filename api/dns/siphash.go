package dns

import (
	"encoding/binary"
	"math/bits"
)

// sipHash is SipHash-2-4 (Aumasson and Bernstein 2012), which RFC 9018 asks of cookies, so
// that servers of different make can share an address.
func sipHash(key *[16]byte, message []byte) uint64 {
	k0, k1 := binary.LittleEndian.Uint64(key[:]), binary.LittleEndian.Uint64(key[8:])
	s := sip{k0 ^ 0x736f6d6570736575, k1 ^ 0x646f72616e646f6d, k0 ^ 0x6c7967656e657261, k1 ^ 0x7465646279746573}
	last := uint64(len(message)) << 56
	for ; len(message) >= 8; message = message[8:] {
		s.word(binary.LittleEndian.Uint64(message))
	}
	for i, b := range message {
		last |= uint64(b) << (8 * i)
	}
	s.word(last)
	s.v2 ^= 0xff
	s.rounds(4)
	return s.v0 ^ s.v1 ^ s.v2 ^ s.v3
}

// sip is the state of a hash.
type sip struct{ v0, v1, v2, v3 uint64 }

func (s *sip) word(m uint64) {
	s.v3 ^= m
	s.rounds(2)
	s.v0 ^= m
}

func (s *sip) rounds(n int) {
	for range n {
		s.v0 += s.v1
		s.v2 += s.v3
		s.v1 = bits.RotateLeft64(s.v1, 13) ^ s.v0
		s.v3 = bits.RotateLeft64(s.v3, 16) ^ s.v2
		s.v0 = bits.RotateLeft64(s.v0, 32)
		s.v2 += s.v1
		s.v0 += s.v3
		s.v1 = bits.RotateLeft64(s.v1, 17) ^ s.v2
		s.v3 = bits.RotateLeft64(s.v3, 21) ^ s.v0
		s.v2 = bits.RotateLeft64(s.v2, 32)
	}
}
