package router

import (
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

// sky is a planet in virtual time: three regions, of which each may be dead (nobody
// listens), cut off (nothing comes back) or leaving (a lame duck).
type sky struct {
	mu    sync.Mutex // guards following
	state map[string]string
	told  string
	asked map[string]int
}

func (s *sky) source(context.Context) ([]Region, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return planetOf(s.told), nil
}

// RoundTrip implements http.RoundTripper. A way takes 50 ms.
func (s *sky) RoundTrip(q *http.Request) (*http.Response, error) {
	host := q.URL.Host
	s.mu.Lock()
	state := s.state[host]
	if q.URL.Path != "/readyz" {
		s.asked[host]++
	}
	s.mu.Unlock()
	select {
	case <-time.After(50 * time.Millisecond):
	case <-q.Context().Done():
		return nil, q.Context().Err()
	}
	switch {
	case state == "dead":
		return nil, &net.OpError{Op: "dial", Err: errors.New("connection refused")}
	case state == "cut":
		<-q.Context().Done()
		return nil, q.Context().Err()
	}
	status := http.StatusOK
	if state == "leaving" && q.URL.Path == "/readyz" {
		status = http.StatusServiceUnavailable
	}
	return &http.Response{StatusCode: status, Header: http.Header{}, Body: io.NopCloser(strings.NewReader(host)), Request: q, ProtoMajor: 1, ProtoMinor: 1}, nil
}

func (s *sky) set(host, state, told string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.state[host] = state
	s.told = told
}

// TestRegionsLeaveWithinThreeSeconds: whatever ends a region, after 3 s it has no new
// requests, no read has failed by then, and it has them again soon after it is back.
func TestRegionsLeaveWithinThreeSeconds(t *testing.T) {
	const all = "a:live:http://a b:live:http://b c:live:http://c"
	for name, c := range map[string]struct{ state, told string }{
		"dead":     {"dead", all},
		"cut":      {"cut", all},
		"leaving":  {"leaving", all},
		"draining": {"", strings.Replace(all, "a:live", "a:draining", 1)},
		"removed":  {"", strings.TrimPrefix(all, "a:live:http://a ")},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) { leave(t, all, c.state, c.told) })
		})
	}
}

func leave(t *testing.T, all, state, told string) {
	s := &sky{state: map[string]string{}, told: all, asked: map[string]int{}}
	r, err := New(Config{Source: s.source, Order: byName, Client: func(*http.Request) netip.Addr { return netip.Addr{} }})
	if err != nil {
		t.Fatal(err)
	}
	r.transport = s
	ctx, cancel := context.WithCancel(t.Context())
	ran := make(chan struct{})
	go func() {
		r.Run(ctx)
		close(ran)
	}()
	defer func() {
		cancel()
		<-ran
	}()
	reads := func(d time.Duration) map[string]int {
		s.mu.Lock()
		s.asked = map[string]int{}
		s.mu.Unlock()
		var open sync.WaitGroup
		for range d / (20 * time.Millisecond) {
			open.Go(func() {
				w := httptest.NewRecorder()
				r.ServeHTTP(w, httptest.NewRequest("GET", "/v1/x", nil))
				if w.Code != http.StatusOK {
					t.Errorf("a read failed: %d %s", w.Code, w.Body)
				}
			})
			time.Sleep(20 * time.Millisecond)
		}
		open.Wait()
		s.mu.Lock()
		defer s.mu.Unlock()
		return s.asked
	}
	time.Sleep(1500 * time.Millisecond)
	if got := reads(time.Second); got["a"] == 0 || got["b"] != 0 {
		t.Fatalf("all is well: %v", got)
	}
	s.set("a", state, told)
	reads(3 * time.Second)
	if got := reads(5 * time.Second); got["a"] != 0 || got["b"] == 0 {
		t.Errorf("after 3 s: %v", got)
	}
	s.set("a", "", all)
	time.Sleep(3 * time.Second)
	if got := reads(time.Second); got["a"] == 0 || got["b"] != 0 {
		t.Errorf("back: %v", got)
	}
}
