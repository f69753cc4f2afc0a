package client

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"iter"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"go.uber.org/goleak"

	"gazetteer"
	"gazetteer/api/rest"
	"gazetteer/api/rest/problem"
	"gazetteer/api/rest/resttest"
	"gazetteer/region"
	"gazetteer/ring"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// start serves a region with the types ndt and msak and returns a client of it.
func start(t testing.TB) (*Client, *resttest.Regional) {
	t.Helper()
	return serve(t, func(*rest.Config) {})
}

func serve(t testing.TB, change func(*rest.Config)) (*Client, *resttest.Regional) {
	t.Helper()
	r := resttest.New("ndt", "msak")
	config := rest.Config{Regional: r}
	change(&config)
	h, err := rest.New(config)
	if err != nil {
		t.Fatal(err)
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	s := rest.Server("", h)
	done := make(chan struct{})
	go func() { defer close(done); _ = s.Serve(l) }()
	c, err := New(Config{Addr: "http://" + l.Addr().String()})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close(); s.Close(); <-done })
	return c, r
}

func ptr[T any](v T) *T { return &v }

func document(id string) Document {
	return Document{Type: "ndt", ID: id, Attributes: json.RawMessage(`{"size":7}`), Locations: []Location{
		{ID: "ams", URL: "https://ams.example", Lat: ptr(52.37), Lon: ptr(4.89), Country: "NL", Weight: ptr(1.0), Labels: map[string]string{"tier": "gold"}},
		{ID: "nyc", URL: "https://nyc.example", Lat: ptr(40.71), Lon: ptr(-74.01), Country: "US", Weight: ptr(0.0)},
	}}
}

func TestCatalogue(t *testing.T) {
	c, _ := start(t)
	ctx := t.Context()
	w, err := c.Put(ctx, document("one"), WriteOptions{Create: true, Ack: "local", Deadline: time.Second})
	if err != nil || !w.Created || w.Version == "" || w.Short {
		t.Fatalf("%+v %v", w, err)
	}
	d, err := c.Get(ctx, "ndt", "one")
	want := document("one")
	want.Version = w.Version
	if got, wanted := text(d), text(want); err != nil || got != wanted {
		t.Errorf("got %s, want %s (%v)", got, wanted, err)
	}
	if _, err := c.Put(ctx, document("one"), WriteOptions{Create: true}); gazetteer.KindOf(err) != gazetteer.Precondition {
		t.Errorf("created twice: %v", err)
	}
	if _, err := c.Patch(ctx, "ndt", "one", []byte(`{"attributes":{"size":8}}`), WriteOptions{IfMatch: w.Version}); err != nil {
		t.Error(err)
	}
	if _, err := c.Patch(ctx, "ndt", "one", []byte(`{"attributes":{"size":9}}`), WriteOptions{IfMatch: w.Version}); gazetteer.KindOf(err) != gazetteer.Precondition {
		t.Errorf("patched an old version: %v", err)
	}
	w, err = c.PutLocation(ctx, "ndt", "one", Location{ID: "fra/1:x", URL: "https://fra.example"}, WriteOptions{})
	if err != nil || !w.Created {
		t.Errorf("%+v %v", w, err)
	}
	if _, err := c.DeleteLocation(ctx, "ndt", "one", "ams", WriteOptions{}); err != nil {
		t.Error(err)
	}
	d, err = c.Get(ctx, "ndt", "one")
	if err != nil || len(d.Locations) != 2 || d.Locations[0].ID != "fra/1:x" || string(d.Attributes) != `{"size":8}` {
		t.Errorf("%s %v", text(d), err)
	}
	if w, err = c.Delete(ctx, "ndt", "one", WriteOptions{IfMatch: "*"}); err != nil || w.Version != "" {
		t.Errorf("%+v %v", w, err)
	}
	if _, err = c.Get(ctx, "ndt", "one"); gazetteer.KindOf(err) != gazetteer.NotFound {
		t.Error(err)
	}
}

