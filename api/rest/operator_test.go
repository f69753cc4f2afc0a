package rest

import (
	"strings"
	"testing"

	"gazetteer"
	"gazetteer/api/rest/problem"
	"gazetteer/api/rest/resttest"
)

// operated is start with an operator.
func operated(t testing.TB) (*harness, *resttest.Operator) {
	t.Helper()
	o := resttest.NewOperator()
	return start(t, func(c *Config) { c.Operator = o }), o
}

// same compares a body to the letter: names, order and decimals are what others rely on.
func (r *reply) same(body string) {
	r.t.Helper()
	if r.body != body {
		r.t.Errorf("got\n%s\nwant\n%s", r.body, body)
	}
}

func TestTopology(t *testing.T) {
	x, _ := operated(t)
	x.do("GET", "/v1/topology", "").want(200).same(`{"epoch":"7.r2","running":"8.r1","due":"cost","regions":[` +
		`{"name":"r1","lat":38.9,"lon":-77.4,"state":"live"},{"name":"r2","lat":53.3,"lon":0,"state":"live"},{"name":"r3","state":"unreachable"}],"edges":[` +
		`{"a":"r1","b":"r2","cost_ms":68.300,"tree":true,"provisional":false},` +
		`{"a":"r1","b":"r3","cost_ms":140.007,"tree":false,"provisional":false},` +
		`{"a":"r2","b":"r3","cost_ms":90.000,"tree":false,"provisional":true}],"weight_ms":158.300,"messages":42,"halted_ms":0.000,"installed_ms":812.000}`)
}

func TestRegions(t *testing.T) {
	x, _ := operated(t)
	const (
		r1 = `{"name":"r1","state":"live","self":true,"lag_seconds":0,"lat":38.9,"lon":-77.4,"servers":[{"node":"n1","peer":"192.0.2.1:7070"}],"stores":4}`
		r2 = `{"name":"r2","state":"live","self":false,"rtt_ms":68.300,"silent_seconds":0.200,"lag_seconds":1.235,"lat":53.3,"lon":0,"servers":[{"node":"r2-1","peer":"198.51.100.1:7070","http":"198.51.100.1:8080"}],"stores":2}`
		r3 = `{"name":"r3","state":"unreachable","self":false,"silent_seconds":90,"servers":[],"stores":1}`
	)
	x.do("GET", "/v1/regions", "").want(200).same(`{"regions":[` + r1 + `,` + r2 + `,` + r3 + `]}`)
	x.do("GET", "/v1/regions/r2", "").want(200).same(r2)
	x.do("GET", "/v1/regions/r%32", "").want(200).same(r2)
	x.do("GET", "/v1/regions/r9", "").problem(problem.UnknownRegion)
}

func TestARegionComesAndGoes(t *testing.T) {
	x, _ := operated(t)
	r := x.do("POST", "/v1/regions", `{"name":"r4"}`).want(201)
	r.same(`{"region":"r4","token":"gzj-secret-1","until":"2027-03-01T12:30:00Z","contacts":["192.0.2.1:7070","192.0.2.2:7070"]}`)
	if r.header.Get("Location") != "/v1/regions/r4" || r.header.Get("Cache-Control") != "no-store" {
		t.Errorf("%v", r.header)
	}
	pointer(t, x.do("POST", "/v1/regions", `{"name":"r4"}`).problem(problem.Conflict), "/name", "already")

	x.do("POST", "/v1/regions/r2:drain", "").want(204)
	if r := x.do("GET", "/v1/regions/r2", ""); !strings.Contains(r.body, `"state":"draining"`) {
		t.Error(r.body)
	}
	x.do("POST", "/v1/regions/r2:undrain", "").want(204)
	if r := x.do("GET", "/v1/regions/r2", ""); !strings.Contains(r.body, `"state":"live"`) {
		t.Error(r.body)
	}

	pointer(t, x.do("DELETE", "/v1/regions/r2", "").problem(problem.Conflict), "", "would be lost")
	x.do("DELETE", "/v1/regions/r2?force=0", "").problem(problem.Conflict)
	x.do("DELETE", "/v1/regions/r2?force=1", "").want(204)
	x.do("DELETE", "/v1/regions/r2?force=1", "").problem(problem.UnknownRegion)
	x.do("POST", "/v1/regions/r2:drain", "").problem(problem.UnknownRegion)
}

