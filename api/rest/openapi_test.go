package rest

import (
	"context"
	"encoding/json"
	"net/http"
	"os"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/getkin/kin-openapi/openapi3"
	"github.com/pb33f/libopenapi"

	"gazetteer/api/rest/problem"
	"gazetteer/region"
)

func loadAPI(t testing.TB) *openapi3.T {
	t.Helper()
	loader := openapi3.NewLoader()
	api, err := loader.LoadFromData([]byte(openAPIText))
	if err != nil {
		t.Fatal(err)
	}
	return api
}

func TestOpenAPIIsValid(t *testing.T) {
	api := loadAPI(t)
	if !api.IsOpenAPI31OrLater() {
		t.Fatalf("it is OpenAPI %s", api.OpenAPI)
	}
	if err := api.Validate(context.Background()); err != nil {
		t.Error(err)
	}
}

// TestOpenAPIBySecondOpinion builds the model with another library: every reference
// resolves there, too.
func TestOpenAPIBySecondOpinion(t *testing.T) {
	doc, err := libopenapi.NewDocument([]byte(openAPIText))
	if err != nil {
		t.Fatal(err)
	}
	model, err := doc.BuildV3Model()
	if err != nil {
		t.Fatal(err)
	}
	if errs := model.Index.GetReferenceIndexErrors(); len(errs) > 0 || model.Model.Paths.PathItems.Len() != len(pathsOf(routes())) {
		t.Errorf("errors %v, it sees %d paths", errs, model.Model.Paths.PathItems.Len())
	}
}

var ginParameter = regexp.MustCompile(`:(\w+)`)

// openPath writes a gin path as OpenAPI does.
func openPath(p string) string {
	before, verb, _ := strings.Cut(p, `\:`)
	if verb != "" {
		verb = ":" + verb
	}
	return ginParameter.ReplaceAllString(before, "{$1}") + verb
}

func pathsOf(rs []route) []string {
	var out []string
	for _, r := range rs {
		out = append(out, openPath(r.path))
	}
	slices.Sort(out)
	return slices.Compact(out)
}

func TestOpenAPIHasTheRoutesAndNoOthers(t *testing.T) {
	served := map[string]bool{}
	for _, r := range routes() {
		served[r.method+" "+openPath(r.path)] = true
	}
	described := map[string]bool{}
	for path, item := range loadAPI(t).Paths.Map() {
		for method := range item.Operations() {
			described[method+" "+path] = true
		}
	}
	for r := range served {
		if !described[r] {
			t.Errorf("%s is served, but not described", r)
		}
	}
	for r := range described {
		if !served[r] {
			t.Errorf("%s is described, but not served", r)
		}
	}
	// What gin has mounted is the table, and HEAD with every GET. Verbs of items share a path.
	for _, r := range routes() {
		if item, _, ok := r.verb(); ok {
			served[r.method+" "+openPath(item)] = true
		}
	}
	x := start(t, nil)
	for _, r := range x.handler.engine.Routes() {
		method := r.Method
		if method == http.MethodHead {
			method = http.MethodGet
		}
		if !served[method+" "+openPath(r.Path)] {
			t.Errorf("gin serves %s %s", r.Method, r.Path)
		}
	}
}

// conforms checks an answer against the schema that the description gives for it.
func conforms(t *testing.T, api *openapi3.T, method, path string, r *reply) {
	t.Helper()
	item := api.Paths.Value(path)
	if item == nil {
		t.Fatalf("no path %s", path)
	}
	answer := item.GetOperation(method).Responses.Value(strconv.Itoa(r.status))
	if answer == nil {
		t.Errorf("%s %s: status %d is not described", method, path, r.status)
		return
	}
	for name := range answer.Value.Headers {
		sometimes := name == "Retry-After" || name == "Link" || name == sessionHeader // no session comes of a region without rings
		if r.header.Get(name) == "" && !sometimes {
			t.Errorf("%s %s %d: header %s is described and missing", method, path, r.status, name)
		}
	}
	media := answer.Value.Content.Get(r.header.Get("Content-Type"))
	if media == nil {
		if r.body != "" {
			t.Errorf("%s %s %d: a body is not described: %s", method, path, r.status, r.body)
		}
		return
	}
	var v any
	if strings.Contains(r.header.Get("Content-Type"), "ndjson") || strings.HasPrefix(r.header.Get("Content-Type"), "text/") {
		v = r.body
	} else if err := json.Unmarshal([]byte(r.body), &v); err != nil {
		t.Fatal(err)
	}
	if err := media.Schema.Value.VisitJSON(v, openapi3.EnableJSONSchema2020()); err != nil {
		t.Errorf("%s %s %d: %v", method, path, r.status, err)
	}
}

