package router

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"time"

	"gazetteer"
	"gazetteer/api/rest/problem"
)

func TestRequestsGoToTheBestRegion(t *testing.T) {
	a, b := newSite(t, "a"), newSite(t, "b")
	r := routeTo(t, nil, a, b)
	if got := r.get(t, "/v1/resolve/t/x"); got != "a" {
		t.Errorf("answered by %s", got)
	}
	if got := r.get(t, "/v1/resolve/t/x?region=b"); got != "b" {
		t.Errorf("with region=b answered by %s", got)
	}
}

// TestWhoIsSentOn: which requests are sent to a second region, after what.
func TestWhoIsSentOn(t *testing.T) {
	for _, c := range []struct {
		method, body string
		status       int // of the first region; 0: nobody is there
		header       string
		want         string // who answers; "" for the first one's status
	}{
		{"GET", "", 0, "", "b"},
		{"GET", "", 503, "", "b"},
		{"GET", "", 500, "", "b"},
		{"GET", "", 502, "", "b"},
		{"GET", "", 504, "", "b"},
		{"GET", "", 501, "", ""},
		{"GET", "", 404, "", ""},
		{"GET", "", 429, "", ""},
		{"HEAD", "", 503, "", "b"},
		{"DELETE", "", 503, "", "b"},
		{"DELETE", "", 503, "If-Match", ""}, // the second could be refused by what the first did
		{"POST", "", 503, "", ""},
		{"PATCH", "x", 503, "", ""},
		{"PUT", "x", 503, "", ""}, // its body is gone
		{"POST", "whole", 0, "", "b"},
		{"PUT", "whole", 0, "If-Match", "b"}, // nobody has taken it
	} {
		t.Run(fmt.Sprint(c.method, c.body, c.status, c.header), func(t *testing.T) {
			a, b := newSite(t, "a"), newSite(t, "b")
			a.status.Store(int64(c.status))
			got := ""
			b.answerWith(func(w http.ResponseWriter, q *http.Request) {
				text, _ := io.ReadAll(q.Body)
				got = string(text)
				w.Header().Set("Gazetteer-Region", "b")
			})
			r := routeTo(t, nil, a, b)
			if c.status == 0 {
				a.Close()
			}
			var headers []string
			if c.header != "" {
				headers = []string{c.header, `"1"`}
			}
			res, _ := r.do(t, c.method, "/v1/x", strings.NewReader(c.body), headers...)
			who, status := res.Header.Get("Gazetteer-Region"), res.StatusCode
			if c.want == "b" && (who != "b" || status != 200 || got != c.body) {
				t.Errorf("answered %d by %q, which got %q", status, who, got)
			}
			if c.want == "" && (status != c.status || b.asked.Load() != 0) {
				t.Errorf("answered %d, want %d of a; b was asked %d times", status, c.status, b.asked.Load())
			}
		})
	}
}

// TestTheFirstAnswerStandsIfNoOtherIsBetter: of two failures the nearer one is told.
func TestTheFirstAnswerStandsIfNoOtherIsBetter(t *testing.T) {
	a, b := newSite(t, "a"), newSite(t, "b")
	a.status.Store(503)
	b.status.Store(500)
	r := routeTo(t, nil, a, b)
	if res, text := r.do(t, "GET", "/v1/x", nil); res.StatusCode != 503 || text != "a" {
		t.Errorf("%d %s", res.StatusCode, text)
	}
	b.Close()
	if res, text := r.do(t, "GET", "/v1/x", nil); res.StatusCode != 503 || text != "a" {
		t.Errorf("with the other down: %d %s", res.StatusCode, text)
	}
}

// TestRetriesAreBounded: when a region fails all it is asked, the next one gets no more
// than the budget, and the failures are passed on as they are.
func TestRetriesAreBounded(t *testing.T) {
	a, b := newSite(t, "a"), newSite(t, "b")
	a.status.Store(503)
	r := routeTo(t, nil, a, b)
	start := time.Now()
	const requests = 1000
	for range requests {
		r.get(t, "/v1/x")
	}
	most := budgetMost + requests*budgetShare + budgetFloor*time.Since(start).Seconds() + 1
	if n := b.asked.Load(); n < budgetMost || float64(n) > most {
		t.Errorf("%d requests were sent on, want at least %d and at most %.0f", n, budgetMost, most)
	}
}

// TestADeadServerIsMetOnce: after the first refusal nobody goes there until it answers.
func TestADeadServerIsMetOnce(t *testing.T) {
	a, b := newSite(t, "a"), newSite(t, "b")
	r := routeTo(t, nil, a, b)
	a.Close()
	for range 20 {
		if got := r.get(t, "/v1/x"); got != "b" {
			t.Fatalf("answered %q", got)
		}
	}
	if n := r.count.retries.Load(); n != 1 {
		t.Errorf("%d requests met the dead server, want 1", n)
	}
}

