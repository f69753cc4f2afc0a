package rest

import (
	"encoding/json"
	"reflect"
	"strings"
	"sync/atomic"
	"testing"

	"gazetteer"
	"gazetteer/api/rest/jsontext"
	"gazetteer/api/rest/problem"
	"gazetteer/region"
)

// TestMergeExamples are the test cases of RFC 7396, appendix A, as far as both are
// objects, and some about text that must stay as it is.
func TestMergeExamples(t *testing.T) {
	for _, c := range []struct{ target, patch, want string }{
		{`{"a":"b"}`, `{"a":"c"}`, `{"a":"c"}`},
		{`{"a":"b"}`, `{"b":"c"}`, `{"a":"b","b":"c"}`},
		{`{"a":"b"}`, `{"a":null}`, `{}`},
		{`{"a":"b","b":"c"}`, `{"a":null}`, `{"b":"c"}`},
		{`{"a":["b"]}`, `{"a":"c"}`, `{"a":"c"}`},
		{`{"a":"c"}`, `{"a":["b"]}`, `{"a":["b"]}`},
		{`{"a":{"b":"c"}}`, `{"a":{"b":"d","c":null}}`, `{"a":{"b":"d"}}`},
		{`{"a":[{"b":"c"}]}`, `{"a":[1]}`, `{"a":[1]}`},
		{`{"e":null}`, `{"a":1}`, `{"e":null,"a":1}`},
		{`[1,2]`, `{"a":"b","c":null}`, `{"a":"b"}`},
		{`{}`, `{"a":{"bb":{"ccc":null}}}`, `{"a":{"bb":{}}}`},
		{`{"n":12345678901234567890.10,"z":1}`, `{"z":2e0}`, `{"n":12345678901234567890.10,"z":2e0}`},
		{``, `{"a":1}`, `{"a":1}`},
	} {
		if got := merge(c.target, c.patch); got != c.want {
			t.Errorf("%s + %s: %s, want %s", c.target, c.patch, got, c.want)
		}
	}
}

// mergeOracle is the algorithm of RFC 7396 as it is written there.
func mergeOracle(target, patch any) any {
	p, ok := patch.(map[string]any)
	if !ok {
		return patch
	}
	t, ok := target.(map[string]any)
	if !ok {
		t = map[string]any{}
	}
	for k, v := range p {
		if v == nil {
			delete(t, k)
		} else {
			t[k] = mergeOracle(t[k], v)
		}
	}
	return t
}

func FuzzMerge(f *testing.F) {
	f.Add(`{"a":{"b":"c"},"d":[1,null]}`, `{"a":{"b":null,"e":{"f":null}},"d":{"x":1}}`)
	f.Add(`1`, `{"a":[{}]}`)
	f.Add(`{}`, `null`)
	f.Fuzz(func(t *testing.T, target, patch string) {
		a, errA := rawOf(target)
		b, errB := rawOf(patch)
		if errA != nil || errB != nil {
			return
		}
		merged := merge(a, b)
		var x, y, got any
		_ = json.Unmarshal([]byte(a), &x)
		_ = json.Unmarshal([]byte(b), &y)
		if err := json.Unmarshal([]byte(merged), &got); err != nil {
			t.Fatalf("%s + %s is no JSON: %s", a, b, merged)
		}
		if want := mergeOracle(x, y); !reflect.DeepEqual(got, want) {
			t.Fatalf("%s + %s: %s, want %v", a, b, merged, want)
		}
	})
}

func rawOf(s string) (string, error) {
	var r jsontext.Reader
	r.Reset(s)
	raw := r.Raw()
	return raw, r.End()
}

func TestPatch(t *testing.T) {
	x := filled(t, nil)
	var done region.Change
	x.regional.Before = func(cs []region.Change) error { done = cs[0]; return nil }
	for _, c := range []struct {
		patch string
		op    region.Op
		want  string // the document behind the type and id
	}{
		{`{"attributes":{"size":8,"name":"x"}}`, region.PutResource, `"attributes":{"size":8,"name":"x"},"locations":[` + ams + `,` + fra + `,` + nyc + `]`},
		{`{"attributes":{"name":null}}`, region.PutResource, `"attributes":{"size":8},"locations":[` + ams + `,` + fra + `,` + nyc + `]`},
		{`{"locations":{"ams":null}}`, region.DeleteLocation, `"attributes":{"size":8},"locations":[` + fra + `,` + nyc + `]`},
		{`{"locations":{"fra":{"weight":3,"country":null,"lat":null,"lon":null,"labels":{"b":"2","a":"1"}}}}`, region.PutLocation,
			`"attributes":{"size":8},"locations":[{"id":"fra","url":"https://fra.example/x","weight":3,"labels":{"a":"1","b":"2"}},` + nyc + `]`},
		{`{"locations":{"fra":{"labels":{"a":null,"c":"3"},"weight":null,"lat":1.5,"lon":2}}}`, region.PutLocation,
			`"attributes":{"size":8},"locations":[{"id":"fra","url":"https://fra.example/x","lat":1.5,"lon":2,"weight":1,"labels":{"b":"2","c":"3"}},` + nyc + `]`},
		{`{"locations":{"fra":{"lat":2.5,"labels":null},"nope":null}}`, region.PutLocation,
			`"attributes":{"size":8},"locations":[{"id":"fra","url":"https://fra.example/x","lat":2.5,"lon":2,"weight":1},` + nyc + `]`},
		{`{"type":"ndt","id":"one","version":"x","locations":{"new":{"url":"https://new.example"},"nyc":null,"fra":null}}`, region.PutResource,
			`"attributes":{"size":8},"locations":[{"id":"new","url":"https://new.example","weight":1}]`},
		{`{"locations":null,"attributes":{"size":null}}`, region.PutResource, `"attributes":{},"locations":[]`},
		{`{"attributes":null}`, region.PutResource, `"attributes":{},"locations":[]`},
	} {
		r := x.do("PATCH", one, c.patch, "Content-Type: application/merge-patch+json").want(200)
		if done.Op != c.op || len(done.If) != 1 {
			t.Errorf("%s: did %+v", c.patch, done)
		}
		got := x.do("GET", one, "")
		if want := `{"type":"ndt","id":"one",` + c.want + `,"version":` + r.header.Get("ETag") + `}`; got.body != want {
			t.Errorf("%s:\n%s\n%s", c.patch, got.body, want)
		}
	}
}

