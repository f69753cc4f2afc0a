package rest

import (
	"context"
	"net/http"

	"github.com/gin-gonic/gin"

	"gazetteer"
	"gazetteer/api/rest/problem"
	"gazetteer/region"
)

// planetMap is the body of /v1/topology.
type planetMap struct {
	Epoch    string       `json:"epoch"`   // of the tree in use; "" before the first
	Running  string       `json:"running"` // of the tree that is being built; "" if none is
	Due      string       `json:"due"`     // why another tree is needed; "" if none is
	Regions  []placed     `json:"regions"`
	Edges    []edge       `json:"edges"`
	Weight   milliseconds `json:"weight_ms"`
	Messages uint64       `json:"messages"`

	Halted    milliseconds `json:"halted_ms"`    // from waking until this region, of the core, knew that the tree is complete; else 0
	Installed milliseconds `json:"installed_ms"` // from waking until this region used it
}

type placed struct {
	Name gazetteer.RegionID `json:"name"`
	coordinates
	State string `json:"state"`
}

// coordinates are left out where they are not known.
type coordinates struct {
	Lat *float64 `json:"lat,omitempty"`
	Lon *float64 `json:"lon,omitempty"`
}

type edge struct {
	A           gazetteer.RegionID `json:"a"`
	B           gazetteer.RegionID `json:"b"`
	Cost        milliseconds       `json:"cost_ms"`
	Tree        bool               `json:"tree"`
	Provisional bool               `json:"provisional"`
}

func coordinatesOf(r *region.RegionStatus) coordinates {
	if !r.Located {
		return coordinates{}
	}
	return coordinates{&r.Point.Lat, &r.Point.Lon}
}

func (h *Handler) topology(c *gin.Context) error {
	follow, err := followed(c.Request)
	if err != nil {
		return err
	}
	if follow {
		return h.followPlanet(c)
	}
	t, err := h.planetNow(c)
	if err != nil {
		return err
	}
	return h.answerValue(c, http.StatusOK, mapOf(&t))
}

func mapOf(t *region.Topology) planetMap {
	m := planetMap{Epoch: t.Epoch, Running: t.Running, Due: t.Due, Regions: []placed{}, Edges: []edge{}, Weight: milliseconds(t.Weight), Messages: t.Messages,
		Halted: milliseconds(t.Halted), Installed: milliseconds(t.Installed)}
	for i := range t.Regions {
		r := &t.Regions[i]
		m.Regions = append(m.Regions, placed{r.Name, coordinatesOf(r), r.State})
	}
	for _, e := range t.Edges {
		m.Edges = append(m.Edges, edge{e.A, e.B, milliseconds(e.Cost), e.Tree, e.Provisional})
	}
	return m
}

// planet answers what this region knows of the others to a request that takes no parameters.
func (h *Handler) planet(c *gin.Context) (t region.Topology, err error) {
	if err := noParameters(c.Request); err != nil {
		return t, err
	}
	return h.planetNow(c)
}

// planetNow asks what this region knows of the others.
func (h *Handler) planetNow(c *gin.Context) (t region.Topology, err error) {
	err = h.operate(c, operation{missing: problem.UnknownRegion}, func(ctx context.Context, o region.Operator) (err error) {
		t, err = o.Topology(ctx)
		return err
	})
	return t, err
}
