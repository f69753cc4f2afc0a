// Package report draws what runs of scenarios left behind: one page of HTML that needs
// nothing beside it and no network, and the same as CSV, JSON and SVG for whoever goes on
// working with it.
package report

import (
	"gazetteer"
	"gazetteer/simulation/result"
)

// Loaded is a run as its folder has it.
type Loaded struct {
	Label   string // what it is called in this report, different for each
	Dir     string
	Run     result.Run
	Samples []result.Sample
	// Notes say what the folder lacks, in sentences.
	Notes []string
}

// Write draws runs, in the order given, into a folder. Files of an earlier report in it
// are replaced. No runs are an error of kind Invalid. It returns where the page is.
func Write(dir string, runs []Loaded) (page string, err error) {
	if len(runs) == 0 {
		return "", &gazetteer.Error{Op: "report.Write", Kind: gazetteer.Invalid, Detail: "there is no run to report on"}
	}
	f := &folder{dir: dir}
	v, err := viewOf(runs)
	if err != nil {
		return "", err
	}
	f.page(v)
	f.pictures(v)
	f.tables(v)
	f.json(v)
	return f.path(PageFile), f.err
}
