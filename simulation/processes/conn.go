package processes

import (
	"bufio"
	"bytes"
	"context"
	"fmt"
	"io"
	"net"
	"net/http/httputil"
	"strconv"
	"time"
)

// conn is a keep-alive connection of HTTP/1.1, and no more of it than is needed to ask a
// regional server: clients must cost less than what they measure.
type conn struct {
	net   net.Conn
	in    *bufio.Reader
	tally *tally // of the process at the other end
	last  bool   // the server closes it after this answer
	body  []byte // of the last answer
}

// dialer opens a connection to an address of this machine.
type dialer func(ctx context.Context, addr string) (net.Conn, error)

func open(dial dialer, f *face, until time.Time) (*conn, error) {
	ctx, cancel := context.WithDeadline(context.Background(), until)
	defer cancel()
	t := f.tally.Load()
	nc, err := dial(ctx, f.addr)
	if err != nil {
		return nil, err
	}
	return &conn{net: nc, in: bufio.NewReaderSize(nc, 4<<10), tally: t}, nil
}

// exchange sends a request and returns the status and the body of its answer. The body is
// good until the next one. After an error the connection is of no use.
func (c *conn) exchange(request []byte, r route, until time.Time) (status int, body []byte, err error) {
	if err := c.net.SetDeadline(until); err != nil {
		return 0, nil, err
	}
	c.tally.asked[r].Add(1)
	if _, err := c.net.Write(request); err != nil {
		return 0, nil, err
	}
	status, err = c.read()
	if err != nil {
		return 0, nil, err
	}
	c.tally.answered[r].Add(1)
	return status, c.body, nil
}

func (c *conn) read() (status int, err error) {
	line, err := c.in.ReadSlice('\n')
	if err != nil {
		return 0, err
	}
	if len(line) < 12 || !bytes.HasPrefix(line, []byte("HTTP/1.1 ")) {
		return 0, fmt.Errorf("%.40q is no answer of HTTP/1.1", line)
	}
	if status, err = strconv.Atoi(string(line[9:12])); err != nil {
		return 0, err
	}
	length, err := c.headers()
	if err != nil {
		return 0, err
	}
	return status, c.readBody(length)
}

const chunked = -1

// headers returns the length of the body that follows.
func (c *conn) headers() (length int, err error) {
	for {
		line, err := c.in.ReadSlice('\n')
		if err != nil {
			return 0, err
		}
		if len(line) <= 2 {
			return length, nil
		}
		if v, ok := header(line, "content-length:"); ok {
			if length, err = strconv.Atoi(string(v)); err != nil {
				return 0, err
			}
		} else if v, ok := header(line, "transfer-encoding:"); ok && bytes.EqualFold(v, []byte("chunked")) {
			length = chunked
		} else if v, ok := header(line, "connection:"); ok {
			c.last = bytes.EqualFold(v, []byte("close"))
		}
	}
}

func header(line []byte, name string) (value []byte, ok bool) {
	if len(line) < len(name) || !bytes.EqualFold(line[:len(name)], []byte(name)) {
		return nil, false
	}
	return bytes.TrimSpace(line[len(name):]), true
}

func (c *conn) readBody(length int) (err error) {
	if length == chunked {
		if c.body, err = io.ReadAll(httputil.NewChunkedReader(c.in)); err == nil {
			_, err = c.in.ReadSlice('\n') // ends the trailer, which is empty
		}
		return err
	}
	if cap(c.body) < length {
		c.body = make([]byte, length)
	}
	c.body = c.body[:length]
	_, err = io.ReadFull(c.in, c.body)
	return err
}