func TestABiasIsSetAndShown(t *testing.T) {
	x, _ := operated(t)
	for _, c := range [][2]string{{"25", `"bias_ms":25}`}, {"-2.5", `"bias_ms":-2.5}`}, {"0.0014", `"bias_ms":0.001}`}, {"-1000", `"bias_ms":-1000}`}, {"0", `"stores":2}`}} {
		x.do("PUT", "/v1/regions/r2/bias", `{"bias_ms":`+c[0]+`}`).want(204)
		if r := x.do("GET", "/v1/regions/r2", ""); !strings.HasSuffix(r.body, c[1]) {
			t.Errorf("%s: %s", c[0], r.body)
		}
	}
}

// TestVerbs: a verb begins behind a colon that was sent as it is, and what is no verb does
// nothing.
func TestVerbs(t *testing.T) {
	x, _ := operated(t)
	x.do("POST", "/v1/regions/%722:drain", "").want(204)
	x.do("POST", "/v1/regions/r2%3Adrain", "").problem(problem.MethodNotAllowed)
	x.do("POST", "/v1/regions/r3:stop", "").problem(problem.UnknownPath)
	x.do("POST", "/v1/regions/r3:", "").problem(problem.UnknownPath)
	x.do("POST", "/v1/regions/:drain", "").problem(problem.Unprocessable)
	x.do("POST", "/v1/regions/r3:drain:drain", "").problem(problem.Unprocessable)
	x.do("POST", "/v1/regions/r3:drain", "{}").problem(problem.InvalidRequest)
	x.do("GET", "/v1/regions/r3:drain", "").problem(problem.Unprocessable)
	if r := x.do("POST", "/v1/regions/r3", ""); r.header.Get("Allow") != "GET, HEAD, DELETE" {
		t.Errorf("Allow: %q", r.header.Get("Allow"))
	} else {
		r.problem(problem.MethodNotAllowed)
	}
	if r := x.do("GET", "/v1/regions/r3", ""); strings.Contains(r.body, "draining") {
		t.Error(r.body)
	}
	if text := x.do("GET", "/metrics", "").body; !strings.Contains(text, `gazetteer_http_requests_total{code="2xx",method="POST",route="/v1/regions/:region:drain"} 1`) {
		t.Error("a verb is not counted under its own name")
	}
}

func TestMembers(t *testing.T) {
	x, o := operated(t)
	o.SetHTTP("n1", "192.0.2.1:8080")
	x.do("GET", "/v1/members", "").want(200).same(`{"members":[` +
		`{"node":"n1","roles":["region","cluster","replica"],"peer":"192.0.2.1:7070","http":"192.0.2.1:8080","state":"live","leader":true,"plan":7,"rings":["ring-1"]},` +
		`{"node":"n2","roles":["cluster","replica"],"peer":"192.0.2.2:7070","state":"live","leader":false,"plan":7,"rings":["ring-1"]},` +
		`{"node":"n3","roles":["cluster","replica"],"peer":"192.0.2.3:7070","state":"dead","leader":false,"plan":6,"rings":["ring-ndt"]},` +
		`{"node":"n4","roles":["replica"],"peer":"192.0.2.4:7070","state":"live","leader":false,"plan":7,"rings":[]}]}`)

	pointer(t, x.do("DELETE", "/v1/members/n2", "").problem(problem.Conflict), "", "stays")
	x.do("DELETE", "/v1/members/n2?force=1", "").want(204)
	x.do("DELETE", "/v1/members/n4", "").want(204)
	for _, strange := range []string{"n4", "a%2Fb", "%2E%2E", "n4%20", strings.Repeat("n", 255)} {
		x.do("DELETE", "/v1/members/"+strange, "").problem(problem.UnknownMember)
	}
	x.do("DELETE", "/v1/members/%ff", "").problem(problem.Unprocessable)
	x.do("DELETE", "/v1/members/"+strings.Repeat("n", 256), "").problem(problem.Unprocessable)
}

