package main

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"gazetteer"
	"gazetteer/api/client"
)

func (a *app) statusCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "status",
		Short: "Print what the server says of itself",
		Args:  cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			return a.ask(c.Context(), nil, a.status)
		},
	}
}

// serverStatus is what status prints of the answer.
type serverStatus struct {
	Region, Node, Version string
	UptimeSeconds         float64 `json:"uptime_seconds"`
	Regions               []client.RegionLag
	RegionsUnknown        string `json:"regions_unknown"`
	Readiness             struct {
		Ready, Draining bool
		Checks          []struct {
			Name, Detail string
			OK           bool
		}
	}
}

func (a *app) status(ctx context.Context, k *client.Client) error {
	text, err := k.Status(ctx)
	if err != nil {
		return err
	}
	var s serverStatus
	if err := json.Unmarshal(text, &s); err != nil {
		return &gazetteer.Error{Op: "gazetteer.status", Kind: gazetteer.Unavailable, Err: err, Detail: "the answer is not understood"}
	}
	if a.output == formatJSON {
		err = a.json(text)
	} else {
		err = a.printStatus(&s)
	}
	if err == nil && !s.Readiness.Ready {
		err = &gazetteer.Error{Op: "gazetteer.status", Kind: gazetteer.Unavailable, Detail: "the server is not ready"}
	}
	return err
}

func (a *app) printStatus(s *serverStatus) error {
	up := time.Duration(s.UptimeSeconds * float64(time.Second)).Round(time.Second)
	fmt.Fprintf(a.out, "node %s of region %s, up %v\n\n", printable(s.Node), printable(s.Region), up)
	var rows [][]string
	for _, c := range s.Readiness.Checks {
		state := "ok"
		if !c.OK {
			state = "FAILS"
		}
		rows = append(rows, []string{c.Name, state, c.Detail})
	}
	if err := grid(a.out, []string{"CHECK", "STATE", "DETAIL"}, rows); err != nil {
		return err
	}
	return a.printLag(s)
}

// printLag tells how far behind the other regions are, of a server that knows any.
func (a *app) printLag(s *serverStatus) error {
	if s.RegionsUnknown != "" {
		_, err := fmt.Fprintf(a.out, "\nregions: not known: %s\n", printable(s.RegionsUnknown))
		return err
	}
	if len(s.Regions) == 0 {
		return nil
	}
	var rows [][]string
	for _, r := range s.Regions {
		rows = append(rows, lagCells(&r))
	}
	fmt.Fprintln(a.out)
	return grid(a.out, lagHeader(), rows)
}
