package rest

import (
	"net/http"
	"net/netip"
	"strings"
	"testing"
)

func networks(t testing.TB, texts ...string) proxies {
	var p proxies
	for _, s := range texts {
		n, err := netip.ParsePrefix(s)
		if err != nil {
			t.Fatal(err)
		}
		p = append(p, n)
	}
	return p
}

func TestClientAddress(t *testing.T) {
	trusted := networks(t, "10.0.0.0/8", "2001:db8:1::/48", "127.0.0.0/8")
	for _, c := range []struct {
		peer, forwarded, xff, want string
	}{
		// Nobody to believe: headers mean nothing.
		{"192.0.2.1:5", "", "", "192.0.2.1"},
		{"192.0.2.1:5", "", "81.2.69.142", "192.0.2.1"},
		{"192.0.2.1:5", "for=81.2.69.142", "", "192.0.2.1"},
		{"[2001:db8:2::1]:5", "for=81.2.69.142", "81.2.69.142", "2001:db8:2::1"},
		{"[::ffff:192.0.2.1]:5", "", "81.2.69.142", "192.0.2.1"},
		// A proxy to believe, and what it says.
		{"10.1.1.1:5", "", "", "10.1.1.1"},
		{"10.1.1.1:5", "", "81.2.69.142", "81.2.69.142"},
		{"[::ffff:10.1.1.1]:5", "", "81.2.69.142", "81.2.69.142"},
		{"[2001:db8:1::1]:5", "", "81.2.69.142", "81.2.69.142"},
		{"10.1.1.1:5", "", "6.6.6.6, 81.2.69.142", "81.2.69.142"},
		{"10.1.1.1:5", "", "6.6.6.6, 81.2.69.142, 10.2.2.2", "81.2.69.142"},
		{"10.1.1.1:5", "", "10.9.9.9, 10.2.2.2", "10.9.9.9"},
		{"10.1.1.1:5", "", "6.6.6.6,81.2.69.142 ,10.2.2.2\n10.3.3.3", "81.2.69.142"},
		{"10.1.1.1:5", "", "6.6.6.6\n81.2.69.142", "81.2.69.142"},
		{"10.1.1.1:5", "", "81.2.69.142:1234", "81.2.69.142"},
		{"10.1.1.1:5", "", "[2a02:1::1]:443", "2a02:1::1"},
		{"10.1.1.1:5", "", "[2a02:1::1]", "2a02:1::1"},
		{"10.1.1.1:5", "", "2a02:1::1", "2a02:1::1"},
		{"10.1.1.1:5", "", "::ffff:81.2.69.142", "81.2.69.142"},
		{"10.1.1.1:5", "", "fe80::1%eth0", "fe80::1"},
		// What cannot be read ends the walk: to its left anybody may have written.
		{"10.1.1.1:5", "", "81.2.69.142, unknown", ""},
		{"10.1.1.1:5", "", "81.2.69.142, ", ""},
		{"10.1.1.1:5", "", "81.2.69.142, 999.1.1.1, 10.2.2.2", ""},
		{"10.1.1.1:5", "", "localhost", ""},
		{"10.1.1.1:5", "", "81.2.69.142; 6.6.6.6", ""},
		// RFC 7239; it comes before X-Forwarded-For.
		{"10.1.1.1:5", "for=81.2.69.142", "6.6.6.6", "81.2.69.142"},
		{"10.1.1.1:5", "For=81.2.69.142;proto=https;by=10.1.1.1", "", "81.2.69.142"},
		{"10.1.1.1:5", "proto=https; for=81.2.69.142", "", "81.2.69.142"},
		{"10.1.1.1:5", `for="81.2.69.142:80"`, "", "81.2.69.142"},
		{"10.1.1.1:5", `for="[2a02:1::1]:80"`, "", "2a02:1::1"},
		{"10.1.1.1:5", `for="[2a02:1::1]"`, "", "2a02:1::1"},
		{"10.1.1.1:5", "for=6.6.6.6, for=81.2.69.142, for=10.2.2.2", "", "81.2.69.142"},
		{"10.1.1.1:5", "for=6.6.6.6\nfor=81.2.69.142", "", "81.2.69.142"},
		{"10.1.1.1:5", "for=81.2.69.142, for=unknown", "", ""},
		{"10.1.1.1:5", "for=81.2.69.142, for=_hidden", "", ""},
		{"10.1.1.1:5", "for=81.2.69.142, proto=https", "", ""},
		{"10.1.1.1:5", `for=81.2.69.142;host="a,for=6.6.6.6"`, "", "81.2.69.142"},
		{"10.1.1.1:5", `for=81.2.69.142;host="a;for=6.6.6.6"`, "", "81.2.69.142"},
		{"10.1.1.1:5", `for=6.6.6.6, for="81.2.69.142`, "", ""},
		{"10.1.1.1:5", "garbage", "81.2.69.142", ""},
		{"@", "for=81.2.69.142", "", ""},
	} {
		r := &http.Request{RemoteAddr: c.peer, Header: http.Header{}}
		for _, h := range []struct{ name, value string }{{"Forwarded", c.forwarded}, {"X-Forwarded-For", c.xff}} {
			if h.value != "" {
				r.Header[h.name] = strings.Split(h.value, "\n")
			}
		}
		got := ""
		if a := trusted.client(r); a.IsValid() {
			got = a.String()
		}
		if got != c.want {
			t.Errorf("%s, Forwarded %q, X-Forwarded-For %q: %q, want %q", c.peer, c.forwarded, c.xff, got, c.want)
		}
		var nobody proxies
		peer, _ := netip.ParseAddrPort(c.peer)
		if a := nobody.client(r); a != peer.Addr().Unmap() {
			t.Errorf("without trusted proxies %s is %v", c.peer, a)
		}
	}
}

func FuzzClientAddress(f *testing.F) {
	f.Add("for=81.2.69.142;proto=https, for=\"[2a02:1::1]:80\"", "1.2.3.4, 5.6.7.8")
	f.Add(`for="a\",b`, ",,,")
	trusted := networks(f, "10.0.0.0/8")
	f.Fuzz(func(t *testing.T, forwarded, xff string) {
		r := &http.Request{RemoteAddr: "10.0.0.1:1", Header: http.Header{"X-Forwarded-For": {xff}}}
		if forwarded != "" {
			r.Header["Forwarded"] = []string{forwarded}
		}
		trusted.client(r)
		r.RemoteAddr = "192.0.2.1:1"
		if a := trusted.client(r); a != netip.MustParseAddr("192.0.2.1") {
			t.Fatalf("a stranger's headers made it %v", a)
		}
	})
}
