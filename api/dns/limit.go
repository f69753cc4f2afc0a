package dns

import (
	"hash/maphash"
	"net/netip"
	"sync"
)

// limiter bounds how many responses over UDP one network gets for one name: the sender's
// address may be forged, and the responses meant for somebody who has asked nothing. Its
// buckets are fixed in number: two that fall into one share it, so a flood from everywhere
// can only make it stricter, never larger.
type limiter struct {
	rate, slip int
	seed       maphash.Seed
	shards     [64]shard
}

type shard struct {
	mu      sync.Mutex // guards buckets
	buckets [1024]bucket
}

// bucket holds what one network may still get for one name.
type bucket struct {
	last   int64 // nanoseconds: when left was last right
	left   float32
	denied uint32
}

// ruling is what the limiter says about one response.
type ruling uint8

const (
	pass  ruling = iota
	limit        // send nothing
	slip         // send something small that lets an honest client try otherwise
)

func newLimiter(rate, slip int) *limiter {
	if rate < 0 {
		return nil
	}
	return &limiter{rate: rate, slip: slip, seed: maphash.MakeSeed()}
}

// ask counts one response to a client about a subject, at a time in nanoseconds.
func (l *limiter) ask(from netip.Addr, subject []byte, now int64) ruling {
	if l == nil {
		return pass
	}
	h := l.hash(from, subject)
	s := &l.shards[h%64]
	s.mu.Lock()
	defer s.mu.Unlock()
	b := &s.buckets[h/64%1024]
	if b.refill(now, float32(l.rate)); b.left >= 1 {
		b.left--
		return pass
	}
	b.denied++
	if b.denied%uint32(l.slip) == 0 {
		return slip
	}
	return limit
}

// refill adds what the time since the last response has given, up to that of one second.
func (b *bucket) refill(now int64, rate float32) {
	if b.last == 0 {
		b.left = rate
	} else {
		b.left = min(rate, b.left+rate*float32(now-b.last)/1e9)
	}
	b.last = now
}

// hash is that of the client's network, an IPv4 /24 or an IPv6 /56, and the subject.
func (l *limiter) hash(from netip.Addr, subject []byte) uint64 {
	var b [16 + 256]byte
	a := drawNetwork(from).Addr().As16()
	n := copy(b[:], a[:])
	n += copy(b[n:], subject)
	return maphash.Bytes(l.seed, b[:n])
}

// drawNetwork is the network that counts as one client where equals are told apart: an
// IPv4 /24 or an IPv6 /56, as in the ranking of locations.
func drawNetwork(a netip.Addr) netip.Prefix {
	bits := 56
	if a.Is4() {
		bits = 24
	}
	p, _ := a.Prefix(bits) // fails only for addresses that are none
	return p
}
