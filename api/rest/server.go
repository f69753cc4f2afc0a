package rest

import (
	"log/slog"
	"net"
	"net/http"
	"net/netip"
	"sync"
	"time"
)

// Time-outs of a server. They bound what a client can hold by being slow: a connection,
// a goroutine, a place among the requests worked on. Streams move their own deadlines.
const (
	headerTimeout = 5 * time.Second
	readTimeout   = 15 * time.Second
	writeTimeout  = 30 * time.Second
	idleTimeout   = 60 * time.Second
	headerBytes   = 64 << 10 // a cursor of a watch may be long
	streamsMax    = 100      // at once on one HTTP/2 connection
)

// Server returns an HTTP server for a handler, to be started by Serve or ServeTLS and
// ended by [Handler.Drain], then Shutdown.
func Server(addr string, h *Handler) *http.Server {
	conns := &connLimit{most: h.limits.ConnsPerAddress, exempt: h.proxies, held: map[netip.Addr]int{}}
	return &http.Server{
		Addr:              addr,
		Handler:           h,
		ReadHeaderTimeout: headerTimeout,
		ReadTimeout:       readTimeout,
		WriteTimeout:      writeTimeout,
		IdleTimeout:       idleTimeout,
		MaxHeaderBytes:    headerBytes,
		HTTP2:             &http.HTTP2Config{MaxConcurrentStreams: streamsMax},
		ConnState:         conns.changed,
		ErrorLog:          slog.NewLogLogger(h.log.Handler(), slog.LevelDebug),
	}
}

// A connLimit bounds the connections of one peer address. One beyond it is closed before
// a byte of it is read.
type connLimit struct {
	most   int
	exempt proxies

	mu   sync.Mutex // guards following
	held map[netip.Addr]int
}

func (l *connLimit) changed(c net.Conn, s http.ConnState) {
	if s != http.StateNew && s != http.StateClosed && s != http.StateHijacked {
		return
	}
	if p, ok := c.(interface{ Raw() net.Conn }); ok {
		c = p.Raw() // a proxy's: whom it names is read later, by the connection's own goroutine
	}
	peer, err := netip.ParseAddrPort(c.RemoteAddr().String())
	a := peer.Addr().Unmap()
	if err != nil || l.exempt.trusts(a) {
		return
	}
	if s == http.StateNew {
		l.opened(a, c)
		return
	}
	l.closed(a)
}

func (l *connLimit) opened(a netip.Addr, c net.Conn) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.held[a]++; l.held[a] > l.most {
		_ = c.Close() // its end is reported as for all others
	}
}

func (l *connLimit) closed(a netip.Addr) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.held[a]--; l.held[a] <= 0 {
		delete(l.held, a)
	}
}
