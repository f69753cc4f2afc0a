package router

import (
	"context"
	"io"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"sync/atomic"
	"testing"
	"time"

	"gazetteer"
)

// site is a regional server that does as it is told.
type site struct {
	*httptest.Server
	name   string
	asked  atomic.Int64 // requests, but for checks
	status atomic.Int64 // what it answers; 0: 200
	serve  atomic.Pointer[http.HandlerFunc]
}

func newSite(t *testing.T, name string) *site {
	s := &site{name: name}
	s.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, q *http.Request) {
		if q.URL.Path == "/readyz" {
			return
		}
		s.asked.Add(1)
		if h := s.serve.Load(); h != nil {
			(*h)(w, q)
			return
		}
		w.Header().Set("Gazetteer-Region", name)
		if status := int(s.status.Load()); status != 0 {
			w.WriteHeader(status)
		}
		_, _ = io.WriteString(w, name)
	}))
	t.Cleanup(s.Close)
	return s
}

func (s *site) answerWith(h http.HandlerFunc) { s.serve.Store(&h) }

// byName is the order in which the regions are told.
func byName(_ netip.Addr, regions []Region) (order []int) {
	for i := range regions {
		order = append(order, i)
	}
	return order
}

func peerOf(q *http.Request) netip.Addr {
	p, _ := netip.ParseAddrPort(q.RemoteAddr)
	return p.Addr()
}

// routed is a router before a few regions, and a client of it.
type routed struct {
	*Router
	url    string
	client *http.Client
}

func routeTo(t *testing.T, change func(*Config), sites ...*site) *routed {
	t.Helper()
	var regions []Region
	for _, s := range sites {
		regions = append(regions, Region{Name: gazetteer.RegionID(s.name), State: "live", Servers: []string{s.URL}})
	}
	c := Config{
		Source: func(context.Context) ([]Region, error) { return regions, nil },
		Order:  byName, Client: peerOf, Name: "gate",
	}
	if change != nil {
		change(&c)
	}
	r, err := New(c)
	if err != nil {
		t.Fatal(err)
	}
	r.learn(t.Context())
	front := httptest.NewServer(r)
	t.Cleanup(func() {
		front.Close()
		r.Close()
	})
	client := &http.Client{Transport: &http.Transport{DisableCompression: true}, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	t.Cleanup(client.CloseIdleConnections)
	return &routed{r, front.URL, client}
}

// do sends a request and returns the answer with its body.
func (r *routed) do(t *testing.T, method, path string, body io.Reader, headers ...string) (*http.Response, string) {
	t.Helper()
	q, err := http.NewRequestWithContext(t.Context(), method, r.url+path, body)
	if err != nil {
		t.Fatal(err)
	}
	for i := 0; i < len(headers); i += 2 {
		q.Header.Add(headers[i], headers[i+1])
	}
	res, err := r.client.Do(q)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	text, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	return res, string(text)
}

func (r *routed) get(t *testing.T, path string) string {
	t.Helper()
	_, text := r.do(t, http.MethodGet, path, nil)
	return text
}

// eventually waits until something is so.
func eventually(t *testing.T, what string, is func() bool) {
	t.Helper()
	for end := time.Now().Add(time.Minute); !is(); time.Sleep(5 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatal("not so: " + what)
		}
	}
}
