package watch

import (
	"context"
	"errors"
	"sync"
	"time"

	"gazetteer"
)

const (
	// A feed whose stream broke asks for another after pauseMin, then twice as late each
	// time, up to pauseMax.
	pauseMin = 20 * time.Millisecond
	pauseMax = time.Second
	// tickEvery is how soon after something new a bookmark follows.
	tickEvery = time.Second
	// trimTicks is after how many ticks a log drops what was there before; beatTicks after
	// how many a watch that has nothing to show says that it lives.
	trimTicks = 5
	beatTicks = 15
)

// errReopen ends a stream of which a partition has to begin anew.
var errReopen = errors.New("a partition of the stream begins anew")

// Feed follows one type for all watchers of a process: one stream, and a log for each
// scope that is watched. Its vectors say up to where what has gone into the logs is
// complete.
type Feed struct {
	source Source
	kind   gazetteer.Type

	mu       sync.Mutex         // guards following
	vectors  []gazetteer.Vector // by partition; one in it is never changed, only replaced
	known    []bool
	unknown  int           // partitions whose first mark has not come
	whole    chan struct{} // closed when none is unknown
	channels map[Scope]*channel
	moved    bool // the vectors have, since the last tick
	ticks    int
	failed   error // why there is no stream now
}

// NewFeed returns the feed of a type. [Feed.Run] makes it follow.
func NewFeed(source Source, t gazetteer.Type, partitions uint32) *Feed {
	return &Feed{
		source: source, kind: t, vectors: make([]gazetteer.Vector, partitions), known: make([]bool, partitions),
		unknown: int(partitions), whole: make(chan struct{}), channels: map[Scope]*channel{},
	}
}

// Run follows until ctx ends.
func (f *Feed) Run(ctx context.Context) {
	var ticker sync.WaitGroup
	defer ticker.Wait()
	ticker.Go(func() { f.tick(ctx) })
	pause := pauseMin
	for ctx.Err() == nil {
		start := time.Now()
		err := f.source(ctx, f.query(), f.Take)
		if errors.Is(err, errReopen) {
			continue
		}
		f.fail(err)
		if time.Since(start) > pauseMax {
			pause = pauseMin
		}
		wait(ctx, pause)
		pause = min(2*pause, pauseMax)
	}
}

func wait(ctx context.Context, d time.Duration) {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-ctx.Done():
	}
}

func (f *Feed) fail(err error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.failed = err
}

// query asks for what has not been shown: of a partition of which nothing was, for its
// end.
func (f *Feed) query() *Query {
	f.mu.Lock()
	defer f.mu.Unlock()
	q := &Query{Type: f.kind, From: make([]From, len(f.vectors))}
	for i := range q.From {
		q.From[i] = From{Index: uint32(i), Tail: !f.known[i], Vector: f.vectors[i]}
	}
	return q
}

// Take gives a batch to the logs.
func (f *Feed) Take(b *Batch) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.failed = nil
	for i := range b.Updates {
		f.show(&b.Updates[i])
	}
	for i := range b.Marks {
		f.mark(&b.Marks[i])
	}
	for _, i := range b.Lost {
		f.lose(i)
	}
	f.awaken(b.Lost == nil)
	if b.Lost != nil {
		return errReopen
	}
	return nil
}

// awaken has those look who have something new. A bookmark that is due goes with it: to
// wake a thousand for it alone costs as much as what it follows.
func (f *Feed) awaken(whole bool) {
	for _, c := range f.channels {
		if !c.fresh {
			continue
		}
		if c.due && whole {
			c.append(f.bookmark())
		}
		c.fresh = false
		c.awaken()
	}
}

// bookmark says that all which the vectors cover has been shown.
func (f *Feed) bookmark() *Entry {
	return &Entry{Kind: Bookmark, Vectors: append([]gazetteer.Vector(nil), f.vectors...)}
}

// show gives an update to the scopes that it passes into.
func (f *Feed) show(u *Update) {
	var e *Entry
	f.eachChannel(&u.Element, func(c *channel) {
		if e == nil {
			e = entryOf(u)
		}
		c.add(e)
		c.news, c.fresh = true, true
	})
}

