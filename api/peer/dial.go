package peer

import (
	"context"
	"crypto/tls"
	"net"
	"time"

	"gazetteer"
)

// target is whom a connection is to reach: a node, wherever it is now, or whoever
// answers at an address.
type target struct {
	node gazetteer.NodeID
	addr string // if node is empty
}

func (w target) String() string {
	if w.node == "" {
		return "the server at " + w.addr
	}
	return named(w.node)
}

// serverName is what the certificate of whom we dial must show: the node's name, or if
// that is not known the host that was dialled.
func (w target) serverName() string {
	if w.node != "" {
		return string(w.node)
	}
	host, _, err := net.SplitHostPort(w.addr)
	if err != nil {
		return w.addr
	}
	return host
}

// open connects and exchanges hellos. Each of the two may take the time given.
func (t *Transport) open(to target, kind connKind, limit time.Duration) (*stream, error) {
	nc, err := t.connect(to, limit)
	if err != nil {
		return nil, err
	}
	s, err := t.greet(nc, kind, to, nil, limit)
	if err != nil {
		t.untrack(nc)
		t.cfg.Refused(nc.RemoteAddr().String(), err)
	}
	return s, err
}

// connect opens a connection. It is tracked.
func (t *Transport) connect(to target, limit time.Duration) (net.Conn, error) {
	addr := t.address(to)
	if addr == "" {
		return nil, &gazetteer.Error{Op: "peer.Dial", Kind: gazetteer.Unavailable, Detail: "the address of " + to.String() + " is not known"}
	}
	ctx, cancel := context.WithTimeout(t.ctx, limit)
	defer cancel()
	nc, err := t.cfg.Dial(ctx, addr)
	if err != nil {
		return nil, err
	}
	nc = t.wrapClient(nc, to)
	if !t.track(nc) {
		return nil, errClosed
	}
	return nc, nil
}

// address returns where a target is reached now, empty if that is not known.
func (t *Transport) address(to target) string {
	if to.node == "" {
		return to.addr
	}
	return t.cfg.Resolve(to.node)
}

func (t *Transport) wrapClient(nc net.Conn, to target) net.Conn {
	if t.cfg.ClientTLS == nil {
		return nc
	}
	c := t.cfg.ClientTLS
	if c.ServerName == "" && !c.InsecureSkipVerify {
		c = c.Clone()
		c.ServerName = to.serverName()
	}
	return tls.Client(nc, c)
}
