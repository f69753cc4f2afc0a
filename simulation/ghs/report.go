package ghs

import (
	"encoding/json"
	"fmt"
	"io"
	"strings"
	"time"

	"gazetteer"
	"gazetteer/mst"
)

// WriteJSON writes a result as one line of JSON, and a newline:
//
//	{"tree":[["a","b"],...],"weight":N,"components":N,"messages":N,"by_kind":{...},"max_level":N}
//
// With a transcript the object has one more field, "transcript", a list of the events
// with one on each line: {"at_ms":T,"wakes":"a"} or {"at_ms":T,"from":"a","to":"b",
// "kind":"test","level":N,"fragment":["a","b",cost]}. A report has "best", an edge or
// null; an initiate has "state".
func (r *Result) WriteJSON(w io.Writer) error {
	head, err := json.Marshal(r.summary())
	if err != nil {
		return err
	}
	if r.Transcript == nil {
		_, err = fmt.Fprintf(w, "%s\n", head)
		return err
	}
	lines := make([]string, len(r.Transcript))
	for i, e := range r.Transcript {
		line, err := json.Marshal(e.line())
		if err != nil {
			return err
		}
		lines[i] = string(line)
	}
	_, err = fmt.Fprintf(w, "%s,\"transcript\":[\n%s\n]}\n", head[:len(head)-1], strings.Join(lines, ",\n"))
	return err
}

// summary is a result as JSON has it.
type summary struct {
	Tree       [][2]gazetteer.RegionID `json:"tree"`
	Weight     uint64                  `json:"weight"`
	Components int                     `json:"components"`
	Messages   int                     `json:"messages"`
	ByKind     map[string]int          `json:"by_kind"`
	MaxLevel   int                     `json:"max_level"`
}

func (r *Result) summary() summary {
	s := summary{
		Tree: make([][2]gazetteer.RegionID, len(r.Tree)), Weight: r.Weight, Components: r.Components,
		Messages: r.Messages, ByKind: map[string]int{}, MaxLevel: r.MaxLevel,
	}
	for i, e := range r.Tree {
		s.Tree[i] = [2]gazetteer.RegionID{e.A, e.B}
	}
	for k, n := range r.ByKind {
		s.ByKind[mst.Kind(k).String()] = n
	}
	return s
}

// line is an event as JSON has it.
type line struct {
	AtMS     float64            `json:"at_ms"`
	Wakes    gazetteer.RegionID `json:"wakes,omitempty"`
	From     gazetteer.RegionID `json:"from,omitempty"`
	To       gazetteer.RegionID `json:"to,omitempty"`
	Kind     string             `json:"kind,omitempty"`
	Level    *int               `json:"level,omitempty"`
	Fragment json.Marshaler     `json:"fragment,omitempty"`
	State    string             `json:"state,omitempty"`
	Best     json.Marshaler     `json:"best,omitempty"`
}

func (e Event) line() line {
	l := line{AtMS: float64(e.At) / float64(time.Millisecond), From: e.From, To: e.To}
	if e.Message == nil {
		l.Wakes, l.To = e.To, ""
		return l
	}
	l.Kind = e.Message.Kind().String()
	switch m := e.Message.(type) {
	case mst.Connect:
		l.Level = &m.Level
	case mst.Initiate:
		l.Level, l.Fragment, l.State = &m.Level, weight(m.Fragment), m.State.String()
	case mst.Test:
		l.Level, l.Fragment = &m.Level, weight(m.Fragment)
	case mst.Report:
		l.Best = bound(m.Best)
	}
	return l
}

// weight is written as an edge of a graph file.
type weight mst.Weight

func (w weight) MarshalJSON() ([]byte, error) {
	return json.Marshal([3]any{w.Low, w.High, w.Cost})
}

// bound is written as a weight, infinity as null.
type bound mst.Bound

func (b bound) MarshalJSON() ([]byte, error) {
	if !b.Finite {
		return []byte("null"), nil
	}
	return weight(b.Weight).MarshalJSON()
}
