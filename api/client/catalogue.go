package client

import (
	"context"
	"encoding/json"
	"iter"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"gazetteer"
)

// Query asks where a resource is. Zero fields say nothing.
type Query struct {
	Type, ID string
	Limit    int
	Point    *gazetteer.Point
	Country  string
	IP       string
	Region   string
	Filter   string
	Prefer   string   // as Filter, but leaves nothing out
	Avoid    []string // location ids
	// MaxStale is how old the knowledge of the replica that answers may be; 0 for any.
	MaxStale time.Duration
	Explain  bool
}

func (q *Query) values() url.Values {
	v := url.Values{}
	set := func(name, value string) {
		if value != "" {
			v.Set(name, value)
		}
	}
	if q.Limit > 0 {
		set("limit", strconv.Itoa(q.Limit))
	}
	if q.Point != nil {
		set("lat", strconv.FormatFloat(q.Point.Lat, 'g', -1, 64))
		set("lon", strconv.FormatFloat(q.Point.Lon, 'g', -1, 64))
	}
	set("country", q.Country)
	set("ip", q.IP)
	set("region", q.Region)
	set("filter", q.Filter)
	set("prefer", q.Prefer)
	if len(q.Avoid) > 0 {
		v["avoid"] = q.Avoid
	}
	if q.MaxStale > 0 {
		set("max_stale", q.MaxStale.String())
	}
	if q.Explain {
		set("explain", "1")
	}
	return v
}

// Resolve asks where a resource is, best first.
func (c *Client) Resolve(ctx context.Context, q Query) (Answer, error) {
	var a Answer
	err := c.read(ctx, q.Type, q.ID, &request{method: http.MethodGet, path: []string{"v1", "resolve", q.Type, q.ID}, query: q.values()}, &a)
	return a, err
}

// WriteOptions say under which condition a write is done and how far it must get.
type WriteOptions struct {
	IfMatch  string // a version, or "*" for any
	Create   bool   // only if the resource does not exist
	Ack      string // "local", "ring" or "regions"; empty for the server's default
	Deadline time.Duration
	lease    *time.Duration // see PutLeased
}

func (o *WriteOptions) apply(r *request) {
	r.query, r.header = url.Values{}, http.Header{}
	if o.Ack != "" {
		r.query.Set("ack", o.Ack)
	}
	if o.Deadline > 0 {
		r.query.Set("deadline", o.Deadline.String())
	}
	if o.lease != nil {
		r.query.Set("ttl", o.lease.String())
	}
	switch {
	case o.Create:
		r.header.Set("If-None-Match", "*")
	case o.IfMatch == "*":
		r.header.Set("If-Match", "*")
	case o.IfMatch != "":
		r.header.Set("If-Match", `"`+o.IfMatch+`"`)
	}
}

// Written says what became of a write.
type Written struct {
	Version string // of the resource afterwards; empty if it is gone
	Created bool
	// Short says that it is stored, but not as widely as was asked.
	Short bool
}

func resource(t, id string) []string { return []string{"v1", "types", t, "resources", id} }

func location(t, id, l string) []string { return append(resource(t, id), "locations", l) }

// Get returns a resource.
func (c *Client) Get(ctx context.Context, t, id string) (Document, error) {
	return c.GetFrom(ctx, t, id, "")
}

// GetFrom returns a resource as a region holds it, "" for the one asked.
func (c *Client) GetFrom(ctx context.Context, t, id, region string) (Document, error) {
	r := &request{method: http.MethodGet, path: resource(t, id)}
	if region != "" {
		r.query = url.Values{"region": {region}}
	}
	var d Document
	err := c.read(ctx, t, id, r, &d)
	return d, err
}

// Put makes a resource what the document says.
func (c *Client) Put(ctx context.Context, d Document, o WriteOptions) (Written, error) {
	return c.write(ctx, http.MethodPut, resource(d.Type, d.ID), d, o)
}

// PutText is Put of a document as text, which the server checks to the letter.
func (c *Client) PutText(ctx context.Context, t, id string, text []byte, o WriteOptions) (Written, error) {
	return c.write(ctx, http.MethodPut, resource(t, id), json.RawMessage(text), o)
}

