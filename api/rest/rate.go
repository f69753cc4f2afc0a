package rest

import (
	"net/netip"
	"sync"
	"time"

	"golang.org/x/time/rate"
)

// A rateLimit keeps one token bucket per client address, and per /64 of IPv6, since a
// client has a whole one. It holds a bounded number of them: buckets that are full again
// are forgotten first, and when all are in use a newcomer has to share one.
type rateLimit struct {
	limit  rate.Limit
	burst  int
	shards [rateShards]rateShard
}

const (
	rateShards   = 64
	perRateShard = 1024 // about 100 bytes each
	// sweepEvery bounds what a flood of new addresses costs: each would sweep otherwise.
	sweepEvery = time.Second
)

type rateShard struct {
	mu      sync.Mutex // guards following
	buckets map[netip.Prefix]*rate.Limiter
	shared  *rate.Limiter
	swept   time.Time
}

func newRateLimit(perSecond float64, burst int) *rateLimit {
	l := &rateLimit{limit: rate.Limit(perSecond), burst: burst}
	for i := range l.shards {
		l.shards[i].buckets = map[netip.Prefix]*rate.Limiter{}
		l.shards[i].shared = rate.NewLimiter(l.limit, burst)
	}
	return l
}

// allow takes a token of the address's bucket, if it has one.
func (l *rateLimit) allow(a netip.Addr, now time.Time) bool {
	bits := a.BitLen()
	if a.Is6() {
		bits = 64
	}
	network, _ := a.Prefix(bits) // the zero prefix of an unknown client is a bucket, too
	return l.shard(network).bucket(network, l, now).AllowN(now, 1)
}

func (l *rateLimit) shard(n netip.Prefix) *rateShard {
	b := n.Addr().As16()
	sum := uint32(2166136261)
	for _, c := range b {
		sum = (sum ^ uint32(c)) * 16777619
	}
	return &l.shards[sum%rateShards]
}

func (s *rateShard) bucket(n netip.Prefix, l *rateLimit, now time.Time) *rate.Limiter {
	s.mu.Lock()
	defer s.mu.Unlock()
	if b := s.buckets[n]; b != nil {
		return b
	}
	if len(s.buckets) >= perRateShard && now.Sub(s.swept) >= sweepEvery {
		s.forgetLocked(l.burst, now)
	}
	if len(s.buckets) >= perRateShard {
		return s.shared
	}
	b := rate.NewLimiter(l.limit, l.burst)
	s.buckets[n] = b
	return b
}

// forgetLocked drops the buckets that are full: a new one is just like them.
func (s *rateShard) forgetLocked(burst int, now time.Time) {
	s.swept = now
	for n, b := range s.buckets {
		if b.TokensAt(now) >= float64(burst) {
			delete(s.buckets, n)
		}
	}
}