func TestASlowRegionLosesItsReads(t *testing.T) {
	a, b := newSite(t, "a"), newSite(t, "b")
	free := make(chan struct{})
	defer close(free)
	a.answerWith(func(_ http.ResponseWriter, q *http.Request) {
		select {
		case <-q.Context().Done():
		case <-free:
		}
	})
	r := routeTo(t, nil, a, b)
	r.patience = 50 * time.Millisecond
	if got := r.get(t, "/v1/x"); got != "b" {
		t.Errorf("answered by %q", got)
	}
}

func TestNobodyAnswers(t *testing.T) {
	a, b := newSite(t, "a"), newSite(t, "b")
	r := routeTo(t, nil, a, b)
	a.answerWith(func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) })
	res, text := r.do(t, "POST", "/v1/x", strings.NewReader("x"))
	checkProblem(t, res, text, problem.Lost)
	a.Close()
	b.Close()
	for _, method := range []string{"GET", "POST"} {
		res, text := r.do(t, method, "/v1/x", nil)
		checkProblem(t, res, text, problem.Unavailable)
		if res.Header.Get("Retry-After") == "" {
			t.Error("no Retry-After")
		}
	}
}

func checkProblem(t *testing.T, res *http.Response, text string, want problem.Code) {
	t.Helper()
	var d problem.Document
	err := json.Unmarshal([]byte(text), &d)
	if err != nil || d.Code != want || d.Status != res.StatusCode || res.Header.Get("Content-Type") != problem.ContentType {
		t.Errorf("%d %s, want the problem %s (%v)", res.StatusCode, text, want, err)
	}
}

// TestWhatStrangersSayIsNotPassedOn: of who the client is and where he came from only the
// router's own word goes on, and nothing that is meant for one hop.
func TestWhatStrangersSayIsNotPassedOn(t *testing.T) {
	a := newSite(t, "a")
	var got http.Header
	var host, uri string
	a.answerWith(func(w http.ResponseWriter, q *http.Request) {
		got, host, uri = q.Header.Clone(), q.Host, q.RequestURI
		w.Header().Set("Connection", "X-Hop")
		w.Header().Set("X-Hop", "1")
		w.Header().Set("ETag", `"e"`)
	})
	r := routeTo(t, nil, a)
	res, _ := r.do(t, "GET", "/v1/types/t/resources/%2E%2E%2Fa?x=1;2&y=%zz", nil,
		"Forwarded", "for=9.9.9.9", "X-Forwarded-For", "9.9.9.9", "X-Forwarded-Host", "evil", "X-Real-Ip", "9.9.9.9",
		"Connection", "X-Private", "X-Private", "1", "Te", "deflate", "Keep-Alive", "3", "Proxy-Authorization", "x", "If-None-Match", `"v"`)
	if f := got["Forwarded"]; !slices.Equal(f, []string{"for=127.0.0.1;proto=http"}) {
		t.Errorf("Forwarded: %q", f)
	}
	for _, name := range []string{"X-Forwarded-For", "X-Forwarded-Host", "X-Real-Ip", "X-Private", "Te", "Keep-Alive", "Proxy-Authorization", "Connection"} {
		if v := got[name]; v != nil {
			t.Errorf("%s: %q was passed on", name, v)
		}
	}
	if got.Get("If-None-Match") != `"v"` || len(got["Via"]) != 1 || host != strings.TrimPrefix(r.url, "http://") {
		t.Errorf("lost on the way: %v, Host %s", got, host)
	}
	if uri != "/v1/types/t/resources/%2E%2E%2Fa?x=1;2&y=%zz" {
		t.Errorf("path and query became %s", uri)
	}
	if res.Header.Get("X-Hop") != "" || res.Header.Get("ETag") != `"e"` {
		t.Errorf("the answer's headers: %v", res.Header)
	}
}

func TestForwardedNamesTheClient(t *testing.T) {
	q, _ := http.NewRequest("GET", "http://h/", nil)
	for addr, want := range map[string]string{
		"1.2.3.4":     "for=1.2.3.4;proto=http",
		"2001:db8::1": `for="[2001:db8::1]";proto=http`,
		"fe80::1%eth": `for="[fe80::1]";proto=http`,
	} {
		if got := forwarded(netip.MustParseAddr(addr), q); got != want {
			t.Errorf("%s: %s, want %s", addr, got, want)
		}
	}
	if got := forwarded(netip.Addr{}, q); got != "for=unknown;proto=http" {
		t.Errorf("a hidden client: %s", got)
	}
}

