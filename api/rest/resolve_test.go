package rest

import (
	"encoding/json"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"time"

	"gazetteer"
	"gazetteer/api/rest/problem"
	"gazetteer/region"
	"gazetteer/region/geo"
)

// answered is what a test reads of an answer.
type answered struct {
	Type, ID, Version string
	Locations         []struct {
		ID, URL, Country, State string
		Lat, Lon                *float64
		Weight, Score           float64
		Distance                *float64 `json:"distance_km"`
		Labels                  map[string]string
	}
	Client struct {
		Lat, Lon        *float64
		Country, Method string
	}
	ServedBy struct{ Region, Node string } `json:"served_by"`
	Stale    *float64                      `json:"staleness_seconds"`
	Degraded bool
	Explain  *struct {
		Hops []struct {
			Role, Name string
			Seconds    float64
		}
		Candidates []struct {
			ID, Excluded string
			Distance     *float64 `json:"distance_km"`
			Score        *float64
			Terms        *struct {
				KM, Weight, Draw float64
				TopWeight        float64 `json:"top_weight"`
				Assumed          string
			}
		}
	}
	Problem *problem.Document
}

func (a *answered) ids() string {
	var out []string
	for _, l := range a.Locations {
		out = append(out, l.ID)
	}
	return strings.Join(out, " ")
}

func (x *harness) lookUp(query string) answered {
	x.t.Helper()
	var a answered
	x.do("GET", "/v1/resolve/ndt/one"+query, "").want(200).json(&a)
	return a
}

func TestResolveAnswer(t *testing.T) {
	x := filled(t, nil)
	r := x.do("GET", "/v1/resolve/ndt/one?lat=52.4&lon=4.9", "").want(200)
	var a answered
	r.json(&a)
	if a.Type != "ndt" || a.ID != "one" || len(a.Version) != 16 || a.ids() != "ams fra nyc" {
		t.Errorf("%+v", a)
	}
	l := a.Locations[0]
	if l.URL != "https://ams.example/x" || *l.Lat != 52.37 || *l.Lon != 4.89 || l.Country != "NL" || l.Weight != 1 || l.State != "unknown" ||
		l.Labels["tier"] != "gold" || *l.Distance < 3 || *l.Distance > 4 || !(l.Score < a.Locations[1].Score) {
		t.Errorf("%+v", l)
	}
	if *a.Client.Lat != 52.4 || a.Client.Method != "stated-point" || a.ServedBy.Region != "r1" || a.ServedBy.Node != "n1" || *a.Stale != 0 || a.Degraded || a.Explain != nil {
		t.Errorf("%+v", a)
	}
	for name, want := range map[string]string{
		"Content-Type": "application/json", "Cache-Control": "private, max-age=30", "Vary": "Accept, Gazetteer-Session", "Gazetteer-Staleness": "0",
		"Gazetteer-Region": "r1", "X-Content-Type-Options": "nosniff", "ETag": "",
	} {
		if got := r.header.Get(name); got != want {
			t.Errorf("%s: %q", name, got)
		}
	}
}

func TestResolveParameters(t *testing.T) {
	x := filled(t, nil)
	for query, want := range map[string]string{
		"":                                    "nyc ams fra",
		"?limit=1&lat=50&lon=8":               "fra",
		"?lat=50&lon=8&filter=tier":           "ams nyc",
		"?lat=50&lon=8&filter=tier%3Dgold":    "ams",
		"?lat=50&lon=8&avoid=fra&avoid=nyc":   "ams",
		"?lat=50&lon=8&prefer=tier":           "ams nyc fra",
		"?lat=50&lon=8&prefer=country%3DXX":   "fra ams nyc",
		"?lat=50&lon=8&prefer=id=nyc&limit=1": "nyc",
		"?country=us&limit=1":                 "nyc",
		"?country=DE&lat=50&lon=8&limit=1":    "fra",
		"?ip=192.0.2.1&limit=3&region=r1":     "nyc ams fra",
		"?limit=1&filter=country%3DXX":        "",
		"?lat=50&lon=8&explain=0&redirect=0":  "fra ams nyc",
		"?&lat=50&&lon=8&":                    "fra ams nyc",
		"?lat=%35%30&lon=8":                   "fra ams nyc",
		"?lat=5e1&lon=8.0":                    "fra ams nyc",
		"?lat=50&lon=8&filter=country!=DE,id": "ams nyc",
	} {
		a := x.lookUp(query)
		got := a.ids()
		if query == "" || strings.HasPrefix(query, "?ip") { // the order of unknown places is the ranker's
			got, want = sortedWords(got), sortedWords(want)
		}
		if got != want {
			t.Errorf("%s: %q, want %q", query, got, want)
		}
	}
}

