package dns

import (
	"context"
	"errors"
	"fmt"
	"net"
	"sync"
	"sync/atomic"
	"time"

	"gazetteer"
)

// Server is the DNS face of one process.
type Server struct {
	Config
	zone    *zone
	cache   *cache
	limiter *limiter // nil: no bound
	began   time.Time
	planet  atomic.Pointer[planet]
	count   counters
}

// New returns a server. It answers from [Server.Serve] on.
func New(c Config) (*Server, error) {
	if err := c.complete(); err != nil {
		return nil, err
	}
	z, err := newZone(&c)
	if err != nil {
		return nil, err
	}
	s := &Server{Config: c, zone: z, cache: newCache(), limiter: newLimiter(c.Rate, c.Slip), began: c.Now()}
	s.look()
	return s, nil
}

// Sockets are where a server answers.
type Sockets struct {
	UDP *net.UDPConn
	TCP *net.TCPListener
}

// Addr returns the address of both.
func (s *Sockets) Addr() string { return s.TCP.Addr().String() }

// Close closes both.
func (s *Sockets) Close() error { return errors.Join(s.UDP.Close(), s.TCP.Close()) }

// portTries is how often a free port is looked for that is free for both transports.
const portTries = 10

// Listen opens UDP and TCP at one HOST:PORT. Port 0 becomes one that is free for both.
func Listen(ctx context.Context, addr string) (*Sockets, error) {
	var err error
	for range portTries {
		var s *Sockets
		if s, err = listenOnce(ctx, addr); err == nil {
			return s, nil
		}
		if _, port, also := net.SplitHostPort(addr); also != nil || port != "0" {
			break
		}
	}
	return nil, &gazetteer.Error{Op: "dns.Listen", Kind: gazetteer.Invalid, Err: err, Detail: fmt.Sprintf("cannot listen on %s over UDP and TCP", addr)}
}

func listenOnce(ctx context.Context, addr string) (*Sockets, error) {
	var c net.ListenConfig
	l, err := c.Listen(ctx, "tcp", addr)
	if err != nil {
		return nil, err
	}
	p, err := c.ListenPacket(ctx, "udp", l.Addr().String())
	if err != nil {
		return nil, errors.Join(err, l.Close())
	}
	return &Sockets{UDP: p.(*net.UDPConn), TCP: l.(*net.TCPListener)}, nil
}

// Serve answers at the sockets until ctx ends, which closes them, or one of them fails.
func (s *Server) Serve(ctx context.Context, at *Sockets) error {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	var parts sync.WaitGroup
	parts.Go(func() { s.watch(ctx) })
	parts.Go(func() { cancel(s.serveUDP(ctx, at.UDP)) })
	parts.Go(func() { cancel(s.serveTCP(ctx, at.TCP)) })
	<-ctx.Done()
	closed := at.Close()
	parts.Wait()
	if err := context.Cause(ctx); err != nil && !errors.Is(err, context.Canceled) {
		return &gazetteer.Error{Op: "dns.Serve", Kind: gazetteer.Internal, Err: err, Detail: "a socket failed"}
	}
	return closed
}