func TestMemberTokens(t *testing.T) {
	x, _ := operated(t)
	r := x.do("POST", "/v1/members:token", `{"roles":["replica","cluster"],"uses":3,"ttl":"10m"}`).want(200)
	r.same(`{"token":"gzj-secret-1","until":"2027-03-01T12:10:00Z","contacts":["192.0.2.1:7070","192.0.2.2:7070"]}`)
	if r.header.Get("Cache-Control") != "no-store" {
		t.Errorf("%v", r.header)
	}
	x.do("POST", "/v1/members:token", `{"roles":[]}`).want(200).same(`{"token":"gzj-secret-2","until":"2027-03-01T12:30:00Z","contacts":["192.0.2.1:7070","192.0.2.2:7070"]}`)
	pointer(t, x.do("POST", "/v1/members:token", `{"ttl":"2h"}`).problem(problem.Unprocessable), "/ttl", "at most 1h0m0s")
}

func TestRings(t *testing.T) {
	x, _ := operated(t)
	const ndt = `{"type":"ndt","rings":[{"name":"ring-ndt","members":["n3"],"partitions":271}],"moving":0,"pending":0}`
	x.do("GET", "/v1/rings", "").want(200).same(`{"clusters":[{"type":"default","rings":[{"name":"ring-1","members":["n1","n2"],"partitions":271}],"moving":0,"pending":0},` + ndt + `]}`)
	r := x.do("POST", "/v1/rings", `{"name":"ring-2","members":["n4","n1"]}`).want(202)
	if r.same(`{"type":"default","ring":"ring-2"}`); r.header.Get("Location") != "/v1/rings" {
		t.Errorf("%v", r.header)
	}
	x.do("GET", "/v1/rings", "").want(200).same(`{"clusters":[{"type":"default","rings":[{"name":"ring-1","members":["n1","n2"],"partitions":271},{"name":"ring-2","members":["n4","n1"],"partitions":0}],"moving":0,"pending":135},` + ndt + `]}`)
	x.do("POST", "/v1/rings", `{"type":"ndt","name":"more","members":["n4"]}`).want(202).same(`{"type":"ndt","ring":"more"}`)
	x.do("PUT", "/v1/rings/default/ring-2", `{"members":["n1","n2"]}`).want(202).same(`{"type":"default","ring":"ring-2"}`)
	if r := x.do("GET", "/v1/rings", ""); !strings.Contains(r.body, `{"name":"ring-2","members":["n1","n2"],`) {
		t.Error(r.body)
	}
	pointer(t, x.do("PUT", "/v1/rings/default/ring-2", `{"members":["n4"]}`).problem(problem.Conflict), "/members", "would be lost")
	x.do("PUT", "/v1/rings/default/ring-2?force=1", `{"members":["n4","n1"]}`).want(202)
	pointer(t, x.do("PUT", "/v1/rings/default/ring-2", `{"members":["n1","n9"]}`).problem(problem.UnknownMember), "/members", "n9")
	x.do("PUT", "/v1/rings/default/ring-9", `{"members":["n1"]}`).problem(problem.UnknownRing)
	x.do("PUT", "/v1/rings/msak/ring-2", `{"members":["n1"]}`).problem(problem.UnknownType)
	x.do("DELETE", "/v1/rings/ndt/more", "").want(202).same(`{"type":"ndt","ring":"more"}`)
	x.do("DELETE", "/v1/rings/default/ring-1", "").want(202).same(`{"type":"default","ring":"ring-1"}`)

	pointer(t, x.do("POST", "/v1/rings", `{"type":"default","name":"ring-2","members":["n4"]}`).problem(problem.Conflict), "/name", "already")
	pointer(t, x.do("POST", "/v1/rings", `{"name":"ring-3","members":["n4","n9"]}`).problem(problem.UnknownMember), "/members", "n9")
	pointer(t, x.do("POST", "/v1/rings", `{"type":"msak","name":"ring-3","members":["n4"]}`).problem(problem.UnknownType), "/type", "no cluster of its own")
	pointer(t, x.do("DELETE", "/v1/rings/default/ring-2", "").problem(problem.Conflict), "", "last ring")
	x.do("DELETE", "/v1/rings/default/ring-9", "").problem(problem.UnknownRing)
	x.do("DELETE", "/v1/rings/msak/ring-1", "").problem(problem.UnknownType)
	x.do("DELETE", "/v1/rings/Msak/ring-1", "").problem(problem.Unprocessable)
}

