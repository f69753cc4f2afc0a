package dns

import (
	"sync/atomic"

	"github.com/miekg/dns"
)

// counters count what a server did.
type counters struct {
	responses [2]byRcode // by transport
	ignored   atomic.Uint64
	limited   atomic.Uint64
	slipped   atomic.Uint64
	shed      atomic.Uint64
	evicted   atomic.Uint64
	conns     atomic.Int64
}

// byRcode counts responses by those codes that the server gives.
type byRcode [len(rcodes)]atomic.Uint64

var rcodes = [...]int{
	dns.RcodeSuccess, dns.RcodeFormatError, dns.RcodeServerFailure, dns.RcodeNameError, dns.RcodeNotImplemented,
	dns.RcodeRefused, dns.RcodeBadVers, dns.RcodeBadCookie,
}

func (b *byRcode) of(rcode int) *atomic.Uint64 {
	if rcode <= dns.RcodeRefused {
		return &b[rcode] // the first six are in their order
	}
	if rcode == dns.RcodeBadVers {
		return &b[6]
	}
	return &b[7]
}

// Counts says what a server did since it began.
type Counts struct {
	Responses   []ResponseCount
	Ignored     uint64 // packets that were no queries
	Limited     uint64 // responses that were not sent, as their network had had its share
	Slipped     uint64 // responses that told to come over TCP, or with a cookie
	Shed        uint64 // queries for which there was no room
	Evicted     uint64 // connections that made room for others
	Connections int64  // now
}

// ResponseCount counts responses of one kind.
type ResponseCount struct {
	Transport string // udp, tcp
	Rcode     string // NOERROR, …
	Count     uint64
}

// Counts returns them.
func (s *Server) Counts() Counts {
	c := &s.count
	out := Counts{
		Ignored: c.ignored.Load(), Limited: c.limited.Load(), Slipped: c.slipped.Load(),
		Shed: c.shed.Load(), Evicted: c.evicted.Load(), Connections: c.conns.Load(),
	}
	for by := range c.responses {
		for i, rcode := range rcodes {
			name := dns.RcodeToString[rcode]
			if rcode == dns.RcodeBadVers {
				name = "BADVERS" // shares its number with BADSIG
			}
			out.Responses = append(out.Responses, ResponseCount{transport(by).String(), name, c.responses[by][i].Load()})
		}
	}
	return out
}
