package rest

import (
	"context"
	"log/slog"
	"net/http"
	"net/netip"
	"runtime/debug"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/gin-gonic/gin"

	"gazetteer"
	"gazetteer/api/rest/problem"
	"gazetteer/region"
)

// Handler serves the API of one regional server.
type Handler struct {
	regional region.Regional
	operator region.Operator // nil: none
	region   gazetteer.RegionID
	node     gazetteer.NodeID
	engine   *gin.Engine
	proxies  proxies
	hosts    map[string]bool // nil: any
	origins  *http.CrossOriginProtection
	base     string
	limits   Limits
	rate     *rateLimit // nil: none
	reports  *rateLimit // of measurements, by source network
	version  string
	openapi  []byte
	log      *slog.Logger
	metrics  *metrics
	headers  headers
	lookups  sync.Pool    // of *lookup
	buffers  sync.Pool    // of *buffer
	arriving atomic.Int64 // bytes of bodies that are on their way
	started  time.Time
	draining atomic.Bool
	watchers watchers
	latest   planetLook
	serving  context.Context // ends with the streams, when the server does
	endFlows context.CancelFunc
}

// New makes the handler.
func New(c Config) (*Handler, error) {
	if err := c.validate(); err != nil {
		return nil, err
	}
	h := &Handler{
		regional: c.Regional, operator: c.Operator, proxies: c.TrustedProxies, base: strings.TrimSuffix(c.Base, "/"), limits: c.Limits.withDefaults(),
		log: c.Log, version: c.Version, openapi: []byte(openAPIText), started: time.Now(), origins: http.NewCrossOriginProtection(),
	}
	h.region, h.node = c.Regional.Name()
	h.watchers = watchers{most: h.limits.WatchesPerAddress, held: map[netip.Prefix]int{}}
	h.serving, h.endFlows = context.WithCancel(context.Background())
	h.headers.fill(h.region)
	if h.log == nil {
		h.log = slog.New(slog.DiscardHandler)
	}
	for _, o := range c.Origins {
		if err := h.origins.AddTrustedOrigin(o); err != nil {
			return nil, &gazetteer.Error{Op: "rest.New", Kind: gazetteer.Invalid, Pointer: "Origins", Err: err}
		}
	}
	for _, host := range c.Hosts {
		if h.hosts == nil {
			h.hosts = map[string]bool{}
		}
		h.hosts[strings.ToLower(host)] = true
	}
	if h.limits.PerAddress > 0 {
		h.rate = newRateLimit(h.limits.PerAddress, h.limits.Burst)
	}
	h.reports = newRateLimit(reportsPerSecond, reportsAtOnce)
	h.metrics = newMetrics(h, &c)
	h.engine = h.newEngine()
	return h, nil
}

// newEngine returns a gin engine that only routes: it neither redirects, nor cleans
// paths, nor believes any header.
func (h *Handler) newEngine() *gin.Engine {
	gin.SetMode(gin.ReleaseMode) // of the whole process: only this package knows gin
	e := gin.New(withoutGuessing)
	h.mount(e)
	e.NoRoute(func(c *gin.Context) { h.refuse(c.Writer, c.Request, unknownPath(c.Request)) })
	e.NoMethod(func(c *gin.Context) { h.refuse(c.Writer, c.Request, wrongMethod(c.Request)) })
	return e
}

func withoutGuessing(e *gin.Engine) {
	e.RedirectTrailingSlash = false
	e.RedirectFixedPath = false
	e.RemoveExtraSlash = false
	e.ForwardedByClientIP = false
	e.HandleMethodNotAllowed = true
	e.UseRawPath = true          // an encoded slash is part of an id
	e.UnescapePathValues = false // gin would read "+" as a space; see params
	e.ContextWithFallback = false
	_ = e.SetTrustedProxies(nil) // fails on malformed networks only
}

// ServeHTTP implements http.Handler.
func (h *Handler) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	defer h.recover(w, r)
	if h.draining.Load() {
		w.Header()["Connection"] = []string{"close"} // the next request may find nobody
	}
	if err := h.guard(r); err != nil {
		h.refuse(w, r, err)
		return
	}
	h.engine.ServeHTTP(w, r)
}

// guard refuses what no route should see: requests to a name that is not ours, and
// writes that a web page of another origin sends.
func (h *Handler) guard(r *http.Request) error {
	if h.hosts != nil && !h.hosts[hostOf(r.Host)] {
		return coded(problem.HostRefused, gazetteer.Denied, "Host", "send the request to a name that this server is configured for")
	}
	if err := h.origins.Check(r); err != nil {
		return coded(problem.CrossOrigin, gazetteer.Denied, "Origin", "only pages of the service's own origin may write")
	}
	return nil
}

func hostOf(host string) string {
	host = strings.ToLower(host)
	if strings.HasPrefix(host, "[") {
		name, _, _ := strings.Cut(host[1:], "]")
		return name
	}
	name, _, _ := strings.Cut(host, ":")
	return name
}

// recover turns a panic into a problem if nothing was sent yet, and breaks the
// connection otherwise, so that half an answer is not taken for a whole one.
func (h *Handler) recover(w http.ResponseWriter, r *http.Request) {
	v := recover()
	switch {
	case v == nil:
		return
	case v == http.ErrAbortHandler:
		panic(v)
	}
	h.log.Error("panic in a handler", "method", r.Method, "path", quoted(r.URL.EscapedPath()), "panic", v, "stack", string(debug.Stack()))
	h.metrics.panics.Inc()
	if w.Header().Get("Content-Type") != "" {
		panic(http.ErrAbortHandler)
	}
	h.refuse(w, r, &gazetteer.Error{Op: "rest.ServeHTTP", Kind: gazetteer.Internal})
}

// Drain makes /readyz fail, so that load balancers send clients elsewhere while requests
// are still answered. Each connection ends with its next answer: none is left that breaks
// when the process ends.
// Watches end at once: their clients go on elsewhere, from their last bookmark.
func (h *Handler) Drain() {
	h.draining.Store(true)
	h.endFlows()
}
