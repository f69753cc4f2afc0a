package main

import (
	"context"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"gazetteer/api/client"
)

// completionPatience is how long a shell waits for names. It does without them afterwards.
const completionPatience = time.Second

// names asks a server for the names that may stand somewhere on the command line.
type names func(context.Context, *client.Client) ([]string, error)

// completeOne completes the only argument of a command.
func (a *app) completeOne(list names) cobra.CompletionFunc {
	return func(c *cobra.Command, args []string, begun string) ([]string, cobra.ShellCompDirective) {
		if len(args) > 0 {
			return nil, cobra.ShellCompDirectiveNoFileComp
		}
		return a.complete(c, list, begun)
	}
}

// completeFlag completes the value of a flag.
func completeFlag(c *cobra.Command, flag string, list names, a *app) {
	// It fails only for a flag that is not there.
	_ = c.RegisterFlagCompletionFunc(flag, func(c *cobra.Command, _ []string, begun string) ([]string, cobra.ShellCompDirective) {
		return a.complete(c, list, begun)
	})
}

// complete returns the names that begin so. A server that does not answer has none, and a
// name that could steer the shell or the terminal is left out.
func (a *app) complete(c *cobra.Command, list names, begun string) ([]string, cobra.ShellCompDirective) {
	ctx, cancel := context.WithTimeout(c.Context(), completionPatience)
	defer cancel()
	k, err := a.client()
	if err != nil {
		return nil, cobra.ShellCompDirectiveNoFileComp
	}
	defer k.Close()
	all, err := list(ctx, k)
	if err != nil {
		return nil, cobra.ShellCompDirectiveNoFileComp
	}
	return slices.DeleteFunc(all, func(n string) bool {
		return !strings.HasPrefix(n, begun) || shellWord(n) != n
	}), cobra.ShellCompDirectiveNoFileComp
}

func regionNames(ctx context.Context, k *client.Client) (out []string, err error) {
	regions, err := k.Regions(ctx)
	for _, r := range regions {
		out = append(out, r.Name)
	}
	return out, err
}

func nodeNames(ctx context.Context, k *client.Client) (out []string, err error) {
	members, err := k.Members(ctx)
	for _, m := range members {
		out = append(out, m.Node)
	}
	return out, err
}

// replicaNames are the nodes that can be members of a ring.
func replicaNames(ctx context.Context, k *client.Client) (out []string, err error) {
	members, err := k.Members(ctx)
	for _, m := range members {
		if slices.Contains(m.Roles, "replica") {
			out = append(out, m.Node)
		}
	}
	return out, err
}

func clusterNames(ctx context.Context, k *client.Client) (out []string, err error) {
	clusters, err := k.Rings(ctx)
	for _, c := range clusters {
		out = append(out, c.Type)
	}
	return out, err
}

func ringNames(ctx context.Context, k *client.Client, cluster string) (out []string, err error) {
	clusters, err := k.Rings(ctx)
	for _, c := range clusters {
		if c.Type != cluster {
			continue
		}
		for _, r := range c.Rings {
			out = append(out, r.Name)
		}
	}
	return out, err
}
