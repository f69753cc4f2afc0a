package rest

import (
	"context"
	"errors"
	"net/http"
	"strings"

	"github.com/gin-gonic/gin"

	"gazetteer"
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
	out.mayLeave(c)
	out.scope = watch.ScopeHash(a.options.Type, a.options.Scope.Prefix, from.Partitions())
	return h.flowing(c, out, func(ctx context.Context) error { // without c, which it may outlast
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

	forms = 2
)

// formOf is that of server-sent events unless a client would rather have NDJSON.
func formOf(r *http.Request) form {
	accept := r.Header["Accept"]
	if len(accept) > 0 && quality(accept, "application", "x-ndjson") > quality(accept, "text", "event-stream") {
		return asLines
	}
	return asEvents
}

// watches reports whether a lookup asks to be followed: it then lasts.
func watches(r *http.Request) bool { return strings.Contains(r.URL.RawQuery, "watch=") }
