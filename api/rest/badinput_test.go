package rest

import (
	"fmt"
	"runtime"
	"strings"
	"testing"
	"time"

	"gazetteer"
	"gazetteer/api/rest/problem"
)

// TestBadDocuments is every way to get a document wrong. Each is told what is wrong and
// where, and nothing of it is stored.
func TestBadDocuments(t *testing.T) {
	x := start(t, nil)
	locations := func(l string) string { return `{"locations":[` + ams + `,` + l + `]}` }
	deep := strings.Repeat(`{"a":`, 100) + "1" + strings.Repeat("}", 100)
	for name, c := range map[string]struct {
		body string
		code problem.Code
		at   string
		says string
	}{
		"empty":                {" ", problem.MalformedJSON, "", "lacks a value at byte 1"},
		"not JSON":             {"hello", problem.MalformedJSON, "", "byte 0"},
		"cut":                  {`{"locations":[`, problem.MalformedJSON, "/locations/0", "where it ends"},
		"trailing":             {`{} x`, problem.MalformedJSON, "", "after its end at byte 3"},
		"two documents":        {`{}{}`, problem.MalformedJSON, "", "after its end"},
		"array":                {`[]`, problem.Unprocessable, "", "not an object"},
		"null":                 {`null`, problem.Unprocessable, "", "null"},
		"invalid UTF-8":        {"{\"attributes\":{\"a\":\"\xff\"}}", problem.MalformedJSON, "", "UTF-8"},
		"overlong":             {"{\"attributes\":{\"a\":\"\xc0\xaf\"}}", problem.MalformedJSON, "", "UTF-8"},
		"surrogate in UTF-8":   {"{\"attributes\":{\"a\":\"\xed\xa0\x80\"}}", problem.MalformedJSON, "", "UTF-8"},
		"lone surrogate":       {`{"attributes":{"a":"\ud800"}}`, problem.MalformedJSON, "/attributes/a", "surrogate"},
		"unknown field":        {`{"atributes":{}}`, problem.Unprocessable, "/atributes", "not a field"},
		"other case":           {`{"Attributes":{}}`, problem.Unprocessable, "/Attributes", "not a field"},
		"unknown deep field":   {locations(`{"id":"x","url":"https://x.example","lng":1}`), problem.Unprocessable, "/locations/1/lng", "not a field"},
		"answer's field":       {locations(`{"id":"x","url":"https://x.example","score":1}`), problem.Unprocessable, "/locations/1/score", "not a field"},
		"duplicate key":        {`{"attributes":{},"attributes":{}}`, problem.Unprocessable, "/attributes", "twice"},
		"deep duplicate":       {`{"attributes":{"a":[{"b":1,"b":2}]}}`, problem.Unprocessable, "/attributes/a/0/b", "twice"},
		"duplicate label":      {locations(`{"id":"x","url":"https://x.example","labels":{"a":"1","a":"1"}}`), problem.Unprocessable, "/locations/1/labels/a", "twice"},
		"duplicate location":   {locations(ams), problem.Unprocessable, "/locations/1/id", "twice"},
		"depth bomb":           {`{"attributes":` + deep + `}`, problem.MalformedJSON, "/attributes" + strings.Repeat("/a", 31), "32 levels"},
		"wide depth bomb":      {`{"attributes":` + strings.Repeat("[", 100_000), problem.MalformedJSON, "/attributes" + strings.Repeat("/0", 31), "32 levels"},
		"unknown deep bomb":    {`{"x":` + strings.Repeat("[", 100_000), problem.Unprocessable, "/x", "not a field"},
		"huge number":          {`{"attributes":{"a":1e400}}`, problem.Unprocessable, "/attributes/a", "range"},
		"attributes no object": {`{"attributes":[1]}`, problem.Unprocessable, "/attributes", "object"},
		"attributes null":      {`{"attributes":null}`, problem.Unprocessable, "/attributes", "object"},
		"locations no array":   {`{"locations":{}}`, problem.Unprocessable, "/locations", "array"},
		"location no object":   {locations(`"x"`), problem.Unprocessable, "/locations/1", "object"},
		"no id":                {locations(`{"url":"https://x.example"}`), problem.Unprocessable, "/locations/1", "lacks an id"},
		"empty id":             {locations(`{"id":"","url":"https://x.example"}`), problem.Unprocessable, "/locations/1", "lacks an id"},
		"long id":              {locations(`{"id":"` + strings.Repeat("x", 256) + `","url":"https://x.example"}`), problem.Unprocessable, "/locations/1", "256 bytes"},
		"id no string":         {locations(`{"id":1,"url":"https://x.example"}`), problem.Unprocessable, "/locations/1/id", "string"},
		"no url":               {locations(`{"id":"x"}`), problem.Unprocessable, "/locations/1", "lacks a url"},
		"url that is none":     {locations(`{"id":"x","url":"::not a url"}`), problem.Unprocessable, "/locations/1/url", "URL"},
		"relative url":         {locations(`{"id":"x","url":"/path"}`), problem.Unprocessable, "/locations/1/url", "absolute"},
		"url with a space":     {locations(`{"id":"x","url":"https://x.example/ a"}`), problem.Unprocessable, "/locations/1/url", "space"},
		"lat alone":            {locations(`{"id":"x","url":"https://x.example","lat":1}`), problem.Unprocessable, "/locations/1", "no lon"},
		"lon alone":            {locations(`{"id":"x","url":"https://x.example","lon":1}`), problem.Unprocessable, "/locations/1", "no lat"},
		"lat out of range":     {locations(`{"id":"x","url":"https://x.example","lat":90.0001,"lon":1}`), problem.Unprocessable, "/locations/1/lat", "between"},
		"lon out of range":     {locations(`{"id":"x","url":"https://x.example","lat":1,"lon":-180.5}`), problem.Unprocessable, "/locations/1/lon", "between"},
		"lat no number":        {locations(`{"id":"x","url":"https://x.example","lat":"1","lon":1}`), problem.Unprocessable, "/locations/1/lat", "number"},
		"lat null":             {locations(`{"id":"x","url":"https://x.example","lat":null,"lon":null}`), problem.Unprocessable, "/locations/1/lat", "null"},
		"country":              {locations(`{"id":"x","url":"https://x.example","country":"Germany"}`), problem.Unprocessable, "/locations/1/country", "alpha-2"},
		"negative weight":      {locations(`{"id":"x","url":"https://x.example","weight":-1}`), problem.Unprocessable, "/locations/1/weight", "between"},
		"label no string":      {locations(`{"id":"x","url":"https://x.example","labels":{"a":1}}`), problem.Unprocessable, "/locations/1/labels/a", "string"},
		"labels no object":     {locations(`{"id":"x","url":"https://x.example","labels":["a"]}`), problem.Unprocessable, "/locations/1/labels", "object"},
		"other type":           {`{"type":"msak"}`, problem.Unprocessable, "/type", "the path says"},
		"other resource":       {`{"id":"two"}`, problem.Unprocessable, "/id", "the path says"},
		"version no string":    {`{"version":1}`, problem.Unprocessable, "/version", "string"},
		"too many locations":   {`{"locations":[` + strings.Repeat(`{"id":"x","url":"https://x.example"},`, gazetteer.MaxLocations) + ams + `]}`, problem.TooLarge, "/locations/10000", "10000"},
		"record too large":     {`{"attributes":{"a":"` + strings.Repeat("x", gazetteer.MaxRecordBytes) + `"}}`, problem.TooLarge, "", "1048576"},
		"body too large":       {`{"attributes":{"a":"` + strings.Repeat("x", int(recordBody)) + `"}}`, problem.TooLarge, "", "2097152"},
	} {
		t.Run(name, func(t *testing.T) {
			pointer(t, x.do("PUT", one, c.body).problem(c.code), c.at, c.says)
		})
	}
	if x.regional.Len() != 0 {
		t.Error("something was stored")
	}
	const good = `{"locations":[{"id":"x","url":"https://x.example","lat":-90,"lon":180,"weight":0}],"attributes":{"a":1e308,"😀":"\ud83d\ude00"},"version":""}`
	x.do("PUT", one, good+" \r\n\t").want(201)
}

