package peer

import "context"

// sweep is called by the janitor at every tick.
func (c *conn) sweep(now tick) {
	c.mu.Lock()
	defer c.mu.Unlock()
	switch {
	case c.err != nil:
	case c.writing && now-c.since > ticks(c.t.cfg.StallAfter):
		c.failLocked(errStall)
	case c.inFlight == 0:
		c.pinged = false
		if c.retired || now-c.used > c.idle {
			c.failLocked(errIdle)
		}
	default:
		c.expireLocked(now)
		c.pingLocked(now)
	}
}

// expireLocked gives up the calls whose contexts had no deadline.
func (c *conn) expireLocked(now tick) {
	for _, call := range c.calls {
		if call != nil && call != abandoned && int32(now-call.until) > 0 {
			c.giveUpLocked(call)
			call.finish(late(named(c.s.peer.node), context.DeadlineExceeded))
		}
	}
}

// pingLocked finds out whether a peer that owes replies is still there.
func (c *conn) pingLocked(now tick) {
	if c.pinged && int32(c.heard-c.pingAt) >= 0 {
		c.pinged = false
	}
	switch {
	case c.pinged && now-c.pingAt > ticks(c.t.cfg.DeadAfter):
		c.failLocked(errSilent)
	case !c.pinged && now-c.heard > ticks(c.t.cfg.BeatEvery):
		c.pinged, c.pingAt = true, now
		c.buf = appendFrame(c.buf, header{code: methodPing}, nil)
		c.wakeLocked()
	}
}
