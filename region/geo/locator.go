package geo

import (
	"context"
	"net/netip"
	"sync/atomic"
	"time"

	"gazetteer"
)

// maxDatabaseBytes bounds what is read into memory: over twice the largest database
// that MaxMind sells.
const maxDatabaseBytes = 1 << 30

// Locator says where clients are. The zero Locator has no database and knows what
// clients state. All methods may be called concurrently; Locate takes no lock.
type Locator struct {
	// Default is where clients are taken to be of whom nothing is known; nil for
	// nowhere. Set it before the locator is used.
	Default *gazetteer.Point

	geoip    source
	current  atomic.Pointer[database] // nil if there is none
	feed     source                   // of the operator's networks
	networks atomic.Pointer[table]    // nil: no address says anything
}

// OpenLocator reads the City or Country database at path into memory. It is not mapped:
// an operator who writes over a mapped file would end the process.
func OpenLocator(path string) (*Locator, error) {
	l := new(Locator)
	l.geoip = source{path: path, what: "GeoIP database", most: maxDatabaseBytes, take: l.useDatabase}
	l.UseNetworks(nil)
	if err := l.Reload(); err != nil {
		return nil, err
	}
	return l, nil
}

// LocatorFromBytes uses a database that is already in memory, which it keeps: data must
// not change any more. Such a locator never reloads.
func LocatorFromBytes(data []byte) (*Locator, error) {
	l := new(Locator)
	l.UseNetworks(nil)
	if err := l.useDatabase(data); err != nil {
		return nil, err
	}
	return l, nil
}

func (l *Locator) useDatabase(data []byte) error {
	d, err := load(data)
	if err != nil {
		return err
	}
	l.current.Store(d)
	return nil
}

// Locate returns where the client is, by the best evidence there is: the point it
// states, the centre of the country it states, the address it states, the address it
// came from. Of an address the operator's networks say more than GeoIP. Evidence that
// says nothing is passed over, so a Place is never an error; without any its Method is
// [DefaultPlace] or [Unknown].
func (l *Locator) Locate(c Client) Place {
	if c.HasPoint && c.Stated.Validate() == nil {
		return Place{Point: c.Stated, Located: true, Country: c.Country, Method: StatedPoint}
	}
	if centre := centreOf(c.Country); centre != nil {
		return Place{Point: centre.point, Located: true, Country: centre.country, Method: StatedCountry}
	}
	if p := l.find(c.IP); p.Method != Unknown {
		p.Source, p.Method = p.Method, StatedIP
		return p
	}
	p := l.find(c.Addr)
	if p.Method == Unknown && l.Default != nil {
		p.Point, p.Located, p.Method = *l.Default, true, DefaultPlace
	}
	return p
}

// find returns where an address is. One that is reserved says nothing, whatever is
// written about it; one mapped into IPv6 is the IPv4 address; a zone means nothing.
func (l *Locator) find(a netip.Addr) Place {
	if !a.IsValid() {
		return Place{Method: Unknown}
	}
	a = a.Unmap().WithZone("")
	t := l.networks.Load()
	value, around := t.find(a)
	switch value {
	case noValue:
		p := l.current.Load().find(a)
		p.Network = narrower(around, p.Network)
		return p
	case isReserved:
		return Place{Method: Unknown, Network: around}
	}
	p := t.places[value]
	p.Network = around
	return p
}

// Status says which database a locator uses.
type Status struct {
	Path   string    // of the file that is watched; empty if there is none
	Type   string    // as the database names itself; empty without one
	Built  time.Time // when its vendor made it
	Places int       // how many distinct records place a client
	Err    error     // why the file at Path is not the one in use; nil if it is
}

// Status returns which database is in use now.
func (l *Locator) Status() Status {
	s := l.current.Load().status()
	s.Path, s.Err = l.geoip.path, l.geoip.refusal()
	return s
}

// Reload reads the file again. If it is missing or bad the database in use stays, and
// the error says why; [Status] tells it until a later file is good.
func (l *Locator) Reload() error { return l.geoip.reload() }

// ReloadIfChanged reloads if the file is not the one that was last tried: if it was
// replaced, or its size or its time of change differs. It reports each such change
// once. Call it every few seconds, or see [Locator.Watch].
func (l *Locator) ReloadIfChanged() (changed bool, err error) { return l.geoip.reloadIfChanged() }

// Watch looks for a change of the file at every interval until ctx ends, and reports
// the status after each.
func (l *Locator) Watch(ctx context.Context, interval time.Duration, report func(Status)) {
	l.geoip.watch(ctx, interval, func() { report(l.Status()) })
}
