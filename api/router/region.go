package router

import (
	"cmp"
	"context"
	"net"
	"net/netip"
	"slices"
	"time"

	"gazetteer"
	"gazetteer/region"
	"gazetteer/region/geo"
)

// Region is a region as the directory tells of it.
type Region struct {
	Name    gazetteer.RegionID
	Point   gazetteer.Point
	Located bool
	State   string   // live, draining, unreachable, expected
	Servers []string // URLs of its regional servers, such as http://10.0.0.1:8080
	// RTT is the round trip from the router, smoothed; 0 if not known. The router measures it.
	RTT time.Duration
}

// The states that a region's directory knows.
const (
	live        = "live"
	draining    = "draining"
	unreachable = "unreachable"
)

// Source tells which regions there are.
type Source func(context.Context) ([]Region, error)

// Order tells in which order regions are tried for a client, as indices into them, best
// first. It leaves none out: who is down or draining is not its business. The address is
// invalid if a proxy hides it.
type Order func(client netip.Addr, regions []Region) []int

// Nearest orders regions by their distance from the client. Those that nobody placed come
// last, and for a client of whom nothing is known the round trip from the router decides:
// most likely it stands where its clients are.
func Nearest(l *geo.Locator) Order {
	return func(client netip.Addr, regions []Region) []int {
		from := l.Locate(geo.Client{Addr: client})
		km := make([]float64, len(regions))
		order := make([]int, len(regions))
		for i := range regions {
			order[i] = i
			km[i] = distance(&from, &regions[i])
		}
		slices.SortFunc(order, func(a, b int) int {
			return cmp.Or(cmp.Compare(km[a], km[b]), compareRTT(regions[a].RTT, regions[b].RTT), cmp.Compare(regions[a].Name, regions[b].Name))
		})
		return order
	}
}

// nowhere is farther than anything on earth.
const nowhere = 1e6

func distance(from *geo.Place, r *Region) float64 {
	switch {
	case !from.Located:
		return 0
	case !r.Located:
		return nowhere
	}
	return geo.DistanceKM(from.Point, r.Point)
}

// compareRTT puts what is not known last.
func compareRTT(a, b time.Duration) int {
	if (a == 0) != (b == 0) {
		return cmp.Compare(b, a)
	}
	return cmp.Compare(a, b)
}

// FromTopology is what a regional server of this process knows.
func FromTopology(t *region.Topology) (out []Region) {
	for i := range t.Regions {
		s := &t.Regions[i]
		r := Region{Name: s.Name, Point: s.Point, Located: s.Located, State: s.State, RTT: s.RTT}
		for _, e := range s.Servers {
			if u := urlOf("http", e.HTTP, e.Peer); u != "" {
				r.Servers = append(r.Servers, u)
			}
		}
		out = append(out, r)
	}
	return out
}

// urlOf makes a URL of where a server listens. One that listens on every address of its
// machine is reached at the one that other servers reach it at. "" if there is none.
func urlOf(scheme, listens, peer string) string {
	host, port, err := net.SplitHostPort(listens)
	if err != nil {
		return ""
	}
	if ip, err := netip.ParseAddr(host); host == "" || err == nil && ip.IsUnspecified() {
		if host, _, err = net.SplitHostPort(peer); err != nil || host == "" {
			return ""
		}
	}
	return scheme + "://" + net.JoinHostPort(host, port)
}