func text(v any) string {
	b, _ := json.Marshal(v)
	return string(b)
}

func TestOpaqueIDs(t *testing.T) {
	c, _ := start(t)
	for _, id := range []string{"a/b", "%2F", "..", ".", "a b+c", "🙂", ":move", "a:import", "?x=1#f", strings.Repeat("é", 127) + "x", "\x01\x7f", `a\b`, "a;b,c&d=e"} {
		d := Document{Type: "ndt", ID: id, Locations: []Location{{ID: id, URL: "https://x.example"}}}
		if _, err := c.Put(t.Context(), d, WriteOptions{}); err != nil {
			t.Errorf("put %q: %v", id, err)
			continue
		}
		got, err := c.Get(t.Context(), "ndt", id)
		if err != nil || got.ID != id || got.Locations[0].ID != id {
			t.Errorf("get %q: %s %v", id, text(got), err)
		}
		a, err := c.Resolve(t.Context(), Query{Type: "ndt", ID: id, Avoid: []string{id, "b"}})
		if err != nil || a.ID != id || len(a.Locations) != 0 {
			t.Errorf("resolve %q: %s %v", id, text(a), err)
		}
		if _, err := c.DeleteLocation(t.Context(), "ndt", id, id, WriteOptions{}); err != nil {
			t.Errorf("delete %q: %v", id, err)
		}
	}
}

func TestResolve(t *testing.T) {
	c, _ := start(t)
	d := document("one")
	d.Locations[1].Weight = nil
	if _, err := c.Put(t.Context(), d, WriteOptions{}); err != nil {
		t.Fatal(err)
	}
	a, err := c.Resolve(t.Context(), Query{Type: "ndt", ID: "one", Point: &gazetteer.Point{Lat: 40, Lon: -75}, Limit: 1, Explain: true})
	if err != nil || len(a.Locations) != 1 || a.Locations[0].ID != "nyc" || *a.Locations[0].DistanceKM <= 0 || a.Client.Method != "stated-point" {
		t.Fatalf("%s %v", text(a), err)
	}
	if a.ServedBy.Region != "r1" || a.Explain == nil || len(a.Explain.Hops) != 2 || len(a.Explain.Candidates) != 2 || a.Explain.Candidates[1].Excluded == "" {
		t.Errorf("%s", text(a))
	}
	a, err = c.Resolve(t.Context(), Query{Type: "ndt", ID: "one", Country: "NL", Filter: "tier=gold", Region: "r1"})
	if err != nil || len(a.Locations) != 1 || a.Locations[0].ID != "ams" {
		t.Errorf("%s %v", text(a), err)
	}
	_, err = c.Resolve(t.Context(), Query{Type: "ndt", ID: "one", IP: "nonsense"})
	var e *gazetteer.Error
	var p *Problem
	if !errors.As(err, &e) || e.Kind != gazetteer.Invalid || e.Pointer != "ip" || !errors.As(err, &p) || p.Code != problem.InvalidParameter || p.RequestID == "" {
		t.Errorf("%v", err)
	}
}

