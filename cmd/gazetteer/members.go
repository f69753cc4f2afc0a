package main

import (
	"context"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"gazetteer/api/client"
)

func (a *app) memberCommand() *cobra.Command {
	return group("member", "List and remove the processes of the region, and let new ones in",
		a.memberListCommand(), a.memberRemoveCommand(), a.memberTokenCommand())
}

func (a *app) memberListCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "list",
		Short: "List the processes of the region",
		Args:  cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			return a.ask(c.Context(), nil, func(ctx context.Context, k *client.Client) error {
				members, err := k.Members(ctx)
				if err != nil {
					return err
				}
				return a.printMembers(members)
			})
		},
	}
}

func (a *app) printMembers(members []client.Member) error {
	if a.output == formatJSON {
		return a.json(members)
	}
	var rows [][]string
	for _, m := range members {
		state := m.State
		if m.Leader {
			state += ", leads"
		}
		rows = append(rows, []string{m.Node, state, strings.Join(m.Roles, ","), dashed(strings.Join(m.Rings, ",")), planText(m.Plan), dashed(m.Peer), dashed(m.HTTP)})
	}
	return grid(a.out, []string{"MEMBER", "STATE", "ROLES", "RINGS", "PLAN", "PEER", "HTTP"}, rows)
}

func planText(epoch uint64) string {
	if epoch == 0 {
		return "-"
	}
	return strconv.FormatUint(epoch, 10)
}

// dashed prints a dash for what is empty.
func dashed(s string) string {
	if s == "" {
		return "-"
	}
	return s
}

func (a *app) memberRemoveCommand() *cobra.Command {
	var force bool
	c := &cobra.Command{
		Use:   "remove NODE",
		Short: "Take a process out of the region for good",
		Long: `remove takes a process out of its rings and clusters, then out of the region, for good.
What would be lost by it, as the last replica of a ring, makes it refused, unless --force
is given.`,
		Args:              cobra.ExactArgs(1),
		ValidArgsFunction: a.completeOne(nodeNames),
		RunE: func(c *cobra.Command, args []string) error {
			return a.order(c.Context(), args[0], "removed", "member %s is gone", func(ctx context.Context, k *client.Client) error {
				return k.RemoveMember(ctx, args[0], force)
			})
		},
	}
	forceFlag(c, &force)
	return c
}

func (a *app) memberTokenCommand() *cobra.Command {
	var i client.Invitation
	c := &cobra.Command{
		Use:   "token",
		Short: "Let new processes into the region, and say how they start",
		Long: `token prints the command line with which a new process joins the region; NODE is its name,
which no other process of the planet has, DIR its data directory, HOST:PORT where other
servers reach it. The token in it is shown once. It lets in as many processes as --uses
says, each with the roles of --role or some of them.`,
		Args: cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error { return a.memberToken(c, i) },
	}
	f := c.Flags()
	f.StringSliceVar(&i.Roles, "role", nil, "what they may do: router, region, cluster, replica (default: all)")
	f.IntVar(&i.Uses, "uses", 1, "how many processes it lets in")
	f.DurationVar(&i.TTL, "ttl", 30*time.Minute, "for how long")
	completeFlag(c, "role", func(context.Context, *client.Client) ([]string, error) {
		return []string{"cluster", "region", "replica", "router"}, nil
	}, a)
	return c
}

func (a *app) memberToken(c *cobra.Command, i client.Invitation) error {
	switch {
	case i.Uses < 1:
		return usage("--uses %d lets nobody in", i.Uses)
	case i.TTL <= 0:
		return usage("--ttl %v is over before it begins", i.TTL)
	}
	flags := []string{"--node", "NODE"}
	if len(i.Roles) > 0 {
		flags = append(flags, "--roles", strings.Join(i.Roles, ","))
	}
	return a.ask(c.Context(), nil, func(ctx context.Context, k *client.Client) error {
		t, err := k.AdmitMember(ctx, i)
		if err != nil {
			return err
		}
		return a.printAdmission(newcomers(i.Uses), &t, append(flags, "--join")...)
	})
}

func newcomers(uses int) string {
	if uses == 1 {
		return "a new member"
	}
	return "each of " + strconv.Itoa(uses) + " new members"
}
