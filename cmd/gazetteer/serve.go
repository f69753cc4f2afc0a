package main

import (
	"context"
	"errors"
	"net"
	"net/http"
	"net/netip"
	"time"

	"gazetteer/api/rest"
	"gazetteer/api/web"
	"gazetteer/region/geo"
)

const (
	// finishWithin is how long requests under way may take at the end.
	finishWithin = 10 * time.Second
	// geoipEvery is how often the files that place clients are looked at.
	geoipEvery = 10 * time.Second
)

// service is a process with its REST face.
type service struct {
	parts
	web      net.Listener // nil: a node that is no regional server has no REST face
	proxies  []netip.Prefix
	lameDuck time.Duration
	names    *dnsFace                        // nil: no DNS face
	front    func(http.Handler) http.Handler // what stands before the REST face; nil for nothing
}

func (s *service) inFront(h http.Handler) http.Handler {
	if s.front == nil {
		return h
	}
	return s.front(h)
}

// run serves until ctx ends or a part fails. Once everything answers it calls up, which
// may take its time; an error of it ends the service.
func (s *service) run(ctx context.Context, up func(context.Context, *member) error) error {
	defer s.unlisten()
	m, err := compose(ctx, s.parts)
	if err != nil {
		return err
	}
	return errors.Join(s.serve(ctx, m, up), m.close())
}

// unlisten gives the addresses back, also if nobody came to serve them.
func (s *service) unlisten() {
	for _, l := range []net.Listener{s.web, s.peers} {
		if l != nil {
			_ = l.Close() // who serves it may have closed it
		}
	}
	s.names.close()
}

func (s *service) serve(ctx context.Context, m *member, up func(context.Context, *member) error) error {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	s.watchFiles(ctx)
	go func() {
		select {
		case err := <-m.failed:
			cancel(failure{err})
		case <-ctx.Done():
		}
	}()
	failed := func(err error) { cancel(failure{err}) }
	endNames, err := s.names.begin(m, failed)
	if err != nil {
		return err
	}
	face, err := s.open(m, failed)
	if err != nil {
		return errors.Join(err, endNames())
	}
	if err := up(ctx, m); err != nil && ctx.Err() == nil {
		cancel(failure{err})
	}
	<-ctx.Done()
	return errors.Join(face.close(ctx, s.lameDuck), endNames(), failureOf(ctx))
}

// failure is why a service ended that nobody had asked to end.
type failure struct{ error }

func failureOf(ctx context.Context) error {
	var f failure
	if errors.As(context.Cause(ctx), &f) {
		return f.error
	}
	return nil
}

func (s *service) logGeoIP(st geo.Status) {
	if st.Err != nil {
		s.log.Error("the GeoIP database was not taken; the old one stays", "reason", st.Err)
		return
	}
	s.log.Info("a new GeoIP database is in use", "type", st.Type, "built", st.Built.UTC().Format(time.DateOnly), "places", st.Places)
}

// face is the REST face of a running process.
type face struct {
	handler *rest.Handler
	server  *http.Server
}

func (s *service) open(m *member, failed func(error)) (*face, error) {
	if s.web == nil {
		return nil, nil
	}
	c := rest.Config{
		Regional: m.node.Regional(), TrustedProxies: s.proxies, Log: s.log, Samples: s.samples(m), Version: buildVersion(),
	}
	if m.planet != nil {
		c.Operator = m.planet.Operator()
	}
	h, err := rest.New(c)
	if err != nil {
		return nil, err
	}
	page, err := web.New()
	if err != nil {
		return nil, err
	}
	f := &face{h, rest.Server(s.web.Addr().String(), h)}
	f.server.Handler = s.inFront(page.Before(s.signpost(m, h)))
	go func() {
		if err := f.server.Serve(s.web); !errors.Is(err, http.ErrServerClosed) {
			failed(err)
		}
	}()
	return f, nil
}

// close lets clients go elsewhere, finishes what is under way and ends. A service that
// failed does not wait.
func (f *face) close(ctx context.Context, lameDuck time.Duration) error {
	if f == nil {
		return nil
	}
	f.handler.Drain()
	if failureOf(ctx) != nil {
		lameDuck = 0
	}
	return shutdown(ctx, f.server, lameDuck)
}
