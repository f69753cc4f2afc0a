package main

import (
	"fmt"

	"github.com/spf13/cobra"

	"gazetteer/simulation/report"
)

// simReportCommand draws what runs left behind.
func (a *app) simReportCommand() *cobra.Command {
	var out string
	c := &cobra.Command{
		Use:   "report RUN...",
		Short: "Draw what runs left behind: one page, and CSV, JSON and SVG",
		Long: `report reads the folders that runs wrote and draws them into one: index.html needs nothing
beside it and no network; the SVG, CSV and JSON files beside it are for further work. More
than one run are set side by side, each with its difference to the first.

A run that was ended before its time is drawn as far as it came.`,
		Example: "  gazetteer sim report runs/virtual runs/processes --out compared",
		Args:    cobra.MinimumNArgs(1),
		RunE: func(_ *cobra.Command, args []string) error {
			return a.report(out, args)
		},
	}
	c.Flags().StringVar(&out, "out", "report", "folder for the report; it is made, and files of an earlier report in it are replaced")
	return c
}

func (a *app) report(out string, dirs []string) error {
	runs, err := report.Load(dirs)
	if err != nil {
		return err
	}
	page, err := report.Write(out, runs)
	if err != nil {
		return err
	}
	if a.output == formatJSON {
		return a.json(struct {
			Page string `json:"page"`
		}{page})
	}
	_, err = fmt.Fprintln(a.out, printable(page))
	return err
}
