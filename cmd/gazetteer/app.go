package main

import (
	"context"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"gazetteer/api/client"
)

// console is what a command sees of the world it was called from.
type console struct {
	in       io.Reader
	out, err io.Writer
	env      func(string) string
}

// app is one call of the program: its console and its global flags.
type app struct {
	console
	addr    string
	output  format
	timeout time.Duration
	session session
	running bool // the command line was understood
}

// run executes one command line and returns the exit code.
func run(ctx context.Context, c console, args []string) int {
	a := &app{console: c, output: formatTable}
	root := a.root()
	root.SetArgs(args)
	err := root.ExecuteContext(ctx)
	if saved := a.session.save(); err == nil {
		err = saved
	}
	if err == nil {
		return exitOK
	}
	if !a.running {
		err = usageError{err}
	}
	complain(c.err, err)
	return exitCode(err)
}

// complain prints an error, of which each line may hold what strangers wrote.
func complain(w io.Writer, err error) {
	text := "gazetteer: " + strings.TrimSpace(err.Error())
	for line := range strings.Lines(text) {
		fmt.Fprintln(w, printable(strings.TrimRight(line, "\n")))
	}
}

// client talks to the server that the global flags name.
func (a *app) client() (*client.Client, error) {
	k, err := client.New(client.Config{Addr: a.addr})
	if err != nil || a.session.file == "" {
		return k, err
	}
	return a.session.in(k)
}

// ask runs one request within the time limit. Its errors say what it was about: a type,
// a resource, a location.
func (a *app) ask(ctx context.Context, about []string, f func(context.Context, *client.Client) error) error {
	k, err := a.client()
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, a.timeout)
	defer cancel()
	err = f(ctx, k)
	if err == nil || len(about) == 0 {
		return err
	}
	return fmt.Errorf("%s: %w", strings.Join(about, "/"), err)
}

const defaultAddr = "http://127.0.0.1:8080"

func (a *app) root() *cobra.Command {
	c := &cobra.Command{
		Use:   "gazetteer",
		Short: "Tell any client where the nearest good copy of a resource is",
		Long: `gazetteer tells any client on earth where the nearest good copy of a resource is.

Try it:     gazetteer demo
Run it:     gazetteer server --data DIR
Ask it:     gazetteer resolve TYPE ID

Exit codes: 0 done, 1 error, 2 wrong usage, 3 not found, 4 conflict or failed
precondition, 5 nobody can answer now.`,
		SilenceErrors: true,
		SilenceUsage:  true,
		PersistentPreRun: func(*cobra.Command, []string) {
			a.running = true
		},
	}
	c.SetIn(a.in)
	c.SetOut(a.out)
	c.SetErr(a.err)
	a.globalFlags(c)
	c.AddCommand(
		a.demoCommand(), a.serverCommand(),
		a.resolveCommand(), a.watchCommand(), a.placeCommand(), a.getCommand(), a.putCommand(), a.heartbeatCommand(), a.rmCommand(), a.typesCommand(),
		a.importCommand(), a.exportCommand(), a.statusCommand(), a.versionCommand(), a.checkCommand(), a.conflictsCommand(),
		a.regionCommand(), a.topologyCommand(), a.ringCommand(), a.memberCommand(),
		a.mstCommand(), a.simCommand(), a.simNodeCommand(), a.planCommand(),
	)
	return c
}

func (a *app) globalFlags(c *cobra.Command) {
	addr := a.env("GAZETTEER_ADDR")
	if addr == "" {
		addr = defaultAddr
	}
	f := c.PersistentFlags()
	f.StringVar(&a.addr, "addr", addr, "URL of a regional server (environment: GAZETTEER_ADDR)")
	f.VarP(&a.output, "output", "o", "how to print answers: table or json")
	f.StringVar(&a.session.file, "session", "", "a file that keeps what you have been shown and have written: no command with it is shown less, whichever server answers")
	f.DurationVar(&a.timeout, "timeout", 15*time.Second, "how long one request may take; import and export have no limit")
}

// group makes a command that only holds others.
func group(use, short string, children ...*cobra.Command) *cobra.Command {
	c := &cobra.Command{Use: use, Short: short, Args: cobra.NoArgs}
	c.AddCommand(children...)
	c.RunE = func(*cobra.Command, []string) error {
		return usageError{fmt.Errorf("%s needs a subcommand: %s", use, namesOf(children))}
	}
	return c
}

func namesOf(cs []*cobra.Command) string {
	var names string
	for i, c := range cs {
		if i > 0 {
			names += ", "
		}
		names += c.Name()
	}
	return names
}