func sortedWords(s string) string {
	w := strings.Fields(s)
	slices.Sort(w)
	return strings.Join(w, " ")
}

func TestResolveRefusals(t *testing.T) {
	x := filled(t, nil)
	for query, at := range map[string]string{
		"?limit=0": "limit", "?limit=1001": "limit", "?limit=x": "limit", "?limit=": "limit", "?limit=5&limit=5": "limit", "?limit=-1": "limit",
		"?lat=1": "lat", "?lon=1": "lat", "?lat=91&lon=0": "lat", "?lat=NaN&lon=0": "lat", "?lat=0&lon=-181": "lon", "?lat=&lon=": "lat", "?lat=Inf&lon=1": "lat",
		"?country=DEU": "country", "?country=4%20": "country", "?country=": "country", "?ip=1.2.3": "ip", "?ip=fe80::1%25eth0": "ip",
		"?ip=192.0.2.1&lat=1&lon=1": "ip", "?ip=192.0.2.1&country=DE": "ip", "?filter==x": "filter", "?filter=%ff": "filter",
		"?region=": "region", "?region=R1": "region", "?region=any": "region", "?avoid=": "avoid", "?avoid=%ff": "avoid", "?explain=yes": "explain", "?redirect=2": "redirect", "?redirect=1&explain=1": "explain",
		"?latitude=1": "latitude", "?Limit=1": "Limit", "?limit=%zz": "limit", "?%zz=1": "", "?watch=2": "watch", "?max_stale=0": "max_stale", "?max_stale=-1s": "max_stale", "?max_stale=61m": "max_stale", "?max_stale=soon": "max_stale", "?max_stale=NaN": "max_stale", "?max_stale=1s&max_stale=1s": "max_stale", "?prefer==x": "prefer", "?prefer=a&prefer=b": "prefer",
		"?a%00b=1": "a\x00b", "?" + strings.Repeat("n", 200) + "=": strings.Repeat("n", 64) + "…",
		"?" + strings.Repeat("avoid=x&", 101): "avoid",
	} {
		p := x.do("GET", "/v1/resolve/ndt/one"+query, "").problem(problem.InvalidParameter)
		pointer(t, p, at, "")
	}
	x.do("GET", "/v1/resolve/ndt/one?max_stale=2s", "").want(200)
	x.do("GET", "/v1/resolve/ndt/one?region=r2", "").problem(problem.UnknownRegion)
	x.do("GET", "/v1/resolve/ndt/two", "").problem(problem.UnknownResource)
	x.do("GET", "/v1/resolve/nope/one", "").problem(problem.UnknownType)
	x.do("GET", "/v1/resolve/Ndt/one", "").problem(problem.Unprocessable)
	x.do("GET", "/v1/resolve/_types/ndt", "").problem(problem.Unprocessable)
	x.do("GET", "/v1/resolve/ndt/%ff", "").problem(problem.Unprocessable)
	x.do("GET", "/v1/resolve/ndt/"+strings.Repeat("a", 256), "").problem(problem.Unprocessable)
	x.do("GET", "/v1/resolve/ndt/one", "body").problem(problem.InvalidRequest)
}

// TestAnotherRegionAnswers: the answer says which one it was, in its body and its header.
func TestAnotherRegionAnswers(t *testing.T) {
	x := filled(t, nil)
	x.regional.Beyond = []gazetteer.RegionID{"r2"}
	for query, want := range map[string]string{"": "r1", "?region=r1": "r1", "?region=r2": "r2"} {
		var a struct {
			ServedBy struct{ Region string } `json:"served_by"`
		}
		r := x.do("GET", "/v1/resolve/ndt/one"+query, "").want(200)
		if err := json.Unmarshal([]byte(r.body), &a); err != nil || a.ServedBy.Region != want || r.header.Get("Gazetteer-Region") != want {
			t.Errorf("%q: %v, header %q, %s", query, err, r.header.Get("Gazetteer-Region"), r.body)
		}
		for _, path := range []string{one, one + "/locations/ams"} {
			if r := x.do("GET", path+query, "").want(200); r.header.Get("Gazetteer-Region") != want {
				t.Errorf("%s%s: header %q", path, query, r.header.Get("Gazetteer-Region"))
			}
		}
	}
	pointer(t, x.do("GET", one+"?region=R2", "").problem(problem.InvalidParameter), "region", "DNS label")
	x.do("GET", one+"?region=r3", "").problem(problem.UnknownRegion)
	x.do("GET", one+"/locations/ams?region=r3", "").problem(problem.UnknownRegion)
	if r := x.do("GET", "/v1/resolve/ndt/one?region=r2&redirect=1", "").want(307); r.header.Get("Gazetteer-Region") != "r2" {
		t.Errorf("the redirect is of region %q", r.header.Get("Gazetteer-Region"))
	}
}

