package rest

import (
	"context"
	"math"
	"time"

	"github.com/gin-gonic/gin"

	"gazetteer"
	"gazetteer/api/rest/problem"
	"gazetteer/region"
)

// setBias makes a region nearer or farther for all clients.
func (h *Handler) setBias(c *gin.Context) error {
	if err := noParameters(c.Request); err != nil {
		return err
	}
	name, err := regionIn(c)
	if err != nil {
		return err
	}
	text, err := h.text(c, planBody, typeJSON)
	if err != nil {
		return err
	}
	bias, err := readBias(text)
	if err != nil {
		return malformed(err)
	}
	about := operation{problem.UnknownRegion, [][2]string{{"/bias", "/bias_ms"}}}
	err = h.operate(c, about, func(ctx context.Context, o region.Operator) error { return o.BiasRegion(ctx, name, bias) })
	if err != nil {
		return err
	}
	return h.done(c)
}

// readBias reads the body of PUT /v1/regions/{region}/bias.
func readBias(text string) (bias time.Duration, err error) {
	var (
		r     reader
		given bool
	)
	r.Reset(text)
	for ok := r.Object(); ok; {
		var key string
		if key, ok = r.Key(); !ok {
			break
		}
		if key != "bias_ms" {
			r.Unknown()
			continue
		}
		bias, given = r.bias(), true
	}
	if err := r.End(); err != nil {
		return 0, err
	}
	if !given {
		return 0, refused(gazetteer.Unprocessable, "/bias_ms", "is missing: how many milliseconds farther, or nearer if negative, is the region to be for every client? 0 for none")
	}
	return bias, nil
}

// bias reads milliseconds, to the microsecond.
func (r *reader) bias() time.Duration {
	const most = float64(region.BiasMax / time.Millisecond)
	ms := r.Number()
	if r.Err() == nil && !(math.Abs(ms) <= most) {
		r.Fail("%v is not from %v to %v milliseconds", ms, -most, most)
		return 0
	}
	return time.Duration(math.Round(ms*1000)) * time.Microsecond
}

// biasMS is a region's bias as it is told of; nil, which is left out, for none.
func biasMS(bias time.Duration) *float64 {
	if bias == 0 {
		return nil
	}
	ms := float64(bias.Microseconds()) / 1000
	return &ms
}
