package rest

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"gazetteer"
	"gazetteer/api/rest/problem"
	"gazetteer/region"
	"gazetteer/ring"
)

const one = "/v1/types/ndt/resources/one"

func TestResourceLifecycle(t *testing.T) {
	x := start(t, nil)
	r := x.do("PUT", one, threeLocations).want(201)
	tag := r.header.Get("ETag")
	if len(tag) != 18 || r.header.Get("Location") != one || !strings.Contains(r.body, `"ack":"ring","asked":"ring"`) || !strings.Contains(r.body, tag) {
		t.Errorf("%v %s", r.header, r.body)
	}
	r = x.do("GET", one, "").want(200)
	want := `{"type":"ndt","id":"one","attributes":{"size":7},"locations":[` + ams + `,` + fra + `,` + nyc + `],"version":` + tag + `}`
	if r.body != want || r.header.Get("ETag") != tag || r.header.Get("Cache-Control") != "private, no-cache" {
		t.Errorf("%v\n%s\n%s", r.header, r.body, want)
	}
	if again := x.do("PUT", one, r.body).want(200); again.header.Get("ETag") == tag || again.header.Get("Location") != "" {
		t.Errorf("what GET returns was put as %v", again.header)
	}
	if d := x.do("DELETE", one, "").want(204); d.body != "" {
		t.Error(d.body)
	}
	x.do("GET", one, "").problem(problem.UnknownResource)
	x.do("DELETE", one, "").problem(problem.UnknownResource)
}

func TestLocationHeaderIsBehindTheBase(t *testing.T) {
	x := start(t, func(c *Config) { c.Base = "https://public.example/g/" })
	r := x.do("PUT", "/v1/types/ndt/resources/a%2Fb:c/locations/%2E%2E", `{"url":"https://x.example"}`).want(201)
	if got := r.header.Get("Location"); got != "https://public.example/g/v1/types/ndt/resources/a%2Fb%3Ac/locations/%2E%2E" {
		t.Error(got)
	}
	if _, err := New(Config{Regional: x.regional, Base: "public.example"}); err == nil {
		t.Error("a base that is no URL")
	}
}

func TestLocationLifecycle(t *testing.T) {
	x := filled(t, nil)
	r := x.do("GET", one+"/locations/fra", "").want(200)
	if r.body != fra || r.header.Get("ETag") == "" {
		t.Errorf("%s", r.body)
	}
	r = x.do("PUT", one+"/locations/new", `{"url":"https://new.example"}`).want(201)
	if r.header.Get("Location") != one+"/locations/new" {
		t.Errorf("%v", r.header)
	}
	x.do("PUT", one+"/locations/new", `{"id":"new","url":"https://newer.example","weight":0.5}`).want(200)
	if got := x.do("GET", one+"/locations/new", "").body; got != `{"id":"new","url":"https://newer.example","weight":0.5}` {
		t.Error(got)
	}
	pointer(t, x.do("PUT", one+"/locations/new", `{"id":"old","url":"https://x.example"}`).problem(problem.Unprocessable), "/id", "the path says")
	x.do("DELETE", one+"/locations/new", "").want(204)
	x.do("DELETE", one+"/locations/new", "").problem(problem.UnknownLocation)
	x.do("GET", one+"/locations/new", "").problem(problem.UnknownLocation)
	x.do("DELETE", "/v1/types/nope/resources/a/locations/b", "").problem(problem.UnknownType)
}

func TestConditionalReads(t *testing.T) {
	x := filled(t, nil)
	tag := x.do("GET", one, "").header.Get("ETag")
	for _, h := range []string{tag, "*", "W/" + tag, `"0123456789abcdef", ` + tag} {
		r := x.do("GET", one, "", "If-None-Match: "+h).want(304)
		if r.body != "" || r.header.Get("ETag") != tag {
			t.Errorf("%s: %v %q", h, r.header, r.body)
		}
	}
	x.do("GET", one, "", `If-None-Match: "0123456789abcdef"`).want(200)
	x.do("GET", one+"/locations/ams", "", "If-None-Match: "+tag).want(304)
	x.do("GET", one+"/locations/nope", "", "If-None-Match: *").problem(problem.UnknownLocation)
	kind := x.do("GET", "/v1/types/ndt", "").header.Get("ETag")
	x.do("GET", "/v1/types/ndt", "", "If-None-Match: "+kind).want(304)
	x.do("PUT", "/v1/types/ndt", `{"ttl_seconds":7}`).want(200)
	x.do("GET", "/v1/types/ndt", "", "If-None-Match: "+kind).want(200)
}

