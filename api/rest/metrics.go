package rest

import (
	"net/http"
	"strings"
	"sync"
	"time"

	"github.com/gin-gonic/gin"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"gazetteer"
	"gazetteer/region/geo"
)

// metrics are what /metrics shows. Labels come from bounded sets only: routes, classes
// of status, types that exist; never ids, addresses or what else a client can invent.
type metrics struct {
	serve    http.Handler
	requests *prometheus.CounterVec
	lookups  *prometheus.CounterVec
	seconds  prometheus.Histogram
	places   *prometheus.CounterVec
	imported prometheus.Counter
	exported prometheus.Counter
	panics   prometheus.Counter
	regrets  *regrets

	region  string
	methods map[geo.Method]prometheus.Counter // read only
	byType  sync.Map                          // gazetteer.Type -> *typeCounters
}

// typeCounters count the lookups of one type. They spare a search by labels per lookup.
type typeCounters struct{ answered, empty, redirected prometheus.Counter }

// resolveBuckets are seconds: a lookup in one process takes tens of microseconds.
func resolveBuckets() []float64 {
	return []float64{25e-6, 50e-6, 100e-6, 250e-6, 500e-6, 1e-3, 2.5e-3, 5e-3, 10e-3, 25e-3, 50e-3, 0.1, 0.25, 0.5, 1, 2.5}
}

func newMetrics(h *Handler, c *Config) *metrics {
	m := &metrics{region: string(h.region), methods: map[geo.Method]prometheus.Counter{}}
	m.requests = counters("gazetteer_http_requests_total", "Requests by route and class of status.", "method", "route", "code")
	m.lookups = counters("gazetteer_resolve_requests_total", "Lookups by what became of them.", "type", "region", "outcome", "protocol")
	m.places = counters("gazetteer_client_location_total", "Lookups by how their client was placed.", "method")
	m.seconds = prometheus.NewHistogram(prometheus.HistogramOpts{
		Name: "gazetteer_resolve_duration_seconds", Help: "Time a lookup took in this server.", Buckets: resolveBuckets(),
	})
	m.imported = counter("gazetteer_import_lines_total", "Lines of imports that were stored.")
	m.exported = counter("gazetteer_export_lines_total", "Lines of exports that were sent.")
	m.panics = counter("gazetteer_http_panics_total", "Requests that ended in a panic.")
	for _, how := range []geo.Method{geo.StatedPoint, geo.StatedCountry, geo.StatedIP, geo.OperatorNetwork, geo.GeoIPCity, geo.GeoIPCountry, geo.DefaultPlace, geo.Unknown} {
		m.methods[how] = m.places.WithLabelValues(string(how))
	}
	m.regrets = newRegrets()
	m.register(h, c)
	return m
}

func counters(name, help string, labels ...string) *prometheus.CounterVec {
	return prometheus.NewCounterVec(prometheus.CounterOpts{Name: name, Help: help}, labels)
}

func counter(name, help string) prometheus.Counter {
	return prometheus.NewCounter(prometheus.CounterOpts{Name: name, Help: help})
}

func (m *metrics) register(h *Handler, c *Config) {
	info := prometheus.NewGauge(prometheus.GaugeOpts{
		Name: "gazetteer_build_info", Help: "Always 1; the labels say what runs.",
		ConstLabels: prometheus.Labels{"version": c.Version, "region": m.region, "node": string(h.node)},
	})
	info.Set(1)
	r := prometheus.NewRegistry()
	r.MustRegister(info, m.requests, m.lookups, m.seconds, m.places, m.imported, m.exported, m.panics, m.regrets.rank, m.regrets.seconds,
		collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}),
		&regionCollector{h.regional, c.Samples})
	m.serve = promhttp.HandlerFor(r, promhttp.HandlerOpts{ErrorHandling: promhttp.ContinueOnError, MaxRequestsInFlight: 4})
}

func (h *Handler) scrape(c *gin.Context) error {
	c.Writer.Header()["X-Content-Type-Options"] = h.headers.nosniff
	h.metrics.serve.ServeHTTP(c.Writer, c.Request)
	return nil
}

// routeCounters count a route's requests by the first digit of their status.
type routeCounters [6]prometheus.Counter

func (r *routeCounters) count(status int) {
	if class := status / 100; class >= 0 && class < len(r) && r[class] != nil {
		r[class].Inc()
	}
}

func (m *metrics) route(rt route) *routeCounters {
	var r routeCounters
	name := strings.ReplaceAll(rt.path, `\`, "")
	for class, code := range map[int]string{2: "2xx", 3: "3xx", 4: "4xx", 5: "5xx"} {
		r[class] = m.requests.WithLabelValues(rt.method, name, code)
	}
	return &r
}

// resolved counts one lookup.
func (m *metrics) resolved(l *lookup, err error, took time.Duration) {
	m.seconds.Observe(took.Seconds())
	if err != nil {
		m.failed(err)
		return
	}
	t := m.of(l.query.Key.Type)
	switch {
	case l.redirected:
		t.redirected.Inc()
	case len(l.answer.Candidates) == 0:
		t.empty.Inc()
	default:
		t.answered.Inc()
	}
	if c := m.methods[l.answer.Client.Method]; c != nil {
		c.Inc()
	}
}

// failed counts a lookup under no type: a client may name any.
func (m *metrics) failed(err error) {
	outcome := "error"
	switch gazetteer.KindOf(err) {
	case gazetteer.NotFound:
		outcome = "not_found"
	case gazetteer.Invalid, gazetteer.Unprocessable, gazetteer.WrongOwner:
		outcome = "refused"
	}
	m.lookups.WithLabelValues("", m.region, outcome, "http").Inc()
}

// of returns the counters of a type that has answered, and so exists.
func (m *metrics) of(t gazetteer.Type) *typeCounters {
	if c, ok := m.byType.Load(t); ok {
		return c.(*typeCounters)
	}
	of := func(outcome string) prometheus.Counter {
		return m.lookups.WithLabelValues(string(t), m.region, outcome, "http")
	}
	c, _ := m.byType.LoadOrStore(gazetteer.Type(strings.Clone(string(t))), &typeCounters{of("answered"), of("empty"), of("redirected")})
	return c.(*typeCounters)
}
