package rest

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/netip"
	"strings"
	"sync"
	"testing"
	"time"

	"gazetteer/api/rest/problem"
	"gazetteer/region"
)

func TestServerHasLimits(t *testing.T) {
	x := start(t, nil)
	s := Server("127.0.0.1:0", x.handler)
	if s.ReadHeaderTimeout != 5*time.Second || s.ReadTimeout <= 0 || s.WriteTimeout <= 0 || s.IdleTimeout != time.Minute || s.MaxHeaderBytes != 64<<10 || s.HTTP2.MaxConcurrentStreams != 100 {
		t.Errorf("%+v", s)
	}
	if r := x.wire("GET", "/livez", "X-Flood: "+strings.Repeat("x", 72<<10)+"\r\n", "", false); r.status != 431 {
		t.Errorf("%d", r.status)
	}
	if r := x.wire("GET", "/livez?"+strings.Repeat("x", 72<<10), "", "", false); r.status != 431 {
		t.Errorf("%d", r.status)
	}
}

// TestSlowHeadersAreCutOff dribbles a request that never ends its head.
func TestSlowHeadersAreCutOff(t *testing.T) {
	x := start(t, nil)
	s := Server("", x.handler)
	s.ReadHeaderTimeout, s.ReadTimeout = 100*time.Millisecond, 200*time.Millisecond
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	go func() { _ = s.Serve(l) }()
	defer s.Close()
	for _, head := range []string{"GET /livez HTTP/1.1\r\nHost: x\r\nX-Slow: ", "PUT " + one + " HTTP/1.1\r\nHost: x\r\nContent-Length: 1000\r\n\r\n{"} {
		c, err := net.Dial("tcp", l.Addr().String())
		if err != nil {
			t.Fatal(err)
		}
		defer c.Close()
		fmt.Fprint(c, head)
		begin := time.Now()
		_ = c.SetReadDeadline(time.Now().Add(5 * time.Second))
		_, _ = io.Copy(io.Discard, c)
		if time.Since(begin) > 4*time.Second {
			t.Errorf("%q holds its connection", head)
		}
	}
}

func TestConnectionsOfOneAddress(t *testing.T) {
	for _, trusted := range []bool{false, true} {
		x := start(t, func(c *Config) {
			c.Limits.ConnsPerAddress = 3
			if trusted {
				c.TrustedProxies = []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")}
			}
		})
		alive := func(c net.Conn) bool {
			fmt.Fprint(c, "GET /livez HTTP/1.1\r\nHost: x\r\n\r\n")
			_ = c.SetReadDeadline(time.Now().Add(5 * time.Second))
			r, err := http.ReadResponse(bufio.NewReader(c), nil)
			return err == nil && r.StatusCode == 200
		}
		var conns []net.Conn
		for i := range 4 {
			c, err := net.Dial("tcp", x.addr)
			if err != nil {
				t.Fatal(err)
			}
			defer c.Close()
			conns = append(conns, c)
			if got, want := alive(c), i < 3 || trusted; got != want {
				t.Errorf("trusted %v, connection %d: %v", trusted, i, got)
			}
		}
		conns[0].Close()
		waitFor(t, "a closed connection is still counted", func() bool {
			c, err := net.Dial("tcp", x.addr)
			if err != nil {
				t.Fatal(err)
			}
			defer c.Close()
			return alive(c)
		})
	}
}

// blocking has reads that wait.
type blocking struct {
	region.Regional
	inside  chan struct{}
	release chan struct{}
}

func (b *blocking) Fetch(ctx context.Context, w region.Want) (region.Found, error) {
	b.inside <- struct{}{}
	<-b.release
	return b.Regional.Fetch(ctx, w)
}

