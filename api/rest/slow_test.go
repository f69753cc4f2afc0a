package rest

import (
	"flag"
	"fmt"
	"net"
	"net/http"
	"slices"
	"testing"
	"time"

	"gazetteer/api/rest/problem"
)

var slowConns = flag.Int("slow-conns", 200, "connections that send slowly while others are served; 2000 is the promise")

// slowly opens n connections from ten addresses and returns what ends them. Half send a
// request's head, half its body, a byte every half second and never to its end.
func slowly(t *testing.T, addr string, n int) (end func()) {
	t.Helper()
	var conns []net.Conn
	for i := range n {
		d := net.Dialer{LocalAddr: &net.TCPAddr{IP: net.IPv4(127, 0, 1, byte(1+i%10))}}
		c, err := d.Dial("tcp", addr)
		if err != nil {
			t.Skipf("connection %d from an address of its own: %v", i, err)
		}
		text := "GET /v1/resolve/ndt/one HTTP/1.1\r\nHost: x\r\nX-Slow: "
		if i%2 == 0 {
			text = "PUT " + one + " HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: 100000\r\n\r\n{"
		}
		fmt.Fprint(c, text)
		conns = append(conns, c)
	}
	stop, done := make(chan struct{}), make(chan struct{})
	go func() { defer close(done); dribble(conns, stop) }()
	return func() {
		close(stop)
		<-done
		for _, c := range conns {
			c.Close()
		}
	}
}

// dribble sends a byte on every tenth connection, then on the next ones: the load is even.
func dribble(conns []net.Conn, stop <-chan struct{}) {
	tick := time.NewTicker(50 * time.Millisecond)
	defer tick.Stop()
	for turn := 0; ; turn++ {
		select {
		case <-stop:
			return
		case <-tick.C:
			for i := turn % 10; i < len(conns); i += 10 {
				_, _ = conns[i].Write([]byte(" ")) // it may have been cut off
			}
		}
	}
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

// Many who send slowly cost the others little: the p99 of lookups is at most twice that of
// the same server when nobody disturbs it. Phases with and without them take turns, and
// the best phase of each counts, for what else the machine does lasts longer than one. A
// server that does suffer does so in every phase. Limits are those of a server as it is
// started.
func TestSlowConnectionsCostOthersLittle(t *testing.T) {
	h, err := New(Config{Regional: newCanned()})
	if err != nil {
		t.Fatal(err)
	}
	addr, ask := serveAt(t, Server("", h))
	ask(50)
	alone, among := time.Hour, time.Hour
	for phase := 0; phase < 3 || (phase < 20 && among > 2*alone); phase++ {
		alone = min(alone, p99(t, ask))
		end := slowly(t, addr, *slowConns)
		among = min(among, p99(t, ask))
		end()
	}
	t.Logf("%d slow connections: p99 %v, left alone %v", *slowConns, among, alone)
	if among > 2*alone {
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

// Who sends a body slowly holds no place: writes go on, however many there are of them.
func TestSlowBodiesHoldNoPlace(t *testing.T) {
	x := start(t, func(c *Config) { c.Limits.Writes, c.Limits.QueueFor = 2, 20*time.Millisecond })
	x.do("PUT", one, `{"locations":[]}`).want(http.StatusCreated)
	end := slowly(t, x.addr, 40)
	for range 10 {
		x.do("PUT", one, `{"locations":[]}`).want(http.StatusOK)
	}
	end()
	for limit := time.Now().Add(30 * time.Second); x.handler.arriving.Load() != 0; time.Sleep(time.Millisecond) {
		if time.Now().After(limit) {
			t.Fatalf("%d bytes are still counted", x.handler.arriving.Load())
		}
	}
}

// What is on its way is bounded, too.
func TestBodiesOnTheirWayAreBounded(t *testing.T) {
	x := start(t, nil)
	x.handler.arriving.Add(arrivingMax)
	x.do("PUT", one, `{"locations":[]}`).problem(problem.Overloaded)
	x.handler.arriving.Add(-arrivingMax)
	x.do("PUT", one, `{"locations":[]}`).want(http.StatusCreated)
}
