package region

import "gazetteer/region/geo"

// OrderSites appends regions to dst in the order of [Server.Order] for a client at a
// place. It is for those who know regions otherwise than a regional server does: their
// round trips are from where they stand themselves.
func OrderSites(dst []Choice, sites []Site, p geo.Place) []Choice {
	o := ordering{sites: sites, place: p, from: geo.From(p.Point)}
	var memory [64]standing
	for _, at := range o.sort(memory[:0]) {
		dst = append(dst, o.choice(&at))
	}
	return dst
}
