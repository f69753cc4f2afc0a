package rest

import (
	"context"
	"net/http"

	"github.com/gin-gonic/gin"

	"gazetteer"
	"gazetteer/api/rest/problem"
	"gazetteer/region"
)

// lag is how far behind another region what is known of it may be.
type lag struct {
	Name   gazetteer.RegionID `json:"name"`
	State  string             `json:"state"`
	Self   bool               `json:"self"`
	RTT    *milliseconds      `json:"rtt_ms,omitempty"`         // left out: not known
	Silent *seconds           `json:"silent_seconds,omitempty"` // left out: this region, or one that never spoke
	Lag    *seconds           `json:"lag_seconds,omitempty"`    // left out: not known
}

func lagOf(r *region.RegionStatus) lag {
	l := lag{Name: r.Name, State: r.State, Self: r.Self}
	if r.RTT > 0 {
		l.RTT = (*milliseconds)(&r.RTT)
	}
	if r.Silent > 0 {
		l.Silent = (*seconds)(&r.Silent)
	}
	if r.Lag >= 0 {
		l.Lag = (*seconds)(&r.Lag)
	}
	return l
}

// known is a region as it is told of.
type known struct {
	lag
	coordinates
	Servers []entry  `json:"servers"`
	Stores  int      `json:"stores"`
	BiasMS  *float64 `json:"bias_ms,omitempty"` // left out: none
}

// entry is a regional server.
type entry struct {
	Node gazetteer.NodeID `json:"node"`
	Peer string           `json:"peer"`
	HTTP string           `json:"http,omitempty"`
}

func knownOf(r *region.RegionStatus) known {
	k := known{lag: lagOf(r), coordinates: coordinatesOf(r), Servers: []entry{}, Stores: r.Stores, BiasMS: biasMS(r.Bias)}
	for _, s := range r.Servers {
		k.Servers = append(k.Servers, entry(s))
	}
	return k
}

func (h *Handler) listRegions(c *gin.Context) error {
	t, err := h.planet(c)
	if err != nil {
		return err
	}
	return h.answerValue(c, http.StatusOK, knownOfAll(&t))
}

// allKnown is the body of /v1/regions.
type allKnown struct {
	Regions []known `json:"regions"`
}

func knownOfAll(t *region.Topology) allKnown {
	all := allKnown{[]known{}}
	for i := range t.Regions {
		all.Regions = append(all.Regions, knownOf(&t.Regions[i]))
	}
	return all
}

func (h *Handler) getRegion(c *gin.Context) error {
	name, err := regionIn(c)
	if err != nil {
		return err
	}
	t, err := h.planet(c)
	if err != nil {
		return err
	}
	for i := range t.Regions {
		if t.Regions[i].Name == name {
			return h.answerValue(c, http.StatusOK, knownOf(&t.Regions[i]))
		}
	}
	return coded(problem.UnknownRegion, gazetteer.NotFound, "", "no region is named %s; GET /v1/regions lists all that are known here", quoted(string(name)))
}

// regionIn reads the region that the path names.
func regionIn(c *gin.Context) (gazetteer.RegionID, error) {
	s, err := segment(c, 0)
	if err != nil {
		return "", err
	}
	r := gazetteer.RegionID(s)
	return r, r.Validate()
}

func (h *Handler) drainRegion(c *gin.Context) error { return h.drain(c, true) }

func (h *Handler) undrainRegion(c *gin.Context) error { return h.drain(c, false) }

func (h *Handler) drain(c *gin.Context, drain bool) error {
	if err := noParameters(c.Request); err != nil {
		return err
	}
	name, err := regionIn(c)
	if err != nil {
		return err
	}
	err = h.operate(c, operation{missing: problem.UnknownRegion}, func(ctx context.Context, o region.Operator) error { return o.DrainRegion(ctx, name, drain) })
	if err != nil {
		return err
	}
	return h.done(c)
}

func (h *Handler) removeRegion(c *gin.Context) error {
	name, err := regionIn(c)
	if err != nil {
		return err
	}
	force, err := forceIn(c.Request)
	if err != nil {
		return err
	}
	err = h.operate(c, operation{missing: problem.UnknownRegion}, func(ctx context.Context, o region.Operator) error { return o.RemoveRegion(ctx, name, force) })
	if err != nil {
		return err
	}
	return h.done(c)
}

// admitRegion answers with what the new region joins by.
func (h *Handler) admitRegion(c *gin.Context) error {
	text, err := h.document(c, planBody)
	if err != nil {
		return err
	}
	name, err := readNewRegion(text)
	if err != nil {
		return malformed(err)
	}
	var token region.JoinToken
	about := operation{problem.UnknownRegion, [][2]string{{"/region", "/name"}}}
	err = h.operate(c, about, func(ctx context.Context, o region.Operator) (err error) {
		token, err = o.AdmitRegion(ctx, name)
		return err
	})
	if err != nil {
		return err
	}
	c.Writer.Header()["Location"] = []string{h.base + "/v1/regions/" + string(name)}
	return h.answerToken(c, http.StatusCreated, name, token)
}

func readNewRegion(text string) (gazetteer.RegionID, error) {
	var (
		r    reader
		name gazetteer.RegionID
	)
	r.Reset(text)
	for ok := r.Object(); ok; {
		var key string
		if key, ok = r.Key(); !ok {
			break
		}
		if key != "name" {
			r.Unknown()
			continue
		}
		name = gazetteer.RegionID(r.String())
	}
	if err := r.End(); err != nil {
		return "", err
	}
	if err := name.Validate(); err != nil {
		return "", refused(gazetteer.Unprocessable, "/name", "%s", reason(err))
	}
	return name, nil
}
