package planet

import (
	"cmp"
	"slices"
	"time"

	"gazetteer"
	"gazetteer/region"
)

var _ region.Elsewhere = (*Planet)(nil)

// Nearest returns regional servers of other regions, best first: of those that answer and
// are not draining, by smoothed round trip.
func (p *Planet) Nearest() []region.Far {
	type near struct {
		region.Far
		rtt time.Duration
	}
	others := p.others()
	var all []near
	now := time.Now()
	for i := range others {
		rtt, answers := p.rtts.of(others[i].Name, now, p.pingPace())
		if answers && others[i].Standing.State == Live && len(others[i].Entries) > 0 {
			all = append(all, near{p.server(&others[i]), rtt})
		}
	}
	slices.SortFunc(all, func(a, b near) int { return cmp.Or(cmp.Compare(a.rtt, b.rtt), cmp.Compare(a.Region, b.Region)) })
	var out []region.Far
	for _, n := range all {
		out = append(out, n.Far)
	}
	return out
}

// Of returns a regional server of one region.
func (p *Planet) Of(r gazetteer.RegionID) (region.Far, bool) {
	record := find(p.others(), r)
	if record == nil || len(record.Entries) == 0 {
		return region.Far{}, false
	}
	return p.server(record), true
}

// server returns a regional server of a region: the one that its last ping reached.
func (p *Planet) server(r *Record) region.Far {
	e := r.Entries[p.rtts.turn(r.Name)%len(r.Entries)]
	return region.Far{Region: r.Name, Tier: p.Network.Tier(e.Node, region.RoleRegion)}
}
