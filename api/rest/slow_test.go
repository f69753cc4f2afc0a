package rest

import (
	"flag"
	"fmt"
	"net"
	"net/http"
	"slices"
	"testing"
	"time"
)

var slowConns = flag.Int("slow-conns", 200, "connections that send slowly while others are served; 2000 is the promise")

// slowly opens n connections from ten addresses. Half send a request's head, half its
// body, a byte now and then and never to its end.
func slowly(t *testing.T, addr string, n int) {
	t.Helper()
	var conns []net.Conn
	for i := range n {
		d := net.Dialer{LocalAddr: &net.TCPAddr{IP: net.IPv4(127, 0, 1, byte(1+i%10))}}
		c, err := d.Dial("tcp", addr)
		if err != nil {
			t.Skipf("connection %d from an address of its own: %v", i, err)
		}
		t.Cleanup(func() { c.Close() })
		text := "GET /v1/resolve/ndt/one HTTP/1.1\r\nHost: x\r\nX-Slow: "
		if i%2 == 0 {
			text = "PUT " + one + " HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: 100000\r\n\r\n{"
		}
		fmt.Fprint(c, text)
		conns = append(conns, c)
	}
	stop, done := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(done)
		for tick := time.NewTicker(500 * time.Millisecond); ; {
			select {
			case <-stop:
				tick.Stop()
				return
			case <-tick.C:
				for _, c := range conns {
					_, _ = c.Write([]byte(" ")) // it may have been cut off
				}
			}
		}
	}()
	t.Cleanup(func() { close(stop); <-done })
}

// p99 is the latency that 99 of 100 lookups over one connection do not exceed.
func p99(t *testing.T, ask func(n int)) time.Duration {
	t.Helper()
	var took []time.Duration
	for range 400 {
		start := time.Now()
		ask(1)
		took = append(took, time.Since(start))
	}
	slices.Sort(took)
	return took[len(took)*99/100]
}

// Many who send slowly cost the others little: the best of five p99 is at most twice that
// of a server that is left alone, taking turns, and never is a lookup refused. Limits are
// those of a server as it is started.
func TestSlowConnectionsCostOthersLittle(t *testing.T) {
	h, err := New(Config{Regional: newCanned()})
	if err != nil {
		t.Fatal(err)
	}
	quiet := serve(t, Server("", h))
	addr, disturbed := serveAt(t, Server("", h))
	slowly(t, addr, *slowConns)
	quiet(50)
	disturbed(50)
	alone, among := time.Hour, time.Hour
	for range 5 {
		alone, among = min(alone, p99(t, quiet)), min(among, p99(t, disturbed))
	}
	t.Logf("%d slow connections: p99 %v, left alone %v", *slowConns, among, alone)
	// Below a millisecond it is the scheduler that is measured, not the server.
	if among > max(2*alone, time.Millisecond) {
		t.Errorf("p99 is %v among %d slow connections, %v without", among, *slowConns, alone)
	}
}

// One address that opens many slow connections holds no more than its share of them.
func TestOneSlowAddressHoldsItsShare(t *testing.T) {
	x := start(t, func(c *Config) { c.Limits.ConnsPerAddress = 20 })
	var conns []net.Conn
	d := net.Dialer{LocalAddr: &net.TCPAddr{IP: net.IPv4(127, 0, 2, 1)}}
	for range 60 {
		c, err := d.Dial("tcp", x.addr)
		if err != nil {
			t.Skipf("an address of its own: %v", err)
		}
		defer c.Close()
		fmt.Fprint(c, "GET / HTTP/1.1\r\nX-Slow: ")
		conns = append(conns, c)
	}
	cut := 0
	for _, c := range conns[20:] {
		_ = c.SetReadDeadline(time.Now().Add(4 * time.Second)) // sooner than headers time out
		if _, err := c.Read(make([]byte, 1)); err != nil {
			if timeout, ok := err.(net.Error); !ok || !timeout.Timeout() {
				cut++
			}
		}
	}
	if cut != 40 {
		t.Errorf("%d of 40 connections beyond the limit were cut", cut)
	}
	x.do("GET", "/livez", "").want(http.StatusOK)
}
