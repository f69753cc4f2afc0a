package watch

import (
	"context"
	"sync"
	"time"

	"gazetteer"
)

// linger is how long a feed goes on without watchers: the next finds it at work.
const linger = 10 * time.Second

// Hub holds the feeds of a process.
type Hub struct {
	source     Source
	partitions uint32

	mu     sync.Mutex // guards following
	feeds  map[gazetteer.Type]*held
	closed bool
	all    sync.WaitGroup
}

// held is a feed and who needs it.
type held struct {
	*Feed
	watchers int
	stop     context.CancelFunc
	idle     *time.Timer // ends it; nil while it has watchers
}

// NewHub returns a hub without feeds.
func NewHub(source Source, partitions uint32) *Hub {
	return &Hub{source: source, partitions: partitions, feeds: map[gazetteer.Type]*held{}}
}

// Partitions returns the planet's partition count.
func (h *Hub) Partitions() uint32 { return h.partitions }

// Follow is [Feed.Follow] of the feed of a type.
func (h *Hub) Follow(ctx context.Context, o *Options, show func([]*Entry) error) error {
	f, err := h.take(o.Type)
	if err != nil {
		return err
	}
	defer h.give(f)
	return f.Follow(ctx, o, show)
}

// Watchers returns how many watches there are.
func (h *Hub) Watchers() (n int) {
	h.mu.Lock()
	defer h.mu.Unlock()
	for _, f := range h.feeds {
		n += f.watchers
	}
	return n
}

func (h *Hub) take(t gazetteer.Type) (*held, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.closed {
		return nil, &gazetteer.Error{Op: "watch.Follow", Kind: gazetteer.Unavailable, Detail: "the server is stopping; ask another"}
	}
	f := h.feeds[t]
	if f == nil {
		f = h.start(t)
	}
	if f.watchers++; f.idle != nil {
		f.idle.Stop()
		f.idle = nil
	}
	return f, nil
}

func (h *Hub) start(t gazetteer.Type) *held {
	ctx, stop := context.WithCancel(context.Background())
	f := &held{Feed: NewFeed(h.source, t, h.partitions), stop: stop}
	h.feeds[t] = f
	h.all.Go(func() { f.Run(ctx) })
	return f
}

func (h *Hub) give(f *held) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if f.watchers--; f.watchers == 0 && !h.closed {
		f.idle = time.AfterFunc(linger, func() { h.end(f) })
	}
}

func (h *Hub) end(f *held) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if f.watchers == 0 && h.feeds[f.kind] == f {
		f.stop()
		delete(h.feeds, f.kind)
	}
}

// Close ends all feeds and waits until they have. Watches that go on are shown nothing
// more.
func (h *Hub) Close() {
	h.mu.Lock()
	h.closed = true
	for _, f := range h.feeds {
		f.stop()
		if f.idle != nil {
			f.idle.Stop()
		}
	}
	h.mu.Unlock()
	h.all.Wait()
}
