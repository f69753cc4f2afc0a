package geo

import (
	"cmp"
	"net/netip"
	"slices"
	"time"

	"gazetteer"
)

// Measurement is one round trip that a client has measured.
type Measurement struct {
	Region gazetteer.RegionID
	RTT    time.Duration
}

// lightKMPerMS is what light in vacuum covers in a millisecond of round trip: half of
// 299.792 km. No cable is faster.
const lightKMPerMS = 149.896

// Shortest returns the shortest round trip that physics allows over a distance.
func Shortest(km float64) time.Duration {
	return time.Duration(km / lightKMPerMS * float64(time.Millisecond))
}

// Measurements learns round trips from clients, of whom some lie. It is a pure state
// machine: it reads no clock and is not to be used by two goroutines at once.
//
// What a client says counts for itself. Others it moves only as one of several: the
// clients of a network are one source together, the source's value is their median, and a
// wider network has the median of its sources, if there are enough and most agree. Fewer
// than half of the clients of a network, and fewer than half of the sources of a wider
// one, so never move a value beyond those of the honest.
type Measurements struct {
	rules   rules
	regions []gazetteer.RegionID // by column
	clients map[netip.Prefix]*reporter
	// of are the clients of each source, held is how many each of the widest networks has:
	// neither may fill the memory.
	of   map[netip.Prefix][]netip.Prefix
	held map[netip.Prefix]int
	// serial counts what was learned so far.
	serial uint32
}

// rules bound what is kept and who is believed.
type rules struct {
	clients    int           // in all
	perSource  int           // of one source: the newest
	perWidest  int           // of one of the widest networks
	regions    int           // columns
	age        time.Duration // a measurement older than that is forgotten
	minClients int           // of a network, before they count for others in it
	minSources int           // of a wider network, before they count for it
	mean       bool          // the mean in place of the median: tests show what that is worth
}

// reporter is a client that has reported.
type reporter struct {
	cells []cell // by column
	at    int64  // of its newest report
}

// cell is a measurement; of no time if there is none.
type cell struct {
	ms float32
	at int64 // seconds
}

// NewMeasurements returns one that knows nothing. It takes up to about 32 MiB on a planet
// of 32 regions.
func NewMeasurements() *Measurements {
	return &Measurements{
		rules: rules{
			clients: 50_000, perSource: 16, perWidest: 1000, regions: 256, age: 24 * time.Hour,
			minClients: 3, minSources: 3,
		},
		clients: map[netip.Prefix]*reporter{},
		of:      map[netip.Prefix][]netip.Prefix{},
		held:    map[netip.Prefix]int{},
	}
}

// widths are the lengths of the networks of a family: a client's own, that of a source,
// then wider ones.
func widths(a netip.Addr) [4]int {
	if a.Is4() {
		return [4]int{32, 24, 20, 16}
	}
	return [4]int{64, 48, 40, 32}
}

const (
	ownWidth    = 0
	sourceWidth = 1
	widestWidth = 3
)

// SourceOf returns the network whose clients are one source together: an IPv4 /24, an
// IPv6 /48. It is not valid for an address that says nothing about where a client is.
func SourceOf(a netip.Addr) netip.Prefix {
	a = a.Unmap().WithZone("")
	if !a.IsValid() || isReservedAddr(a) {
		return netip.Prefix{}
	}
	p, _ := a.Prefix(widths(a)[sourceWidth])
	return p
}

// isReservedAddr is for what is rare: a lookup asks a table.
func isReservedAddr(a netip.Addr) bool {
	return slices.ContainsFunc(reserved(), func(p netip.Prefix) bool { return p.Contains(a) })
}