func TestConditionalWrites(t *testing.T) {
	x := filled(t, nil)
	tag := x.do("GET", one, "").header.Get("ETag")
	const old = `"0123456789abcdef"`
	x.do("PUT", one, threeLocations, "If-None-Match: *").problem(problem.PreconditionFailed)
	x.do("PUT", one, threeLocations, "If-Match: "+old).problem(problem.PreconditionFailed)
	x.do("DELETE", one, "", "If-Match: "+old).problem(problem.PreconditionFailed)
	x.do("PUT", one+"/locations/a", `{"url":"https://a.example"}`, "If-Match: "+old).problem(problem.PreconditionFailed)
	x.do("DELETE", one+"/locations/ams", "", "If-Match: "+old).problem(problem.PreconditionFailed)
	x.do("PUT", "/v1/types/ndt/resources/two", "{}", "If-Match: *").problem(problem.PreconditionFailed)
	if got := x.do("GET", one, "").header.Get("ETag"); got != tag {
		t.Error("a refused write changed something")
	}
	tag = x.do("PUT", one, threeLocations, "If-Match: "+old+", "+tag).want(200).header.Get("ETag")
	tag = x.do("PUT", one+"/locations/a", `{"url":"https://a.example"}`, "If-Match: "+tag).want(201).header.Get("ETag")
	x.do("PUT", "/v1/types/ndt/resources/two", "{}", "If-None-Match: *").want(201)
	x.do("PUT", "/v1/types/ndt/resources/two", "{}", "If-Match: *").want(200)
	x.do("DELETE", one, "", "If-Match: "+tag).want(204)
	for _, h := range []string{"If-Match: 0123456789abcdef", `If-Match: W/` + old, `If-Match: "x"`, `If-Match: "0123456789abcdeg"`, `If-Match: "0000000000000000"`, `If-Match: "ffffffffffffffff"`, "If-None-Match: " + old,
		"If-Match: " + strings.Repeat(old+",", 40) + old} {
		x.do("PUT", one, threeLocations, h).problem(problem.InvalidParameter)
	}
	x.do("PUT", one, threeLocations, "If-Match: *", "If-None-Match: *").problem(problem.InvalidParameter)
}

func TestAcknowledgement(t *testing.T) {
	x := start(t, nil)
	var got region.Change
	x.regional.Before = func(cs []region.Change) error { got = cs[0]; return nil }
	x.do("PUT", one+"?ack=local&deadline=250ms", threeLocations).want(201)
	if got.Ack != ring.AckLocal || got.Deadline != 250*time.Millisecond {
		t.Errorf("%+v", got)
	}
	x.do("PUT", one+"?deadline=1.5", threeLocations).want(200)
	if got.Ack != ring.AckRing || got.Deadline != 1500*time.Millisecond {
		t.Errorf("%+v", got)
	}
	x.regional.Reached = ring.AckRegions
	x.do("PUT", one+"?ack=regions", threeLocations).want(200)
	x.regional.Reached = ring.AckRing
	if r := x.do("PUT", one+"?ack=regions", threeLocations).want(202); got.Ack != ring.AckRegions || !strings.Contains(r.body, `"ack":"ring","asked":"regions"`) {
		t.Errorf("%+v: %s", got, r.body)
	}
	x.regional.Reached = ring.AckLocal
	for _, c := range []struct{ method, path, body string }{
		{"PUT", one, threeLocations}, {"PUT", one + "/locations/a", `{"url":"https://a.example"}`}, {"PATCH", one, `{"attributes":null}`}, {"DELETE", one + "/locations/a", ""}, {"DELETE", one, ""},
	} {
		if r := x.do(c.method, c.path, c.body).want(202); !strings.Contains(r.body, `"ack":"local","asked":"ring"`) {
			t.Errorf("%s %s: %s", c.method, c.path, r.body)
		}
	}
	for _, q := range []string{"ack=none", "ack=all", "ack=", "deadline=0", "deadline=-1s", "deadline=1h", "deadline=soon", "deadline=NaN", "ack=ring&ack=ring", "sync=1"} {
		x.do("PUT", one+"?"+q, threeLocations).problem(problem.InvalidParameter)
	}
}

