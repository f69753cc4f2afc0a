package rest

import (
	"net/http"
	"strconv"
	"time"

	"github.com/gin-gonic/gin"

	"gazetteer"
	"gazetteer/api/rest/jsontext"
	"gazetteer/region"
	"gazetteer/region/geo"
)

// ttlDefault is how long answers of a type may be kept unless its publisher says
// otherwise.
const ttlDefault = 30 * time.Second

func (h *Handler) listTypes(c *gin.Context) error {
	if err := noParameters(c.Request); err != nil {
		return err
	}
	specs, err := h.regional.Types(c.Request.Context())
	if err != nil {
		return err
	}
	body := []byte(`{"types":[`)
	for i := range specs {
		if i > 0 {
			body = append(body, ',')
		}
		body = appendType(body, &specs[i])
	}
	h.answer(c.Writer, http.StatusOK, append(body, "]}"...))
	return nil
}

func (h *Handler) getType(c *gin.Context) error {
	t, err := plainType(c)
	if err != nil {
		return err
	}
	spec, err := h.regional.Type(c.Request.Context(), t)
	if err != nil {
		return err
	}
	body := appendType(nil, &spec)
	if h.notModified(c, gazetteer.Version(gazetteer.HashBytes(body))) {
		return nil
	}
	h.answer(c.Writer, http.StatusOK, body)
	return nil
}

// plainType reads the path of a request that takes no parameters.
func plainType(c *gin.Context) (gazetteer.Type, error) {
	if err := noParameters(c.Request); err != nil {
		return "", err
	}
	return typeIn(c)
}

func appendType(dst []byte, s *region.TypeSpec) []byte {
	dst = jsontext.AppendString(append(dst, `{"name":`...), string(s.Name))
	dst = jsontext.AppendString(append(dst, `,"mode":`...), s.Mode)
	dst = appendInt(append(dst, `,"ttl_seconds":`...), int64(s.TTL/time.Second))
	dst = strconv.AppendBool(append(dst, `,"redirect":`...), s.Redirect)
	if text := s.Policy.Text(); text != "" {
		dst = append(append(dst, `,"policy":`...), text...)
	}
	return append(appendChecks(dst, s), '}')
}

func (h *Handler) putType(c *gin.Context) error {
	t, err := unguardedType(c)
	if err != nil {
		return err
	}
	text, err := h.text(c, typeBody, typeJSON)
	if err != nil {
		return err
	}
	spec := region.TypeSpec{Name: t, Mode: "multi", TTL: ttlDefault}
	if err := readType(text, &spec); err != nil {
		return malformed(err)
	}
	created, err := h.regional.PutType(c.Request.Context(), spec)
	if err != nil {
		return err
	}
	_ = spec.Health.Complete() // as the region has done
	status := http.StatusOK
	if created {
		status = http.StatusCreated
		c.Writer.Header()["Location"] = []string{h.base + "/v1/types/" + string(t)}
	}
	h.answer(c.Writer, status, appendType(nil, &spec))
	return nil
}

func (h *Handler) deleteType(c *gin.Context) error {
	t, err := unguardedType(c)
	if err != nil {
		return err
	}
	if err := h.regional.DeleteType(c.Request.Context(), t); err != nil {
		return err
	}
	c.Writer.WriteHeader(http.StatusNoContent)
	return nil
}

// unguardedType reads the path of a write to a type. Types have no versions to guard
// one by, and a guard that is not kept would be worse than none.
func unguardedType(c *gin.Context) (gazetteer.Type, error) {
	for _, name := range []string{"If-Match", "If-None-Match"} {
		if c.Request.Header[name] != nil {
			return "", refused(gazetteer.Unsupported, name, "types have no versions; leave the header out")
		}
	}
	return plainType(c)
}

// readType reads the document of a type over what s holds.
func readType(text string, s *region.TypeSpec) (err error) {
	var r reader
	var d geo.PolicyDocument
	r.Reset(text)
	r.fields(func(key string) { r.typeField(key, s, &d) })
	if err := r.End(); err != nil {
		return err
	}
	s.Policy, err = policyOf(&d)
	return err
}

// ttlMax keeps whole seconds exact and far from overflow; the region has its own limit.
const ttlMax = 1 << 31

func (r *reader) typeField(key string, s *region.TypeSpec, p *geo.PolicyDocument) {
	switch key {
	case "name":
		r.same(string(s.Name))
	case "mode":
		s.Mode = r.String()
	case "ttl_seconds":
		s.TTL = time.Duration(r.whole(0, ttlMax)) * time.Second
	case "redirect":
		s.Redirect = r.Bool()
	case "policy":
		r.fields(func(key string) { r.policyField(key, p) })
	case "health":
		s.Health = r.checks()
	default:
		r.Unknown()
	}
}

// whole reads a whole number.
func (r *reader) whole(low, high int64) int64 {
	v := r.Number()
	if r.Err() == nil && (v < float64(low) || v > float64(high) || v != float64(int64(v))) {
		r.Fail("%v is not a whole number from %d to %d", v, low, high)
	}
	return int64(v)
}
