package report

import (
	"fmt"
	"slices"

	"gazetteer/simulation/result"
)

// Summary is a run in few figures; what was not measured is nil.
type Summary struct {
	Requests     int64    `json:"requests"`
	Errors       int64    `json:"errors"`
	Wrong        int64    `json:"wrong"`
	StaleReads   int64    `json:"stale_reads"`
	ClientP50MS  *float64 `json:"client_p50_ms,omitempty"` // median of the regions
	ClientP99MS  *float64 `json:"client_p99_ms,omitempty"` // of the region with the worst
	MedianMS     *float64 `json:"propagation_p50_median_ms,omitempty"`
	WorstMS      *float64 `json:"propagation_p50_worst_ms,omitempty"`
	StretchMid   *float64 `json:"stretch_median,omitempty"` // path along the tree over direct
	StretchWorst *float64 `json:"stretch_worst,omitempty"`
	PerUpdate    *float64 `json:"crossings_per_update,omitempty"`
	WeightMS     *float64 `json:"tree_weight_ms,omitempty"`
	Trees        int      `json:"trees"`
	SlowestMS    *float64 `json:"slowest_tree_ms,omitempty"`
	LagMost      *float64 `json:"lag_most_updates,omitempty"`
	LagEnd       *float64 `json:"lag_end_updates,omitempty"`
	Checks       int      `json:"checks"`
	Failed       int      `json:"checks_failed"`
}

func summaryOf(r *result.Run) Summary {
	s := Summary{
		Requests: r.Generators.Reads + r.Generators.Writes, Errors: errorsOf(&r.Generators), Wrong: r.Generators.Wrong,
		StaleReads: r.StaleReads, Trees: len(r.Trees), Checks: len(r.Checks), Failed: len(r.Failed()),
	}
	s.latency(r.Traffic)
	s.propagation(r.Propagation)
	if m := r.Messages; m.Updates > 0 {
		s.PerUpdate = of(float64(m.Crossings) / float64(m.Updates))
	}
	for _, t := range r.Trees {
		s.WeightMS = of(float64(t.WeightMS))
		s.SlowestMS = larger(s.SlowestMS, float64(t.TookMS))
	}
	s.lag(r.Convergence)
	return s
}

func (s *Summary) latency(traffic []result.Traffic) {
	var p50 []float64
	for _, t := range traffic {
		if t.Tier == result.TierClient && t.Reads+t.Writes > 0 {
			p50 = append(p50, float64(t.P50MS))
			s.ClientP99MS = larger(s.ClientP99MS, float64(t.P99MS))
		}
	}
	s.ClientP50MS = median(p50)
}

func (s *Summary) propagation(ps []result.Propagation) {
	var measured, stretch []float64
	for _, p := range ps {
		if p.Updates > 0 {
			measured = append(measured, float64(p.P50MS))
		}
		if p.DirectMS > 0 && p.PathMS > 0 {
			stretch = append(stretch, float64(p.PathMS/p.DirectMS))
		}
	}
	s.MedianMS, s.WorstMS = median(measured), worst(measured)
	s.StretchMid, s.StretchWorst = median(stretch), worst(stretch)
}

func (s *Summary) lag(lags []result.Lag) {
	for i, l := range lags {
		s.LagMost = larger(s.LagMost, float64(l.Updates))
		if i == 0 || l.AtMS != lags[i-1].AtMS {
			s.LagEnd = nil
		}
		s.LagEnd = larger(s.LagEnd, float64(l.Updates))
	}
}

func of(v float64) *float64 { return &v }

func larger(a *float64, b float64) *float64 {
	if a != nil && *a >= b {
		return a
	}
	return &b
}

func worst(v []float64) *float64 {
	if len(v) == 0 {
		return nil
	}
	return of(slices.Max(v))
}

// median is the mean of the two in the middle, if there are two.
func median(v []float64) *float64 {
	if len(v) == 0 {
		return nil
	}
	s := slices.Sorted(slices.Values(v))
	return of((s[(len(s)-1)/2] + s[len(s)/2]) / 2)
}

// row is one figure of a summary as the table of differences has it.
type row struct {
	name, unit string
	value      func(*Summary) *float64
}

func count(f func(*Summary) int64) func(*Summary) *float64 {
	return func(s *Summary) *float64 { return of(float64(f(s))) }
}

func summaryRows() []row {
	return []row{
		{"requests", "", count(func(s *Summary) int64 { return s.Requests })},
		{"errors", "", count(func(s *Summary) int64 { return s.Errors })},
		{"wrong answers", "", count(func(s *Summary) int64 { return s.Wrong })},
		{"stale reads", "", count(func(s *Summary) int64 { return s.StaleReads })},
		{"client p50, median of regions", "ms", func(s *Summary) *float64 { return s.ClientP50MS }},
		{"client p99, worst region", "ms", func(s *Summary) *float64 { return s.ClientP99MS }},
		{"propagation p50, median of pairs", "ms", func(s *Summary) *float64 { return s.MedianMS }},
		{"propagation p50, worst pair", "ms", func(s *Summary) *float64 { return s.WorstMS }},
		{"stretch of the path, median", "×", func(s *Summary) *float64 { return s.StretchMid }},
		{"stretch of the path, worst", "×", func(s *Summary) *float64 { return s.StretchWorst }},
		{"crossings for one update", "", func(s *Summary) *float64 { return s.PerUpdate }},
		{"weight of the last tree", "ms", func(s *Summary) *float64 { return s.WeightMS }},
		{"trees installed", "", count(func(s *Summary) int64 { return int64(s.Trees) })},
		{"slowest tree", "ms", func(s *Summary) *float64 { return s.SlowestMS }},
		{"largest lag", "updates", func(s *Summary) *float64 { return s.LagMost }},
		{"lag at the end", "updates", func(s *Summary) *float64 { return s.LagEnd }},
		{"checks that failed", "", count(func(s *Summary) int64 { return int64(s.Failed) })},
	}
}

// differences sets runs side by side, each with its difference to the first.
func differences(runs []runView) *table {
	t := &table{Name: "differences", Title: "Side by side", Head: []string{""}}
	for i, r := range runs {
		t.Head = append(t.Head, r.Label)
		if i > 0 {
			t.Head = append(t.Head, "against "+runs[0].Label)
		}
	}
	for _, f := range summaryRows() {
		first := f.value(&runs[0].Summary)
		cells := []string{f.name}
		if f.unit != "" {
			cells[0] += " (" + f.unit + ")"
		}
		for i := range runs {
			v := f.value(&runs[i].Summary)
			cells = append(cells, figureText(v))
			if i > 0 {
				cells = append(cells, against(first, v))
			}
		}
		t.row(cells...)
	}
	return t
}

func figureText(v *float64) string {
	switch {
	case v == nil:
		return "–"
	case *v == float64(int64(*v)):
		return whole(int64(*v))
	}
	return ms(*v)
}

func against(a, b *float64) string {
	switch {
	case a == nil || b == nil:
		return "–"
	case *a == *b:
		return "="
	case *a == 0:
		return fmt.Sprintf("%+g", *b)
	}
	return fmt.Sprintf("%+.1f %%", 100*(*b-*a) / *a)
}