func TestPatchesThatTouchNothing(t *testing.T) {
	x := filled(t, nil)
	tag := x.do("GET", one, "").header.Get("ETag")
	x.regional.Before = func([]region.Change) error { t.Error("it wrote"); return nil }
	for _, patch := range []string{`{}`, `{"locations":{}}`, `{"locations":{"nope":null}}`} {
		if r := x.do("PATCH", one, patch).want(200); r.header.Get("ETag") != tag {
			t.Errorf("%s: %v", patch, r.header)
		}
	}
}

func TestPatchRefusals(t *testing.T) {
	x := filled(t, nil)
	before := x.record("ndt", "one").Version
	for patch, at := range map[string]string{
		`{"locations":[]}`: "/locations", `{"locations":{"ams":1}}`: "/locations/ams", `{"locations":{"ams":{"x":1}}}`: "/locations/ams/x", `{"locations":{"ams":{"x":null}}}`: "/locations/ams/x",
		`{"locations":{"ams":{"lat":null}}}`: "/locations/ams", `{"locations":{"ams":{"url":null}}}`: "/locations/ams", `{"locations":{"new":{}}}`: "/locations/new", `{"locations":{"new":{"lat":1,"url":"https://x.example"}}}`: "/locations/new",
		`{"locations":{"ams":{"id":"fra"}}}`: "/locations/ams/id", `{"locations":{"ams":{"id":null}}}`: "/locations/ams/id", `{"locations":{"ams":{"labels":{"a":1}}}}`: "/locations/ams/labels/a", `{"locations":{"ams":{"labels":[]}}}`: "/locations/ams/labels",
		`{"locations":{"":{"url":"https://x.example"}}}`: "/locations/", `{"attributes":[]}`: "/attributes", `{"attributes":{"a":1,"a":2}}`: "/attributes/a", `{"x":null}`: "/x", `{"id":"two"}`: "/id", `[]`: "", `null`: "",
		`{"locations":{"a/b~c":{"weight":"1"}}}`: "/locations/a~1b~0c/weight", `{"locations":{"ams":null,"ams":null}}`: "/locations/ams",
	} {
		pointer(t, x.do("PATCH", one, patch).problem(problem.Unprocessable), at, "")
	}
	x.do("PATCH", one, `{`).problem(problem.MalformedJSON)
	x.do("PATCH", one, `{}`, "Content-Type: application/json-patch+json").problem(problem.UnsupportedMediaType)
	x.do("PATCH", "/v1/types/ndt/resources/two", `{}`).problem(problem.UnknownResource)
	x.do("PATCH", one, `{}`, "If-None-Match: *").problem(problem.InvalidParameter)
	x.do("PATCH", one, `{"attributes":{"a":1}}`, `If-Match: "0123456789abcdef"`).problem(problem.PreconditionFailed)
	if x.record("ndt", "one").Version != before {
		t.Error("a refused patch changed something")
	}
	x.do("PATCH", one, `{"attributes":{"a":1}}`, "If-Match: "+etag(before)).want(200)
	x.do("PATCH", one, `{"attributes":{"a":2}}`, "If-Match: *").want(200)
}

func TestPatchBeginsAgainWhenSomebodyWroteInBetween(t *testing.T) {
	x := filled(t, nil)
	var others atomic.Int64
	race := func(times int64) {
		others.Store(times)
		x.regional.Before = func(cs []region.Change) error {
			if others.Add(-1) >= 0 {
				c := region.Change{Key: cs[0].Key, Op: region.PutLocation, Locations: []gazetteer.Location{{ID: "other", URL: "https://o.example", Weight: 1}}}
				before := x.regional.Before
				x.regional.Before = nil
				x.regional.Write(t.Context(), []region.Change{c})
				x.regional.Before = before
			}
			return nil
		}
	}
	race(patchTries - 1)
	x.do("PATCH", one, `{"attributes":{"mine":1}}`).want(200)
	if r := x.record("ndt", "one"); len(r.Locations) != 4 || !strings.Contains(string(r.Attributes), `"mine":1`) {
		t.Errorf("%+v", r)
	}
	race(patchTries)
	x.do("PATCH", one, `{"attributes":{"mine":2}}`).problem(problem.PreconditionFailed)
	race(1)
	x.do("PATCH", one, `{"attributes":{"mine":3}}`, "If-Match: "+x.do("GET", one, "").header.Get("ETag")).problem(problem.PreconditionFailed)
}
