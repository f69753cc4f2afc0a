package geo

import (
	"cmp"
	"maps"
	"math"
	"net/netip"
	"slices"
	"time"

	"gazetteer"
)

// Learned is what clients' measurements say, for every network they say something of. It
// never changes.
type Learned struct {
	serial    uint32               // of all that were learned from the same measurements
	regions   []gazetteer.RegionID // by name
	four, six trie
	rows      [][]LearnedRTT // by value, then by region
}

// LearnedRTT is the round trip of a network's clients to a region.
type LearnedRTT struct {
	MS      float32 // 0: nothing is known
	Length  uint8   // of the network whose clients have measured it, around the address
	Sources uint16  // how many there were: clients in a network, networks in a wider one
}

// Row is what is known for one address. The zero Row knows nothing.
type Row struct {
	learned *Learned
	value   int32
	rtts    []LearnedRTT
}

// Find returns what is known for an address, and the widest network around it for whose
// addresses the same is known.
func (l *Learned) Find(a netip.Addr) (Row, netip.Prefix) {
	a = a.Unmap().WithZone("")
	if l == nil || !a.IsValid() {
		return Row{}, netip.Prefix{}
	}
	t := &l.six
	if a.Is4() {
		t = &l.four
	}
	value, length := t.find(keyOf(a))
	around, _ := a.Prefix(length)
	if value == noValue {
		return Row{}, around
	}
	return Row{l, value, l.rows[value]}, around
}

// ID is equal for equal rows only, also of what was learned before and after; 0 is that of
// the zero Row.
func (r Row) ID() uint64 {
	if r.learned == nil {
		return 0
	}
	return uint64(r.learned.serial)<<32 | uint64(uint32(r.value))
}

// To returns the round trip to a region; its MS is 0 if that is not known.
func (r Row) To(region gazetteer.RegionID) LearnedRTT {
	if r.learned == nil {
		return LearnedRTT{}
	}
	i, ok := slices.BinarySearch(r.learned.regions, region)
	if !ok {
		return LearnedRTT{}
	}
	return r.rtts[i]
}

// Networks returns for how many networks something is known.
func (l *Learned) Networks() int {
	if l == nil {
		return 0
	}
	return len(l.rows)
}

// Learn forgets what is too old and returns what the rest says.
func (m *Measurements) Learn(now time.Time) *Learned {
	m.tidy(now)
	m.serial++
	l := &Learned{serial: m.serial, regions: slices.Sorted(slices.Values(m.regions))}
	columns := make([]int, len(l.regions))
	for i, r := range l.regions {
		columns[i] = slices.Index(m.regions, r)
	}
	own := m.reports(columns)
	sources := m.gather(own, sourceWidth, 1)
	for width := widestWidth; width > sourceWidth; width-- {
		l.add(m.gather(sources, width, m.rules.minSources))
	}
	l.add(m.gather(own, sourceWidth, m.rules.minClients))
	l.add(own)
	return l
}

// opinion is what a network says of all regions.
type opinion struct {
	network netip.Prefix
	rtts    []LearnedRTT
}

// reports returns what each client says, by address.
func (m *Measurements) reports(columns []int) []opinion {
	out := make([]opinion, 0, len(m.clients))
	for _, own := range slices.SortedFunc(maps.Keys(m.clients), netip.Prefix.Compare) {
		o := opinion{own, make([]LearnedRTT, len(columns))}
		for i, c := range columns {
			if cells := m.clients[own].cells; c < len(cells) && cells[c].at > 0 {
				o.rtts[i] = LearnedRTT{cells[c].ms, uint8(own.Bits()), 1}
			}
		}
		out = append(out, o)
	}
	return out
}

// gather returns what wider networks say by what those in them say, which stand by
// address.
func (m *Measurements) gather(from []opinion, width, least int) (out []opinion) {
	for len(from) > 0 {
		a := from[0].network.Addr()
		wider, _ := a.Prefix(widths(a)[width])
		n := 0
		for n < len(from) && wider.Contains(from[n].network.Addr()) {
			n++
		}
		if o := (opinion{wider, m.settle(from[:n], wider.Bits(), least)}); o.rtts != nil {
			out = append(out, o)
		}
		from = from[n:]
	}
	return out
}

// settle returns what opinions come to for each region of which enough say something;
// nil if there is none.
func (m *Measurements) settle(from []opinion, length, least int) (out []LearnedRTT) {
	if len(from) < least {
		return nil
	}
	said := make([]float32, 0, len(from))
	for region := range from[0].rtts {
		said = said[:0]
		for i := range from {
			if ms := from[i].rtts[region].MS; ms > 0 {
				said = append(said, ms)
			}
		}
		if len(said) < least || len(said) == 0 {
			continue
		}
		ms, agreed := m.middle(said)
		if !agreed && least > 1 {
			continue
		}
		if out == nil {
			out = make([]LearnedRTT, len(from[0].rtts))
		}
		out[region] = LearnedRTT{ms, uint8(length), uint16(min(len(said), math.MaxUint16))}
	}
	return out
}

// middle returns the median of values, which it sorts, and whether most agree: half of
// them differ from it by at most 5 ms or a fifth. Clients of one network that are at
// different places do not, and have no round trip in common.
func (m *Measurements) middle(values []float32) (median float32, agreed bool) {
	median = medianOf(values)
	if m.rules.mean {
		sum := float32(0)
		for _, v := range values {
			sum += v
		}
		return sum / float32(len(values)), true
	}
	apart := make([]float32, len(values))
	for i, v := range values {
		apart[i] = max(v-median, median-v)
	}
	return median, medianOf(apart) <= max(5, median/5)
}

// medianOf sorts values and returns the lower one of the middle.
func medianOf(values []float32) float32 {
	slices.SortFunc(values, cmp.Compare[float32])
	return values[(len(values)-1)/2]
}

// add makes networks known, within the wider ones that are known already: what a network
// does not say of a region, the next wider one says.
func (l *Learned) add(opinions []opinion) {
	added := make([]int32, len(opinions))
	for i, o := range opinions {
		value, _ := l.trieOf(o.network).find(keyOf(o.network.Addr()))
		if value != noValue {
			for region, known := range l.rows[value] {
				if o.rtts[region].MS == 0 {
					o.rtts[region] = known
				}
			}
		}
		l.rows = append(l.rows, o.rtts)
		added[i] = int32(len(l.rows) - 1)
	}
	for i, o := range opinions {
		l.trieOf(o.network).insert(keyOf(o.network.Addr()), o.network.Bits(), added[i])
	}
}

func (l *Learned) trieOf(p netip.Prefix) *trie {
	if p.Addr().Is4() {
		return &l.four
	}
	return &l.six
}
