package main

import (
	"context"
	"fmt"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"gazetteer/api/client"
)

func (a *app) ringCommand() *cobra.Command {
	return group("ring", "List, add, change and remove rings, say how many are needed, let them follow demand",
		a.ringListCommand(), a.ringAddCommand(), a.ringSetCommand(), a.ringRemoveCommand(), a.ringAdviseCommand(), a.ringAutoCommand())
}

func (a *app) ringListCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "list",
		Short: "List the clusters of the region and their rings",
		Long: `list prints the rings of every cluster, with the partitions they own and their members.
The cluster "default" serves all types that have none of their own.`,
		Args: cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			return a.ask(c.Context(), nil, func(ctx context.Context, k *client.Client) error {
				clusters, err := k.Rings(ctx)
				if err != nil {
					return err
				}
				return a.printRings(clusters)
			})
		},
	}
}

func (a *app) printRings(clusters []client.Cluster) error {
	if a.output == formatJSON {
		return a.json(clusters)
	}
	var rows [][]string
	for _, c := range clusters {
		for _, r := range c.Rings {
			rows = append(rows, []string{c.Type, r.Name, strconv.Itoa(r.Partitions), strings.Join(r.Members, ",")})
		}
	}
	if err := grid(a.out, []string{"CLUSTER", "RING", "PARTITIONS", "MEMBERS"}, rows); err != nil {
		return err
	}
	for i, c := range clusters {
		if c.Auto != nil {
			fmt.Fprintf(a.out, "\n%s\n", autoText(&clusters[i]))
		}
		if c.Moving+c.Pending > 0 {
			fmt.Fprintf(a.out, "\ncluster %s: %d partitions are on their way between rings, %d still have to go\n", printable(c.Type), c.Moving, c.Pending)
		}
	}
	return nil
}

// typeFlag says whose cluster is meant.
func (a *app) typeFlag(c *cobra.Command, cluster *string) {
	c.Flags().StringVar(cluster, "type", client.DefaultCluster, "the type whose cluster it is")
	completeFlag(c, "type", clusterNames, a)
}

func (a *app) ringAddCommand() *cobra.Command {
	var (
		cluster string
		members []string
	)
	c := &cobra.Command{
		Use:   "add NAME --member NODE",
		Short: "Give a cluster one more ring",
		Long: `add gives a cluster one more ring. Its share of the partitions moves to it a few at a time,
while requests go on; "gazetteer ring list" shows how far they are. Name its replicas in ring
order with one --member for each: three of them on machines that do not fail together.`,
		Example: "  gazetteer ring add ring-2 --member fra-4 --member fra-5 --member fra-6",
		Args:    cobra.ExactArgs(1),
		RunE: func(c *cobra.Command, args []string) error {
			if len(members) == 0 {
				return usage("--member is missing: which nodes are the replicas of ring %s?", args[0])
			}
			return a.order(c.Context(), args[0], "added", "ring %s is there; its share of the partitions moves to it", func(ctx context.Context, k *client.Client) error {
				return k.AddRing(ctx, cluster, args[0], members)
			})
		},
	}
	a.memberFlag(c, &members)
	a.typeFlag(c, &cluster)
	return c
}

// memberFlag names the replicas of a ring.
func (a *app) memberFlag(c *cobra.Command, members *[]string) {
	c.Flags().StringSliceVar(members, "member", nil, "a replica of the ring; once for each, in ring order")
	completeFlag(c, "member", replicaNames, a)
}

func (a *app) ringSetCommand() *cobra.Command {
	var (
		cluster string
		members []string
		force   bool
	)
	c := &cobra.Command{
		Use:   "set NAME --member NODE",
		Short: "Say who mirrors a ring",
		Long: `set makes the named nodes the replicas of a ring, and no others. New ones are filled by those
that stay; keep one that lives until they are. If none would stay, what the ring holds would
be lost: that is refused, unless --force is given. A live replica that is in no ring joins
the smallest ring of the cluster "default" that has fewer than three.`,
		Example:           "  gazetteer ring set ring-2 --member fra-4 --member fra-5 --member fra-7",
		Args:              cobra.ExactArgs(1),
		ValidArgsFunction: a.completeRing(&cluster),
		RunE: func(c *cobra.Command, args []string) error {
			if len(members) == 0 {
				return usage("--member is missing: which nodes are to be the replicas of ring %s?", args[0])
			}
			return a.order(c.Context(), args[0], "set", "ring %s has these members now; new ones are filled", func(ctx context.Context, k *client.Client) error {
				return k.SetRing(ctx, cluster, args[0], members, force)
			})
		},
	}
	a.memberFlag(c, &members)
	a.typeFlag(c, &cluster)
	forceFlag(c, &force)
	return c
}

// completeRing completes the name of a ring of a cluster.
func (a *app) completeRing(cluster *string) cobra.CompletionFunc {
	return a.completeOne(func(ctx context.Context, k *client.Client) ([]string, error) {
		return ringNames(ctx, k, *cluster)
	})
}

func (a *app) ringRemoveCommand() *cobra.Command {
	var cluster string
	c := &cobra.Command{
		Use:   "remove NAME",
		Short: "Take a ring out of a cluster",
		Long: `remove takes a ring out of a cluster. Its partitions move to the other rings a few at a time,
while requests go on; then it is forgotten. "gazetteer ring list" shows how far they are.`,
		Args:              cobra.ExactArgs(1),
		ValidArgsFunction: a.completeRing(&cluster),
		RunE: func(c *cobra.Command, args []string) error {
			return a.order(c.Context(), args[0], "removed", "ring %s goes; its partitions move to the others", func(ctx context.Context, k *client.Client) error {
				return k.RemoveRing(ctx, cluster, args[0])
			})
		},
	}
	a.typeFlag(c, &cluster)
	return c
}
