package geo

import (
	"cmp"
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"gazetteer"
)

// drawPolicy makes any policy whose rules meet the locations of drawCase; often none.
func drawPolicy(t *rapid.T) PolicyDocument {
	var d PolicyDocument
	has := func(part string) bool { return rapid.IntRange(0, 2).Draw(t, part) == 0 }
	filter := rapid.SampledFrom([]string{"", "a", "a=x", "tier!=y", "country=NZ", "id!=l2,tier"})
	if rapid.Bool().Draw(t, "no policy") {
		return d
	}
	if has("pin") {
		d.Pin = rapid.SliceOfN(rapid.SampledFrom([]string{"a", "tier=x", "id=l1", "country=FR"}), 1, 3).Draw(t, "pins")
	}
	if has("countries") {
		d.Countries = rapid.SliceOfN(rapid.Custom(func(t *rapid.T) CountryRule { return drawCountryRule(t, filter) }), 1, 3).Draw(t, "country rules")
	}
	if has("tiers") {
		d.Tiers = drawTiers(t)
		d.Beyond = rapid.SampledFrom([]string{"", "rank", "exclude"}).Draw(t, "beyond")
	}
	if has("weights") {
		d.Weights = rapid.SampledFrom([]string{"pull", "share"}).Draw(t, "mode")
	}
	if has("bias") {
		d.Bias = rapid.SliceOfN(rapid.Custom(func(t *rapid.T) BiasRule {
			return BiasRule{filter.Draw(t, "of"), rapid.SampledFrom([]float64{-99, -50, 0, 0.5, 33, 99}).Draw(t, "percent")}
		}), 1, 3).Draw(t, "biases")
	}
	if has("load") {
		d.Load = rapid.SampledFrom([]*LoadRule{{"load", 0.2, 0.9}, {"load", 0, 1}, {"load", 0.8, 0.8}, {"tier", 0, 5}}).Draw(t, "load rule")
	}
	if has("network") {
		d.Network = &NetworkRule{rapid.IntRange(0, 24).Draw(t, "v4"), rapid.IntRange(0, 56).Draw(t, "v6")}
	}
	return d
}

func drawCountryRule(t *rapid.T, filter *rapid.Generator[string]) CountryRule {
	list := rapid.SliceOfN(rapid.SampledFrom([]string{"NZ", "FR", "DE"}), 0, 2)
	r := CountryRule{Locations: filter.Draw(t, "of"), Allow: list.Draw(t, "allow"), Deny: list.Draw(t, "deny")}
	if len(r.Allow)+len(r.Deny) == 0 {
		r.Deny = []string{"FR"}
	}
	return r
}

func drawTiers(t *rapid.T) []TierRule {
	one := rapid.SampledFrom([]TierRule{{WithinKM: 500}, {WithinKM: 5000}, {SameCountry: true}, {Locations: "a"}, {WithinKM: 9000, Locations: "tier!=x"}, {SameCountry: true, WithinKM: 3000}})
	tiers := rapid.SliceOfN(one, 1, 4).Draw(t, "tiers")
	if rapid.Bool().Draw(t, "catch all") {
		tiers = append(tiers, TierRule{})
	}
	for i := range tiers {
		tiers[i].Name = fmt.Sprintf("tier %d", i)
	}
	return tiers
}

// explainedOrder is the order of candidates by what explain says of them, and by nothing
// else.
func explainedOrder(a, b Candidate) int {
	first := func(x, y bool) int { // who has it comes first
		switch {
		case x == y:
			return 0
		case x:
			return -1
		}
		return 1
	}
	return cmp.Or(
		-first(a.Terms.Spilled, b.Terms.Spilled),
		first(a.Terms.Preferred, b.Terms.Preferred),
		cmp.Compare(a.Terms.TierRank, b.Terms.TierRank),
		cmp.Compare(a.Score, b.Score),
		cmp.Compare(a.Terms.KM, b.Terms.KM),
		cmp.Compare(a.Terms.Draw, b.Terms.Draw),
		cmp.Compare(a.Location.ID, b.Location.ID),
	)
}

