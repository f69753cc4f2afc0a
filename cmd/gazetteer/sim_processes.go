package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"github.com/spf13/cobra"

	"gazetteer/cmd/gazetteer/sample"
	"gazetteer/simulation/processes"
	"gazetteer/simulation/result"
	"gazetteer/simulation/scenario"
)

// simNode is the command by which a run starts its nodes.
const simNode = "sim-node"

// asProcesses runs the scenario as processes of this program. What it does it says on
// standard error.
func (r *simRun) asProcesses(ctx context.Context) error {
	if r.seeds > 1 || r.shrink || r.faults != "" || r.clients != "" {
		return usage("--processes runs the whole scenario once: it does not go with --seeds, --shrink, --keep-faults or --keep-clients")
	}
	self, err := os.Executable()
	if err != nil {
		return err
	}
	s := *r.scenario
	s.Seed, s.Duration = r.seed, r.cut.Shortened(r.scenario)
	dir := cmp.Or(r.out, filepath.Join("runs", fmt.Sprintf("%s-%d-processes", s.Name, s.Seed)))
	replay := r.replay(s.Seed, r.cut) + " --processes"
	f, err := result.Create(dir, result.Run{Scenario: s.Name, About: s.About, Mode: result.Processes, Seed: s.Seed, Commit: buildRevision(), Replay: replay})
	if err != nil {
		return err
	}
	out, err := processes.Run(ctx, processes.Config{
		Scenario: &s, Command: []string{self, simNode}, Log: f,
		Bundled: func() (io.ReadCloser, error) { return sample.Open() },
		Say:     func(what string) { fmt.Fprintf(r.app.err, "gazetteer: %s\n", printable(what)) },
	})
	if out == nil {
		return errors.Join(err, f.Finish(unbegun(&s, replay, err)))
	}
	out.Commit, out.Replay = buildRevision(), replay
	if err := errors.Join(err, f.Finish(*out)); err != nil {
		return err
	}
	return errors.Join(r.show(out, dir), r.verdict(ctx, out), ctx.Err())
}

// unbegun is a run whose planet did not come up.
func unbegun(s *scenario.Scenario, replay string, err error) result.Run {
	return result.Run{Scenario: s.Name, About: s.About, Mode: result.Processes, Seed: s.Seed, Commit: buildRevision(), Replay: replay, Unfinished: err.Error()}
}

// simNodeCommand is a server whose ways to other regions are as long as standard input
// says, and which ends with it.
func (a *app) simNodeCommand() *cobra.Command {
	var f serverFlags
	c := &cobra.Command{
		Use:    simNode,
		Short:  "Run one node of gazetteer sim run --processes",
		Args:   cobra.NoArgs,
		Hidden: true,
		RunE:   func(c *cobra.Command, _ []string) error { return a.simNode(c.Context(), &f) },
	}
	f.define(c)
	return c
}

func (a *app) simNode(ctx context.Context, f *serverFlags) error {
	n, err := processes.Hear(a.in)
	if err != nil {
		return err
	}
	s, err := f.service(ctx, a)
	if err != nil {
		return err
	}
	s.dial = n.Dial
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	obeyed := make(chan error, 1)
	go func() {
		obeyed <- n.Obey()
		stop()
	}()
	err = s.run(ctx, func(context.Context, *member) error { return n.Ready(a.out) })
	select {
	case told := <-obeyed:
		return errors.Join(err, told)
	default: // a signal came first
		return err
	}
}