func TestResolveExplains(t *testing.T) {
	x := filled(t, nil)
	x.do("PUT", "/v1/types/ndt/resources/one/locations/off", `{"url":"https://off.example","weight":0}`).want(201)
	a := x.lookUp("?lat=50&lon=8&explain=1&limit=1&avoid=nyc")
	if a.Explain == nil || len(a.Explain.Hops) != 2 || a.Explain.Hops[0].Role != "regional server" || a.Explain.Hops[0].Seconds != 42e-6 {
		t.Fatalf("%+v", a.Explain)
	}
	told := map[string]string{}
	for _, c := range a.Explain.Candidates {
		told[c.ID] = c.Excluded
		if scored := c.ID == "fra" || c.ID == "ams"; scored != (c.Score != nil && c.Terms != nil && c.Terms.TopWeight == 1) {
			t.Errorf("%+v", c)
		}
	}
	if len(told) != 4 || told["fra"] != "" || !strings.Contains(told["ams"], "limit") || !strings.Contains(told["nyc"], "avoided") || !strings.Contains(told["off"], "weight 0") {
		t.Errorf("%v", told)
	}
}

func TestStalenessIsRoundedUp(t *testing.T) {
	for d, want := range map[time.Duration]string{0: "0", -1: "0", 1: "0.001", time.Millisecond: "0.001", 1500 * time.Millisecond: "1.500", 3 * time.Second: "3", time.Minute + 7*time.Microsecond: "60.001"} {
		if got := string(appendSeconds(nil, d)); got != want {
			t.Errorf("%v is %s", d, got)
		}
	}
}

func TestAnswerSaysThatItIsDegraded(t *testing.T) {
	text := appendAnswer(nil, &region.Answer{Key: gazetteer.Key{Type: "t", ID: "\"\n"}, Degraded: true, Staleness: time.Second, Client: geo.Place{Method: geo.Unknown}}, false)
	var a answered
	if err := json.Unmarshal(text, &a); err != nil || !a.Degraded || *a.Stale != 1 || a.ID != "\"\n" || a.Client.Method != "unknown" || a.Client.Lat != nil {
		t.Errorf("%s %v", text, err)
	}
}

func TestHead(t *testing.T) {
	x := filled(t, nil)
	for _, path := range []string{"/v1/resolve/ndt/one", "/v1/types/ndt/resources/one", "/v1/types", "/livez", "/v1/types/ndt/resources:export", "/metrics"} {
		r := x.do("HEAD", path, "").want(200)
		if r.body != "" || r.header.Get("Content-Type") == "" {
			t.Errorf("%s: %v %q", path, r.header, r.body)
		}
	}
	x.do("HEAD", "/v1/resolve/ndt/two", "").want(404)
}

