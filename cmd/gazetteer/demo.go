package main

import (
	"context"
	"fmt"
	"log/slog"
	"os"
	"time"

	"github.com/spf13/cobra"

	"gazetteer"
	"gazetteer/api/client"
	"gazetteer/cmd/gazetteer/sample"
	"gazetteer/region/control"
	"gazetteer/region/geo"
	geosample "gazetteer/region/geo/sample"
)

const (
	demoRegion = "demo"
	demoNode   = "demo-1"
)

// demoFlags is the command line of a demo.
type demoFlags struct {
	http, data, geoip string
	insecure          bool
}

func (a *app) demoCommand() *cobra.Command {
	var f demoFlags
	c := &cobra.Command{
		Use:   "demo",
		Short: "Run a whole service with a real catalogue, and three questions to ask it",
		Long: `demo runs a whole service in this process: all roles, embedded storage, the measurement
services of M-Lab as catalogue, and a GeoIP test database. It prints three curl lines
to try, and answers until Ctrl-C. Without --data it leaves nothing behind.`,
		Args: cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error { return a.demo(c.Context(), f) },
	}
	fl := c.Flags()
	fl.StringVar(&f.http, "http", defaultHTTP, "HOST:PORT to answer on")
	fl.StringVar(&f.data, "data", "", "directory to keep the data in (default: a temporary one, removed at the end)")
	fl.StringVar(&f.geoip, "geoip", "", "City or Country database (.mmdb) in place of the bundled test database")
	fl.BoolVar(&f.insecure, "insecure", false, "allow an address that is not loopback")
	return c
}

func (a *app) demo(ctx context.Context, f demoFlags) (err error) {
	s, err := f.service(ctx, a)
	if err != nil {
		return err
	}
	defer s.unlisten()
	if f.data == "" {
		if s.data, err = os.MkdirTemp("", "gazetteer-demo-"); err != nil {
			return &gazetteer.Error{Op: "gazetteer.demo", Kind: gazetteer.Internal, Err: err, Detail: "no room for the data; name a directory with --data"}
		}
		defer func() { err = firstOf(err, os.RemoveAll(s.data)) }()
	}
	return s.run(ctx, func(ctx context.Context) error {
		return a.showAround(ctx, "http://"+s.web.Addr().String(), s.data)
	})
}

// service opens what does not touch the data.
func (f *demoFlags) service(ctx context.Context, a *app) (*service, error) {
	plan, err := control.Single(demoRegion, demoNode)
	if err != nil {
		return nil, err
	}
	s := &service{parts: parts{plan: plan, node: demoNode, data: f.data, log: slog.New(slog.NewTextHandler(a.err, nil))}}
	if s.locator, err = f.locator(); err != nil {
		return nil, err
	}
	s.web, err = listen(ctx, "--http", f.http, f.insecure)
	return s, err
}

func (f *demoFlags) locator() (*geo.Locator, error) {
	if f.geoip != "" {
		return geo.OpenLocator(f.geoip)
	}
	return geo.LocatorFromBytes(geosample.City())
}

// showAround loads the catalogue, asks the service its own questions and prints how to
// ask them.
func (a *app) showAround(ctx context.Context, addr, data string) error {
	k, err := client.New(client.Config{Addr: addr})
	if err != nil {
		return err
	}
	if err := a.loadSample(ctx, k); err != nil {
		return err
	}
	fmt.Fprintf(a.out, "\nThe service answers at %s; its data lies in %s. Try:\n", addr, printable(data))
	if err := a.tour(ctx, addr); err != nil {
		return err
	}
	_, err = fmt.Fprint(a.out, "\nCtrl-C ends it.\n")
	return err
}

// loadSample imports the catalogue, unless an earlier demo did so to its end.
func (a *app) loadSample(ctx context.Context, k *client.Client) error {
	_, err := k.Get(ctx, sample.LastType, sample.LastID)
	if err == nil {
		_, err = fmt.Fprintln(a.out, "The catalogue is there from an earlier start.")
		return err
	}
	if gazetteer.KindOf(err) != gazetteer.NotFound {
		return err
	}
	start := time.Now()
	catalogue, err := sample.Open()
	if err != nil {
		return err
	}
	i := importer{client: k, flags: importFlags{makeTypes: true}}
	if err := i.run(ctx, catalogue); err != nil {
		return err
	}
	_, err = fmt.Fprintf(a.out, "Loaded the measurement services of M-Lab: %d resources with %d locations in %v.\n",
		i.total.Acknowledged, sample.Locations, time.Since(start).Round(time.Millisecond))
	return err
}

func firstOf(errs ...error) error {
	for _, err := range errs {
		if err != nil {
			return err
		}
	}
	return nil
}
