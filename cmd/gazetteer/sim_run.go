package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"path/filepath"
	"runtime"
	"runtime/debug"
	"slices"
	"strconv"
	"time"

	"github.com/spf13/cobra"

	"gazetteer/cmd/gazetteer/sample"
	"gazetteer/simulation/result"
	"gazetteer/simulation/scenario"
	"gazetteer/simulation/scenarios"
	"gazetteer/simulation/virtual"
)

// simRun is one command line of "sim run".
type simRun struct {
	app      *app
	file     string
	scenario *scenario.Scenario
	seed     uint64
	seeded   bool // on the command line
	seeds    int
	out      string
	shrink   bool
	until    time.Duration
	faults   string
	clients  string
	cut      virtual.Cut
	real     bool // as processes, see sim_processes.go
}

// simRunCommand runs a scenario in virtual time.
func (a *app) simRunCommand() *cobra.Command {
	r := simRun{app: a}
	c := &cobra.Command{
		Use:   "run FILE",
		Short: "Run a scenario in virtual time",
		Long: `run lets a planet of regions live through a scenario: the product's own replicas and
trees, over a simulated network, with clients, balancers and servers around them. FILE is
a path, or the name of a scenario of the library.

One seed gives one run: events.log in its folder is equal byte by byte. The folder holds
run.json and series.csv, too, and under report/ the page that "gazetteer sim report" draws
of them. Interrupted, or on a full
disk, a run leaves what it has done.

With --processes the same file runs as processes of this program on 127.0.0.1, in real
time: real sockets, disks and kills, and the delays between regions put in between. What
cannot be done so is named in the result.

The exit code is 1 if a check did not hold. The command that repeats such a run is printed.`,
		Example: `  gazetteer sim run paper
  gazetteer sim run my.yaml --seeds 1000
  gazetteer sim run my.yaml --seed 17 --shrink`,
		Args:              cobra.ExactArgs(1),
		ValidArgsFunction: completeScenarios,
		RunE: func(c *cobra.Command, args []string) error {
			r.file, r.seeded = args[0], c.Flags().Changed("seed")
			return r.run(c.Context())
		},
	}
	f := c.Flags()
	f.Uint64Var(&r.seed, "seed", 0, "decides all chance (default: the scenario's)")
	f.IntVar(&r.seeds, "seeds", 1, "how many seeds are run, from --seed on, side by side")
	f.StringVar(&r.out, "out", "", `folder of the result; of several seeds, of their folders (default: "runs/NAME-SEED", of several seeds none)`)
	f.BoolVar(&r.shrink, "shrink", false, "when a check fails, look for the least of the scenario in which it still does")
	f.DurationVar(&r.until, "until", 0, "end the load earlier")
	f.BoolVar(&r.real, "processes", false, "run it as processes of this machine instead, in real time")
	f.StringVar(&r.faults, "keep-faults", "", `of the run's faults only these, by number from 0, or "none"`)
	f.StringVar(&r.clients, "keep-clients", "", `of the scenario's clients only these, by number from 0, or "none"`)
	return c
}

func (r *simRun) run(ctx context.Context) (err error) {
	if err := r.check(); err != nil {
		return err
	}
	if r.scenario, err = scenarios.Open(r.file); err != nil {
		return err
	}
	if !r.seeded {
		r.seed = r.scenario.Seed
	}
	if r.real {
		return r.asProcesses(ctx)
	}
	defer debug.SetGCPercent(debug.SetGCPercent(virtual.GCPercent))
	if r.seeds > 1 {
		return r.many(ctx)
	}
	return r.single(ctx)
}

func (r *simRun) check() (err error) {
	if r.seeds < 1 {
		return usage("--seeds %d: at least one seed is run", r.seeds)
	}
	if r.until < 0 {
		return usage("--until %v: the load cannot end before it begins", r.until)
	}
	r.cut.Until = r.until
	if r.cut.Faults, err = virtual.ParsePlaces(r.faults); err != nil {
		return usage("--keep-faults: %v", err)
	}
	if r.cut.Clients, err = virtual.ParsePlaces(r.clients); err != nil {
		return usage("--keep-clients: %v", err)
	}
	return nil
}

// single runs one seed, shows how far it is, and says what came out.
func (r *simRun) single(ctx context.Context) error {
	dir := r.out
	if dir == "" {
		dir = filepath.Join("runs", fmt.Sprintf("%s-%d", r.scenario.Name, r.seed))
	}
	whole := r.cut.Shortened(r.scenario)
	bar := r.app.newProgress(r.scenario.Name, int64(whole))
	out, err := r.one(ctx, r.seed, dir, func(load time.Duration) {
		if bar.due() {
			bar.set(int64(load), fmt.Sprintf("%v of %v", load.Truncate(time.Second), whole))
		}
	})
	bar.finish()
	if err != nil {
		return err
	}
	return errors.Join(r.show(&out, dir), r.verdict(ctx, &out), ctx.Err())
}

