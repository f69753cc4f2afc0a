package processes

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"os/exec"
	"slices"
	"strings"
	"sync"
	"time"

	"gazetteer"
	"gazetteer/api/client"
)

const (
	// readyWithin is how long a node may take to become a member of its region, and a region
	// to have its rings. It is long: all of a planet starts at once, and the partitions of a
	// second ring move to it a few a second.
	readyWithin = 5 * time.Minute
	// endWithin is how long a node may take to end that was asked to.
	endWithin = 20 * time.Second
)

// process is one seat of the planet with what runs on it, one life after the other. Its
// ports and its data stay.
type process struct {
	seat
	face   *face // nil: it is no regional server
	peer   string
	client *client.Client // nil likewise
	data   string
	join   []string // flags by which its first life enters the planet
	run    *run

	mu     sync.Mutex // guards all below
	life   *life      // nil: nothing runs
	paused bool
}

// life is one of its processes.
type life struct {
	cmd    *exec.Cmd
	in     io.WriteCloser
	said   tail
	ready  chan struct{} // closed when it is a member
	over   chan struct{} // closed when it has ended
	wanted bool          // that it ends
}

// begin starts a life and waits until it is a member of its region. One that another
// fault's end has started goes on.
func (p *process) begin(ctx context.Context) error {
	if p.lives() {
		return nil
	}
	l, err := p.spawn()
	if err != nil {
		return &gazetteer.Error{Op: "processes.Run", Kind: gazetteer.Internal, Err: err, Detail: "cannot start node " + p.name}
	}
	late := time.NewTimer(readyWithin)
	defer late.Stop()
	select {
	case <-l.ready:
		return nil
	case <-l.over:
		return &gazetteer.Error{Op: "processes.Run", Kind: gazetteer.Internal, Detail: fmt.Sprintf("node %s ended before it was ready: %v\n%s", p.name, l.cmd.ProcessState, l.said.String())}
	case <-late.C:
		return &gazetteer.Error{Op: "processes.Run", Kind: gazetteer.Deadline, Detail: fmt.Sprintf("node %s is not ready after %v\n%s", p.name, readyWithin, l.said.String())}
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

func (p *process) spawn() (*life, error) {
	args := append(slices.Clone(p.run.c.Command), p.args()...)
	l := &life{cmd: exec.Command(args[0], args[1:]...), ready: make(chan struct{}), over: make(chan struct{})}
	l.cmd.Args[0] = "gazetteer"
	l.cmd.Stderr = &l.said
	attach(l.cmd)
	out, err := l.cmd.StdoutPipe()
	if err == nil {
		l.in, err = l.cmd.StdinPipe()
	}
	if err != nil {
		return nil, err
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.face.renew()
	if err := p.run.nursery.start(l.cmd); err != nil {
		return nil, err
	}
	p.life = l
	l.tell(p.run.chartFor(p.region))
	p.run.lives.Go(func() { p.attend(l, out) })
	return l, nil
}

// args is the command line of a server.
func (p *process) args() []string {
	args := []string{"--node", p.name, "--peer", p.peer, "--data", p.data, "--roles", strings.Join(p.roles, ","), "--lame-duck", "0s"}
	if p.face != nil {
		args = append(args, "--http", p.face.addr)
	}
	return append(args, p.join...)
}

// attend follows a life to its end.
func (p *process) attend(l *life, out io.Reader) {
	for lines := bufio.NewScanner(out); lines.Scan(); {
		if lines.Text() == ready {
			close(l.ready)
		}
	}
	_ = l.cmd.Wait() // how it ended stands in its state
	p.mu.Lock()
	unasked := !l.wanted
	if p.life == l {
		p.life, p.paused = nil, false
	}
	p.mu.Unlock()
	close(l.over)
	if unasked {
		p.run.endedByItself(p, l)
	}
}

// tell gives a life a chart; one that is gone hears nothing.
func (l *life) tell(c *chart) { _ = json.NewEncoder(l.in).Encode(c) }

func (p *process) tell(c *chart) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.life != nil && !p.paused {
		p.life.tell(c)
	}
}

// kill ends a process at once, as kill -9 does.
func (p *process) kill() {
	if l := p.farewell(); l != nil {
		_ = l.cmd.Process.Kill()
		<-l.over
	}
}

// end asks a process to end, and waits.
func (p *process) end() {
	l := p.farewell()
	if l == nil {
		return
	}
	_ = terminate(l.cmd.Process)
	select {
	case <-l.over:
	case <-time.After(endWithin):
		_ = l.cmd.Process.Kill()
		<-l.over
	}
}

// farewell says that the life may end, and returns it.
func (p *process) farewell() *life {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.life != nil {
		p.life.wanted = true
	}
	return p.life
}

// pause lets the process stand still, or go on. One that goes on hears what it missed.
func (p *process) pause(still bool) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.life == nil {
		return nil
	}
	p.paused = still
	if still {
		return stand(p.life.cmd.Process)
	}
	err := goOn(p.life.cmd.Process)
	p.life.tell(p.run.chartFor(p.region))
	return err
}

// lives reports whether there is a process, even if it stands still.
func (p *process) lives() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.life != nil
}

// runs reports whether the process can answer.
func (p *process) runs() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.life != nil && !p.paused
}

// printed is what the process has printed last.
func (p *process) printed() string {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.life == nil {
		return ""
	}
	return p.life.said.String()
}

// tail keeps the last bytes that a process has printed, for a message about its end.
type tail struct {
	mu  sync.Mutex // guards all below
	buf []byte
}

const tailBytes = 16 << 10

func (t *tail) Write(b []byte) (int, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.buf = append(t.buf, b...)
	t.buf = t.buf[max(0, len(t.buf)-tailBytes):]
	return len(b), nil
}

func (t *tail) String() string {
	t.mu.Lock()
	defer t.mu.Unlock()
	return string(t.buf)
}
