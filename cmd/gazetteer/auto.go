package main

import (
	"context"
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"gazetteer/api/client"
)

// autoFlags is the command line of `ring auto`.
type autoFlags struct {
	auto     client.Auto
	cooldown time.Duration
	off      bool
}

func (a *app) ringAutoCommand() *cobra.Command {
	var f autoFlags
	c := &cobra.Command{
		Use:   "auto TYPE --max RINGS --target-rate RATE",
		Short: "Let the rings of a cluster follow its demand",
		Long: `auto lets the region add and remove rings of a type's cluster by itself, or with "default" of
the cluster of all types that have none of their own. It counts what all regional servers are
asked, reads and writes, as the mean of a minute:

  one more   while that is more than the rings there are times --target-rate
  one fewer  when for a whole --cooldown it would have filled one ring fewer to 70 % at most

Of several rings the largest carries up to 1.25 times --target-rate. There are never fewer
rings than --min nor more than --max, one comes or goes at a time, and none within --cooldown
of the last change or while partitions are on their way. A new ring is made of live replicas
that are in no ring, as many as the largest ring of the cluster has: let them join with
"gazetteer member token --role cluster --role replica". While they are missing nothing is
added, and the leader's log says so. The ring that came last goes first; none goes while a
replica of the cluster is dead.

--off ends it. The rings stay as they are then.`,
		Example: `  gazetteer ring auto default --min 1 --max 4 --target-rate 5000
  gazetteer ring auto default --off`,
		Args:              cobra.ExactArgs(1),
		ValidArgsFunction: a.completeOne(clusterNames),
		RunE: func(c *cobra.Command, args []string) error {
			if err := f.check(c); err != nil {
				return err
			}
			return a.setAuto(c.Context(), args[0], &f)
		},
	}
	fl := c.Flags()
	fl.IntVar(&f.auto.Min, "min", 1, "rings there are at least")
	fl.IntVar(&f.auto.Max, "max", 0, "rings there are at most")
	fl.Float64Var(&f.auto.TargetRate, "target-rate", 0, "requests a second that a ring is to carry on average")
	fl.DurationVar(&f.cooldown, "cooldown", 10*time.Minute, "least time between two changes")
	fl.BoolVar(&f.off, "off", false, "leave the rings to the operator again")
	return c
}

// check refuses what would be ignored, and what nobody can guess. The rest the region
// checks.
func (f *autoFlags) check(c *cobra.Command) error {
	for _, name := range []string{"min", "max", "target-rate", "cooldown"} {
		if f.off && c.Flags().Changed(name) {
			return usage("--off ends it: --%s has no meaning with it", name)
		}
	}
	for _, name := range []string{"max", "target-rate"} {
		if !f.off && !c.Flags().Changed(name) {
			return usage("--%s is missing", name)
		}
	}
	f.auto.Cooldown = f.cooldown.String()
	return nil
}

func (a *app) setAuto(ctx context.Context, cluster string, f *autoFlags) error {
	if f.off {
		return a.order(ctx, cluster, "off", "the rings of cluster %s stay as they are", func(ctx context.Context, k *client.Client) error {
			return k.UnsetAuto(ctx, cluster)
		})
	}
	return a.order(ctx, cluster, "auto", "the rings of cluster %s follow its demand", func(ctx context.Context, k *client.Client) error {
		return k.SetAuto(ctx, cluster, f.auto)
	})
}

// autoText tells what a cluster's rings follow its demand by.
func autoText(c *client.Cluster) string {
	return fmt.Sprintf("cluster %s: its rings follow its demand: %d to %d, one for each %v requests/s, %s between two changes",
		printable(c.Type), c.Auto.Min, c.Auto.Max, c.Auto.TargetRate, printable(c.Auto.Cooldown))
}
