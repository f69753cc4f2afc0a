package main

import (
	"context"
	"fmt"
	"io"

	"github.com/spf13/cobra"

	"gazetteer/api/client"
)

// mapFormat is how a map of the planet is printed: as answers are, or for graphviz. It is a
// flag value.
type mapFormat string

const formatDot mapFormat = "dot"

func (f *mapFormat) String() string { return string(*f) }
func (f *mapFormat) Type() string   { return "format" }
func (f *mapFormat) Set(s string) error {
	switch mapFormat(s) {
	case mapFormat(formatTable), mapFormat(formatJSON), formatDot:
		*f = mapFormat(s)
		return nil
	}
	return fmt.Errorf("want table, json or dot")
}

func (a *app) topologyCommand() *cobra.Command {
	format, all := mapFormat(formatTable), false
	c := &cobra.Command{
		Use:   "topology",
		Short: "Show the regions and the tree that links them",
		Long: `topology shows the regions and their minimum spanning tree as the region asked knows them,
with the round trip that each edge costs. Edges of the tree carry updates; a provisional one
stands in for an edge that is gone, until the next tree; the others are only measured and
shown with --all.`,
		Example: "  gazetteer topology -o dot | dot -T svg > planet.svg",
		Args:    cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			return a.ask(c.Context(), nil, func(ctx context.Context, k *client.Client) error {
				t, err := k.Topology(ctx)
				if err != nil {
					return err
				}
				return a.printTopology(&t, format, all)
			})
		},
	}
	c.Flags().VarP(&format, "output", "o", "how to print it: table, json, or dot for graphviz")
	c.Flags().BoolVar(&all, "all", false, "also edges that are only measured (json has them anyway)")
	return c
}

func (a *app) printTopology(t *client.Topology, f mapFormat, all bool) error {
	switch f {
	case mapFormat(formatJSON):
		return a.json(t)
	case formatDot:
		_, err := io.WriteString(a.out, dot(t, all))
		return err
	}
	fmt.Fprintln(a.out, printable(treeText(t)))
	fmt.Fprintln(a.out)
	var rows [][]string
	for _, r := range t.Regions {
		rows = append(rows, []string{r.Name, r.State, degrees(r.Lat), degrees(r.Lon)})
	}
	if err := grid(a.out, []string{"REGION", "STATE", "LAT", "LON"}, rows); err != nil {
		return err
	}
	fmt.Fprintln(a.out)
	return grid(a.out, []string{"A", "B", "COST", "EDGE"}, edgeRows(t, all))
}

// treeText says in one line which tree is in use.
func treeText(t *client.Topology) string {
	text := "no tree yet"
	if t.Epoch != "" {
		text = fmt.Sprintf("tree %s, weight %s, built with %d messages sent here", t.Epoch, milliseconds(t.WeightMS), t.Messages)
	}
	if t.Running != "" {
		text += "; " + t.Running + " is being built"
	} else if t.Due != "" {
		text += "; another one is due: " + t.Due
	}
	return text
}

func edgeRows(t *client.Topology, all bool) (rows [][]string) {
	for _, e := range t.Edges {
		if all || isLink(&e) {
			rows = append(rows, []string{e.A, e.B, milliseconds(e.CostMS), edgeKind(&e)})
		}
	}
	return rows
}

// isLink reports whether updates cross an edge.
func isLink(e *client.Edge) bool { return e.Tree || e.Provisional }

func edgeKind(e *client.Edge) string {
	switch {
	case e.Tree:
		return "tree"
	case e.Provisional:
		return "provisional"
	}
	return "measured"
}
