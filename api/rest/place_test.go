package rest

import (
	"fmt"
	"net/netip"
	"strings"
	"testing"
	"time"

	"gazetteer"
	"gazetteer/api/rest/problem"
	"gazetteer/region"
	"gazetteer/region/geo"
)

// choices are what an order holds of each sort.
func choices() []region.Choice {
	site := func(name gazetteer.RegionID, s region.SiteState, self bool) *region.Site {
		return &region.Site{Name: name, State: s, Self: self}
	}
	return []region.Choice{
		{Site: site("r2", region.SiteLive, false), Score: 7.5, Terms: region.ChoiceTerms{RTT: 8.5, By: region.ByLearned, Length: 24, Sources: 3, Bias: -1}},
		{Site: site("r1", region.SiteLive, true), DistanceKM: 300, HasDistance: true, Score: 10, Terms: region.ChoiceTerms{RTT: 10, By: region.ByDistance}},
		{Site: site("r3", region.SiteDraining, false), Score: 1, Terms: region.ChoiceTerms{RTT: 1, By: region.ByRegion}, Excluded: "draining"},
	}
}

func TestPlace(t *testing.T) {
	x := start(t, nil)
	x.regional.Choices = choices()
	x.do("GET", "/v1/place?ip=81.2.69.142", "").want(200).same(strings.NewReplacer("\n", "", "\t", "").Replace(`{
		"client":{"address":"81.2.69.142","method":"unknown","network":"0.0.0.0/0"},
		"regions":[
			{"region":"r2","state":"live","self":false,"score_ms":7.5,"terms":{"rtt_ms":8.5,"by":"learned","network":"81.2.69.0/24","sources":3,"bias_ms":-1}},
			{"region":"r1","state":"live","self":true,"distance_km":300,"score_ms":10,"terms":{"rtt_ms":10,"by":"distance","bias_ms":0}},
			{"region":"r3","state":"draining","self":false,"score_ms":1,"terms":{"rtt_ms":1,"by":"this-region","bias_ms":0},"excluded":"draining"}],
		"served_by":{"region":"r1","node":"n1"}}`))
	if r := x.do("GET", "/v1/place?country=nz", ""); !strings.Contains(r.body, `"country":"NZ","method":"stated-country"`) || strings.Contains(r.body, `"address"`) {
		t.Errorf("got %s", r.body)
	}
	for _, bad := range []string{"?ip=x", "?ip=81.2.69.142&lat=1&lon=2", "?lat=1", "?limit=3", "?ip=1.1.1.1&ip=2.2.2.2"} {
		x.do("GET", "/v1/place"+bad, "").problem(problem.InvalidParameter)
	}
}

func TestWhereabouts(t *testing.T) {
	in := netip.MustParsePrefix("81.2.69.0/24")
	w := whereaboutsOf(&geo.Place{Point: gazetteer.Point{Lat: 1, Lon: 2}, Located: true, Country: "GB", Method: geo.StatedIP, Source: geo.OperatorNetwork, Region: "lon", Network: in}, netip.MustParseAddr("::ffff:81.2.69.1"))
	if got := fmt.Sprint(w.Address, *w.Lat, *w.Lon, w.Country, w.Method, w.Source, w.Region, w.Network); got != "81.2.69.11 2GBstated-ipoperator-networklon81.2.69.0/24" {
		t.Errorf("got %s", got)
	}
}

func TestMeasurements(t *testing.T) {
	x := start(t, func(c *Config) { c.TrustedProxies = networks(t, "127.0.0.0/8") })
	x.regional.Choices = choices()
	const from = "X-Forwarded-For: 81.2.69.142"
	x.do("POST", "/v1/measurements", `{"measurements":[{"region":"r2","rtt_ms":12.5},{"region":"r1","rtt_ms":3}]}`, from).want(200).
		same(`{"network":"81.2.69.0/24","taken":2,"raised":0}`)
	if got := fmt.Sprint(x.regional.Measured()); got != "[{r2 12.5ms} {r1 3ms}]" {
		t.Errorf("took %s", got)
	}
	for body, code := range map[string]problem.Code{
		``:                    problem.MalformedJSON,
		`{"measurements":[]}`: problem.OfKind(gazetteer.Unprocessable).Code,
		`{}`:                  problem.OfKind(gazetteer.Unprocessable).Code,
		`{"measurements":[{"region":"mars","rtt_ms":1}]}`: problem.OfKind(gazetteer.Unprocessable).Code,
	} {
		x.do("POST", "/v1/measurements", body, from).problem(code)
	}
	for _, bad := range []string{
		`{"measurements":[{"region":"r1","rtt_ms":0}]}`, `{"measurements":[{"region":"r1","rtt_ms":-1}]}`, `{"measurements":[{"region":"r1","rtt_ms":1e9}]}`,
		`{"measurements":[{"region":"r1"}]}`, `{"measurements":[{"rtt_ms":1}]}`, `{"measurements":[{"region":"R 1","rtt_ms":1}]}`,
		`{"measurements":[{"region":"r1","rtt_ms":1,"client":"8.8.8.8"}]}`, `{"measurements":[{"region":"r1","rtt_ms":"1"}]}`,
	} {
		if r := x.do("POST", "/v1/measurements", bad, from); r.status/100 != 4 {
			t.Errorf("%s: %d %s", bad, r.status, r.body)
		}
	}
	many := strings.Repeat(`{"region":"r1","rtt_ms":1},`, reportMax+1)
	x.do("POST", "/v1/measurements", `{"measurements":[`+strings.TrimSuffix(many, ",")+`]}`, from).want(413)
	// Where the request comes from is no client's address.
	x.do("POST", "/v1/measurements", `{"measurements":[{"region":"r1","rtt_ms":1}]}`).want(422)
	if got := len(x.regional.Measured()); got != 2 {
		t.Errorf("%d measurements were taken", got)
	}
}

// All clients of one source network share one rate.
func TestReportsAreLimitedBySource(t *testing.T) {
	x := start(t, func(c *Config) { c.TrustedProxies = networks(t, "127.0.0.0/8") })
	x.regional.Choices = choices()
	report := func(from string) *reply {
		return x.do("POST", "/v1/measurements", `{"measurements":[{"region":"r1","rtt_ms":1}]}`, "X-Forwarded-For: "+from)
	}
	began := time.Now()
	refused := 0
	const sent = 3 * reportsAtOnce
	for i := range sent {
		if report(fmt.Sprintf("2a02:1:1:%x::1", i)).status == 429 {
			refused++
		}
	}
	if most := sent - reportsAtOnce - 1 - int(time.Since(began).Seconds()*reportsPerSecond); refused < most {
		t.Errorf("%d of %d were refused, want at least %d", refused, sent, most)
	}
	report("2a02:1:2::1").want(200)
}

func TestRegretsAreObserved(t *testing.T) {
	x := filled(t, nil)
	x.regional.Choices = choices()
	for range 2 * regretEvery {
		x.do("GET", "/v1/resolve/ndt/one", "").want(200)
	}
	body := x.do("GET", "/metrics", "").want(200).body
	for _, line := range []string{
		`gazetteer_resolve_answer_rank_bucket{le="1"} 0`, `gazetteer_resolve_answer_rank_bucket{le="2"} 2`,
		`gazetteer_resolve_regret_seconds_bucket{le="0.001"} 0`, `gazetteer_resolve_regret_seconds_bucket{le="0.0025"} 2`,
		`gazetteer_client_location_total{method="operator-network"} 0`,
	} {
		if !strings.Contains(body, line+"\n") {
			t.Errorf("no %s", line)
		}
	}
}