// TestBodiesAreStreams: the region reads an import while the client still writes it, and
// the client an export while the region does.
func TestBodiesAreStreams(t *testing.T) {
	a := newSite(t, "a")
	a.answerWith(func(w http.ResponseWriter, q *http.Request) {
		in, out := bufio.NewReader(q.Body), http.NewResponseController(w)
		_ = out.EnableFullDuplex()
		for {
			line, err := in.ReadString('\n')
			if err != nil {
				return
			}
			_, _ = io.WriteString(w, "took "+line)
			_ = out.Flush()
		}
	})
	r := routeTo(t, nil, a)
	body, lines := io.Pipe()
	q, _ := http.NewRequestWithContext(t.Context(), "POST", r.url+"/v1/types/t/resources:import", body)
	go func() { _, _ = io.WriteString(lines, "0\n") }()
	res, err := r.client.Do(q)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	answers := bufio.NewReader(res.Body)
	for i := range 5 {
		got, err := answers.ReadString('\n')
		if want := fmt.Sprintf("took %d\n", i); got != want || err != nil {
			t.Fatalf("%q, %v, want %q", got, err, want)
		}
		_, _ = fmt.Fprintf(lines, "%d\n", i+1)
	}
	lines.Close()
	if _, err := io.ReadAll(answers); err != nil {
		t.Error(err)
	}
}

// TestABrokenAnswerBreaks: half an export is not taken for a whole one.
func TestABrokenAnswerBreaks(t *testing.T) {
	a, b := newSite(t, "a"), newSite(t, "b")
	a.answerWith(func(w http.ResponseWriter, _ *http.Request) {
		_, _ = io.WriteString(w, "half")
		_ = http.NewResponseController(w).Flush()
		panic(http.ErrAbortHandler)
	})
	r := routeTo(t, nil, a, b)
	res, err := r.client.Get(r.url + "/v1/types/t/resources:export")
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	if text, err := io.ReadAll(res.Body); err == nil || b.asked.Load() != 0 {
		t.Errorf("%q came whole; b was asked %d times", text, b.asked.Load())
	}
}

// TestASlowBodyEnds: a client that stops sending is cut off, one that goes on is not.
func TestASlowBodyEnds(t *testing.T) {
	a := newSite(t, "a")
	a.answerWith(func(w http.ResponseWriter, q *http.Request) {
		_, err := io.Copy(io.Discard, q.Body)
		fmt.Fprint(w, err == nil)
	})
	r := routeTo(t, func(c *Config) { c.StreamIdle = 400 * time.Millisecond }, a)
	send := func(parts int, end bool) string {
		body, out := io.Pipe()
		defer out.Close()
		go func() {
			for range parts {
				_, _ = io.WriteString(out, "x")
				time.Sleep(100 * time.Millisecond)
			}
			if end {
				out.Close()
			}
		}()
		res, err := r.client.Post(r.url+"/v1/x", "text/plain", body)
		if err != nil {
			return err.Error()
		}
		defer res.Body.Close()
		text, _ := io.ReadAll(res.Body)
		return string(text)
	}
	if got := send(8, true); got != "true" {
		t.Errorf("slow and whole: %s", got)
	}
	if got := send(1, false); got == "true" {
		t.Error("a body that never ends was taken for a whole one")
	}
}

func TestTheWayIsTold(t *testing.T) {
	a, b := newSite(t, "a"), newSite(t, "b")
	r := routeTo(t, nil, a, b)
	for path, want := range map[string]string{
		"/v1/resolve/t/%2Fx?route=redirect":            a.URL + "/v1/resolve/t/%2Fx",
		"/v1/x?limit=1&route=redirect&region=b&z=%2B+": b.URL + "/v1/x?limit=1&region=b&z=%2B+",
	} {
		res, _ := r.do(t, "GET", path, nil)
		if got := res.Header.Get("Location"); res.StatusCode != http.StatusTemporaryRedirect || got != want || res.Header.Get("Cache-Control") != "no-store" {
			t.Errorf("%s: %d to %s, want %s", path, res.StatusCode, got, want)
		}
	}
	for _, query := range []string{"route=", "route=forward", "route=redirect&route=redirect"} {
		res, text := r.do(t, "GET", "/v1/x?"+query, nil)
		checkProblem(t, res, text, problem.InvalidParameter)
	}
	if n := a.asked.Load() + b.asked.Load(); n != 0 {
		t.Errorf("regions were asked %d times", n)
	}
}

