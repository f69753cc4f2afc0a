package rest

import (
	"bufio"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"gazetteer"
	"gazetteer/api/rest/problem"
)

// raw sends a request line as it stands, past every client that would tidy it up.
func (x *harness) raw(method, target, extra, body string) *reply {
	x.t.Helper()
	if body != "" {
		extra += fmt.Sprintf("Content-Length: %d\r\n", len(body))
	}
	return x.wire(method, target, extra, body, false)
}

// wire sends a head and a payload as they stand, and with end nothing more: the server
// sees the connection closed in that direction.
func (x *harness) wire(method, target, extra, payload string, end bool) *reply {
	x.t.Helper()
	c, err := net.Dial("tcp", x.addr)
	if err != nil {
		x.t.Fatal(err)
	}
	defer c.Close()
	_ = c.SetDeadline(time.Now().Add(20 * time.Second))
	fmt.Fprintf(c, "%s %s HTTP/1.1\r\nHost: gazetteer\r\nConnection: close\r\n%s\r\n%s", method, target, extra, payload)
	if end {
		_ = c.(*net.TCPConn).CloseWrite()
	}
	answer, err := http.ReadResponse(bufio.NewReader(c), &http.Request{Method: method})
	if err != nil {
		x.t.Fatalf("%s %s: %v", method, target, err)
	}
	defer answer.Body.Close()
	text, _ := io.ReadAll(answer.Body)
	return &reply{x.t, answer.StatusCode, answer.Header, string(text)}
}

// everyByte percent-encodes all of a segment.
func everyByte(s string) string {
	var b strings.Builder
	for i := range len(s) {
		fmt.Fprintf(&b, "%%%02x", s[i])
	}
	return b.String()
}

