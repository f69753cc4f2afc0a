package main

import (
	"context"
	"fmt"

	"github.com/spf13/cobra"

	"gazetteer/api/client"
)

func (a *app) getCommand() *cobra.Command {
	var region string
	var health bool
	c := &cobra.Command{
		Use:   "get TYPE ID",
		Short: "Print a resource as it was published",
		Args:  cobra.ExactArgs(2),
		RunE: func(c *cobra.Command, args []string) error {
			return a.ask(c.Context(), args, func(ctx context.Context, k *client.Client) error {
				if health {
					d, err := k.GetHealth(ctx, args[0], args[1], region)
					if err != nil {
						return err
					}
					return a.printHealth(&d)
				}
				d, err := k.GetFrom(ctx, args[0], args[1], region)
				if err != nil {
					return err
				}
				return a.printDocument(&d)
			})
		},
	}
	c.Flags().BoolVar(&health, "health", false, "also what each region knows of the health of its locations")
	a.regionFlag(c, &region)
	return c
}

// regionFlag lets another region answer than the one asked.
func (a *app) regionFlag(c *cobra.Command, region *string) {
	c.Flags().StringVar(region, "region", "", "the region that is to answer (default: the one asked)")
	completeFlag(c, "region", regionNames, a)
}

func (a *app) printDocument(d *client.Document) error {
	if a.output == formatJSON {
		return a.json(d)
	}
	fmt.Fprintf(a.out, "%s/%s version %s\n", printable(d.Type), printable(d.ID), printable(d.Version))
	if len(d.Attributes) > len("{}") {
		fmt.Fprintf(a.out, "attributes %s\n", printable(string(d.Attributes)))
	}
	var rows [][]string
	for _, l := range d.Locations {
		rows = append(rows, []string{l.ID, degrees(l.Lat), degrees(l.Lon), l.Country, number(l.Weight), labels(l.Labels), l.URL})
	}
	return grid(a.out, []string{"LOCATION", "LAT", "LON", "COUNTRY", "WEIGHT", "LABELS", "URL"}, rows)
}
