package geo

import (
	"fmt"
	"math"
	"net/netip"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"gazetteer"
)

// One ranker serves all cases, as it does in production: nothing may be left in it.
func TestRankIsWhatBruteForceSays(t *testing.T) {
	var r Ranker
	seen := map[string]int{}
	check := func(t *rapid.T) {
		b := drawCase(t)
		o := b.options(t)
		ranked, excluded := b.rank()
		n := len(ranked)
		if o.Limit > 0 {
			n = min(n, o.Limit)
		}
		best, rest := r.Rank(nil, b.place, b.client, b.locs, o)
		same(t, "best", best, ranked[:n], false)
		if rest != nil {
			t.Fatalf("rest without explain: %v", rest)
		}
		o.Explain = true
		best, rest = r.Rank(nil, b.place, b.client, b.locs, o)
		same(t, "explained best", best, ranked[:n], true)
		for i := range ranked[n:] {
			ranked[n+i].excludedCause = fmt.Sprintf("rank %d, beyond the limit of %d", n+i+1, o.Limit)
		}
		same(t, "explained rest", rest, append(ranked[n:], excluded...), true)
		for _, s := range append(ranked, excluded...) {
			seen[strings.SplitN(s.assumed+s.excludedCause, " ", 2)[0]]++
			if s.excludedCause != "" {
				seen[s.excludedCause[:min(14, len(s.excludedCause))]]++
			}
			seen[s.standing.coverage()]++
		}
	}
	all := []string{"", "weight", "filter:", "avoided", "rank", "no", "client's",
		"policy: pinned", "policy: not fo", "policy: in non", "spilled", "preferred", "biased", "in a tier", "in no tier"}
	unseen := func(cause string) bool { return seen[cause] == 0 }
	for rounds := 0; rounds < 5 || rounds < 100 && slices.ContainsFunc(all, unseen); rounds++ { // with -short a round has few cases
		rapid.Check(t, check)
	}
	if i := slices.IndexFunc(all, unseen); i >= 0 {
		t.Errorf("no case with %q: the test covers too little", all[i])
	}
}

func same(t *rapid.T, what string, got []Candidate, want []scored, explain bool) {
	t.Helper()
	if len(got) != len(want) {
		t.Fatalf("%s: %d candidates, want %d", what, len(got), len(want))
	}
	for i, w := range want {
		g := got[i]
		terms := Terms{KM: w.km, TopWeight: w.top, Assumed: w.assumed}
		if w.top != 0 {
			terms.Weight = w.loc.Weight
			if explain {
				terms.Draw, terms.Bias, terms.Load = w.draw, w.standing.bias, w.standing.load
				terms.Spilled, terms.Preferred = w.standing.spilled, w.standing.preferred
				terms.TierRank, terms.Tier = w.standing.rank, w.standing.tier
			}
		}
		if g.Location.ID != w.loc.ID || g.Score != w.score || g.Terms != terms || g.Excluded != w.excludedCause {
			t.Fatalf("%s %d: got %+v, want %v", what, i, g, w)
		}
		if w.top != 0 && (g.HasDistance != w.measured || (w.measured && g.DistanceKM != w.km)) {
			t.Fatalf("%s %d: distance of %+v, want %v", what, i, g, w)
		}
	}
}

// options are what the ranker is asked for where brute force works from the case.
func (b *bruteForce) options(t *rapid.T) *Options {
	return &Options{
		Limit: rapid.IntRange(0, 12).Draw(t, "limit"), Avoid: b.avoid, Policy: mustPolicy(t, b.policy), Country: b.country,
		Filter: mustFilter(t, strings.Join(b.filter, ",")), Prefer: mustFilter(t, strings.Join(b.prefer, ",")),
	}
}

// coverage names what is most special about a standing.
func (s standing) coverage() string {
	switch {
	case s.spilled:
		return "spilled"
	case s.preferred:
		return "preferred"
	case s.bias != 1 && s.bias != 0:
		return "biased"
	case s.tier == "world":
		return "in no tier"
	case s.tier != "":
		return "in a tier"
	}
	return ""
}