func TestBadPaths(t *testing.T) {
	x := start(t, nil)
	long := strings.Repeat("x", 256)
	for path, code := range map[string]problem.Code{
		"/v1/types/ndt/resources/" + long:                        problem.Unprocessable,
		"/v1/types/ndt/resources/%ff":                            problem.Unprocessable,
		"/v1/types/ndt/resources/a/locations/" + long:            problem.Unprocessable,
		"/v1/types/ndt/resources/a/locations/%c3%28":             problem.Unprocessable,
		"/v1/types/Ndt/resources/a":                              problem.Unprocessable,
		"/v1/types/-/resources/a":                                problem.Unprocessable,
		"/v1/types/nope/resources/a":                             problem.UnknownType,
		"/v1/types/ndt/resources/a":                              problem.UnknownResource,
		"/v1/types/ndt/resources/a?x=1":                          problem.InvalidParameter,
		"/v1/types/ndt/resources?page_size=0":                    problem.InvalidParameter,
		"/v1/types/ndt/resources?page_size=1001":                 problem.InvalidParameter,
		"/v1/types/ndt/resources?page_token=x":                   problem.InvalidParameter,
		"/v1/types/ndt/resources?prefix=%ff":                     problem.InvalidParameter,
		"/v1/types/ndt/resources?prefix=" + long:                 problem.InvalidParameter,
		"/v1/types/ndt/resources?offset=3":                       problem.InvalidParameter,
		"/v1/types/ndt/resources:export?page_size=1":             problem.InvalidParameter,
		"/v1/types/nope/resources:export":                        problem.UnknownType,
		"/v1/types/nope/resources":                               problem.UnknownType,
		"/v1/types?x":                                            problem.InvalidParameter,
		"/v1/status?x":                                           problem.InvalidParameter,
		"/v1/conflicts?limit=0":                                  problem.InvalidParameter,
		"/v1/conflicts?x=0":                                      problem.InvalidParameter,
		"/readyz?quiet":                                          problem.InvalidParameter,
		"/readyz?verbose=maybe":                                  problem.InvalidParameter,
		"/openapi.json?x":                                        problem.InvalidParameter,
		"/v1/nowhere":                                            problem.UnknownPath,
		"/v1/types/ndt/resources?" + strings.Repeat("a=1&", 100): problem.InvalidParameter,
	} {
		x.do("GET", path, "").problem(code)
	}
}

