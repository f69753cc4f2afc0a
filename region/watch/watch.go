package watch

import (
	"context"
	"errors"
	"time"

	"gazetteer"
)

// Options say what a watch shows.
type Options struct {
	Type  gazetteer.Type
	Scope Scope
	// From are the vectors, by partition, of the cursor that the watch goes on from; nil:
	// it begins with a snapshot.
	From []gazetteer.Vector
	// Tail: it begins now, without a snapshot.
	Tail bool
}

// ErrGone is what a watch ends with that cannot go on from its cursor: of some that is
// not covered by it the deletion is forgotten.
var ErrGone = errors.New("the cursor is too old")

var (
	errBehind = errors.New("the watcher is behind the log")
	errReset  = errors.New("the watch begins anew")
)

const (
	// joinFor is how long a watch waits to begin, or to go on after a reset.
	joinFor = 10 * time.Second
	// showMax is how many entries a watcher is given at once.
	showMax = 64
	// aheadMax bounds what is remembered of a catch-up, see Watch.ahead.
	aheadMax = 4096
)

// Watch is one watcher of a feed.
type Watch struct {
	feed  *Feed
	scope Scope
	show  func([]*Entry) error

	channel *channel
	at      uint64             // the next entry of its log
	shown   []gazetteer.Vector // up to where it has been shown everything, as of its last bookmark
	begun   bool               // shown counts: it need not begin with a snapshot

	// Following are set from a catch-up until the feed has come to where that ended.
	floor []gazetteer.Vector
	ahead map[place]gazetteer.Stamp // what was shown from above where the log was joined
	buf   []*Entry
}

// place is an element of a type.
type place struct {
	index   uint32
	element gazetteer.Element
}

// Follow shows what o asks for, in order, until ctx ends or show fails. What show is given
// is the caller's until it returns. A watcher who takes too long is shown the last value
// of each element that has changed meanwhile.
func (f *Feed) Follow(ctx context.Context, o *Options, show func([]*Entry) error) error {
	f.enter(o.Scope)
	defer f.leave(o.Scope)
	w := &Watch{feed: f, scope: o.Scope, show: show, shown: o.From, begun: o.From != nil}
	if o.Tail {
		return w.runTail(ctx)
	}
	return w.run(ctx)
}

func (w *Watch) run(ctx context.Context) error {
	asked := w.begun
	for {
		err := aside(func() error { return w.catchUp(ctx) })
		if errors.Is(err, ErrGone) && !asked {
			err = errReset
		}
		asked = false
		if err == nil {
			err = w.follow(ctx)
		}
		switch {
		case errors.Is(err, errBehind):
		case errors.Is(err, errReset):
			w.begun, w.shown = false, nil
		default:
			return err
		}
	}
}

// aside runs what needs a deep stack on one of its own, which ends with it: a stack that
// has grown stays large, and this one waits for most of its life.
func aside(do func() error) (err error) {
	var failed any
	done := make(chan struct{})
	go func() {
		defer close(done)
		defer func() { failed = recover() }()
		err = do()
	}()
	if <-done; failed != nil {
		panic(failed)
	}
	return err
}

// runTail shows what happens from now on. Who is behind is told to look himself.
func (w *Watch) runTail(ctx context.Context) (err error) {
	for {
		joining, cancel := context.WithTimeout(ctx, joinFor)
		w.channel, w.at, _, err = w.feed.join(joining, w.scope)
		cancel()
		if err == nil {
			err = w.follow(ctx)
		}
		if !errors.Is(err, errBehind) && !errors.Is(err, errReset) {
			return err
		}
		if err := w.show([]*Entry{{Kind: Reset}}); err != nil {
			return err
		}
	}
}

// catchUp joins the log and shows what lies before: a scan of each partition, from what
// was shown up to at least where the log was joined.
func (w *Watch) catchUp(ctx context.Context) error {
	joining, cancel := context.WithTimeout(ctx, joinFor)
	defer cancel()
	c, at, cover, err := w.feed.join(joining, w.scope)
	if err != nil {
		return err
	}
	if !w.begun { // who comes back without a cursor may hold a part of another snapshot
		if err := w.show([]*Entry{{Kind: Reset}}); err != nil {
			return err
		}
	}
	w.channel, w.at = c, at
	w.floor, w.ahead = make([]gazetteer.Vector, len(cover)), map[place]gazetteer.Stamp{}
	q := w.scanQuery(cover)
	left := NewProgress(q)
	err = w.feed.source(ctx, q, func(b *Batch) error {
		left.Took(b)
		return w.showScan(b, cover)
	})
	if err == nil && !left.Done() {
		err = unserved(w.feed.kind, nil)
	}
	if err != nil {
		return err
	}
	w.shown, w.begun = w.floor, true
	return w.show([]*Entry{{Kind: Bookmark, Vectors: w.shown}})
}

