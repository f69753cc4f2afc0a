package rest

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"time"

	"github.com/gin-gonic/gin"

	"gazetteer"
	"gazetteer/api/rest/problem"
	"gazetteer/region"
)

// operateWithin bounds what an operator's request may wait for: it is answered before the
// server gives its connection up.
const operateWithin = deadlineMax

// operation is what is asked of the region's operator.
type operation struct {
	missing problem.Code // the problem when what the path names is not there
	// fields are where what the operator's errors point at stands in the body, in pairs;
	// what stands nowhere is not pointed at.
	fields [][2]string
}

// operate gives f the region's operator.
func (h *Handler) operate(c *gin.Context, o operation, f func(context.Context, region.Operator) error) error {
	if h.operator == nil {
		return refused(gazetteer.Unsupported, "", "this process is not part of an agreed region: its plan is a file, or it is alone; ask a regional server of a region that agrees on its plan")
	}
	ctx, cancel := context.WithTimeout(c.Request.Context(), operateWithin)
	defer cancel()
	return o.told(f(ctx, h.operator))
}

// told is an error of the operator as a client is told of it: what kind of thing is
// missing, and where in the body the fault stands.
func (o operation) told(err error) error {
	var e *gazetteer.Error
	if !errors.As(err, &e) {
		return err
	}
	told := *e
	told.Pointer = o.pointer(e.Pointer)
	if e.Kind == gazetteer.NotFound {
		return &codedError{o.unknown(e.Pointer), &told}
	}
	return &told
}

func (o operation) pointer(p string) string {
	for _, f := range o.fields {
		if rest, ok := strings.CutPrefix(p, f[0]); ok && (rest == "" || rest[0] == '/') {
			return f[1] + rest
		}
	}
	return ""
}

func (o operation) unknown(p string) problem.Code {
	switch {
	case p == "/type":
		return problem.UnknownType
	case p == "/members" || strings.HasPrefix(p, "/members/"):
		return problem.UnknownMember
	}
	return o.missing
}

// done answers a change after which there is nothing to tell.
func (h *Handler) done(c *gin.Context) error {
	c.Writer.Header()["Gazetteer-Region"] = h.headers.region
	c.Writer.WriteHeader(http.StatusNoContent)
	return nil
}

// nameIn reads a name out of the path. Whether anything has it the region says.
func nameIn(c *gin.Context, i int) (string, error) {
	s, err := segment(c, i)
	if err != nil {
		return "", err
	}
	if err := gazetteer.ID(s).Validate(); err != nil {
		return "", refused(gazetteer.Unprocessable, "", "the name in the path: %s", reason(err))
	}
	return s, nil
}

// forceIn reads whether an operator means it, though something will be lost.
func forceIn(r *http.Request) (force bool, err error) {
	err = eachParameter(r.URL.RawQuery, "", func(name, value string) (err error) {
		if name != "force" {
			return unknownParameter(name, "force")
		}
		force, err = flagParameter(name, value)
		return err
	})
	return force, err
}

// milliseconds are printed with three decimals: to the microsecond, in which regions agree
// on costs.
type milliseconds time.Duration

// MarshalJSON implements json.Marshaler.
func (m milliseconds) MarshalJSON() ([]byte, error) {
	us := time.Duration(m).Round(time.Microsecond).Microseconds()
	return fmt.Appendf(nil, "%d.%03d", us/1000, us%1000), nil
}

// seconds are printed rounded up to a millisecond: an upper bound stays one.
type seconds time.Duration

// MarshalJSON implements json.Marshaler.
func (s seconds) MarshalJSON() ([]byte, error) { return appendSeconds(nil, time.Duration(s)), nil }

// admission is a join token as it is shown, once.
type admission struct {
	Region   gazetteer.RegionID `json:"region,omitempty"` // the one that is expected
	Token    string             `json:"token"`
	Until    time.Time          `json:"until"`
	Contacts []string           `json:"contacts"`
}

// answerToken sends a token, which nobody on the way may keep.
func (h *Handler) answerToken(c *gin.Context, status int, r gazetteer.RegionID, t region.JoinToken) error {
	body, err := json.Marshal(admission{r, t.Text, t.Until.UTC(), listed(t.Contacts)})
	if err != nil {
		return err
	}
	out := c.Writer.Header()
	out["Content-Type"] = h.headers.json
	out["X-Content-Type-Options"] = h.headers.nosniff
	out["Cache-Control"] = h.headers.noStore
	out["Gazetteer-Region"] = h.headers.region
	c.Writer.WriteHeader(status)
	_, _ = c.Writer.Write(body) // a client that went away needs no answer
	return nil
}

// listed is a list as JSON has it: never null.
func listed[T any](list []T) []T {
	if list == nil {
		return []T{}
	}
	return list
}
