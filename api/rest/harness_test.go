package rest

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"log/slog"
	"net"
	"net/http"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"go.uber.org/goleak"

	"gazetteer"
	"gazetteer/api/rest/problem"
	"gazetteer/api/rest/resttest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// harness is a handler behind a real server.
type harness struct {
	t        testing.TB
	regional *resttest.Regional
	handler  *Handler
	addr     string
	log      *logBuffer
}

type logBuffer struct {
	mu   sync.Mutex // guards following
	text bytes.Buffer
}

func (b *logBuffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.text.Write(p)
}

func (b *logBuffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.text.String()
}

// start serves a region with the types ndt, which allows redirects, and msak.
func start(t testing.TB, change func(*Config)) *harness {
	t.Helper()
	x := &harness{t: t, regional: resttest.New("ndt", "msak"), log: new(logBuffer)}
	c := Config{Regional: x.regional, Log: slog.New(slog.NewJSONHandler(x.log, nil)), Version: "test"}
	if change != nil {
		change(&c)
	}
	var err error
	if x.handler, err = New(c); err != nil {
		t.Fatal(err)
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	x.addr = l.Addr().String()
	s := Server("", x.handler)
	done := make(chan struct{})
	go func() { defer close(done); _ = s.Serve(l) }()
	t.Cleanup(func() { s.Close(); <-done })
	return x
}

// reply is what a request got.
type reply struct {
	t      testing.TB
	status int
	header http.Header
	body   string
}

// client sends every request over a connection of its own and follows nothing. Where it
// says Expect, it waits.
var client = &http.Client{
	Transport:     &http.Transport{DisableKeepAlives: true, DisableCompression: true, ExpectContinueTimeout: 20 * time.Second},
	CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
}

// do sends a request. The path is sent as it stands; headers are "Name: value".
func (x *harness) do(method, path, body string, headers ...string) *reply {
	x.t.Helper()
	for range 3 {
		if r := x.try(method, path, body, headers); r != nil {
			return r
		}
	}
	x.t.Fatalf("%s %s: the connection was reset three times", method, path)
	return nil
}

// try returns nil if the connection was reset: a server that refuses a body answers and
// closes before it has read all of it, and the client may see that first.
func (x *harness) try(method, path, body string, headers []string) *reply {
	x.t.Helper()
	var in io.Reader
	if body != "" {
		in = strings.NewReader(body)
	}
	r, err := http.NewRequest(method, "http://"+x.addr+path, in)
	if err != nil {
		x.t.Fatal(err)
	}
	for _, h := range headers {
		if name, value, ok := strings.Cut(h, ": "); ok {
			r.Header.Set(name, value)
		}
	}
	answer, err := client.Do(r)
	if errors.Is(err, syscall.ECONNRESET) || errors.Is(err, syscall.EPIPE) {
		return nil
	}
	return x.receive(r, answer, err)
}

func (x *harness) send(r *http.Request) *reply {
	x.t.Helper()
	answer, err := client.Do(r)
	return x.receive(r, answer, err)
}

func (x *harness) receive(r *http.Request, answer *http.Response, err error) *reply {
	x.t.Helper()
	if err != nil {
		x.t.Fatalf("%s %s: %v", r.Method, r.URL, err)
	}
	defer answer.Body.Close()
	text, err := io.ReadAll(answer.Body)
	if err != nil {
		x.t.Fatalf("%s %s: %v", r.Method, r.URL, err)
	}
	return &reply{x.t, answer.StatusCode, answer.Header, string(text)}
}

func (r *reply) want(status int) *reply {
	r.t.Helper()
	if r.status != status {
		r.t.Fatalf("status %d, want %d: %s", r.status, status, r.body)
	}
	return r
}

// problem checks that the answer is a whole and consistent problem of this code.
func (r *reply) problem(code problem.Code) problem.Document {
	r.t.Helper()
	var p problem.Document
	if err := json.Unmarshal([]byte(r.body), &p); err != nil {
		r.t.Fatalf("status %d is no problem: %q", r.status, r.body)
	}
	row := problem.OfCode(code)
	if p.Code != code || p.Type != row.URI() || p.Title != row.Title || p.Status != row.Status || r.status != row.Status ||
		p.RequestID == "" || p.Instance == "" || r.header.Get("Content-Type") != problem.ContentType {
		r.t.Errorf("want problem %s, got status %d %s", code, r.status, r.body)
	}
	if p.Detail == "" && code != problem.Internal {
		r.t.Errorf("no detail: %s", r.body)
	}
	return p
}

// pointer checks where a problem points, and that its detail says what.
func pointer(t testing.TB, p problem.Document, at, says string) {
	t.Helper()
	got := ""
	if len(p.Errors) > 0 {
		got = p.Errors[0].Pointer
	}
	if got != at || !strings.Contains(p.Detail, says) {
		t.Errorf("points at %q, want %q; says %q, want %q", got, at, p.Detail, says)
	}
}

func (r *reply) json(v any) {
	r.t.Helper()
	d := json.NewDecoder(strings.NewReader(r.body))
	d.DisallowUnknownFields()
	if err := d.Decode(v); err != nil {
		r.t.Fatalf("%v: %s", err, r.body)
	}
}

const (
	ams = `{"id":"ams","url":"https://ams.example/x","lat":52.37,"lon":4.89,"country":"NL","weight":1,"labels":{"tier":"gold"}}`
	fra = `{"id":"fra","url":"https://fra.example/x","lat":50.11,"lon":8.68,"country":"DE","weight":1}`
	nyc = `{"id":"nyc","url":"http://nyc.example/x","lat":40.71,"lon":-74.01,"country":"US","weight":2,"labels":{"tier":"iron"}}`
)

const threeLocations = `{"attributes":{"size":7},"locations":[` + ams + `,` + fra + `,` + nyc + `]}`

// filled is start with one resource, ndt/one.
func filled(t testing.TB, change func(*Config)) *harness {
	t.Helper()
	x := start(t, change)
	x.do("PUT", "/v1/types/ndt/resources/one", threeLocations).want(201)
	return x
}

func (x *harness) record(t gazetteer.Type, id gazetteer.ID) gazetteer.Record {
	x.t.Helper()
	r, err := x.regional.Get(x.t.Context(), gazetteer.Key{Type: t, ID: id})
	if err != nil {
		x.t.Fatal(err)
	}
	return r
}
