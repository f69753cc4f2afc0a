package web_test

import (
	"bytes"
	"compress/gzip"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"regexp"
	"strings"
	"testing"

	"gazetteer/api/web"
	"gazetteer/region/geo/outline"
)

func newPage(t *testing.T) *web.Page {
	t.Helper()
	p, err := web.New()
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// get asks for a part of the page; header are names and values.
func get(h http.Handler, method, path string, header ...string) *httptest.ResponseRecorder {
	q := httptest.NewRequest(method, "http://127.0.0.1/", nil)
	q.URL.Path = path // as it is: httptest would clean nothing, but refuse some
	for i := 0; i+1 < len(header); i += 2 {
		q.Header.Add(header[i], header[i+1])
	}
	w := httptest.NewRecorder()
	h.ServeHTTP(w, q)
	return w
}

// parts are the names of all files of the page.
func parts(t *testing.T) []string {
	t.Helper()
	files, err := os.ReadDir("page")
	if err != nil {
		t.Fatal(err)
	}
	names := []string{"", "land.txt"}
	for _, f := range files {
		names = append(names, f.Name())
	}
	return names
}

var media = regexp.MustCompile(`^(text/(html|css|javascript|plain); charset=utf-8|image/svg\+xml)$`)

// TestPartsAreServed: each as what it is, guarded, in both codings, and not again to who has
// it.
func TestPartsAreServed(t *testing.T) {
	p := newPage(t)
	for _, name := range parts(t) {
		plain, zip := get(p, "GET", web.Path+name), get(p, "GET", web.Path+name, "Accept-Encoding", "br, gzip")
		if plain.Code != 200 || zip.Code != 200 || !media.MatchString(plain.Header().Get("Content-Type")) {
			t.Fatalf("%q: %d, %d, %v", name, plain.Code, zip.Code, plain.Header())
		}
		if zip.Header().Get("Content-Encoding") != "gzip" || plain.Header().Get("Content-Encoding") != "" || zip.Header().Get("Vary") != "Accept-Encoding" {
			t.Errorf("%q: the codings are %v and %v", name, plain.Header(), zip.Header())
		}
		if got := unzipped(t, zip.Body); !bytes.Equal(got, plain.Body.Bytes()) {
			t.Errorf("%q: what is compressed is something else", name)
		}
		for _, w := range []*httptest.ResponseRecorder{plain, zip} {
			if h := w.Header(); h.Get("X-Content-Type-Options") != "nosniff" || !strings.HasPrefix(h.Get("Content-Security-Policy"), "default-src 'none';") || h.Get("Cache-Control") != "no-cache" {
				t.Errorf("%q: unguarded: %v", name, h)
			}
		}
		again(t, p, name, plain.Header().Get("ETag"), zip.Header().Get("ETag"))
	}
}

func unzipped(t *testing.T, r io.Reader) []byte {
	t.Helper()
	z, err := gzip.NewReader(r)
	if err != nil {
		t.Fatal(err)
	}
	b, err := io.ReadAll(z)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func again(t *testing.T, p *web.Page, name, plain, zip string) {
	t.Helper()
	if plain == "" || plain == zip {
		t.Errorf("%q: the tags are %s and %s", name, plain, zip)
	}
	for _, tags := range []string{plain, "W/" + plain, `"other", ` + plain, "*"} {
		if w := get(p, "GET", web.Path+name, "If-None-Match", tags); w.Code != 304 || w.Body.Len() > 0 || w.Header().Get("ETag") != plain {
			t.Errorf("%q: to who has %s it answers %d", name, tags, w.Code)
		}
	}
	if w := get(p, "GET", web.Path+name, "If-None-Match", zip); w.Code != 200 {
		t.Errorf("%q: the tag of another coding counts", name)
	}
	if w := get(p, "HEAD", web.Path+name); w.Code != 200 || w.Body.Len() > 0 || w.Header().Get("Content-Length") == "" {
		t.Errorf("%q: HEAD answers %d with %d bytes", name, w.Code, w.Body.Len())
	}
	if w := get(p, "GET", web.Path+name, "Accept-Encoding", "gzip;q=0"); w.Header().Get("Content-Encoding") != "" {
		t.Errorf("%q: compressed for who does not take it", name)
	}
}

// TestThePolicyHasNoHoles: no source but the page's own server, nothing inline.
func TestThePolicyHasNoHoles(t *testing.T) {
	p := newPage(t)
	policy := get(p, "GET", web.Path).Header().Get("Content-Security-Policy")
	for _, hole := range []string{"unsafe", "http:", "https:", "data:", "blob:", "*"} {
		if strings.Contains(policy, hole) {
			t.Errorf("%q lets %s through", policy, hole)
		}
	}
	inline := regexp.MustCompile(`(?i)<style|\sstyle=|\son\w+=|<script(?:>|\s[^>]*[^>]*>[^<])|javascript:`)
	text := get(p, "GET", web.Path).Body.String()
	if found := inline.FindString(text); found != "" {
		t.Errorf("index.html has %q, which the policy refuses", found)
	}
	if found := regexp.MustCompile(`(?:src|href)="(?:https?:)?//[^"]*"`).FindString(text); found != "" {
		t.Errorf("index.html loads %s", found)
	}
}

// TestScriptsMakeNoMarkup: what records hold becomes text nodes only.
func TestScriptsMakeNoMarkup(t *testing.T) {
	p := newPage(t)
	sink := regexp.MustCompile(`innerHTML|outerHTML|insertAdjacentHTML|document\.write|\beval\(|new Function|srcdoc|DOMParser`)
	for _, name := range parts(t) {
		if found := sink.FindString(get(p, "GET", web.Path+name).Body.String()); found != "" && strings.HasSuffix(name, ".js") {
			t.Errorf("%s uses %s", name, found)
		}
	}
}

func TestPathsLeadNowhereElse(t *testing.T) {
	p := newPage(t)
	for _, path := range []string{"../web.go", "../../rest/openapi.json", "page/index.html", "..", ".", "/etc/passwd", "index.html/", "INDEX.HTML", "main.js\x00", "%2e%2e/web.go", `..\web.go`} {
		if w := get(p, "GET", web.Path+path); w.Code != 404 || w.Header().Get("Content-Security-Policy") == "" {
			t.Errorf("%q: %d", path, w.Code)
		}
	}
	if w := get(p, "POST", web.Path); w.Code != 405 || w.Header().Get("Allow") != "GET, HEAD" {
		t.Errorf("POST: %d", w.Code)
	}
}

func TestAllElseIsForTheNext(t *testing.T) {
	next := http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusTeapot) })
	h := newPage(t).Before(next)
	for path, want := range map[string]int{"/ui/": 200, "/ui": 301, "/uid": 418, "/": 418, "/v1/topology": 418, "/v1/ui/": 418} {
		w := get(h, "GET", path)
		if w.Code != want {
			t.Errorf("%s: %d, want %d", path, w.Code, want)
		}
		if want == 301 && w.Header().Get("Location") != "ui/" {
			t.Errorf("it is at %s", w.Header().Get("Location"))
		}
	}
}

