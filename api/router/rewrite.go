package router

import (
	"net/http"
	"net/http/httputil"
	"net/netip"
	"slices"
	"strings"
)

// claims are headers by which strangers say who they are or where they came from, beside
// those that httputil.ReverseProxy takes out. None of them goes on.
var claims = [...]string{"X-Real-Ip", "True-Client-Ip", "Cf-Connecting-Ip", "X-Forwarded-Port", "X-Forwarded-Prefix", "X-Original-Url", "X-Rewrite-Url"}

// rewrite makes the request that goes on: it says who the client is, by Forwarded alone
// (RFC 7239), and that it came through here (RFC 9110, section 7.6.3). Path, query and
// Host stay as they were sent: the regional server judges them.
func (r *Router) rewrite(p *httputil.ProxyRequest) {
	out := p.Out
	out.URL.Scheme, out.URL.Host = "http", "region" // until the carrier knows better
	out.URL.RawQuery = p.In.URL.RawQuery
	out.Host = p.In.Host
	for _, name := range claims {
		out.Header.Del(name)
	}
	out.Header.Set("Forwarded", forwarded(r.Client(p.In), p.In))
	out.Header.Add("Via", strings.TrimPrefix(p.In.Proto, "HTTP/")+" "+r.via)
}

// forwarded is the one element that a regional server has to believe.
func forwarded(client netip.Addr, q *http.Request) string {
	who := "unknown"
	switch {
	case client.Is4():
		who = client.String()
	case client.IsValid():
		who = `"[` + client.WithZone("").String() + `]"`
	}
	proto := "http"
	if q.TLS != nil {
		proto = "https"
	}
	return "for=" + who + ";proto=" + proto
}

// isOurs reports whether a request has been here before.
func (r *Router) isOurs(h http.Header) bool {
	return slices.ContainsFunc(h["Via"], func(v string) bool { return strings.Contains(v, r.via) })
}
