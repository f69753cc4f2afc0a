package drive

import (
	"context"
	"sync"
	"time"

	"gazetteer/api/client"
	"gazetteer/simulation/check"
)

// watchers are one at each door.
type watchers struct {
	all    []*watcher
	ending sync.WaitGroup
}

// watcher records what one watch shows.
type watcher struct {
	run     *run
	door    *door
	carrier *carrier

	mu     sync.Mutex // guards all below
	events []check.Event
	now    map[string]check.Value // what it has shown, without what is deleted
}

// watch begins to watch everywhere.
func (r *run) watch(ctx context.Context) *watchers {
	ws := &watchers{}
	for _, d := range r.doors {
		w := &watcher{run: r, door: d, carrier: &carrier{base: transport()}, now: map[string]check.Value{}}
		ws.all = append(ws.all, w)
		ws.ending.Go(func() { w.follow(ctx) })
	}
	return ws
}

// end waits until the watches have ended and returns what they showed.
func (ws *watchers) end() (out []check.Watch) {
	ws.ending.Wait()
	for _, w := range ws.all {
		out = append(out, check.Watch{Door: w.door.url, Events: w.events})
	}
	return out
}

// follow watches until ctx ends, and begins anew where a watch ends.
func (w *watcher) follow(ctx context.Context) {
	k, err := w.run.clientOf(w.carrier, w.door.url)
	if err != nil {
		return // the doors were made the same way
	}
	defer k.Close()
	for ctx.Err() == nil {
		w.take(&check.Event{Kind: check.Reset}) // what comes is a snapshot
		requests := w.carrier.requests.Load()
		for e, err := range k.Watch(ctx, client.WatchQuery{Type: string(w.run.Type), Prefix: w.run.prefix}) {
			if err != nil {
				break
			}
			if n := w.carrier.requests.Load(); n != requests {
				requests = n
				w.take(&check.Event{Kind: check.Connected})
			}
			w.see(&e)
		}
		select {
		case <-time.After(again):
		case <-ctx.Done():
		}
	}
}

// see records an event of the client.
func (w *watcher) see(e *client.Event) {
	out := check.Event{Element: e.ID, Stamp: e.Stamp}
	switch {
	case e.Kind == "reset":
		out.Kind = check.Reset
	case e.Kind == "bookmark":
		out.Kind = check.Bookmark
	case e.Location == nil || e.Location.ID != locationID:
		return
	default:
		out.Kind, out.Value = check.Shown, valueIn([]byte(e.Location.URL))
	}
	w.take(&out)
}

func (w *watcher) take(e *check.Event) {
	w.mu.Lock()
	defer w.mu.Unlock()
	e.At = time.Since(w.run.began)
	w.events = append(w.events, *e)
	switch {
	case e.Kind == check.Reset:
		clear(w.now)
	case e.Kind != check.Shown:
	case e.Value == 0:
		delete(w.now, e.Element)
	default:
		w.now[e.Element] = e.Value
	}
}

// shows reports whether the watch has shown just what a region holds.
func (w *watcher) shows(held map[string]check.Held) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	values := 0
	for id, h := range held {
		if h.Value == 0 {
			continue
		}
		if values++; w.now[id] != h.Value {
			return false
		}
	}
	return values == len(w.now)
}
