package rest

import (
	"errors"
	"io"
	"mime"
	"net/http"
	"os"
	"strings"
	"sync/atomic"

	"github.com/gin-gonic/gin"

	"gazetteer"
	"gazetteer/api/rest/problem"
)

const (
	typeJSON       = "application/json"
	typeMergePatch = "application/merge-patch+json"
	typeNDJSON     = "application/x-ndjson"
)

// mediaType refuses a body that says it is something else. One that says nothing is
// taken for what the path wants.
func mediaType(r *http.Request, want ...string) error {
	said := r.Header.Get("Content-Type")
	if said == "" {
		return nil
	}
	got, parameters, err := mime.ParseMediaType(said)
	charset := parameters["charset"]
	for _, w := range want {
		if err == nil && got == w && (charset == "" || strings.EqualFold(charset, "utf-8")) {
			return nil
		}
	}
	return coded(problem.UnsupportedMediaType, gazetteer.Invalid, "Content-Type", "%s is not taken here; send %s in UTF-8", quoted(said), want[0])
}

// text reads a body of at most limit bytes whole. Of one that is longer, or says it is,
// no more than that is ever held.
func (h *Handler) text(c *gin.Context, limit bodyLimit, want ...string) (string, error) {
	if err := mediaType(c.Request, want...); err != nil {
		return "", err
	}
	b := h.buffer()
	defer h.release(b)
	if err := h.arrive(c, b, limit); err != nil {
		return "", err
	}
	return string(b.bytes), nil
}

// document reads the JSON body of a request that takes no parameters.
func (h *Handler) document(c *gin.Context, limit bodyLimit) (string, error) {
	if err := noParameters(c.Request); err != nil {
		return "", err
	}
	return h.text(c, limit, typeJSON)
}

// arrivingMax bounds the bytes of bodies that are on their way and hold no place.
const arrivingMax = 256 << 20

// arrive reads a body, and lets others have the place meanwhile.
func (h *Handler) arrive(c *gin.Context, b *buffer, limit bodyLimit) error {
	w, _ := c.Value(turnKey).(*turn)
	if w != nil {
		w.give()
	}
	a := arriving{b, &h.arriving}
	_, err := io.Copy(&a, http.MaxBytesReader(c.Writer, c.Request.Body, int64(limit)))
	h.arriving.Add(-int64(len(b.bytes)))
	switch {
	case errors.Is(err, errCrowded):
		return coded(problem.Overloaded, gazetteer.Unavailable, "", "bodies of %d MiB are on their way; try again, or another region", arrivingMax>>20)
	case err != nil:
		return readError(err, int64(limit))
	case w != nil:
		return w.take(c.Request.Context())
	}
	return nil
}

var errCrowded = errors.New("too much is on its way")

// arriving is a buffer whose bytes are counted with those of all others.
type arriving struct {
	*buffer
	all *atomic.Int64
}

func (a *arriving) Write(p []byte) (int, error) {
	n, err := a.buffer.Write(p)
	if a.all.Add(int64(n)) > arrivingMax {
		return n, errCrowded
	}
	return n, err
}

func readError(err error, limit int64) error {
	var over *http.MaxBytesError
	switch {
	case errors.As(err, &over):
		return tooLarge(limit)
	case errors.Is(err, os.ErrDeadlineExceeded):
		return refused(gazetteer.Deadline, "", "the body came too slowly")
	}
	return coded(problem.InvalidRequest, gazetteer.Invalid, "", "the body ends before it is whole")
}

// restMax is how much of a body is taken only to be thrown away.
const restMax = 8 << 20

// throwAway takes the rest of a body that is refused, if that may be not much: who only
// listens once he has sent all would find the connection broken instead of the answer.
// Who asks before he sends (Expect) is told right away.
func throwAway(r *http.Request) {
	if r.ContentLength <= restMax && r.Header["Expect"] == nil {
		_, _ = io.CopyN(io.Discard, r.Body, restMax) // nothing depends on it
	}
}

// A buffer is memory for a body, used again.
type buffer struct{ bytes []byte }

func (b *buffer) Write(p []byte) (int, error) {
	b.bytes = append(b.bytes, p...)
	return len(p), nil
}

func (h *Handler) buffer() *buffer {
	if b, ok := h.buffers.Get().(*buffer); ok {
		return b
	}
	return new(buffer)
}

func (h *Handler) release(b *buffer) {
	if cap(b.bytes) <= bodyKeep {
		b.bytes = b.bytes[:0]
		h.buffers.Put(b)
	}
}