func TestTypesAndListing(t *testing.T) {
	c, r := start(t)
	ctx := t.Context()
	created, err := c.PutType(ctx, Type{Name: "wehe", TTLSeconds: ptr(int64(5)), Redirect: ptr(true)})
	if err != nil || !created {
		t.Fatal(created, err)
	}
	ts, err := c.Types(ctx)
	if err != nil || len(ts) != 3 || ts[2].Name != "wehe" || *ts[2].TTLSeconds != 5 || !*ts[2].Redirect {
		t.Errorf("%s %v", text(ts), err)
	}
	const policy = `{"weights":"share"}`
	if created, err = c.PutType(ctx, Type{Name: "wehe", Policy: []byte(policy)}); err != nil || created {
		t.Error(created, err)
	}
	if w, err := c.Type(ctx, "wehe"); err != nil || string(w.Policy) != policy {
		t.Errorf("%s %v", w.Policy, err)
	}
	for i := range 230 {
		d := document(fmt.Sprintf("id-%03d", i))
		if _, err := c.Put(ctx, d, WriteOptions{}); err != nil {
			t.Fatal(err)
		}
	}
	seen := map[string]bool{}
	for d, err := range c.List(ctx, "ndt", "id-") {
		if err != nil || seen[d.ID] {
			t.Fatal(d.ID, err)
		}
		seen[d.ID] = true
	}
	if len(seen) != r.Len() {
		t.Errorf("%d of %d were listed", len(seen), r.Len())
	}
	for _, err := range c.List(ctx, "nope", "") {
		if gazetteer.KindOf(err) != gazetteer.NotFound {
			t.Error(err)
		}
	}
	if err := c.DeleteType(ctx, "ndt"); gazetteer.KindOf(err) != gazetteer.Conflict {
		t.Error(err)
	}
	if err := c.DeleteType(ctx, "wehe"); err != nil {
		t.Error(err)
	}
	if s, err := c.Status(ctx); err != nil || !bytes.Contains(s, []byte(`"region":"r1"`)) {
		t.Errorf("%s %v", s, err)
	}
	if s, err := c.Conflicts(ctx, 0); err != nil || s.Total != 0 || len(s.Conflicts) != 0 {
		t.Errorf("%+v %v", s, err)
	}
}

func TestShortOfTheRing(t *testing.T) {
	c, r := start(t)
	r.Reached = ring.AckLocal
	if w, err := c.Put(t.Context(), document("one"), WriteOptions{}); err != nil || !w.Short || w.Version == "" {
		t.Errorf("%+v %v", w, err)
	}
}

func many(n int) iter.Seq2[Document, error] {
	return func(yield func(Document, error) bool) {
		for i := range n {
			if !yield(document(fmt.Sprintf("id-%05d", i)), nil) {
				return
			}
		}
	}
}

func TestImportAndExport(t *testing.T) {
	c, r := start(t)
	var last int64
	s, err := c.ImportDocuments(t.Context(), "ndt", many(3000), ImportOptions{Ack: "local", Progress: func(n int64) { last = n }})
	if err != nil || s.Acknowledged != 3000 || s.Created != 3000 || s.Lines != 3000 || r.Len() != 3000 || last > 3000 {
		t.Fatalf("%+v %v, %d stored, last %d", s, err, r.Len(), last)
	}
	var out bytes.Buffer
	var told int64
	n, err := c.Export(t.Context(), "ndt", "", &out, func(lines, _ int64) { told = lines })
	if err != nil || n != 3000 || told != n || bytes.Count(out.Bytes(), []byte("\n")) != 3000 {
		t.Fatalf("%d lines, %v", n, err)
	}
	if s, err = c.Import(t.Context(), "ndt", &out, ImportOptions{}); err != nil || s.Acknowledged != 3000 || s.Created != 0 {
		t.Errorf("what was exported comes back as %+v %v", s, err)
	}
	seen := 0
	for d, err := range c.ExportDocuments(t.Context(), "ndt", "id-000") {
		if err != nil || !strings.HasPrefix(d.ID, "id-000") {
			t.Fatal(d.ID, err)
		}
		if seen++; seen == 50 {
			break // leaves the stream in the middle
		}
	}
	if seen != 50 {
		t.Errorf("saw %d", seen)
	}
	for _, err := range c.ExportDocuments(t.Context(), "nope", "") {
		if gazetteer.KindOf(err) != gazetteer.NotFound {
			t.Error(err)
		}
	}
}

func TestImportNamesTheLine(t *testing.T) {
	c, r := start(t)
	in := `{"id":"a"}` + "\n" + `{"id":"b"}` + "\n\n" + `{"id":"c","locations":[{"id":"x","url":"nowhere"}]}` + "\n"
	s, err := c.Import(t.Context(), "ndt", strings.NewReader(in), ImportOptions{})
	var at *ImportError
	if !errors.As(err, &at) || at.Line != 4 || at.Acknowledged != 2 || s.Acknowledged != 2 || r.Len() != 2 {
		t.Fatalf("%+v %v", s, err)
	}
	var e *gazetteer.Error
	if !errors.As(err, &e) || e.Pointer != "/locations/0/url" || e.Kind != gazetteer.Unprocessable {
		t.Errorf("%v", err)
	}
}

