package main

import (
	"context"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"gazetteer"
	"gazetteer/api/client"
	"gazetteer/simulation/aws"
	"gazetteer/simulation/scenario"
	"gazetteer/simulation/scenarios"
	"gazetteer/simulation/whatif"
)

// planFlags say which planet a prediction is about.
type planFlags struct {
	from, scenario string
	shortcuts      int
}

func (a *app) planCommand() *cobra.Command {
	c := group("plan", "Predict what a change of the planet does to its tree",
		a.planAddCommand(), a.planRemoveCommand(), a.planShortcutsCommand(),
	)
	c.Long = `plan predicts what the tree of regions becomes, what its edges cost, how long updates take
and how many messages that is, before anything is changed. It reads the round trips that the
regions of a planet have measured, or those of a scenario, and lets GHS find the tree in
virtual time.

A pair that has not measured itself is taken from the bundled table of AWS regions if both
names are in it, else guessed by distance. A guess tells near from far, and not one route from
another: edges that rest on one are marked.`
	return c
}

func (f *planFlags) add(c *cobra.Command) {
	c.Flags().StringVar(&f.from, "from", "", "URL of a regional server of the planet (default: --addr)")
	c.Flags().StringVar(&f.scenario, "scenario", "", "scenario file, or the name of one of the library, in the place of a planet")
	_ = c.RegisterFlagCompletionFunc("scenario", completeScenarios)
}

func (f *planFlags) addShortcuts(c *cobra.Command) {
	c.Flags().IntVar(&f.shortcuts, "shortcuts", 0, "how many shortcuts the planet may have, before and after")
}

func (a *app) planAddCommand() *cobra.Command {
	var (
		f     planFlags
		where string
	)
	c := &cobra.Command{
		Use:     "add-region NAME",
		Short:   "Predict what one region more does",
		Long:    "add-region predicts what one region more does. NAME is a region of AWS, or --at says where it is.",
		Example: "  gazetteer plan add-region sa-east-1\n  gazetteer plan add-region fortaleza --at -3.73,-38.52 --scenario paper",
		Args:    cobra.ExactArgs(1),
		RunE: func(c *cobra.Command, args []string) error {
			at, err := pointOf(where)
			if err != nil {
				return err
			}
			return a.plan(c.Context(), &f, f.shortcuts, func(p whatif.Planet, atlas *whatif.Atlas) (whatif.Planet, error) {
				return p.Add(gazetteer.RegionID(args[0]), at, atlas)
			})
		},
	}
	f.add(c)
	f.addShortcuts(c)
	c.Flags().StringVar(&where, "at", "", "latitude and longitude in degrees, as in -3.73,-38.52")
	return c
}

func (a *app) planRemoveCommand() *cobra.Command {
	var f planFlags
	c := &cobra.Command{
		Use:     "remove-region NAME",
		Short:   "Predict what one region less does",
		Example: "  gazetteer plan remove-region us-east-1 --from http://eu.example.org:8080",
		Args:    cobra.ExactArgs(1),
		RunE: func(c *cobra.Command, args []string) error {
			return a.plan(c.Context(), &f, f.shortcuts, func(p whatif.Planet, _ *whatif.Atlas) (whatif.Planet, error) {
				return p.Remove(gazetteer.RegionID(args[0]))
			})
		},
	}
	f.add(c)
	f.addShortcuts(c)
	return c
}

func (a *app) planShortcutsCommand() *cobra.Command {
	var f planFlags
	c := &cobra.Command{
		Use:   "shortcuts K",
		Short: "Predict what up to K edges beyond the tree do",
		Long: `shortcuts predicts what up to K edges beyond the tree do. They are chosen as regions choose
them: a pair deserves one when its way along the tree is more than 2.5 times the direct one,
and the one that saves all pairs most comes first.`,
		Example: "  gazetteer plan shortcuts 1 --scenario regions-32",
		Args:    cobra.ExactArgs(1),
		RunE: func(c *cobra.Command, args []string) error {
			k, err := strconv.Atoi(args[0])
			if err != nil || k < 0 {
				return usage("%q is not a number of shortcuts", args[0])
			}
			return a.plan(c.Context(), &f, k, func(p whatif.Planet, _ *whatif.Atlas) (whatif.Planet, error) { return p, nil })
		},
	}
	f.add(c)
	return c
}

// pointOf reads a flag of two numbers; nil if it is not given.
func pointOf(s string) (*gazetteer.Point, error) {
	if s == "" {
		return nil, nil
	}
	lat, lon, two := strings.Cut(s, ",")
	north, err := strconv.ParseFloat(strings.TrimSpace(lat), 64)
	east, err2 := strconv.ParseFloat(strings.TrimSpace(lon), 64)
	p := gazetteer.Point{Lat: north, Lon: east}
	if !two || err != nil || err2 != nil || p.Validate() != nil {
		return nil, usage("--at %q is not a latitude and a longitude, as in -3.73,-38.52", s)
	}
	return &p, nil
}

// plan predicts a change of the planet that the flags name and prints it.
func (a *app) plan(ctx context.Context, f *planFlags, shortcuts int, change func(whatif.Planet, *whatif.Atlas) (whatif.Planet, error)) error {
	if f.shortcuts < 0 {
		return usage("--shortcuts %d is not a number of shortcuts", f.shortcuts)
	}
	w, err := aws.Load()
	if err != nil {
		return err
	}
	atlas := whatif.NewAtlas(w)
	before, err := a.planetOf(ctx, f)
	if err != nil {
		return err
	}
	before = before.Fill(atlas)
	after, err := change(before, atlas)
	if err != nil {
		return err
	}
	c, err := whatif.Compare(before, after, f.shortcuts, shortcuts)
	if err != nil {
		return err
	}
	if a.output == formatJSON {
		return a.json(c)
	}
	return a.printChange(&c)
}

func (a *app) planetOf(ctx context.Context, f *planFlags) (p whatif.Planet, err error) {
	switch {
	case f.scenario != "" && f.from != "":
		return p, usage("--from and --scenario name two planets; give one")
	case f.scenario != "":
		s, err := scenarios.Open(f.scenario)
		if err != nil {
			return p, err
		}
		return whatif.OfScenario(s), nil
	case f.from != "":
		a.addr = f.from
	}
	err = a.ask(ctx, nil, func(ctx context.Context, k *client.Client) error {
		t, err := k.Topology(ctx)
		p = planetOfTopology(&t)
		return err
	})
	return p, err
}

// planetOfTopology takes what the regions have measured of one another.
func planetOfTopology(t *client.Topology) whatif.Planet {
	p := whatif.Planet{RTT: map[scenario.Pair]whatif.Time{}}
	for _, r := range t.Regions {
		g := whatif.Region{Name: gazetteer.RegionID(r.Name)}
		if r.Lat != nil && r.Lon != nil {
			g.Point = &gazetteer.Point{Lat: *r.Lat, Lon: *r.Lon}
		}
		p.Regions = append(p.Regions, g)
	}
	for _, e := range t.Edges {
		if e.CostMS > 0 {
			p.RTT[scenario.PairOf(gazetteer.RegionID(e.A), gazetteer.RegionID(e.B))] = whatif.Time{RTT: time.Duration(e.CostMS * float64(time.Millisecond)), Of: whatif.Measured}
		}
	}
	return p.Sorted()
}
