package rest

import (
	"bufio"
	"errors"
	"io"
	"net/http"
	"os"
	"sync/atomic"
	"time"

	"gazetteer"
)

// lines reads a body line by line. It holds at most one line, and that only up to the
// limit of a document.
type lines struct {
	buf    *bufio.Reader
	long   []byte // a line that is longer than buf's memory
	number int64  // of the line that was read last, from 1
}

const lineBuffer = 128 << 10

func newLines(r io.Reader) *lines { return &lines{buf: bufio.NewReaderSize(r, lineBuffer)} }

// next returns the next line without its end, valid until the next call. At the end of
// the body it returns io.EOF; a last line needs no end.
func (l *lines) next() ([]byte, error) {
	l.number++
	line, err := l.buf.ReadSlice('\n')
	if err == bufio.ErrBufferFull {
		line, err = l.gather(line)
	}
	switch {
	case err == nil:
		return line[:len(line)-1], nil
	case err == io.EOF && len(line) > 0:
		return line, nil
	}
	return nil, err
}

// gather reads on in a line that did not fit.
func (l *lines) gather(line []byte) ([]byte, error) {
	l.long = append(l.long[:0], line...)
	for {
		more, err := l.buf.ReadSlice('\n')
		if len(l.long)+len(more) > int(recordBody) {
			return nil, refused(gazetteer.TooLarge, "", "the line is longer than the %d bytes taken for one resource", recordBody)
		}
		l.long = append(l.long, more...)
		if err != bufio.ErrBufferFull {
			return l.long, err
		}
	}
}

// A patientBody is a request body that may last as long as it likes, if only something
// comes every now and then. It can be interrupted.
type patientBody struct {
	body    io.Reader
	control *http.ResponseController
	idle    time.Duration
	stopped atomic.Bool
}

func (p *patientBody) Read(b []byte) (int, error) {
	if err := p.control.SetReadDeadline(time.Now().Add(p.idle)); err != nil {
		return 0, err
	}
	if p.stopped.Load() {
		return 0, os.ErrDeadlineExceeded
	}
	return p.body.Read(b)
}

// interrupt ends a Read that waits, and all later ones. It is safe against one that is
// about to begin: that sees either the mark or the deadline.
func (p *patientBody) interrupt() {
	p.stopped.Store(true)
	_ = p.control.SetReadDeadline(time.Now()) // Read has met the same failure
}

// drain takes what a client still sends after it was answered, in bounds: one that does
// not listen while it sends would otherwise find the connection broken and no answer.
func (p *patientBody) drain() {
	if p.control.SetReadDeadline(time.Now().Add(drainFor)) == nil {
		_, _ = io.CopyN(io.Discard, p.body, drainMax) // its end does not matter any more
	}
}

const (
	drainMax = 64 << 20
	drainFor = 5 * time.Second
)

// error says why a body could not be read on.
func (p *patientBody) error(err error) error {
	if errors.Is(err, os.ErrDeadlineExceeded) {
		return refused(gazetteer.Deadline, "", "nothing came for %v", p.idle)
	}
	var e *gazetteer.Error
	if errors.As(err, &e) {
		return err
	}
	return readError(err, int64(recordBody))
}