func TestImportOfABrokenSource(t *testing.T) {
	c, r := start(t)
	own := errors.New("the tape is torn")
	docs := func(yield func(Document, error) bool) {
		for d, err := range many(2000) {
			if !yield(d, err) {
				return
			}
		}
		yield(Document{}, own)
	}
	_, err := c.ImportDocuments(t.Context(), "ndt", docs, ImportOptions{})
	if !errors.Is(err, own) || r.Len() > 2000 {
		t.Errorf("%d stored, %v", r.Len(), err)
	}
}

func TestImportGivenUp(t *testing.T) {
	c, r := start(t)
	ctx, cancel := context.WithCancel(t.Context())
	r.Before = func([]region.Change) error {
		if r.Len() > 100 {
			cancel()
		}
		return nil
	}
	if _, err := c.ImportDocuments(ctx, "ndt", many(1_000_000), ImportOptions{}); err == nil || ctx.Err() == nil {
		t.Errorf("it went on: %v", err)
	}
}

func TestExportThatBreaksOffIsNoExport(t *testing.T) {
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		fmt.Fprintln(w, `{"type":"ndt","id":"a","locations":[]}`)
		w.(http.Flusher).Flush()
		panic(http.ErrAbortHandler)
	}))
	defer s.Close()
	c, _ := New(Config{Addr: s.URL})
	defer c.Close()
	if n, err := c.Export(t.Context(), "ndt", "", io.Discard, nil); n != 1 || gazetteer.KindOf(err) != gazetteer.Unavailable {
		t.Errorf("%d %v", n, err)
	}
	var last error
	for _, err := range c.ExportDocuments(t.Context(), "ndt", "") {
		last = err
	}
	if last == nil {
		t.Error("half an export was taken for a whole one")
	}
}

// flaky refuses the first connections.
type flaky struct {
	dials   atomic.Int64
	refuses int64
	to      func(context.Context, string, string) (net.Conn, error)
}

func (f *flaky) dial(ctx context.Context, network, addr string) (net.Conn, error) {
	if f.dials.Add(1) <= f.refuses {
		return nil, &net.OpError{Op: "dial", Net: network, Err: errors.New("connection refused")}
	}
	return f.to(ctx, network, addr)
}

func flakyClient(t *testing.T, addr string, refuses int64) (*Client, *flaky) {
	f := &flaky{refuses: refuses, to: new(net.Dialer).DialContext}
	c, err := New(Config{Addr: addr, HTTP: &http.Client{Transport: &http.Transport{DialContext: f.dial}}})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.Close)
	return c, f
}

func TestRetries(t *testing.T) {
	good, _ := start(t)
	addr := good.doors[0].base.String()
	c, f := flakyClient(t, addr, 2)
	if _, err := c.Put(t.Context(), document("one"), WriteOptions{Create: true}); err != nil || f.dials.Load() != 3 {
		t.Errorf("%d dials, %v", f.dials.Load(), err)
	}
	c, f = flakyClient(t, addr, 100)
	err := c.DeleteType(t.Context(), "ndt")
	if gazetteer.KindOf(err) != gazetteer.Unavailable || f.dials.Load() != 3 {
		t.Errorf("%d dials, %v", f.dials.Load(), err)
	}
	// Over many requests the budget ends the retries: ten, and one for every ten.
	for range 20 {
		_, _ = c.Types(t.Context())
	}
	if n := f.dials.Load(); n > 21+10+2 {
		t.Errorf("%d dials for 21 requests", n)
	}
}

