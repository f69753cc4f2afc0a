package peer

import (
	"crypto/tls"
	"errors"
	"net"
	"os"
	"time"

	"gazetteer"
)

// acceptPause is how long the accept loop waits after a failure that may pass, such as
// too many open files.
const acceptPause = 20 * time.Millisecond

func (t *Transport) acceptLoop(l net.Listener) error {
	for {
		nc, err := l.Accept()
		switch {
		case t.ctx.Err() != nil:
			if err == nil {
				nc.Close()
			}
			return nil
		case errors.Is(err, net.ErrClosed):
			return &gazetteer.Error{Op: "peer.Serve", Kind: gazetteer.Unavailable, Detail: "the listener was closed", Err: err}
		case err != nil:
			t.pause(acceptPause)
		case !t.admit(nc):
			nc.Close()
		}
	}
}

func (t *Transport) pause(d time.Duration) {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-t.ctx.Done():
	}
}

// admit starts to serve an accepted connection, unless there are too many.
func (t *Transport) admit(nc net.Conn) bool {
	if t.cfg.ServerTLS != nil {
		nc = tls.Server(nc, t.cfg.ServerTLS)
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.closed {
		return false
	}
	if t.accepted >= t.cfg.MaxConns {
		t.count.crowded.Add(1)
		return false
	}
	t.accepted++
	t.closers[nc] = struct{}{}
	t.wg.Go(func() { t.serveConn(nc) })
	return true
}

func (t *Transport) serveConn(nc net.Conn) {
	t.count.accepted.Add(1)
	if err := t.serveStream(nc); isRefusal(err) {
		t.count.refused.Add(1)
		t.cfg.Refused(nc.RemoteAddr().String(), err)
	}
	t.untrack(nc)
	t.mu.Lock()
	defer t.mu.Unlock()
	t.accepted--
}

// isRefusal tells what we end a connection for from its end by the peer: a dialer who
// finds, once connected, that he has a link already goes without a word.
func isRefusal(err error) bool {
	return gazetteer.KindOf(err) != gazetteer.Internal || errors.Is(err, os.ErrDeadlineExceeded)
}

// serveStream serves a connection until it ends. An error says why it ended early.
func (t *Transport) serveStream(nc net.Conn) error {
	s, kind, err := t.receive(nc)
	switch {
	case err != nil && s != nil:
		t.refuse(s, err)
		return err
	case err != nil:
		return err
	case kind == kindLink:
		return t.links.serve(s)
	case kind == kindRaft:
		return t.serveRaft(s)
	case kind == kindWatch:
		return t.serveWatch(s)
	}
	return t.serveRequests(s)
}
