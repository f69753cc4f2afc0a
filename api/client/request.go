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
	"time"

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

func (d *door) url(r *request) string {
	u := *d.base
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

func (c *Client) once(ctx context.Context, d *door, r *request, patience time.Duration) (*http.Response, error) {
	var body io.Reader
	if r.body != nil {
		body = bytes.NewReader(r.body)
	}
	q, err := d.request(ctx, r, body)
	if err != nil {
		return nil, err
	}
	return answered(ctx, func() (*http.Response, error) {
		return c.inSession(q, func() (*http.Response, error) { return c.within(q, patience) })
	})
}

// stream sends a request whose body is read as it goes: once, to the first address that
// is likely to take it.
func (c *Client) stream(ctx context.Context, r *request, body io.Reader) (*http.Response, error) {
	d, _ := c.doors.next(map[*door]bool{}, time.Now())
	q, err := d.request(ctx, r, body)
	if err != nil {
		return nil, err
	}
	res, err := answered(ctx, func() (*http.Response, error) { return c.http.Do(q) })
	if err != nil {
		c.learn(ctx, d, err)
	}
	return res, err
}

func (d *door) request(ctx context.Context, r *request, body io.Reader) (*http.Request, error) {
	q, err := http.NewRequestWithContext(ctx, r.method, d.url(r), body)
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
	if q.Header.Get("Accept") == "" {
		q.Header.Set("Accept", "application/json")
	}
	return q, nil
}

// answered returns the response of a success; every other answer is an error.
func answered(ctx context.Context, ask func() (*http.Response, error)) (*http.Response, error) {
	res, err := ask()
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

// decoded decodes the answer into v, whole or not at all, and closes it.
func decoded(ctx context.Context, res *http.Response, v any) error {
	defer res.Body.Close()
	text, err := io.ReadAll(io.LimitReader(res.Body, answerMax))
	if err == nil {
		err = json.Unmarshal(text, v)
	}
	if err != nil {
		return unreadable(ctx, err)
	}
	return nil
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
