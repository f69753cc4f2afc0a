package main

import (
	"context"
	"fmt"
	"strconv"
	"time"

	"github.com/spf13/cobra"

	"gazetteer/api/client"
)

func (a *app) typesCommand() *cobra.Command {
	return group("types", "List, make and remove types",
		a.typesListCommand(), a.typesPutCommand(), a.typesRmCommand())
}

func (a *app) typesListCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "list",
		Short: "List the types",
		Args:  cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			return a.ask(c.Context(), nil, func(ctx context.Context, k *client.Client) error {
				types, err := k.Types(ctx)
				if err != nil {
					return err
				}
				return a.printTypes(types)
			})
		},
	}
}

func (a *app) printTypes(types []client.Type) error {
	if a.output == formatJSON {
		return a.json(types)
	}
	var rows [][]string
	for _, t := range types {
		ttl, redirect := "", ""
		if t.TTLSeconds != nil {
			ttl = (time.Duration(*t.TTLSeconds) * time.Second).String()
		}
		if t.Redirect != nil {
			redirect = strconv.FormatBool(*t.Redirect)
		}
		rows = append(rows, []string{t.Name, t.Mode, ttl, redirect})
	}
	return grid(a.out, []string{"TYPE", "MODE", "TTL", "REDIRECT"}, rows)
}

func (a *app) typesPutCommand() *cobra.Command {
	var (
		ttl      time.Duration
		redirect bool
	)
	c := &cobra.Command{
		Use:   "put TYPE",
		Short: "Make a type, or change it",
		Args:  cobra.ExactArgs(1),
		RunE: func(c *cobra.Command, args []string) error {
			t := client.Type{Name: args[0]}
			if c.Flags().Changed("ttl") {
				seconds := int64(ttl / time.Second)
				if ttl != time.Duration(seconds)*time.Second {
					return usage("--ttl %v is not a number of whole seconds", ttl)
				}
				t.TTLSeconds = &seconds
			}
			if c.Flags().Changed("redirect") {
				t.Redirect = &redirect
			}
			return a.ask(c.Context(), args, func(ctx context.Context, k *client.Client) error { return a.putType(ctx, k, t) })
		},
	}
	c.Flags().DurationVar(&ttl, "ttl", 0, "how long clients may keep an answer (default: the server's)")
	c.Flags().BoolVar(&redirect, "redirect", false, "answer browsers with a redirect")
	return c
}

func (a *app) putType(ctx context.Context, k *client.Client, t client.Type) error {
	created, err := k.PutType(ctx, t)
	if err != nil {
		return err
	}
	if a.output == formatJSON {
		return a.json(map[string]any{"created": created})
	}
	did := "changed"
	if created {
		did = "created"
	}
	_, err = fmt.Fprintln(a.out, "type", printable(t.Name), did)
	return err
}

func (a *app) typesRmCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "rm TYPE",
		Short: "Remove a type that has no resources",
		Args:  cobra.ExactArgs(1),
		RunE: func(c *cobra.Command, args []string) error {
			return a.ask(c.Context(), args, func(ctx context.Context, k *client.Client) error {
				if err := k.DeleteType(ctx, args[0]); err != nil {
					return err
				}
				if a.output == formatJSON {
					return a.json(map[string]any{"removed": args[0]})
				}
				_, err := fmt.Fprintln(a.out, "type", printable(args[0]), "gone")
				return err
			})
		},
	}
}