func TestAnswersConformToTheDescription(t *testing.T) {
	x := filled(t, nil)
	x.regional.Choices = choices()
	x.regional.Place(region.Owners{Region: "r1", Epoch: 2, Placement: []int{0, -1}, Rings: []region.OwnerRing{{Name: "a", Members: []region.Owner{{Node: "n2", HTTP: "127.0.0.1:1", Live: true}}}}})
	api := loadAPI(t)
	const one, types = "/v1/types/ndt/resources/one", "/v1/types/ndt"
	const resource, location = "/v1/types/{type}/resources/{id}", "/v1/types/{type}/resources/{id}/locations/{location}"
	for _, c := range []struct {
		method, path, described, body string
		headers                       []string
	}{
		{"GET", "/v1/resolve/ndt/one", "/v1/resolve/{type}/{id}", "", nil},
		{"GET", "/v1/resolve/ndt/one?lat=48.8&lon=2.3&explain=1&limit=1&filter=country!=US", "/v1/resolve/{type}/{id}", "", nil},
		{"PUT", types, "/v1/types/{type}", wholePolicy, nil},
		{"GET", types, "/v1/types/{type}", "", nil},
		{"GET", "/v1/resolve/ndt/one?country=NL&explain=1&prefer=tier%3Dgold", "/v1/resolve/{type}/{id}", "", nil},
		{"PUT", types, "/v1/types/{type}", `{"policy":{"pin":[""]}}`, nil},
		{"PUT", types, "/v1/types/{type}", `{"redirect":true}`, nil},
		{"GET", "/v1/resolve/ndt/one?redirect=1", "/v1/resolve/{type}/{id}", "", nil},
		{"GET", "/v1/resolve/ndt/two", "/v1/resolve/{type}/{id}", "", nil},
		{"GET", "/v1/resolve/ndt/one?limit=0", "/v1/resolve/{type}/{id}", "", nil},
		{"GET", "/v1/resolve/ndt/one?region=r9", "/v1/resolve/{type}/{id}", "", nil},
		{"POST", "/v1/resolve", "/v1/resolve", `{"queries":[{"type":"ndt","id":"one"},{"type":"ndt","id":"two"}],"client":{"country":"NL"},"explain":true}`, nil},
		{"GET", "/v1/plan?type=ndt", "/v1/plan", "", nil},
		{"GET", "/v1/plan?type=none", "/v1/plan", "", nil},
		{"GET", "/v1/plan", "/v1/plan", "", nil},
		{"GET", "/v1/resolve/ndt/one?direct=1", "/v1/resolve/{type}/{id}", "", nil},
		{"GET", one + "?direct=1", resource, "", nil},
		{"GET", "/v1/place?lat=1&lon=2", "/v1/place", "", nil},
		{"GET", "/v1/place?ip=81.2.69.142", "/v1/place", "", nil},
		{"GET", "/v1/place?ip=x", "/v1/place", "", nil},
		{"POST", "/v1/measurements", "/v1/measurements", `{"measurements":[{"region":"r1","rtt_ms":1}]}`, nil},
		{"GET", "/v1/types", "/v1/types", "", nil},
		{"GET", types, "/v1/types/{type}", "", nil},
		{"PUT", types, "/v1/types/{type}", `{"redirect":true}`, nil},
		{"PUT", types + "-new", "/v1/types/{type}", `{"ttl_seconds":5}`, nil},
		{"DELETE", types, "/v1/types/{type}", "", nil},
		{"DELETE", types + "-new", "/v1/types/{type}", "", nil},
		{"GET", types + "/resources?page_size=1", "/v1/types/{type}/resources", "", nil},
		{"GET", types + "/resources:export", "/v1/types/{type}/resources:export", "", nil},
		{"POST", types + "/resources:import", "/v1/types/{type}/resources:import", `{"id":"i"}`, []string{"Content-Type: application/x-ndjson"}},
		{"POST", types + "/resources:import?progress=1", "/v1/types/{type}/resources:import", `{"id":"i"}`, []string{"Content-Type: application/x-ndjson"}},
		{"POST", types + "/resources:import", "/v1/types/{type}/resources:import", `{"id":`, []string{"Content-Type: application/x-ndjson"}},
		{"GET", one, resource, "", nil},
		{"GET", one, resource, "", []string{"If-None-Match: *"}},
		{"GET", one + "?region=r9", resource, "", nil},
		{"PUT", one, resource, threeLocations, nil},
		{"PUT", one + "1", resource, threeLocations, nil},
		{"PUT", one, resource, threeLocations, []string{"If-None-Match: *"}},
		{"PUT", one, resource, `{"x":1}`, nil},
		{"PATCH", one, resource, `{"attributes":{"size":null}}`, nil},
		{"DELETE", one + "1", resource, "", nil},
		{"GET", one + "/locations/ams", location, "", nil},
		{"PUT", one + "/locations/ams", location, ams, nil},
		{"PUT", one + "/locations/new", location, `{"url":"https://new.example"}`, nil},
		{"DELETE", one + "/locations/new", location, "", nil},
		{"DELETE", one + "/locations/new", location, "", nil},
		{"GET", "/v1/conflicts", "/v1/conflicts", "", nil},
		{"GET", "/v1/status", "/v1/status", "", nil},
		{"GET", "/livez", "/livez", "", nil},
		{"GET", "/readyz?verbose", "/readyz", "", nil},
		{"GET", "/openapi.json", "/openapi.json", "", nil},
	} {
		conforms(t, api, c.method, c.described, x.do(c.method, c.path, c.body, c.headers...))
	}
}

