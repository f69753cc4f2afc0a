package rest

import (
	"cmp"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"gazetteer/api/rest/problem"
	"gazetteer/region"
	"gazetteer/region/geo"
)

// wholePolicy is a type with every part of a policy.
const wholePolicy = `{"redirect":true,"policy":{"pin":["id!=zrh"],"region":"r1","countries":[{"locations":"tier=iron","allow":["NL"],"deny":["KP"]}],` +
	`"tiers":[{"name":"local","within_km":100},{"name":"near","same_country":true},{"name":"paid","locations":"tier=gold"}],"beyond_tiers":"rank",` +
	`"weights":"pull","bias":[{"locations":"country=DE","percent":-50}],"load":{"label":"load","from":0.5,"full":1},"network":{"ipv4":20,"ipv6":48}}}`

// A policy is answered as it was written, orders lookups, and is gone with the next
// document that has none.
func TestPolicyOfAType(t *testing.T) {
	x := filled(t, nil)
	const path = "/v1/types/ndt"
	put := x.do("PUT", path, wholePolicy).want(200)
	if got := x.do("GET", path, "").want(200); got.body != put.body || !strings.Contains(got.body, wholePolicy[len(`{"redirect":true,`):len(wholePolicy)-1]) {
		t.Errorf("written %s\nanswered %s", wholePolicy, got.body)
	}
	if !strings.Contains(x.do("GET", "/v1/types", "").want(200).body, `"name":"paid"`) {
		t.Error("the list does not have it")
	}
	const query = "?lat=40&lon=-74&country=DE"
	r := x.do("GET", "/v1/resolve/ndt/one"+query+"&explain=1", "").want(200)
	if a := x.lookUp(query); a.ids() != "fra ams" || !strings.Contains(r.body, `"policy: not for clients of DE (countries/0)"`) || !strings.Contains(r.body, `"tier":"near","tier_rank":2,"km":`) ||
		!strings.Contains(r.body, `"bias":2,`) {
		t.Errorf("%s", r.body)
	}
	x.do("PUT", path, `{"redirect":true,"policy":{}}`).want(200)
	if b := x.do("GET", path, "").body; strings.Contains(b, "policy") {
		t.Error(b)
	}
	if a := x.lookUp(query); a.ids() != "nyc ams fra" {
		t.Errorf("without a policy: %s", a.ids())
	}
}

func TestPoliciesThatAreRefused(t *testing.T) {
	x := start(t, nil)
	for text, at := range map[string]string{
		`7`: "/policy", `null`: "/policy", `{"pins":[]}`: "/policy/pins", `{"pin":"a"}`: "/policy/pin", `{"pin":["a",7]}`: "/policy/pin/1",
		`{"pin":["=="]}`: "/policy/pin/0", `{"region":"R1"}`: "/policy/region", `{"countries":[{"allow":["de"]}]}`: "/policy/countries/0/allow/0",
		`{"countries":[{"deny":["DE"],"asn":7}]}`: "/policy/countries/0/asn", `{"tiers":[{"within_km":5}]}`: "/policy/tiers/0/name",
		`{"tiers":[{"name":"a","within_km":0}]}`: "/policy/tiers/0/within_km", `{"tiers":[{"name":"a"},{"name":"b"}]}`: "/policy/tiers/1",
		`{"tiers":[{"name":"a","same_country":1}]}`: "/policy/tiers/0/same_country", `{"tiers":[{"name":"a","name":"b"}]}`: "/policy/tiers/0/name",
		`{"beyond_tiers":"exclude"}`: "/policy/beyond_tiers", `{"weights":"none"}`: "/policy/weights", `{"bias":[{"percent":-100}]}`: "/policy/bias/0/percent",
		`{"bias":[{"label":""}]}`: "/policy/bias/0/label", `{"load":{"full":1}}`: "/policy/load/label", `{"load":{"label":"l"}}`: "/policy/load/full", `{"load":[]}`: "/policy/load",
		`{"load":{"label":"l","at":1}}`: "/policy/load/at", `{"network":{"ipv4":25}}`: "/policy/network/ipv4", `{"network":{"ipv4":8.5}}`: "/policy/network/ipv4",
		`{"network":{"ipv5":1}}`: "/policy/network/ipv5", `{"pin":["` + strings.Repeat("x", 4097) + `"]}`: "/policy/pin/0",
	} {
		p := x.do("PUT", "/v1/types/ndt", `{"policy":`+text+`}`).problem(problem.Unprocessable)
		pointer(t, p, at, "")
	}
	x.do("PUT", "/v1/types/ndt", `{"policy":{"pin":[}}`).problem(problem.MalformedJSON)
	x.do("PUT", "/v1/types/ndt", `{"policy":{"pin":["`+strings.Repeat("x", int(typeBody))+`"]}}`).problem(problem.TooLarge)
	if b := x.do("GET", "/v1/types/ndt", "").body; strings.Contains(b, "policy") {
		t.Errorf("what was refused is kept: %s", b)
	}
}

// explained is what of an explanation decides the order.
type explained struct {
	ID       string
	Excluded string
	Score    *float64
	Terms    struct {
		Spilled, Preferred bool
		TierRank           int `json:"tier_rank"`
		KM, Draw           float64
	}
}

