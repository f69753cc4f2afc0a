package voice_test

import (
	"testing"
	"time"

	"gazetteer"
	"gazetteer/mst/voice"
)

// TestShortcuts: on the real matrix one shortcut takes the worst stretch from 5.35 to below
// 2.3. Both ends have it, and it stays when a leader changes.
func TestShortcuts(t *testing.T) {
	delays := matrix(t)
	for _, c := range []struct {
		most  int
		worst float64
	}{{0, 5.36}, {1, 2.3}, {4, 2.3}} {
		p := newPlanet(setup{seed: 1, names: all32(delays), delays: delays, given: true, bare: true,
			config: func(v *voice.Config) { v.Shortcuts = c.most }}).startAll()
		p.run(40 * time.Second)
		links := p.tree()
		ends := map[edge]int{}
		for _, r := range p.regions {
			for _, b := range r.branches {
				if b.Why == voice.Shortcut {
					ends[newEdge(r.name, b.Region)]++
					links[newEdge(r.name, b.Region)] = p.cost(r.name, b.Region)
				}
			}
		}
		for e, n := range ends {
			if n != 2 {
				t.Errorf("%v is a shortcut at %d ends", e, n)
			}
		}
		mean, worst := p.stretch(links)
		t.Logf("%d allowed: %v, stretch %.2f, at worst %.2f", c.most, ends, mean, worst)
		if len(ends) > c.most || worst > c.worst {
			t.Errorf("%d shortcuts, worst stretch %.2f", len(ends), worst)
		}
		for e := range ends {
			r := p.region(e.a)
			r.start()
			p.run(15 * time.Second)
			if !hasBranchFor(r, e.b, voice.Shortcut) {
				t.Errorf("a new leader of %s has the branches %v", r.name, r.branches)
			}
		}
	}
}

// stretch returns the ways along links, compared with the direct ones: mean and worst.
func (p *planet) stretch(links forest) (mean, worst float64) {
	n := 0
	for i, a := range p.names {
		along := links.from(a)
		for _, b := range p.names[:i] {
			s := float64(along[b]) / float64(p.cost(a, b))
			mean, worst, n = mean+s, max(worst, s), n+1
		}
	}
	return mean / float64(n), worst
}

// from returns what the cheapest way to each region costs.
func (f forest) from(a gazetteer.RegionID) map[gazetteer.RegionID]uint64 {
	out := map[gazetteer.RegionID]uint64{a: 0}
	for again := true; again; {
		again = false
		for e, cost := range f {
			for _, w := range []way{{e.a, e.b}, {e.b, e.a}} {
				here, ok := out[w.from]
				if there, known := out[w.to]; ok && (!known || here+cost < there) {
					out[w.to], again = here+cost, true
				}
			}
		}
	}
	return out
}