// one runs one seed in virtual time.
func (r *simRun) one(ctx context.Context, seed uint64, dir string, progress func(time.Duration)) (result.Run, error) {
	return virtual.Run(ctx, r.scenario, virtual.Options{
		Seed: seed, Dir: dir, Cut: r.cut, Commit: buildRevision(), Replay: r.replay(seed, r.cut), Progress: progress,
		Bundled: func() (io.ReadCloser, error) { return sample.Open() },
	})
}

// replay is the command that repeats a run.
func (r *simRun) replay(seed uint64, cut virtual.Cut) string {
	return fmt.Sprintf("gazetteer sim run %s --seed %d%s", r.file, seed, cut.Flags())
}

// verdict is nil for a run in which everything held.
func (r *simRun) verdict(ctx context.Context, out *result.Run) error {
	failed := out.Failed()
	if len(failed) == 0 {
		return nil
	}
	fmt.Fprintf(r.app.err, "gazetteer: seed %d: %s: %s\n  %s\n", out.Seed, printable(failed[0].Name), printable(failed[0].Detail), printable(out.Replay))
	if r.shrink {
		r.shrinkTo(ctx, out.Seed, failed[0].Name)
	}
	return fmt.Errorf("%d of %d checks failed with seed %d", len(failed), len(out.Checks), out.Seed)
}

// shrinkTo prints the least run in which a check fails, as a command.
func (r *simRun) shrinkTo(ctx context.Context, seed uint64, check string) {
	o := virtual.Options{Seed: seed, Cut: r.cut, Bundled: func() (io.ReadCloser, error) { return sample.Open() }}
	bar := r.app.newProgress("shrinking", -1)
	least, runs := virtual.Shrink(ctx, r.scenario, o, check, func(c virtual.Cut) {
		if bar.due() {
			bar.set(0, c.Flags())
		}
	})
	bar.finish()
	fmt.Fprintf(r.app.err, "gazetteer: after %d runs the least in which %s fails is\n  %s\n", runs, printable(check), printable(r.replay(seed, least)))
}

// many runs seeds side by side.
func (r *simRun) many(ctx context.Context) error {
	seeds := make([]uint64, r.seeds)
	for i := range seeds {
		seeds[i] = r.seed + uint64(i)
	}
	t := tally{Scenario: r.scenario.Name, Seeds: r.seeds, Failed: []uint64{}}
	bar := r.app.newProgress(r.scenario.Name, int64(r.seeds))
	var first *result.Run
	var broken error
	virtual.Seeds(ctx, seeds, runtime.GOMAXPROCS(0), func(ctx context.Context, seed uint64) (result.Run, error) {
		return r.one(ctx, seed, r.folderOf(seed), nil)
	}, func(o virtual.Outcome) bool {
		if o.Err != nil {
			broken = errors.Join(broken, fmt.Errorf("seed %d: %w", o.Seed, o.Err))
			return false
		}
		if t.add(&o.Run) && (first == nil || o.Seed < first.Seed) {
			first = &o.Run
		}
		bar.set(int64(t.Ran), fmt.Sprintf("seeds, %d failed", len(t.Failed)))
		return true
	})
	bar.finish()
	slices.Sort(t.Failed)
	if err := r.printTally(&t); err != nil {
		return err
	}
	if first != nil {
		broken = errors.Join(broken, r.verdict(ctx, first))
	}
	return errors.Join(broken, ctx.Err())
}

// folderOf is where the run of one of several seeds is written, if anywhere.
func (r *simRun) folderOf(seed uint64) string {
	if r.out == "" {
		return ""
	}
	return filepath.Join(r.out, strconv.FormatUint(seed, 10))
}

// tally sums up the runs of several seeds.
type tally struct {
	Scenario string   `json:"scenario"`
	Seeds    int      `json:"seeds"`
	Ran      int      `json:"ran"`
	Failed   []uint64 `json:"failed"`
	Requests int64    `json:"requests"`
	Updates  int64    `json:"updates"`
}

// add reports whether a run failed.
func (t *tally) add(r *result.Run) bool {
	if r.Unfinished != "" && len(r.Failed()) == 0 {
		return false // it was interrupted
	}
	t.Ran++
	t.Requests += r.Generators.Reads + r.Generators.Writes
	t.Updates += r.Messages.Updates
	if len(r.Failed()) == 0 {
		return false
	}
	t.Failed = append(t.Failed, r.Seed)
	return true
}

func (r *simRun) printTally(t *tally) error {
	if r.app.output == formatJSON {
		return r.app.json(t)
	}
	_, err := fmt.Fprintf(r.app.out, "%s: %d of %d seeds ran, %d failed; %d requests, %d updates\n",
		printable(t.Scenario), t.Ran, t.Seeds, len(t.Failed), t.Requests, t.Updates)
	for _, seed := range t.Failed {
		fmt.Fprintf(r.app.out, "  %s\n", printable(r.replay(seed, r.cut)))
	}
	return err
}

// buildRevision is the commit that this program was built from, empty if it is not known.
func buildRevision() string {
	if info, ok := debug.ReadBuildInfo(); ok {
		for _, s := range info.Settings {
			if s.Key == "vcs.revision" {
				return s.Value
			}
		}
	}
	return ""
}
