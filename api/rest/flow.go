package rest

import (
	"bytes"
	"context"
	"errors"
	"net"
	"net/http"
	"runtime/debug"
	"strconv"
	"time"

	"github.com/gin-gonic/gin"

	"gazetteer"
	"gazetteer/api/rest/problem"
	"gazetteer/region/watch"
)

// flow is a stream to one client.
type flow struct {
	h       *Handler
	w       gin.ResponseWriter
	control *http.ResponseController
	form    form
	scope   uint64 // of its cursors
	buf     []byte
	begun   bool
	due     time.Time // by when the client has to take what is written
	beyond  *beyond   // nil: it goes through the HTTP server to its end
}

func (h *Handler) flow(c *gin.Context, f form) *flow {
	return &flow{h: h, w: c.Writer, control: http.NewResponseController(c.Writer), form: f}
}

// flowing runs a stream, as one of those that its client may have at once, until it ends
// or the server does. What ends it after it has begun is told by its end alone.
func (h *Handler) flowing(c *gin.Context, out *flow, run func(context.Context) error) error {
	if c.Request.Method == http.MethodHead {
		out.describe()
		out.w.WriteHeader(http.StatusOK)
		return nil
	}
	who := source(h.proxies.client(c.Request))
	if !h.watchers.enter(who) {
		return coded(problem.TooManyWatches, gazetteer.Unavailable, "", "one address may have %d watches; end one, or watch more with one", h.limits.WatchesPerAddress)
	}
	_ = out.control.SetReadDeadline(time.Time{}) // it waits for the client's end, which may be far
	ctx, cancel := context.WithCancel(h.serving)
	stop := context.AfterFunc(c.Request.Context(), cancel)
	defer stop() // before the request ends: a flow may go on without it
	whole := func() error {
		defer h.watchers.leave(who)
		defer cancel()
		return run(ctx)
	}
	if out.beyond == nil {
		return h.flowEnded(out, whole())
	}
	out.beyond.cancel = cancel
	return h.flowBeyond(out, whole)
}

func (h *Handler) flowEnded(out *flow, err error) error {
	switch {
	case out.begun:
		return nil
	case h.serving.Err() != nil:
		return refused(gazetteer.Unavailable, "", "the server is stopping; ask another")
	case errors.Is(err, watch.ErrGone):
		return coded(problem.CursorGone, gazetteer.Conflict, "from", "some of what was deleted behind the cursor is forgotten: begin without one, or with snapshot=1")
	}
	return err
}

// beyond is a flow that leaves the HTTP server when it begins. The server's buffers, its
// goroutine and the request are then free: most of what a watcher would cost.
type beyond struct {
	conn   net.Conn      // nil until it has left
	place  turn          // among the watches; given back when the flow ends
	from   *turn         // whose it was
	left   chan struct{} // closed when it has left
	cancel func()        // ends it when the client does
}

// mayLeave lets a flow leave the server if it can. What it runs must not use its request.
func (f *flow) mayLeave(c *gin.Context) {
	u, ok := c.Writer.(interface{ Unwrap() http.ResponseWriter })
	if !ok || !c.Request.ProtoAtLeast(1, 1) {
		return
	}
	if _, ok := u.Unwrap().(http.Hijacker); !ok { // HTTP/2 has one connection for many
		return
	}
	f.beyond = &beyond{left: make(chan struct{})}
	if t, ok := c.Get(turnKey); ok {
		f.beyond.from = t.(*turn)
	}
}

// flowBeyond runs a stream in a goroutine of its own, and returns when it has left the
// server, or has ended before that.
func (h *Handler) flowBeyond(out *flow, run func() error) error {
	ended := make(chan error, 1)
	go func() {
		err := error(&gazetteer.Error{Op: "rest.flow", Kind: gazetteer.Internal}) // unless run returns
		defer func() { ended <- err }()
		defer out.beyond.close()
		defer h.survive()
		err = run()
	}()
	select {
	case <-out.beyond.left:
		return nil
	case err := <-ended:
		return h.flowEnded(out, err)
	}
}

// survive takes a panic outside of a request for the end of that stream.
func (h *Handler) survive() {
	if v := recover(); v != nil {
		h.log.Error("panic in a stream", "panic", v, "stack", string(debug.Stack()))
		h.metrics.panics.Inc()
	}
}

// leave takes the connection from the server. The caller of the flow waits meanwhile.
func (b *beyond) leave(w gin.ResponseWriter) error {
	conn, _, err := w.Hijack()
	if err != nil {
		return err
	}
	b.conn = conn
	if b.from != nil {
		b.place, *b.from = *b.from, turn{}
	}
	go b.awaitEnd()
	close(b.left)
	return nil
}