func TestRingsFollowDemand(t *testing.T) {
	x, _ := operated(t)
	x.do("PUT", "/v1/rings/default/auto", `{"min":1,"max":4,"target_rate":2500.5,"cooldown":"90s"}`).want(200).same(`{"min":1,"max":4,"target_rate":2500.5,"cooldown":"1m30s"}`)
	x.do("PUT", "/v1/rings/ndt/auto", `{"min":2,"max":2,"target_rate":1}`).want(200).same(`{"min":2,"max":2,"target_rate":1,"cooldown":"10m0s"}`)
	r := x.do("GET", "/v1/rings", "").want(200)
	for _, want := range []string{
		`"moving":0,"pending":0,"auto":{"min":1,"max":4,"target_rate":2500.5,"cooldown":"1m30s"}},{"type":"ndt"`,
		`"auto":{"min":2,"max":2,"target_rate":1,"cooldown":"10m0s"}}]}`,
	} {
		if !strings.Contains(r.body, want) {
			t.Errorf("%s is not in %s", want, r.body)
		}
	}
	x.do("DELETE", "/v1/rings/default/auto", "").want(204)
	x.do("DELETE", "/v1/rings/default/auto", "").want(204)
	if r := x.do("GET", "/v1/rings", ""); strings.Count(r.body, `"auto"`) != 1 {
		t.Error(r.body)
	}
	pointer(t, x.do("PUT", "/v1/rings/default/auto", `{"min":3,"max":2,"target_rate":1}`).problem(problem.Unprocessable), "/max", "no fewer than the 3")
	pointer(t, x.do("PUT", "/v1/rings/default/auto", `{"min":1,"max":272,"target_rate":1}`).problem(problem.Unprocessable), "/max", "271 partitions")
	pointer(t, x.do("PUT", "/v1/rings/default/auto", `{"min":1,"max":2,"target_rate":0}`).problem(problem.Unprocessable), "/target_rate", "more than 0")
	pointer(t, x.do("PUT", "/v1/rings/default/auto", `{"min":1,"max":2,"target_rate":1,"cooldown":"1ms"}`).problem(problem.Unprocessable), "/cooldown", "want 1s to 720h")
	x.do("PUT", "/v1/rings/msak/auto", `{"min":1,"max":2,"target_rate":1}`).problem(problem.UnknownType)
	x.do("DELETE", "/v1/rings/msak/auto", "").problem(problem.UnknownType)
}

// TestStatusTellsTheLag: a topology that cannot be had does not take the rest with it.
func TestStatusTellsTheLag(t *testing.T) {
	x, o := operated(t)
	const lags = `"regions":[{"name":"r1","state":"live","self":true,"lag_seconds":0},` +
		`{"name":"r2","state":"live","self":false,"rtt_ms":68.300,"silent_seconds":0.200,"lag_seconds":1.235},` +
		`{"name":"r3","state":"unreachable","self":false,"silent_seconds":90}]`
	if r := x.do("GET", "/v1/status", "").want(200); !strings.Contains(r.body, lags) {
		t.Error(r.body)
	}
	o.Down = &gazetteer.Error{Op: "test", Kind: gazetteer.Unavailable, Detail: "no leader"}
	if r := x.do("GET", "/v1/status", "").want(200); !strings.Contains(r.body, `"regions_unknown":"no leader"`) || strings.Contains(r.body, `"regions":`) {
		t.Error(r.body)
	}
}

