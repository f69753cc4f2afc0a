package main

import (
	"cmp"
	"context"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/netip"
	"slices"
	"time"

	"gazetteer/api/rest"
	"gazetteer/api/router"
	"gazetteer/api/web"
	"gazetteer/region"
	"gazetteer/region/geo"
)

// Limits of a router. Between the parts of a body and of an answer it has time-outs of
// its own: these are for all that is neither.
const (
	routerHeaderTimeout = 5 * time.Second
	routerWriteTimeout  = time.Minute
	routerIdleTimeout   = time.Minute
	routerHeaderBytes   = 16 << 10
	routerConns         = 200 // of one address
)

// route runs a router until ctx ends. It is no part of a region, and keeps nothing.
func (a *app) route(ctx context.Context, f serverFlags) error {
	if err := f.checkRouter(); err != nil {
		return err
	}
	if err := checkProxied(f.proxyProtocol, f.proxies); err != nil {
		return err
	}
	proxies, err := parseNetworks(f.proxies)
	if err != nil {
		return err
	}
	locator, err := f.locator.open(nil)
	if err != nil {
		return err
	}
	directory, err := router.NewDirectory(f.upstream)
	if err != nil {
		return err
	}
	log := slog.New(slog.NewTextHandler(a.err, nil))
	r, err := router.New(router.Config{
		Source: directory.Regions, Order: router.Nearest(locator), Client: rest.ClientOf(proxies), Name: f.node, Log: log,
	})
	if err != nil {
		return err
	}
	l, err := listen(ctx, "--http", cmp.Or(f.http, defaultHTTP), f.insecure)
	if err != nil {
		return err
	}
	l = proxied(l, f.proxyProtocol, proxies)
	page, err := web.New()
	if err != nil {
		return err
	}
	s := &routerService{router: r, page: page, web: l, proxies: proxies, lameDuck: f.lameDuck, locator: locator, log: log}
	fmt.Fprintf(a.err, "gazetteer: router serves http://%s\n", l.Addr())
	return s.run(ctx)
}

// checkRouter refuses flags that make no sense for a router.
func (f *serverFlags) checkRouter() error {
	switch {
	case f.roles != string(region.RoleRouter):
		return usage("--upstream is for a process with --roles router and no other role")
	case len(f.upstream) == 0:
		return usage("--upstream is missing: which regional servers does this router learn the planet from?")
	case f.plan != "" || f.region != "" || f.data != "" || f.peer != "" || len(f.join) > 0 || len(f.planet) > 0:
		return usage("a router belongs to no region and keeps nothing: --plan, --region, --join, --planet, --peer and --data do not go with it")
	}
	return nil
}

// routerService is a router with its HTTP face.
type routerService struct {
	router   *router.Router
	page     *web.Page
	web      net.Listener
	proxies  []netip.Prefix
	lameDuck time.Duration
	locator  *geo.Locator
	log      *slog.Logger
}

func (s *routerService) run(ctx context.Context) error {
	work, stop := context.WithCancel(context.WithoutCancel(ctx)) // it goes on while the duck is lame
	defer stop()
	ran := make(chan struct{})
	go func() {
		defer close(ran)
		s.router.Run(work)
	}()
	(&service{parts: parts{locator: s.locator, log: s.log}}).watchFiles(work)
	server := s.server()
	failed := make(chan error, 1)
	go func() { failed <- server.Serve(s.web) }()
	var err error
	select {
	case err = <-failed:
	case <-ctx.Done():
		s.router.Drain()
		err = shutdown(ctx, server, s.lameDuck)
	}
	stop()
	<-ran
	s.router.Close()
	return err
}

func (s *routerService) server() *http.Server {
	return &http.Server{
		Handler:           s.page.Before(s.router),
		ReadHeaderTimeout: routerHeaderTimeout,
		WriteTimeout:      routerWriteTimeout,
		IdleTimeout:       routerIdleTimeout,
		MaxHeaderBytes:    routerHeaderBytes,
		ConnState:         rest.LimitConns(routerConns, s.proxies),
		ErrorLog:          slog.NewLogLogger(s.log.Handler(), slog.LevelDebug),
	}
}

// signpost stands in front of the REST face of a process that is a router, too.
func (s *service) signpost(m *member, h http.Handler) http.Handler {
	server, ok := m.node.Regional().(*region.Server)
	if !ok || !slices.Contains(m.agreed().Roles(m.self.Name), region.RoleRouter) {
		return h
	}
	return &router.Signpost{
		Choices: func(c *geo.Client) []region.Choice {
			_, choices := server.Order(nil, c)
			return choices
		},
		Client: rest.ClientOf(s.proxies), Next: h,
	}
}

// shutdown lets clients go elsewhere for a while, finishes what is under way and ends.
func shutdown(ctx context.Context, server *http.Server, lameDuck time.Duration) error {
	time.Sleep(lameDuck)
	finish, cancel := context.WithTimeout(context.WithoutCancel(ctx), finishWithin)
	defer cancel()
	if err := server.Shutdown(finish); err != nil {
		return server.Close()
	}
	return nil
}
