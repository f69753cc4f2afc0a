package main

import (
	"fmt"
	"slices"

	"gazetteer/simulation/result"
)

// print says in a few lines what came out of a run.
func (r *simRun) print(out *result.Run, dir string) error {
	a := r.app
	g := out.Generators
	var failed int64
	for _, n := range g.Errors {
		failed += n
	}
	fmt.Fprintf(a.out, "%s, seed %d: %d reads, %d writes, %d errors, %d wrong, %d stale reads\n",
		printable(out.Scenario), out.Seed, g.Reads, g.Writes, failed, g.Wrong, out.StaleReads)
	if out.Unfinished != "" {
		fmt.Fprintf(a.out, "unfinished: %s\n", printable(out.Unfinished))
	}
	if n := len(out.Trees); n > 0 {
		last := out.Trees[n-1]
		fmt.Fprintf(a.out, "trees: %d, the last of %.1f ms; %d updates crossed edges %d times\n", n, last.WeightMS, out.Messages.Updates, out.Messages.Crossings)
	}
	var rows [][]string
	for _, t := range out.Traffic {
		if t.Tier == result.TierClient && t.Reads+t.Writes > 0 {
			rows = append(rows, trafficRow(&t))
		}
	}
	if err := grid(a.out, []string{"CLIENTS NEAR", "REQUESTS", "ERRORS", "P50 MS", "P99 MS", "MAX MS"}, rows); err != nil {
		return err
	}
	for _, c := range out.Checks {
		fmt.Fprintf(a.out, "%s %s: %s\n", map[bool]string{true: "ok    ", false: "FAILED"}[c.OK], printable(c.Name), printable(c.Detail))
	}
	_, err := fmt.Fprintf(a.out, "result: %s\n", printable(dir))
	return err
}

func trafficRow(t *result.Traffic) []string {
	var errors int64
	for _, n := range t.Errors {
		errors += n
	}
	return slices.Concat([]string{printable(string(t.Region)), fmt.Sprint(t.Reads + t.Writes), fmt.Sprint(errors)},
		[]string{fmt.Sprintf("%.1f", t.P50MS), fmt.Sprintf("%.1f", t.P99MS), fmt.Sprintf("%.1f", t.MaxMS)})
}
