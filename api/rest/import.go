package rest

import (
	"encoding/json"
	"net/http"
	"time"

	"github.com/gin-gonic/gin"

	"gazetteer"
)

// importResources takes resource documents, one a line, and writes each as PUT would.
// It stops at the first line that is refused; what was acknowledged stays. The answer
// comes at the end, so that a client need not listen while it sends; with progress=1 it
// is a stream of lines itself.
func (h *Handler) importResources(c *gin.Context) error {
	q, err := importIn(c)
	if err != nil {
		return err
	}
	if _, err := h.regional.Type(c.Request.Context(), q.kind); err != nil {
		return err
	}
	control := http.NewResponseController(c.Writer)
	// HTTP/1 servers may not answer while a body comes, unless told so.
	if err := control.EnableFullDuplex(); err != nil && c.Request.ProtoMajor == 1 {
		return err
	}
	body := &patientBody{body: c.Request.Body, control: control, idle: h.limits.StreamIdle}
	n := &importRun{
		regional: h.regional, kind: q.kind, options: q.writeOptions,
		body: body, lines: newLines(body), queue: newImportQueue(h.limits.ImportBatch),
	}
	h.runImport(c, n, q.progress)
	return nil
}

// importQuery is what an import is asked for.
type importQuery struct {
	kind gazetteer.Type
	writeOptions
	progress bool
}

func importIn(c *gin.Context) (q importQuery, err error) {
	if q.kind, err = typeIn(c); err != nil {
		return q, err
	}
	for _, name := range []string{"If-Match", "If-None-Match"} {
		if c.Request.Header[name] != nil {
			return q, refused(gazetteer.Unsupported, name, "an import is unconditional; leave the header out")
		}
	}
	if err := mediaType(c.Request, typeNDJSON, "application/ndjson", "application/jsonl", typeJSON); err != nil {
		return q, err
	}
	q.ack, err = ackParameter("ring")
	if err == nil {
		err = eachParameter(c.Request.URL.RawQuery, "", q.parameter)
	}
	return q, err
}

func (q *importQuery) parameter(name, value string) (err error) {
	switch name {
	case "ack":
		q.ack, err = ackParameter(value)
	case "deadline":
		q.deadline, err = deadlineParameter(value)
	case "progress":
		q.progress, err = flagParameter(name, value)
	default:
		err = unknownParameter(name, "ack, deadline, progress")
	}
	return err
}

func (h *Handler) runImport(c *gin.Context, n *importRun, progress bool) {
	start := time.Now()
	var stream *importStream
	if progress {
		stream = h.streamProgress(c, n)
	}
	failure := n.run(c.Request.Context())
	h.metrics.imported.Add(float64(n.acknowledged.Load()))
	_ = n.body.control.SetWriteDeadline(time.Now().Add(h.limits.StreamIdle)) // it has met no failure before
	switch {
	case stream != nil:
		stream.end(h.lastLine(c, n, failure, start))
	case failure != nil:
		h.refuseImport(c, n, failure)
	default:
		h.answerImport(c, n, start)
	}
	if failure != nil {
		c.Writer.Flush()
		n.body.drain()
	}
}

// importSummary tells what an import came to.
type importSummary struct {
	Lines        int64   `json:"lines"`
	Acknowledged int64   `json:"acknowledged"`
	Created      int64   `json:"created"`
	BelowAck     int64   `json:"below_ack"` // stored, but not as widely as was asked
	Seconds      float64 `json:"seconds"`
}

func (n *importRun) summary(start time.Time) importSummary {
	return importSummary{
		Lines: n.lines.number - 1, Acknowledged: n.acknowledged.Load(), Created: n.created.Load(), BelowAck: n.below.Load(),
		Seconds: float64(time.Since(start).Microseconds()) / 1e6,
	}
}

func (h *Handler) answerImport(c *gin.Context, n *importRun, start time.Time) {
	s := n.summary(start)
	status := http.StatusOK
	if s.BelowAck > 0 {
		status = http.StatusAccepted
	}
	body, _ := json.Marshal(s) // numbers only: it cannot fail
	h.answer(c.Writer, status, body)
}

func (h *Handler) refuseImport(c *gin.Context, n *importRun, f *importFailure) {
	p := h.describe(c.Request, f.err)
	p.Line, p.Acknowledged = f.line, n.acknowledged.Load()
	h.writeProblem(c.Writer, p)
}

// lastLine is the end of a stream of progress.
func (h *Handler) lastLine(c *gin.Context, n *importRun, f *importFailure, start time.Time) any {
	if f == nil {
		return struct {
			Done importSummary `json:"done"`
		}{n.summary(start)}
	}
	p := h.describe(c.Request, f.err)
	p.Line, p.Acknowledged = f.line, n.acknowledged.Load()
	return struct {
		Problem any `json:"problem"`
	}{p}
}
