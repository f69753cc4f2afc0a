package rest

import (
	"encoding/json"
	"net/http"
	"sync"
	"time"

	"github.com/gin-gonic/gin"
)

// progressEvery is the pace of progress lines. They are small: a client that does not
// read them finds room for hours of them in its socket.
const progressEvery = 500 * time.Millisecond

// An importStream tells how far an import has come while it goes on. It has its own
// goroutine: a client that reads nothing stalls that one, never the import.
type importStream struct {
	w       gin.ResponseWriter
	control *http.ResponseController
	idle    time.Duration
	stop    chan struct{}
	stopped sync.WaitGroup
}

func (h *Handler) streamProgress(c *gin.Context, n *importRun) *importStream {
	s := &importStream{w: c.Writer, control: n.body.control, idle: h.limits.StreamIdle, stop: make(chan struct{})}
	h.exportHeaders(c.Writer)
	s.stopped.Go(func() { s.tell(n) })
	return s
}

func (s *importStream) tell(n *importRun) {
	tick := time.NewTicker(progressEvery)
	defer tick.Stop()
	for last := int64(-1); ; {
		if now := n.acknowledged.Load(); now != last {
			last = now
			s.line(map[string]int64{"acknowledged": now})
		}
		select {
		case <-tick.C:
		case <-s.stop:
			return
		}
	}
}

// line sends one line. If it cannot be sent the import goes on all the same: its client
// may have meant only to send.
func (s *importStream) line(v any) {
	text, _ := json.Marshal(v) // of our own making: it cannot fail
	_ = s.control.SetWriteDeadline(time.Now().Add(s.idle))
	_, _ = s.w.Write(append(text, '\n'))
	s.w.Flush()
}

// end sends the last line.
func (s *importStream) end(v any) {
	close(s.stop)
	s.stopped.Wait()
	s.line(v)
}
