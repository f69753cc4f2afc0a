package rest

import (
	"sync"

	"gazetteer/region"
)

// An importQueue stands between who parses an import and who writes it. The writer takes
// all that has gathered while he was busy, so a slow client's lines are written as they
// come and a fast one's share transactions, without any waiting for more. It is bounded:
// when it is full the parser waits, and through the socket so does the client.
type importQueue struct {
	full int // lines, at least 1

	mu      sync.Mutex // guards following
	changed sync.Cond
	filling *importBatch
	spare   *importBatch
	closed  bool // nothing follows
	stopped bool // nobody takes any more
}

// importBatch holds changes and the lines they stand in.
type importBatch struct {
	changes []region.Change
	lines   []int64
	bytes   int
}

// batchBytes is when a batch is full though its lines are few.
const batchBytes = 1 << 20

func newImportQueue(full int) *importQueue {
	q := &importQueue{full: full, filling: new(importBatch), spare: new(importBatch)}
	q.changed.L = &q.mu
	return q
}

// put adds a change. It is false once the writer has stopped.
func (q *importQueue) put(c region.Change, line int64, bytes int) bool {
	q.mu.Lock()
	defer q.mu.Unlock()
	for !q.stopped && q.fullLocked() {
		q.changed.Wait()
	}
	if q.stopped {
		return false
	}
	b := q.filling
	b.changes = append(b.changes, c)
	b.lines = append(b.lines, line)
	b.bytes += bytes
	if len(b.changes) == 1 {
		q.changed.Signal()
	}
	return true
}

func (q *importQueue) fullLocked() bool {
	return len(q.filling.changes) >= q.full || q.filling.bytes >= batchBytes
}

// take returns what has gathered, valid until the next call; nil at the end.
func (q *importQueue) take() *importBatch {
	q.mu.Lock()
	defer q.mu.Unlock()
	for len(q.filling.changes) == 0 && !q.closed {
		q.changed.Wait()
	}
	if len(q.filling.changes) == 0 {
		return nil
	}
	b := q.filling
	q.filling, q.spare = q.spare, b
	q.filling.changes, q.filling.lines, q.filling.bytes = q.filling.changes[:0], q.filling.lines[:0], 0
	q.changed.Signal()
	return b
}

// close says that nothing follows.
func (q *importQueue) close() {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.closed = true
	q.changed.Signal()
}

// stop says that nobody takes any more.
func (q *importQueue) stop() {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.stopped = true
	q.changed.Signal()
}
