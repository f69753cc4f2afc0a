package peer

import (
	"errors"
	"fmt"
	"io"
)

// errFrameTooLong is wrapped by the error of a frame that announces more than its limit.
var errFrameTooLong = errors.New("frame too long")

// readBuffer is what one connection holds for reading while its frames are small: much
// comes with one system call. One that is nearly idle holds idleBuffer; a planet has
// thousands of those.
const (
	readBuffer = 32 << 10
	idleBuffer = 2 << 10
)

// frameReader takes frames off a connection. Its buffer grows only as bytes arrive, up
// to the longest frame allowed, and shrinks when it is empty again.
type frameReader struct {
	src  io.Reader
	max  uint32
	buf  []byte
	r, w int // what is buffered and not yet taken
}

func newFrameReader(src io.Reader, limit uint32) *frameReader {
	return &frameReader{src: src, max: limit, buf: make([]byte, idleBuffer)}
}

// next returns one frame. The payload is valid until the next call. At a clean end, with
// no part of a frame read, the error is io.EOF.
func (f *frameReader) next() (header, []byte, error) {
	if err := f.need(headerBytes); err != nil {
		return header{}, nil, err
	}
	h := getHeader(f.buf[f.r:])
	if h.length > f.max {
		return h, nil, fmt.Errorf("%w: %d bytes announced, at most %d are taken", errFrameTooLong, h.length, f.max)
	}
	if err := f.need(headerBytes + int(h.length)); err != nil {
		return h, nil, err
	}
	payload := f.buf[f.r+headerBytes : f.r+headerBytes+int(h.length)]
	f.r += headerBytes + int(h.length)
	return h, payload, nil
}

// buffered reports whether next will return without reading from the connection.
func (f *frameReader) buffered() bool {
	if f.w-f.r < headerBytes {
		return false
	}
	h := getHeader(f.buf[f.r:])
	return h.length > f.max || f.w-f.r >= headerBytes+int(h.length)
}

// take returns n bytes that stand before the first frame.
func (f *frameReader) take(n int) ([]byte, error) {
	if err := f.need(n); err != nil {
		return nil, err
	}
	b := f.buf[f.r : f.r+n]
	f.r += n
	return b, nil
}

// need reads until n bytes are buffered.
func (f *frameReader) need(n int) error {
	for f.w-f.r < n {
		f.makeRoom(n)
		m, err := f.src.Read(f.buf[f.w:])
		f.w += m
		if f.w == len(f.buf) && f.w < readBuffer {
			f.buf = append(f.buf, make([]byte, readBuffer-f.w)...) // more waits than fits
		}
		if m == 0 && err != nil {
			if err == io.EOF && f.w > f.r {
				return io.ErrUnexpectedEOF
			}
			return err
		}
	}
	return nil
}

// makeRoom moves what is buffered to the front if n bytes would not fit behind it, and
// doubles a full buffer: a sender who announces much and sends little costs little.
func (f *frameReader) makeRoom(n int) {
	if f.r == f.w {
		f.r, f.w = 0, 0
		if len(f.buf) > readBuffer && n <= readBuffer {
			f.buf = make([]byte, readBuffer)
		}
	}
	if f.r+n > len(f.buf) && f.r > 0 {
		f.w = copy(f.buf, f.buf[f.r:f.w])
		f.r = 0
	}
	if f.w == len(f.buf) {
		f.buf = append(f.buf, make([]byte, min(len(f.buf), n-f.w))...)
	}
}
