package rest

import (
	"io"
	"net/http"
	"time"

	"github.com/gin-gonic/gin"

	"gazetteer"
	"gazetteer/region"
)

// exportPage is how many resources an export holds at once.
const exportPage = 256

// exportResources streams all resources of a type, one document a line. If it cannot go
// on it breaks the connection: an export that ended well is told by its end.
func (h *Handler) exportResources(c *gin.Context) error {
	l, err := exportIn(c)
	if err != nil {
		return err
	}
	page, err := h.regional.List(c.Request.Context(), l.kind, l.prefix, l.from, exportPage)
	if err != nil {
		return err
	}
	h.exportHeaders(c.Writer)
	if c.Request.Method == http.MethodHead {
		return nil
	}
	h.exportPages(c, &l, page)
	return nil
}

func exportIn(c *gin.Context) (listing, error) {
	var l listing
	var err error
	if l.kind, err = typeIn(c); err != nil {
		return l, err
	}
	err = eachParameter(c.Request.URL.RawQuery, "", func(name, value string) (err error) {
		if name != "prefix" {
			return unknownParameter(name, "prefix")
		}
		l.prefix, err = prefixParameter(value)
		return err
	})
	return l, err
}

func (h *Handler) exportHeaders(w http.ResponseWriter) {
	out := w.Header()
	out["Content-Type"] = h.headers.ndjson
	out["X-Content-Type-Options"] = h.headers.nosniff
	out["Cache-Control"] = h.headers.noStore
	out["Gazetteer-Region"] = h.headers.region
	w.WriteHeader(http.StatusOK)
}

// exportPages sends the first page and all that follow.
func (h *Handler) exportPages(c *gin.Context, l *listing, page region.Page) {
	b := h.buffer()
	defer h.release(b)
	control := http.NewResponseController(c.Writer)
	for {
		err := h.exportOne(control, c.Writer, b, page.Records)
		if err == nil && !page.Next.More {
			return
		}
		if err == nil {
			page, err = h.regional.List(c.Request.Context(), l.kind, l.prefix, page.Next, exportPage)
		}
		if err != nil {
			h.log.Warn("export ended early", "type", string(l.kind), "error", cut(err.Error(), 256))
			panic(http.ErrAbortHandler)
		}
	}
}

// exportOne sends one page. The client has until the deadline to take it.
func (h *Handler) exportOne(control *http.ResponseController, w io.Writer, b *buffer, records []gazetteer.Record) error {
	b.bytes = b.bytes[:0]
	for i := range records {
		b.bytes = append(appendDocument(b.bytes, &records[i]), '\n')
	}
	if err := control.SetWriteDeadline(time.Now().Add(h.limits.StreamIdle)); err != nil {
		return err
	}
	_, err := w.Write(b.bytes)
	h.metrics.exported.Add(float64(len(records)))
	return err
}
