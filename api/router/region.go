package router

import (
	"context"
	"net"
	"net/netip"
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
	State   string        // live, draining, unreachable, expected; only draining makes a difference here
	Servers []string      // URLs of its regional servers, such as http://10.0.0.1:8080
	Bias    time.Duration // what operators add to the round trip of every client
	// RTT is the round trip from the router, smoothed; 0 if not known. The router measures it.
	RTT time.Duration
}

// Source tells which regions there are.
type Source func(context.Context) ([]Region, error)

// Order tells in which order regions are tried for a client, as indices into them, best
// first. It leaves none out: who is down or draining is not its business. The address is
// invalid if a proxy hides it.
type Order func(client netip.Addr, regions []Region) []int

// Nearest is the order of [region.OrderSites], by the network addresses of clients alone:
// what a client states about its place is for ranking, and a request may be about
// somebody else. For one of whom nothing is known the round trip from the router decides:
// most likely it stands where its clients are.
func Nearest(l *geo.Locator) Order {
	return func(client netip.Addr, regions []Region) []int {
		sites := make([]region.Site, len(regions))
		at := make(map[gazetteer.RegionID]int, len(regions))
		for i := range regions {
			r := &regions[i]
			sites[i] = region.Site{Name: r.Name, Point: r.Point, Located: r.Located, State: region.SiteLive, RTT: r.RTT, Bias: r.Bias}
			at[r.Name] = i
		}
		order := make([]int, 0, len(regions))
		for _, c := range region.OrderSites(nil, sites, l.Locate(geo.Client{Addr: client})) {
			order = append(order, at[c.Site.Name])
		}
		return order
	}
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
