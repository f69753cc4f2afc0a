package peer

import (
	"fmt"

	"gazetteer"
)

// read takes replies until the connection ends.
func (c *conn) read() error {
	var names interner
	for {
		h, payload, err := c.s.frames.next()
		if err != nil {
			return err
		}
		if err := c.take(h, payload, &names); err != nil {
			return err
		}
	}
}

// take gives one frame to its call.
func (c *conn) take(h header, payload []byte, names *interner) error {
	c.mu.Lock()
	c.heard = c.clock.now()
	if h.code == statusPong {
		c.mu.Unlock()
		return nil
	}
	if int(h.id) >= len(c.calls) || c.calls[h.id] == nil {
		c.mu.Unlock()
		return broken("peer.Call", "a reply to no request", nil)
	}
	call := c.calls[h.id]
	if h.flags&flagMore != 0 {
		c.takePartLocked(call, payload)
		c.mu.Unlock()
		return nil
	}
	c.freeIDLocked(h.id)
	c.mu.Unlock()
	if call != abandoned {
		call.complete(h, payload, names)
	}
	return nil
}

// takePartLocked keeps a part that others follow. A reply that grows too long is given
// up; what still comes of it is passed over.
func (c *conn) takePartLocked(call *call, payload []byte) {
	if call == abandoned {
		return
	}
	call.size += len(payload)
	if call.size > c.t.cfg.MaxReply {
		c.giveUpLocked(call)
		call.finish(&gazetteer.Error{Op: "peer.Call", Kind: gazetteer.TooLarge, Detail: fmt.Sprintf("the parts of a reply exceed %d bytes", c.t.cfg.MaxReply)})
		return
	}
	call.parts = append(call.parts, append([]byte(nil), payload...))
}

// end fails every call that is under way. It returns the first reason for the end.
func (c *conn) end(reason error) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.failLocked(reason)
	for id, call := range c.calls {
		if call == nil || call == abandoned {
			continue
		}
		c.calls[id] = nil
		call.written = call.epoch != c.epoch
		call.finish(unavailable("peer.Call", named(c.s.peer.node), "the connection broke", c.err))
	}
	return c.err
}
