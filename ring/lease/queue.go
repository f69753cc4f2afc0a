package lease

import (
	"container/heap"
	"time"
)

// queue holds leases by when they are to be looked at. A renewal does not move its lease:
// it is looked at when it would have ended, and put back. So a renewal costs one map
// access, whatever the number of leases, and each is put back once in a term.
type queue []*lease

// look has a lease looked at no later than at a time.
func (q *queue) look(e *lease, at time.Duration) {
	switch {
	case e.place < 0:
		e.due = at
		heap.Push(q, e)
	case at < e.due:
		e.due = at
		heap.Fix(q, e.place)
	}
}

// next takes out the first lease whose time has come, nil if there is none.
func (q *queue) next(now time.Duration) *lease {
	if len(*q) == 0 || (*q)[0].due > now {
		return nil
	}
	return heap.Pop(q).(*lease)
}

func (q *queue) drop(e *lease) {
	if e.place >= 0 {
		heap.Remove(q, e.place)
	}
}

// Len, Less, Swap, Push and Pop are for [heap.Interface].
func (q *queue) Len() int { return len(*q) }

// Less orders by time. Equal times need no order: see [Leases.Ready].
func (q *queue) Less(i, j int) bool { return (*q)[i].due < (*q)[j].due }

// Swap exchanges two leases.
func (q *queue) Swap(i, j int) {
	h := *q
	h[i], h[j] = h[j], h[i]
	h[i].place, h[j].place = i, j
}

// Push adds a lease behind all others.
func (q *queue) Push(x any) {
	e := x.(*lease)
	e.place = len(*q)
	*q = append(*q, e)
}

// Pop takes the last lease.
func (q *queue) Pop() any {
	h := *q
	last := len(h) - 1
	e := h[last]
	h[last] = nil
	*q = h[:last]
	e.place = -1
	return e
}
