package main

import (
	"context"

	"github.com/spf13/cobra"

	"gazetteer/api/client"
)

func (a *app) rmCommand() *cobra.Command {
	var o client.WriteOptions
	c := &cobra.Command{
		Use:   "rm TYPE ID [LOCATION]",
		Short: "Remove a resource, or one location of it",
		Args:  cobra.RangeArgs(2, 3),
		RunE: func(c *cobra.Command, args []string) error {
			return a.write(c.Context(), args, func(ctx context.Context, k *client.Client) (client.Written, error) {
				if len(args) == 3 {
					return k.DeleteLocation(ctx, args[0], args[1], args[2], o)
				}
				return k.Delete(ctx, args[0], args[1], o)
			})
		},
	}
	writeFlags(c, &o)
	return c
}
