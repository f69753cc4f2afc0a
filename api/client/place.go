package client

import (
	"context"
	"encoding/json"
	"net/http"
	"time"

	"gazetteer"
)

// Placement says where a client is, and which region is best for him.
type Placement struct {
	Client   Whereabouts `json:"client"`
	Regions  []Choice    `json:"regions"` // best first
	ServedBy struct {
		Region string `json:"region"`
		Node   string `json:"node"`
	} `json:"served_by"`
}

// Whereabouts say where a client is taken to be, and why.
type Whereabouts struct {
	Place
	Address string `json:"address,omitempty"` // empty: he was not placed by one
	Source  string `json:"source,omitempty"`  // what knew an address that was stated
	Region  string `json:"region,omitempty"`  // that the operator's networks name
	Network string `json:"network,omitempty"` // whose clients all get the same answer
}

// Choice is a region in the order for a client.
type Choice struct {
	Region     string      `json:"region"`
	State      string      `json:"state"` // live, draining, unreachable
	Self       bool        `json:"self"`  // it is the region that answered
	DistanceKM *float64    `json:"distance_km,omitempty"`
	ScoreMS    float64     `json:"score_ms"` // lower is better: Terms.RTTMS + Terms.BiasMS
	Terms      ChoiceTerms `json:"terms"`
	Excluded   string      `json:"excluded,omitempty"` // why no client is sent to it
}

// ChoiceTerms are all that a region's score comes from.
type ChoiceTerms struct {
	RTTMS   float64 `json:"rtt_ms"`            // expected
	By      string  `json:"by"`                // what it is expected by
	Network string  `json:"network,omitempty"` // whose clients have measured it
	Sources int     `json:"sources,omitempty"` // how many have
	BiasMS  float64 `json:"bias_ms"`
}

// Where says of which client a placement is: zero for the one who asks.
type Where struct {
	Point   *gazetteer.Point
	Country string
	IP      string
}

// Place says where a client is, which region is best for him, and why.
func (c *Client) Place(ctx context.Context, w Where) (p Placement, err error) {
	q := Query{Point: w.Point, Country: w.Country, IP: w.IP}
	_, _, err = c.into(ctx, &request{method: http.MethodGet, path: []string{"v1", "place"}, query: q.values()}, &p)
	return p, err
}

// Measure tells what round trips this client has measured to regions, and returns how
// many of them were taken. They count for its own network address.
func (c *Client) Measure(ctx context.Context, rtts map[string]time.Duration) (taken int, err error) {
	type measurement struct {
		Region string  `json:"region"`
		RTTMS  float64 `json:"rtt_ms"`
	}
	var report struct {
		Measurements []measurement `json:"measurements"`
	}
	for r, rtt := range rtts {
		report.Measurements = append(report.Measurements, measurement{r, float64(rtt) / float64(time.Millisecond)})
	}
	body, err := json.Marshal(report)
	if err != nil {
		return 0, err
	}
	var out struct{ Taken int }
	_, _, err = c.into(ctx, &request{method: http.MethodPost, path: []string{"v1", "measurements"}, body: body}, &out)
	return out.Taken, err
}
