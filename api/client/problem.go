package client

import (
	"encoding/json"
	"fmt"
	"io"
	"mime"
	"net/http"
	"strings"

	"gazetteer"
	"gazetteer/api/rest/problem"
)

// Problem is what a server answered instead of what was asked for (RFC 9457). It is the
// cause of the errors that tell of one.
type Problem struct{ problem.Document }

func (p *Problem) Error() string {
	return fmt.Sprintf("%s, HTTP %d, request %s", p.Code, p.Status, p.RequestID)
}

// problemMax bounds what is read of an error's body.
const problemMax = 64 << 10

// problemIn turns an answer that is no success into an error.
func problemIn(res *http.Response) error {
	text, _ := io.ReadAll(io.LimitReader(res.Body, problemMax))
	var d problem.Document
	kind, _, _ := mime.ParseMediaType(res.Header.Get("Content-Type"))
	if kind != problem.ContentType || json.Unmarshal(text, &d) != nil {
		return &gazetteer.Error{Op: "client.Send", Kind: problem.KindOf("", res.StatusCode),
			Detail: fmt.Sprintf("%s answered %s, and not as a gazetteer server does", res.Request.URL.Host, res.Status)}
	}
	return errorOf(&d)
}

// errorOf is the error that a problem document tells of.
func errorOf(d *problem.Document) error {
	e := &gazetteer.Error{Op: "server", Kind: problem.KindOf(d.Code, d.Status), Detail: d.Detail}
	if e.Detail == "" {
		e.Detail = d.Title
	}
	if len(d.Errors) > 0 {
		e.Pointer = d.Errors[0].Pointer
		if !strings.Contains(e.Detail, d.Errors[0].Detail) {
			e.Detail += ": " + d.Errors[0].Detail
		}
	}
	e.Err = &Problem{*d}
	if d.Line > 0 {
		return &ImportError{Line: d.Line, Acknowledged: d.Acknowledged, Err: e}
	}
	return e
}

// ImportError says how far an import came. Every line before Line is stored, and maybe
// some behind it: sending all from Line on again is safe.
type ImportError struct {
	Line         int64 // counted from 1
	Acknowledged int64
	Err          error
}

func (e *ImportError) Error() string {
	return fmt.Sprintf("line %d: %v (%d lines are stored; go on from line %d)", e.Line, e.Err, e.Acknowledged, e.Line)
}

func (e *ImportError) Unwrap() error { return e.Err }
