package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"

	"github.com/spf13/cobra"

	"gazetteer/api/client"
)

func (a *app) watchCommand() *cobra.Command {
	var q client.WatchQuery
	c := &cobra.Command{
		Use:   "watch TYPE",
		Short: "Print what changes in a type, as it changes",
		Long: `watch prints the type's resources as they are, then every change, until it is ended. It
goes on by itself when a server ends. A bookmark's cursor is for --from: from there the
watch goes on at any region.`,
		Example: `  gazetteer watch service --prefix ndt
  gazetteer watch service -o json`,
		Args: cobra.ExactArgs(1),
		RunE: func(c *cobra.Command, args []string) error {
			q.Type = args[0]
			k, err := a.client()
			if err != nil {
				return err
			}
			return a.watch(c.Context(), k, q)
		},
	}
	c.Flags().StringVar(&q.Prefix, "prefix", "", "only resources whose ids start with it")
	c.Flags().StringVar(&q.From, "from", "", "the cursor of a bookmark to go on from")
	return c
}

// watch prints events until the user ends it.
func (a *app) watch(ctx context.Context, k *client.Client, q client.WatchQuery) error {
	for e, err := range k.Watch(ctx, q) {
		if err == nil {
			err = a.printEvent(&e)
		}
		if err != nil {
			return unlessEnded(ctx, err)
		}
	}
	return nil
}

func unlessEnded(ctx context.Context, err error) error {
	if ctx.Err() != nil && errors.Is(err, ctx.Err()) {
		return nil
	}
	return err
}

func (a *app) printEvent(e *client.Event) error {
	if a.output == formatJSON {
		return a.jsonLine(e)
	}
	var err error
	switch {
	case e.Kind == "bookmark" || e.Kind == "reset":
		_, err = fmt.Fprintf(a.out, "%s %s\n", e.Kind, e.Cursor)
	case e.Location == nil:
		_, err = fmt.Fprintf(a.out, "%s %s %s\n", e.Kind, printable(e.ID), printable(string(e.Attributes)))
	default:
		_, err = fmt.Fprintf(a.out, "%s %s %s %s\n", e.Kind, printable(e.ID), printable(e.Location.ID), printable(e.Location.URL))
	}
	return err
}

// jsonLine prints one line of a stream.
func (a *app) jsonLine(v any) error { return json.NewEncoder(a.out).Encode(v) }

// watchAnswer prints the answer to a lookup whenever the chosen locations change.
func (a *app) watchAnswer(ctx context.Context, q client.Query) error {
	k, err := a.client()
	if err != nil {
		return err
	}
	for e, err := range k.WatchAnswer(ctx, q) {
		if err == nil {
			err = a.printAnswerEvent(&e)
		}
		if err != nil {
			return unlessEnded(ctx, err)
		}
	}
	return nil
}

func (a *app) printAnswerEvent(e *client.AnswerEvent) error {
	switch {
	case a.output == formatJSON:
		return a.jsonLine(e)
	case e.Kind == "delete":
		_, err := fmt.Fprintln(a.out, "there is no such resource any more")
		return err
	}
	return a.printAnswer(&e.Answer)
}