// drawCase makes locations that often share sites, weights and labels.
func drawCase(t *rapid.T) *bruteForce {
	b := &bruteForce{place: drawPlace(t), client: drawAddr(t)}
	sites := []gazetteer.Point{drawPoint(t, "site 0"), drawPoint(t, "site 1"), drawPoint(t, "site 2")}
	weights := rapid.SampledFrom([][]float64{{1}, {1, 1, 1, 0}, {0.05, 0.25, 1, 3, 0}, {5e-324, 1e6}}).Draw(t, "weights")
	n := rapid.IntRange(0, 40).Draw(t, "n")
	for i := range n {
		l := gazetteer.Location{
			ID:      gazetteer.LocationID(fmt.Sprintf("l%d", i)),
			Weight:  rapid.SampledFrom(weights).Draw(t, "weight"),
			Country: rapid.SampledFrom([]string{"", "NZ", "FR", "ZZ"}).Draw(t, "country"),
			Located: rapid.IntRange(0, 3).Draw(t, "located") > 0,
		}
		if l.Located {
			l.Point = rapid.SampledFrom(sites).Draw(t, "site")
		}
		for _, key := range []string{"a", "load", "tier"} {
			if rapid.Bool().Draw(t, key) {
				l.Labels = append(l.Labels, gazetteer.Label{Key: key, Value: rapid.SampledFrom(valuesOf[key == "load"]).Draw(t, "value")})
			}
		}
		b.locs = append(b.locs, l)
	}
	b.filter = rapid.SampledFrom([][]string{nil, nil, {"country"}, {"country=NZ"}, {"a!=x", "tier"}, {"id!=l3", "tier=y"}, {"a="}}).Draw(t, "filter")
	b.prefer = rapid.SampledFrom([][]string{nil, nil, {"a"}, {"country=FR"}, {"tier=x", "a!=y"}}).Draw(t, "prefer")
	b.policy = drawPolicy(t)
	b.country = rapid.SampledFrom([]string{"", "", "NZ", "FR"}).Draw(t, "address country")
	b.avoid = rapid.SliceOfN(rapid.SampledFrom([]gazetteer.LocationID{"l0", "l1", "l5", "other"}), 0, 2).Draw(t, "avoid")
	return b
}

// valuesOf are the values of labels: of the load, and of others.
var valuesOf = map[bool][]string{true: {"0", "0.3", "0.85", "1", "7", "-1", "NaN", "Inf", "much"}, false: {"", "x", "y"}}

func drawPlace(t *rapid.T) Place {
	country := rapid.SampledFrom([]string{"", "NZ", "FR"}).Draw(t, "client's country")
	if rapid.IntRange(0, 4).Draw(t, "known") == 0 {
		return Place{Country: country, Method: Unknown}
	}
	return Place{Point: drawPoint(t, "client"), Located: true, Country: country, Method: StatedPoint}
}

func drawAddr(t *rapid.T) netip.Addr {
	return rapid.SampledFrom([]netip.Addr{{}, addr("192.0.2.7"), addr("::ffff:192.0.2.9"), addr("2001:db8:1:2ff::1"), addr("fe80::1%eth0")}).Draw(t, "client")
}

