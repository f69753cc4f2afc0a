package client

import (
	"context"
	"net/http"
	"net/url"
	"strconv"
	"time"
)

// Conflicts are the newest entries of the planet's conflict journal.
type Conflicts struct {
	Total     int        `json:"total"`     // entries there are
	Conflicts []Conflict `json:"conflicts"` // newest first
}

// Conflict is a value that has lost against one written at the same time.
type Conflict struct {
	Type     string    `json:"type"`
	ID       string    `json:"id"`
	Location string    `json:"location,omitempty"` // empty: the attributes
	SeenAt   time.Time `json:"seen_at"`
	Loser    Lost      `json:"loser"`
	Winner   struct {
		Stamp Stamp `json:"stamp"`
	} `json:"winner"`
}

// Lost is the value that has lost.
type Lost struct {
	Stamp   Stamp  `json:"stamp"`
	Deleted bool   `json:"deleted,omitempty"`
	Body    []byte `json:"body,omitempty"` // as it was stored
}

// Stamp orders the values of one element; it names the origin that gave it.
type Stamp struct {
	Epoch       uint32    `json:"epoch"`
	Time        time.Time `json:"time"`
	Counter     uint16    `json:"counter"`
	Store       string    `json:"store"`
	Incarnation string    `json:"incarnation"`
}

// Conflicts returns the conflict journal of the planet, at most limit entries; 0 for the
// server's default.
func (c *Client) Conflicts(ctx context.Context, limit int) (cs Conflicts, err error) {
	r := &request{method: http.MethodGet, path: []string{"v1", "conflicts"}}
	if limit > 0 {
		r.query = url.Values{"limit": {strconv.Itoa(limit)}}
	}
	_, _, err = c.into(ctx, r, &cs)
	return cs, err
}
