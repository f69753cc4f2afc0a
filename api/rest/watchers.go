package rest

import (
	"net/netip"
	"sync"
)

// watchers counts the watches of each client address.
type watchers struct {
	most int

	mu   sync.Mutex // guards following
	held map[netip.Prefix]int
}

// source is whose watches are counted together: an IPv4 address, or a /64 of IPv6.
func source(a netip.Addr) netip.Prefix {
	bits := a.BitLen()
	if a.Is6() {
		bits = 64
	}
	p, _ := a.Prefix(bits) // an invalid address has none: all of those count as one
	return p
}

func (w *watchers) enter(p netip.Prefix) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.held[p] >= w.most {
		return false
	}
	w.held[p]++
	return true
}

func (w *watchers) leave(p netip.Prefix) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.held[p]--; w.held[p] == 0 {
		delete(w.held, p)
	}
}
