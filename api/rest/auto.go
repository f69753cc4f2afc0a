package rest

import (
	"context"
	"net/http"
	"time"

	"github.com/gin-gonic/gin"

	"gazetteer"
	"gazetteer/api/rest/problem"
	"gazetteer/cluster"
	"gazetteer/region"
)

// autoName is what stands in a path in the place of a ring's name for what the rings of a
// cluster follow their demand by. So no ring is called that.
const autoName = "auto"

// cooldownDefault is long beside what moves a ring's share, and short beside a day.
const cooldownDefault = 10 * time.Minute

// auto is what the rings of a cluster follow their demand by.
type auto struct {
	Min        int     `json:"min"`
	Max        int     `json:"max"`
	TargetRate float64 `json:"target_rate"`
	Cooldown   string  `json:"cooldown"`
}

func autoOf(a *cluster.Auto) *auto {
	if a == nil {
		return nil
	}
	return &auto{a.Min, a.Max, a.Rate, a.Cooldown.String()}
}

// setAuto makes the rings of a cluster follow its demand.
func (h *Handler) setAuto(c *gin.Context) error {
	if err := noParameters(c.Request); err != nil {
		return err
	}
	t, err := clusterIn(c)
	if err != nil {
		return err
	}
	text, err := h.text(c, planBody, typeJSON)
	if err != nil {
		return err
	}
	a, err := readAuto(text)
	if err != nil {
		return malformed(err)
	}
	if err := h.follow(c, t, &a); err != nil {
		return err
	}
	return h.answerValue(c, http.StatusOK, autoOf(&a))
}

// unsetAuto leaves the rings of a cluster as they are, to the operator.
func (h *Handler) unsetAuto(c *gin.Context) error {
	if err := noParameters(c.Request); err != nil {
		return err
	}
	t, err := clusterIn(c)
	if err != nil {
		return err
	}
	if err := h.follow(c, t, nil); err != nil {
		return err
	}
	return h.done(c)
}

func (h *Handler) follow(c *gin.Context, t gazetteer.Type, a *cluster.Auto) error {
	about := operation{problem.UnknownType, [][2]string{{"/auto/rate", "/target_rate"}, {"/auto", ""}}}
	return h.operate(c, about, func(ctx context.Context, o region.Operator) error { return o.SetAuto(ctx, t, a) })
}

// readAuto reads the body of PUT /v1/rings/{type}/auto.
func readAuto(text string) (cluster.Auto, error) {
	a := cluster.Auto{Cooldown: cooldownDefault}
	var (
		r    reader
		seen = map[string]bool{}
	)
	r.Reset(text)
	for ok := r.Object(); ok; {
		var key string
		if key, ok = r.Key(); ok {
			seen[key] = true
			r.autoField(key, &a)
		}
	}
	if err := r.End(); err != nil {
		return a, err
	}
	for _, f := range [][2]string{{"min", "how many rings is the cluster to have at least?"}, {"max", "how many at most?"}, {"target_rate", "how many requests a second is one ring to carry?"}} {
		if !seen[f[0]] {
			return a, refused(gazetteer.Unprocessable, "/"+f[0], "is missing: %s", f[1])
		}
	}
	return a, nil
}

// ringsMost keeps a count far from overflow; the region has its own limit.
const ringsMost = 1 << 31

func (r *reader) autoField(key string, a *cluster.Auto) {
	switch key {
	case "min":
		a.Min = int(r.whole(1, ringsMost))
	case "max":
		a.Max = int(r.whole(1, ringsMost))
	case "target_rate":
		a.Rate = r.Number()
	case "cooldown":
		a.Cooldown = r.duration()
	default:
		r.Unknown()
	}
}
