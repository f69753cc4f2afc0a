package router

import (
	"context"
	"crypto/rand"
	"log/slog"
	"net/http"
	"net/http/httputil"
	"net/netip"
	"sync"
	"sync/atomic"
	"time"

	"gazetteer"
)

// Config says what a router is made of. Source, Order and Client are required.
type Config struct {
	Source Source
	Order  Order
	// Client returns whose request it is: of what other proxies say only that of trusted
	// ones counts. Invalid: hidden.
	Client func(*http.Request) netip.Addr
	// Name is what explanations call this router; "router" if it is empty.
	Name string
	// Every is how often the directory is read and each server is checked: 1 s if it is
	// 0. A region that is silent or draining has no clients any more after that and
	// [askPatience] together.
	Every time.Duration
	// InFlight is how many requests are under way at once at most: 4096 if it is 0. Those
	// beyond get 503 at once: a queue would hide the overload.
	InFlight int
	// StreamIdle ends a request that sends nothing for so long, or takes nothing: 30 s if
	// it is 0.
	StreamIdle time.Duration
	Log        *slog.Logger // nil: none
}

func (c *Config) complete() error {
	switch {
	case c.Source == nil:
		return invalid("Source", "is required")
	case c.Order == nil:
		return invalid("Order", "is required")
	case c.Client == nil:
		return invalid("Client", "is required")
	}
	if c.Name == "" {
		c.Name = "router"
	}
	if c.Every == 0 {
		c.Every = time.Second
	}
	if c.InFlight == 0 {
		c.InFlight = 4096
	}
	if c.StreamIdle == 0 {
		c.StreamIdle = 30 * time.Second
	}
	if c.Log == nil {
		c.Log = slog.New(slog.DiscardHandler)
	}
	return nil
}

// Router forwards requests. [Router.Run] keeps its knowledge of the planet fresh.
type Router struct {
	Config
	via       string // what it calls itself to other proxies: nobody else has this name
	transport http.RoundTripper
	patience  time.Duration // firstPatience
	proxy     *httputil.ReverseProxy
	started   time.Time
	places    chan struct{} // one for each request under way
	count     counters
	draining  atomic.Bool

	mu     sync.Mutex // guards all below
	chart  chart
	budget budget
	err    error // why the directory could not be read last time
}

// New makes a router that knows of no region yet.
func New(c Config) (*Router, error) {
	if err := c.complete(); err != nil {
		return nil, err
	}
	r := &Router{Config: c, via: "gazetteer-" + rand.Text(), transport: newTransport(), patience: firstPatience, started: time.Now(), places: make(chan struct{}, c.InFlight)}
	r.budget = newBudget(0)
	r.proxy = &httputil.ReverseProxy{
		Rewrite: r.rewrite, Transport: carrier{r}, ModifyResponse: r.answered, ErrorHandler: r.failed,
		ErrorLog: slog.NewLogLogger(c.Log.Handler(), slog.LevelDebug),
	}
	return r, nil
}

func (r *Router) now() time.Duration { return time.Since(r.started) }

// Drain makes /readyz fail, so that load balancers send clients elsewhere while requests
// are still answered. Each connection ends with its next answer: none is left that breaks
// when the process ends.
func (r *Router) Drain() { r.draining.Store(true) }

// Close closes the connections that are idle.
func (r *Router) Close() {
	if t, ok := r.transport.(*http.Transport); ok {
		t.CloseIdleConnections()
	}
}

// ServeHTTP implements http.Handler.
func (r *Router) ServeHTTP(w http.ResponseWriter, q *http.Request) {
	if r.draining.Load() {
		w.Header().Set("Connection", "close")
	}
	if own := r.own(q.URL.Path); own != nil {
		own(w, q)
		return
	}
	r.count.requests.Add(1)
	if err := r.serve(w, q); err != nil {
		refuse(w, q, err)
	}
}

func (r *Router) serve(w http.ResponseWriter, q *http.Request) error {
	route, err := readRoute(q)
	if err != nil {
		return err
	}
	if r.isOurs(q.Header) {
		return fail(gazetteer.Invalid, "the request came back to this router: the address of a regional server in the directory is that of a router")
	}
	targets := r.choose(r.Client(q), route.pinned)
	switch {
	case len(targets) == 0:
		return fail(gazetteer.Unavailable, "this router knows of no region yet")
	case route.redirect:
		r.count.redirects.Add(1)
		return redirect(w, q, targets[0])
	}
	select {
	case r.places <- struct{}{}:
		defer func() { <-r.places }()
	default:
		r.count.refused.Add(1)
		return overloaded()
	}
	r.forward(w, q, targets)
	return nil
}

// attempts is how many regions a request is sent to at most.
const attempts = 2

func (r *Router) choose(client netip.Addr, pinned gazetteer.RegionID) []target {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.budget.earn(r.now())
	return r.chart.choose(r.Order(client, r.chart.regions), pinned, attempts)
}

func (r *Router) mayRetry() bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.budget.spend()
}

func (r *Router) refused(url string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.chart.refused(url)
}

// journey is one request on its way.
type journey struct {
	targets   []target
	started   time.Time
	explain   bool
	lost      *target // the first one, if it gave no answer that could be used
	lostAfter time.Duration
	body      *onceBody
}

type journeyKey struct{}

func (r *Router) forward(w http.ResponseWriter, q *http.Request, targets []target) {
	j := &journey{targets: targets, started: time.Now(), explain: q.URL.Query().Get("explain") != ""}
	q = q.WithContext(context.WithValue(q.Context(), journeyKey{}, j))
	out := http.NewResponseController(w)
	if q.Body != nil && q.ContentLength != 0 {
		j.body = &onceBody{body: q.Body, idle: r.StreamIdle, conn: out}
		q.Body = j.body
		defer j.body.end()
		_ = out.EnableFullDuplex() // an answer may begin before its request ends; HTTP/2 is so anyway
	}
	r.proxy.ServeHTTP(&patientWriter{w, out, r.StreamIdle}, q)
}
