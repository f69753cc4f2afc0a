package geo

import (
	"context"
	"net/netip"
	"time"

	"gazetteer"
)

// Network is what an operator says of one network: where its clients are, or which
// region is theirs. One that says nothing keeps other evidence, such as GeoIP, from
// being asked.
type Network struct {
	Prefix  netip.Prefix
	Point   gazetteer.Point // meaningful only if Located
	Located bool
	Country string             // ISO 3166-1 alpha-2; its centre is the point of a network without one
	Region  gazetteer.RegionID // empty: whichever is best from the point
}

// place returns where clients of the network are.
func (n *Network) place() Place {
	p := Place{Point: n.Point, Located: n.Located, Country: n.Country, Region: n.Region, Method: OperatorNetwork}
	if c := centreOf(n.Country); c != nil && !n.Located {
		p.Point, p.Located = c.point, true
	}
	return p
}

// maxFeedBytes bounds what is read of a file of networks: some millions of lines.
const maxFeedBytes = 256 << 20

// OpenNetworks reads the operator's networks, see [ParseNetworks], and keeps to the file
// from then on, as [Locator.WatchNetworks] finds it changed. Call it before the locator
// is used by others.
func (l *Locator) OpenNetworks(path string) error {
	l.feed = source{path: path, what: "file of networks", most: maxFeedBytes, take: func(data []byte) error {
		all, err := ParseNetworks(data)
		if err == nil {
			l.UseNetworks(all)
		}
		return err
	}}
	return l.feed.reload()
}

// UseNetworks puts networks in the place of those in use; each is there once.
func (l *Locator) UseNetworks(all []Network) { l.networks.Store(newTable(all)) }

// ReloadNetworksIfChanged is [Locator.ReloadIfChanged] for the file of networks.
func (l *Locator) ReloadNetworksIfChanged() (changed bool, err error) {
	return l.feed.reloadIfChanged()
}

// WatchNetworks is [Locator.Watch] for the file of networks.
func (l *Locator) WatchNetworks(ctx context.Context, interval time.Duration, report func(NetworksStatus)) {
	l.feed.watch(ctx, interval, func() { report(l.NetworksStatus()) })
}

// NetworksStatus says which of the operator's networks a locator uses.
type NetworksStatus struct {
	Path     string // of the file that is watched; empty if there is none
	Networks int    // in use
	Err      error  // why the file at Path is not the one in use; nil if it is
}

// NetworksStatus returns which networks are in use now.
func (l *Locator) NetworksStatus() NetworksStatus {
	s := NetworksStatus{Path: l.feed.path, Err: l.feed.refusal()}
	if t := l.networks.Load(); t != nil {
		s.Networks = len(t.places)
	}
	return s
}

// table knows the operator's networks and the reserved ones. It never changes.
type table struct {
	four, six trie
	places    []Place // by value
}

// isReserved is the value of a network whose addresses are no evidence.
const isReserved int32 = -2

// newTable returns a table of networks, of which each is there once. The reserved ones
// come last: they hold whatever an operator says of a wider network.
func newTable(networks []Network) *table {
	t := &table{places: make([]Place, 0, len(networks))}
	for i := range networks {
		t.insert(networks[i].Prefix, int32(len(t.places)))
		t.places = append(t.places, networks[i].place())
	}
	for _, r := range reserved() {
		t.insert(r, isReserved)
	}
	return t
}

func (t *table) insert(p netip.Prefix, value int32) {
	p = p.Masked()
	if p.Addr().Is4() {
		t.four.insert(keyOf(p.Addr()), p.Bits(), value)
	} else {
		t.six.insert(keyOf(p.Addr()), p.Bits(), value)
	}
}

// find returns the value of the longest network around an address without zone that is
// not mapped, and the widest network around it in which the value is the same. Without
// a table nothing is known of anywhere.
func (t *table) find(a netip.Addr) (value int32, around netip.Prefix) {
	value, length := noValue, 0
	switch {
	case t == nil:
	case a.Is4():
		value, length = t.four.find(keyOf(a))
	default:
		value, length = t.six.find(keyOf(a))
	}
	around, _ = a.Prefix(length) // fails only for lengths that no address has
	return value, around
}

// narrower returns the longer of two networks around one address; one that is not valid
// is the widest.
func narrower(a, b netip.Prefix) netip.Prefix {
	if b.Bits() > a.Bits() {
		return b
	}
	return a
}
