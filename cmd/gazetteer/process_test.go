package main

import (
	"bytes"
	"context"
	"io"
	"os"
	"os/exec"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"
)

// patience is how long a test waits for what should come at once.
const patience = 90 * time.Second

// printed is what a running command has printed so far.
type printed struct {
	mu  sync.Mutex // guards buf
	buf bytes.Buffer
}

func (p *printed) Write(b []byte) (int, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.buf.Write(b)
}

func (p *printed) String() string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.buf.String()
}

// wait returns the first group of a pattern once it was printed.
func (p *printed) wait(t *testing.T, pattern string) string {
	t.Helper()
	re := regexp.MustCompile(pattern)
	for end := time.Now().Add(patience); time.Now().Before(end); time.Sleep(5 * time.Millisecond) {
		if m := re.FindStringSubmatch(p.String()); m != nil {
			return m[len(m)-1]
		}
	}
	t.Fatalf("%s was not printed, but:\n%s", pattern, p.String())
	return ""
}

// startDemo runs a demo in this process until the test ends, and returns its URL.
func startDemo(t *testing.T) string {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	var out printed
	done := make(chan int, 1)
	c := console{in: strings.NewReader(""), out: &out, err: &out, env: func(string) string { return "" }}
	args := []string{"demo", "--regions", "2", "--http", "127.0.0.1:0", "--data", t.TempDir()}
	go func() { done <- run(ctx, c, args) }()
	t.Cleanup(func() {
		cancel()
		if code := <-done; code != exitOK {
			t.Errorf("the demo ended with code %d:\n%s", code, out.String())
		}
	})
	return out.wait(t, `(?s)answers at (http://[^;]+);.*Ctrl-C ends it`)
}

// child is the program as a process of its own.
type child struct {
	*exec.Cmd
	out  printed
	done chan struct{} // closed when it has ended
}

// startChild runs the program: this test binary is it, under its name.
func startChild(t *testing.T, args ...string) *child {
	t.Helper()
	return startFed(t, nil, args...)
}

// startFed is startChild with a standard input.
func startFed(t *testing.T, in io.Reader, args ...string) *child {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	c := &child{Cmd: exec.Command(self), done: make(chan struct{})}
	c.Args = append([]string{"gazetteer"}, args...)
	c.Stdin = in
	c.Stdout, c.Stderr = &c.out, &c.out
	if err := c.Start(); err != nil {
		t.Fatal(err)
	}
	go func() {
		_ = c.Wait()
		close(c.done)
	}()
	t.Cleanup(func() {
		_ = c.Process.Kill()
		<-c.done
	})
	return c
}

// end sends a signal and returns the exit code.
func (c *child) end(t *testing.T, s os.Signal) int {
	t.Helper()
	if err := c.Process.Signal(s); err != nil {
		t.Fatal(err)
	}
	return c.code(t)
}

// code waits for the end and returns the exit code.
func (c *child) code(t *testing.T) int {
	t.Helper()
	select {
	case <-c.done:
		return c.ProcessState.ExitCode()
	case <-time.After(patience):
		t.Fatalf("%v does not end; it printed:\n%s", c.Args, c.out.String())
		return -1
	}
}