// Who sorts the candidates of an explanation by its terms, as they stand in the JSON, has
// the order of the answer.
func TestTheExplanationSortsIntoTheAnswer(t *testing.T) {
	x := start(t, nil)
	var locations []string
	random := rand.New(rand.NewPCG(1, 2))
	for i := range 60 {
		locations = append(locations, fmt.Sprintf(`{"id":"l%d","url":"https://l.example/","lat":%d,"lon":%d,"country":%q,"weight":%v,"labels":{"load":"%.1f","tier":"%d"}}`,
			i, random.IntN(8)*10, random.IntN(4)*10, []string{"DE", "FR", "NL"}[i%3], []float64{1, 1, 0.3, 3}[random.IntN(4)], random.Float64(), random.IntN(2)))
	}
	x.do("PUT", "/v1/types/ndt/resources/many", `{"locations":[`+strings.Join(locations, ",")+`]}`).want(201)
	for _, policy := range []string{
		`{}`, `{"weights":"share"}`, `{"load":{"label":"load","from":0.3,"full":0.9},"tiers":[{"name":"local","within_km":2000},{"name":"home","same_country":true}]}`,
		`{"bias":[{"locations":"country=FR","percent":-40}],"network":{"ipv4":8}}`,
	} {
		x.do("PUT", "/v1/types/ndt", `{"policy":`+policy+`}`).want(200)
		for _, query := range []string{"", "&prefer=tier%3D1", "&lat=33&lon=11", "&country=FR&prefer=country%3DNL"} {
			var a struct {
				Locations []struct{ ID string }
				Explain   struct{ Candidates []explained }
			}
			if err := json.Unmarshal([]byte(x.do("GET", "/v1/resolve/ndt/many?explain=1&limit=40"+query, "").want(200).body), &a); err != nil {
				t.Fatal(err)
			}
			all := a.Explain.Candidates
			random.Shuffle(len(all), func(i, j int) { all[i], all[j] = all[j], all[i] })
			slices.SortFunc(all, byExplanation)
			for i, l := range a.Locations {
				if all[i].ID != l.ID {
					t.Fatalf("%s %s: place %d is %s, explained is %s", policy, query, i, l.ID, all[i].ID)
				}
			}
			if len(a.Locations) != 40 {
				t.Errorf("%d locations", len(a.Locations))
			}
		}
	}
}

func byExplanation(a, b explained) int {
	last := func(x bool) int {
		if x {
			return 1
		}
		return 0
	}
	return cmp.Or(
		cmp.Compare(last(a.Terms.Spilled), last(b.Terms.Spilled)), cmp.Compare(last(!a.Terms.Preferred), last(!b.Terms.Preferred)),
		cmp.Compare(a.Terms.TierRank, b.Terms.TierRank), cmp.Compare(*a.Score, *b.Score), cmp.Compare(a.Terms.KM, b.Terms.KM),
		cmp.Compare(a.Terms.Draw, b.Terms.Draw), cmp.Compare(a.ID, b.ID),
	)
}

// A policy that a newer server wrote is shown whole, and what of it is ignored is told.
func TestWhatOfAPolicyIsIgnoredIsTold(t *testing.T) {
	x := filled(t, nil)
	const text = `{"asn":[1],"pin":["tier=gold"]}`
	if _, err := x.regional.PutType(t.Context(), region.TypeSpec{Name: "ndt", Mode: "multi", Policy: geo.ParsePolicy(text)}); err != nil {
		t.Fatal(err)
	}
	if b := x.do("GET", "/v1/types/ndt", "").body; !strings.Contains(b, `"policy":`+text) {
		t.Error(b)
	}
	r := x.do("GET", "/v1/resolve/ndt/one?explain=1", "").want(200)
	conforms(t, loadAPI(t), "GET", "/v1/resolve/{type}/{id}", r)
	if !strings.Contains(r.body, `"policy_ignored":"`) || !strings.Contains(r.body, "/asn") || !strings.Contains(r.body, `"policy: pinned to others"`) {
		t.Error(r.body)
	}
}

// FuzzReadType holds that what is read as a type is answered as a document that reads as
// the same.
func FuzzReadType(f *testing.F) {
	for _, s := range []string{wholePolicy, `{}`, `{"policy":{"pin":["a=b"]}}`, `{"policy":{"tiers":[{"name":"\u003c"}]}}`, `{"policy":{"load":{"label":"l","full":1}},"ttl_seconds":5}`} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, text string) {
		s := region.TypeSpec{Name: "ndt", Mode: "multi"}
		if readType(text, &s) != nil {
			return
		}
		again := region.TypeSpec{Name: "ndt"}
		if err := readType(string(appendType(nil, &s)), &again); err != nil {
			t.Fatalf("%s is written as %s: %v", text, appendType(nil, &s), err)
		}
		if s.Policy.Text() != again.Policy.Text() || s.TTL != again.TTL || s.Redirect != again.Redirect || s.Mode != again.Mode {
			t.Fatalf("%s became %s", appendType(nil, &s), appendType(nil, &again))
		}
	})
}