// TestThePageIsSmall: all of it at once, compressed.
func TestThePageIsSmall(t *testing.T) {
	const most = 300 << 10
	p, sum := newPage(t), 0
	for _, name := range parts(t)[1:] {
		sum += get(p, "GET", web.Path+name, "Accept-Encoding", "gzip").Body.Len()
	}
	if sum > most {
		t.Errorf("%d bytes, want at most %d", sum, most)
	}
	t.Logf("%d bytes compressed", sum)
	if land := get(p, "GET", web.Path+"land.txt").Body.String(); land != outline.Land() {
		t.Error("the land is another")
	}
}

// TestModulesAreThere: what one script imports and what the page names is served.
func TestModulesAreThere(t *testing.T) {
	p := newPage(t)
	named := regexp.MustCompile(`(?:from "\./|(?:src|href)=")([\w.-]+)"`)
	found := 0
	for _, name := range parts(t) {
		for _, m := range named.FindAllStringSubmatch(get(p, "GET", web.Path+name).Body.String(), -1) {
			found++
			if w := get(p, "GET", web.Path+m[1]); w.Code != 200 {
				t.Errorf("%s names %s, which is not there", name, m[1])
			}
		}
	}
	if found < 20 {
		t.Errorf("only %d names found", found)
	}
}
