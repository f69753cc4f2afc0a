package geo

import (
	"encoding/json"
	"errors"
	"math"
	"net/netip"
	"strings"
	"testing"

	"gazetteer"
)

func TestPoliciesThatAreRefused(t *testing.T) {
	many := make([]string, maxRules+1)
	for at, d := range map[string]PolicyDocument{
		"/pin":                   {Pin: many},
		"/pin/0":                 {Pin: []string{""}},
		"/pin/1":                 {Pin: []string{"a", "a=b=c"}},
		"/region":                {Region: "No Label"},
		"/countries/0":           {Countries: []CountryRule{{Locations: "a"}}},
		"/countries/0/allow/1":   {Countries: []CountryRule{{Allow: []string{"DE", "de"}}}},
		"/countries/1/deny/0":    {Countries: []CountryRule{{Deny: []string{"DE"}}, {Deny: []string{"Germany"}}}},
		"/countries/0/locations": {Countries: []CountryRule{{Locations: ",", Deny: []string{"DE"}}}},
		"/tiers":                 {Tiers: make([]TierRule, maxTiers+1)},
		"/tiers/0/name":          {Tiers: []TierRule{{}}},
		"/tiers/1/name":          {Tiers: []TierRule{{Name: "a", WithinKM: 1}, {Name: "a"}}},
		"/tiers/0/within_km":     {Tiers: []TierRule{{Name: "a", WithinKM: -1}}},
		"/tiers/1/within_km":     {Tiers: []TierRule{{Name: "a", WithinKM: 20_015}, {Name: "b", WithinKM: 20_016}}},
		"/tiers/0/locations":     {Tiers: []TierRule{{Name: "a", Locations: "=x"}}},
		"/tiers/1":               {Tiers: []TierRule{{Name: "all"}, {Name: "nothing", WithinKM: 1}}},
		"/beyond_tiers":          {Beyond: "exclude"},
		"/weights":               {Weights: "matter"},
		"/bias/0/percent":        {Bias: []BiasRule{{Percent: 100}}},
		"/bias/1/percent":        {Bias: []BiasRule{{Percent: 1}, {Percent: math.NaN()}}},
		"/bias/0/locations":      {Bias: []BiasRule{{Locations: "country=Germany"}}},
		"/load/label":            {Load: &LoadRule{Full: 1}},
		"/load/from":             {Load: &LoadRule{Label: "l", From: -1, Full: 1}},
		"/load/full":             {Load: &LoadRule{Label: "l", From: 2, Full: 1}},
		"/network/ipv4":          {Network: &NetworkRule{IPv4: 25}},
		"/network/ipv6":          {Network: &NetworkRule{IPv6: -1}},
	} {
		_, err := NewPolicy(&d)
		var e *gazetteer.Error
		if !errors.As(err, &e) || e.Kind != gazetteer.Unprocessable || e.Pointer != at || e.Detail == "" {
			t.Errorf("%s: %v", at, err)
		}
	}
}

// A policy is stored as it was written and reads back to the same.
func TestPoliciesAreStoredAsText(t *testing.T) {
	d := PolicyDocument{
		Pin: []string{"a"}, Region: "eu-west", Countries: []CountryRule{{Deny: []string{"KP"}}},
		Tiers: []TierRule{{Name: "local", WithinKM: 100}}, Beyond: "exclude", Weights: "share",
		Bias: []BiasRule{{Percent: 7}}, Load: &LoadRule{"load", 0, 1}, Network: &NetworkRule{16, 48},
	}
	p := mustPolicy(t, d)
	again := ParsePolicy(p.Text())
	if again.Ignored() != "" || again.Text() != p.Text() || again.Region() != "eu-west" || !again.AsksCountry() {
		t.Errorf("%q reads back as %q, without %s", p.Text(), again.Text(), again.Ignored())
	}
	var back PolicyDocument
	if err := json.Unmarshal([]byte(p.Text()), &back); err != nil || mustPolicy(t, back).Text() != p.Text() {
		t.Errorf("%v: %s", err, p.Text())
	}
	none, err := NewPolicy(&PolicyDocument{})
	if none != nil || err != nil || none.Text() != "" || none.Ignored() != "" || none.Region() != "" || none.AsksCountry() {
		t.Errorf("an empty document is %v, %v", none, err)
	}
}

// What a newer server stored and this one does not understand is left out by parts, told,
// and kept as text.
func TestNewerPoliciesAreUsedAsFarAsTheyAreUnderstood(t *testing.T) {
	berlin := Place{Point: gazetteer.Point{Lat: 52.5, Lon: 13.4}, Located: true, Country: "DE"}
	for _, c := range []struct{ text, ignored, want string }{
		{`{"asn":[1],"pin":["gold"]}`, "/asn", "sydney"},
		{`{"tiers":[{"name":"x","asn":1}],"pin":["gold"]}`, "/tiers", "sydney"},
		{`{"tiers":[{"name":"x","asn":1}],"beyond_tiers":"exclude"}`, "/tiers", "berlin prague munich sydney"},
		{`{"weights":"whatever","bias":[{"locations":"id=berlin","percent":-99}]}`, "/weights", "prague munich berlin sydney"},
		{`{"pin":7}`, "/pin", "berlin prague munich sydney"},
		{`{"pin":["a=b=c"]}`, "/pin/0", "berlin prague munich sydney"},
		{`[]`, "not an object", "berlin prague munich sydney"},
		{`{"pin":["gold"]}`, "", "sydney"},
	} {
		p := ParsePolicy(c.text)
		var r Ranker
		got, _ := r.Rank(nil, berlin, netip.Addr{}, mirrors(), &Options{Policy: p})
		if idsOf(got) != c.want || !strings.Contains(p.Ignored(), c.ignored) || (c.ignored == "") != (p.Ignored() == "") || p.Text() != c.text {
			t.Errorf("%s: %s, ignored %q", c.text, idsOf(got), p.Ignored())
		}
	}
}

// FuzzPolicy holds that any text makes a policy that ranks, and that one which is
// understood whole is also accepted from its publisher.
func FuzzPolicy(f *testing.F) {
	for _, s := range []string{`{}`, `{"pin":["id=a"],"weights":"share"}`, `{"tiers":[{"name":"a","within_km":1}],"beyond_tiers":"exclude"}`,
		`{"load":{"label":"l","full":1},"network":{"ipv4":1}}`, `{"countries":[{"deny":["KP"]}],"bias":[{"percent":-99}]}`, `{"pin":`, `null`} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, text string) {
		p := ParsePolicy(text)
		var r Ranker
		best, rest := r.Rank(nil, Place{Country: "DE"}, netip.Addr{}, mirrors(), &Options{Policy: p, Explain: true})
		if len(best)+len(rest) != len(mirrors()) {
			t.Errorf("%d of %d locations are accounted for", len(best)+len(rest), len(mirrors()))
		}
		var d PolicyDocument
		if p.Ignored() != "" || json.Unmarshal([]byte(text), &d) != nil {
			return
		}
		if _, err := NewPolicy(&d); err != nil {
			t.Errorf("%s is understood when stored, but refused: %v", text, err)
		}
	})
}
