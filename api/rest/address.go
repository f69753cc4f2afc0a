package rest

import (
	"net/http"
	"net/netip"
	"strings"
)

// proxies are the networks whose word about a client's address is believed.
type proxies []netip.Prefix

func (p proxies) trusts(a netip.Addr) bool {
	for _, n := range p {
		if n.Contains(a) {
			return true
		}
	}
	return false
}

// client returns the address whose request it is: the peer's, unless the peer is a
// trusted proxy. Then the way is walked back from the peer, right to left, and the
// first address that is no trusted proxy is the client. What stands to the left of
// that, anybody may have written. It is invalid if a proxy hides it.
func (p proxies) client(r *http.Request) netip.Addr {
	peer, _ := netip.ParseAddrPort(r.RemoteAddr)
	a := peer.Addr().Unmap()
	if len(p) == 0 || !p.trusts(a) {
		return a
	}
	if way := r.Header["Forwarded"]; len(way) > 0 {
		return p.walk(a, way, forwardedFor)
	}
	return p.walk(a, r.Header["X-Forwarded-For"], hop)
}

// walk goes through the hops of header lines from the last to the first.
func (p proxies) walk(peer netip.Addr, lines []string, read func(string) netip.Addr) netip.Addr {
	a := peer
	for i := len(lines) - 1; i >= 0; i-- {
		for line, more := lines[i], true; more; {
			var last string
			last, line, more = cutLast(line, ',')
			if a = read(last); !a.IsValid() || !p.trusts(a) {
				return a
			}
		}
	}
	return a
}

// cutLast splits a list at its last separator outside of quotes.
func cutLast(s string, sep byte) (last, rest string, more bool) {
	within := false
	at := -1
	for i := range len(s) {
		switch {
		case s[i] == '"' && (i == 0 || s[i-1] != '\\'):
			within = !within
		case s[i] == sep && !within:
			at = i
		}
	}
	if at < 0 {
		return s, "", false
	}
	return s[at+1:], s[:at], true
}

// forwardedFor reads the address of one element of Forwarded (RFC 7239, section 4).
// "unknown" and obfuscated names are invalid.
func forwardedFor(element string) netip.Addr {
	for more := true; more; {
		var pair string
		pair, element, more = cutLast(element, ';')
		name, value, _ := strings.Cut(pair, "=")
		if strings.EqualFold(strings.TrimSpace(name), "for") {
			return hop(unquote(strings.TrimSpace(value)))
		}
	}
	return netip.Addr{}
}

// unquote returns what stands in quotes, or the text itself if there are none.
func unquote(s string) string {
	if len(s) >= 2 && s[0] == '"' && s[len(s)-1] == '"' {
		return s[1 : len(s)-1]
	}
	return s
}

// hop reads an address with or without a port, IPv6 with or without brackets. A zone is
// dropped: it means nothing here.
func hop(s string) netip.Addr {
	s = strings.TrimSpace(s)
	if a, err := netip.ParseAddr(s); err == nil {
		return a.Unmap().WithZone("")
	}
	if ap, err := netip.ParseAddrPort(s); err == nil {
		return ap.Addr().Unmap().WithZone("")
	}
	if inner, ok := strings.CutPrefix(s, "["); ok {
		a, _ := netip.ParseAddr(strings.TrimSuffix(inner, "]"))
		return a.Unmap().WithZone("")
	}
	return netip.Addr{}
}
