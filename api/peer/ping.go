package peer

import (
	"context"
	"time"

	"gazetteer"
)

// PingNode measures the round trip to a node. The other end's reader answers where it
// stands, and dialling is not counted, so the time is that of the way, of waking two
// goroutines, and of what happens to be under way on the same connection. Errors are
// those of [Transport.CallNode] but Unsupported. A node is no way from itself.
func (t *Transport) PingNode(ctx context.Context, n gazetteer.NodeID) (time.Duration, error) {
	if n == t.cfg.Node {
		return 0, nil
	}
	return t.pool(n).ping(ctx)
}

// PingAddr is PingNode for whoever answers at an address.
func (t *Transport) PingAddr(ctx context.Context, addr string) (time.Duration, error) {
	return t.addrs.pool(t, addr).ping(ctx)
}

func (p *pool) ping(ctx context.Context) (time.Duration, error) {
	c := p.t.calls.take(methodEcho, 0)
	defer p.t.calls.release(c)
	if err := p.do(ctx, c); err != nil {
		return 0, err
	}
	return c.took, nil
}
