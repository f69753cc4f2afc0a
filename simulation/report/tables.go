package report

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"gazetteer/simulation/result"
)

// table is shown on the page and written as CSV.
type table struct {
	Name, Title string
	Head        []string
	Rows        [][]string
	Words       int  // so many columns hold words, the rest figures
	Plain       bool // none of its columns holds figures
	Broken      []bool
}

func (t *table) row(cells ...string) { t.Rows = append(t.Rows, cells) }

// Bad reports whether a row tells of something that should not be.
func (t *table) Bad(row int) bool { return row < len(t.Broken) && t.Broken[row] }

// Figure reports whether a column holds figures.
func (t *table) Figure(column int) bool { return !t.Plain && column >= max(t.Words, 1) }

func float(v result.Millis) string { return fmt.Sprintf("%.3f", float64(v)) }

func trafficTable(r *result.Run) table {
	t := table{Name: "traffic", Title: "Requests by region and tier", Words: 2,
		Head: []string{"region", "tier", "reads", "writes", "errors", "wrong", "p50 ms", "p90 ms", "p99 ms", "max ms"}}
	for i := range r.Traffic {
		f := &r.Traffic[i]
		n := errorsOf(&f.Counts)
		t.row(string(f.Region), f.Tier, whole(f.Reads), whole(f.Writes), whole(n), whole(f.Wrong), ms(float64(f.P50MS)), ms(float64(f.P90MS)), ms(float64(f.P99MS)), ms(float64(f.MaxMS)))
		t.Broken = append(t.Broken, f.Wrong > 0)
	}
	return t
}

func propagationTable(r *result.Run) table {
	t := table{Name: "propagation", Title: "Propagation", Words: 2,
		Head: []string{"from", "to", "updates", "p50_ms", "p99_ms", "max_ms", "direct_ms", "path_ms", "stretch_of_path", "stretch_of_p50"}}
	for _, p := range r.Propagation {
		t.row(string(p.From), string(p.To), whole(p.Updates), float(p.P50MS), float(p.P99MS), float(p.MaxMS), float(p.DirectMS), float(p.PathMS), ratio(p.PathMS, p.DirectMS), ratio(p.P50MS, p.DirectMS))
	}
	return t
}

func ratio(a, b result.Millis) string {
	if b <= 0 {
		return ""
	}
	return fmt.Sprintf("%.3f", float64(a/b))
}

func treesTable(r *result.Run) table {
	t := table{Name: "trees", Title: "Trees", Words: 3, Head: []string{"at", "epoch", "why", "weight ms", "regions", "messages", "took ms"}}
	for _, e := range r.Trees {
		t.row(clock(e.AtMS), e.Epoch, e.Why, ms(float64(e.WeightMS)), fmt.Sprint(e.Regions), whole(e.Messages), ms(float64(e.TookMS)))
	}
	return t
}

// clock writes a moment of the load.
func clock(at result.Millis) string { return fmt.Sprintf("%.1f s", float64(at)/1000) }

func happeningsTable(r *result.Run) table {
	t := table{Name: "happenings", Title: "What happened", Words: 6, Head: []string{"", "at", "what", "region", "node", "detail"}, Plain: true}
	for i, h := range r.Happenings {
		t.row(fmt.Sprint(i+1), clock(h.AtMS), strings.ReplaceAll(h.Kind, "_", " "), string(h.Region), h.Node, h.Detail)
	}
	return t
}

func checksTable(r *result.Run) table {
	t := table{Name: "checks", Title: "Checks", Words: 3, Plain: true, Head: []string{"", "check", "detail"}}
	for _, failed := range []bool{true, false} {
		for _, c := range r.Checks {
			if c.OK == failed {
				continue
			}
			t.row(signOf(&c), c.Name, c.Detail)
			t.Broken = append(t.Broken, failed)
		}
	}
	return t
}

func signOf(c *result.Check) string {
	switch {
	case !c.OK:
		return "✗ failed"
	case c.NotJudged:
		return "not judged"
	}
	return "✓"
}

func messagesTable(r *result.Run) table {
	t := table{Name: "messages", Title: "Messages by kind", Head: []string{"kind", "messages"}}
	for _, k := range slices.Sorted(maps.Keys(r.Messages.ByKind)) {
		t.row(k, whole(r.Messages.ByKind[k]))
	}
	return t
}

func lagTable(r *result.Run) table {
	t := table{Name: "convergence", Head: []string{"at_ms", "region", "updates_behind"}}
	for _, l := range r.Convergence {
		t.row(float(l.AtMS), string(l.Region), whole(l.Updates))
	}
	return t
}

func edgesTable(r *result.Run) table {
	t := table{Name: "edges", Title: "Edges of the last tree", Words: 2, Head: []string{"a", "b", "cost ms"}}
	for _, e := range r.Edges {
		if e.Tree {
			t.row(string(e.A), string(e.B), ms(float64(e.CostMS)))
		}
	}
	return t
}