// operatorRequests are good requests, one for every route of operators.
func operatorRequests() [][3]string {
	return [][3]string{
		{"GET", "/v1/topology"}, {"GET", "/v1/regions"}, {"GET", "/v1/regions/r2"}, {"POST", "/v1/regions", `{"name":"r4"}`}, {"DELETE", "/v1/regions/r3"},
		{"POST", "/v1/regions/r2:drain"}, {"POST", "/v1/regions/r2:undrain"}, {"PUT", "/v1/regions/r2/bias", `{"bias_ms":1}`},
		{"GET", "/v1/members"}, {"POST", "/v1/members:token", "{}"}, {"DELETE", "/v1/members/n4"},
		{"GET", "/v1/rings"}, {"POST", "/v1/rings", `{"name":"ring-2","members":["n4"]}`}, {"PUT", "/v1/rings/default/ring-2", `{"members":["n4"]}`}, {"DELETE", "/v1/rings/default/ring-2"},
		{"PUT", "/v1/rings/default/auto", `{"min":1,"max":2,"target_rate":1}`}, {"DELETE", "/v1/rings/default/auto"},
	}
}

func TestWithoutAnOperator(t *testing.T) {
	x := start(t, nil)
	for _, q := range operatorRequests() {
		pointer(t, x.do(q[0], q[1], q[2]).problem(problem.Unsupported), "", "not part of an agreed region")
	}
	if r := x.do("GET", "/v1/status", "").want(200); strings.Contains(r.body, "regions") {
		t.Error(r.body)
	}
}

// TestWithoutALeader: what the region cannot agree on now is answered as such, with the
// time after which to try again.
func TestWithoutALeader(t *testing.T) {
	x, o := operated(t)
	o.Down = &gazetteer.Error{Op: "test", Kind: gazetteer.Unavailable, Detail: "the region has no leader now"}
	for _, q := range operatorRequests() {
		r := x.do(q[0], q[1], q[2])
		if r.problem(problem.Unavailable); r.header.Get("Retry-After") != "1" {
			t.Errorf("%v: %v", q, r.header)
		}
	}
}

