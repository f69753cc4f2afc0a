package rest

import (
	"bytes"
	"context"
	"encoding/json"
	"net/netip"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"gazetteer"
	"gazetteer/api/rest/problem"
	"gazetteer/region"
	"gazetteer/ring"
)

func TestHealth(t *testing.T) {
	x := start(t, nil)
	x.do("GET", "/livez", "").want(200)
	x.regional.Checks = []region.Check{{Name: "plan", OK: true, Detail: "fine"}, {Name: "types", OK: true}}
	if r := x.do("GET", "/readyz", "").want(200); r.body != `{"ready":true,"checks":[]}` {
		t.Error(r.body)
	}
	if r := x.do("GET", "/readyz?verbose", "").want(200); r.body != `{"ready":true,"checks":[{"name":"plan","ok":true,"detail":"fine"},{"name":"types","ok":true}]}` {
		t.Error(r.body)
	}
	x.regional.Checks[1] = region.Check{Name: "types", Detail: "no ring"}
	if r := x.do("GET", "/readyz", "").want(503); r.body != `{"ready":false,"checks":[{"name":"types","ok":false,"detail":"no ring"}]}` {
		t.Error(r.body)
	}
	x.regional.Checks = nil
	x.handler.Drain()
	if r := x.do("GET", "/readyz?verbose=1", "").want(503); r.body != `{"ready":false,"draining":true,"checks":[]}` {
		t.Error(r.body)
	}
	x.do("GET", "/livez", "").want(200)
	x.do("PUT", one, "{}").want(201) // what is under way is still served
}

// telling is a region that also tells its status.
type telling struct{ region.Regional }

func (telling) Status() region.Status {
	return region.Status{
		Plan: 3, Partitions: 271, Roles: []region.Role{region.RoleRegion}, Types: []gazetteer.Type{"ndt"},
		Requests: region.Requests{Lookups: 12, Retries: 1}, Demand: []region.Demand{{Type: "msak", Writes: 2}, {Type: "ndt", Reads: 9}}, Mirrored: &region.Mirrored{Partitions: 271, Serving: 270, Writable: true, Counters: ring.Counters{Gaps: 2}},
	}
}

func TestStatus(t *testing.T) {
	x := start(t, func(c *Config) { c.Regional = telling{c.Regional} })
	var s serverStatus
	r := x.do("GET", "/v1/status", "").want(200)
	r.json(&s)
	conforms(t, loadAPI(t), "GET", "/v1/status", r)
	if *s.Requests != (requests{Lookups: 12, Retries: 1}) || !slices.Equal(s.Demand, []demand{{"msak", 0, 2}, {"ndt", 9, 0}}) {
		t.Errorf("%s", r.body)
	}
	if s.Region != "r1" || s.Node != "n1" || s.Version != "test" || s.UptimeSeconds < 0 || s.Plan.Epoch != 3 || s.Plan.Roles[0] != "region" || s.Mirrors.Serving != 270 {
		t.Errorf("%+v", s)
	}
}

func TestConflicts(t *testing.T) {
	x := start(t, nil)
	at := time.Date(2026, 11, 24, 9, 0, 0, 5e6, time.UTC).UnixMilli()
	origin := gazetteer.Origin{Store: 1<<63 + 5, Incarnation: 0xabc}
	for i := range 3 {
		x.regional.Journal = append(x.regional.Journal, ring.Conflict{
			Partition: gazetteer.Partition{Type: "ndt", Index: 7}, At: at + int64(i),
			Loser:  gazetteer.Update{Element: gazetteer.Element{ID: "one", Location: "ams"}, Stamp: gazetteer.Stamp{Clock: gazetteer.ClockAt(at) + 9, Origin: origin}, Body: []byte{0, 255}},
			Winner: gazetteer.Stamp{Clock: gazetteer.ClockAt(at + 1)},
		})
	}
	x.regional.Journal[0].Loser.Tombstone = true
	r := x.do("GET", "/v1/conflicts?limit=2", "").want(200)
	want := `{"type":"ndt","id":"one","location":"ams","seen_at":"2026-11-24T09:00:00.007Z","loser":{"stamp":{"epoch":0,"time":"2026-11-24T09:00:00.005Z","counter":9,"store":"8000000000000005","incarnation":"0000000000000abc"},"body":"AP8="},"winner":{"stamp":{"epoch":0,"time":"2026-11-24T09:00:00.006Z","counter":0,"store":"0000000000000000","incarnation":"0000000000000000"}}}`
	if !strings.HasPrefix(r.body, `{"total":3,"conflicts":[`+want+`,{`) || strings.Count(r.body, "seen_at") != 2 {
		t.Errorf("%s", r.body)
	}
	if r := x.do("GET", "/v1/conflicts", ""); strings.Count(r.body, `"deleted":true`) != 1 {
		t.Errorf("%s", r.body)
	}
}

