package router

import (
	"context"
	"encoding/json"
	"errors"
	"net"
	"net/http"
	"strconv"

	"gazetteer"
	"gazetteer/api/rest/problem"
)

// problemError is an answer of the router's own.
type problemError struct {
	code   problem.Code
	detail string
}

func (e *problemError) Error() string { return e.detail }

func fail(k gazetteer.Kind, detail string) error {
	return &problemError{problem.OfKind(k).Code, detail}
}

func overloaded() error {
	return &problemError{problem.Overloaded, "the router has as many requests under way as it takes"}
}

// failed answers a request that no region answered.
func (r *Router) failed(w http.ResponseWriter, q *http.Request, err error) {
	if q.Context().Err() != nil {
		return // the client has gone
	}
	r.count.failures.Add(1)
	refuse(w, q, problemOf(err))
}

// problemOf says what became of the request: it was never taken, it takes too long, or
// nobody knows.
func problemOf(err error) error {
	var timeout net.Error
	switch {
	case isRefused(err):
		return &problemError{problem.Unavailable, "no regional server can be reached now"}
	case err == errSlow, errors.Is(err, context.DeadlineExceeded), errors.As(err, &timeout) && timeout.Timeout():
		return &problemError{problem.Deadline, "the region does not answer in time; a write may have been done"}
	}
	return &problemError{problem.Lost, "the connection to the regional server broke; a write may have been done"}
}

// refuse answers with a problem document (RFC 9457).
func refuse(w http.ResponseWriter, q *http.Request, err error) {
	row, detail := problem.OfKind(gazetteer.Internal), ""
	var p *problemError
	if errors.As(err, &p) {
		row, detail = problem.OfCode(p.code), p.detail
	}
	d := problem.Document{Type: row.URI(), Title: row.Title, Status: row.Status, Code: row.Code, Detail: detail, RetryAfter: row.Retry}
	if path := q.URL.EscapedPath(); len(path) <= instanceMax {
		d.Instance = path
	}
	body, _ := json.Marshal(d) // strings and numbers only: it cannot fail
	h := w.Header()
	h.Set("Content-Type", problem.ContentType)
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Cache-Control", "no-store")
	if row.Retry > 0 {
		h.Set("Retry-After", strconv.Itoa(row.Retry))
	}
	w.WriteHeader(row.Status)
	_, _ = w.Write(body) // a client that went away needs no answer
}

// instanceMax bounds the echo of a path.
const instanceMax = 1024
