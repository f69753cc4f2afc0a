package agent

import (
	"sync"
	"time"

	"gazetteer"
	"gazetteer/ring"
)

// call is a group of writes that came together and whose caller waits for all of their
// outcomes. From the moment it is in the inbox the loop owns it, until it says done.
type call struct {
	writes   []ring.Write
	tokens   []uint64 // the caller's own, given back in the outcomes
	outcomes []ring.Outcome
	next     int // the first write that is not proposed yet
	left     int // writes without an outcome
	slot     uint32
	done     chan struct{}
}

// calls lends out calls. One that its caller has given up never comes back: the loop
// may still write to it.
type calls struct{ pool sync.Pool }

func (p *calls) get() *call {
	if c, ok := p.pool.Get().(*call); ok {
		return c
	}
	return &call{done: make(chan struct{}, 1)}
}

func (p *calls) put(c *call) {
	clear(c.writes)
	clear(c.outcomes)
	p.pool.Put(c)
}

// fill copies the writes, whose deadlines are times left, and turns these into moments
// of the loop's clock.
func (c *call) fill(ws []ring.Write, mono time.Duration) {
	c.writes = append(c.writes[:0], ws...)
	c.tokens = c.tokens[:0]
	for i := range c.writes {
		w := &c.writes[i]
		c.tokens = append(c.tokens, w.Token)
		if w.Deadline > 0 {
			w.Deadline += mono
		}
	}
	c.outcomes = append(c.outcomes[:0], make([]ring.Outcome, len(ws))...)
	c.next, c.left = 0, len(ws)
}

// waiting finds the call of a token. Only the loop uses it.
type waiting struct {
	calls []*call
	free  []uint32
}

func (w *waiting) add(c *call) {
	if n := len(w.free); n > 0 {
		c.slot = w.free[n-1]
		w.free = w.free[:n-1]
		w.calls[c.slot] = c
		return
	}
	c.slot = uint32(len(w.calls))
	w.calls = append(w.calls, c)
}

func (c *call) token(i int) uint64 { return uint64(c.slot)<<32 | uint64(i) }

// settle stores an outcome, and wakes the caller with the last one.
func (w *waiting) settle(o ring.Outcome) {
	slot, i := uint32(o.Token>>32), uint32(o.Token)
	c := w.calls[slot]
	o.Token = c.tokens[i]
	c.outcomes[i] = o
	if c.left--; c.left == 0 {
		w.calls[slot] = nil
		w.free = append(w.free, slot)
		c.done <- struct{}{}
	}
}

// size says about how much of a batch a write takes.
func size(w *ring.Write) (updates, bytes int) {
	for i := range w.Put {
		bytes += 64 + len(w.ID) + len(w.Put[i].Location) + len(w.Put[i].Body)
	}
	return len(w.Put) + len(w.Delete) + 1, bytes
}

func failAll(ws []ring.Write, kind gazetteer.Kind, detail string) []ring.Outcome {
	out := make([]ring.Outcome, len(ws))
	for i := range ws {
		w := &ws[i]
		key := gazetteer.Key{Type: w.Partition.Type, ID: w.ID}
		out[i] = ring.Outcome{Token: w.Token, Err: &gazetteer.Error{Op: "agent.Write", Kind: kind, Key: key, Detail: detail}}
	}
	return out
}
