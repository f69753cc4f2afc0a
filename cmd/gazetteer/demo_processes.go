package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"sync"
	"time"

	"gazetteer"
)

// apart is the host that runs each region as a process: this program, started again.
// A region that is killed is told of, and the others go on without it.
type apart struct {
	app     *app
	flags   *demoFlags
	world   *world
	running sync.WaitGroup

	mu       sync.Mutex // guards all below
	at       map[string]gazetteer.RegionID
	regions  []*regionProcess
	failures chan error
}

// regionProcess is one of them.
type regionProcess struct {
	name gazetteer.RegionID
	cmd  *exec.Cmd
	in   io.WriteCloser
	out  *json.Decoder
	site chan site     // has it when the ports are open
	up   chan struct{} // closed when it answers
	over chan struct{} // closed when it says nothing more
}

func (a *app) newProcesses(f *demoFlags, w *world) *apart {
	return &apart{app: a, flags: f, world: w, at: map[string]gazetteer.RegionID{}, failures: make(chan error, len(w.regions))}
}

func (h *apart) begin(ctx context.Context, i int, b start) (at site, err error) {
	p, err := h.spawn(ctx, h.world.regions[i].name)
	if err != nil {
		return at, err
	}
	select {
	case at = <-p.site:
	case <-p.over:
		return at, gone(ctx)
	}
	h.know(at.Peer, p)
	p.tell(order{Start: &b})
	if i > 0 {
		return at, nil
	}
	select {
	case <-p.up:
		return at, nil
	case <-p.over:
		return at, gone(ctx)
	}
}

// gone is why a region is no more that should begin: what it said itself is on its way.
func gone(ctx context.Context) error {
	select {
	case <-ctx.Done():
		return context.Cause(ctx)
	case <-time.After(endWithin):
		return &gazetteer.Error{Op: "gazetteer.demo", Kind: gazetteer.Internal, Detail: "a region ended before it had begun"}
	}
}

// endWithin is how long a region may take to end before it is killed.
const endWithin = 30 * time.Second

// spawn starts the process of a region. It ends when its standard input does.
func (h *apart) spawn(ctx context.Context, r gazetteer.RegionID) (*regionProcess, error) {
	self, err := os.Executable()
	if err != nil {
		return nil, err
	}
	p := &regionProcess{name: r, cmd: exec.CommandContext(ctx, self, h.arguments(r)...), site: make(chan site, 1), up: make(chan struct{}), over: make(chan struct{})}
	p.cmd.Args[0] = "gazetteer"
	p.cmd.Stderr = h.app.err
	p.cmd.Cancel = func() error { return p.in.Close() }
	p.cmd.WaitDelay = endWithin
	out, err := p.cmd.StdoutPipe()
	if err == nil {
		p.in, err = p.cmd.StdinPipe()
	}
	if err == nil {
		err = p.cmd.Start()
	}
	if err != nil {
		return nil, &gazetteer.Error{Op: "gazetteer.demo", Kind: gazetteer.Internal, Err: err, Detail: "cannot start a process for region " + string(r)}
	}
	p.out = json.NewDecoder(out)
	h.running.Go(func() { h.attend(ctx, p) })
	return p, nil
}

func (h *apart) arguments(r gazetteer.RegionID) []string {
	f := h.flags
	return append([]string{
		"demo", "--region", string(r), "--regions", f.regions, "--costs", f.costs, "--http", f.http,
		"--dns", f.dns, "--zone", f.zone,
		fmt.Sprint("--insecure=", f.insecure), fmt.Sprint("--verbose=", f.verbose),
	}, f.locator.args()...)
}

// attend hears a region until it ends.
func (h *apart) attend(ctx context.Context, p *regionProcess) {
	for {
		var w word
		if p.out.Decode(&w) != nil {
			break
		}
		switch {
		case w.Site != nil:
			p.site <- *w.Site
		case w.Up:
			close(p.up)
		case w.Turn != nil:
			h.tell(order{Turn: w.Turn})
		}
	}
	close(p.over)
	err := p.cmd.Wait()
	var exit *exec.ExitError
	switch {
	case p.cmd.ProcessState.Exited() && errors.As(err, &exit):
		h.failures <- &gazetteer.Error{Op: "gazetteer.demo", Kind: gazetteer.Internal, Err: err, Detail: "region " + string(p.name) + " failed"}
	case ctx.Err() == nil:
		fmt.Fprintf(h.app.err, "gazetteer: region %s has ended: %v\n", p.name, p.cmd.ProcessState)
	}
}

// know tells everybody whose peer port an address is, and the region itself of all others.
func (h *apart) know(addr string, p *regionProcess) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.at[addr] = p.name
	h.regions = append(h.regions, p)
	p.tell(order{At: h.at})
	for _, q := range h.regions {
		q.tell(order{At: map[string]gazetteer.RegionID{addr: p.name}})
	}
}

func (h *apart) tell(o order) {
	h.mu.Lock()
	defer h.mu.Unlock()
	for _, p := range h.regions {
		p.tell(o)
	}
}

// tell gives an order; one that is gone hears nothing.
func (p *regionProcess) tell(o order) { _ = json.NewEncoder(p.in).Encode(o) }

func (h *apart) failed() <-chan error { return h.failures }

func (h *apart) end() error {
	h.running.Wait()
	return drained(h.failures)
}
