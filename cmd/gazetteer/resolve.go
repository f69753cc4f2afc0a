package main

import (
	"context"
	"fmt"
	"strconv"
	"time"

	"github.com/spf13/cobra"

	"gazetteer"
	"gazetteer/api/client"
)

func (a *app) resolveCommand() *cobra.Command {
	var (
		q        client.Query
		lat, lon float64
		follow   bool
	)
	c := &cobra.Command{
		Use:   "resolve TYPE ID",
		Short: "Say where a resource is, best location first",
		Long: `resolve prints the locations of a resource, the best for the client first.

The client is whoever runs the command, unless --ip, --country, or --lat with --lon say
for whom the question is asked.`,
		Example: `  gazetteer resolve service ndt --ip 81.2.69.160
  gazetteer resolve service ndt --lat -33.87 --lon 151.21 --filter uplink=10g --explain`,
		Args: cobra.ExactArgs(2),
		RunE: func(c *cobra.Command, args []string) error {
			q.Type, q.ID = args[0], args[1]
			switch hasLat, hasLon := c.Flags().Changed("lat"), c.Flags().Changed("lon"); {
			case hasLat != hasLon:
				return usage("--lat and --lon go together")
			case hasLat:
				q.Point = &gazetteer.Point{Lat: lat, Lon: lon}
			}
			if follow {
				return a.watchAnswer(c.Context(), q)
			}
			return a.ask(c.Context(), args, func(ctx context.Context, k *client.Client) error { return a.resolve(ctx, k, q) })
		},
	}
	f := c.Flags()
	f.IntVar(&q.Limit, "limit", 0, "how many locations at most (default: the server's)")
	f.Float64Var(&lat, "lat", 0, "latitude of the client in degrees")
	f.Float64Var(&lon, "lon", 0, "longitude of the client in degrees")
	f.StringVar(&q.Country, "country", "", "country of the client, two letters")
	f.StringVar(&q.IP, "ip", "", "address of the client")
	f.StringVar(&q.Filter, "filter", "", "which locations to consider")
	f.StringVar(&q.Prefer, "prefer", "", "which locations come first")
	f.StringSliceVar(&q.Avoid, "avoid", nil, "location ids to leave out")
	f.DurationVar(&q.MaxStale, "max-stale", 0, "how old the knowledge of who answers may be at most; a fresher region answers otherwise (default: any age)")
	a.regionFlag(c, &q.Region)
	f.BoolVar(&follow, "watch", false, "go on, and print the answer whenever it changes")
	f.BoolVar(&q.Explain, "explain", false, "also say how the answer came about")
	return c
}

func (a *app) resolve(ctx context.Context, k *client.Client, q client.Query) error {
	answer, err := k.Resolve(ctx, q)
	if err != nil {
		return err
	}
	if a.output == formatJSON {
		return a.json(answer)
	}
	if err := a.printAnswer(&answer); err != nil || answer.Explain == nil {
		return err
	}
	return a.printExplanation(&answer)
}

func (a *app) printAnswer(answer *client.Answer) error {
	var rows [][]string
	for _, l := range answer.Locations {
		rows = append(rows, []string{l.ID, kilometres(l.DistanceKM), l.Country, l.State, l.URL})
	}
	return grid(a.out, []string{"LOCATION", "KM", "COUNTRY", "STATE", "URL"}, rows)
}

func (a *app) printExplanation(answer *client.Answer) error {
	p := answer.Client
	fmt.Fprintf(a.out, "\nclient at %s, %s %s (%s)\n", degrees(p.Lat), degrees(p.Lon), printable(p.Country), printable(p.Method))
	var hops [][]string
	for _, h := range answer.Explain.Hops {
		took := time.Duration(h.Seconds * float64(time.Second)).Round(time.Microsecond)
		hops = append(hops, []string{h.Role, h.Name, took.String()})
	}
	fmt.Fprintln(a.out)
	if err := grid(a.out, []string{"HOP", "NAME", "TOOK"}, hops); err != nil {
		return err
	}
	var rows [][]string
	for _, c := range answer.Explain.Candidates {
		rows = append(rows, []string{c.ID, kilometres(c.DistanceKM), number(c.Score), string(c.Terms), c.Excluded})
	}
	fmt.Fprintln(a.out)
	if ignored := answer.Explain.PolicyIgnored; ignored != "" {
		fmt.Fprintf(a.out, "not understood of the type's policy: %s\n\n", printable(ignored))
	}
	return grid(a.out, []string{"CANDIDATE", "KM", "SCORE", "TERMS", "LEFT OUT BECAUSE"}, rows)
}

// kilometres prints a distance; a dash when it is not known.
func kilometres(km *float64) string {
	if km == nil {
		return "-"
	}
	return strconv.FormatFloat(*km, 'f', 0, 64)
}

func degrees(v *float64) string { return number(v) }

func number(v *float64) string {
	if v == nil {
		return "-"
	}
	return strconv.FormatFloat(*v, 'g', 6, 64)
}
