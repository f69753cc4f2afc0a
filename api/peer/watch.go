package peer

import (
	"context"
	"errors"
	"io"
	"net"
	"os"
	"sync"
	"time"

	"gazetteer"
	"gazetteer/pb"
	"gazetteer/region/watch"
)

// A stream of changes has a connection of its own: the network's flow control then holds
// back one that is taken slowly, and no other. The dialer sends one frame, the query with
// the role that it is for. What comes back are frames with batches, beats while there are
// none, and one with an error, or none, at the end.
const (
	watchBatch byte = iota
	watchBeat
	watchEnd
)

// Stream implements [watch.Streamer]. Its errors are those of the tier, or Unavailable: the
// node cannot be reached, the connection broke, or nothing has come for DeadAfter.
func (r *Remote) Stream(ctx context.Context, q *watch.Query, take func(*watch.Batch) error) error {
	t := r.pool.t
	st, err := t.open(r.pool.to, kindWatch, t.cfg.DialTimeout)
	if err != nil {
		return unavailable("peer.Stream", r.pool.to.String(), "no stream could be opened", err)
	}
	defer t.untrack(st.Conn)
	defer context.AfterFunc(ctx, func() { abort(st.Conn) })()
	st.frames.max = maxRequestBytes
	frame, start := beginFrame(nil)
	frame = watch.AppendQuery(frame, q)
	endFrame(frame, start, header{role: r.role})
	if len(frame) > maxRequestBytes {
		return tooLarge("peer.Stream")
	}
	if err := st.writeFor(frame, t.cfg.StallAfter); err != nil {
		return streamBroke(ctx, r.pool.to, err)
	}
	return r.takeBatches(ctx, st, take)
}

func (r *Remote) takeBatches(ctx context.Context, st *stream, take func(*watch.Batch) error) error {
	for {
		st.SetReadDeadline(time.Now().Add(r.pool.t.cfg.DeadAfter))
		h, payload, err := st.frames.next()
		switch {
		case err != nil:
			return streamBroke(ctx, r.pool.to, err)
		case h.code == watchBeat:
		case h.code == watchEnd && len(payload) == 0:
			return nil
		case h.code == watchEnd:
			return decodeError(payload)
		case h.code == watchBatch:
			b, err := watch.DecodeBatch(payload)
			if err != nil {
				return err
			}
			if err := take(b); err != nil {
				return err
			}
		default:
			return broken("peer.Stream", "a frame of a stream has a kind that is unknown here", nil)
		}
	}
}

func streamBroke(ctx context.Context, who target, err error) error {
	if ctx.Err() != nil {
		return ctx.Err()
	}
	return unavailable("peer.Stream", who.String(), "the stream broke", err)
}

func (s *stream) writeFor(b []byte, limit time.Duration) error {
	s.SetWriteDeadline(time.Now().Add(limit))
	_, err := s.Write(b)
	return err
}

// serveWatch answers the one query of a connection.
func (t *Transport) serveWatch(st *stream) error {
	if err := t.accept(st, nil); err != nil {
		return err
	}
	st.frames.max = maxRequestBytes
	st.SetReadDeadline(time.Now().Add(t.cfg.DialTimeout))
	h, payload, err := st.frames.next()
	if err != nil {
		return frameError(err)
	}
	w := &watched{t: t, s: st}
	q, err := watch.DecodeQuery(payload)
	if err == nil {
		err = w.run(h.role, q)
	}
	w.end(err)
	return nil
}

// watched is the answering end of a stream.
type watched struct {
	t *Transport
	s *stream

	mu    sync.Mutex // guards following, and is held while something is written
	frame []byte     // memory for the next one
}

func (w *watched) run(role byte, q *watch.Query) error {
	var to handled
	if int(role) < roleCodes {
		to = w.t.tiers.Load()[role]
	}
	source, ok := to.tier.(watch.Streamer)
	if !ok {
		return &gazetteer.Error{Op: "peer.Serve", Kind: gazetteer.Unsupported, Detail: "node " + string(w.t.cfg.Node) + " gives no streams of changes in that role"}
	}
	ctx, cancel := context.WithCancel(w.t.ctx)
	defer cancel()
	w.t.count.watches.Add(1)
	if !w.t.spawn(func() { w.listen(cancel) }) || !w.t.spawn(func() { w.beat(ctx, cancel) }) {
		return unavailable("peer.Serve", named(w.t.cfg.Node), "it is stopping", nil)
	}
	err := source.Stream(ctx, q, w.give)
	if w.t.ctx.Err() != nil {
		// Whatever the source calls it, the stream ended because this process does: the
		// other end goes on elsewhere.
		return unavailable("peer.Serve", named(w.t.cfg.Node), "it is stopping", err)
	}
	return err
}

// listen finds out that the dialer has gone: he says nothing more.
func (w *watched) listen(cancel context.CancelFunc) {
	defer cancel()
	w.s.SetReadDeadline(time.Time{})
	_, _, _ = w.s.frames.next()
}

// beat says that this end lives whenever there is nothing else to say.
func (w *watched) beat(ctx context.Context, cancel context.CancelFunc) {
	every := time.NewTicker(w.t.cfg.BeatEvery)
	defer every.Stop()
	for {
		select {
		case <-every.C:
		case <-ctx.Done():
			return
		}
		if !w.mu.TryLock() {
			continue // something is being written
		}
		err := w.write(watchBeat, nil)
		w.mu.Unlock()
		if err != nil {
			cancel()
			return
		}
	}
}

// watchPatience is how long a stream waits for one who takes nothing: whoever it is for may
// have to wait for a client.
const watchPatience = 45 * time.Second

// write sends one frame. The lock is held.
func (w *watched) write(code byte, fill func([]byte) []byte) error {
	frame, start := beginFrame(w.frame[:0])
	if fill != nil {
		frame = fill(frame)
	}
	endFrame(frame, start, header{code: code})
	if w.frame = frame; cap(frame) > idleFrame {
		w.frame = nil
	}
	return w.s.writeFor(frame, watchPatience)
}

// idleFrame bounds what a stream keeps for its next frame.
const idleFrame = 64 << 10

// give sends a batch; one that is too long in pieces.
func (w *watched) give(b *watch.Batch) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, piece := range pieces(b) {
		if err := w.write(watchBatch, func(dst []byte) []byte { return watch.AppendBatch(dst, piece) }); err != nil {
			return err
		}
	}
	return nil
}

// pieceBytes is about how many bytes of updates one frame carries.
const pieceBytes = 512 << 10

// pieces cuts a batch so that each piece fits into a frame. Its marks are in the last.
func pieces(b *watch.Batch) (out []*watch.Batch) {
	start, bytes := 0, 0
	for i := range b.Updates {
		if bytes += b.Updates[i].Size(); bytes >= pieceBytes && i+1 < len(b.Updates) {
			out = append(out, &watch.Batch{Updates: b.Updates[start : i+1]})
			start, bytes = i+1, 0
		}
	}
	return append(out, &watch.Batch{Updates: b.Updates[start:], Marks: b.Marks, Lost: b.Lost, Left: b.Left})
}

// end says how the stream ended, unless nobody listens any more.
func (w *watched) end(err error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if errors.Is(err, io.EOF) || errors.Is(err, net.ErrClosed) || errors.Is(err, os.ErrDeadlineExceeded) {
		return
	}
	_ = w.write(watchEnd, func(dst []byte) []byte {
		if err == nil {
			return dst
		}
		return pb.Append(dst, toWire(err))
	})
}