// TestTheRouterIsPartOfAnExplanation, and so is the region that was asked in vain.
func TestTheRouterIsPartOfAnExplanation(t *testing.T) {
	a, b := newSite(t, "a"), newSite(t, "b")
	a.status.Store(503)
	b.answerWith(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		_, _ = io.WriteString(w, `{"id":"hops","explain":{"x":{"hops":[]},"hops":[{"role":"regional server","name":"b-1","seconds":0.001}],"candidates":[]},"z":1}`)
	})
	r := routeTo(t, nil, a, b)
	got := r.get(t, "/v1/resolve/t/x?explain=1")
	var answer struct {
		ID      string
		Z       int
		Explain struct{ Hops []struct{ Role, Name string } }
	}
	if err := json.Unmarshal([]byte(got), &answer); err != nil {
		t.Fatal(err, got)
	}
	if way := fmt.Sprint(answer.Explain.Hops); way != "[{router gate} {region without an answer a} {regional server b-1}]" || answer.ID != "hops" || answer.Z != 1 {
		t.Errorf("%s", got)
	}
}

func TestExplanationsWithoutAPlaceStay(t *testing.T) {
	hops := []hop{{"router", "gate", 0}}
	for text, want := range map[string]string{
		`{"explain":{"hops":[]}}`: `{"explain":{"hops":[{"role":"router","name":"gate","seconds":0.000000}]}}`,
		`{"explain":{"hops":1}}`:  ``,
		`{"explain":[]}`:          ``,
		`{"hops":[]}`:             ``,
		`[1]`:                     ``,
		`{"explain":{"hops":`:     ``,
		``:                        ``,
	} {
		if want == "" {
			want = text
		}
		if got := string(withHop([]byte(text), hops)); got != want {
			t.Errorf("%s became %s, want %s", text, got, want)
		}
	}
}

func TestTooManyAtOnce(t *testing.T) {
	a := newSite(t, "a")
	free := make(chan struct{})
	a.answerWith(func(http.ResponseWriter, *http.Request) { <-free })
	r := routeTo(t, func(c *Config) { c.InFlight = 1 }, a)
	done := make(chan string)
	go func() { done <- r.get(t, "/v1/x") }()
	eventually(t, "one is under way", func() bool { return a.asked.Load() == 1 })
	res, text := r.do(t, "GET", "/v1/x", nil)
	checkProblem(t, res, text, problem.Overloaded)
	if res, _ := r.do(t, "GET", "/livez", nil); res.StatusCode != 200 {
		t.Error("health has to wait, too")
	}
	close(free)
	<-done
}

// TestARingOfRoutersEnds: a directory that names the router itself is found out.
func TestARingOfRoutersEnds(t *testing.T) {
	a := newSite(t, "a")
	r := routeTo(t, nil, a)
	r.mu.Lock()
	r.chart.learn([]Region{{Name: "a", State: "live", Servers: []string{r.url}}})
	r.mu.Unlock()
	res, text := r.do(t, "GET", "/v1/x", nil)
	checkProblem(t, res, text, problem.InvalidRequest)
}

func TestTheRouterTellsOfItself(t *testing.T) {
	a, b := newSite(t, "a"), newSite(t, "b")
	r := routeTo(t, nil, a, b)
	r.get(t, "/v1/x")
	if res, text := r.do(t, "GET", "/readyz", nil); res.StatusCode != 200 || !strings.Contains(text, "2 of 2 take clients") {
		t.Errorf("%d %s", res.StatusCode, text)
	}
	if text := r.get(t, "/metrics"); !strings.Contains(text, "\ngazetteer_router_requests_total 1\n") || !strings.Contains(text, "\ngazetteer_router_regions_ready 2\n") {
		t.Error(text)
	}
	r.Drain()
	if res, _ := r.do(t, "GET", "/readyz", nil); res.StatusCode != 503 || !res.Close {
		t.Errorf("a lame duck says %d", res.StatusCode)
	}
	if got := r.get(t, "/v1/x"); got != "a" {
		t.Errorf("a lame duck answers %q", got)
	}
}

func TestNewRefuses(t *testing.T) {
	for _, c := range []Config{{}, {Source: (&Directory{}).Regions}, {Source: (&Directory{}).Regions, Order: byName}} {
		if _, err := New(c); gazetteer.KindOf(err) != gazetteer.Invalid {
			t.Errorf("%+v: %v", c, err)
		}
	}
	for _, u := range []string{"", "127.0.0.1:80", "ftp://h", "http://", "http://h/path"} {
		if _, err := NewDirectory([]string{u}); gazetteer.KindOf(err) != gazetteer.Invalid {
			t.Errorf("%q: %v", u, err)
		}
	}
}