// few is up to how many scopes it is cheaper to ask each whether an element passes than
// to look up those that have a prefix of its id.
const few = 32

func (f *Feed) eachChannel(e *gazetteer.Element, do func(*channel)) {
	if len(f.channels) <= few {
		for s, c := range f.channels {
			if s.passes(e) {
				do(c)
			}
		}
		return
	}
	for n := range len(e.ID) + 1 {
		f.scoped(Scope{Prefix: e.ID[:n]}, e, do)
		f.scoped(Scope{Prefix: e.ID[:n], Beside: true}, e, do)
	}
	f.scoped(Scope{Prefix: e.ID, Exact: true}, e, do)
	f.scoped(Scope{Prefix: e.ID, Exact: true, Beside: true}, e, do)
}

func (f *Feed) scoped(s Scope, e *gazetteer.Element, do func(*channel)) {
	if c := f.channels[s]; c != nil && s.passes(e) {
		do(c)
	}
}

// mark raises a vector. What it says has been shown: it came behind that.
func (f *Feed) mark(m *Mark) {
	if int(m.Index) >= len(f.vectors) {
		return
	}
	f.vectors[m.Index] = f.vectors[m.Index].Clone().Merge(m.Vector)
	f.moved = true
	if !f.known[m.Index] {
		f.known[m.Index] = true
		if f.unknown--; f.unknown == 0 {
			close(f.whole)
		}
	}
}

// lose begins a partition anew. All who watch have to.
func (f *Feed) lose(i uint32) {
	if int(i) >= len(f.vectors) || !f.known[i] {
		return
	}
	f.known[i], f.vectors[i] = false, nil
	if f.unknown++; f.unknown == 1 {
		f.whole = make(chan struct{})
	}
	e := &Entry{Kind: Reset}
	for _, c := range f.channels {
		c.add(e)
		c.fresh = true
	}
}

// tick writes bookmarks until ctx ends.
func (f *Feed) tick(ctx context.Context) {
	every := time.NewTicker(tickEvery)
	defer every.Stop()
	for {
		select {
		case <-every.C:
			f.Tick()
		case <-ctx.Done():
			return
		}
	}
}

// Tick writes the bookmarks that are due: behind something new with what comes next, or a
// tick later alone; where the scope had nothing new, but others had, as late as a beat.
func (f *Feed) Tick() {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.ticks++
	var now *Entry
	for _, c := range f.channels {
		c.beat++
		c.told = c.told && !f.moved
		switch {
		case !c.told && (c.due || c.beat >= beatTicks):
			if now == nil {
				now = f.bookmark()
			}
			c.say(now)
		case !c.told && c.news:
			c.due = true
		case c.beat >= beatTicks:
			c.say(&Entry{Kind: Beat})
		}
		if f.ticks%trimTicks == 0 {
			c.trim()
		}
	}
	f.moved = false
}

// join returns the channel of a scope, its end, and up to where what lies before that is
// complete: once all of it is known.
func (f *Feed) join(ctx context.Context, s Scope) (*channel, uint64, []gazetteer.Vector, error) {
	for {
		f.mu.Lock()
		whole, failed := f.whole, f.failed
		if f.unknown == 0 {
			defer f.mu.Unlock()
			c := f.channels[s]
			return c, c.end(), append([]gazetteer.Vector(nil), f.vectors...), nil
		}
		f.mu.Unlock()
		select {
		case <-whole:
		case <-ctx.Done():
			return nil, 0, nil, unserved(f.kind, failed)
		}
	}
}

// enter notes a watcher of a scope; leave takes him off again.
func (f *Feed) enter(s Scope) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.channels[s] == nil {
		f.channels[s] = newChannel(s)
	}
	f.channels[s].watchers++
}

func (f *Feed) leave(s Scope) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.channels[s].watchers--; f.channels[s].watchers == 0 {
		delete(f.channels, s)
	}
}

func unserved(t gazetteer.Type, err error) error {
	return &gazetteer.Error{Op: "watch.Join", Kind: gazetteer.Unavailable, Key: gazetteer.Key{Type: t}, Err: err,
		Detail: "not every partition of the type can be followed now; try again shortly, or another region"}
}
