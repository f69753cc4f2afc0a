package rest

import (
	"net/http"

	"github.com/gin-gonic/gin"

	"gazetteer"
	"gazetteer/api/rest/problem"
	"gazetteer/region"
)

// owners is the plan of a type as clients keep it to ask replicas themselves.
type owners struct {
	Region     gazetteer.RegionID `json:"region"`
	Epoch      uint64             `json:"epoch"`
	Type       gazetteer.Type     `json:"type"`
	Partitions int                `json:"partitions"`
	Rings      []ownerRing        `json:"rings"`
	// Placement has the owner of each partition, as an index into Rings; -1: nobody.
	Placement []int `json:"placement"`
}

type ownerRing struct {
	Name    string  `json:"name"`
	Members []owner `json:"members"`
}

type owner struct {
	Node gazetteer.NodeID `json:"node"`
	HTTP string           `json:"http,omitempty"` // left out: not known
	Live bool             `json:"live"`
}

// ownersOf answers who holds a type in this region.
func (h *Handler) ownersOf(c *gin.Context) error {
	var t gazetteer.Type
	err := eachParameter(c.Request.URL.RawQuery, "", func(name, value string) error {
		if name != "type" {
			return unknownParameter(name, "type")
		}
		t = gazetteer.Type(value)
		if err := t.Validate(); err != nil {
			return badParameter(name, "%s", reason(err))
		}
		return nil
	})
	if err != nil {
		return err
	}
	if t == "" {
		return badParameter("type", "is missing: each type has its own rings")
	}
	o, err := h.regional.Owners(c.Request.Context(), t)
	if err != nil {
		return err
	}
	return h.answerValue(c, http.StatusOK, ownersOnWire(&o))
}

func ownersOnWire(o *region.Owners) owners {
	out := owners{o.Region, o.Epoch, o.Type, len(o.Placement), []ownerRing{}, listed(o.Placement)}
	for _, r := range o.Rings {
		members := []owner{}
		for _, m := range r.Members {
			members = append(members, owner(m))
		}
		out.Rings = append(out.Rings, ownerRing{r.Name, members})
	}
	return out
}

// misdirected says of a direct request that it came to the wrong server: to ask again here
// is of no use, whatever the plan does.
func misdirected(err error) error {
	if e, ok := err.(*gazetteer.Error); ok && e.Kind == gazetteer.WrongOwner {
		return &codedError{problem.Misdirected, e}
	}
	return err
}

// contradiction refuses a direct answer of another region: this server's replica is here.
func contradiction(direct bool, from gazetteer.RegionID) error {
	if direct && from != "" {
		return badParameter("direct", "contradicts region: a direct answer is this server's own")
	}
	return nil
}
