// Package client talks to a regional server over REST: lookups, the catalogue, bulk
// streams. The command line uses it, and so may any Go program.
//
// Errors of the server come back as *gazetteer.Error with the kind they had there; the
// table between the two stands in api/rest/problem.
package client

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"time"

	"gazetteer"
)

// Config says whom to talk to.
type Config struct {
	// Addr is the URL of a regional server, such as http://127.0.0.1:8080.
	Addr string
	// HTTP sends the requests; nil for one with connection limits fit for bulk work.
	HTTP *http.Client
	// Retries is how often a request is sent again that cannot have been done or may be
	// done twice: 0 means 2, below 0 never.
	Retries int
}

// Client is safe for concurrent use.
type Client struct {
	base    *url.URL
	http    *http.Client
	retries int
}

// New checks the address; it sends nothing.
func New(c Config) (*Client, error) {
	base, err := url.Parse(c.Addr)
	if err != nil || base.Host == "" || base.Scheme != "http" && base.Scheme != "https" {
		return nil, &gazetteer.Error{Op: "client.New", Kind: gazetteer.Invalid, Err: err,
			Detail: fmt.Sprintf("%.200q is not the URL of a server, such as http://127.0.0.1:8080", c.Addr)}
	}
	k := &Client{base: base, http: c.HTTP, retries: c.Retries}
	if k.http == nil {
		k.http = &http.Client{Transport: transport(), CheckRedirect: stay}
	}
	if c.Retries == 0 {
		k.retries = 2
	}
	return k, nil
}

// transport keeps as many connections as a publisher with many writers needs.
func transport() *http.Transport {
	t := http.DefaultTransport.(*http.Transport).Clone()
	t.MaxIdleConnsPerHost = 64
	t.DialContext = (&net.Dialer{Timeout: 5 * time.Second}).DialContext
	return t
}

// stay hands a redirect to the caller: it is an answer, not a detour.
func stay(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }

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
	path := u.EscapedPath()
	for len(path) > 0 && path[len(path)-1] == '/' {
		path = path[:len(path)-1]
	}
	for _, s := range r.path {
		path += "/" + segment(s)
	}
	u.RawPath = path + r.verb
	u.Path, _ = url.PathUnescape(u.RawPath) // of our own making: it cannot fail
	u.RawQuery = r.query.Encode()
	return u.String()
}

// segment escapes an opaque id so that nobody on the way takes it for more than one
// segment, or for none: "." and ".." too.
func segment(s string) string {
	switch s {
	case ".":
		return "%2E"
	case "..":
		return "%2E%2E"
	}
	return url.PathEscape(s)
}

// send sends a request, again if that is safe and the connection failed, and returns the
// response of a success. The caller closes its body.
func (c *Client) send(ctx context.Context, r *request) (*http.Response, error) {
	pause := 50 * time.Millisecond
	for try := 0; ; try++ {
		res, err := c.once(ctx, r)
		if err == nil {
			return res, nil
		}
		if try >= c.retries || !again(r, err) {
			return nil, err
		}
		select {
		case <-ctx.Done():
			return nil, err
		case <-time.After(pause):
		}
		pause *= 4
	}
}

// again reports whether a failed request may be sent once more: every method here but
// POST and PATCH is idempotent (RFC 9110, section 9.2.2) unless it is conditional.
func again(r *request, err error) bool {
	conditional := r.header.Get("If-Match") != "" || r.header.Get("If-None-Match") != ""
	if r.method == http.MethodPost || r.method == http.MethodPatch || conditional {
		return false
	}
	var refused *net.OpError
	return errors.As(err, &refused) || errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF)
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

// into sends a request and decodes the answer into v, unless v is nil.
func (c *Client) into(ctx context.Context, r *request, v any) (http.Header, int, error) {
	res, err := c.send(ctx, r)
	if err != nil {
		return nil, 0, err
	}
	defer res.Body.Close()
	if v == nil || res.StatusCode == http.StatusNoContent {
		_, err = io.Copy(io.Discard, res.Body)
		return res.Header, res.StatusCode, err
	}
	if err := json.NewDecoder(res.Body).Decode(v); err != nil {
		return nil, 0, &gazetteer.Error{Op: "client.Read", Kind: gazetteer.Unavailable, Err: err,
			Detail: "the answer is not what a gazetteer server says; is the address right?"}
	}
	return res.Header, res.StatusCode, nil
}
