package main

import (
	"context"
	"errors"
	"fmt"
	"os"

	"github.com/spf13/cobra"

	"gazetteer"
	"gazetteer/api/web"
)

// demoFlags is the command line of a demo.
type demoFlags struct {
	http, data        string
	locator           locatorFlags
	regions, costs    string
	insecure, verbose bool
	processes         bool
	dns, zone         string
	region            string // of a process that another one has started
}

func (a *app) demoCommand() *cobra.Command {
	var f demoFlags
	c := &cobra.Command{
		Use:   "demo",
		Short: "Run a planet with a real catalogue, and questions to ask it",
		Long: `demo runs a planet in this process: seven regions with the real delays between them, each
with embedded storage, which build their minimum spanning tree and keep the measurement
services of M-Lab as catalogue, beside a GeoIP test database. It prints curl lines to try,
also to cut a region off, and answers until Ctrl-C. Without --data it leaves nothing behind.

With --processes each region is a process, so that one can be killed, too.

--regions takes another number of AWS's regions, up to 32, or a file:
{"regions":[{"name":"a","lat":1,"lon":2}],"rtt_ms":[["a","b",12.5]]}. From eight regions on
they keep their data in memory unless --data is given or each is a process.`,
		Args: cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			if f.region != "" {
				return a.demoRegion(c.Context(), &f)
			}
			return a.demo(c.Context(), f)
		},
	}
	fl := c.Flags()
	fl.StringVar(&f.http, "http", defaultHTTP, "HOST:PORT on which the first region answers; the others take free ports")
	fl.StringVar(&f.data, "data", "", "directory to keep the data in (default: a temporary one, removed at the end)")
	f.locator.define(c, "City or Country database (.mmdb) in place of the bundled test database")
	fl.StringVar(&f.regions, "regions", "7", "how many regions, or a file that describes them")
	fl.StringVar(&f.costs, "costs", "measured", "how the regions know the costs of the tree's edges: measured or given")
	fl.BoolVar(&f.processes, "processes", false, "run each region as a process of its own")
	fl.StringVar(&f.dns, "dns", "", "HOST:PORT on which the first region answers over DNS, too")
	fl.StringVar(&f.zone, "zone", "gazetteer.test", "the DNS zone that it answers for")
	fl.BoolVar(&f.insecure, "insecure", false, "allow an address that is not loopback")
	fl.BoolVar(&f.verbose, "verbose", false, "log what the regions do")
	fl.StringVar(&f.region, "region", "", "be this region of the demo, which gives its orders on the standard input")
	_ = fl.MarkHidden("region") // it exists
	return c
}

// inMemoryFrom is from how many regions on a demo keeps its data in memory.
const inMemoryFrom = 8

func (a *app) demo(ctx context.Context, f demoFlags) (err error) {
	d, err := a.newDemo(ctx, &f)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, d.host.end()) }()
	if f.data == "" && (f.processes || len(d.world.regions) < inMemoryFrom) {
		if d.data, err = os.MkdirTemp("", "gazetteer-demo-"); err != nil {
			return &gazetteer.Error{Op: "gazetteer.demo", Kind: gazetteer.Internal, Err: err, Detail: "no room for the data; name a directory with --data"}
		}
		defer func() { err = firstOf(err, os.RemoveAll(d.data)) }()
	}
	return d.run(ctx)
}

// newDemo opens what does not touch the data.
func (a *app) newDemo(ctx context.Context, f *demoFlags) (*demo, error) {
	if err := f.check(); err != nil {
		return nil, err
	}
	w, err := worldOf(f.regions)
	if err != nil {
		return nil, err
	}
	d := &demo{app: a, world: w, data: f.data, names: f}
	if f.processes {
		d.host = a.newProcesses(f, w)
		return d, nil
	}
	d.host, err = a.newWithin(ctx, f, w)
	return d, err
}

func (f *demoFlags) check() error {
	if f.costs != "measured" && f.costs != "given" {
		return usage("--costs: %q is neither measured nor given", f.costs)
	}
	return nil
}

func firstOf(errs ...error) error {
	for _, err := range errs {
		if err != nil {
			return err
		}
	}
	return nil
}

// showAround loads the catalogue, asks the planet its own questions and prints how to ask
// them.
func (d *demo) showAround(ctx context.Context) error {
	if err := d.load(ctx); err != nil {
		return err
	}
	if err := d.tellChange(ctx); err != nil {
		return err
	}
	where := "in memory"
	if d.data != "" {
		where = "in " + printable(d.data)
	}
	fmt.Fprintf(d.app.out, "\nThe planet answers at %s; its data lies %s. Try:\n", d.url(), where)
	if err := d.app.tour(ctx, d.url()); err != nil {
		return err
	}
	fmt.Fprintf(d.app.out, "\n  # The planet on a map, live, in a browser:\n  %s%s\n", d.url(), web.Path)
	d.explainNames()
	d.explainCuts()
	_, err := fmt.Fprint(d.app.out, "\nCtrl-C ends it.\n")
	return err
}
