package rest

import (
	"net"
	"net/http"
	"net/netip"
)

// ClientOf returns what tells whose request one is, when only these proxies are believed;
// the address is invalid if one of them hides it. Other faces use it, so that all agree.
func ClientOf(trusted []netip.Prefix) func(*http.Request) netip.Addr { return proxies(trusted).client }

// LimitConns returns a hook for [http.Server.ConnState] that closes connections of one
// peer beyond so many, before a byte of them is read. Exempt peers may have any number.
func LimitConns(most int, exempt []netip.Prefix) func(net.Conn, http.ConnState) {
	return (&connLimit{most: most, exempt: exempt, held: map[netip.Addr]int{}}).changed
}