// The order is what explain says it is, under every policy: the candidates shuffled and
// sorted by their explained terms stand as they were returned, and each score is the
// formula of its terms.
func TestTheExplainedOrderIsTheReturnedOrder(t *testing.T) {
	var r Ranker
	rapid.Check(t, func(t *rapid.T) {
		b := drawCase(t)
		o := b.options(t)
		o.Explain = true
		best, rest := r.Rank(nil, b.place, b.client, b.locs, o)
		all := best
		for _, c := range rest {
			if strings.HasPrefix(c.Excluded, "rank ") {
				all = append(all, c)
			}
		}
		sorted := rapid.Permutation(all).Draw(t, "shuffled")
		slices.SortFunc(sorted, explainedOrder)
		for i, c := range all {
			if sorted[i].Location.ID != c.Location.ID {
				t.Fatalf("place %d: returned %s, explained %s", i, c.Location.ID, sorted[i].Location.ID)
			}
			if want := (c.Terms.KM + 50) * c.Terms.Bias / c.Terms.TopWeight; c.Score != want {
				t.Fatalf("%s: score %v, its terms say %v", c.Location.ID, c.Score, want)
			}
		}
	})
}

// Equal weights and no bias: within a tier the order is that of distance.
func TestTiersKeepTheOrderOfDistance(t *testing.T) {
	var r Ranker
	rapid.Check(t, func(t *rapid.T) {
		from := Place{Point: drawPoint(t, "client"), Located: true, Country: "NZ"}
		p := mustPolicy(t, PolicyDocument{Tiers: drawTiers(t), Weights: rapid.SampledFrom([]string{"", "share"}).Draw(t, "weights")})
		var locs []gazetteer.Location
		for i := range rapid.IntRange(0, 30).Draw(t, "n") {
			l := located(fmt.Sprint(i), drawPoint(t, "at"), 1)
			l.Country = rapid.SampledFrom([]string{"", "NZ", "FR"}).Draw(t, "country")
			locs = append(locs, l)
		}
		got, _ := r.Rank(nil, from, netip.Addr{}, locs, &Options{Policy: p, Explain: true})
		for i := 1; i < len(got); i++ {
			a, b := got[i-1], got[i]
			if a.Terms.TierRank > b.Terms.TierRank || (a.Terms.TierRank == b.Terms.TierRank && a.DistanceKM > b.DistanceKM) {
				t.Fatalf("%+v before %+v", a, b)
			}
		}
	})
}

