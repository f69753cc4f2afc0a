package main

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"gazetteer"
	"gazetteer/simulation/check"
	"gazetteer/simulation/check/drive"
)

// trialFlags say what is asked, and how it is judged.
type trialFlags struct {
	config drive.Config
	typ    string
	from   string
	terms  check.Terms
}

func (a *app) checkCommand() *cobra.Command {
	var f trialFlags
	c := &cobra.Command{
		Use:   "check --addr URL[,URL...]",
		Short: "Write, read and watch on a running planet, and judge whether it keeps its promises",
		Long: `check asks a running planet through one regional server of each region: it writes at all
levels of acknowledgement, reads with sessions and without, lists and watches, records all
of it, waits for rest, and then judges. It writes to a type of its own, which it removes at
the end, or to resources whose ids begin with check- in the type of --type. What breaks
meanwhile is up to you: end processes, cut networks, let machines stand still; all must be
whole again before --settle is over.

Exit codes: 0 every promise was kept, 1 one was broken, 6 the run proves nothing: too
little was asked, or losers cannot be accounted for.`,
		Example: `  gazetteer check --addr http://10.0.0.1:8080,http://10.9.0.1:8080 --duration 1m
  gazetteer check --duration 10s -o json`,
		Args: cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error { return a.check(c.Context(), &f) },
	}
	f.define(c)
	return c
}

func (f *trialFlags) define(c *cobra.Command) {
	p := c.Flags()
	p.DurationVar(&f.config.Duration, "duration", 30*time.Second, "how long to ask")
	p.StringVar(&f.typ, "type", "", "a type to write to (default: one of its own)")
	p.BoolVar(&f.config.Mastered, "mastered", false, "its own type is mastered, and clients compare and set")
	p.IntVar(&f.config.Rate, "rate", 300, "operations a second")
	p.IntVar(&f.config.Clients, "clients", 32, "clients that ask at once")
	p.DurationVar(&f.config.Patience, "patience", 5*time.Second, "how long one operation may take")
	p.DurationVar(&f.config.Settle, "settle", time.Minute, "how long regions may take to be equal at the end")
	p.Uint64Var(&f.config.Seed, "seed", 1, "draws what is asked")
	p.StringVar(&f.from, "level", "local", "the lowest acknowledgement that must be kept: local, ring or regions; ring where a disk is lost for good")
	p.DurationVar(&f.terms.Calm, "calm", 0, "how long at the begin nothing is broken; the rate is judged there (default: the whole run)")
	p.Float64Var(&f.terms.MinRate, "min-rate", 100, "operations a second below which the run proves nothing")
}

func (f *trialFlags) fill(addr string) error {
	f.config.Doors, f.config.Type = strings.Split(addr, ","), gazetteer.Type(f.typ)
	f.config.From, f.terms.From = check.Level(f.from), check.Level(f.from)
	switch f.config.From {
	case check.Local, check.Ring, check.Regions:
	default:
		return usage("--level %q: want local, ring or regions", f.from)
	}
	if f.terms.Calm < 0 || f.terms.Calm > f.config.Duration {
		return usage("--calm %v must not be below 0 or above the duration", f.terms.Calm)
	}
	return nil
}

func (a *app) check(ctx context.Context, f *trialFlags) error {
	if err := f.fill(a.addr); err != nil {
		return err
	}
	f.config.Say = func(what string) { fmt.Fprintf(a.err, "gazetteer: %s\n", printable(what)) }
	h, err := drive.Run(ctx, f.config)
	if h == nil {
		return err
	}
	r := check.Summarize(h, check.Judge(h, f.terms))
	if a.output == formatJSON {
		err = firstError(a.json(r), err)
	} else {
		err = firstError(a.printCheck(r), err)
	}
	return firstError(verdictError(r), err)
}

func firstError(errs ...error) error {
	for _, err := range errs {
		if err != nil {
			return err
		}
	}
	return nil
}

// provesNothing is a run that is neither passed nor failed.
type provesNothing struct{ error }

func verdictError(r *check.Report) error {
	switch {
	case r.Broken > 0:
		return &gazetteer.Error{Op: "gazetteer.check", Kind: gazetteer.Internal, Detail: fmt.Sprintf("promises were broken %d times", r.Broken)}
	case r.Invalid != "":
		return provesNothing{&gazetteer.Error{Op: "gazetteer.check", Kind: gazetteer.Internal, Detail: "the run proves nothing: " + r.Invalid}}
	}
	return nil
}

func (a *app) printCheck(r *check.Report) error {
	var rows [][]string
	for _, o := range r.Operations {
		rows = append(rows, []string{string(o.Kind), fmt.Sprint(o.Done), fmt.Sprint(o.Refused), fmt.Sprint(o.Unknown), fmt.Sprintf("%.1f", o.P50MS), fmt.Sprintf("%.1f", o.P99MS)})
	}
	if err := grid(a.out, []string{"OPERATION", "DONE", "REFUSED", "UNKNOWN", "P50 MS", "P99 MS"}, rows); err != nil {
		return err
	}
	fmt.Fprintf(a.out, "\n%.0f operations a second, %d events watched, %d losers in the journal\n\n", r.Rate, r.Watched, r.Journaled)
	rows = nil
	for _, j := range r.Promises {
		rows = append(rows, []string{j.Promise, fmt.Sprint(j.Judged), stateOfPromise(j)})
	}
	if err := grid(a.out, []string{"PROMISE", "JUDGED", "STATE"}, rows); err != nil {
		return err
	}
	for _, j := range r.Promises {
		a.printViolations(j)
	}
	return nil
}

func stateOfPromise(j *check.Judgement) string {
	switch {
	case j.Broken > 0:
		return fmt.Sprintf("BROKEN %d times", j.Broken)
	case j.Judged == 0:
		return "not put to the test"
	}
	return "kept"
}

func (a *app) printViolations(j *check.Judgement) {
	for _, v := range j.Violations {
		fmt.Fprintf(a.out, "\n%s: %s\n", j.Promise, printable(v.Detail))
		for _, e := range v.Evidence {
			fmt.Fprintf(a.out, "  %s\n", printable(e.String()))
		}
	}
}
