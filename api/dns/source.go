package dns

import (
	"cmp"
	"context"
	"net"
	"net/netip"
	"slices"
	"strconv"
	"time"

	"gazetteer"
	"gazetteer/region"
	"gazetteer/region/geo"
)

// Regional is what DNS needs of the regional server beside it. [region.Server] implements
// it. Locate and Order do not wait: what they say was found out before.
type Regional interface {
	Resolve(ctx context.Context, q *region.Query, a *region.Answer) error
	GetFrom(ctx context.Context, k gazetteer.Key, r gazetteer.RegionID) (gazetteer.Record, gazetteer.RegionID, error)
	Type(ctx context.Context, t gazetteer.Type) (region.TypeSpec, error)
	// Locate places a client. While the planet stays as it is, clients with equal places,
	// whatever their networks, have the same order of regions.
	Locate(c *geo.Client) geo.Place
	Order(dst []region.Choice, c *geo.Client) (geo.Place, []region.Choice)
}

// site is one region as clients are sent to it.
type site struct {
	name    gazetteer.RegionID
	point   gazetteer.Point
	located bool
	// up: it answers and is not draining. Clients are sent to others as long as one is up.
	up      bool
	why     string  // it is not
	servers []entry // its regional servers, in one order for all
}

func siteOf(c *region.Choice) site {
	s := site{name: c.Site.Name, point: c.Site.Point, located: c.Site.Located, up: c.Excluded == "", why: c.Excluded}
	for i := range c.Site.Servers {
		if e, ok := entryOf(&c.Site.Servers[i]); ok {
			s.servers = append(s.servers, e)
		}
	}
	return s
}

// entry is a regional server and where its REST face is.
type entry struct {
	node gazetteer.NodeID
	host string // an address, or a name
	port uint16
}

// entryOf returns a server that has a REST face. One that answers on all addresses of its
// machine is reached at the address that it tells its peers.
func entryOf(r *region.RegionServer) (e entry, ok bool) {
	host, port, err := net.SplitHostPort(r.HTTP)
	n, also := strconv.ParseUint(port, 10, 16)
	if err != nil || also != nil {
		return e, false
	}
	if a, err := netip.ParseAddr(host); host == "" || err == nil && a.IsUnspecified() {
		if host, _, err = net.SplitHostPort(r.Peer); err != nil {
			return e, false
		}
	}
	return entry{r.Node, host, uint16(n)}, host != ""
}

func (e *entry) addresses() addresses {
	a, err := netip.ParseAddr(e.host)
	if err != nil {
		return addresses{}
	}
	return addressesOf(a)
}

// addresses are those of one place, at most one of each family.
type addresses struct{ four, six netip.Addr }

func addressesOf(a netip.Addr) (out addresses) {
	switch a = a.Unmap().WithZone(""); {
	case !a.IsValid() || a.IsUnspecified():
	case a.Is4():
		out.four = a
	default:
		out.six = a
	}
	return out
}

func (a addresses) none() bool { return !a.four.IsValid() && !a.six.IsValid() }

// lookEvery is how often the planet is looked at: what changes there is in no answer after
// this time.
const lookEvery = 100 * time.Millisecond

// planet is what was seen at the last look.
type planet struct {
	generation uint64
	sites      []site // by name
}

// look looks at the planet. Replies of before a change are given no more.
func (s *Server) look() {
	_, choices := s.Regional.Order(nil, &geo.Client{})
	seen := make([]site, len(choices))
	for i := range choices {
		seen[i] = siteOf(&choices[i])
	}
	slices.SortFunc(seen, func(a, b site) int { return cmp.Compare(a.name, b.name) })
	old := s.planet.Load()
	if old != nil && slices.EqualFunc(old.sites, seen, site.equal) {
		return
	}
	next := &planet{sites: seen}
	if old != nil {
		next.generation = old.generation + 1
	}
	s.planet.Store(next)
}

func (s site) equal(o site) bool {
	return s.name == o.name && s.point == o.point && s.located == o.located && s.up == o.up && slices.Equal(s.servers, o.servers)
}

// watch looks again and again until ctx ends.
func (s *Server) watch(ctx context.Context) {
	tick := time.NewTicker(lookEvery)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
			s.look()
		}
	}
}

// site returns a region by its name.
func (s *Server) site(r gazetteer.RegionID) (site, bool) {
	all := s.planet.Load().sites
	i := slices.IndexFunc(all, func(x site) bool { return x.name == r })
	if i < 0 {
		return site{}, false
	}
	return all[i], true
}