func TestOnlyRepeatableRequestsAreRepeated(t *testing.T) {
	c := &Client{doors: doors{{}}}
	lost := &net.OpError{Op: "read", Err: errors.New("reset")}
	unsent := &net.OpError{Op: "dial", Err: errors.New("refused")}
	for _, x := range []struct {
		method, header string
		err            error
		want           bool
	}{
		{"GET", "", lost, true}, {"PUT", "", io.ErrUnexpectedEOF, true}, {"DELETE", "", lost, true},
		{"PUT", "If-Match", lost, false}, {"PUT", "If-None-Match", lost, false}, {"POST", "", lost, false}, {"PATCH", "", lost, false},
		{"POST", "", unsent, true}, {"PUT", "If-Match", unsent, true}, {"GET", "", errors.New("no"), false},
	} {
		r := &request{method: x.method, header: http.Header{}}
		if x.header != "" {
			r.header.Set(x.header, "*")
		}
		if got := c.again(r, fmt.Errorf("wrapped: %w", x.err)); got != x.want {
			t.Errorf("%s %s %v: %v", x.method, x.header, x.err, got)
		}
	}
}

func TestAnswersOfOthers(t *testing.T) {
	for _, x := range []struct {
		status int
		body   string
		want   gazetteer.Kind
	}{
		{200, "<html>hello</html>", gazetteer.Unavailable}, {200, `{"type":`, gazetteer.Unavailable}, {404, "<html>", gazetteer.NotFound},
		{502, "bad gateway", gazetteer.Unavailable}, {302, "", gazetteer.Internal}, {503, `{"code":"unserved"}`, gazetteer.Unavailable},
	} {
		s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			w.WriteHeader(x.status)
			fmt.Fprint(w, x.body)
		}))
		c, _ := New(Config{Addr: s.URL, Retries: -1})
		_, err := c.Get(t.Context(), "ndt", "one")
		if err == nil || gazetteer.KindOf(err) != x.want {
			t.Errorf("%d %q: %v", x.status, x.body, err)
		}
		c.Close()
		s.Close()
	}
}

func TestDeadline(t *testing.T) {
	release := make(chan struct{})
	s := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { <-release }))
	c, _ := New(Config{Addr: s.URL})
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Millisecond)
	defer cancel()
	if _, err := c.Types(ctx); gazetteer.KindOf(err) != gazetteer.Deadline {
		t.Error(err)
	}
	close(release)
	c.Close()
	s.Close()
}

func TestAddresses(t *testing.T) {
	for _, addr := range []string{"", "localhost:8080", "ftp://x", "http://", "://", "/v1"} {
		if _, err := New(Config{Addr: addr}); gazetteer.KindOf(err) != gazetteer.Invalid {
			t.Errorf("%q: %v", addr, err)
		}
	}
	c, err := New(Config{Addr: "https://x.example/behind/"})
	if err != nil {
		t.Fatal(err)
	}
	r := &request{path: []string{"v1", "types", "t", "resources", "a/b:c"}, query: map[string][]string{"q": {"1 2"}}}
	if got := c.doors[0].url(r); got != "https://x.example/behind/v1/types/t/resources/a%2Fb%3Ac?q=1+2" {
		t.Error(got)
	}
}

func FuzzSegment(f *testing.F) {
	for _, s := range []string{"a/b", "..", ":", "%", "é", "+ "} {
		f.Add(s)
	}
	c, _ := New(Config{Addr: "http://x.example"})
	f.Fuzz(func(t *testing.T, id string) {
		r, err := http.NewRequest("GET", c.doors[0].url(&request{path: []string{"v1", id, "end"}}), nil)
		if err != nil {
			t.Fatal(err)
		}
		if id != "" && r.URL.Path != "/v1/"+id+"/end" {
			t.Fatalf("%q goes out as %s", id, r.URL.EscapedPath())
		}
		if n := strings.Count(r.URL.EscapedPath(), "/"); n != 3 {
			t.Fatalf("%q makes %d segments", id, n)
		}
	})
}
