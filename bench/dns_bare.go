package main

import (
	"net"
	"os"

	"github.com/miekg/dns"
)

// serveBareDNS is the least that a server of the library can do: it reads the query, and
// answers with two constant addresses and the OPT record that it got.
func serveBareDNS(args []string) error {
	go endOnInterrupt(func() { os.Exit(0) })
	one, two := net.IPv4(192, 0, 2, 1).To4(), net.IPv4(192, 0, 2, 2).To4()
	answer := func(w dns.ResponseWriter, q *dns.Msg) {
		m := new(dns.Msg).SetReply(q)
		m.Authoritative, m.Compress = true, true
		h := dns.RR_Header{Name: q.Question[0].Name, Rrtype: dns.TypeA, Class: dns.ClassINET, Ttl: 30}
		m.Answer = []dns.RR{&dns.A{Hdr: h, A: one}, &dns.A{Hdr: h, A: two}}
		m.Extra = q.Extra
		_ = w.WriteMsg(m) // lost like any packet
	}
	return (&dns.Server{Addr: args[0], Net: "udp", Handler: dns.HandlerFunc(answer)}).ListenAndServe()
}

// serveBareUDP sends every packet back, with the bit set that makes it a response.
func serveBareUDP(args []string) error {
	go endOnInterrupt(func() { os.Exit(0) })
	at, err := net.ResolveUDPAddr("udp", args[0])
	if err != nil {
		return err
	}
	conn, err := net.ListenUDP("udp", at)
	if err != nil {
		return err
	}
	buf := make([]byte, 4096)
	for {
		n, from, err := conn.ReadFromUDPAddrPort(buf)
		if err != nil {
			return err
		}
		if n > 2 {
			buf[2] |= 0x80
		}
		_, _ = conn.WriteToUDPAddrPort(buf[:n], from) // lost like any packet
	}
}
