package main

import (
	"bufio"
	"bytes"
	"fmt"
	"net"
	"strconv"
	"time"

	"golang.org/x/sys/unix"
)

const (
	// perSource is how many watchers come from one address: a server bounds them.
	perSource = 50
	// audienceWaits bounds how long a put may take to all.
	audienceWaits = time.Minute
	// markBytes is the length of what tells puts apart, see markOf.
	markBytes = len("mark-00000000")
	// valueBytes is how large what is put is.
	valueBytes = 350
)

// audience is a number of watchers, read by one thread with epoll: the machine is shared
// with the server that is measured.
type audience struct {
	addr  string
	epoll int
	seats map[int32]*seat
	asks  net.Conn // by which it puts
	in    *bufio.Reader
	puts  int
	buf   []byte
	ready []unix.EpollEvent
}

// seat is one watcher: the end of what it has read, in which the head of a mark may be.
type seat struct {
	tail [markBytes - 1]byte
	seen int // the last put that it has had
}

// gatherAudience connects watchers and waits until each of them is shown what is put.
func gatherAudience(addr string, watchers int) (a *audience, err error) {
	a = &audience{addr: addr, seats: map[int32]*seat{}, buf: make([]byte, 64<<10), ready: make([]unix.EpollEvent, 256)}
	if a.epoll, err = unix.EpollCreate1(unix.EPOLL_CLOEXEC); err != nil {
		return nil, err
	}
	for i := range watchers {
		if err := a.seat(i); err != nil {
			a.close()
			return nil, fmt.Errorf("watcher %d: %w", i, err)
		}
	}
	if a.asks, err = net.Dial("tcp", addr); err != nil {
		a.close()
		return nil, err
	}
	a.in = bufio.NewReader(a.asks)
	if err := a.settle(); err != nil {
		a.close()
		return nil, err
	}
	return a, nil
}

// seat connects one watcher, and waits for the head of its answer.
func (a *audience) seat(i int) error {
	to, err := net.ResolveTCPAddr("tcp", a.addr)
	if err != nil {
		return err
	}
	fd, err := unix.Socket(unix.AF_INET, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return err
	}
	from := i / perSource
	err = unix.Bind(fd, &unix.SockaddrInet4{Addr: [4]byte{127, 0, byte(1 + from/250), byte(1 + from%250)}})
	if err == nil {
		err = unix.Connect(fd, &unix.SockaddrInet4{Port: to.Port, Addr: [4]byte(to.IP.To4())})
	}
	if err == nil {
		_, err = unix.Write(fd, []byte("GET /v1/watch?type="+recordType+" HTTP/1.1\r\nHost: bench\r\nAccept: text/event-stream\r\n\r\n"))
	}
	if err == nil {
		err = a.awaitHead(fd)
	}
	if err == nil {
		err = unix.EpollCtl(a.epoll, unix.EPOLL_CTL_ADD, fd, &unix.EpollEvent{Events: unix.EPOLLIN, Fd: int32(fd)})
	}
	if err != nil {
		unix.Close(fd)
		return err
	}
	a.seats[int32(fd)] = new(seat)
	return nil
}

func (a *audience) awaitHead(fd int) error {
	n, err := unix.Read(fd, a.buf)
	if err == nil && !bytes.HasPrefix(a.buf[:n], []byte("HTTP/1.1 200")) {
		err = fmt.Errorf("answer %q", a.buf[:n])
	}
	return err
}

// settle puts until one put has come to all: before that a server may still be showing a
// late one what there was.
func (a *audience) settle() error {
	for range 10 {
		if _, err := a.put(); err == nil {
			return nil
		}
	}
	_, err := a.put()
	return err
}

// put puts one value and returns how long it took to each watcher, in order.
func (a *audience) put() ([]time.Duration, error) {
	a.puts++
	start := time.Now()
	if _, err := a.asks.Write(putMarked(a.puts)); err != nil {
		return nil, err
	}
	took := make([]time.Duration, 0, len(a.seats))
	for len(took) < len(a.seats) {
		left := audienceWaits - time.Since(start)
		n, err := unix.EpollWait(a.epoll, a.ready, max(0, int(left.Milliseconds())))
		if err == unix.EINTR {
			continue
		}
		if err != nil || n == 0 {
			return nil, fmt.Errorf("put %d came to %d of %d watchers (%v)", a.puts, len(took), len(a.seats), err)
		}
		for _, e := range a.ready[:n] {
			came, err := a.read(e.Fd)
			if err != nil {
				return nil, err
			}
			if came {
				took = append(took, time.Since(start))
			}
		}
	}
	return took, skipResponse(a.in)
}

// read reports whether what a watcher has read brings it the put that is under way.
func (a *audience) read(fd int32) (came bool, err error) {
	s := a.seats[fd]
	head := copy(a.buf, s.tail[:])
	n, err := unix.Read(int(fd), a.buf[head:])
	if err != nil || n == 0 {
		return false, fmt.Errorf("the server has ended a watch (%v)", err)
	}
	read := a.buf[:head+n]
	copy(s.tail[:], read[len(read)-len(s.tail):])
	for at := bytes.Index(read, []byte("mark-")); at >= 0 && at+markBytes <= len(read); {
		if seq, err := strconv.Atoi(string(read[at+5 : at+markBytes])); err == nil && seq == a.puts && s.seen != seq {
			s.seen, came = seq, true
		}
		next := bytes.Index(read[at+1:], []byte("mark-"))
		if next < 0 {
			break
		}
		at += 1 + next
	}
	return came, nil
}

func (a *audience) close() {
	for fd := range a.seats {
		unix.Close(int(fd))
	}
	if a.asks != nil {
		a.asks.Close()
	}
	unix.Close(a.epoll)
}

// putMarked is a request that puts a value by which it can be told from others.
func putMarked(n int) []byte {
	fill := bytes.Repeat([]byte("x"), valueBytes-len(`{"m":"","f":""}`)-markBytes)
	body := fmt.Sprintf(`{"type":%q,"id":%q,"attributes":{"m":"mark-%08d","f":"%s"}}`, recordType, recordID(0), n, fill)
	return fmt.Appendf(nil, "PUT /v1/types/%s/resources/%s HTTP/1.1\r\nHost: bench\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%s",
		recordType, recordID(0), len(body), body)
}
