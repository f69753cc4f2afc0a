package rest

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"unicode/utf8"

	"gazetteer"
	"gazetteer/api/rest/problem"
)

// A codedError is an error whose problem type is narrower than its kind.
type codedError struct {
	code problem.Code
	err  *gazetteer.Error
}

func (e *codedError) Error() string { return e.err.Error() }
func (e *codedError) Unwrap() error { return e.err }

func coded(code problem.Code, kind gazetteer.Kind, pointer, format string, args ...any) error {
	return &codedError{code, &gazetteer.Error{Op: "rest", Kind: kind, Pointer: pointer, Detail: fmt.Sprintf(format, args...)}}
}

// refused is an error of the kind's own problem type.
func refused(kind gazetteer.Kind, pointer, format string, args ...any) error {
	return &gazetteer.Error{Op: "rest", Kind: kind, Pointer: pointer, Detail: fmt.Sprintf(format, args...)}
}

func badParameter(name, format string, args ...any) error {
	return coded(problem.InvalidParameter, gazetteer.Invalid, name, format, args...)
}

func unknownPath(r *http.Request) error {
	return coded(problem.UnknownPath, gazetteer.NotFound, "", "nothing is at %s; ids are percent-encoded, a slash in one is %%2F; /openapi.json lists all paths", quoted(r.URL.EscapedPath()))
}

func wrongMethod(r *http.Request) error {
	return coded(problem.MethodNotAllowed, gazetteer.Invalid, "", "%s is not taken here; Allow names what is", quoted(r.Method))
}

// rowOf finds the problem type of an error: its own if it names one, else that of its
// kind, else a fault of ours.
func rowOf(err error) problem.Row {
	var narrow *codedError
	var e *gazetteer.Error
	switch {
	case errors.As(err, &narrow):
		return problem.OfCode(narrow.code)
	case errors.As(err, &e) && e.Kind == gazetteer.NotFound && e.Key.Type == gazetteer.RegionsType:
		return problem.OfCode(problem.UnknownRegion)
	case e != nil && e.Kind == gazetteer.NotFound && e.Key.Type != "" && e.Key.ID == "":
		return problem.OfCode(problem.UnknownType)
	case e != nil:
		return problem.OfKind(e.Kind)
	case errors.Is(err, context.DeadlineExceeded):
		return problem.OfKind(gazetteer.Deadline)
	}
	return problem.OfKind(gazetteer.Internal)
}

// describe turns an error into the problem that tells a client of it. What is a fault
// of ours is not told: it stands in the log under the request's id.
func (h *Handler) describe(r *http.Request, err error) problem.Document {
	p := describe(r, err)
	if p.Status == http.StatusInternalServerError {
		h.log.Error("request failed", "request_id", p.RequestID, "method", quoted(r.Method), "path", quoted(r.URL.EscapedPath()), "error", cut(err.Error(), 1024))
	}
	return p
}

func describe(r *http.Request, err error) problem.Document {
	row := rowOf(err)
	p := problem.Document{
		Type: row.URI(), Title: row.Title, Status: row.Status, Code: row.Code,
		Instance: cut(r.URL.EscapedPath(), instanceMax), RequestID: newRequestID(), RetryAfter: row.Retry,
	}
	var e *gazetteer.Error
	if !errors.As(err, &e) || row.Kind == gazetteer.Internal {
		return p
	}
	p.Detail = detailOf(e)
	if row.Code == problem.Misdirected {
		p.Plan = e.Plan
	}
	if e.Pointer != "" {
		p.Errors = []problem.Entry{{Pointer: e.Pointer, Detail: p.Detail}}
	}
	return p
}

func detailOf(e *gazetteer.Error) string {
	switch {
	case e.Detail != "":
		return e.Detail
	case e.Err != nil:
		return e.Err.Error()
	}
	return e.Kind.String()
}

// instanceMax bounds the echo of a path.
const instanceMax = 1024

// refuse answers with the problem of err.
func (h *Handler) refuse(w http.ResponseWriter, r *http.Request, err error) {
	h.writeProblem(w, h.describe(r, err))
}

func (h *Handler) writeProblem(w http.ResponseWriter, p problem.Document) {
	body, _ := json.Marshal(p) // strings and numbers only: it cannot fail
	out := w.Header()
	delete(out, "Etag")
	out["Content-Type"] = h.headers.problem
	out["X-Content-Type-Options"] = h.headers.nosniff
	out["Cache-Control"] = h.headers.noStore
	if p.RetryAfter > 0 {
		out.Set("Retry-After", strconv.Itoa(p.RetryAfter))
	}
	w.WriteHeader(p.Status)
	_, _ = w.Write(body)
}

func newRequestID() string {
	var b [8]byte
	_, _ = rand.Read(b[:]) // never fails
	return hex.EncodeToString(b[:])
}

// cut bounds a text without splitting a character.
func cut(s string, most int) string {
	if len(s) <= most {
		return s
	}
	for most > 0 && !utf8.RuneStart(s[most]) {
		most--
	}
	return s[:most] + "…"
}

// quoted makes a client's text fit for a line of a log or a message.
func quoted(s string) string { return strconv.QuoteToGraphic(cut(s, 256)) }

// reason is what an error says without who says it.
func reason(err error) string {
	var e *gazetteer.Error
	if errors.As(err, &e) {
		return detailOf(e)
	}
	return err.Error()
}
