package demand

import (
	"time"

	"gazetteer"
)

// meter makes rates of what servers have counted. One that does not answer counts as it
// did before: its clients have not gone because the leader cannot hear it.
type meter struct{ servers map[gazetteer.NodeID]*heard }

// heard is what one server said last, and what it was asked a second before that; nil
// until it was heard twice.
type heard struct {
	last  Counts
	rates map[gazetteer.Type]float64
}

// hear takes what a server has counted.
func (m *meter) hear(n gazetteer.NodeID, c Counts) {
	h := m.servers[n]
	switch {
	case h == nil:
		m.servers[n] = &heard{last: c}
	case c.Uptime != h.last.Uptime:
		h.rates, h.last = c.since(&h.last), c
	}
}

// since returns how often each type was asked for a second. A server that has started anew
// since began to count then.
func (c *Counts) since(before *Counts) map[gazetteer.Type]float64 {
	from, old := before.Uptime, map[gazetteer.Type]uint64{}
	if c.Uptime < from {
		from = 0
	} else {
		for _, t := range before.Types {
			old[t.Type] = t.Requests
		}
	}
	seconds, out := max(c.Uptime-from, time.Millisecond).Seconds(), map[gazetteer.Type]float64{}
	for _, t := range c.Types {
		if n := old[t.Type]; t.Requests > n {
			out[t.Type] = float64(t.Requests-n) / seconds
		}
	}
	return out
}

// keep forgets all servers but these, and reports whether the rates of all of them are
// known.
func (m *meter) keep(servers []gazetteer.NodeID) (known bool) {
	known, kept := true, map[gazetteer.NodeID]*heard{}
	for _, n := range servers {
		if h := m.servers[n]; h != nil {
			kept[n] = h
		}
		known = known && kept[n] != nil && kept[n].rates != nil
	}
	m.servers = kept
	return known
}

// rate returns how often the types were asked for a second of which yes is true.
func (m *meter) rate(yes func(gazetteer.Type) bool) (sum float64) {
	for _, h := range m.servers {
		for t, r := range h.rates {
			if yes(t) {
				sum += r
			}
		}
	}
	return sum
}