func TestABusyServerSaysSo(t *testing.T) {
	b := &blocking{inside: make(chan struct{}, 10), release: make(chan struct{})}
	x := start(t, func(c *Config) {
		b.Regional = c.Regional
		c.Regional = b
		c.Limits.Reads, c.Limits.QueueFor = 2, 20*time.Millisecond
	})
	x.do("PUT", one, threeLocations).want(201)
	var slow sync.WaitGroup
	for range 2 {
		slow.Go(func() { x.do("GET", one, "").want(200) })
	}
	<-b.inside
	<-b.inside
	r := x.do("GET", "/v1/resolve/ndt/one", "")
	r.problem(problem.Overloaded)
	if r.header.Get("Retry-After") != "1" {
		t.Errorf("%v", r.header)
	}
	// Other classes are not starved, health never is.
	x.do("PUT", one, threeLocations).want(200)
	x.do("GET", "/livez", "").want(200)
	x.do("GET", "/metrics", "").want(200)
	// Who waits a little gets a place when one is free.
	x.handler.limits.QueueFor = time.Minute
	close(b.release)
	slow.Wait()
	x.do("GET", "/v1/resolve/ndt/one", "").want(200)
}

func TestTurns(t *testing.T) {
	s := newTurns(1, time.Minute)
	if err := s.take(t.Context()); err != nil {
		t.Fatal(err)
	}
	got := make(chan error)
	go func() { got <- s.take(t.Context()) }()
	select {
	case <-got:
		t.Fatal("two at once")
	case <-time.After(20 * time.Millisecond):
	}
	s.give()
	if err := <-got; err != nil {
		t.Error(err)
	}
	gone, cancel := context.WithCancel(t.Context())
	cancel()
	if err := s.take(gone); err == nil {
		t.Error("who has gone got a turn")
	}
}

func TestRateLimit(t *testing.T) {
	x := start(t, func(c *Config) { c.Limits.PerAddress, c.Limits.Burst = 0.001, 3 })
	for range 3 {
		x.do("GET", "/v1/types", "").want(200)
	}
	r := x.do("GET", "/v1/types", "")
	r.problem(problem.RateLimited)
	if r.header.Get("Retry-After") == "" {
		t.Errorf("%v", r.header)
	}
	x.do("PUT", one, threeLocations).problem(problem.RateLimited)
	x.do("GET", "/livez", "").want(200)
}

func TestRateLimitByAddress(t *testing.T) {
	l := newRateLimit(1, 2)
	now := time.Unix(1e9, 0)
	for _, c := range []struct {
		addr  string
		after time.Duration
		want  bool
	}{
		{"192.0.2.1", 0, true}, {"192.0.2.1", 0, true}, {"192.0.2.1", 0, false}, {"192.0.2.2", 0, true},
		{"2001:db8::1", 0, true}, {"2001:db8::2", 0, true}, {"2001:db8::3", 0, false}, {"2001:db8:0:1::1", 0, true},
		{"192.0.2.1", time.Second, true}, {"192.0.2.1", 0, false}, {"192.0.2.1", 10 * time.Second, true}, {"192.0.2.1", 0, true}, {"192.0.2.1", 0, false},
	} {
		now = now.Add(c.after)
		if got := l.allow(netip.MustParseAddr(c.addr), now); got != c.want {
			t.Errorf("%s: %v", c.addr, got)
		}
	}
	if !l.allow(netip.Addr{}, now) {
		t.Error("a client whose address is hidden has no bucket")
	}
}

func TestRateLimitIsBounded(t *testing.T) {
	l := newRateLimit(1, 1)
	now := time.Unix(1e9, 0)
	addr := func(i int) netip.Addr {
		return netip.AddrFrom4([4]byte{byte(i >> 24), byte(i >> 16), byte(i >> 8), byte(i)})
	}
	for i := range 3 * rateShards * perRateShard {
		l.allow(addr(i), now)
	}
	held := func() (n int) {
		for i := range l.shards {
			n += len(l.shards[i].buckets)
		}
		return n
	}
	if n := held(); n > rateShards*perRateShard {
		t.Errorf("%d buckets", n)
	}
	// A minute later all are full again, and make room.
	if !l.allow(netip.MustParseAddr("203.0.113.7"), now.Add(time.Minute)) || held() > rateShards*perRateShard {
		t.Errorf("%d buckets", held())
	}
}

