package main

import (
	"cmp"
	"fmt"
	"slices"

	"gazetteer/simulation/result"
	"gazetteer/simulation/whatif"
)

// movesShown is how many pairs the table has; JSON has all.
const movesShown = 12

func (a *app) printChange(c *whatif.Change) error {
	b, f := &c.Before, &c.After
	figures := [][]string{
		{"regions", fmt.Sprint(b.Regions), fmt.Sprint(f.Regions)},
		{"weight of the tree", inMS(b.WeightMS), inMS(f.WeightMS)},
		{"shortcuts", fmt.Sprint(len(b.Shortcuts)), fmt.Sprint(len(f.Shortcuts))},
		{"crossings for one update", fmt.Sprint(b.Crossings), fmt.Sprint(f.Crossings)},
		{"messages to find the tree", fmt.Sprint(b.Messages), fmt.Sprint(f.Messages)},
		{"time to find it", inMS(b.TookMS), inMS(f.TookMS)},
		{"stretch, median", timesText(b.Stretch.Median), timesText(f.Stretch.Median)},
		{"stretch, worst", worstText(timesText, b.Stretch), worstText(timesText, f.Stretch)},
		{"one way, median", oneWayText(b.OneWayMS.Median), oneWayText(f.OneWayMS.Median)},
		{"one way, worst", worstText(oneWayText, b.OneWayMS), worstText(oneWayText, f.OneWayMS)},
	}
	if err := grid(a.out, []string{"PREDICTED", "BEFORE", "AFTER"}, figures); err != nil {
		return err
	}
	fmt.Fprintln(a.out)
	if err := grid(a.out, []string{"A", "B", "COST", "EDGE", "KNOWN BY"}, changedEdges(c)); err != nil {
		return err
	}
	if rows := movedPairs(c); len(rows) > 0 {
		fmt.Fprintln(a.out)
		if err := grid(a.out, []string{"A", "B", "ONE WAY BEFORE", "AFTER", "DIRECT"}, rows); err != nil {
			return err
		}
	}
	a.printDoubts(c)
	return nil
}

func inMS(v result.Millis) string { return fmt.Sprintf("%.1f ms", float64(v)) }
func oneWayText(v float64) string { return fmt.Sprintf("%.1f ms", v) }
func timesText(v float64) string  { return fmt.Sprintf("%.2f", v) }
func maybeMS(v *result.Millis) string {
	if v == nil {
		return "-"
	}
	return inMS(*v)
}

func worstText(text func(float64) string, s whatif.Spread) string {
	if s.Of == nil {
		return "-"
	}
	return fmt.Sprintf("%s (%s to %s)", text(s.Worst), s.Of.A, s.Of.B)
}

// changedEdges has what is new and what is gone, then what stays.
func changedEdges(c *whatif.Change) (rows [][]string) {
	put := func(edges []whatif.Edge, what string, but []whatif.Edge) {
		for _, e := range edges {
			if !slices.Contains(but, e) {
				rows = append(rows, []string{string(e.A), string(e.B), inMS(e.CostMS), what, string(e.Of)})
			}
		}
	}
	put(c.After.Shortcuts, "shortcut", nil)
	put(c.New, "new", c.After.Shortcuts)
	put(c.Gone, "gone", nil)
	put(c.After.Tree, "stays", c.New)
	return rows
}

// movedPairs has the pairs that come or that change most. Those that end tell nothing.
func movedPairs(c *whatif.Change) (rows [][]string) {
	moved := slices.DeleteFunc(slices.Clone(c.Pairs), func(m whatif.Move) bool {
		return m.AfterMS == nil || m.BeforeMS != nil && m.By() == 0
	})
	size := func(m *whatif.Move) result.Millis {
		if m.BeforeMS == nil {
			return *m.AfterMS
		}
		return max(m.By(), -m.By())
	}
	slices.SortStableFunc(moved, func(a, b whatif.Move) int { return cmp.Compare(size(&b), size(&a)) })
	for _, m := range moved[:min(len(moved), movesShown)] {
		rows = append(rows, []string{string(m.A), string(m.B), maybeMS(m.BeforeMS), maybeMS(m.AfterMS), maybeMS(m.DirectMS)})
	}
	return rows
}

// printDoubts says what a prediction rests on beside measurements.
func (a *app) printDoubts(c *whatif.Change) {
	if c.Table > 0 {
		fmt.Fprintf(a.out, "\n%d round trips are those of the bundled AWS table, and not measured here.\n", c.Table)
	}
	if c.Guesses > 0 {
		fmt.Fprintf(a.out, "\n%d round trips are guesses by distance: of the pairs that the guess was fitted to, one in ten was off by more than a third.\n", c.Guesses)
	}
}