func TestBadOperatorRequests(t *testing.T) {
	x, _ := operated(t)
	long := strings.Repeat("n", 100_000)
	for _, c := range []struct {
		method, path, body string
		code               problem.Code
		at                 string
	}{
		{"GET", "/v1/topology?all=1", "", problem.InvalidParameter, "all"},
		{"GET", "/v1/regions?x", "", problem.InvalidParameter, "x"},
		{"GET", "/v1/regions/r1?x", "", problem.InvalidParameter, "x"},
		{"GET", "/v1/regions/R1", "", problem.Unprocessable, ""},
		{"GET", "/v1/regions/%ff", "", problem.Unprocessable, ""},
		{"GET", "/v1/members?x", "", problem.InvalidParameter, "x"},
		{"GET", "/v1/rings?x", "", problem.InvalidParameter, "x"},
		{"GET", "/v1/topology", "{}", problem.InvalidRequest, ""},
		{"DELETE", "/v1/regions/r1?force", "", problem.InvalidParameter, "force"},
		{"DELETE", "/v1/regions/r1?force=1&force=1", "", problem.InvalidParameter, "force"},
		{"DELETE", "/v1/members/n1?forced=1", "", problem.InvalidParameter, "forced"},
		{"DELETE", "/v1/rings/default/ring-1?force=1", "", problem.InvalidParameter, "force"},
		{"POST", "/v1/regions/r1:drain?for=1h", "", problem.InvalidParameter, "for"},

		{"PUT", "/v1/regions/r1/bias", "", problem.MalformedJSON, ""},
		{"PUT", "/v1/regions/r1/bias", "{}", problem.Unprocessable, "/bias_ms"},
		{"PUT", "/v1/regions/r1/bias", `{"bias_ms":"1"}`, problem.Unprocessable, "/bias_ms"},
		{"PUT", "/v1/regions/r1/bias", `{"bias_ms":1000.5}`, problem.Unprocessable, "/bias_ms"},
		{"PUT", "/v1/regions/r1/bias", `{"bias_ms":-1e300}`, problem.Unprocessable, "/bias_ms"},
		{"PUT", "/v1/regions/r1/bias", `{"bias_ms":1,"bias_ms":2}`, problem.Unprocessable, "/bias_ms"},
		{"PUT", "/v1/regions/r1/bias", `{"bias_ms":1,"km":60}`, problem.Unprocessable, "/km"},
		{"PUT", "/v1/regions/r1/bias?force=1", `{"bias_ms":1}`, problem.InvalidParameter, "force"},
		{"PUT", "/v1/regions/r9/bias", `{"bias_ms":1}`, problem.UnknownRegion, ""},
		{"POST", "/v1/regions", "", problem.MalformedJSON, ""},
		{"POST", "/v1/regions", `{"name":`, problem.MalformedJSON, "/name"},
		{"POST", "/v1/regions", "{}", problem.Unprocessable, "/name"},
		{"POST", "/v1/regions", `{"name":"R 4"}`, problem.Unprocessable, "/name"},
		{"POST", "/v1/regions", `{"name":"any"}`, problem.Unprocessable, "/name"},
		{"POST", "/v1/regions", `{"name":4}`, problem.Unprocessable, "/name"},
		{"POST", "/v1/regions", `{"name":"r4","name":"r5"}`, problem.Unprocessable, "/name"},
		{"POST", "/v1/regions", `{"name":"r4","lat":1}`, problem.Unprocessable, "/lat"},
		{"POST", "/v1/regions", `["r4"]`, problem.Unprocessable, ""},
		{"POST", "/v1/regions?force=1", `{"name":"r4"}`, problem.InvalidParameter, "force"},
		{"POST", "/v1/regions", `{"name":"` + long + `"}`, problem.TooLarge, ""},

		{"POST", "/v1/members:token", `{"roles":["king"]}`, problem.Unprocessable, "/roles/0"},
		{"POST", "/v1/members:token", `{"roles":["replica","replica"]}`, problem.Unprocessable, "/roles/1"},
		{"POST", "/v1/members:token", `{"roles":"replica"}`, problem.Unprocessable, "/roles"},
		{"POST", "/v1/members:token", `{"uses":0}`, problem.Unprocessable, "/uses"},
		{"POST", "/v1/members:token", `{"uses":1.5}`, problem.Unprocessable, "/uses"},
		{"POST", "/v1/members:token", `{"uses":1e300}`, problem.Unprocessable, "/uses"},
		{"POST", "/v1/members:token", `{"uses":"1"}`, problem.Unprocessable, "/uses"},
		{"POST", "/v1/members:token", `{"ttl":"soon"}`, problem.Unprocessable, "/ttl"},
		{"POST", "/v1/members:token", `{"ttl":"-1m"}`, problem.Unprocessable, "/ttl"},
		{"POST", "/v1/members:token", `{"ttl":60}`, problem.Unprocessable, "/ttl"},
		{"POST", "/v1/members:token", `{"node":"n9"}`, problem.Unprocessable, "/node"},
		{"POST", "/v1/members:token", `{"ttl":"` + long + `"}`, problem.TooLarge, ""},
		{"POST", "/v1/members", "{}", problem.MethodNotAllowed, ""},

		{"POST", "/v1/rings", `{"members":["n4"]}`, problem.Unprocessable, "/name"},
		{"POST", "/v1/rings", `{"name":"","members":["n4"]}`, problem.Unprocessable, "/name"},
		{"POST", "/v1/rings", `{"name":"ring-2"}`, problem.Unprocessable, "/members"},
		{"POST", "/v1/rings", `{"name":"ring-2","members":[]}`, problem.Unprocessable, "/members"},
		{"POST", "/v1/rings", `{"name":"ring-2","members":"n4"}`, problem.Unprocessable, "/members"},
		{"POST", "/v1/rings", `{"name":"ring-2","members":[4]}`, problem.Unprocessable, "/members/0"},
		{"POST", "/v1/rings", `{"type":"N","name":"ring-2","members":["n4"]}`, problem.Unprocessable, "/type"},
		{"POST", "/v1/rings", `{"name":"ring-2","members":["n4"],"partitions":3}`, problem.Unprocessable, "/partitions"},
		{"POST", "/v1/rings", `{"name":"` + long + `"}`, problem.TooLarge, ""},
		{"PUT", "/v1/rings/default/ring-1", `{}`, problem.Unprocessable, "/members"},
		{"PUT", "/v1/rings/default/ring-1", `{"members":[]}`, problem.Unprocessable, "/members"},
		{"PUT", "/v1/rings/default/ring-1", `{"members":["n4",null]}`, problem.Unprocessable, "/members/1"},
		{"PUT", "/v1/rings/default/ring-1", `{"name":"ring-1","members":["n4"]}`, problem.Unprocessable, "/name"},
		{"PUT", "/v1/rings/default/ring-1", `["n4"]`, problem.Unprocessable, ""},
		{"PUT", "/v1/rings/default/ring-1?force=yes", `{"members":["n4"]}`, problem.InvalidParameter, "force"},
		{"PUT", "/v1/rings/D/ring-1", `{"members":["n4"]}`, problem.Unprocessable, ""},
		{"PUT", "/v1/rings/default/ring-1", `{"members":["` + long + `"]}`, problem.TooLarge, ""},
		{"DELETE", "/v1/rings/default/%ff", "", problem.Unprocessable, ""},
		{"POST", "/v1/rings", `{"name":"auto","members":["n4"]}`, problem.Unprocessable, "/name"},
		{"PUT", "/v1/rings/default/auto", `{}`, problem.Unprocessable, "/min"},
		{"PUT", "/v1/rings/default/auto", `{"min":1,"target_rate":1}`, problem.Unprocessable, "/max"},
		{"PUT", "/v1/rings/default/auto", `{"min":1,"max":2}`, problem.Unprocessable, "/target_rate"},
		{"PUT", "/v1/rings/default/auto", `{"min":0,"max":2,"target_rate":1}`, problem.Unprocessable, "/min"},
		{"PUT", "/v1/rings/default/auto", `{"min":1,"max":1.5,"target_rate":1}`, problem.Unprocessable, "/max"},
		{"PUT", "/v1/rings/default/auto", `{"min":1,"max":1e300,"target_rate":1}`, problem.Unprocessable, "/max"},
		{"PUT", "/v1/rings/default/auto", `{"min":1,"max":2,"target_rate":-1}`, problem.Unprocessable, "/target_rate"},
		{"PUT", "/v1/rings/default/auto", `{"min":1,"max":2,"target_rate":1e999}`, problem.Unprocessable, "/target_rate"},
		{"PUT", "/v1/rings/default/auto", `{"min":1,"max":2,"target_rate":1,"cooldown":60}`, problem.Unprocessable, "/cooldown"},
		{"PUT", "/v1/rings/default/auto", `{"min":1,"max":2,"target_rate":1,"cooldown":"-1m"}`, problem.Unprocessable, "/cooldown"},
		{"PUT", "/v1/rings/default/auto", `{"min":1,"max":2,"target_rate":1,"off":true}`, problem.Unprocessable, "/off"},
		{"PUT", "/v1/rings/default/auto", `[1]`, problem.Unprocessable, ""},
		{"PUT", "/v1/rings/default/auto?force=1", `{"min":1,"max":2,"target_rate":1}`, problem.InvalidParameter, "force"},
		{"PUT", "/v1/rings/D/auto", `{"min":1,"max":2,"target_rate":1}`, problem.Unprocessable, ""},
		{"PUT", "/v1/rings/default/auto", `{"cooldown":"` + long + `"}`, problem.TooLarge, ""},
		{"DELETE", "/v1/rings/default/auto?x", "", problem.InvalidParameter, "x"},
		{"POST", "/v1/rings/default/auto", `{"min":1,"max":2,"target_rate":1}`, problem.MethodNotAllowed, ""},
		{"DELETE", "/v1/rings/default", "", problem.UnknownPath, ""},
	} {
		t.Run(c.method+" "+c.path+" "+cut(c.body, 40), func(t *testing.T) {
			pointer(t, x.do(c.method, c.path, c.body).problem(c.code), c.at, "")
		})
	}
	x.do("POST", "/v1/regions", `{"name":"r4"}`, "Content-Type: text/plain").problem(problem.UnsupportedMediaType)
	if r := x.do("GET", "/v1/members", ""); strings.Count(r.body, `"node"`) != 4 {
		t.Errorf("something was changed: %s", r.body)
	}
	if r := x.do("GET", "/v1/regions", ""); strings.Count(r.body, `"stores"`) != 3 || strings.Contains(r.body, "drain") {
		t.Errorf("something was changed: %s", r.body)
	}
}