func TestMetrics(t *testing.T) {
	x := filled(t, func(c *Config) {
		c.Regional = telling{c.Regional}
		c.Samples = func() []Sample {
			return []Sample{{Name: "gazetteer_geoip_database_age_seconds", Help: "Age.", Value: 12.5, Labels: []gazetteer.Label{{Key: "type", Value: "City"}}}}
		}
	})
	x.do("GET", "/v1/resolve/ndt/one?lat=1&lon=1", "").want(200)
	x.do("GET", "/v1/resolve/ndt/one?redirect=1&country=DE", "").want(307)
	x.do("GET", "/v1/resolve/ndt/one?filter=id%3Dx", "").want(200)
	x.do("GET", "/v1/resolve/ndt/secret-id", "").want(404)
	x.do("GET", "/v1/resolve/secret-type/one", "").want(404)
	x.do("GET", "/v1/resolve/ndt/one?limit=0", "").want(400)
	x.do("POST", importPath, ndjson(3), asNDJSON).want(200)
	x.do("GET", exportPath, "").want(200)
	x.do("GET", "/v1/no/such/path-secret", "").want(404)
	text := x.do("GET", "/metrics", "").want(200).body
	for _, line := range []string{
		`gazetteer_build_info{node="n1",region="r1",version="test"} 1`,
		`gazetteer_resolve_requests_total{outcome="answered",protocol="http",region="r1",type="ndt"} 1`,
		`gazetteer_resolve_requests_total{outcome="redirected",protocol="http",region="r1",type="ndt"} 1`,
		`gazetteer_resolve_requests_total{outcome="empty",protocol="http",region="r1",type="ndt"} 1`,
		`gazetteer_resolve_requests_total{outcome="not_found",protocol="http",region="r1",type=""} 2`,
		`gazetteer_resolve_requests_total{outcome="refused",protocol="http",region="r1",type=""} 1`,
		`gazetteer_resolve_duration_seconds_count 6`,
		`gazetteer_client_location_total{method="stated-point"} 1`,
		`gazetteer_client_location_total{method="stated-country"} 1`,
		`gazetteer_http_requests_total{code="2xx",method="PUT",route="/v1/types/:type/resources/:id"} 1`,
		`gazetteer_http_requests_total{code="4xx",method="GET",route="/v1/resolve/:type/:id"} 3`,
		`gazetteer_http_requests_total{code="2xx",method="POST",route="/v1/types/:type/resources:import"} 1`,
		`gazetteer_import_lines_total 3`, `gazetteer_export_lines_total 4`,
		`gazetteer_geoip_database_age_seconds{type="City"} 12.5`, `gazetteer_region_lookups_total 12`, `gazetteer_ring_gaps_total 2`, `gazetteer_partitions_serving 270`,
		`# TYPE gazetteer_ring_gaps_total counter`, `go_goroutines `, `process_cpu_seconds_total `,
	} {
		if !strings.Contains(text, line) {
			t.Errorf("missing: %s", line)
		}
	}
	if strings.Contains(text, "secret") || strings.Contains(text, "127.0.0.1") {
		t.Error("what a client sent is a label")
	}
	followTheRules(t, text)
}

