package report

import (
	"bytes"
	_ "embed"
	"encoding/csv"
	"encoding/json"
	"html/template"
	"os"
	"path/filepath"

	"gazetteer"
	"gazetteer/simulation/result"
)

// The files of a report. Those of one run begin with its number, as in run-1-map.svg and
// run-1-traffic.csv.
const (
	PageFile = "index.html"
	JSONFile = "report.json"
)

//go:embed page.html
var pageText string

// folder is where a report is written. After an error it writes nothing.
type folder struct {
	dir string
	err error
}

func (f *folder) path(name string) string { return filepath.Join(f.dir, name) }

func (f *folder) write(name string, text []byte) {
	if f.err != nil {
		return
	}
	err := os.MkdirAll(f.dir, 0o755)
	if err == nil {
		err = os.WriteFile(f.path(name), text, 0o644)
	}
	if err != nil {
		f.err = &gazetteer.Error{Op: "report.Write", Kind: gazetteer.Internal, Pointer: f.path(name), Detail: "this file cannot be written", Err: err}
	}
}

func (f *folder) fail(err error) {
	if f.err == nil && err != nil {
		f.err = &gazetteer.Error{Op: "report.Write", Kind: gazetteer.Internal, Err: err}
	}
}

// page writes the page. What stands in a run's files is text to it, whatever it looks
// like; only pictures are taken as they are, and these are made here.
func (f *folder) page(v *view) {
	t, err := template.New(PageFile).Funcs(template.FuncMap{
		"picture": func(svg string) template.HTML { return template.HTML(themed(svg)) },
		"millis":  func(m result.Millis) string { return clock(m) },
		"failed":  func(r *result.Run) int { return len(r.Failed()) },
	}).Parse(pageText)
	if err != nil {
		f.fail(err)
		return
	}
	var b bytes.Buffer
	f.fail(t.Execute(&b, v))
	f.write(PageFile, b.Bytes())
}

func (f *folder) pictures(v *view) {
	for i := range v.Runs {
		r := &v.Runs[i]
		for _, p := range r.figures() {
			f.write(r.ID+"-"+p.Name+".svg", []byte(standalone(p.SVG)))
		}
	}
	for _, p := range v.Compare {
		f.write(p.Name+".svg", []byte(standalone(p.SVG)))
	}
}

func (r *runView) figures() (out []figure) {
	for _, p := range []*figure{r.Map, r.Heat, r.Stretch, r.Messages, r.Lag} {
		if p != nil {
			out = append(out, *p)
		}
	}
	out = append(out, r.Scaling...)
	for _, t := range r.Tiers {
		out = append(out, t.Figures...)
	}
	return out
}

func (f *folder) tables(v *view) {
	for i := range v.Runs {
		r := &v.Runs[i]
		for _, t := range append([]table{r.Totals, r.Traffic, r.Trees, r.Happenings, r.Checks, r.ByKind, r.Edges}, r.onlyFiles...) {
			f.csv(r.ID+"-"+t.Name+".csv", &t)
		}
	}
	if v.Differences != nil {
		f.csv(v.Differences.Name+".csv", v.Differences)
	}
}

func (f *folder) csv(name string, t *table) {
	var b bytes.Buffer
	w := csv.NewWriter(&b)
	f.fail(w.Write(t.Head))
	f.fail(w.WriteAll(t.Rows))
	f.write(name, b.Bytes())
}

// jsonRun is a run in report.json.
type jsonRun struct {
	Label   string     `json:"label"`
	Notes   []string   `json:"notes,omitempty"`
	Summary Summary    `json:"summary"`
	Totals  []Totals   `json:"totals"` // of all regions, by tier
	Run     result.Run `json:"run"`
}

func (f *folder) json(v *view) {
	var doc struct {
		Runs []jsonRun `json:"runs"`
	}
	for _, r := range v.Runs {
		doc.Runs = append(doc.Runs, jsonRun{r.Label, r.Notes, r.Summary, totalsOf(r.Run.Traffic), r.Run})
	}
	text, err := json.MarshalIndent(doc, "", "  ")
	f.fail(err)
	f.write(JSONFile, append(text, '\n'))
}
