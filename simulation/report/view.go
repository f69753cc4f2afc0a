package report

import (
	"fmt"
	"strings"

	"gazetteer/simulation/result"
)

// view is all that a report shows.
type view struct {
	Title       string
	Runs        []runView
	Differences *table   // of more than one run
	Compare     []figure // of the same
}

// runView is one run.
type runView struct {
	Loaded
	ID      string
	Summary Summary
	Cards   []card

	Map, Heat, Stretch, Messages, Lag *figure

	Tiers      []tierView
	Scaling    []figure
	Totals     table
	Traffic    table
	Trees      table
	Happenings table
	Checks     table
	ByKind     table
	Edges      table
	onlyFiles  []table
}

// figure is a picture with its words.
type figure struct{ Name, Title, Note, SVG string }

// card is one figure that a reader looks for first.
type card struct {
	Label, Value, Note string
	Bad                bool
}

// tierView is what one tier was asked over time.
type tierView struct {
	Name    string
	Open    bool
	Figures []figure
}

func viewOf(runs []Loaded) (*view, error) {
	v := &view{}
	var titles []string
	for i, l := range runs {
		r, err := runViewOf(l, fmt.Sprintf("run-%d", i+1))
		if err != nil {
			return nil, err
		}
		v.Runs = append(v.Runs, r)
		titles = append(titles, l.Label)
	}
	if len(runs) == 1 {
		v.Title = runs[0].Run.Scenario
		return v, nil
	}
	v.Title = strings.Join(titles, " · ")
	v.Differences = differences(v.Runs)
	return v, v.compare()
}

func runViewOf(l Loaded, id string) (runView, error) {
	r := &l.Run
	v := runView{
		Loaded: l, ID: id, Summary: summaryOf(r), Totals: totalsTable(r), Traffic: trafficTable(r), Trees: treesTable(r),
		Happenings: happeningsTable(r), Checks: checksTable(r), ByKind: messagesTable(r), Edges: edgesTable(r),
		onlyFiles: []table{propagationTable(r), lagTable(r)},
	}
	v.Cards = cardsOf(&v.Summary)
	if svg := mapOf(r); svg != "" {
		v.Map = &figure{"map", "The planet", mapNote(r), svg}
	}
	if svg := messageBars(&r.Messages); svg != "" {
		v.Messages = &figure{"messages", "Messages between regions for one update", "Updates over edges between regions, of " + whole(r.Messages.Updates) + " updates.", svg}
	}
	p := &painter{run: r, samples: l.Samples, marks: marksOf(r)}
	p.paint(&v)
	return v, p.err
}

func mapNote(r *result.Run) string {
	measured := 0
	for _, e := range r.Edges {
		if !e.Tree {
			measured++
		}
	}
	note := "The last tree, each edge with its round trip in ms."
	switch {
	case measured > faintMax:
		note += fmt.Sprintf(" Faint: the %d cheapest of %d other edges that were measured.", faintMax, measured)
	case measured > 0:
		note += fmt.Sprintf(" Faint: %d other edges that were measured.", measured)
	}
	return note
}

func cardsOf(s *Summary) []card {
	share := ""
	if s.Requests > 0 {
		share = fmt.Sprintf("%.3g %% of requests", 100*float64(s.Errors)/float64(s.Requests))
	}
	return []card{
		{"requests", grouped(s.Requests), "begun by the generators", false},
		{"errors", whole(s.Errors), share, false},
		{"wrong answers", whole(s.Wrong), "", s.Wrong > 0},
		{"stale reads", whole(s.StaleReads), "", false},
		{"client p99", unit(s.ClientP99MS, "ms"), "of the worst region", false},
		{"propagation p50", unit(s.MedianMS, "ms"), "median of pairs; worst " + unit(s.WorstMS, "ms"), false},
		{"stretch", unit(s.StretchMid, "×"), "median; worst " + unit(s.StretchWorst, "×"), false},
		{"crossings for one update", unit(s.PerUpdate, ""), "", false},
		{"trees installed", fmt.Sprint(s.Trees), "the slowest took " + unit(s.SlowestMS, "ms"), false},
		{"checks", fmt.Sprintf("%d of %d", s.Checks-s.Failed, s.Checks), "held", s.Failed > 0},
	}
}

// grouped writes a count so that a person sees how large it is.
func grouped(n int64) string {
	s := whole(n)
	for i := len(s) - 3; i > 0; i -= 3 {
		s = s[:i] + "," + s[i:]
	}
	return s
}

func unit(v *float64, unit string) string {
	if v == nil {
		return "–"
	}
	return strings.TrimSpace(figureText(v) + " " + unit)
}
