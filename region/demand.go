package region

import (
	"cmp"
	"maps"
	"slices"
	"strings"
	"sync"
	"sync/atomic"

	"gazetteer"
)

// Demand is what was asked of one type at one regional server since it started: the
// measure by which a cluster gets rings. What one region asks of another counts in both.
type Demand struct {
	Type   gazetteer.Type
	Reads  uint64 // lookups, records and pages of listings
	Writes uint64 // changes; each line of an import is one
}

// demands count by type. Only types that exist are counted, so clients cannot make them
// many. The zero value is ready.
type demands struct {
	mu    sync.Mutex // held by whoever replaces known
	known atomic.Pointer[map[gazetteer.Type]*demand]
}

type demand struct{ reads, writes atomic.Uint64 }

func (d *demands) of(t gazetteer.Type) *demand {
	if known := d.known.Load(); known != nil && (*known)[t] != nil {
		return (*known)[t]
	}
	return d.add(gazetteer.Type(strings.Clone(string(t)))) // t may be part of a whole request
}

func (d *demands) add(t gazetteer.Type) *demand {
	d.mu.Lock()
	defer d.mu.Unlock()
	next := map[gazetteer.Type]*demand{}
	if old := d.known.Load(); old != nil {
		next = maps.Clone(*old)
	}
	if next[t] == nil {
		next[t] = new(demand)
		d.known.Store(&next)
	}
	return next[t]
}

// list returns the counts by type.
func (d *demands) list() (out []Demand) {
	known := d.known.Load()
	if known == nil {
		return nil
	}
	for t, n := range *known {
		out = append(out, Demand{t, n.reads.Load(), n.writes.Load()})
	}
	slices.SortFunc(out, func(a, b Demand) int { return cmp.Compare(a.Type, b.Type) })
	return out
}

// Demand returns what was asked of this server since it started, by type.
func (s *Server) Demand() []Demand { return s.demand.list() }