func TestOperatorAnswersConformToTheDescription(t *testing.T) {
	x, _ := operated(t)
	api := loadAPI(t)
	const auto, bias = "/v1/rings/{type}/auto", "/v1/regions/{region}/bias"
	const region, drain, undrain, member, ring = "/v1/regions/{region}", "/v1/regions/{region}:drain", "/v1/regions/{region}:undrain", "/v1/members/{node}", "/v1/rings/{type}/{ring}"
	for _, c := range [][4]string{
		{"GET", "/v1/topology", "/v1/topology"}, {"GET", "/v1/topology?x", "/v1/topology"},
		{"GET", "/v1/regions", "/v1/regions"}, {"POST", "/v1/regions", "/v1/regions", `{"name":"r4"}`}, {"POST", "/v1/regions", "/v1/regions", `{"name":"r4"}`},
		{"GET", "/v1/regions/r4", region}, {"GET", "/v1/regions/r3", region}, {"GET", "/v1/regions/r9", region},
		{"POST", "/v1/regions/r2:drain", drain}, {"POST", "/v1/regions/r9:drain", drain}, {"POST", "/v1/regions/r2:undrain", undrain},
		{"PUT", "/v1/regions/r2/bias", bias, `{"bias_ms":-2.5}`}, {"PUT", "/v1/regions/r2/bias", bias, `{}`}, {"PUT", "/v1/regions/r9/bias", bias, `{"bias_ms":1}`}, {"GET", "/v1/regions/r2", region},
		{"DELETE", "/v1/regions/r2", region}, {"DELETE", "/v1/regions/r2?force=1", region},
		{"GET", "/v1/members", "/v1/members"}, {"POST", "/v1/members:token", "/v1/members:token", `{"uses":2}`}, {"POST", "/v1/members:token", "/v1/members:token", `{"uses":-2}`},
		{"DELETE", "/v1/members/n2", member}, {"DELETE", "/v1/members/n4", member}, {"DELETE", "/v1/members/n4", member},
		{"GET", "/v1/rings", "/v1/rings"}, {"POST", "/v1/rings", "/v1/rings", `{"name":"ring-2","members":["n1"]}`}, {"POST", "/v1/rings", "/v1/rings", `{"type":"msak","name":"ring-2","members":["n1"]}`},
		{"PUT", "/v1/rings/default/ring-2", ring, `{"members":["n1","n4"]}`}, {"PUT", "/v1/rings/default/ring-2", ring, `{"members":["n2"]}`}, {"PUT", "/v1/rings/default/ring-9", ring, `{"members":["n2"]}`},
		{"DELETE", "/v1/rings/default/ring-2", ring}, {"DELETE", "/v1/rings/default/ring-2", ring},
		{"PUT", "/v1/rings/default/auto", auto, `{"min":1,"max":2,"target_rate":0.5}`}, {"PUT", "/v1/rings/ndt/auto", auto, `{"min":0}`}, {"PUT", "/v1/rings/msak/auto", auto, `{"min":1,"max":2,"target_rate":0.5}`},
		{"GET", "/v1/rings", "/v1/rings"}, {"DELETE", "/v1/rings/default/auto", auto}, {"DELETE", "/v1/rings/msak/auto", auto},
		{"GET", "/v1/status", "/v1/status"},
	} {
		conforms(t, api, c[0], c[2], x.do(c[0], c[1], c[3]))
	}
	alone := start(t, nil)
	for _, q := range operatorRequests() {
		path := strings.NewReplacer("/r2", "/{region}", "/r3", "/{region}", "/n4", "/{node}", "/default/ring-2", "/{type}/{ring}", "/default/auto", "/{type}/auto").Replace(q[1])
		conforms(t, api, q[0], path, alone.do(q[0], q[1], q[2]))
	}
}
