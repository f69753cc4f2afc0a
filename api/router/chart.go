package router

import (
	"slices"
	"time"

	"gazetteer"
	"gazetteer/region"
)

// A chart is what is known of the planet, and the choice by it. It does no I/O, reads no
// clock and takes no lock: the same calls give the same choices.
type chart struct {
	areas   []area
	servers map[string]*server // by URL
	regions []Region           // of the areas, for an Order
}

// area is a region on the chart. Whether the directory calls it unreachable is not kept:
// it may lie behind a cut that the one who told us cannot see across, or he himself may.
type area struct {
	name     gazetteer.RegionID
	draining bool
	servers  []*server
	turn     int
}

// server is a regional server. Until something is known of it, it counts as ready.
type server struct {
	url  string
	down bool
	rtt  time.Duration // smoothed; 0: not known
}

// target is one place where a request may go.
type target struct {
	region gazetteer.RegionID
	url    string
}

// learn replaces the regions by what the directory says now. What was found out of their
// servers stays. A directory without any server is none: the last known one stays.
func (c *chart) learn(regions []Region) {
	known := c.servers
	servers := map[string]*server{}
	var areas []area
	for i := range regions {
		r := &regions[i]
		a := area{name: r.Name, draining: r.State == string(region.SiteDraining), turn: c.turnOf(r.Name)}
		for _, u := range r.Servers {
			s := known[u]
			if s == nil {
				s = &server{url: u}
			}
			servers[u] = s
			a.servers = append(a.servers, s)
		}
		if len(a.servers) > 0 {
			areas = append(areas, a)
		}
	}
	if len(areas) == 0 {
		return
	}
	c.areas, c.servers = areas, servers
	c.regions = slices.DeleteFunc(slices.Clone(regions), func(r Region) bool { return len(r.Servers) == 0 })
	c.measure()
}

func (c *chart) turnOf(r gazetteer.RegionID) int {
	for i := range c.areas {
		if c.areas[i].name == r {
			return c.areas[i].turn
		}
	}
	return 0
}

// rttWeight is what a new round trip counts for in the smoothed one.
const rttWeight = 0.2

// checked takes the result of a check of readiness.
func (c *chart) checked(url string, ready bool, took time.Duration) {
	s := c.servers[url]
	if s == nil {
		return
	}
	s.down = !ready
	if ready && s.rtt == 0 {
		s.rtt = took
	} else if ready {
		s.rtt += time.Duration(rttWeight * float64(took-s.rtt))
	}
	c.measure()
}

// measure gives each region the round trip of its nearest server.
func (c *chart) measure() {
	for i := range c.regions {
		r := &c.regions[i]
		r.RTT = 0
		for _, s := range c.areas[i].servers {
			if s.rtt > 0 && (r.RTT == 0 || s.rtt < r.RTT) {
				r.RTT = s.rtt
			}
		}
	}
}

// refused takes note of a server that nobody answered at. The next check that it passes
// brings it back.
func (c *chart) refused(url string) {
	if s := c.servers[url]; s != nil {
		s.down = true
	}
}

// urls are those of all servers, in order.
func (c *chart) urls() (out []string) {
	for i := range c.areas {
		for _, s := range c.areas[i].servers {
			out = append(out, s.url)
		}
	}
	return out
}

// The classes of regions: one of a later class is tried when none of an earlier one is
// left. No class is left out, so that an answer is always attempted: what is known may be
// wrong, but a refusal is wrong for sure.
const (
	willing = iota // live, with a server that is ready
	leaving        // draining, with a server that is ready
	silent         // all the rest
	classes
)

// choose returns where a request may go, best first: in the order given, one server for
// each region, in turn. A region that is pinned comes first if it is not silent.
func (c *chart) choose(order []int, pinned gazetteer.RegionID, most int) []target {
	out := make([]target, 0, most)
	for class := range classes {
		for _, i := range order {
			a := &c.areas[i]
			if len(out) == most || a.name == pinned || a.class() != class {
				continue
			}
			out = append(out, a.next())
		}
	}
	for i := range c.areas {
		a := &c.areas[i]
		if a.name == pinned && a.class() != silent {
			return append([]target{a.next()}, out...)
		}
	}
	return out
}

func (a *area) class() int {
	ready := slices.ContainsFunc(a.servers, func(s *server) bool { return !s.down })
	switch {
	case !ready:
		return silent
	case a.draining:
		return leaving
	}
	return willing
}

// next picks a server in turn: of those that are ready, or of all if none is.
func (a *area) next() target {
	a.turn++
	for i := range a.servers {
		s := a.servers[(a.turn+i)%len(a.servers)]
		if !s.down {
			a.turn += i // so that the share of one that is down goes round, not to its neighbour
			return target{a.name, s.url}
		}
	}
	return target{a.name, a.servers[a.turn%len(a.servers)].url}
}

// willingCount is how many regions take clients.
func (c *chart) willingCount() (n int) {
	for i := range c.areas {
		if c.areas[i].class() == willing {
			n++
		}
	}
	return n
}
