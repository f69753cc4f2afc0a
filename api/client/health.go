package client

import (
	"context"
	"net/http"
	"net/url"
	"time"
)

// Health is what one region knows of one location.
type Health struct {
	Location   string    `json:"location"`
	By         string    `json:"by"` // lease or check
	Region     string    `json:"region"`
	State      string    `json:"state"` // up or down
	Since      time.Time `json:"since,omitzero"`
	TTLSeconds float64   `json:"ttl_seconds,omitempty"` // of a lease
}

// Checks say how each region checks the locations of a type. Zero fields take the
// server's defaults.
type Checks struct {
	Kind            string  `json:"kind"` // http or tcp
	IntervalSeconds float64 `json:"interval_seconds,omitempty"`
	TimeoutSeconds  float64 `json:"timeout_seconds,omitempty"`
	Path            string  `json:"path,omitempty"`
	Port            uint16  `json:"port,omitempty"`
	Rise            int     `json:"rise,omitempty"`
	Fall            int     `json:"fall,omitempty"`
}

// GetHealth returns a resource with what the regions know of the health of its locations,
// as a region holds it, "" for the one asked.
func (c *Client) GetHealth(ctx context.Context, t, id, region string) (Document, error) {
	r := &request{method: http.MethodGet, path: resource(t, id), query: url.Values{"health": {"1"}}}
	if region != "" {
		r.query.Set("region", region)
	}
	var d Document
	_, _, err := c.into(ctx, r, &d)
	return d, err
}

// PutLeased adds or replaces one location of a resource, and takes or renews a lease of it:
// without another renewal it is down after that time. A time of 0 gives the lease up.
func (c *Client) PutLeased(ctx context.Context, t, id string, l Location, lease time.Duration, o WriteOptions) (Written, error) {
	o.lease = &lease
	return c.PutLocation(ctx, t, id, l, o)
}

// Renew renews the lease of a location: without another renewal it is down after that
// time. A time of 0 gives the lease up.
func (c *Client) Renew(ctx context.Context, t, id, l string, lease time.Duration, o WriteOptions) error {
	o.lease = &lease
	r := &request{method: http.MethodPost, path: location(t, id, l), verb: ":heartbeat"}
	o.apply(r)
	_, _, err := c.into(ctx, r, nil)
	return err
}
