package geo

import (
	"context"
	"errors"
	"io/fs"
	"net/netip"
	"os"
	"sync"
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

	path     string
	current  atomic.Pointer[database] // nil if there is none
	networks atomic.Pointer[table]    // nil: no address says anything

	mu   sync.Mutex  // guards following
	seen fs.FileInfo // the file that was last tried; nil if there was none
	err  error       // why it was refused; nil if it is the one in use
}

// OpenLocator reads the City or Country database at path into memory. It is not mapped:
// an operator who writes over a mapped file would end the process.
func OpenLocator(path string) (*Locator, error) {
	l := &Locator{path: path}
	l.networks.Store(newTable(nil))
	if err := l.Reload(); err != nil {
		return nil, err
	}
	return l, nil
}

// LocatorFromBytes uses a database that is already in memory, which it keeps: data must
// not change any more. Such a locator never reloads.
func LocatorFromBytes(data []byte) (*Locator, error) {
	d, err := load(data)
	if err != nil {
		return nil, err
	}
	l := new(Locator)
	l.current.Store(d)
	l.networks.Store(newTable(nil))
	return l, nil
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
	l.mu.Lock()
	defer l.mu.Unlock()
	s := l.current.Load().status()
	s.Path, s.Err = l.path, l.err
	return s
}

// Reload reads the file again. If it is missing or bad the database in use stays, and
// the error says why; [Status] tells it until a later file is good.
func (l *Locator) Reload() error {
	l.mu.Lock()
	defer l.mu.Unlock()
	info, err := os.Stat(l.path)
	return l.reloadLocked(info, err)
}

// ReloadIfChanged reloads if the file is not the one that was last tried: if it was
// replaced, or its size or its time of change differs. It reports each such change
// once. Call it every few seconds, or see [Locator.Watch].
func (l *Locator) ReloadIfChanged() (changed bool, err error) {
	if l.path == "" {
		return false, nil
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	info, err := os.Stat(l.path)
	if sameFile(info, l.seen) {
		return false, nil
	}
	return true, l.reloadLocked(info, err)
}

// Watch looks for a change of the file at every interval until ctx ends, and reports
// the status after each.
func (l *Locator) Watch(ctx context.Context, interval time.Duration, report func(Status)) {
	ticks := time.NewTicker(interval)
	defer ticks.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-ticks.C:
			if changed, _ := l.ReloadIfChanged(); changed {
				report(l.Status())
			}
		}
	}
}

// reloadLocked remembers the file as it was before it is read: one that is still being
// written differs at the next look and is read again.
func (l *Locator) reloadLocked(info fs.FileInfo, err error) error {
	l.seen = info
	l.err = err
	if err == nil {
		l.err = l.replaceLocked(info)
	}
	if l.err != nil {
		l.err = withPath(l.path, l.err)
	}
	return l.err
}

func (l *Locator) replaceLocked(info fs.FileInfo) error {
	data, err := readFile(l.path, info)
	if err != nil {
		return err
	}
	d, err := load(data)
	if err != nil {
		return err
	}
	l.current.Store(d)
	return nil
}

func readFile(path string, info fs.FileInfo) ([]byte, error) {
	if !info.Mode().IsRegular() {
		return nil, refuse(gazetteer.Unprocessable, "not a regular file: give the path of a City or Country .mmdb")
	}
	if info.Size() > maxDatabaseBytes {
		return nil, refuse(gazetteer.TooLarge, "%d bytes, want at most %d", info.Size(), maxDatabaseBytes)
	}
	return os.ReadFile(path)
}

func withPath(path string, err error) error {
	e := &gazetteer.Error{Op: "geo.OpenLocator", Kind: gazetteer.KindOf(err), Detail: "GeoIP database " + path, Err: err}
	switch {
	case errors.Is(err, fs.ErrNotExist):
		e.Kind = gazetteer.NotFound
	case errors.Is(err, fs.ErrPermission):
		e.Kind = gazetteer.Denied
	}
	return e
}

func sameFile(a, b fs.FileInfo) bool {
	if a == nil || b == nil {
		return a == nil && b == nil
	}
	return os.SameFile(a, b) && a.Size() == b.Size() && a.ModTime().Equal(b.ModTime())
}