func TestCrossOrigin(t *testing.T) {
	x := start(t, func(c *Config) { c.Origins = []string{"https://ops.example"} })
	for _, headers := range [][]string{
		{"Sec-Fetch-Site: cross-site"}, {"Sec-Fetch-Site: same-site"}, {"Origin: https://evil.example"}, {"Origin: null"}, {"Origin: https://evil.example", "Content-Type: text/plain"},
	} {
		for _, c := range []struct{ method, path, body string }{
			{"PUT", one, "{}"}, {"POST", importPath, "{}"}, {"DELETE", one, ""}, {"PATCH", one, "{}"}, {"POST", "/v1/resolve", "{}"}, {"PUT", "/v1/types/wehe", "{}"}, {"DELETE", "/v1/types/ndt", ""},
		} {
			x.do(c.method, c.path, c.body, headers...).problem(problem.CrossOrigin)
		}
		x.do("GET", "/v1/types", "", headers...).want(200)
	}
	x.do("PUT", one, "{}", "Origin: https://ops.example", "Sec-Fetch-Site: cross-site").want(201)
	x.do("PUT", one, "{}", "Sec-Fetch-Site: same-origin").want(200)
	x.do("PUT", one, "{}", "Sec-Fetch-Site: none").want(200)
	if r := x.do("OPTIONS", one, "", "Origin: https://evil.example", "Access-Control-Request-Method: PUT"); r.header.Get("Access-Control-Allow-Origin") != "" {
		t.Errorf("%v", r.header)
	}
}

func TestHosts(t *testing.T) {
	x := start(t, func(c *Config) { c.Hosts = []string{"Gazetteer.example", "::1"} })
	for host, ok := range map[string]bool{"gazetteer.example": true, "GAZETTEER.example:8080": true, "[::1]:80": true, "[::1]": true, "evil.example": false, "127.0.0.1": false, "gazetteer.example.evil.example": false, "": false} {
		r, _ := http.NewRequest("GET", "http://"+x.addr+"/livez", nil)
		if r.Host = host; host == "" {
			r.Host = "x"
		}
		got := x.send(r)
		if ok {
			got.want(200)
		} else {
			got.problem(problem.HostRefused)
		}
	}
}

// TestNothingIsSniffed has every answer say what it is, also errors.
func TestNothingIsSniffed(t *testing.T) {
	x := filled(t, nil)
	x.do("PUT", "/v1/types/ndt/resources/xss", `{"attributes":{"a":"<script>alert(1)</script>"},"locations":[{"id":"<img src=x>","url":"https://x.example/<svg>"}]}`).want(201)
	for _, path := range []string{"/v1/resolve/ndt/xss", "/v1/types/ndt/resources/xss", "/v1/types/ndt/resources", exportPath, "/v1/types", "/v1/types/ndt", "/v1/status", "/v1/conflicts", "/livez", "/readyz", "/metrics", "/openapi.json",
		"/v1/types/ndt/resources/%3Cscript%3E", "/%3Cscript%3Ealert(1)%3C/script%3E", "/v1/types?%3Cscript%3E"} {
		r := x.do("GET", path, "")
		if kind := r.header.Get("Content-Type"); r.header.Get("X-Content-Type-Options") != "nosniff" || kind == "" || strings.Contains(kind, "html") {
			t.Errorf("%s: %v", path, r.header)
		}
	}
}

func TestShutdownWaitsForWhatIsUnderWay(t *testing.T) {
	b := &blocking{inside: make(chan struct{}, 1), release: make(chan struct{})}
	x := start(t, func(c *Config) { b.Regional = c.Regional; c.Regional = b })
	x.do("PUT", one, threeLocations).want(201)
	s := Server("", x.handler)
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	go func() { _ = s.Serve(l) }()
	x.addr = l.Addr().String()
	var slow sync.WaitGroup
	slow.Go(func() { x.do("GET", one, "").want(200) })
	<-b.inside
	x.handler.Drain()
	down := make(chan error)
	go func() { down <- s.Shutdown(t.Context()) }()
	close(b.release)
	slow.Wait()
	if err := <-down; err != nil {
		t.Error(err)
	}
}
