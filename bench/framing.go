package main

import (
	"bufio"
	"encoding/binary"
	"encoding/json"
	"io"
	"net"
	"os"
	"strconv"
	"sync"
	"time"

	"golang.org/x/sys/unix"
)

// The plain multiplexed framing that a hop between two servers is compared with: frames
// of an 8-byte header (length, id) over a few connections, many in flight, and one
// writer for each connection that puts what has gathered into one system call. It does
// nothing else: no deadline, no limit, no message format.
const (
	framingConns   = 4
	framingRequest = 64
	framingReply   = 392
	frameHeader    = 8
)

func appendFrame(dst []byte, id uint32, size int) []byte {
	dst = binary.BigEndian.AppendUint32(dst, uint32(size))
	dst = binary.BigEndian.AppendUint32(dst, id)
	return append(dst, make([]byte, size)...)
}

// readFrames calls f with the id of every frame until the connection ends.
func readFrames(conn net.Conn, f func(id uint32)) error {
	in := bufio.NewReaderSize(conn, 64<<10)
	var head [frameHeader]byte
	for {
		if _, err := io.ReadFull(in, head[:]); err != nil {
			return err
		}
		if _, err := in.Discard(int(binary.BigEndian.Uint32(head[:]))); err != nil {
			return err
		}
		f(binary.BigEndian.Uint32(head[4:]))
	}
}

// writeFrames writes a frame of size for every id; it flushes when no other waits.
func writeFrames(conn net.Conn, ids <-chan uint32, size int) {
	out := bufio.NewWriterSize(conn, 64<<10)
	var frame []byte
	for id := range ids {
		frame = appendFrame(frame[:0], id, size)
		_, _ = out.Write(frame) // a failed connection fails its reader, too
		if len(ids) == 0 {
			_ = out.Flush()
		}
	}
}

// serveFrames answers every frame at once, or, with a second address, passes it on and
// answers when the answer has come. Its arguments are the addresses.
func serveFrames(args []string) error {
	l, err := net.Listen("tcp", args[0])
	if err != nil {
		return err
	}
	go endOnInterrupt(func() { os.Exit(0) })
	answer := func(id uint32, replies chan<- uint32) { replies <- id }
	if len(args) > 1 {
		next, err := dialCallers(args[1], framingConns)
		if err != nil {
			return err
		}
		answer = func(id uint32, replies chan<- uint32) {
			next[int(id)%len(next)].call(func() { replies <- id })
		}
	}
	for {
		conn, err := l.Accept()
		if err != nil {
			return err
		}
		replies := make(chan uint32, 1024)
		go writeFrames(conn, replies, framingReply)
		go func() {
			_ = readFrames(conn, func(id uint32) { answer(id, replies) })
			conn.Close()
		}()
	}
}

// framingResult is what callFrames prints.
type framingResult struct {
	Requests int
	CPU      time.Duration
	Median   time.Duration
}

// callFrames asks so many times at once for so long, and prints a framingResult. Its
// arguments are the address, the number of workers and the time.
func callFrames(args []string) error {
	workers, err := strconv.Atoi(args[1])
	if err != nil {
		return err
	}
	d, err := time.ParseDuration(args[2])
	if err != nil {
		return err
	}
	callers, err := dialCallers(args[0], workers)
	if err != nil {
		return err
	}
	before, err := ownCPU()
	if err != nil {
		return err
	}
	latency := callAll(callers, workers, d)
	after, err := ownCPU()
	if err != nil {
		return err
	}
	sortDurations(latency)
	r := framingResult{Requests: len(latency), CPU: after - before, Median: latency[len(latency)/2]}
	return json.NewEncoder(os.Stdout).Encode(r)
}

func callAll(callers []*caller, workers int, d time.Duration) []time.Duration {
	all := make([][]time.Duration, workers)
	until := time.Now().Add(d)
	var wg sync.WaitGroup
	for i := range all {
		wg.Go(func() { all[i] = callers[i%len(callers)].callUntil(until) })
	}
	wg.Wait()
	var out []time.Duration
	for _, l := range all {
		out = append(out, l...)
	}
	return out
}

// caller is the asking end of one connection.
type caller struct {
	requests chan uint32

	mu      sync.Mutex // guards next and waiting
	next    uint32
	waiting map[uint32]func()
}

func dialCallers(addr string, most int) ([]*caller, error) {
	var out []*caller
	for range min(framingConns, most) {
		conn, err := net.Dial("tcp", addr)
		if err != nil {
			return nil, err
		}
		c := &caller{requests: make(chan uint32, 1024), waiting: map[uint32]func(){}}
		go writeFrames(conn, c.requests, framingRequest)
		go func() { _ = readFrames(conn, c.answered) }()
		out = append(out, c)
	}
	return out, nil
}

func (c *caller) callUntil(until time.Time) (latency []time.Duration) {
	arrived := make(chan struct{}, 1)
	done := func() { arrived <- struct{}{} }
	for now := time.Now(); now.Before(until); {
		c.call(done)
		<-arrived
		end := time.Now()
		latency = append(latency, end.Sub(now))
		now = end
	}
	return latency
}

// call sends a request; done is called when its answer has come.
func (c *caller) call(done func()) {
	c.mu.Lock()
	c.next++
	id := c.next
	c.waiting[id] = done
	c.mu.Unlock()
	c.requests <- id
}

func (c *caller) answered(id uint32) {
	c.mu.Lock()
	done := c.waiting[id]
	delete(c.waiting, id)
	c.mu.Unlock()
	done()
}

func ownCPU() (time.Duration, error) {
	var t unix.Timespec
	err := unix.ClockGettime(unix.CLOCK_PROCESS_CPUTIME_ID, &t)
	return time.Duration(t.Nano()), err
}
