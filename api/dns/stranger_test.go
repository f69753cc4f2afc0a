package dns

import (
	"encoding/binary"
	"encoding/hex"
	"io"
	"math/rand/v2"
	"net"
	"net/netip"
	"runtime"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/miekg/dns"
)

func mustHex(t *testing.T, s string) []byte {
	t.Helper()
	b, err := hex.DecodeString(s)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// The vectors of RFC 9018, appendix A: cookies of other servers are ours.
func TestCookieVectors(t *testing.T) {
	for _, v := range []struct{ secret, cookie, addr string }{
		{"e5e973e5a6b2a43f48e7dc849e37bfcf", "2464c4abcf10c957" + "010000005cf79f111f8130c3eee29480", "198.51.100.100"},
		{"dd3bdf9344b678b185a6f5cb60fca715", "22681ab97d52c298" + "010000005cf7c57926556bd0934c72f8", "2001:db8:220:1:59de:d0f4:8769:82b8"},
	} {
		secret, cookie := [16]byte(mustHex(t, v.secret)), mustHex(t, v.cookie)
		from, then := netip.MustParseAddr(v.addr), binary.BigEndian.Uint32(cookie[12:])
		var got [cookieBytes]byte
		bake(&got, &secret, cookie, from, then)
		if string(got[:]) != string(cookie[8:]) {
			t.Errorf("%s: %x", v.cookie, got)
		}
		for age, want := range map[int]bool{0: true, 3600: true, 3601: false, -300: true, -301: false} {
			if valid, _ := believe(&secret, cookie, from, then+uint32(age)); valid != want {
				t.Errorf("%s, %d s old: believed %v", v.cookie, age, valid)
			}
		}
		if valid, _ := believe(&secret, cookie, from.Next(), then); valid {
			t.Errorf("%s is believed from another address", v.cookie)
		}
		cookie[20] ^= 1
		if valid, _ := believe(&secret, cookie, from, then); valid {
			t.Errorf("a forged %x is believed", cookie)
		}
	}
}

func cookied(m *dns.Msg, cookie string) *dns.Msg {
	return withOption(m, &dns.EDNS0_COOKIE{Code: dns.EDNS0COOKIE, Cookie: cookie})
}

const clientCookie = "0011223344556677"

// TestLimitOverUDP: a network gets its share, then every second response is truncated, and
// the others are not sent; who has a cookie gets all, and who could have one is shown it.
func TestLimitOverUDP(t *testing.T) {
	moment := time.Now()
	b := serve(t, func(c *Config) { c.Rate = 5; c.Now = func() time.Time { return moment } })
	var w work
	b.now(&w)
	from := netip.MustParseAddr("198.18.0.1")
	ask := func(m *dns.Msg, from netip.Addr) *dns.Msg {
		packet, err := m.Pack()
		if err != nil {
			t.Fatal(err)
		}
		out, v := b.respond(t.Context(), nil, &w, query{packet: packet, from: from, wait: true})
		if v != answered {
			return nil
		}
		got := new(dns.Msg)
		if err := got.Unpack(out); err != nil {
			t.Fatal(err)
		}
		return got
	}
	one := func() *dns.Msg { return question("one.web.gz.test", dns.TypeA) }
	var full, truncated, silent int
	for i := range 25 {
		neighbour := netip.AddrFrom4([4]byte{198, 18, 0, byte(i)}) // of the same /24
		switch got := ask(one(), neighbour); {
		case got == nil:
			silent++
		case got.Truncated && len(got.Answer) == 0:
			truncated++
		case len(got.Answer) == 1:
			full++
		}
	}
	if full != 5 || truncated != 10 || silent != 10 {
		t.Errorf("%d in full, %d truncated, %d silent; want 5, 10, 10", full, truncated, silent)
	}
	if got := ask(one(), netip.MustParseAddr("198.18.1.1")); got == nil || len(got.Answer) != 1 {
		t.Error("another network suffers")
	}
	if got := ask(question("two.web.gz.test", dns.TypeA), from); got == nil || len(got.Answer) != 2 {
		t.Error("another name suffers")
	}

	var cookie string
	for range 4 {
		if got := ask(cookied(one(), clientCookie), from); got != nil {
			c, ok := option[*dns.EDNS0_COOKIE](got)
			if got.Rcode != dns.RcodeBadCookie || !ok || len(got.Answer) > 0 {
				t.Errorf("who knows cookies got\n%s", got)
			}
			cookie = c.Cookie
		}
	}
	for range 20 {
		if got := ask(cookied(one(), cookie), from); got == nil || len(got.Answer) != 1 {
			t.Fatal("a valid cookie is not exempt")
		}
	}
	if got := ask(cookied(one(), cookie), from.Next()); got != nil && len(got.Answer) > 0 {
		t.Error("a cookie counts for another address")
	}

	for i := range 30 { // denials of made-up names count as one
		got := ask(question(string(rune('a'+i%26))+"x.web.gz.test", dns.TypeA), netip.MustParseAddr("198.18.9.9"))
		if i >= 5 && got != nil && !got.Truncated {
			t.Fatalf("denial %d was sent", i)
		}
	}
	moment = moment.Add(time.Second)
	b.now(&w)
	if got := ask(one(), from); got == nil || len(got.Answer) != 1 {
		t.Error("after a second there is no new share")
	}
	if c := b.Counts(); c.Limited == 0 || c.Slipped == 0 {
		t.Errorf("%+v", c)
	}
}

func TestEDNS(t *testing.T) {
	b := serve(t, nil)
	m := question("one.web.gz.test", dns.TypeA)
	m.SetEdns0(1232, true)
	m.IsEdns0().SetVersion(1)
	if got := b.ask(t, m, "udp"); got.Rcode != dns.RcodeBadVers || got.IsEdns0() == nil || got.IsEdns0().Version() != 0 {
		t.Errorf("version 1: %s", got)
	}
	m = withOption(question("one.web.gz.test", dns.TypeA), &dns.EDNS0_NSID{Code: dns.EDNS0NSID})
	if n, ok := option[*dns.EDNS0_NSID](b.ask(t, m, "udp")); !ok || n.Nsid != hex.EncodeToString([]byte("fra-1")) {
		t.Errorf("NSID %v", n)
	}
	got := b.ask(t, question("one.web.gz.test", dns.TypeA), "udp")
	if got.IsEdns0() != nil {
		t.Errorf("EDNS for one who did not ask: %s", got)
	}
	got = b.ask(t, cookied(question("one.web.gz.test", dns.TypeA), clientCookie), "udp")
	first, ok := option[*dns.EDNS0_COOKIE](got)
	if !ok || len(first.Cookie) != 2*(8+cookieBytes) || first.Cookie[:16] != clientCookie {
		t.Fatalf("cookie %v", first)
	}
	got = b.ask(t, cookied(question("one.web.gz.test", dns.TypeA), first.Cookie), "udp")
	if again, _ := option[*dns.EDNS0_COOKIE](got); again.Cookie != first.Cookie {
		t.Errorf("a fresh cookie came back as %s", again.Cookie)
	}
	if got := b.ask(t, cookied(question("one.web.gz.test", dns.TypeA), "0011"), "udp"); got.Rcode != dns.RcodeFormatError {
		t.Errorf("half a cookie: %s", got)
	}
	alone := cookied(&dns.Msg{MsgHdr: dns.MsgHdr{Id: 9}}, clientCookie)
	if c, ok := option[*dns.EDNS0_COOKIE](b.ask(t, alone, "udp")); !ok || len(c.Cookie) != 48 {
		t.Errorf("a question for a cookie alone: %v", c)
	}
}

// TestTruncation: what does not fit is asked for over TCP.
func TestTruncation(t *testing.T) {
	b := serve(t, nil)
	for i := range locationsMax {
		b.regional.put("web", "wide", append(b.regional.records[keyOf("wide")].Locations,
			at(locationName(i), fra, "http://192.0.2."+string(rune('1'+i))+"/"+string(make200())))...)
	}
	m := question("wide.web.gz.test", dns.TypeURI)
	m.SetEdns0(4096, false)
	got := b.ask(t, m, "udp")
	if !got.Truncated || len(got.Answer) > 0 || got.Len() > 512 {
		t.Errorf("%d bytes over UDP: %s", got.Len(), got)
	}
	if got := b.ask(t, m, "tcp"); got.Truncated || len(got.Answer) != locationsMax {
		t.Errorf("over TCP: %s", got)
	}
	// Additional records are left out before anything is truncated.
	small := question("two.web.gz.test", dns.TypeSRV)
	if got := b.ask(t, small, "udp"); got.Truncated || len(got.Answer) != 2 || len(got.Extra) != 2 {
		t.Errorf("SRV: %s", got)
	}
}

// TestPipelining: queries that come together are answered together, in order.
func TestPipelining(t *testing.T) {
	b := serve(t, nil)
	conn, err := net.Dial("tcp", b.addr)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	_ = conn.SetDeadline(time.Now().Add(10 * time.Second))
	const queries = 300
	go func() {
		var out []byte
		for i := range queries {
			m := question("one.web.gz.test", dns.TypeA)
			m.Id = uint16(i)
			packet, _ := m.Pack()
			out = append(binary.BigEndian.AppendUint16(out, uint16(len(packet))), packet...)
		}
		_, _ = conn.Write(out)
	}()
	c := dns.Conn{Conn: conn}
	for i := range queries {
		got, err := c.ReadMsg()
		if err != nil || got.Id != uint16(i) || len(got.Answer) != 1 {
			t.Fatalf("answer %d: %v %v", i, got, err)
		}
	}
}

// TestCrowdOfConnections: when there is no room the connection that was silent longest goes.
func TestCrowdOfConnections(t *testing.T) {
	b := serve(t, func(c *Config) { c.Connections = 20 })
	var crowd []net.Conn
	for range 100 {
		conn, err := net.Dial("tcp", b.addr)
		if err != nil {
			t.Fatal(err)
		}
		defer conn.Close()
		crowd = append(crowd, conn)
		if got := b.ask(t, question("one.web.gz.test", dns.TypeA), "tcp"); len(got.Answer) != 1 {
			t.Fatal("no answer in the crowd")
		}
	}
	if c := b.Counts(); c.Connections > 21 || c.Evicted < 70 {
		t.Errorf("%d connections, %d evicted", c.Connections, c.Evicted)
	}
	_ = crowd[0].SetReadDeadline(time.Now().Add(10 * time.Second))
	if _, err := crowd[0].Read(make([]byte, 1)); err != io.EOF {
		t.Errorf("the first of the crowd: %v", err)
	}
}

// TestFlood: while strangers send whatever they like, good clients are served, over UDP with
// a cookie and over TCP, and memory is bounded.
func TestFlood(t *testing.T) {
	b := serve(t, func(c *Config) { c.Rate = 5 })
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	cookie, ok := option[*dns.EDNS0_COOKIE](b.ask(t, cookied(question("one.web.gz.test", dns.TypeA), clientCookie), "udp"))
	if !ok {
		t.Fatal("no cookie")
	}
	var sent atomic.Uint64
	over := make(chan struct{})
	var flood sync.WaitGroup
	for i := range 2 {
		flood.Go(func() { b.flood(uint64(i), over, &sent) })
	}
	for i := 0; i < 40 || sent.Load() < 1000; i++ {
		network, m := "udp", cookied(question("one.web.gz.test", dns.TypeA), cookie.Cookie)
		if i%10 == 0 {
			network = "tcp"
		}
		served := false
		for range 100 { // a packet may be lost where the socket's buffer is full
			c := dns.Client{Net: network, Timeout: 100 * time.Millisecond}
			if got, _, err := c.Exchange(m, b.addr); err == nil && len(got.Answer) == 1 {
				served = true
				break
			}
		}
		if !served {
			t.Fatalf("good client %d is not served", i)
		}
	}
	close(over)
	flood.Wait()
	runtime.ReadMemStats(&after)
	if grown := int64(after.Sys) - int64(before.Sys); grown > 256<<20 {
		t.Errorf("the flood took %d MiB", grown>>20)
	}
}

// flood sends made-up names and broken packets until it is over.
func (b *bed) flood(seed uint64, over chan struct{}, sent *atomic.Uint64) {
	conn, err := net.Dial("udp", b.addr)
	if err != nil {
		return
	}
	defer conn.Close()
	r := rand.New(rand.NewPCG(seed, 1))
	for {
		select {
		case <-over:
			return
		default:
		}
		packet, _ := question(string(rune('a'+r.IntN(26)))+hex.EncodeToString([]byte{byte(r.Uint32()), byte(r.Uint32())})+".web.gz.test", dns.TypeA).Pack()
		if r.IntN(3) == 0 {
			packet[r.IntN(len(packet))] ^= byte(r.Uint32())
		}
		_, _ = conn.Write(packet)
		if sent.Add(1)%64 == 0 {
			time.Sleep(time.Millisecond) // the machine is not the test's alone
		}
	}
}
