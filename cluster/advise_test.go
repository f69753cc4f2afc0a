package cluster

import (
	"math"
	"testing"
)

func TestAdvise(t *testing.T) {
	c := Capacity{Reads: 1000, Writes: 100}
	for name, x := range map[string]struct {
		need          Need
		load, fullest float64
		rings         int
	}{
		"nothing to do":                    {Need{Rings: 1, Members: 3, Partitions: 271}, 0, 0, 1},
		"reads fill a ring":                {Need{Reads: 3000, Rings: 1, Members: 3, Partitions: 271}, 1, 1, 1},
		"a read more":                      {Need{Reads: 3001, Rings: 1, Members: 3, Partitions: 271}, 3001.0 / 3000, 3001.0 / 3000, 2},
		"more members carry more reads":    {Need{Reads: 3001, Rings: 1, Members: 4, Partitions: 271}, 3001.0 / 4000, 3001.0 / 4000, 1},
		"but not more writes":              {Need{Writes: 150, Rings: 1, Members: 9, Partitions: 271}, 1.5, 1.5, 2},
		"both add up":                      {Need{Reads: 1800, Writes: 60, Rings: 1, Members: 3, Partitions: 271}, 1.2, 1.2, 2},
		"the largest ring is what counts":  {Need{Writes: 170, Rings: 2, Members: 3, Partitions: 271}, 1.7, 1.0625, 3},
		"two that just do":                 {Need{Writes: 160, Rings: 2, Members: 3, Partitions: 271}, 1.6, 1, 2},
		"one would do, but only just":      {Need{Writes: 71, Rings: 2, Members: 3, Partitions: 271}, 0.71, 0.44375, 2},
		"one does":                         {Need{Writes: 70, Rings: 2, Members: 3, Partitions: 271}, 0.7, 0.4375, 1},
		"many fewer":                       {Need{Writes: 140, Rings: 8, Members: 3, Partitions: 271}, 1.4, 0.21875, 3},
		"no more rings than partitions":    {Need{Writes: 1e9, Rings: 2, Members: 3, Partitions: 4}, 1e7, 1e7 * 1.25 / 2, 4},
		"more rings than partitions":       {Need{Writes: 1e9, Rings: 9, Members: 3, Partitions: 4}, 1e7, 1e7 * 1.25 / 9, 4},
		"no ring, no member, no partition": {Need{Reads: 500}, 0.5, 0.5, 1},
		"endless":                          {Need{Reads: math.Inf(1), Rings: 1, Members: 1, Partitions: 271}, math.Inf(1), math.Inf(1), 271},
	} {
		got := c.Advise(x.need)
		if !near(got.Load, x.load) || !near(got.Fullest, x.fullest) || got.Rings != x.rings {
			t.Errorf("%s: %+v, want %+v", name, got, Advice{x.load, x.fullest, x.rings})
		}
	}
}

func near(a, b float64) bool { return a == b || math.Abs(a-b) <= 1e-9*math.Abs(b) }

// TestAdviceIsEnoughAndStays: whoever follows the advice has no ring that carries too much,
// gets the same advice again, and one read more or less does not turn it round.
func TestAdviceIsEnoughAndStays(t *testing.T) {
	c := Capacity{Reads: 1000, Writes: 100}
	for rings := 1; rings <= 20; rings++ {
		for writes := 0.0; writes <= 1500; writes += 7 {
			n := Need{Writes: writes, Rings: rings, Members: 3, Partitions: 271}
			n.Rings = c.Advise(n).Rings
			again := c.Advise(n)
			if again.Rings != n.Rings || again.Fullest > 1 {
				t.Fatalf("%d rings, %v writes: advised %d, then %+v", rings, writes, n.Rings, again)
			}
			for _, wobble := range []float64{0.99, 1.01} {
				m := n
				m.Writes *= wobble
				m.Rings = c.Advise(m).Rings
				m.Writes = n.Writes
				if back := c.Advise(m).Rings; back != m.Rings {
					t.Fatalf("%d rings, %v writes: %d, then %d, then %d", rings, writes, n.Rings, m.Rings, back)
				}
			}
		}
	}
}
