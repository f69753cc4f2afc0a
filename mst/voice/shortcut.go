package voice

import (
	"cmp"
	"slices"

	"gazetteer"
	"gazetteer/mst"
)

// A pair of regions deserves a shortcut when its way along the tree is more than 2.5 times
// the direct one. Of those with the most to save so many are weighed: what each would save
// all pairs takes the square of the regions to reckon.
const shortcutsWeighed = 64

func stretched(along, direct uint64) bool { return 2*along > 5*direct }

// chooseShortcuts chooses the shortcuts of a tree, once: when all is calm for the first time, so that
// all regions choose by nearly the same costs. Where they differ, both are linked.
func (v *Voice) chooseShortcuts(c *chart) {
	if v.chosen || v.cfg.Shortcuts == 0 || !c.met(v.cfg.Given) {
		return
	}
	v.chosen = true
	v.shortcuts = nil
	for _, w := range c.shortcuts(v.cfg.Shortcuts) {
		switch v.cfg.Self {
		case w.Low:
			v.shortcuts = append(v.shortcuts, w.High)
		case w.High:
			v.shortcuts = append(v.shortcuts, w.Low)
		}
	}
	if v.shortcuts != nil {
		v.stir()
	}
}

// shortcuts returns up to so many edges beyond the tree, the one that saves most first.
func (c *chart) shortcuts(most int) []mst.Weight {
	return ChooseShortcuts(c.distances(), func(i, j int) (mst.Weight, bool) {
		w, known := c.weight(i, j)
		return w, known && c.works(i, j)
	}, most)
}

// ChooseShortcuts returns up to so many edges beyond a tree, the one that saves all pairs
// most first. The regions are numbered: along has what the way between two costs along
// the tree, 0 if there is none, and is shortened; weight returns the edge between two, if
// it may become a shortcut. Both are symmetric.
func ChooseShortcuts(along [][]uint64, weight func(i, j int) (mst.Weight, bool), most int) (out []mst.Weight) {
	for range most {
		best, ok := bestShortcut(along, weight)
		if !ok {
			break
		}
		out = append(out, best.weight)
		shorten(along, best)
	}
	return out
}

// shortcut is an edge that could be one.
type shortcut struct {
	i, j   int
	weight mst.Weight
	saves  uint64 // to its own ends
}

func bestShortcut(along [][]uint64, weight func(i, j int) (mst.Weight, bool)) (best shortcut, ok bool) {
	var most uint64
	for _, s := range stretchedPairs(along, weight) {
		if saved := savedBy(along, s); saved > most {
			best, most, ok = s, saved, true
		}
	}
	return best, ok
}

// stretchedPairs returns the pairs that deserve a shortcut and gain most by it.
func stretchedPairs(along [][]uint64, weight func(i, j int) (mst.Weight, bool)) (out []shortcut) {
	for i := range along {
		for j := range i {
			if w, ok := weight(i, j); ok && along[i][j] > 0 && stretched(along[i][j], w.Cost) {
				out = append(out, shortcut{i, j, w, along[i][j] - w.Cost})
			}
		}
	}
	slices.SortFunc(out, func(a, b shortcut) int {
		return cmp.Or(cmp.Compare(b.saves, a.saves), a.weight.Compare(b.weight))
	})
	return out[:min(len(out), shortcutsWeighed)]
}

// distances returns what each way along the tree costs; 0: there is none.
func (c *chart) distances() [][]uint64 {
	out := make([][]uint64, len(c.names))
	for i := range c.names {
		row := make([]uint64, len(c.names))
		joins := func(a, b int) bool {
			w, known := c.weight(a, b)
			if !known || !c.branchInReach(a, b) {
				return false
			}
			row[b] = row[a] + w.Cost
			return true
		}
		c.walk(i, joins, func(int) {})
		out[i] = row
	}
	return out
}

// savedBy returns what all pairs together save by a shortcut.
func savedBy(along [][]uint64, s shortcut) (sum uint64) {
	for x := range along {
		for y := range x {
			if by := detour(along, s, x, y); by < along[x][y] {
				sum += along[x][y] - by
			}
		}
	}
	return sum
}

func shorten(along [][]uint64, s shortcut) {
	next := make([][]uint64, len(along))
	for x := range along {
		next[x] = slices.Clone(along[x])
		for y := range along {
			if x != y {
				next[x][y] = min(along[x][y], detour(along, s, x, y))
			}
		}
	}
	copy(along, next)
}

// detour returns what the way from x to y over a shortcut costs.
func detour(along [][]uint64, s shortcut, x, y int) uint64 {
	return s.weight.Cost + min(along[x][s.i]+along[s.j][y], along[x][s.j]+along[s.i][y])
}

// hasShortcut reports whether this region has chosen one to another.
func (v *Voice) hasShortcut(to gazetteer.RegionID) bool { return slices.Contains(v.shortcuts, to) }
