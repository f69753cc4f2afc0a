package main

import (
	"bufio"
	"bytes"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"strconv"
	"sync"
	"sync/atomic"
	"time"
)

// A request appends one HTTP/1.1 request to dst. All connections call it at the same
// time, each with its own randomness.
type request func(dst []byte, r *rand.Rand) []byte

// load is what a number of keep-alive connections did.
type load struct {
	requests int
	took     time.Duration
	latency  []time.Duration // sorted
}

func (l load) rate() float64 { return float64(l.requests) / l.took.Seconds() }

// quantile returns the latency that q of all requests did not exceed.
func (l load) quantile(q float64) time.Duration {
	if len(l.latency) == 0 {
		return 0
	}
	return l.latency[min(len(l.latency)-1, int(q*float64(len(l.latency))))]
}

// drive sends requests over conns connections, one in flight on each, until the time is
// over or total requests were sent (0: no bound). Any answer but a 2xx or 3xx ends it.
func drive(addr string, conns, total int, d time.Duration, next request) (load, error) {
	var left atomic.Int64
	left.Store(int64(total))
	more := func() bool { return total == 0 || left.Add(-1) >= 0 }
	results := make([]connection, conns)
	start := time.Now()
	var wg sync.WaitGroup
	for i := range results {
		c := &results[i]
		c.random = rand.New(rand.NewPCG(uint64(i), uint64(start.UnixNano())))
		wg.Go(func() { c.err = c.run(addr, start.Add(d), more, next) })
	}
	wg.Wait()
	return gather(results, time.Since(start))
}

func gather(results []connection, took time.Duration) (load, error) {
	l := load{took: took}
	for i := range results {
		if err := results[i].err; err != nil {
			return l, err
		}
		l.latency = append(l.latency, results[i].latency...)
	}
	l.requests = len(l.latency)
	sortDurations(l.latency)
	return l, nil
}

// connection is one client.
type connection struct {
	random  *rand.Rand
	latency []time.Duration
	err     error
}

func (c *connection) run(addr string, until time.Time, more func() bool, next request) error {
	conn, err := net.Dial("tcp", addr)
	if err != nil {
		return err
	}
	defer conn.Close()
	in := bufio.NewReaderSize(conn, 16<<10)
	var out []byte
	for now := time.Now(); now.Before(until) && more(); {
		out = next(out[:0], c.random)
		if _, err := conn.Write(out); err != nil {
			return err
		}
		if err := skipResponse(in); err != nil {
			return err
		}
		done := time.Now()
		c.latency = append(c.latency, done.Sub(now))
		now = done
	}
	return nil
}

// skipResponse reads one response that has a Content-Length, as cheaply as it can: the
// machine is shared with the server that is measured.
func skipResponse(in *bufio.Reader) error {
	status, err := in.ReadSlice('\n')
	if err != nil {
		return err
	}
	if len(status) < 12 || (status[9] != '2' && status[9] != '3') {
		rest, _ := in.Peek(min(in.Buffered(), 2048))
		return fmt.Errorf("answer %q %q", status, rest)
	}
	length := 0
	for {
		line, err := in.ReadSlice('\n')
		switch {
		case err != nil:
			return err
		case len(line) <= 2:
			_, err := in.Discard(length)
			return err
		}
		if v, ok := cutHeader(line, "content-length:"); ok {
			if length, err = strconv.Atoi(string(v)); err != nil {
				return err
			}
		}
	}
}

func cutHeader(line []byte, name string) ([]byte, bool) {
	if len(line) < len(name) || !bytes.EqualFold(line[:len(name)], []byte(name)) {
		return nil, false
	}
	return bytes.TrimSpace(line[len(name):]), true
}

// fetch does one request and returns the body of its answer.
func fetch(addr string, req []byte) ([]byte, error) {
	head, body, err := exchange(addr, req)
	if err == nil && head[9] != '2' {
		err = fmt.Errorf("answer %q %q", head, body)
	}
	return body, err
}

// exchange does one request and returns its answer.
func exchange(addr string, req []byte) (head, body []byte, err error) {
	conn, err := net.Dial("tcp", addr)
	if err != nil {
		return nil, nil, err
	}
	defer conn.Close()
	if _, err := conn.Write(append(req[:len(req)-2:len(req)-2], "Connection: close\r\n\r\n"...)); err != nil {
		return nil, nil, err
	}
	all, err := io.ReadAll(conn)
	if err != nil {
		return nil, nil, err
	}
	head, body, ok := bytes.Cut(all, []byte("\r\n\r\n"))
	if !ok || len(head) < 12 {
		return nil, nil, fmt.Errorf("answer %q", all)
	}
	return head, body, nil
}