func TestIDsAreOpaque(t *testing.T) {
	x := start(t, nil)
	ids := []string{
		"/", "a/b", "//", "%2F", "%252F", "%", "..", ".", "../..", "a b", " ", "+", "a+b", "🙂", "é", "e\u0301", ":", "a:move", "a:b:c", ":import", "?", "#", "&", "=", ";",
		"\x00", "\n", "\r\nX: y", "\x7f", "\u2028", `"`, `\`, "<script>", "resources", "locations", "a/locations/b", "~", "*", "@", ",", strings.Repeat("x", 255), strings.Repeat("🙂", 63) + "abc",
	}
	rng := rand.New(rand.NewPCG(3, 4))
	for len(ids) < 90 {
		ids = append(ids, randomID(rng))
	}
	for _, id := range ids {
		checkRoundTrip(t, x, id, everyByte(id))
		checkRoundTrip(t, x, id, escapeSegment(id))
		if id != "." && id != ".." {
			checkRoundTrip(t, x, id, url.PathEscape(id)) // leaves a colon as it is
		}
	}
}

// randomID is valid UTF-8 of up to 255 bytes, rich in bytes that mean something in URLs.
func randomID(rng *rand.Rand) string {
	const special = "/%:.?#+&=; \"\\"
	var b strings.Builder
	for n := 1 + rng.IntN(60); b.Len() < n; {
		if rng.IntN(2) == 0 {
			b.WriteByte(special[rng.IntN(len(special))])
		} else {
			b.WriteRune(rune(rng.IntN(0x2fff)))
		}
	}
	return b.String()
}

func checkRoundTrip(t *testing.T, x *harness, id, segment string) {
	t.Helper()
	path := "/v1/types/ndt/resources/" + segment
	body := `{"locations":[{"id":"l","url":"https://x.example"}]}`
	put := x.raw("PUT", path, "", body)
	if put.status != 201 && put.status != 200 {
		t.Errorf("put %q as %s: %d %s", id, segment, put.status, put.body)
		return
	}
	if _, err := x.regional.Get(t.Context(), gazetteer.Key{Type: "ndt", ID: gazetteer.ID(id)}); err != nil {
		t.Errorf("%q as %s became another id", id, segment)
	}
	for _, p := range []string{path, "/v1/resolve/ndt/" + segment} {
		var got struct{ ID string }
		r := x.raw("GET", p, "", "")
		if r.status != 200 {
			t.Errorf("get %q as %s: %d %s", id, p, r.status, r.body)
			continue
		}
		if d := jsonID(r.body); d != id {
			t.Errorf("%q as %s comes back as %q %v", id, p, d, got)
		}
	}
	if l := put.header.Get("Location"); put.status == 201 {
		if r := x.raw("GET", l, "", ""); r.status != 200 || jsonID(r.body) != id {
			t.Errorf("the location of %q is %s: %d", id, l, r.status)
		}
	}
	lpath := path + "/locations/" + segment
	if r := x.raw("PUT", lpath, "", `{"url":"https://y.example"}`); r.status >= 300 {
		t.Errorf("location %q: %d %s", id, r.status, r.body)
	}
	if r := x.raw("GET", lpath, "", ""); r.status != 200 || jsonID(r.body) != id {
		t.Errorf("location %q: %d %s", id, r.status, r.body)
	}
	if r := x.raw("DELETE", lpath, "", ""); r.status != 204 {
		t.Errorf("location %q: %d %s", id, r.status, r.body)
	}
}

func jsonID(body string) string {
	var r reader
	r.Reset(body)
	for ok := r.Object(); ok; {
		var key string
		if key, ok = r.Key(); key == "id" {
			return r.String()
		}
		r.Raw()
	}
	return ""
}

// TestPathsAreNotNormalised tries what a filter in front and the router behind could
// read differently. Nothing is redirected, cleaned or guessed.
func TestPathsAreNotNormalised(t *testing.T) {
	x := filled(t, nil)
	for _, target := range []string{
		"//v1/resolve/ndt/one", "/v1//resolve/ndt/one", "/v1/resolve//ndt/one", "/v1/resolve/ndt//one", "/v1/resolve/ndt/one/", "/v1/resolve/ndt/", "/v1/resolve/ndt", "/V1/resolve/ndt/one",
		"/v1/Resolve/ndt/one", "/v1/./resolve/ndt/one", "/v1/types/../resolve/ndt/one", "/v1/%72esolve/ndt/one", "/v1%2Fresolve%2Fndt%2Fone", "/v1/resolve/ndt/one/locations/ams", "/v1;x/resolve/ndt/one",
		"/", "/v1", "/v1/", "/index.html", "/.git/config", "/debug/pprof/", "/debug/vars", "/debug/pprof/cmdline", "/ui/", "/v1/types/ndt/resources/", "/v1/types/ndt/resources:imports", "/v1/types/ndt/resources%3Aexport",
		"/v1/types/ndt/resources/one/locations/", "/metrics/", "/livez/x",
	} {
		r := x.raw("GET", target, "", "")
		if r.status != 404 || r.header.Get("Location") != "" || !strings.Contains(r.body, `"unknown_path"`) {
			t.Errorf("%s: %d %v %s", target, r.status, r.header, r.body)
		}
	}
	for _, target := range []string{"/v1/resolve/ndt/one%2F", "/v1/resolve/ndt/%2e%2e%2fone", "/v1/resolve/ndt/one;x", "/v1/resolve/ndt/ONE", "/v1/resolve/ndt/one%00", "/v1/resolve/ndt/%252e"} {
		if r := x.raw("GET", target, "", ""); r.status != 404 || !strings.Contains(r.body, `"unknown_resource"`) {
			t.Errorf("%s: %d %s", target, r.status, r.body)
		}
	}
	for _, target := range []string{"/v1/resolve/ndt/%c0%ae", "/v1/resolve/ndt/%ff%fe", "/v1/resolve/ndt/%ed%a0%80", "/v1/resolve/n%2Fdt/one", "/v1/resolve/%6Edt%00/one"} {
		if r := x.raw("GET", target, "", ""); r.status != 422 {
			t.Errorf("%s: %d %s", target, r.status, r.body)
		}
	}
}

// TestNoHeaderGrantsAnything sends what other services took for a badge.
func TestNoHeaderGrantsAnything(t *testing.T) {
	x := filled(t, nil)
	want := x.raw("GET", "/v1/resolve/ndt/one", "", "").body
	for _, h := range []string{"User-Agent: Nacos-Server", "X-Original-URL: /metrics", "X-Rewrite-URL: /metrics", "X-HTTP-Method-Override: DELETE", "X-Forwarded-Prefix: //evil.example",
		"X-Forwarded-Host: evil.example", "X-Forwarded-For: 81.2.69.142", "Forwarded: for=81.2.69.142", "X-Real-IP: 81.2.69.142", "CF-Connecting-IP: 81.2.69.142", "True-Client-IP: 81.2.69.142", "Host: evil.example"} {
		if strings.HasPrefix(h, "Host") {
			continue
		}
		if r := x.raw("GET", "/v1/resolve/ndt/one", h+"\r\n", ""); r.status != 200 || r.body != want {
			t.Errorf("%s: %d %s", h, r.status, r.body)
		}
	}
}

func TestMethods(t *testing.T) {
	x := filled(t, nil)
	for _, rt := range routes() {
		path := strings.NewReplacer(`\:`, ":", ":type", "ndt", ":id", "nope", ":location", "l").Replace(rt.path)
		for _, method := range []string{"OPTIONS", "TRACE", "PROPFIND", "get", "CONNECT"} {
			if method == "CONNECT" {
				continue // names a host, not a path
			}
			r := x.raw(method, path, "", "")
			if r.status != 405 || !strings.Contains(r.header.Get("Allow"), rt.method) {
				t.Errorf("%s %s: %d, allow %q", method, path, r.status, r.header.Get("Allow"))
			}
		}
	}
	x.do("POST", "/v1/types/ndt/resources/one", "{}").problem(problem.MethodNotAllowed)
	x.do("DELETE", "/v1/resolve/ndt/one", "").problem(problem.MethodNotAllowed)
	x.do("POST", "/v1/types/ndt/resources/one:move", "{}").problem(problem.MethodNotAllowed)
}
