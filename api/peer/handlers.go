package peer

import (
	"sync"
	"sync/atomic"
)

// trimEvery is how many ticks pass before an idle handler is let go.
const trimEvery = 10

// handlers are the goroutines that answer requests which may wait. They are kept: a new
// goroutine would first have to grow its stack to the depth of a request.
type handlers struct {
	work  chan *request // unbuffered: a request is given only to one who is free
	max   int32
	count atomic.Int32
	wg    sync.WaitGroup
}

func (h *handlers) init(limit int) {
	h.work, h.max = make(chan *request), int32(limit)
}

// run has r answered, unless as many requests as allowed are being answered.
func (h *handlers) run(r *request) bool {
	select {
	case h.work <- r:
		return true
	default:
	}
	if h.count.Add(1) > h.max {
		h.count.Add(-1)
		return false
	}
	h.wg.Go(func() { h.serve(r) })
	return true
}

func (h *handlers) serve(r *request) {
	defer h.count.Add(-1)
	var scratch []byte
	for ; r != nil; r = <-h.work {
		scratch = r.serve(scratch[:0])
		if cap(scratch) > keepBuffer {
			scratch = nil
		}
	}
}

// trim lets one idle handler go.
func (h *handlers) trim() {
	select {
	case h.work <- nil:
	default:
	}
}

// close waits for the handlers. Nobody calls run any more.
func (h *handlers) close() {
	close(h.work)
	h.wg.Wait()
}