func mustPolicy(t interface{ Fatal(...any) }, d PolicyDocument) *Policy {
	p, err := NewPolicy(&d)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// mirrors are four places with what a policy can name.
func mirrors() []gazetteer.Location {
	at := func(id, country string, lat, lon float64, labels ...gazetteer.Label) gazetteer.Location {
		l := located(id, gazetteer.Point{Lat: lat, Lon: lon}, 1)
		l.Country, l.Labels = country, labels
		return l
	}
	return []gazetteer.Location{
		at("berlin", "DE", 52.5, 13.4, gazetteer.Label{Key: "load", Value: "0.95"}),
		at("prague", "CZ", 50.1, 14.4),
		at("munich", "DE", 48.1, 11.6, gazetteer.Label{Key: "load", Value: "0.1"}),
		at("sydney", "AU", -33.9, 151.2, gazetteer.Label{Key: "gold", Value: ""}),
	}
}

// A table of policies for one client in Berlin: what he gets and why he gets no more.
func TestPolicies(t *testing.T) {
	berlin := Place{Point: gazetteer.Point{Lat: 52.5, Lon: 13.4}, Located: true, Country: "DE"}
	for name, c := range map[string]struct {
		policy   PolicyDocument
		want     string
		excluded string
	}{
		"none":             {PolicyDocument{}, "berlin prague munich sydney", ""},
		"country first":    {PolicyDocument{Tiers: []TierRule{{Name: "home", SameCountry: true}}}, "berlin munich prague sydney", ""},
		"label, local":     {PolicyDocument{Tiers: []TierRule{{Name: "paid", Locations: "gold"}, {Name: "local", WithinKM: 100}}}, "sydney berlin prague munich", ""},
		"nothing beyond":   {PolicyDocument{Tiers: []TierRule{{Name: "local", WithinKM: 300}}, Beyond: "exclude"}, "berlin prague", "policy: in none of the tiers; policy: in none of the tiers"},
		"pinned":           {PolicyDocument{Pin: []string{"id=prague", "gold"}}, "prague sydney", "policy: pinned to others; policy: pinned to others"},
		"not from DE":      {PolicyDocument{Countries: []CountryRule{{Locations: "country=CZ", Deny: []string{"FR", "DE"}}}}, "berlin munich sydney", "policy: not for clients of DE (countries/0)"},
		"home only":        {PolicyDocument{Countries: []CountryRule{{Locations: "gold", Allow: []string{"AU"}}}}, "berlin prague munich", "policy: not for clients of DE (countries/0)"},
		"away from prague": {PolicyDocument{Bias: []BiasRule{{Locations: "id=prague", Percent: -75}}}, "berlin munich prague sydney", ""},
		"spilled":          {PolicyDocument{Load: &LoadRule{Label: "load", From: 0.5, Full: 0.9}}, "prague munich sydney berlin", ""},
		"spilled, tiers":   {PolicyDocument{Load: &LoadRule{Label: "load", From: 0.5, Full: 0.9}, Tiers: []TierRule{{Name: "home", SameCountry: true}}}, "munich prague sydney berlin", ""},
		"not loaded yet":   {PolicyDocument{Load: &LoadRule{Label: "load", From: 0.95, Full: 2}}, "berlin prague munich sydney", ""},
	} {
		t.Run(name, func(t *testing.T) {
			var r Ranker
			best, rest := r.Rank(nil, berlin, addr("192.0.2.1"), mirrors(), &Options{Policy: mustPolicy(t, c.policy), Explain: true})
			var causes []string
			for _, x := range rest {
				causes = append(causes, x.Excluded)
			}
			if idsOf(best) != c.want || strings.Join(causes, "; ") != c.excluded {
				t.Errorf("got %s, left out: %s", idsOf(best), strings.Join(causes, "; "))
			}
		})
	}
}

// What a client says of himself can lose him locations, never win him some.
func TestAClientsOwnWordOpensNothing(t *testing.T) {
	for _, c := range []struct {
		stated, address string
		rule            CountryRule
		barred          bool
	}{
		{"DE", "KP", CountryRule{Deny: []string{"KP"}}, true},
		{"KP", "DE", CountryRule{Deny: []string{"KP"}}, true},
		{"DE", "", CountryRule{Deny: []string{"KP"}}, false},
		{"", "", CountryRule{Deny: []string{"KP"}}, false},
		{"DE", "FR", CountryRule{Allow: []string{"DE"}}, true},
		{"FR", "DE", CountryRule{Allow: []string{"DE"}}, true},
		{"DE", "DE", CountryRule{Allow: []string{"DE"}}, false},
		{"", "DE", CountryRule{Allow: []string{"DE"}}, false},
		{"", "", CountryRule{Allow: []string{"DE"}}, true},
		{"DE", "", CountryRule{Allow: []string{"DE", "KP"}, Deny: []string{"DE"}}, true},
	} {
		var r Ranker
		p := mustPolicy(t, PolicyDocument{Countries: []CountryRule{c.rule}})
		got, _ := r.Rank(nil, Place{Country: c.stated}, netip.Addr{}, mirrors(), &Options{Policy: p, Country: c.address})
		if (len(got) == 0) != c.barred {
			t.Errorf("%+v: gets %d", c, len(got))
		}
	}
}

// The load of a location sends on a part of all networks that grows with it: who was sent
// on stays so while it rises, and nobody else moves.
func TestLoadSendsOnAGrowingPartOfTheNetworks(t *testing.T) {
	site := gazetteer.Point{Lat: 52.3, Lon: 4.8}
	full, other := located("full", site, 1), located("other", gazetteer.Point{Lat: 40}, 1)
	p := mustPolicy(t, PolicyDocument{Load: &LoadRule{Label: "load", From: 0.5, Full: 1}})
	var r Ranker
	before := make([]bool, 4000)
	for _, step := range []struct{ load, low, high float64 }{{0.5, 0, 0}, {0.6, 0.17, 0.23}, {0.75, 0.46, 0.54}, {0.9, 0.77, 0.83}, {1, 1, 1}} {
		full.Labels = []gazetteer.Label{{Key: "load", Value: fmt.Sprint(step.load)}}
		sent := 0
		for n := range before {
			client := netip.AddrFrom4([4]byte{20, byte(n >> 8), byte(n), 1})
			got, _ := r.Rank(nil, Place{Point: site, Located: true}, client, []gazetteer.Location{full, other}, &Options{Limit: 1, Policy: p})
			on := got[0].Location.ID == "other"
			if before[n] && !on {
				t.Fatalf("network %d came back at load %v", n, step.load)
			}
			if before[n] = on; on {
				sent++
			}
		}
		if part := float64(sent) / float64(len(before)); part < step.low || part > step.high {
			t.Errorf("load %v sends on %v of the networks", step.load, part)
		}
	}
}

// Clients of one network stay with one of the equals however large the network is made;
// avoid is the way out, and moves nobody else.
func TestNetworksStickToOneOfTheEquals(t *testing.T) {
	site := gazetteer.Point{Lat: 52.3, Lon: 4.8}
	locs := []gazetteer.Location{located("a", site, 1), located("b", site, 1), located("c", site, 1)}
	wide := mustPolicy(t, PolicyDocument{Network: &NetworkRule{IPv4: 12, IPv6: 31}})
	one := mustPolicy(t, PolicyDocument{Network: &NetworkRule{}})
	var r Ranker
	first := func(client string, p *Policy, avoid ...gazetteer.LocationID) gazetteer.LocationID {
		got, _ := r.Rank(nil, Place{}, addr(client), locs, &Options{Limit: 1, Policy: p, Avoid: avoid})
		return got[0].Location.ID
	}
	seen := map[gazetteer.LocationID]int{}
	for i := range 64 {
		low, high := fmt.Sprintf("20.%d.0.1", i/16*16), fmt.Sprintf("20.%d.255.9", i/16*16+i%16)
		if first(low, wide) != first(high, wide) {
			t.Errorf("%s and %s are of one network", low, high)
		}
		if first(fmt.Sprintf("2001:db8:%x::1", i), wide) != first(fmt.Sprintf("2001:db9:%x::1", i), wide) {
			t.Errorf("one network of IPv6 is torn")
		}
		seen[first(fmt.Sprintf("%d.0.0.1", 30+i), wide)]++
		if a := first(low, one); a != first("9.9.9.9", one) || first("::1", one) != first("2001::", one) {
			t.Errorf("there is one network only, but %s", a)
		}
		mine := first(low, nil)
		if out := first(low, nil, mine); out == mine || out != first(low, nil, mine) {
			t.Errorf("no way out of %s", mine)
		}
	}
	if len(seen) != 3 {
		t.Errorf("networks share %v", seen)
	}
}

func TestPreferComesFirstButExcludesNothing(t *testing.T) {
	berlin := Place{Point: gazetteer.Point{Lat: 52.5, Lon: 13.4}, Located: true, Country: "DE"}
	var r Ranker
	p := mustPolicy(t, PolicyDocument{Tiers: []TierRule{{Name: "home", SameCountry: true}}, Load: &LoadRule{Label: "load", Full: 0.9}})
	for _, c := range []struct {
		prefer string
		policy *Policy
		want   string
	}{
		{"gold", nil, "sydney berlin prague munich"},
		{"country!=DE", nil, "prague sydney berlin munich"},
		{"nothing=there", nil, "berlin prague munich sydney"},
		{"load", p, "munich prague sydney berlin"}, // full is full, whoever prefers it
		{"gold", p, "sydney munich prague berlin"},
	} {
		got, _ := r.Rank(nil, berlin, addr("192.0.2.1"), mirrors(), &Options{Prefer: mustFilter(t, c.prefer), Policy: c.policy})
		if idsOf(got) != c.want {
			t.Errorf("%s: %s, want %s", c.prefer, idsOf(got), c.want)
		}
	}
}
