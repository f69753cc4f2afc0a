package provider

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
)

// TestLeave has a server that says how far behind a region is: it is removed once all that
// it has acknowledged is known, and a lost one only by force.
func TestLeave(t *testing.T) {
	for _, c := range []struct {
		name, state string
		silent, lag float64
		leaving     leaving
		removed     bool
		says        string
	}{
		{"expected", "expected", 0, 0, leaving{DrainTimeout: "1m"}, true, ""},
		{"caught up", "live", 0.1, 0.1, leaving{DrainTimeout: "1m"}, true, ""},
		{"behind", "live", 0.1, 3600, leaving{DrainTimeout: "300ms"}, false, "may hold the last copy"},
		{"silent", "live", 60, 60, leaving{DrainTimeout: "1m"}, false, "may hold the last copy"},
		{"silent, forced", "live", 60, 60, leaving{DrainTimeout: "1m", Force: true}, true, "without being drained"},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := &scripted{state: c.state, silent: c.silent, lag: c.lag}
			url := httptest.NewServer(s)
			defer url.Close()
			var d diagnostics
			o := of{&planet{Client: clientOf(t, url.URL)}}
			o.leave(t.Context(), "syd", &c.leaving, &d)
			if s.removed.Load() != c.removed {
				t.Errorf("removed: %v, want %v: %v", s.removed.Load(), c.removed, d)
			}
			if c.state != stateExpected && !s.drained.Load() {
				t.Error("it was not drained")
			}
			if c.says == "" && len(d) > 0 || c.says != "" && (len(d) != 1 || !strings.Contains(d[0].Summary(), c.says)) {
				t.Errorf("it says %v, want %q", d, c.says)
			}
		})
	}
}

// scripted is a server that knows one region.
type scripted struct {
	state            string
	silent, lag      float64
	drained, removed atomic.Bool
}

func (s *scripted) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	switch {
	case r.Method == http.MethodPost:
		s.drained.Store(true)
	case r.Method == http.MethodDelete:
		s.removed.Store(true)
	case s.removed.Load():
		w.Header().Set("Content-Type", "application/problem+json")
		w.WriteHeader(http.StatusNotFound)
		_, _ = w.Write([]byte(`{"code":"unknown_region","status":404}`))
		return
	default:
		_ = json.NewEncoder(w).Encode(map[string]any{"name": "syd", "state": s.state, "silent_seconds": s.silent, "lag_seconds": s.lag})
		return
	}
	w.WriteHeader(http.StatusNoContent)
}
