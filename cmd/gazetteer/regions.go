package main

import (
	"context"
	"fmt"
	"strconv"
	"time"

	"github.com/spf13/cobra"

	"gazetteer/api/client"
)

func (a *app) regionCommand() *cobra.Command {
	return group("region", "List, admit, drain, weigh and remove regions",
		a.regionListCommand(), a.regionAddCommand(), a.regionRemoveCommand(), a.regionDrainCommand(), a.regionUndrainCommand(), a.regionBiasCommand())
}

func (a *app) regionListCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "list",
		Short: "List the regions, with how far away and how far behind they are",
		Long: `list prints every region as the region asked knows it: its state, the round trip to it,
how long ago its last word came, and an upper bound of how old what is known here of its
writes may be (lag), and the bias that operators gave it. A dash stands for what is not known.

States: live; draining, which clients are sent away from; unreachable; expected, which was
admitted and has not come yet.`,
		Args: cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			return a.ask(c.Context(), nil, func(ctx context.Context, k *client.Client) error {
				regions, err := k.Regions(ctx)
				if err != nil {
					return err
				}
				return a.printRegions(regions)
			})
		},
	}
}

func (a *app) printRegions(regions []client.Region) error {
	if a.output == formatJSON {
		return a.json(regions)
	}
	var rows [][]string
	for _, r := range regions {
		rows = append(rows, append(lagCells(&r.RegionLag), strconv.Itoa(len(r.Servers)), strconv.Itoa(r.Stores), biasCell(r.BiasMS)))
	}
	return grid(a.out, append(lagHeader(), "SERVERS", "REPLICAS", "BIAS"), rows)
}

// biasCell prints a bias with its sign; a dash for none.
func biasCell(ms float64) string {
	if ms == 0 {
		return "-"
	}
	return fmt.Sprintf("%+g ms", ms)
}

func lagHeader() []string { return []string{"REGION", "STATE", "RTT", "SILENT", "LAG"} }

func lagCells(r *client.RegionLag) []string {
	state := r.State
	if r.Self {
		state += ", asked"
	}
	rtt := "-"
	if r.RTTMS != nil {
		rtt = milliseconds(*r.RTTMS)
	}
	return []string{r.Name, state, rtt, seconds(r.SilentSeconds), seconds(r.LagSeconds)}
}

// milliseconds prints a cost as regions agree on it: to the microsecond.
func milliseconds(ms float64) string { return strconv.FormatFloat(ms, 'f', 3, 64) + " ms" }

// seconds prints a time; a dash when it is not known.
func seconds(s *float64) string {
	if s == nil {
		return "-"
	}
	return time.Duration(*s * float64(time.Second)).Round(time.Millisecond).String()
}

func (a *app) regionAddCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "add NAME",
		Short: "Admit a new region, and say how its first process starts",
		Long: `add makes the planet expect a region. It prints the command line with which the region's
first process starts; DIR is its data directory, HOST:PORT where other servers reach it. The
token in it is shown once, and lets in this region only.`,
		Args: cobra.ExactArgs(1),
		RunE: func(c *cobra.Command, args []string) error {
			return a.ask(c.Context(), args, func(ctx context.Context, k *client.Client) error {
				t, err := k.AdmitRegion(ctx, args[0])
				if err != nil {
					return err
				}
				return a.printAdmission("region "+args[0], &t, "--region", args[0], "--planet")
			})
		},
	}
}

func (a *app) regionRemoveCommand() *cobra.Command {
	var force bool
	c := &cobra.Command{
		Use:   "remove NAME",
		Short: "Take a region out of the planet for good",
		Long: `remove takes a region out of the planet for good: the others no longer wait for it. What
would be lost by it makes it refused, unless --force is given.`,
		Args:              cobra.ExactArgs(1),
		ValidArgsFunction: a.completeOne(regionNames),
		RunE: func(c *cobra.Command, args []string) error {
			return a.order(c.Context(), args[0], "removed", "region %s is gone", func(ctx context.Context, k *client.Client) error {
				return k.RemoveRegion(ctx, args[0], force)
			})
		},
	}
	forceFlag(c, &force)
	return c
}

// forceFlag is for who has read what would be lost.
func forceFlag(c *cobra.Command, force *bool) {
	c.Flags().BoolVar(force, "force", false, "also if something is lost by it")
}

func (a *app) regionDrainCommand() *cobra.Command {
	return &cobra.Command{
		Use:               "drain NAME",
		Short:             "Send the clients of a region elsewhere",
		Long:              "drain sends the clients of a region elsewhere. Its data stays equal to the others'.",
		Args:              cobra.ExactArgs(1),
		ValidArgsFunction: a.completeOne(regionNames),
		RunE: func(c *cobra.Command, args []string) error {
			return a.order(c.Context(), args[0], "drained", "region %s is draining", func(ctx context.Context, k *client.Client) error {
				return k.DrainRegion(ctx, args[0])
			})
		},
	}
}

func (a *app) regionUndrainCommand() *cobra.Command {
	return &cobra.Command{
		Use:               "undrain NAME",
		Short:             "Let a region have its clients back",
		Args:              cobra.ExactArgs(1),
		ValidArgsFunction: a.completeOne(regionNames),
		RunE: func(c *cobra.Command, args []string) error {
			return a.order(c.Context(), args[0], "undrained", "region %s takes clients again", func(ctx context.Context, k *client.Client) error {
				return k.UndrainRegion(ctx, args[0])
			})
		},
	}
}

// order has a change done to the thing of a name, and says so: in JSON under what was done,
// else as the sentence.
func (a *app) order(ctx context.Context, name, did, sentence string, f func(context.Context, *client.Client) error) error {
	return a.ask(ctx, []string{name}, func(ctx context.Context, k *client.Client) error {
		if err := f(ctx, k); err != nil {
			return err
		}
		if a.output == formatJSON {
			return a.json(map[string]string{did: name})
		}
		_, err := fmt.Fprintf(a.out, sentence+"\n", printable(name))
		return err
	})
}
