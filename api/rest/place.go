package rest

import (
	"net/http"
	"net/netip"

	"github.com/gin-gonic/gin"

	"gazetteer"
	"gazetteer/region"
	"gazetteer/region/geo"
)

const placeParameters = "lat, lon, country, ip"

// placement is the answer to where a client is and which region is best for him.
type placement struct {
	Client   whereabouts `json:"client"`
	Regions  []chosen    `json:"regions"`
	ServedBy server      `json:"served_by"`
}

// whereabouts say where a client is taken to be, and why.
type whereabouts struct {
	Address string   `json:"address,omitempty"` // that placed him, if one did
	Lat     *float64 `json:"lat,omitempty"`
	Lon     *float64 `json:"lon,omitempty"`
	Country string   `json:"country,omitempty"`
	Method  string   `json:"method"`
	Source  string   `json:"source,omitempty"`  // what knew a stated address
	Region  string   `json:"region,omitempty"`  // that the operator's networks name
	Network string   `json:"network,omitempty"` // whose clients all get this answer
}

// chosen is a region in the order for a client.
type chosen struct {
	Region     gazetteer.RegionID `json:"region"`
	State      region.SiteState   `json:"state"`
	Self       bool               `json:"self"`
	DistanceKM *float64           `json:"distance_km,omitempty"`
	ScoreMS    float64            `json:"score_ms"`
	Terms      chosenTerms        `json:"terms"`
	Excluded   string             `json:"excluded,omitempty"`
}

type chosenTerms struct {
	RTTMS   float64            `json:"rtt_ms"`
	By      region.Expectation `json:"by"`
	Network string             `json:"network,omitempty"` // that has measured it
	Sources int                `json:"sources,omitempty"`
	BiasMS  float64            `json:"bias_ms"`
}

type server struct {
	Region gazetteer.RegionID `json:"region"`
	Node   gazetteer.NodeID   `json:"node"`
}

// place answers where a client is and which region is best for him, and why.
func (h *Handler) place(c *gin.Context) error {
	client := geo.Client{Addr: h.proxies.client(c.Request)}
	if err := h.readClient(c.Request.URL.RawQuery, &client); err != nil {
		return err
	}
	at, choices := h.regional.Order(nil, &client)
	addr := region.Address(&client)
	out := placement{Client: whereaboutsOf(&at, addr), Regions: []chosen{}, ServedBy: server{h.region, h.node}}
	for i := range choices {
		out.Regions = append(out.Regions, chosenOf(&choices[i], addr))
	}
	return h.answerValue(c, http.StatusOK, out)
}

func (h *Handler) readClient(query string, client *geo.Client) error {
	var (
		l lookup
		s statement
	)
	l.query.Client = *client
	err := eachParameter(query, "", func(name, value string) error {
		switch name {
		case "lat", "lon", "country", "ip":
			return h.lookupParameter(&l, &s, name, value)
		}
		return unknownParameter(name, placeParameters)
	})
	*client = l.query.Client
	if err != nil {
		return err
	}
	return s.check()
}

func whereaboutsOf(p *geo.Place, addr netip.Addr) whereabouts {
	w := whereabouts{Country: p.Country, Method: string(p.Method), Source: string(p.Source), Region: string(p.Region)}
	if p.Located {
		w.Lat, w.Lon = &p.Point.Lat, &p.Point.Lon
	}
	if p.Network.IsValid() {
		w.Network = p.Network.String()
		if addr = addr.Unmap(); p.Network.Contains(addr) {
			w.Address = addr.String()
		}
	}
	return w
}

func chosenOf(c *region.Choice, addr netip.Addr) chosen {
	out := chosen{
		Region: c.Site.Name, State: c.Site.State, Self: c.Site.Self, ScoreMS: c.Score, Excluded: c.Excluded,
		Terms: chosenTerms{RTTMS: c.Terms.RTT, By: c.Terms.By, Sources: c.Terms.Sources, BiasMS: c.Terms.Bias},
	}
	if c.HasDistance {
		out.DistanceKM = &c.DistanceKM
	}
	if c.Terms.By == region.ByLearned {
		n, _ := addr.Unmap().WithZone("").Prefix(c.Terms.Length) // of this address: it has the bits
		out.Terms.Network = n.String()
	}
	return out
}
