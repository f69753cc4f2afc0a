package main

import (
	"context"
	"fmt"
	"strconv"

	"github.com/spf13/cobra"

	"gazetteer/api/client"
)

func (a *app) regionBiasCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "bias NAME MS",
		Short: "Make a region nearer or farther for all clients",
		Long: `bias has every region add so many milliseconds to the round trip of every client to a
region, in the order of regions that DNS names, routers and place go by. More sends clients
elsewhere, less than 0 draws them; 0 ends it. From -1000 to 1000.

A value below 0 stands behind two dashes, since it looks like a flag.`,
		Example: `  gazetteer region bias us-east-1 25
  gazetteer region bias us-east-1 -- -25`,
		Args:              cobra.ExactArgs(2),
		ValidArgsFunction: a.completeOne(regionNames),
		RunE: func(c *cobra.Command, args []string) error {
			ms, err := strconv.ParseFloat(args[1], 64)
			if err != nil {
				return usageError{fmt.Errorf("%.40q is no number of milliseconds, such as 25 or -2.5", args[1])}
			}
			return a.order(c.Context(), args[0], "biased", "region %s has its bias", func(ctx context.Context, k *client.Client) error {
				return k.BiasRegion(ctx, args[0], ms)
			})
		},
	}
}
