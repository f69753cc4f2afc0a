// The benchmark prints the figures of the README, each as a ratio to the bare library in
// the same run: the median of interleaved pairs and its spread. It starts the product
// and its rivals as processes of their own, measures those, prints a table and leaves
// nothing behind.
package main

import (
	"context"
	"flag"
	"fmt"
	"io"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"time"
)

// roles are what this program does as a child of itself.
var roles = map[string]func(args []string) error{
	"bare":          serveBare,
	"bare-redirect": serveBareRedirect,
	"bare-dns":      serveBareDNS,
	"bare-udp":      serveBareUDP,
	"bare-watch":    serveBareWatch,
	"framing":       serveFrames,
	"framing-ask":   callFrames,
	"raw-store":     writeRaw,
}

// options are what the flags say.
type options struct {
	records, pairs int
	round          time.Duration
	planets        []planetSize
	costs          []string // how the regions of each planet know them
	updates        int      // whose propagation is measured, on the first one
	crowds         []crowd  // who watch
	held           int      // watchers whose memory is measured
	dir            string   // for data, removed at the end
	gazetteer      string   // the product's program
}

// benchmarks in the order of the table.
var benchmarks = []struct {
	name string
	run  func(context.Context, options, *table) error
}{
	{"resolve", benchResolve},
	{"redirect", benchRedirect},
	{"dns", benchDNS},
	{"hop", benchHop},
	{"import", benchImport},
	{"memory", benchMemory},
	{"watch", benchWatch},
	{"planet", benchPlanet},
}

func main() {
	if len(os.Args) > 1 && roles[os.Args[1]] != nil {
		exitOn(roles[os.Args[1]](os.Args[2:]))
		return
	}
	o := options{planets: planets(), costs: []string{"given", "measured"}, crowds: crowds(), held: 10_000}
	only := flag.String("only", "", "comma-separated benchmarks: resolve, redirect, dns, hop, import, memory, watch, planet; all if empty")
	flag.IntVar(&o.records, "records", 100_000, "records in the catalogue, three locations each")
	flag.IntVar(&o.pairs, "pairs", 5, "interleaved pairs of rounds, at least 5 for a figure that is quoted")
	flag.DurationVar(&o.round, "round", 3*time.Second, "how long one round takes")
	flag.IntVar(&o.updates, "updates", 1000, "updates that are followed through a planet")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	exitOn(run(ctx, o, *only, os.Stdout))
}

func exitOn(err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, o options, only string, out io.Writer) (err error) {
	chosen, err := choose(only)
	if err != nil {
		return err
	}
	if o.dir, err = os.MkdirTemp("", "gazetteer-bench-"); err != nil {
		return err
	}
	defer func() { err = firstOf(err, os.RemoveAll(o.dir)) }()
	if o.gazetteer, err = build(ctx, o.dir); err != nil {
		return err
	}
	t := newTable(out)
	for _, b := range benchmarks {
		if !slices.Contains(chosen, b.name) {
			continue
		}
		if err := b.run(ctx, o, t); err != nil {
			return fmt.Errorf("%s: %w", b.name, err)
		}
	}
	return nil
}

func choose(only string) ([]string, error) {
	var all []string
	for _, b := range benchmarks {
		all = append(all, b.name)
	}
	if only == "" {
		return all, nil
	}
	chosen := strings.Split(only, ",")
	for _, c := range chosen {
		if !slices.Contains(all, c) {
			return nil, fmt.Errorf("-only %q: want some of %s", c, strings.Join(all, ","))
		}
	}
	return chosen, nil
}

// build compiles the product: what is measured is what users get.
func build(ctx context.Context, dir string) (string, error) {
	program := filepath.Join(dir, "gazetteer")
	c := exec.CommandContext(ctx, "go", "build", "-o", program, "gazetteer/cmd/gazetteer")
	if out, err := c.CombinedOutput(); err != nil {
		return "", fmt.Errorf("go build: %w\n%s", err, out)
	}
	return program, nil
}

func firstOf(errs ...error) error {
	for _, err := range errs {
		if err != nil {
			return err
		}
	}
	return nil
}

func endOnInterrupt(end func()) {
	c := make(chan os.Signal, 1)
	signal.Notify(c, os.Interrupt, syscall.SIGTERM)
	<-c
	end()
}
