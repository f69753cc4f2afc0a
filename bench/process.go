package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"net/http"
	"os"
	"os/exec"
	"sync"
	"time"
)

// process is a child whose resources are measured.
type process struct {
	name string
	cmd  *exec.Cmd
	log  tail
	done chan error
}

// start runs a program. It is killed with the benchmark.
func start(name, program string, args ...string) (*process, error) {
	p := &process{name: name, cmd: exec.Command(program, args...), done: make(chan error, 1)}
	p.cmd.Stdout, p.cmd.Stderr = &p.log, &p.log
	dieWithParent(p.cmd)
	if err := p.cmd.Start(); err != nil {
		return nil, err
	}
	go func() { p.done <- p.cmd.Wait() }()
	return p, nil
}

// startSelf runs one of the roles of this program, see roles.
func startSelf(role string, args ...string) (*process, error) {
	self, err := os.Executable()
	if err != nil {
		return nil, err
	}
	return start(role, self, append([]string{role}, args...)...)
}

func (p *process) pid() int { return p.cmd.Process.Pid }

// stop asks the process to end and waits until it has.
func (p *process) stop() error {
	_ = p.cmd.Process.Signal(os.Interrupt) // it may have ended
	select {
	case err := <-p.done:
		p.done <- err
		if err != nil {
			return fmt.Errorf("%s: %w\n%s", p.name, err, p.log.String())
		}
		return nil
	case <-time.After(20 * time.Second):
		_ = p.cmd.Process.Kill()
		return fmt.Errorf("%s did not stop\n%s", p.name, p.log.String())
	}
}

// ready waits until url answers 200.
func (p *process) ready(ctx context.Context, url string) error {
	for {
		r, err := http.Get(url)
		if err == nil {
			r.Body.Close()
			if r.StatusCode == http.StatusOK {
				return nil
			}
			err = errors.New(r.Status)
		}
		select {
		case end := <-p.done:
			p.done <- end
			return fmt.Errorf("%s ended before it was ready: %v\n%s", p.name, end, p.log.String())
		case <-ctx.Done():
			return fmt.Errorf("%s is not ready: %w\n%s", p.name, err, p.log.String())
		case <-time.After(5 * time.Millisecond):
		}
	}
}

// tail keeps the last bytes that a process wrote, for a message about its end.
type tail struct {
	mu  sync.Mutex // guards buf
	buf bytes.Buffer
}

func (t *tail) Write(p []byte) (int, error) {
	const most = 64 << 10
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.buf.Len()+len(p) > most {
		t.buf.Reset()
	}
	return t.buf.Write(p)
}

func (t *tail) String() string {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.buf.String()
}

// freeAddr returns a loopback address that nobody listens on now. Its port is below those
// that the system gives to outgoing connections, so none of them takes it meanwhile.
func freeAddr() (addr string, err error) {
	for range 100 {
		l, failed := net.Listen("tcp", fmt.Sprintf("127.0.0.1:%d", 10_000+rand.IntN(20_000)))
		if err = failed; err == nil {
			return l.Addr().String(), l.Close()
		}
	}
	return "", err
}

// listening waits until somebody accepts connections at addr.
func listening(ctx context.Context, addr string) error {
	for {
		conn, err := net.DialTimeout("tcp", addr, time.Second)
		if err == nil {
			return conn.Close()
		}
		select {
		case <-ctx.Done():
			return err
		case <-time.After(time.Millisecond):
		}
	}
}
