package client

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"io"
	"iter"
	"net/http"
	"net/url"
	"time"

	"gazetteer"
)

// WatchQuery says what to watch.
type WatchQuery struct {
	Type   string
	Prefix string // of the ids; empty: all
	From   string // the cursor of a bookmark; empty: the watch begins with a snapshot
}

// Event is one thing that a watch shows.
type Event struct {
	// Kind is "snapshot", "put", "delete", "bookmark", or "reset": then what was shown is
	// void, and what follows, up to the next bookmark, is all there is.
	Kind string `json:"event"`
	ID   string `json:"id,omitempty"`
	// Location or Attributes is what has changed. Of a deleted location only the id is
	// set; deleted attributes are null.
	Location   *Location       `json:"location,omitempty"`
	Attributes json.RawMessage `json:"attributes,omitempty"`
	// CatchUp: values of the element before this one may have been passed over.
	CatchUp bool `json:"catch_up,omitempty"`
	// Stamp orders the values of one element: the higher text is the newer. After a
	// broken connection some are shown again.
	Stamp  string `json:"stamp,omitempty"`
	Cursor string `json:"cursor,omitempty"` // of a bookmark: From, at any region
}

// Watch yields what changes, until ctx ends or the loop does. When a server ends or is
// lost it goes on at the next address from the last bookmark, or where that is too old
// with a reset. An error that another try will not mend ends it, and so does the fourth in
// a row before anything was shown: then there is no planet at these addresses.
func (c *Client) Watch(ctx context.Context, q WatchQuery) iter.Seq2[Event, error] {
	return func(yield func(Event, error) bool) {
		w := &following{c: c, query: url.Values{"type": {q.Type}}, cursor: q.From}
		if q.Prefix != "" {
			w.query.Set("prefix", q.Prefix)
		}
		w.run(ctx, []string{"v1", "watch"}, func(line []byte) (string, error, bool) {
			var e Event
			if err := json.Unmarshal(line, &e); err != nil {
				return "", err, true
			}
			return e.Cursor, nil, yield(e, nil)
		}, func(err error) { yield(Event{}, err) })
	}
}

// AnswerEvent is a new best answer, or that there is no such resource any more.
type AnswerEvent struct {
	Kind   string `json:"event"` // put, delete
	Answer Answer `json:"answer"`
}

// WatchAnswer yields the answer to a lookup whenever the locations that are chosen have
// changed. It goes on as [Client.Watch] does.
func (c *Client) WatchAnswer(ctx context.Context, q Query) iter.Seq2[AnswerEvent, error] {
	return func(yield func(AnswerEvent, error) bool) {
		w := &following{c: c, query: q.values()}
		w.query.Set("watch", "1")
		w.run(ctx, []string{"v1", "resolve", q.Type, q.ID}, func(line []byte) (string, error, bool) {
			var e struct {
				AnswerEvent
				Cursor string
			}
			if err := json.Unmarshal(line, &e); err != nil {
				return "", err, true
			}
			return e.Cursor, nil, yield(e.AnswerEvent, nil)
		}, func(err error) { yield(AnswerEvent{}, err) })
	}
}

// firstTries is how often a watch tries to begin.
const firstTries = 4

// silentFor is how long a stream may be silent before it counts as lost: a server says
// every 15 s that it lives.
const silentFor = 45 * time.Second

// following is one watch over its connections.
type following struct {
	c      *Client
	query  url.Values
	cursor string
	begun  bool // something was yielded
	misses int  // connections in a row that brought nothing
}

// run gives each line to take, which returns the cursor that it holds, and whether to go
// on.
func (f *following) run(ctx context.Context, path []string, take func(line []byte) (string, error, bool), fail func(error)) {
	for {
		more, err := f.connect(ctx, path, take)
		switch {
		case !more:
			return
		case ctx.Err() != nil:
			fail(ctx.Err())
			return
		case err != nil && !f.mended(err):
			fail(err)
			return
		}
		f.misses = min(f.misses+1, firstTries)
		if err != nil && !f.begun && f.misses == firstTries {
			fail(err)
			return
		}
		if pause(ctx, f.misses-1) != nil {
			fail(ctx.Err())
			return
		}
	}
}

// mended reports whether another connection may do better. Once the watch has begun its
// own cursor may have become too old: then it goes on with a reset, see connect.
func (f *following) mended(err error) bool {
	return isLost(err) || neverTaken(err) || errors.Is(err, errSlow) || errors.Is(err, errSilent) || elsewhere(err)
}

var errSilent = errors.New("the stream is silent")

func (f *following) connect(ctx context.Context, path []string, take func([]byte) (string, error, bool)) (more bool, err error) {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	r := &request{method: http.MethodGet, path: path, query: f.query, header: http.Header{"Accept": {"application/x-ndjson"}}}
	if f.cursor != "" {
		r.header.Set("Last-Event-ID", f.cursor)
	}
	if f.begun && f.query.Has("type") {
		f.query.Set("snapshot", "1")
	}
	res, err := f.c.send(ctx, r)
	if err != nil {
		return true, err
	}
	defer res.Body.Close()
	silent := time.AfterFunc(silentFor, func() { cancel(errSilent) })
	defer silent.Stop()
	in := bufio.NewReader(res.Body)
	for {
		line, err := in.ReadBytes('\n')
		silent.Reset(silentFor)
		if err != nil {
			if context.Cause(ctx) == errSilent {
				err = errSilent
			}
			if err == io.EOF {
				err = nil // the server has ended it: its clients go on elsewhere
			}
			return true, err
		}
		if len(line) < 2 {
			continue
		}
		cursor, err, on := take(line)
		if err != nil {
			return true, &gazetteer.Error{Op: "client.Watch", Kind: gazetteer.Invalid, Err: err, Detail: "the server sends what is no event"}
		}
		f.begun, f.misses = true, 0
		if cursor != "" {
			f.cursor = cursor
		}
		if !on {
			return false, nil
		}
	}
}