func TestBodyIsWhatItSays(t *testing.T) {
	x := start(t, nil)
	for _, h := range []string{"Content-Type: text/plain", "Content-Type: application/x-www-form-urlencoded", "Content-Type: application/json; charset=latin1", "Content-Type: nonsense;;", "Content-Type: application/xml"} {
		x.do("PUT", one, "{}", h).problem(problem.UnsupportedMediaType)
		x.do("POST", "/v1/resolve", `{"queries":[]}`, h).problem(problem.UnsupportedMediaType)
		x.do("PUT", "/v1/types/wehe", "{}", h).problem(problem.UnsupportedMediaType)
		x.do("PUT", one+"/locations/a", "{}", h).problem(problem.UnsupportedMediaType)
		x.do("POST", "/v1/types/ndt/resources:import", "", h).problem(problem.UnsupportedMediaType)
	}
	for _, h := range []string{"Content-Encoding: gzip", "Content-Encoding: zstd", "Content-Encoding: identity"} {
		x.do("PUT", one, "{}", h).problem(problem.UnsupportedMediaType)
		x.do("POST", "/v1/types/ndt/resources:import", "{}", h).problem(problem.UnsupportedMediaType)
	}
	x.do("PUT", one, "{}", "Content-Type: application/json; charset=UTF-8").want(201)
	x.do("PUT", one, "{}").want(200)
}

// TestBodyLimitsHoldBeforeAnythingIsAllocated sends bodies that are, or say they are,
// over the limit of every route that takes one.
func TestBodyLimitsHoldBeforeAnythingIsAllocated(t *testing.T) {
	x := start(t, nil)
	for _, rt := range routes() {
		if rt.body <= 0 {
			continue
		}
		path := strings.NewReplacer(`\:`, ":", ":type", "ndt", ":region", "r1", ":id", "one", ":location", "l").Replace(rt.path)
		over := strings.Repeat(" ", int(rt.body)+1)
		x.do(rt.method, path, over).problem(problem.TooLarge)
		x.do(rt.method, path, over, "Expect: 100-continue").problem(problem.TooLarge)
		// Chunked, it says nothing of its length.
		chunk := fmt.Sprintf("%x\r\n%s\r\n", len(over), over)
		if r := x.wire(rt.method, path, "Transfer-Encoding: chunked\r\n", chunk+"0\r\n\r\n", false); r.status != 413 {
			t.Errorf("%s %s chunked: %d %s", rt.method, path, r.status, r.body)
		}
		before := allocated()
		r := x.wire(rt.method, path, "Content-Length: 9000000000000\r\n", "{", false)
		if r.status != 413 || allocated()-before > 1<<20 {
			t.Errorf("%s %s, a lying length: %d, %d bytes allocated", rt.method, path, r.status, allocated()-before)
		}
		for _, lie := range []string{"-1", "99999999999999999999", "1, 2", "0x10"} {
			if r := x.wire(rt.method, path, "Content-Length: "+lie+"\r\n", "", false); r.status != 400 {
				t.Errorf("%s %s, length %s: %d", rt.method, path, lie, r.status)
			}
		}
	}
}

func allocated() uint64 {
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return m.TotalAlloc
}

func TestBodyThatEndsEarly(t *testing.T) {
	x := start(t, nil)
	if r := x.wire("PUT", one, "Content-Length: 100\r\n", `{"attributes":{`, true); r.status != 400 || !strings.Contains(r.body, "before it is whole") {
		t.Errorf("%d %s", r.status, r.body)
	}
	if x.regional.Len() != 0 {
		t.Error("half a body was stored")
	}
}

func TestRequestsOnRoutesWithoutBody(t *testing.T) {
	x := filled(t, nil)
	x.do("DELETE", one, "{}").problem(problem.InvalidRequest)
	x.do("GET", one, "{}").problem(problem.InvalidRequest)
	if r := x.wire("GET", one, "Transfer-Encoding: chunked\r\n", "0\r\n\r\n", false); r.status != 400 {
		t.Errorf("%d %s", r.status, r.body)
	}
}

func TestDuplicateKeysAreCheap(t *testing.T) {
	var b strings.Builder
	b.WriteString(`{"attributes":{`)
	for i := range 60_000 {
		fmt.Fprintf(&b, `"%d":0,`, i)
	}
	b.WriteString(`"x":0}}`)
	x := start(t, nil)
	begin := time.Now()
	x.do("PUT", one, b.String()).want(201)
	if took := time.Since(begin); took > 3*time.Second {
		t.Errorf("60,000 keys took %v", took)
	}
}
