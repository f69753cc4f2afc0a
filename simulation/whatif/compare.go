package whatif

import (
	"cmp"
	"maps"
	"slices"

	"gazetteer"
	"gazetteer/simulation/result"
	"gazetteer/simulation/scenario"
)

// Change is a prediction: what a planet is, and what it becomes.
type Change struct {
	Before Outcome `json:"before"`
	After  Outcome `json:"after"`
	Gone   []Edge  `json:"edges_gone"` // of the tree, and shortcuts
	New    []Edge  `json:"edges_new"`
	Pairs  []Move  `json:"pairs"` // by their ends
	// Guesses is how many of the round trips behind After are guesses by distance, and
	// Table of how many only the bundled table tells.
	Guesses int `json:"guesses"`
	Table   int `json:"from_table"`
}

// Move is how updates between two regions go before and after. What is nil is not there.
type Move struct {
	A        gazetteer.RegionID `json:"a"`
	B        gazetteer.RegionID `json:"b"`
	BeforeMS *result.Millis     `json:"before_ms"`
	AfterMS  *result.Millis     `json:"after_ms"`
	DirectMS *result.Millis     `json:"direct_ms"`
}

// Compare predicts two planets, each with so many shortcuts, and sets them side by side.
func Compare(before, after Planet, shortcutsBefore, shortcutsAfter int) (c Change, err error) {
	if c.Before, err = Predict(before, shortcutsBefore); err != nil {
		return c, err
	}
	if c.After, err = Predict(after, shortcutsAfter); err != nil {
		return c, err
	}
	was, is := c.Before.edges(), c.After.edges()
	c.Gone, c.New = lacking(was, is), lacking(is, was)
	c.Pairs = moves(c.Before.Pairs, c.After.Pairs)
	for _, t := range after.RTT {
		switch t.Of {
		case Guess:
			c.Guesses++
		case Table:
			c.Table++
		}
	}
	return c, nil
}

func (o *Outcome) edges() []Edge { return slices.Concat(o.Tree, o.Shortcuts) }

// lacking returns the edges of one that another has not.
func lacking(of, in []Edge) []Edge {
	out := []Edge{}
	for _, e := range of {
		if !slices.ContainsFunc(in, func(f Edge) bool { return e.A == f.A && e.B == f.B }) {
			out = append(out, e)
		}
	}
	return out
}

func moves(before, after []Route) []Move {
	all := map[scenario.Pair]Move{}
	for _, r := range before {
		all[r.Pair] = Move{A: r.A, B: r.B, BeforeMS: &r.PathMS, DirectMS: direct(&r)}
	}
	for _, r := range after {
		m := all[r.Pair]
		m.A, m.B, m.AfterMS, m.DirectMS = r.A, r.B, &r.PathMS, direct(&r)
		all[r.Pair] = m
	}
	return slices.SortedFunc(maps.Values(all), func(a, b Move) int {
		return cmp.Or(cmp.Compare(a.A, b.A), cmp.Compare(a.B, b.B))
	})
}

func direct(r *Route) *result.Millis {
	if r.Stretch == 0 {
		return nil
	}
	return &r.DirectMS
}

// By returns how much later updates arrive after the change, in milliseconds; 0 for a
// pair that is only there before or after.
func (m *Move) By() result.Millis {
	if m.BeforeMS == nil || m.AfterMS == nil {
		return 0
	}
	return *m.AfterMS - *m.BeforeMS
}
