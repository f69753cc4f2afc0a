package delay

import (
	"net"
	"os"
	"slices"
	"sync"
	"time"
)

const (
	// window is how much one direction of a connection holds. A part counts partCost
	// beside its bytes, for many small writes cost more memory than they carry.
	window   = 4 << 20
	partCost = 64
	// batchBytes bounds a part, and is about how much is handed on with one call.
	batchBytes = 256 << 10
)

// line is one direction of a connection. What is put in is taken out in order, each part
// not before it is due. At most one goroutine puts and one takes at a time.
type line struct {
	delay func() time.Duration
	wake  func()        // called under mu when there may be something to take, or to wait for
	room  chan struct{} // has a token when there may be room, or an error, for who puts

	mu     sync.Mutex // guards all below
	parts  []part
	size   int       // what parts cost
	last   time.Time // when the last part put in is due
	held   bool      // by a cut: nothing is taken out
	putErr error     // why nothing can be put in any more
	putBy  time.Time // a deadline; zero: none
}

// part is bytes that were written together, or the end behind which nothing comes.
type part struct {
	due time.Time
	b   []byte
	end error
}

func (l *line) init(delay func() time.Duration, wake func()) {
	l.delay, l.wake, l.room = delay, wake, make(chan struct{}, 1)
}

// put puts in all of b, waiting for room. It returns how much was.
func (l *line) put(b []byte) (n int, err error) {
	for n < len(b) {
		k, until, err := l.putSome(b[n:])
		if err != nil {
			return n, err
		}
		if k == 0 {
			await(l.room, until)
		}
		n += k
	}
	return n, nil
}

// putSome puts in what there is room for. If that is nothing, it is worth another try
// when there is a token for room, or at the time returned.
func (l *line) putSome(b []byte) (n int, until time.Time, err error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	switch {
	case l.putErr != nil:
		return 0, until, l.putErr
	case isPast(l.putBy):
		return 0, until, os.ErrDeadlineExceeded
	}
	n = min(len(b), batchBytes, window-partCost-l.size)
	if n <= 0 {
		return 0, l.putBy, nil
	}
	l.addLocked(part{b: slices.Clone(b[:n])})
	return n, until, nil
}

// finish puts in the end, for which there is always room, unless there is one.
func (l *line) finish(end, putErr error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if n := len(l.parts); n == 0 || l.parts[n-1].end == nil {
		l.addLocked(part{end: end})
	}
	l.failLocked(putErr)
}

func (l *line) addLocked(p part) {
	p.due = time.Now().Add(l.delay())
	if p.due.Before(l.last) { // the way has become shorter; the order stays
		p.due = l.last
	}
	l.last = p.due
	l.parts = append(l.parts, p)
	l.size += len(p.b) + partCost
	l.wake()
}

// drop throws away what is under way but for the end; nothing can be put in any more.
func (l *line) drop(putErr error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.parts = slices.DeleteFunc(l.parts, func(p part) bool { return p.end == nil })
	l.size = len(l.parts) * partCost
	l.failLocked(putErr)
}

// failLocked keeps the first reason.
func (l *line) failLocked(putErr error) {
	if l.putErr == nil {
		l.putErr = putErr
	}
	poke(l.room)
}

// hold begins or ends a cut. What was under way is sent again when it ends.
func (l *line) hold(held bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.held == held {
		return
	}
	l.held = held
	if held {
		return
	}
	again := time.Now().Add(l.delay())
	for i := range l.parts {
		if l.parts[i].due.Before(again) {
			l.parts[i].due = again
		}
	}
	if l.last.Before(again) {
		l.last = again
	}
	l.wake()
}

func (l *line) setPutBy(t time.Time) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.putBy = t
	poke(l.room)
}

// nextLocked returns when the first part is due; zero if there is none, or a cut.
func (l *line) nextLocked() time.Time {
	if l.held || len(l.parts) == 0 {
		return time.Time{}
	}
	return l.parts[0].due
}

// takeLocked fills b with what is due. The end is taken only if nothing stands before it,
// again and again.
func (l *line) takeLocked(b []byte) (n int, end error) {
	for n < len(b) && isPast(l.nextLocked()) {
		p := &l.parts[0]
		if p.end != nil {
			if n == 0 {
				end = p.end
			}
			break
		}
		k := copy(b[n:], p.b)
		n += k
		if p.b = p.b[k:]; len(p.b) == 0 {
			l.popLocked()
		}
		l.size -= k
	}
	if n > 0 {
		poke(l.room)
	}
	return n, end
}

// batchLocked takes parts that are due, or the end if nothing else is.
func (l *line) batchLocked() (all net.Buffers, end error) {
	for size := 0; size < batchBytes && isPast(l.nextLocked()); {
		p := l.parts[0]
		if p.end != nil && size > 0 {
			break
		}
		l.popLocked()
		if p.end != nil {
			return nil, p.end
		}
		all = append(all, p.b)
		size += len(p.b)
		l.size -= len(p.b)
	}
	if all != nil {
		poke(l.room)
	}
	return all, nil
}

func (l *line) popLocked() {
	l.parts[0] = part{}
	l.parts = l.parts[1:]
	l.size -= partCost
	if len(l.parts) == 0 {
		l.parts = nil
	}
}

func poke(token chan struct{}) {
	select {
	case token <- struct{}{}:
	default:
	}
}

// await returns when there is a token, or at the time given; zero is never.
func await(token <-chan struct{}, until time.Time) {
	if until.IsZero() {
		<-token
		return
	}
	t := time.NewTimer(time.Until(until))
	defer t.Stop()
	select {
	case <-token:
	case <-t.C:
	}
}

// isPast reports whether a time has come. Zero never comes.
func isPast(t time.Time) bool { return !t.IsZero() && !time.Now().Before(t) }

// sooner returns the earlier of two times, of which zero never comes.
func sooner(a, b time.Time) time.Time {
	if a.IsZero() || !b.IsZero() && b.Before(a) {
		return b
	}
	return a
}
