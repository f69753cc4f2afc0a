package main

import (
	"net/netip"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"gazetteer/api/client"
)

// checkFlags are those by which a type says how its locations are checked.
type checkFlags struct {
	kind, path        string
	interval, timeout time.Duration
	port              uint16
	rise, fall        int
}

func (f *checkFlags) define(c *cobra.Command) {
	fl := c.Flags()
	fl.StringVar(&f.kind, "check", "", "how each region checks the locations: http or tcp (default: not at all)")
	fl.StringVar(&f.path, "check-path", "", "path that is asked for by http (default: the location's URL)")
	fl.Uint16Var(&f.port, "check-port", 0, "port that is connected to (default: the URL's, 80 or 443)")
	fl.DurationVar(&f.interval, "check-interval", 0, "time between two checks of a location (default: the server's)")
	fl.DurationVar(&f.timeout, "check-timeout", 0, "how long a check may take (default: the server's)")
	fl.IntVar(&f.rise, "check-rise", 0, "successes in a row until a location is up again (default: the server's)")
	fl.IntVar(&f.fall, "check-fall", 0, "failures in a row until it is down (default: the server's)")
}

// checks returns nil if nothing is to be checked.
func (f *checkFlags) checks(c *cobra.Command) (*client.Checks, error) {
	if f.kind != "" {
		return &client.Checks{Kind: f.kind, Path: f.path, Port: f.port, Rise: f.rise, Fall: f.fall,
			IntervalSeconds: f.interval.Seconds(), TimeoutSeconds: f.timeout.Seconds()}, nil
	}
	for _, name := range []string{"path", "port", "interval", "timeout", "rise", "fall"} {
		if c.Flags().Changed("check-" + name) {
			return nil, usage("--check-%s needs --check: http or tcp", name)
		}
	}
	return nil, nil
}

// printHealth prints what the regions know, behind the resource.
func (a *app) printHealth(d *client.Document) error {
	if err := a.printDocument(d); err != nil || a.output == formatJSON {
		return err
	}
	var rows [][]string
	for _, h := range d.Health {
		since := ""
		if !h.Since.IsZero() {
			since = h.Since.Format(time.RFC3339)
		}
		rows = append(rows, []string{h.Location, h.By, h.Region, h.State, since})
	}
	return grid(a.out, []string{"LOCATION", "BY", "REGION", "STATE", "SINCE"}, rows)
}

// parseAllowed reads the networks that may be checked although they are not public.
func parseAllowed(texts []string) (out []netip.Prefix, err error) {
	for _, t := range texts {
		p, err := netip.ParsePrefix(strings.TrimSpace(t))
		if err != nil {
			return nil, usage("--check-allow: %q is not a network such as 10.0.0.0/8", t)
		}
		out = append(out, p.Masked())
	}
	return out, nil
}