func TestProblemsAreListed(t *testing.T) {
	text, err := os.ReadFile("PROBLEMS.md")
	if err != nil {
		t.Fatal(err)
	}
	row := regexp.MustCompile("(?m)^\\| `(urn:[^`]+)` \\| (\\d+) \\| (\\w+) \\| ([^|]+) \\| ([^|]+) \\|$")
	listed := map[string][]string{}
	for _, m := range row.FindAllStringSubmatch(string(text), -1) {
		listed[m[1]] = m[2:]
	}
	for _, r := range problem.Table() {
		l := listed[r.URI()]
		if l == nil || l[0] != strconv.Itoa(r.Status) || l[2] != r.Title || len(l[3]) < 10 {
			t.Errorf("%s is listed as %q", r.URI(), l)
		}
		delete(listed, r.URI())
	}
	for uri := range listed {
		t.Errorf("%s is listed, but in no table", uri)
	}
}

func TestOpenAPIListsTheProblems(t *testing.T) {
	var codes []any
	for _, r := range problem.Table() {
		codes = append(codes, string(r.Code))
	}
	listed := loadAPI(t).Components.Schemas["Problem"].Value.Properties["code"].Value.Enum
	for _, c := range codes {
		if !slices.Contains(listed, c) {
			t.Errorf("%v is not described", c)
		}
	}
	if len(listed) != len(codes) {
		t.Errorf("%d codes are described, there are %d", len(listed), len(codes))
	}
}

func TestEveryRouteDeclaresItsBodyLimit(t *testing.T) {
	for _, r := range routes() {
		takes := r.method == http.MethodPut || r.method == http.MethodPost || r.method == http.MethodPatch
		if _, _, ok := r.verb(); ok {
			takes = false // the verb says it all
		}
		switch {
		case r.body == 0:
			t.Errorf("%s %s declares no body limit", r.method, r.path)
		case takes != (r.body != noBody):
			t.Errorf("%s %s: body limit %d", r.method, r.path, r.body)
		case r.body == endless && r.class != streams:
			t.Errorf("%s %s: an endless body that is no stream", r.method, r.path)
		}
	}
}