func (w *Watch) scanQuery(cover []gazetteer.Vector) *Query {
	q := &Query{Type: w.feed.kind, Prefix: w.scope.Prefix, Once: true, From: make([]From, len(cover))}
	for i := range q.From {
		q.From[i] = From{Index: uint32(i), Cover: cover[i]}
		if w.begun {
			q.From[i].Vector = w.shown[i]
		}
	}
	return q
}

func (w *Watch) showScan(b *Batch, cover []gazetteer.Vector) error {
	if b.Lost != nil {
		return ErrGone
	}
	for i := range b.Updates {
		u := &b.Updates[i]
		if int(u.Index) >= len(cover) || !w.scope.passes(&u.Element) {
			continue
		}
		if err := w.showFound(u, cover[u.Index].Covers(u.Position)); err != nil {
			return err
		}
	}
	for _, m := range b.Marks {
		if int(m.Index) < len(w.floor) {
			w.floor[m.Index] = w.reached(m, cover[m.Index])
		}
	}
	return w.flush()
}

// showFound shows what a scan has found. Of a snapshot, what was deleted before the log was
// joined is not shown; after that the scan of another replica, which broke, may have shown
// what it deletes.
func (w *Watch) showFound(u *Update, old bool) error {
	if !old {
		w.ahead[place{u.Index, u.Element}] = u.Stamp
	}
	if !w.begun && u.Tombstone && old {
		return nil
	}
	e := entryOf(u)
	if !w.begun && !u.Tombstone {
		e.Kind, e.CatchUp = Snapshot, false
	}
	if w.buf = append(w.buf, e); len(w.buf) == showMax {
		return w.flush()
	}
	return nil
}

// reached is what the watch has been shown of a partition when it comes to a mark. If that
// is what the feed has it is the feed's own: there are many watchers.
func (w *Watch) reached(m Mark, cover gazetteer.Vector) gazetteer.Vector {
	if v := m.Vector.Clone().Merge(w.from(m.Index)); !cover.CoversAll(v) || !v.CoversAll(cover) {
		return v
	}
	return cover
}

// from is up to where the watch was shown a partition before the catch-up.
func (w *Watch) from(i uint32) gazetteer.Vector {
	if w.begun {
		return w.shown[i]
	}
	return nil
}

func (w *Watch) flush() error {
	if len(w.buf) == 0 {
		return nil
	}
	err := w.show(w.buf)
	clear(w.buf)
	w.buf = w.buf[:0]
	return err
}

// follow shows the log from where the watch is, and what is added to it.
func (w *Watch) follow(ctx context.Context) error {
	for {
		wake, err := w.read()
		if err != nil {
			return err
		}
		if wake == nil {
			if err := w.pass(); err != nil {
				return err
			}
			continue
		}
		select {
		case <-wake:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// read takes what comes next into the buffer. If that is nothing it returns what to wait
// for.
func (w *Watch) read() (wake <-chan struct{}, err error) {
	p := w.channel.page.Load()
	if w.at < p.base || len(w.ahead) > aheadMax {
		return nil, errBehind
	}
	next := p.entries[w.at-p.base:]
	if len(next) == 0 {
		return p.wake, nil
	}
	next = next[:min(len(next), showMax)]
	w.buf = append(w.buf[:0], next...)
	w.at += uint64(len(next))
	return nil, nil
}

// pass shows what was read, without what the catch-up has shown already.
func (w *Watch) pass() error {
	kept := w.buf[:0]
	for _, e := range w.buf {
		switch {
		case e.Kind == Reset:
			w.buf = kept
			if err := w.flush(); err != nil {
				return err
			}
			return errReset
		case w.floor != nil && !w.news(e):
			continue
		case e.Kind == Bookmark:
			w.shown = e.Vectors
		}
		kept = append(kept, e)
	}
	clear(w.buf[len(kept):])
	w.buf = kept
	return w.flush()
}

// news reports whether an entry says something new to who has caught up to the floor. A
// bookmark that covers the floor ends it: from there on everything is.
func (w *Watch) news(e *Entry) bool {
	switch e.Kind {
	case Beat:
		return true
	case Bookmark:
		for i, v := range w.floor {
			if !e.Vectors[i].CoversAll(v) {
				return false
			}
		}
		w.floor, w.ahead = nil, nil
		return true
	}
	if e.covered(w.floor) {
		return false
	}
	shown, is := w.ahead[place{e.Index, e.Update.Element}]
	return !is || e.Update.Stamp.Compare(shown) > 0
}