// followTheRules holds names to the conventions of Prometheus.
func followTheRules(t *testing.T, text string) {
	for _, m := range regexp.MustCompile(`(?m)^# TYPE (gazetteer_\w+) (\w+)$`).FindAllStringSubmatch(text, -1) {
		if (m[2] == "counter") != strings.HasSuffix(m[1], "_total") {
			t.Errorf("%s is a %s", m[1], m[2])
		}
		unit := regexp.MustCompile(`_(seconds|bytes|rank)$`) // a rank is a count
		if m[2] == "histogram" && !unit.MatchString(m[1]) {
			t.Errorf("%s has no unit", m[1])
		}
	}
}

func TestABadSampleDoesNotHideTheOthers(t *testing.T) {
	x := start(t, func(c *Config) {
		c.Samples = func() []Sample {
			return []Sample{{Name: "no name", Value: 1}, {Name: "gazetteer_good", Help: "Good.", Value: 1}}
		}
	})
	if r := x.do("GET", "/metrics", "").want(200); !strings.Contains(r.body, "gazetteer_good 1") {
		t.Error(r.body)
	}
}

// TestLogsCannotBeForged sends ids that would begin a new line or a new record.
func TestLogsCannotBeForged(t *testing.T) {
	x := start(t, nil)
	x.regional.Down = &gazetteer.Error{Kind: gazetteer.Internal, Detail: strings.Repeat("\x1b[31m\n{\"level\":\"forged\"}", 500)}
	x.regional.Down.(*gazetteer.Error).Err = context.Canceled
	for _, id := range []string{"%0A%7B%22level%22%3A%22forged%22%7D", "%1b%5b31m", strings.Repeat("%0a", 255), "%E2%80%AE"} {
		x.do("PUT", "/v1/types/ndt/resources/"+id, "{}").want(500)
	}
	lines := strings.Split(strings.TrimSpace(x.log.String()), "\n")
	if len(lines) != 4 {
		t.Errorf("%d lines: %s", len(lines), x.log)
	}
	for _, line := range lines {
		var record struct{ Level, Msg, Error, Path string }
		if err := json.Unmarshal([]byte(line), &record); err != nil || record.Msg != "request failed" || len(record.Error) > 1100 || len(record.Path) > 300 {
			t.Errorf("%s: %v", line, err)
		}
		if bytes.ContainsAny([]byte(line), "\x1b\u202e") {
			t.Errorf("a control character went through: %q", line)
		}
	}
}

type panicking struct{ region.Regional }

func (panicking) Fetch(context.Context, region.Want) (region.Found, error) {
	panic("ouch")
}

func TestAPanicIsAProblem(t *testing.T) {
	x := start(t, func(c *Config) { c.Regional = panicking{c.Regional} })
	r := x.do("GET", one, "")
	r.problem(problem.Internal)
	if strings.Contains(r.body, "ouch") || !strings.Contains(x.log.String(), "ouch") || !strings.Contains(x.log.String(), "ops_test.go") {
		t.Errorf("%s / %s", r.body, x.log)
	}
	if text := x.do("GET", "/metrics", "").body; !strings.Contains(text, "gazetteer_http_panics_total 1") {
		t.Error("it is not counted")
	}
	x.do("GET", "/livez", "").want(200)
}

func TestConfig(t *testing.T) {
	good := Config{Regional: start(t, nil).regional}
	for field, change := range map[string]func(*Config){
		"Regional":       func(c *Config) { c.Regional = nil },
		"Base":           func(c *Config) { c.Base = "https://x.example/?a" },
		"Origins":        func(c *Config) { c.Origins = []string{"ops.example/path"} },
		"TrustedProxies": func(c *Config) { c.TrustedProxies = []netip.Prefix{{}} },
	} {
		c := good
		change(&c)
		_, err := New(c)
		if e, ok := err.(*gazetteer.Error); !ok || e.Pointer != field || e.Kind != gazetteer.Invalid {
			t.Errorf("%s: %v", field, err)
		}
	}
}
