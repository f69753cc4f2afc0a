// Package problem is the one table between kinds of errors and HTTP: which status and
// which problem type (RFC 9457) an error becomes at the server, and which kind it is
// again at the client. api/rest writes by it, api/client reads by it.
package problem

import (
	"net/http"

	"gazetteer"
)

// Prefix and a code make the type URI of a problem. It names the problem and is never
// fetched: the service has no home of its own to keep a page at.
const Prefix = "urn:gazetteer:problem:"

// ContentType is the media type of a problem (RFC 9457, section 3).
const ContentType = "application/problem+json"

// Code names a problem type in snake_case, for programs to switch on.
type Code string

// The codes, one for each row of the table.
const (
	Internal             Code = "internal"
	InvalidRequest       Code = "invalid_request"
	InvalidParameter     Code = "invalid_parameter"
	InvalidSession       Code = "invalid_session"
	MalformedJSON        Code = "malformed_json"
	UnsupportedMediaType Code = "unsupported_media_type"
	MethodNotAllowed     Code = "method_not_allowed"
	Unprocessable        Code = "unprocessable"
	RedirectRefused      Code = "redirect_refused"
	UnknownResource      Code = "unknown_resource"
	UnknownType          Code = "unknown_type"
	UnknownLocation      Code = "unknown_location"
	UnknownRegion        Code = "unknown_region"
	UnknownMember        Code = "unknown_member"
	UnknownRing          Code = "unknown_ring"
	UnknownPath          Code = "unknown_path"
	NoLocation           Code = "no_location"
	Conflict             Code = "conflict"
	PreconditionFailed   Code = "precondition_failed"
	TooLarge             Code = "too_large"
	Overloaded           Code = "overloaded"
	RateLimited          Code = "rate_limited"
	TooManyWatches       Code = "too_many_watches"
	CursorGone           Code = "cursor_gone"
	Unavailable          Code = "unavailable"
	WrongOwner           Code = "wrong_owner"
	Misdirected          Code = "misdirected"
	Unserved             Code = "unserved"
	Deadline             Code = "deadline"
	SessionBehind        Code = "session_behind"
	Lost                 Code = "lost"
	DiskFull             Code = "disk_full"
	Unsupported          Code = "unsupported"
	Denied               Code = "denied"
	CrossOrigin          Code = "cross_origin"
	HostRefused          Code = "host_refused"
)

// Row is one problem type.
type Row struct {
	Code   Code
	Kind   gazetteer.Kind
	Status int
	Title  string
	Retry  int // seconds to wait before the same request is worth sending again; 0: never
}

// URI returns the type URI.
func (r Row) URI() string { return Prefix + string(r.Code) }

