package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"strconv"
	"time"

	"github.com/spf13/cobra"

	"gazetteer"
	"gazetteer/api/client"
)

func (a *app) typesCommand() *cobra.Command {
	return group("types", "List, make and remove types",
		a.typesListCommand(), a.typesGetCommand(), a.typesPutCommand(), a.typesRmCommand())
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

func (a *app) typesGetCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "get TYPE",
		Short: "Print a type with its policy",
		Args:  cobra.ExactArgs(1),
		RunE: func(c *cobra.Command, args []string) error {
			return a.ask(c.Context(), args, func(ctx context.Context, k *client.Client) error {
				t, err := k.Type(ctx, args[0])
				if err != nil {
					return err
				}
				if err := a.printTypes([]client.Type{t}); err != nil || a.output == formatJSON || t.Policy == nil {
					return err
				}
				return a.printPolicy(t.Policy)
			})
		},
	}
}

func (a *app) printPolicy(policy json.RawMessage) error {
	var text bytes.Buffer
	if err := json.Indent(&text, policy, "", "  "); err != nil {
		return err
	}
	_, err := fmt.Fprintf(a.out, "\npolicy:\n%s\n", &text)
	return err
}

// typeFlags say what of a type is to change.
type typeFlags struct {
	ttl      time.Duration
	redirect bool
	policy   string
	check    checkFlags
}

func (a *app) typesPutCommand() *cobra.Command {
	var f typeFlags
	c := &cobra.Command{
		Use:   "put TYPE",
		Short: "Make a type, or change it",
		Long: `put makes a type. Of one that exists it changes what the flags name.

A policy says how the locations of the type are ordered and which are left out: a JSON
object such as {"tiers": [{"name": "near", "same_country": true}]}, described as Policy in
/openapi.json.`,
		Args: cobra.ExactArgs(1),
		RunE: func(c *cobra.Command, args []string) error {
			change, err := a.typeChange(c, &f)
			if err != nil {
				return err
			}
			return a.ask(c.Context(), args, func(ctx context.Context, k *client.Client) error { return a.putType(ctx, k, args[0], change) })
		},
	}
	c.Flags().DurationVar(&f.ttl, "ttl", 0, "how long clients may keep an answer (default: the server's)")
	c.Flags().BoolVar(&f.redirect, "redirect", false, "answer browsers with a redirect")
	c.Flags().StringVar(&f.policy, "policy", "", "file of the policy, - for standard input; empty for no policy")
	f.check.define(c)
	return c
}

// typeChange returns what the flags that were given do to a type.
func (a *app) typeChange(c *cobra.Command, f *typeFlags) (func(*client.Type), error) {
	var policy json.RawMessage
	if f.policy != "" {
		text, err := a.read(f.policy)
		if err != nil {
			return nil, err
		}
		if !json.Valid(text) {
			return nil, usage("--policy %s is not JSON", f.policy)
		}
		policy = text
	}
	seconds := int64(f.ttl / time.Second)
	if f.ttl != time.Duration(seconds)*time.Second {
		return nil, usage("--ttl %v is not a number of whole seconds", f.ttl)
	}
	checks, err := f.check.checks(c)
	if err != nil {
		return nil, err
	}
	given := c.Flags().Changed
	return func(t *client.Type) {
		if given("ttl") {
			t.TTLSeconds = &seconds
		}
		if given("redirect") {
			t.Redirect = &f.redirect
		}
		if given("policy") {
			t.Policy = policy
		}
		if given("check") {
			t.Health = checks
		}
	}, nil
}

func (a *app) putType(ctx context.Context, k *client.Client, name string, change func(*client.Type)) error {
	t, err := k.Type(ctx, name)
	if err != nil && gazetteer.KindOf(err) != gazetteer.NotFound {
		return err
	}
	t.Name = name
	change(&t)
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
