package router

import (
	"encoding/json"
	"fmt"
	"net/http"
	"sync/atomic"
)

// counters count what a router did since it started.
type counters struct{ requests, retries, redirects, refused, failures atomic.Uint64 }

// own returns what answers a path that is the router's own; nil for all others.
func (r *Router) own(path string) http.HandlerFunc {
	switch path {
	case "/livez":
		return func(w http.ResponseWriter, _ *http.Request) { answer(w, http.StatusOK, map[string]bool{"live": true}) }
	case "/readyz":
		return r.ready
	case "/metrics":
		return r.metrics
	}
	return nil
}

// readiness is the body of /readyz, as a regional server's.
type readiness struct {
	Ready    bool    `json:"ready"`
	Draining bool    `json:"draining,omitempty"`
	Checks   []check `json:"checks"`
}

type check struct {
	Name   string `json:"name"`
	OK     bool   `json:"ok"`
	Detail string `json:"detail"`
}

// ready answers 200 while there is a region to send clients to.
func (r *Router) ready(w http.ResponseWriter, _ *http.Request) {
	r.mu.Lock()
	willing, all, err := r.chart.willingCount(), len(r.chart.areas), r.err
	r.mu.Unlock()
	directory := check{"directory", true, "read"}
	if err != nil {
		// What was known last is good enough to go on with.
		directory = check{"directory", all > 0, "not read, the last known regions stay: " + err.Error()}
	}
	state := readiness{Draining: r.draining.Load(), Checks: []check{
		{"regions", willing > 0, fmt.Sprintf("%d of %d take clients", willing, all)}, directory,
	}}
	state.Ready = willing > 0 && !state.Draining
	status := http.StatusOK
	if !state.Ready {
		status = http.StatusServiceUnavailable
	}
	answer(w, status, state)
}

func answer(w http.ResponseWriter, status int, v any) {
	body, err := json.Marshal(v)
	if err != nil {
		status = http.StatusInternalServerError
	}
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Cache-Control", "no-store")
	w.WriteHeader(status)
	_, _ = w.Write(body) // who went away needs no answer
}

// metrics answers in the text format of Prometheus.
func (r *Router) metrics(w http.ResponseWriter, _ *http.Request) {
	r.mu.Lock()
	willing, all := r.chart.willingCount(), len(r.chart.areas)
	r.mu.Unlock()
	c := &r.count
	w.Header().Set("Content-Type", "text/plain; version=0.0.4; charset=utf-8")
	for _, m := range []struct {
		name, kind, help string
		value            uint64
	}{
		{"requests_total", "counter", "Requests that came.", c.requests.Load()},
		{"retries_total", "counter", "Requests that were sent to a second region.", c.retries.Load()},
		{"redirects_total", "counter", "Requests that were told where to go.", c.redirects.Load()},
		{"refused_total", "counter", "Requests refused because too many were under way.", c.refused.Load()},
		{"failures_total", "counter", "Requests that no region answered.", c.failures.Load()},
		{"regions", "gauge", "Regions in the directory.", uint64(all)},
		{"regions_ready", "gauge", "Regions that take clients.", uint64(willing)},
	} {
		fmt.Fprintf(w, "# HELP gazetteer_router_%s %s\n# TYPE gazetteer_router_%s %s\ngazetteer_router_%s %d\n", m.name, m.help, m.name, m.kind, m.name, m.value)
	}
}
