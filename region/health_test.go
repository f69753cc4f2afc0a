package region

import (
	"testing"
	"time"

	"gazetteer"
	"gazetteer/pb"
	"gazetteer/region/geo"
	"gazetteer/region/health"
)

// knownRegions is a planet with some regions.
type knownRegions struct {
	Elsewhere
	names []gazetteer.RegionID
}

func (p knownRegions) Of(r gazetteer.RegionID) (Far, bool) {
	for _, n := range p.names {
		if n == r {
			return Far{Region: r}, true
		}
	}
	return Far{}, false
}

func leaseFact(r gazetteer.RegionID, down bool) fact {
	return fact{gazetteer.Beside{Aspect: gazetteer.Leased, Location: gazetteer.LocationID("fra").Hash(), Region: r}, pb.HealthBody{Down: down, Term: 20 * time.Second}}
}

func checkFact(r gazetteer.RegionID, down bool) fact {
	return fact{gazetteer.Beside{Aspect: gazetteer.Checked, Location: gazetteer.LocationID("fra").Hash(), Region: r}, pb.HealthBody{Down: down}}
}

func TestStateOfALocation(t *testing.T) {
	s := &Server{region: "here", elsewhere: knownRegions{names: []gazetteer.RegionID{"there"}}}
	for name, c := range map[string]struct {
		facts   []fact
		checked bool
		want    geo.State
	}{
		"nothing_known":               {nil, false, geo.StateUnknown},
		"checked_and_well":            {nil, true, geo.StateUp},
		"checked_down_here":           {[]fact{checkFact("here", true), checkFact("there", false)}, true, geo.StateDown},
		"checked_down_elsewhere":      {[]fact{checkFact("here", false), checkFact("there", true)}, true, geo.StateUp},
		"checked_no_more":             {[]fact{checkFact("here", true)}, false, geo.StateUnknown},
		"leased":                      {[]fact{leaseFact("here", false)}, false, geo.StateUp},
		"lease_ended":                 {[]fact{leaseFact("there", true)}, false, geo.StateDown},
		"renewed_in_another_region":   {[]fact{leaseFact("here", true), leaseFact("there", false)}, false, geo.StateUp},
		"renewed_in_a_region_removed": {[]fact{leaseFact("gone", false), leaseFact("here", true)}, false, geo.StateDown},
		"only_a_region_removed_knows": {[]fact{leaseFact("gone", true)}, false, geo.StateUnknown},
		"renewed_but_fails_here":      {[]fact{checkFact("here", true), leaseFact("here", false)}, true, geo.StateDown},
		"well_here_but_lease_ended":   {[]fact{checkFact("here", false), leaseFact("here", true)}, true, geo.StateDown},
	} {
		a := &Answer{Region: "here", facts: c.facts, locations: []gazetteer.Location{{ID: "fra"}, {ID: "other"}}}
		spec := &TypeSpec{}
		if c.checked {
			spec.Health.Kind = health.HTTP
		}
		s.judge(a, spec)
		got := geo.StateUnknown
		if len(a.states) > 0 {
			got = a.states[0]
		}
		if got != c.want {
			t.Errorf("%s: %v, want %v", name, got, c.want)
		}
	}
}

func TestAnswersAreKeptShorterNearAHealthEdge(t *testing.T) {
	const now = 1_700_000_000_000
	at := func(f fact, ago time.Duration) fact { f.Since = now - ago.Milliseconds(); return f }
	for name, c := range map[string]struct {
		fact fact
		ttl  time.Duration
		want time.Duration
	}{
		"long_ago":             {at(checkFact("here", true), time.Hour), time.Minute, time.Minute},
		"just_now":             {at(checkFact("here", true), time.Second), time.Minute, 10 * time.Second},
		"just_back":            {at(checkFact("here", false), time.Minute), time.Minute, 10 * time.Second},
		"elsewhere":            {at(checkFact("there", true), time.Second), time.Minute, time.Minute},
		"shorter_than_a_lease": {at(leaseFact("there", false), time.Hour), time.Minute, 20 * time.Second},
		"never_below_a_second": {at(checkFact("here", true), time.Second), 3 * time.Second, time.Second},
		"a_clock_that_is_late": {at(checkFact("here", true), -time.Second), time.Minute, 10 * time.Second},
	} {
		a := &Answer{Region: "here", TTL: c.ttl, facts: []fact{c.fact}}
		if got := a.ttl(now); got != c.want {
			t.Errorf("%s: %v, want %v", name, got, c.want)
		}
	}
}