// awaitEnd reads until the client has ended. It has nothing more to say.
func (b *beyond) awaitEnd() {
	defer b.cancel()
	var nothing [16]byte
	for {
		if _, err := b.conn.Read(nothing[:]); err != nil {
			return
		}
	}
}

// close ends a flow that has left.
func (b *beyond) close() {
	if b.conn == nil {
		return
	}
	_ = b.conn.SetWriteDeadline(time.Now().Add(time.Second))
	_, _ = b.conn.Write([]byte("0\r\n\r\n")) // the client may be gone
	_ = b.conn.Close()
	b.place.give()
}

// describe fills the head of the answer.
func (f *flow) describe() {
	out := f.w.Header()
	out["Content-Type"] = f.h.headers.ndjson
	if f.form == asEvents {
		out["Content-Type"] = f.h.headers.events
	}
	out["X-Content-Type-Options"] = f.h.headers.nosniff
	out["Cache-Control"] = f.h.headers.noStore
	out["Vary"] = f.h.headers.vary
	out["Gazetteer-Region"] = f.h.headers.region
}

// begin writes the head, and how soon a client that was cut off may come again.
func (f *flow) begin() error {
	f.begun = true
	f.describe()
	if f.beyond == nil {
		f.w.WriteHeader(http.StatusOK)
	} else if err := f.beginBeyond(); err != nil {
		return err
	}
	if f.form == asEvents {
		f.buf = f.framed(f.buf, "retry: 1000\n\n")
	}
	return nil
}

func (f *flow) beginBeyond() error {
	head := f.w.Header().Clone()
	if err := f.beyond.leave(f.w); err != nil {
		return err
	}
	head.Set("Date", time.Now().UTC().Format(http.TimeFormat))
	head.Set("Transfer-Encoding", "chunked")
	head.Set("Connection", "close")
	b := bytes.NewBufferString("HTTP/1.1 200 OK\r\n")
	if err := head.Write(b); err != nil {
		return err
	}
	f.w, f.control = nil, nil // they are the server's, which has others to serve
	f.buf = append(append(f.buf, b.Bytes()...), "\r\n"...)
	return nil
}

// framed appends text as the connection carries it: in chunks, where that is not the
// server's to do.
func (f *flow) framed(dst []byte, text string) []byte {
	if f.beyond == nil {
		return append(dst, text...)
	}
	dst = append(strconv.AppendInt(dst, int64(len(text)), 16), "\r\n"...)
	return append(append(dst, text...), "\r\n"...)
}

// show writes entries. The client has until the deadline to take them.
func (f *flow) show(es []*watch.Entry) error {
	f.buf = f.buf[:0]
	if !f.begun {
		if err := f.begin(); err != nil {
			return err
		}
	}
	if len(es) == 1 && len(f.buf) == 0 {
		return f.send(f.encoded(es[0]))
	}
	for _, e := range es {
		f.buf = append(f.buf, f.encoded(e)...)
	}
	return f.send(f.buf)
}

// encoded is an entry as this flow sends it, made once for all that do so.
func (f *flow) encoded(e *watch.Entry) []byte {
	encoding := int(f.form)
	if f.beyond != nil {
		encoding += forms
	}
	return e.Text(encoding, f.encode)
}

func (f *flow) encode(e *watch.Entry) []byte {
	text := appendEntry(nil, e, f.form, f.scope)
	if f.beyond == nil {
		return text
	}
	return f.framed(make([]byte, 0, len(text)+12), string(text))
}

func (f *flow) send(b []byte) error {
	if cap(f.buf) > bodyKeep {
		defer func() { f.buf = nil }()
	}
	if err := f.hurry(); err != nil {
		return err
	}
	if f.beyond != nil {
		_, err := f.beyond.conn.Write(b)
		return err
	}
	if _, err := f.w.Write(b); err != nil {
		return err
	}
	return f.control.Flush()
}

// hurry gives the client a time to take what comes, between half of the limit and all of
// it: a deadline that is moved for every event would cost more than the event.
func (f *flow) hurry() error {
	now := time.Now()
	if f.due.Sub(now) > f.h.limits.StreamIdle/2 {
		return nil
	}
	f.due = now.Add(f.h.limits.StreamIdle)
	if f.beyond != nil {
		return f.beyond.conn.SetWriteDeadline(f.due)
	}
	return f.control.SetWriteDeadline(f.due)
}
