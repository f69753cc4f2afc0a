package rest

import (
	"encoding/json"
	"net/url"
	"strings"
	"testing"

	"gazetteer/api/rest/problem"
)

func TestRedirect(t *testing.T) {
	x := filled(t, nil)
	const browser = "Accept: text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"
	for _, c := range []struct {
		query, accept string
		status        int
	}{
		{"", "", 200}, {"", "Accept: */*", 200}, {"", "Accept: application/json", 200}, {"", browser, 307}, {"", "Accept: text/html", 307},
		{"", "Accept: text/html;q=0.5, application/json", 200}, {"", "Accept: text/html;q=0", 200}, {"", "Accept: text/*, application/json;q=0.1", 200},
		{"", "Accept: text/html, application/json", 200}, {"?redirect=1", "", 307}, {"?redirect=1", "Accept: application/json", 307},
		{"?redirect=0", browser, 200}, {"", "Accept: text/html;q=nonsense", 200}, {"?explain=1", "Accept: */*", 200},
	} {
		sep := "?"
		if c.query != "" {
			sep = "&"
		}
		r := x.do("GET", "/v1/resolve/ndt/one"+c.query+sep+"lat=50&lon=8", "", c.accept).want(c.status)
		if c.status != 307 {
			continue
		}
		if r.header.Get("Location") != "https://fra.example/x" || r.header.Get("Vary") != "Accept, Gazetteer-Session" || r.header.Get("Cache-Control") != "private, max-age=30" ||
			r.header.Get("Link") != `<https://ams.example/x>; rel=duplicate; pri=1; geo=nl, <http://nyc.example/x>; rel=duplicate; pri=2; geo=us` {
			t.Errorf("%v", r.header)
		}
	}
	x.do("PUT", "/v1/types/msak/resources/one", threeLocations).want(201)
	x.do("GET", "/v1/resolve/msak/one", "", browser).want(200)
	x.do("GET", "/v1/resolve/msak/one?redirect=1", "").problem(problem.RedirectRefused)
	x.do("GET", "/v1/resolve/ndt/one?redirect=1&filter=country%3DXX", "").problem(problem.NoLocation)
	x.do("GET", "/v1/resolve/ndt/one?filter=country%3DXX", "", browser).want(200)
}

// TestNoOpenRedirect has locations that a header, a Link or a lenient browser could take
// for something else. Those that may be stored are given out as data only.
func TestNoOpenRedirect(t *testing.T) {
	x := start(t, nil)
	for _, url := range []string{
		"//evil.example", `\\evil.example`, `https:\\evil.example`, "javascript:alert(1)", "data:text/html,x", "https://user@evil.example", "https://user:pw@evil.example/",
		"https://good.example\r\nSet-Cookie: a=b", "https://good.example/\tx", "https://good.example/ x", "https://exämple.example/", "https://good.example/<script>",
		`https://good.example/">`, "https:evil.example", "https:///path", "http://", "https://?x", "ftp://good.example/x", "HTTPS:good", "https://good.example/\x7f", "https://good.example/`x`",
		"https://[::1", "https://good.example:port/", "https://good.example/%zz", "mailto:a@b", "https://good.example/{x}|y",
	} {
		if redirectable(url) {
			t.Errorf("%q may be redirected to", url)
		}
		body, _ := json.Marshal(map[string]any{"locations": []map[string]string{{"id": "bad", "url": url}}})
		put := x.do("PUT", "/v1/types/ndt/resources/bad", string(body))
		if put.status >= 300 {
			continue // the region refuses it altogether
		}
		x.do("GET", "/v1/resolve/ndt/bad?redirect=1", "").problem(problem.NoLocation)
		if r := x.do("GET", "/v1/resolve/ndt/bad", "", "Accept: text/html").want(200); r.header.Get("Location") != "" {
			t.Errorf("%q is redirected to %q", url, r.header.Get("Location"))
		}
	}
	for _, url := range []string{"https://good.example", "http://good.example:8080/a?b=c&d=%20#e", "https://[2001:db8::1]/x", "HTTPS://GOOD.example/~a", "https://xn--exmple-cua.example/"} {
		if !redirectable(url) {
			t.Errorf("%q may not be redirected to", url)
		}
	}
}

func TestRedirectNamesFewDuplicates(t *testing.T) {
	x := start(t, nil)
	var locations []string
	for i := range 30 {
		locations = append(locations, `{"id":"`+strings.Repeat("i", i+1)+`","url":"https://good.example/`+strings.Repeat("x", 100)+`"}`)
	}
	x.do("PUT", "/v1/types/ndt/resources/many", `{"locations":[`+strings.Join(locations, ",")+`]}`).want(201)
	r := x.do("GET", "/v1/resolve/ndt/many?redirect=1&limit=30", "").want(307)
	if n := strings.Count(r.header.Get("Link"), "rel=duplicate"); n != linksMax {
		t.Errorf("%d links", n)
	}
}

// FuzzRedirectable holds that the short way says yes only where the strict one does, and
// that what may be redirected to is http or https to a host and nothing else.
func FuzzRedirectable(f *testing.F) {
	for _, s := range []string{"https://a.example/b-c/9", "http://a", "http:///a", "https://.", "https://-/..//", "HTTPS://a", "https://a:80/", "//evil", `https:\\evil`, "https://a@b", "https://a/%2e"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		if plainURL(s) && !strictURL(s) {
			t.Fatalf("%q is taken for plain", s)
		}
		if !redirectable(s) {
			return
		}
		u, err := url.Parse(s)
		if err != nil || (u.Scheme != "http" && u.Scheme != "https") || u.Hostname() == "" || u.User != nil || strings.ContainsAny(s, " \\\r\n\t<>\"") {
			t.Fatalf("%q may be redirected to: %v", s, err)
		}
	})
}