// Take takes what the client at an address has measured, each the later of what it says
// of one region. It returns how many it took: none of an address that says nothing, or
// while there is no room.
func (m *Measurements) Take(now time.Time, a netip.Addr, all []Measurement) (taken int) {
	a = a.Unmap().WithZone("")
	if !SourceOf(a).IsValid() {
		return 0
	}
	r := m.reporter(a, now.Unix())
	if r == nil {
		return 0
	}
	for _, one := range all {
		if c := m.column(one.Region); c >= 0 && one.RTT > 0 {
			r.cells = append(r.cells, make([]cell, max(0, c+1-len(r.cells)))...)
			r.cells[c] = cell{float32(one.RTT.Seconds() * 1e3), now.Unix()}
			taken++
		}
	}
	r.at = now.Unix()
	return taken
}

// column returns where a region stands; negative if there is no room for it.
func (m *Measurements) column(r gazetteer.RegionID) int {
	i := slices.Index(m.regions, r)
	if i < 0 && len(m.regions) < m.rules.regions {
		m.regions = append(m.regions, r)
		i = len(m.regions) - 1
	}
	return i
}

// reporter returns the client of an address, a new one if there is room for it or if an
// older one of its source can go.
func (m *Measurements) reporter(a netip.Addr, now int64) *reporter {
	own, source, widest := networksOf(a)
	if r := m.clients[own]; r != nil {
		return r
	}
	if all := m.of[source]; len(all) >= m.rules.perSource {
		m.forget(slices.MinFunc(all, m.compareAges))
	}
	if m.held[widest] >= m.rules.perWidest || len(m.clients) >= m.rules.clients {
		return nil
	}
	r := &reporter{at: now}
	m.clients[own] = r
	m.of[source] = append(m.of[source], own)
	m.held[widest]++
	return r
}

func networksOf(a netip.Addr) (own, source, widest netip.Prefix) {
	w := widths(a)
	own, _ = a.Prefix(w[ownWidth])
	source, _ = a.Prefix(w[sourceWidth])
	widest, _ = a.Prefix(w[widestWidth])
	return own, source, widest
}

// compareAges compares clients by their newest report, the oldest first.
func (m *Measurements) compareAges(a, b netip.Prefix) int {
	return cmp.Or(cmp.Compare(m.clients[a].at, m.clients[b].at), a.Compare(b))
}

func (m *Measurements) forget(own netip.Prefix) {
	_, source, widest := networksOf(own.Addr())
	delete(m.clients, own)
	m.of[source] = slices.DeleteFunc(m.of[source], func(p netip.Prefix) bool { return p == own })
	if len(m.of[source]) == 0 {
		delete(m.of, source)
	}
	if m.held[widest]--; m.held[widest] == 0 {
		delete(m.held, widest)
	}
}

// tidy forgets what is too old. Where there is no more room, of all clients or of those
// of one of the widest networks, the oldest eighth of them goes.
func (m *Measurements) tidy(now time.Time) {
	since := now.Add(-m.rules.age).Unix()
	byWidest := map[netip.Prefix][]netip.Prefix{}
	var all []netip.Prefix
	for own, r := range m.clients {
		if r.at < since {
			m.forget(own)
			continue
		}
		r.age(since)
		_, _, widest := networksOf(own.Addr())
		if m.held[widest] >= m.rules.perWidest {
			byWidest[widest] = append(byWidest[widest], own)
		}
		all = append(all, own)
	}
	for widest, full := range byWidest {
		if m.held[widest] >= m.rules.perWidest {
			m.thin(full)
		}
	}
	if len(m.clients) >= m.rules.clients {
		m.thin(all)
	}
}

// age drops what was measured before a time.
func (r *reporter) age(since int64) {
	for i := range r.cells {
		if r.cells[i].at < since {
			r.cells[i] = cell{}
		}
	}
}

// thin forgets the oldest eighth of clients, of whom some may be forgotten already.
func (m *Measurements) thin(all []netip.Prefix) {
	all = slices.DeleteFunc(all, func(own netip.Prefix) bool { return m.clients[own] == nil })
	slices.SortFunc(all, m.compareAges)
	for _, own := range all[:len(all)/8+1] {
		m.forget(own)
	}
}
