package router

import (
	"errors"
	"io"
	"net/http"
	"sync"
	"sync/atomic"
	"time"
)

// onceBody is a client's body on its way through: it is never held, so it can be sent
// only once. A client that sends nothing for long is cut off.
//
// Who sends it on may still read when the answer has come; end waits for that, so that
// the server finds the connection in one piece.
type onceBody struct {
	body  io.Reader
	idle  time.Duration
	conn  *http.ResponseController
	taken atomic.Bool
	ended atomic.Bool

	reading sync.Mutex // held while the body is read; guards following
	whole   bool       // it was read to its end
}

// errEnded is what is read of a body whose request has been answered.
var errEnded = errors.New("the request has been answered")

// begun reports whether a byte may be gone. No body has none.
func (b *onceBody) begun() bool { return b != nil && b.taken.Load() }

func (b *onceBody) Read(p []byte) (int, error) {
	b.reading.Lock()
	defer b.reading.Unlock()
	if b.ended.Load() {
		return 0, errEnded
	}
	b.taken.Store(true)
	b.expect(time.Now().Add(b.idle))
	n, err := b.body.Read(p)
	b.whole = b.whole || err == io.EOF
	return n, err
}

// Close does nothing: the server closes what is its own. A first attempt that failed
// would close the body for the second.
func (b *onceBody) Close() error { return nil }

// The rest of a body that nobody waits for is read so far: a client that does not listen
// while it sends gets its answer, too.
const (
	restMost  = 1 << 20
	restWhile = time.Second
)

// end is called when the request has been answered.
func (b *onceBody) end() {
	b.ended.Store(true)
	b.expect(time.Now().Add(restWhile)) // also for who is reading now
	b.reading.Lock()
	defer b.reading.Unlock()
	if !b.whole {
		n, err := io.CopyN(io.Discard, b.body, restMost)
		b.whole = err == io.EOF && n < restMost
	}
	if b.whole {
		b.expect(time.Time{})
	} else {
		b.expect(time.Now()) // the connection ends here
	}
}

func (b *onceBody) expect(until time.Time) {
	_ = b.conn.SetReadDeadline(until) // without deadlines it lasts as long as it lasts
}