func TestFailuresOfARegionAreTold(t *testing.T) {
	x := filled(t, nil)
	for kind := gazetteer.Internal; kind <= gazetteer.Denied; kind++ {
		row := problem.OfKind(kind)
		x.regional.Down = &gazetteer.Error{Op: "region.Secret", Kind: kind, Key: gazetteer.Key{Type: "ndt", ID: "one"}, Detail: "it is so", Err: errors.New("innards")}
		r := x.do("GET", one, "")
		p := r.problem(row.Code)
		if (kind == gazetteer.Internal) != (p.Detail == "") || strings.Contains(r.body, "innards") || strings.Contains(r.body, "Secret") {
			t.Errorf("%v: %s", kind, r.body)
		}
		if (row.Retry > 0) != (r.header.Get("Retry-After") == fmt.Sprint(row.Retry)) || p.RetryAfter != row.Retry {
			t.Errorf("%v: Retry-After %q", kind, r.header.Get("Retry-After"))
		}
		if r.header.Get("ETag") != "" || r.header.Get("Cache-Control") != "no-store" {
			t.Errorf("%v: %v", kind, r.header)
		}
		if kind == gazetteer.Internal && !strings.Contains(x.log.String(), p.RequestID) {
			t.Error("the fault is not in the log")
		}
	}
	x.regional.Down = errors.New("no kind at all")
	x.do("GET", one, "").problem(problem.Internal)
}

func TestTypes(t *testing.T) {
	x := start(t, nil)
	const wehe = "/v1/types/wehe"
	r := x.do("PUT", wehe, `{"name":"wehe","mode":"multi","ttl_seconds":90,"redirect":true}`).want(201)
	if r.header.Get("Location") != wehe {
		t.Errorf("%v", r.header)
	}
	if got := x.do("GET", wehe, "").want(200).body; got != `{"name":"wehe","mode":"multi","ttl_seconds":90,"redirect":true}` {
		t.Error(got)
	}
	x.do("PUT", wehe, `{}`).want(200)
	if got := x.do("GET", "/v1/types", "").want(200).body; got != `{"types":[{"name":"msak","mode":"multi","ttl_seconds":30,"redirect":false},{"name":"ndt","mode":"multi","ttl_seconds":30,"redirect":true},{"name":"wehe","mode":"multi","ttl_seconds":30,"redirect":false}]}` {
		t.Error(got)
	}
	for body, at := range map[string]string{
		`{"name":"other"}`: "/name", `{"ttl_seconds":-1}`: "/ttl_seconds", `{"ttl_seconds":1.5}`: "/ttl_seconds", `{"ttl_seconds":1e300}`: "/ttl_seconds", `{"ttl_seconds":"30"}`: "/ttl_seconds",
		`{"redirect":1}`: "/redirect", `{"redirect":null}`: "/redirect", `{"mode":"leased"}`: "/mode", `{"ttl":3}`: "/ttl", `{"mode":"multi","mode":"multi"}`: "/mode", `[]`: "",
	} {
		pointer(t, x.do("PUT", wehe, body).problem(problem.Unprocessable), at, "")
	}
	x.do("PUT", wehe, `{"ttl_seconds":1}`, "If-Match: *").problem(problem.Unsupported)
	x.do("PUT", "/v1/types/Upper", `{}`).problem(problem.Unprocessable)
	x.do("PUT", "/v1/types/any", `{}`).problem(problem.Unprocessable)
	x.do("PUT", "/v1/types/_types", `{}`).problem(problem.Unprocessable)
	x.do("PUT", "/v1/types/"+strings.Repeat("a", 64), `{}`).problem(problem.Unprocessable)
	x.do("PUT", wehe+"/resources/a", `{}`).want(201)
	x.do("DELETE", wehe, "").problem(problem.Conflict)
	x.do("DELETE", wehe+"/resources/a", "").want(204)
	x.do("DELETE", wehe, "").want(204)
	x.do("DELETE", wehe, "").problem(problem.UnknownType)
	x.do("GET", wehe, "").problem(problem.UnknownType)
}

func TestWritesAreNotHalfDone(t *testing.T) {
	x := filled(t, nil)
	before := x.record("ndt", "one")
	for _, body := range []string{`{"locations":[` + ams + `,{"id":"x","url":"no"}]}`, `{"locations":[` + ams + `,` + ams + `]}`, `{"locations":[` + ams, `{"attributes":{"size":8},"x":1}`} {
		if r := x.do("PUT", one, body); r.status < 400 {
			t.Errorf("%s: %d", body, r.status)
		}
	}
	if after := x.record("ndt", "one"); after.Version != before.Version {
		t.Error("a refused write was done in part")
	}
}
