package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"

	"github.com/spf13/cobra"

	"gazetteer/cmd/gazetteer/sample"
	"gazetteer/simulation/processes"
	"gazetteer/simulation/result"
	"gazetteer/simulation/scenario"
)

// simNode is the command by which a run starts its nodes.
const simNode = "sim-node"

// simProcesses runs a scenario as processes of this program, and says what it does on
// standard error.
func (a *app) simProcesses(ctx context.Context, s *scenario.Scenario, log processes.Log) (*result.Run, error) {
	self, err := os.Executable()
	if err != nil {
		return nil, err
	}
	return processes.Run(ctx, processes.Config{
		Scenario: s, Command: []string{self, simNode}, Log: log,
		Bundled: func() (io.Reader, error) { return sample.Open() },
		Say:     func(what string) { fmt.Fprintf(a.err, "gazetteer: %s\n", printable(what)) },
	})
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
