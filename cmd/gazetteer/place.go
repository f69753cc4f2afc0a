package main

import (
	"cmp"
	"context"
	"fmt"
	"strconv"

	"github.com/spf13/cobra"

	"gazetteer/api/client"
)

func (a *app) placeCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "place [IP]",
		Short: "Say where a client is, which region is best for him, and why",
		Long: `place says where the client with an address is taken to be, by what, and in which network
all clients get the same answer. Then it prints the planet's regions, best first for him.

The score is the expected round trip and the region's bias, in milliseconds. BY says what
it is expected by: operator-network, the operator's networks name the region; learned,
clients of the network have measured it; distance, 5 ms and 1 ms for each 60 km;
this-region, nobody can place the client, and he is taken to be where he asks.

Without an address the client is whoever runs the command.`,
		Example: `  gazetteer place 81.2.69.160`,
		Args:    cobra.MaximumNArgs(1),
		RunE: func(c *cobra.Command, args []string) error {
			var w client.Where
			if len(args) == 1 {
				w.IP = args[0]
			}
			return a.ask(c.Context(), nil, func(ctx context.Context, k *client.Client) error {
				p, err := k.Place(ctx, w)
				if err != nil {
					return err
				}
				return a.printPlacement(&p)
			})
		},
	}
}

func (a *app) printPlacement(p *client.Placement) error {
	if a.output == formatJSON {
		return a.json(p)
	}
	if _, err := fmt.Fprintln(a.out, whereabouts(&p.Client)); err != nil {
		return err
	}
	var rows [][]string
	for _, c := range p.Regions {
		state := c.State
		if c.Self {
			state += ", asked"
		}
		rows = append(rows, []string{
			c.Region, state, kilometres(c.DistanceKM), tenths(c.Terms.RTTMS), c.Terms.By, by(&c.Terms), tenths(c.Terms.BiasMS), tenths(c.ScoreMS),
		})
	}
	return grid(a.out, []string{"REGION", "STATE", "KM", "RTT MS", "BY", "MEASURED BY", "BIAS MS", "SCORE MS"}, rows)
}

// whereabouts says in a sentence where a client is and why.
func whereabouts(w *client.Whereabouts) string {
	out := printable(cmp.Or(w.Address, "the client")) + " is nowhere that is known"
	if w.Lat != nil {
		out = fmt.Sprintf("%s is at %s, %s %s", printable(cmp.Or(w.Address, "the client")), degrees(w.Lat), degrees(w.Lon), printable(w.Country))
	}
	out += " (" + printable(w.Method)
	if w.Source != "" {
		out += " by " + printable(w.Source)
	}
	out += ")"
	if w.Region != "" {
		out += ", in region " + printable(w.Region)
	}
	if w.Network != "" {
		out += "; so is all of " + printable(w.Network)
	}
	return out
}

// by says who has measured a round trip.
func by(t *client.ChoiceTerms) string {
	if t.Sources == 0 {
		return "-"
	}
	return fmt.Sprintf("%d in %s", t.Sources, t.Network)
}

func tenths(ms float64) string { return strconv.FormatFloat(ms, 'f', 1, 64) }
