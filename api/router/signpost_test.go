package router

import (
	"io"
	"net/http"
	"net/http/httptest"
	"testing"

	"gazetteer"
	"gazetteer/region"
	"gazetteer/region/geo"
)

func choiceOf(name, address string, state region.SiteState) region.Choice {
	s := &region.Site{Name: gazetteer.RegionID(name), State: state}
	s.Servers = []region.RegionServer{{Peer: "p:1"}, {Peer: "10.0.0.9:7070", HTTP: address}}
	return region.Choice{Site: s}
}

// TestASignpostTellsTheWay, and answers everything else on the spot.
func TestASignpostTellsTheWay(t *testing.T) {
	choices := []region.Choice{
		{Site: &region.Site{Name: "silent about its address", State: region.SiteLive}},
		choiceOf("near", "0.0.0.0:8080", region.SiteLive),
		choiceOf("far", "10.0.0.2:8080", region.SiteLive),
		choiceOf("gone", "10.0.0.3:8080", region.SiteUnreachable),
	}
	s := &Signpost{
		Choices: func(*geo.Client) []region.Choice { return choices }, Client: peerOf,
		Next: http.HandlerFunc(func(w http.ResponseWriter, q *http.Request) { _, _ = io.WriteString(w, q.URL.RawQuery) }),
	}
	ask := func(path string) *httptest.ResponseRecorder {
		w := httptest.NewRecorder()
		s.ServeHTTP(w, httptest.NewRequest("GET", path, nil))
		return w
	}
	for path, want := range map[string]string{
		"/v1/x?route=redirect":                  "http://10.0.0.9:8080/v1/x",
		"/v1/x?a=1&route=redirect&region=far":   "http://10.0.0.2:8080/v1/x?a=1&region=far",
		"/v1/x?route=redirect&region=gone":      "http://10.0.0.9:8080/v1/x?region=gone",
		"/v1/x?route=redirect&region=elsewhere": "http://10.0.0.9:8080/v1/x?region=elsewhere",
	} {
		if w := ask(path); w.Code != http.StatusTemporaryRedirect || w.Header().Get("Location") != want {
			t.Errorf("%s: %d to %s, want %s", path, w.Code, w.Header().Get("Location"), want)
		}
	}
	for _, query := range []string{"", "limit=1", "x=route=redirect"} {
		if w := ask("/v1/x?" + query); w.Code != http.StatusOK || w.Body.String() != query {
			t.Errorf("%s: %d %s", query, w.Code, w.Body)
		}
	}
	if w := ask("/v1/x?route=elsewhere"); w.Code != http.StatusBadRequest {
		t.Errorf("route=elsewhere: %d", w.Code)
	}
	choices = choices[:1]
	if w := ask("/v1/x?route=redirect"); w.Code != http.StatusServiceUnavailable {
		t.Errorf("without an address: %d", w.Code)
	}
}