// Table returns all rows. The first row of a kind is what an error of that kind
// becomes when nothing more is known about it.
func Table() []Row {
	return []Row{
		{Internal, gazetteer.Internal, http.StatusInternalServerError, "A fault of the service", 0},
		{InvalidRequest, gazetteer.Invalid, http.StatusBadRequest, "The request is malformed", 0},
		{InvalidParameter, gazetteer.Invalid, http.StatusBadRequest, "A parameter is unknown, malformed or in conflict with another", 0},
		{InvalidSession, gazetteer.Invalid, http.StatusBadRequest, "The session's token is damaged, or of another planet or format", 0},
		{MalformedJSON, gazetteer.Invalid, http.StatusBadRequest, "The body is not well-formed JSON", 0},
		{UnsupportedMediaType, gazetteer.Invalid, http.StatusUnsupportedMediaType, "The body's media type or encoding is not taken here", 0},
		{MethodNotAllowed, gazetteer.Invalid, http.StatusMethodNotAllowed, "The path does not take this method", 0},
		{Unprocessable, gazetteer.Unprocessable, http.StatusUnprocessableEntity, "The content is refused", 0},
		{RedirectRefused, gazetteer.Unprocessable, http.StatusUnprocessableEntity, "The type does not allow redirects", 0},
		{UnknownResource, gazetteer.NotFound, http.StatusNotFound, "No such resource", 0},
		{UnknownType, gazetteer.NotFound, http.StatusNotFound, "No such type", 0},
		{UnknownLocation, gazetteer.NotFound, http.StatusNotFound, "No such location", 0},
		{UnknownRegion, gazetteer.NotFound, http.StatusNotFound, "No such region", 0},
		{UnknownMember, gazetteer.NotFound, http.StatusNotFound, "No such member of the region", 0},
		{UnknownRing, gazetteer.NotFound, http.StatusNotFound, "No such ring", 0},
		{UnknownPath, gazetteer.NotFound, http.StatusNotFound, "No such path", 0},
		{NoLocation, gazetteer.NotFound, http.StatusNotFound, "No location to redirect to", 0},
		{Conflict, gazetteer.Conflict, http.StatusConflict, "The present state forbids it", 0},
		{PreconditionFailed, gazetteer.Precondition, http.StatusPreconditionFailed, "If-Match or If-None-Match does not hold", 0},
		{TooLarge, gazetteer.TooLarge, http.StatusRequestEntityTooLarge, "Over a limit", 0},
		{Unavailable, gazetteer.Unavailable, http.StatusServiceUnavailable, "Nobody can answer now", 1},
		{Overloaded, gazetteer.Unavailable, http.StatusServiceUnavailable, "The server is busy", 1},
		{RateLimited, gazetteer.Unavailable, http.StatusTooManyRequests, "Too many requests from this address", 1},
		{TooManyWatches, gazetteer.Unavailable, http.StatusTooManyRequests, "Too many watches from this address", 1},
		{CursorGone, gazetteer.Conflict, http.StatusGone, "The watch cannot go on from its cursor", 0},
		{WrongOwner, gazetteer.WrongOwner, http.StatusServiceUnavailable, "The plan is changing", 1},
		{Misdirected, gazetteer.WrongOwner, http.StatusMisdirectedRequest, "This server holds no replica that can answer", 0},
		{Unserved, gazetteer.Unserved, http.StatusServiceUnavailable, "The servers are still filling", 1},
		{Deadline, gazetteer.Deadline, http.StatusGatewayTimeout, "Not done in time", 1},
		{SessionBehind, gazetteer.Behind, http.StatusGatewayTimeout, "No replica that was reached has what the session has been shown", 1},
		{Lost, gazetteer.Unavailable, http.StatusBadGateway, "The regional server was lost before its answer came", 0},
		{DiskFull, gazetteer.Full, http.StatusInsufficientStorage, "The disk is nearly full: writes are refused", 60},
		{Unsupported, gazetteer.Unsupported, http.StatusNotImplemented, "Not supported by this server", 0},
		{Denied, gazetteer.Denied, http.StatusForbidden, "Not allowed", 0},
		{CrossOrigin, gazetteer.Denied, http.StatusForbidden, "A web page of another origin may not do this", 0},
		{HostRefused, gazetteer.Denied, http.StatusForbidden, "The Host of the request is not served here", 0},
	}
}

// OfKind returns the row that an error of kind k becomes.
func OfKind(k gazetteer.Kind) Row {
	for _, r := range Table() {
		if r.Kind == k {
			return r
		}
	}
	return Table()[0]
}

// OfCode returns the row of a code.
func OfCode(c Code) Row {
	for _, r := range Table() {
		if r.Code == c {
			return r
		}
	}
	return Table()[0]
}

// KindOf is the way back: the kind of error that an answer with this code and status
// tells of. The code decides; the status alone when the answer is not of this service,
// say from a proxy.
func KindOf(c Code, status int) gazetteer.Kind {
	for _, r := range Table() {
		if r.Code == c {
			return r.Kind
		}
	}
	for _, r := range Table() {
		if r.Status == status {
			return r.Kind
		}
	}
	if status >= 400 && status < 500 {
		return gazetteer.Invalid
	}
	return gazetteer.Internal
}

// Document is a problem as it stands on the wire.
type Document struct {
	Type      string  `json:"type"`
	Title     string  `json:"title"`
	Status    int     `json:"status"`
	Detail    string  `json:"detail,omitempty"`
	Instance  string  `json:"instance,omitempty"`
	Code      Code    `json:"code"`
	Errors    []Entry `json:"errors,omitempty"`
	RequestID string  `json:"request_id,omitempty"`
	// RetryAfter is the Retry-After header again, for programs that only see bodies.
	RetryAfter int `json:"retry_after_seconds,omitempty"`
	// Line and Acknowledged belong to imports: the line that stopped it, counted from
	// 1, and how many lines are stored for good. All before that line are among them,
	// and maybe some of the next ones: sending all from that line on again is safe.
	Line         int64 `json:"line,omitempty"`
	Acknowledged int64 `json:"acknowledged,omitzero"`
	// Plan belongs to misdirected: the epoch of the server's plan.
	Plan uint64 `json:"plan,omitempty"`
}

// Entry points at one fault of the input: by JSON pointer (RFC 6901) into the body, or
// by the name of a parameter or header.
type Entry struct {
	Pointer string `json:"pointer"`
	Detail  string `json:"detail"`
}
