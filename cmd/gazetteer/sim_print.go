package main

import (
	"fmt"
	"path/filepath"
	"slices"

	"gazetteer/simulation/report"
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
		fmt.Fprintf(a.out, "%s %s: %s\n", verdictOf(&c), printable(c.Name), printable(c.Detail))
	}
	_, err := fmt.Fprintf(a.out, "result: %s\n", printable(dir))
	return err
}

func verdictOf(c *result.Check) string {
	switch {
	case !c.OK:
		return "FAILED"
	case c.NotJudged:
		return "-     "
	}
	return "ok    "
}

// show says what came out of a run: as JSON, or as lines of text and a report beside the
// run's files.
func (r *simRun) show(out *result.Run, dir string) error {
	page, err := drawRun(dir)
	if err != nil {
		return err
	}
	if r.app.output == formatJSON {
		return r.app.json(out)
	}
	if err := r.print(out, dir); err != nil {
		return err
	}
	_, err = fmt.Fprintf(r.app.out, "report: %s\n", printable(page))
	return err
}

// reportFolder is where in the folder of a run its report is.
const reportFolder = "report"

// drawRun draws the report of one run into the run's folder.
func drawRun(dir string) (page string, err error) {
	runs, err := report.Load([]string{dir})
	if err != nil {
		return "", err
	}
	return report.Write(filepath.Join(dir, reportFolder), runs)
}

func trafficRow(t *result.Traffic) []string {
	var errors int64
	for _, n := range t.Errors {
		errors += n
	}
	return slices.Concat([]string{printable(string(t.Region)), fmt.Sprint(t.Reads + t.Writes), fmt.Sprint(errors)},
		[]string{fmt.Sprintf("%.1f", t.P50MS), fmt.Sprintf("%.1f", t.P99MS), fmt.Sprintf("%.1f", t.MaxMS)})
}
