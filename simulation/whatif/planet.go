// Package whatif predicts what the tree of a planet becomes when a region is added or
// removed, or shortcuts are allowed, before anyone pays for it: in virtual time, by the
// cores that the planet itself runs. It does no I/O.
package whatif

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"time"

	"gazetteer"
	"gazetteer/simulation/scenario"
)

// Planet is what a prediction starts from. Its methods return changed copies.
type Planet struct {
	Regions []Region               // by name
	RTT     map[scenario.Pair]Time // of its regions
}

// Region is one of them.
type Region struct {
	Name  gazetteer.RegionID
	Point *gazetteer.Point // nil: not known
}

// Time is a round trip, and how it is known.
type Time struct {
	RTT time.Duration
	Of  Source
}

// Source says how a round trip is known.
type Source string

// The sources, the best first.
const (
	Measured Source = "measured" // by the planet, or written in the scenario
	Table    Source = "table"    // of the bundled AWS regions
	Guess    Source = "guess"    // by distance, see [Atlas.Guess]
)

// OfScenario returns the planet that a scenario begins with.
func OfScenario(s *scenario.Scenario) Planet {
	p := Planet{RTT: map[scenario.Pair]Time{}}
	for _, r := range s.Regions {
		at := r.Point
		p.Regions = append(p.Regions, Region{r.Name, &at})
	}
	for pair, rtt := range s.Network.RTT {
		p.RTT[pair] = Time{rtt, Measured}
	}
	return p.Sorted()
}

// Sorted returns the planet with its regions by name, as all here expects them.
func (p Planet) Sorted() Planet {
	p.Regions = slices.SortedFunc(slices.Values(p.Regions), func(a, b Region) int { return cmp.Compare(a.Name, b.Name) })
	return p
}

func (p *Planet) find(name gazetteer.RegionID) int {
	return slices.IndexFunc(p.Regions, func(r Region) bool { return r.Name == name })
}

// Add returns the planet with one region more. Where no point is given, the atlas has to
// know the name. Errors: Invalid (no point), Unprocessable (a bad name or point), Conflict
// (the name is taken).
func (p Planet) Add(name gazetteer.RegionID, at *gazetteer.Point, a *Atlas) (Planet, error) {
	if err := name.Validate(); err != nil {
		return p, err
	}
	if p.find(name) >= 0 {
		return p, refuse("Add", gazetteer.Conflict, "the planet has a region %s already; choose another name", name)
	}
	if at == nil {
		at = a.point(name)
	}
	if at == nil {
		return p, refuse("Add", gazetteer.Invalid, "nobody knows where %s is; say it by --at lat,lon", name)
	}
	if err := at.Validate(); err != nil {
		return p, err
	}
	more := Planet{Regions: append(slices.Clone(p.Regions), Region{name, at}), RTT: p.RTT}
	return more.Sorted().Fill(a), nil
}

// Remove returns the planet without a region. Errors: NotFound, and Unprocessable for the
// last one.
func (p Planet) Remove(name gazetteer.RegionID) (Planet, error) {
	i := p.find(name)
	switch {
	case i < 0:
		return p, refuse("Remove", gazetteer.NotFound, "the planet has no region %s", name)
	case len(p.Regions) == 1:
		return p, refuse("Remove", gazetteer.Unprocessable, "%s is the last region; nothing would be left", name)
	}
	less := Planet{Regions: slices.Delete(slices.Clone(p.Regions), i, i+1), RTT: maps.Clone(p.RTT)}
	maps.DeleteFunc(less.RTT, func(pair scenario.Pair, _ Time) bool { return pair.A == name || pair.B == name })
	return less, nil
}

// Fill returns the planet with a round trip for each pair that has none and that the atlas
// can say something of.
func (p Planet) Fill(a *Atlas) Planet {
	filled := Planet{Regions: p.Regions, RTT: map[scenario.Pair]Time{}}
	for i, r := range p.Regions {
		for _, q := range p.Regions[:i] {
			pair := scenario.PairOf(q.Name, r.Name)
			if t, known := p.RTT[pair]; known {
				filled.RTT[pair] = t
			} else if t, ok := a.between(&q, &r); ok {
				filled.RTT[pair] = t
			}
		}
	}
	return filled
}

func refuse(op string, kind gazetteer.Kind, format string, args ...any) error {
	return &gazetteer.Error{Op: "whatif." + op, Kind: kind, Detail: fmt.Sprintf(format, args...)}
}