func TestEqualWeightsAreInTheOrderOfDistance(t *testing.T) {
	var r Ranker
	rapid.Check(t, func(t *rapid.T) {
		from := drawPoint(t, "client")
		weight := rapid.Float64Range(1e-6, 1e6).Draw(t, "weight")
		// Close pairs: an order that only holds for points far apart would be found out.
		near := rapid.Float64Range(-1e-7, 1e-7)
		var locs []gazetteer.Location
		for i, p := range rapid.SliceOfN(rapid.Custom(func(t *rapid.T) gazetteer.Point { return drawPoint(t, "p") }), 1, 30).Draw(t, "points") {
			q := gazetteer.Point{Lat: max(-90, min(90, p.Lat+near.Draw(t, "north"))), Lon: p.Lon}
			locs = append(locs, located(fmt.Sprint("p", i), p, weight), located(fmt.Sprint("q", i), q, weight))
		}
		limit := rapid.IntRange(1, len(locs)).Draw(t, "limit")
		got, _ := r.Rank(nil, Place{Point: from, Located: true}, netip.Addr{}, locs, &Options{Limit: limit})
		var all []float64
		for _, l := range locs {
			all = append(all, DistanceKM(from, l.Point))
		}
		slices.Sort(all)
		for i := range got {
			if got[i].DistanceKM != all[i] {
				t.Fatalf("place %d is %v km away, want %v", i, got[i].DistanceKM, all[i])
			}
		}
	})
}

func TestWeightsPullAcrossDistances(t *testing.T) {
	berlin := Place{Point: gazetteer.Point{Lat: 52.52, Lon: 13.40}, Located: true}
	locs := []gazetteer.Location{
		located("potsdam", gazetteer.Point{Lat: 52.40, Lon: 13.06}, 1),  // 27 km: (27+50)/1 = 77
		located("hamburg", gazetteer.Point{Lat: 53.55, Lon: 9.99}, 4),   // 255 km: 305/4 = 76
		located("munich", gazetteer.Point{Lat: 48.14, Lon: 11.58}, 4),   // 504 km: 554/4 = 139
		located("sydney", gazetteer.Point{Lat: -33.9, Lon: 151.2}, 100), // 16,090 km: 161
	}
	var r Ranker
	got, _ := r.Rank(nil, berlin, netip.Addr{}, locs, &Options{})
	if ids := idsOf(got); ids != "hamburg potsdam munich sydney" {
		t.Errorf("got %s", ids)
	}
}

// Three machines at one site and many client networks: each machine is first for a
// share of the networks that is its share of the weight, for clients that are placed
// and for those that are not.
func TestMachinesAtOneSiteShareClientsByWeight(t *testing.T) {
	site := gazetteer.Point{Lat: 52.3, Lon: 4.8}
	locs := []gazetteer.Location{located("a", site, 1), located("b", site, 0.25), located("c", site, 0.05)}
	for _, p := range []Place{{Point: gazetteer.Point{Lat: 50, Lon: 5}, Located: true}, {Method: Unknown}} {
		first := map[gazetteer.LocationID]float64{}
		const networks = 20_000
		for n := range networks {
			first[firstFor(t, p, n, locs)]++
		}
		for _, l := range locs {
			share, want := first[l.ID]/networks, l.Weight/1.3
			if sigma := math.Sqrt(want * (1 - want) / networks); math.Abs(share-want) > 4*sigma {
				t.Errorf("%s is first for %.4f of the networks, want %.4f", l.ID, share, want)
			}
		}
	}
}

func TestClientsKeepTheirMachineWhenAnotherGoes(t *testing.T) {
	site := gazetteer.Point{Lat: 52.3, Lon: 4.8}
	locs := []gazetteer.Location{located("a", site, 1), located("b", site, 1), located("c", site, 1), located("d", site, 1)}
	p := Place{Point: site, Located: true}
	moved := 0
	for n := range 1000 {
		before, after := firstFor(t, p, n, locs), firstFor(t, p, n, locs[:3])
		if before == "d" {
			moved++
		} else if before != after {
			t.Fatalf("network %d went from %s to %s", n, before, after)
		}
	}
	if moved < 150 || moved > 350 {
		t.Errorf("%d of 1000 networks had the machine that went, want about 250", moved)
	}
}

