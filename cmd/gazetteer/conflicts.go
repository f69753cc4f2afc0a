package main

import (
	"context"
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"gazetteer/api/client"
)

func (a *app) conflictsCommand() *cobra.Command {
	var limit int
	c := &cobra.Command{
		Use:   "conflicts",
		Short: "Print values that have lost against others written at the same time",
		Long: `conflicts prints the planet's conflict journal, newest first: each value that has lost
against one whose writer did not know of it, with the stamps of both, as all regions that
answer have seen it. Entries are kept for 24 hours. -o json also has the lost values as they were stored.`,
		Args: cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			return a.ask(c.Context(), nil, func(ctx context.Context, k *client.Client) error {
				cs, err := k.Conflicts(ctx, limit)
				if err != nil {
					return err
				}
				return a.printConflicts(&cs)
			})
		},
	}
	c.Flags().IntVar(&limit, "limit", 100, "how many at most, up to 10000")
	return c
}

func (a *app) printConflicts(cs *client.Conflicts) error {
	if a.output == formatJSON {
		return a.json(cs)
	}
	var rows [][]string
	for i := range cs.Conflicts {
		c := &cs.Conflicts[i]
		lost := stampCell(&c.Loser.Stamp)
		if c.Loser.Deleted {
			lost += " (deleted)"
		}
		rows = append(rows, []string{c.SeenAt.UTC().Format(time.RFC3339), c.Type, c.ID, c.Location, lost, stampCell(&c.Winner.Stamp)})
	}
	if err := grid(a.out, []string{"SEEN", "TYPE", "ID", "LOCATION", "LOST", "WON"}, rows); err != nil {
		return err
	}
	if cs.Total > len(cs.Conflicts) {
		fmt.Fprintf(a.out, "\n%d more; --limit shows them\n", cs.Total-len(cs.Conflicts))
	}
	return nil
}

// stampCell is a stamp as people read it: when, and by whom.
func stampCell(s *client.Stamp) string {
	return fmt.Sprintf("%s by %.8s", s.Time.UTC().Format("15:04:05.000"), s.Store)
}
