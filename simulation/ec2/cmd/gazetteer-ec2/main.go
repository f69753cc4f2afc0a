// Command gazetteer-ec2 runs a scenario on Amazon EC2, and takes down what it has made.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"syscall"
)

const usageText = `gazetteer-ec2 runs a scenario on Amazon EC2. It costs money.

  gazetteer-ec2 run FILE --dry-run          every step, every call and the guessed cost; asks nobody
  gazetteer-ec2 run FILE --package URL --sha256 HEX
  gazetteer-ec2 run FILE --resume RUN ...   goes on after the last step that was done
  gazetteer-ec2 down RUN                    takes down what is left of a run

FILE is a scenario file, or the name of a scenario of the library. A run needs terraform
1.11 or later, and AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY.

A run that fails or is interrupted takes everything down; with --keep it leaves all as it
is, to be resumed.

`

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	os.Exit(run(ctx, os.Args[1:], os.Stdout, os.Stderr))
}

// The exit codes.
const (
	exitOK     = 0
	exitFailed = 1
	exitUsage  = 2
)

// errUsage is of a command line that says nothing that can be done.
var errUsage = errors.New("usage")

func run(ctx context.Context, args []string, out, said io.Writer) int {
	err := command(ctx, args, out, said)
	switch {
	case err == nil || errors.Is(err, flag.ErrHelp):
		return exitOK
	case errors.Is(err, errUsage):
		fmt.Fprintf(said, "gazetteer-ec2: %v\n", err)
		return exitUsage
	}
	fmt.Fprintf(said, "gazetteer-ec2: %v\n", err)
	return exitFailed
}

func command(ctx context.Context, args []string, out, said io.Writer) error {
	o, f := newOptions(said)
	if len(args) == 0 {
		f.Usage()
		return fmt.Errorf("%w: say run or down", errUsage)
	}
	what, err := parse(f, args[1:])
	if err != nil {
		return err
	}
	switch {
	case args[0] == "run" && len(what) == 1:
		return o.run(ctx, what[0], out)
	case args[0] == "down" && len(what) == 1:
		return o.down(ctx, what[0], out)
	}
	f.Usage()
	return fmt.Errorf("%w: it is run FILE or down RUN", errUsage)
}

// parse reads flags before and after what is no flag.
func parse(f *flag.FlagSet, args []string) (what []string, err error) {
	for {
		if err := f.Parse(args); err != nil {
			if errors.Is(err, flag.ErrHelp) {
				return nil, err
			}
			return nil, fmt.Errorf("%w: %w", errUsage, err)
		}
		if f.NArg() == 0 {
			return what, nil
		}
		what, args = append(what, f.Arg(0)), f.Args()[1:]
	}
}