func TestClientsOfOneNetworkGetOneOrder(t *testing.T) {
	site := gazetteer.Point{Lat: 52.3, Lon: 4.8}
	var locs []gazetteer.Location
	for i := range 8 {
		locs = append(locs, located(fmt.Sprint(i), site, 1))
	}
	var r Ranker
	order := func(client string) string {
		got, _ := r.Rank(nil, Place{Method: Unknown}, addr(client), locs, &Options{})
		return idsOf(got)
	}
	for _, c := range []struct {
		a, b string
		same bool
	}{
		{"192.0.2.1", "192.0.2.254", true},
		{"192.0.2.1", "::ffff:192.0.2.77", true},
		{"192.0.2.1", "192.0.3.1", false},
		{"2001:db8:0:100::1", "2001:db8:0:1ff:ffff::", true},
		{"2001:db8:0:100::1", "2001:db8:0:200::1", false},
	} {
		if a, b := order(c.a), order(c.b); (a == b) != c.same {
			t.Errorf("%s: %s; %s: %s; want equal: %v", c.a, a, c.b, b, c.same)
		}
	}
}

func TestRankAllocatesNothing(t *testing.T) {
	var r Ranker
	locs := manyLocations(1000)
	dst := make([]Candidate, 0, 5)
	o := Options{Limit: 5, Filter: mustFilter(t, "country!=FR"), Avoid: []gazetteer.LocationID{"7"}}
	p := Place{Point: gazetteer.Point{Lat: 1, Lon: 2}, Located: true}
	client := addr("192.0.2.1")
	if n := testing.AllocsPerRun(20, func() { r.Rank(dst, p, client, locs, &o) }); n != 0 {
		t.Errorf("%v allocations", n)
	}
}

// The addresses and distances are those of the oracle for the regions of AWS.
func TestClientsOfTheTestDatabaseGetTheirNearestRegion(t *testing.T) {
	l := sampleLocator(t)
	var regions []gazetteer.Location
	for _, r := range readCSV(t, "testdata/aws-regions.csv") {
		regions = append(regions, located(r["region"], pointOf(t, r), 1))
	}
	var r Ranker
	for _, c := range []struct {
		client, region string
		km             float64 // 0: not stated
	}{
		{"81.2.69.142", "eu-west-2", 3},
		{"89.160.20.112", "eu-north-1", 174},
		{"216.160.83.56", "us-west-2", 195},
		{"214.78.120.0", "us-west-1", 0},
		{"2.125.160.216", "eu-west-2", 0}, // registered in FR, which must not count
		{"2001:218::", "ap-northeast-1", 0},
		{"202.196.224.0", "ap-east-1", 0},
	} {
		client := addr(c.client)
		got, _ := r.Rank(nil, l.Locate(Client{Addr: client}), client, regions, &Options{Limit: 1})
		if string(got[0].Location.ID) != c.region || (c.km > 0 && math.Abs(got[0].DistanceKM-c.km) > 1) {
			t.Errorf("%s: got %s at %.1f km, want %s at %v km", client, got[0].Location.ID, got[0].DistanceKM, c.region, c.km)
		}
	}
}

func firstFor(t *testing.T, p Place, network int, locs []gazetteer.Location) gazetteer.LocationID {
	t.Helper()
	var r Ranker
	client := netip.AddrFrom4([4]byte{20, byte(network >> 8), byte(network), 1})
	got, _ := r.Rank(nil, p, client, locs, &Options{Limit: 1})
	return got[0].Location.ID
}

func located(id string, p gazetteer.Point, weight float64) gazetteer.Location {
	return gazetteer.Location{ID: gazetteer.LocationID(id), Point: p, Located: true, Weight: weight}
}

func idsOf(cs []Candidate) string {
	var ids []string
	for _, c := range cs {
		ids = append(ids, string(c.Location.ID))
	}
	return strings.Join(ids, " ")
}

func addr(s string) netip.Addr { return netip.MustParseAddr(s) }

func mustFilter(t interface{ Fatal(...any) }, text string) Filter {
	f, err := ParseFilter(text)
	if err != nil {
		t.Fatal(err)
	}
	return f
}