func TestBatch(t *testing.T) {
	x := filled(t, nil)
	r := x.do("POST", "/v1/resolve", `{"client":{"lat":50,"lon":8},"queries":[
		{"type":"ndt","id":"one","limit":1},{"type":"ndt","id":"two"},{"type":"ndt","id":"one","avoid":["fra"],"filter":"tier=gold"},
		{"type":"nope","id":"x"},{"type":"ndt","id":""},{"type":"ndt","id":"one","filter":"="}]}`).want(200)
	var b struct{ Answers []answered }
	r.json(&b)
	if len(b.Answers) != 6 || b.Answers[0].ids() != "fra" || b.Answers[2].ids() != "ams" || b.Answers[0].Client.Method != "stated-point" {
		t.Errorf("%s", r.body)
	}
	for i, code := range map[int]problem.Code{1: problem.UnknownResource, 3: problem.UnknownType, 4: problem.Unprocessable, 5: problem.InvalidParameter} {
		if p := b.Answers[i].Problem; p == nil || p.Code != code || p.Status != problem.OfCode(code).Status {
			t.Errorf("%d: %+v", i, p)
		}
	}
	for body, at := range map[string]string{
		`{"queries":[{"type":"ndt","id":"one","limit":0}]}`:                 "/queries/0/limit",
		`{"queries":[{"type":"ndt","id":"one","limit":1.5}]}`:               "/queries/0/limit",
		`{"queries":[{"type":"ndt","idd":"one"}]}`:                          "/queries/0/idd",
		`{"queries":[],"client":{"lat":100,"lon":0}}`:                       "/client/lat",
		`{"queries":[],"client":{"ip":"x"}}`:                                "/client/ip",
		`{"queries":[],"client":{"country":"Holland"}}`:                     "/client/country",
		`{"queries":[],"explain":1}`:                                        "/explain",
		`{"queries":{}}`:                                                    "/queries",
		`{"queries":[` + strings.Repeat(`{"type":"a","id":"b"},`, 50) + `0`: "/queries/50",
	} {
		pointer(t, x.do("POST", "/v1/resolve", body).problem(problem.Unprocessable), at, "")
	}
	x.do("POST", "/v1/resolve", `{"queries":[],"client":{"lat":1}}`).problem(problem.InvalidParameter)
	x.do("POST", "/v1/resolve", `{"queries":[],"client":{"lat":1,"lon":1,"ip":"192.0.2.1"}}`).problem(problem.InvalidParameter)
	x.do("POST", "/v1/resolve?limit=3", `{"queries":[]}`).problem(problem.InvalidParameter)
	x.do("POST", "/v1/resolve", `{"queries":[`+strings.Repeat(`{"type":"a","id":"b"},`, batchMax)+`{"type":"a","id":"b"}]}`).problem(problem.TooLarge)
	x.do("POST", "/v1/resolve", `{"queries":[`).problem(problem.MalformedJSON)
}

func TestLookupsDoNotLeakIntoTheNext(t *testing.T) {
	x := filled(t, nil)
	one := new(lookup)
	one.query = region.Query{Filter: mustFilter(t, "id=x"), Avoid: []gazetteer.LocationID{"a"}, Limit: 3, Explain: true, Client: geo.Client{HasPoint: true, Country: "DE"}}
	one.redirect, one.redirected = yes, true
	k := gazetteer.Key{Type: "ndt", ID: "one"}
	one.reset(k, netip.Addr{})
	q := one.query
	if q.Key != k || len(q.Avoid) != 0 || q.Limit != 0 || q.Explain || q.Client != (geo.Client{}) || q.Filter.String() != "" || one.redirect != byAccept || one.redirected {
		t.Errorf("%+v", one)
	}
	x.lookUp("?explain=1&limit=1&avoid=ams")
	if a := x.lookUp(""); a.Explain != nil || len(a.Locations) != 3 {
		t.Errorf("%+v", a)
	}
}

func mustFilter(t *testing.T, s string) geo.Filter {
	f, err := geo.ParseFilter(s)
	if err != nil {
		t.Fatal(err)
	}
	return f
}

// FuzzLookup reads query strings and Accept headers of strangers: what is accepted is
// within bounds, what is refused says why.
func FuzzLookup(f *testing.F) {
	f.Add("lat=1&lon=2&limit=3&avoid=a&avoid=b&filter=tier%3Dgold", "text/html,*/*;q=0.8")
	f.Add("ip=2001%3adb8%3a%3a1&explain=1", "text/html;q=1;q=2, application/json")
	f.Add("country=nl&region=r1&redirect=1", ";;,,/,*/*")
	h, err := New(Config{Regional: newCanned()})
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, query, accept string) {
		prefersHTML([]string{accept})
		var l lookup
		if err := h.parseLookup(query, &l); err != nil {
			if reason(err) == "" {
				t.Fatalf("%q is refused without words", query)
			}
			return
		}
		c := l.query.Client
		if c.HasPoint && c.Stated.Validate() != nil || c.Country != "" && !gazetteer.IsCountry(c.Country) || l.query.Limit < 0 || l.query.Limit > region.MaxLimit || c.HasPoint && c.IP.IsValid() {
			t.Fatalf("%q is read as %+v", query, l.query)
		}
	})
}