// Patch merges a document into a resource (RFC 7396); locations are merged by their ids.
func (c *Client) Patch(ctx context.Context, t, id string, patch []byte, o WriteOptions) (Written, error) {
	return c.write(ctx, http.MethodPatch, resource(t, id), json.RawMessage(patch), o)
}

// Delete removes a resource with all locations that it now has.
func (c *Client) Delete(ctx context.Context, t, id string, o WriteOptions) (Written, error) {
	return c.write(ctx, http.MethodDelete, resource(t, id), nil, o)
}

// PutLocation adds or replaces one location of a resource.
func (c *Client) PutLocation(ctx context.Context, t, id string, l Location, o WriteOptions) (Written, error) {
	return c.write(ctx, http.MethodPut, location(t, id, l.ID), l, o)
}

// DeleteLocation removes one location of a resource.
func (c *Client) DeleteLocation(ctx context.Context, t, id, l string, o WriteOptions) (Written, error) {
	return c.write(ctx, http.MethodDelete, location(t, id, l), nil, o)
}

func (c *Client) write(ctx context.Context, method string, path []string, body any, o WriteOptions) (Written, error) {
	r := &request{method: method, path: path}
	o.apply(r)
	switch b := body.(type) {
	case nil:
	case json.RawMessage:
		r.body = b
	default:
		text, err := json.Marshal(b)
		if err != nil {
			return Written{}, &gazetteer.Error{Op: "client.Write", Kind: gazetteer.Invalid, Err: err}
		}
		r.body = text
	}
	if method == http.MethodPatch {
		r.kind = "application/merge-patch+json"
	}
	header, status, err := c.into(ctx, r, nil)
	if err != nil {
		return Written{}, err
	}
	return Written{
		Version: strings.Trim(header.Get("Etag"), `"`),
		Created: status == http.StatusCreated,
		Short:   status == http.StatusAccepted,
	}, nil
}

// Types returns all types.
func (c *Client) Types(ctx context.Context) ([]Type, error) {
	var list struct{ Types []Type }
	_, _, err := c.into(ctx, &request{method: http.MethodGet, path: []string{"v1", "types"}}, &list)
	return list.Types, err
}

// Type returns one type.
func (c *Client) Type(ctx context.Context, name string) (Type, error) {
	var t Type
	_, _, err := c.into(ctx, &request{method: http.MethodGet, path: []string{"v1", "types", name}}, &t)
	return t, err
}

// PutType makes or changes a type.
func (c *Client) PutType(ctx context.Context, t Type) (created bool, err error) {
	text, err := json.Marshal(t)
	if err != nil {
		return false, &gazetteer.Error{Op: "client.PutType", Kind: gazetteer.Invalid, Err: err}
	}
	_, status, err := c.into(ctx, &request{method: http.MethodPut, path: []string{"v1", "types", t.Name}, body: text}, nil)
	return status == http.StatusCreated, err
}

// DeleteType removes a type that has no resources.
func (c *Client) DeleteType(ctx context.Context, name string) error {
	_, _, err := c.into(ctx, &request{method: http.MethodDelete, path: []string{"v1", "types", name}}, nil)
	return err
}

// List yields the resources of a type whose ids start with prefix, page by page. It
// ends after the first error.
func (c *Client) List(ctx context.Context, t, prefix string) iter.Seq2[Document, error] {
	return func(yield func(Document, error) bool) {
		query := url.Values{}
		if prefix != "" {
			query.Set("prefix", prefix)
		}
		for {
			var page struct {
				Resources []Document
				Next      string `json:"next_page_token"`
			}
			_, _, err := c.into(ctx, &request{method: http.MethodGet, path: []string{"v1", "types", t, "resources"}, query: query}, &page)
			if err != nil {
				yield(Document{}, err)
				return
			}
			for _, d := range page.Resources {
				if !yield(d, nil) {
					return
				}
			}
			if page.Next == "" {
				return
			}
			query.Set("page_token", page.Next)
		}
	}
}

// Status returns what the server says of itself, as JSON.
func (c *Client) Status(ctx context.Context) (json.RawMessage, error) {
	var text json.RawMessage
	_, _, err := c.into(ctx, &request{method: http.MethodGet, path: []string{"v1", "status"}}, &text)
	return text, err
}
