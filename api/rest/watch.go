package rest

import (
	"context"
	"errors"
	"net/http"
	"strings"
	"time"

	"github.com/gin-gonic/gin"

	"gazetteer"
	"gazetteer/api/rest/problem"
	"gazetteer/region"
	"gazetteer/region/watch"
)

// watchChanges streams what changes in a type, as server-sent events or NDJSON. What can
// be refused is answered as a problem before the stream begins.
func (h *Handler) watchChanges(c *gin.Context) error {
	from, ok := h.regional.(region.Watcher)
	if !ok {
		return noWatches()
	}
	a, err := h.watchIn(c, from.Partitions())
	if err != nil {
		return err
	}
	out := h.flow(c, a.form)
	out.scope = watch.ScopeHash(a.options.Type, a.options.Scope.Prefix, from.Partitions())
	return h.flowing(c, out, func(ctx context.Context) error {
		err := from.Watch(ctx, &a.options, out.show)
		if errors.Is(err, watch.ErrGone) && a.snapshot {
			a.options.From = nil
			err = from.Watch(ctx, &a.options, out.show)
		}
		return err
	})
}

func noWatches() error {
	return refused(gazetteer.Unsupported, "", "this server follows no changes; ask a regional server")
}

// asked is what a client wants to watch.
type asked struct {
	options  watch.Options
	form     form
	snapshot bool // rather than 410
}

func (h *Handler) watchIn(c *gin.Context, partitions uint32) (asked, error) {
	a := asked{form: formOf(c.Request)}
	var text string
	err := eachParameter(c.Request.URL.RawQuery, "", func(name, value string) (err error) {
		switch name {
		case "type":
			a.options.Type = gazetteer.Type(value)
		case "prefix":
			value, err = prefixParameter(value)
			a.options.Scope.Prefix = gazetteer.ID(value)
		case "from":
			text = value
		case "snapshot":
			a.snapshot, err = flagParameter(name, value)
		default:
			err = unknownParameter(name, "type, prefix, from, snapshot")
		}
		return err
	})
	if err != nil {
		return a, err
	}
	if err := a.options.Type.Validate(); err != nil {
		return a, badParameter("type", "%s", reason(err))
	}
	if last := lastEventID(c.Request); last != "" {
		text = last // of the connection before, so it is the newer one
	}
	if text != "" {
		a.options.From, err = watch.DecodeCursor(text, watch.ScopeHash(a.options.Type, a.options.Scope.Prefix, partitions), partitions)
	}
	return a, err
}

// lastEventID is what a client of server-sent events says when it connects again.
func lastEventID(r *http.Request) string { return r.Header.Get("Last-Event-ID") }

// form is how a stream is written.
type form int

const (
	asEvents form = iota // text/event-stream
	asLines              // application/x-ndjson
)

// formOf is that of server-sent events unless a client would rather have NDJSON.
func formOf(r *http.Request) form {
	accept := r.Header["Accept"]
	if len(accept) > 0 && quality(accept, "application", "x-ndjson") > quality(accept, "text", "event-stream") {
		return asLines
	}
	return asEvents
}

// flow is a stream to one client.
type flow struct {
	h       *Handler
	w       gin.ResponseWriter
	control *http.ResponseController
	form    form
	scope   uint64 // of its cursors
	buf     []byte
	begun   bool
}

func (h *Handler) flow(c *gin.Context, f form) *flow {
	return &flow{h: h, w: c.Writer, control: http.NewResponseController(c.Writer), form: f}
}

// flowing runs a stream, as one of those that its client may have at once, until it ends
// or the server does. What ends it after it has begun is told by its end alone.
func (h *Handler) flowing(c *gin.Context, out *flow, run func(context.Context) error) error {
	if c.Request.Method == http.MethodHead {
		out.head()
		return nil
	}
	who := source(h.proxies.client(c.Request))
	if !h.watchers.enter(who) {
		return coded(problem.TooManyWatches, gazetteer.Unavailable, "", "one address may have %d watches; end one, or watch more with one", h.limits.WatchesPerAddress)
	}
	defer h.watchers.leave(who)
	ctx, cancel := context.WithCancel(c.Request.Context())
	defer cancel()
	defer context.AfterFunc(h.serving, cancel)()
	_ = out.control.SetReadDeadline(time.Time{}) // it waits for the client's end, which may be far
	err := run(ctx)
	switch {
	case !out.begun && h.serving.Err() != nil:
		return refused(gazetteer.Unavailable, "", "the server is stopping; ask another")
	case !out.begun && errors.Is(err, watch.ErrGone):
		return coded(problem.CursorGone, gazetteer.Conflict, "from", "some of what was deleted behind the cursor is forgotten: begin without one, or with snapshot=1")
	case !out.begun:
		return err
	}
	return nil
}

func (f *flow) head() {
	out := f.w.Header()
	out["Content-Type"] = f.h.headers.ndjson
	if f.form == asEvents {
		out["Content-Type"] = f.h.headers.events
	}
	out["X-Content-Type-Options"] = f.h.headers.nosniff
	out["Cache-Control"] = f.h.headers.noStore
	out["Vary"] = f.h.headers.vary
	out["Gazetteer-Region"] = f.h.headers.region
	f.w.WriteHeader(http.StatusOK)
}

// begin sends the head, and how soon a client that was cut off may come again.
func (f *flow) begin() {
	f.begun = true
	f.head()
	if f.form == asEvents {
		f.buf = append(f.buf, "retry: 1000\n\n"...)
	}
}

// show writes entries. The client has until the deadline to take them.
func (f *flow) show(es []*watch.Entry) error {
	f.buf = f.buf[:0]
	if !f.begun {
		f.begin()
	}
	if len(es) == 1 && len(f.buf) == 0 {
		return f.send(es[0].Text(int(f.form), f.text))
	}
	for _, e := range es {
		f.buf = append(f.buf, e.Text(int(f.form), f.text)...)
	}
	return f.send(f.buf)
}

func (f *flow) send(b []byte) error {
	if err := f.control.SetWriteDeadline(time.Now().Add(f.h.limits.StreamIdle)); err != nil {
		return err
	}
	if _, err := f.w.Write(b); err != nil {
		return err
	}
	if cap(f.buf) > bodyKeep {
		f.buf = nil
	}
	return f.control.Flush()
}

func (f *flow) text(e *watch.Entry) []byte { return appendEntry(nil, e, f.form, f.scope) }

// watches reports whether a lookup asks to be followed: it then lasts.
func watches(r *http.Request) bool { return strings.Contains(r.URL.RawQuery, "watch=") }
