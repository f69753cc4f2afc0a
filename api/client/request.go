package client

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"net"
	"net/http"
	"net/url"
	"strings"

	"gazetteer"
)

// request is one call of the API.
type request struct {
	method string
	path   []string // segments, not escaped yet
	verb   string   // ":import" and the like, behind the last segment
	query  url.Values
	header http.Header
	body   []byte // nil for none
	kind   string // of the body; application/json unless it says otherwise
}

func (c *Client) url(r *request) string {
	u := *c.base
	path := strings.TrimRight(u.EscapedPath(), "/")
	for _, s := range r.path {
		path += "/" + segment(s)
	}
	u.RawPath = path + r.verb
	u.Path, _ = url.PathUnescape(u.RawPath) // of our own making: it cannot fail
	u.RawQuery = r.query.Encode()
	return u.String()
}

// segment escapes an opaque id so that nobody on the way takes it for more than one
// segment, for none ("." and ".."), or for one with a verb behind a colon.
func segment(s string) string {
	if s == "." || s == ".." {
		return strings.ReplaceAll(s, ".", "%2E")
	}
	return strings.ReplaceAll(url.PathEscape(s), ":", "%3A")
}

// send sends a request, again if that is safe and the connection failed, and returns the
// response of a success. The caller closes its body.
func (c *Client) send(ctx context.Context, r *request) (*http.Response, error) {
	c.budget.earn()
	for try := 0; ; try++ {
		res, err := c.once(ctx, r)
		if err == nil {
			return res, nil
		}
		if try >= c.retries || !again(r, err) || ctx.Err() != nil || !c.budget.spend() || pause(ctx, try) != nil {
			return nil, err
		}
	}
}

// again reports whether a failed request may be sent once more: if nobody was there to
// take it, or if doing it twice is like doing it once. Of the methods here all but POST
// and PATCH are so (RFC 9110, section 9.2.2), unless they are conditional: then the
// second would be refused for what the first has done.
func again(r *request, err error) bool {
	var failed *net.OpError
	lost := errors.As(err, &failed)
	if lost && failed.Op == "dial" {
		return true
	}
	conditional := r.header.Get("If-Match") != "" || r.header.Get("If-None-Match") != ""
	if r.method == http.MethodPost || r.method == http.MethodPatch || conditional {
		return false
	}
	return lost || errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF)
}

func (c *Client) once(ctx context.Context, r *request) (*http.Response, error) {
	var body io.Reader
	if r.body != nil {
		body = bytes.NewReader(r.body)
	}
	return c.stream(ctx, r, body)
}

// stream sends a request whose body is read as it goes.
func (c *Client) stream(ctx context.Context, r *request, body io.Reader) (*http.Response, error) {
	q, err := http.NewRequestWithContext(ctx, r.method, c.url(r), body)
	if err != nil {
		return nil, &gazetteer.Error{Op: "client.Send", Kind: gazetteer.Invalid, Err: err}
	}
	for k, v := range r.header {
		q.Header[k] = v
	}
	if body != nil {
		kind := r.kind
		if kind == "" {
			kind = "application/json"
		}
		q.Header.Set("Content-Type", kind)
	}
	q.Header.Set("Accept", "application/json")
	res, err := c.http.Do(q)
	if err != nil {
		return nil, unreached(ctx, err)
	}
	if res.StatusCode >= 300 && res.StatusCode != http.StatusNotModified {
		defer res.Body.Close()
		return nil, problemIn(res)
	}
	return res, nil
}

// unreached is the error of a request that got no answer.
func unreached(ctx context.Context, err error) error {
	e := &gazetteer.Error{Op: "client.Send", Kind: gazetteer.Unavailable, Err: err, Detail: "no answer from the server"}
	if ctx.Err() != nil {
		e.Kind, e.Detail = gazetteer.Deadline, "not answered in time"
	}
	return e
}

// answerMax bounds an answer that is held whole: a page of the largest records.
const answerMax = 64 << 20

// into sends a request and decodes the answer into v, unless v is nil.
func (c *Client) into(ctx context.Context, r *request, v any) (http.Header, int, error) {
	res, err := c.send(ctx, r)
	if err != nil {
		return nil, 0, err
	}
	defer res.Body.Close()
	body := io.LimitReader(res.Body, answerMax)
	if v == nil || res.StatusCode == http.StatusNoContent {
		if _, err = io.Copy(io.Discard, body); err != nil {
			err = unreached(ctx, err)
		}
		return res.Header, res.StatusCode, err
	}
	if err := json.NewDecoder(body).Decode(v); err != nil {
		return nil, 0, unreadable(ctx, err)
	}
	return res.Header, res.StatusCode, nil
}

// unreadable is the error of an answer that broke off, or is none of ours.
func unreadable(ctx context.Context, err error) error {
	var failed net.Error
	if ctx.Err() != nil || errors.Is(err, io.ErrUnexpectedEOF) || errors.As(err, &failed) {
		return unreached(ctx, err)
	}
	return &gazetteer.Error{Op: "client.Read", Kind: gazetteer.Unavailable, Err: err,
		Detail: "the answer is not what a gazetteer server says; is the address right?"}
}
