package main

import (
	"fmt"
	"io"
	"os"

	"github.com/spf13/cobra"

	"gazetteer"
	"gazetteer/simulation/ghs"
)

// mstCommand runs GHS on a graph file, over a simulated network.
func (a *app) mstCommand() *cobra.Command {
	var (
		from    graphSource
		options ghs.Options
	)
	c := &cobra.Command{
		Use:   "mst",
		Short: "Build the minimum spanning tree of a graph by GHS, over a simulated network",
		Long: `mst lets one simulated region for each node of a graph build the minimum spanning
tree by exchanging messages, as regions do, and prints the outcome as JSON.

A graph file holds {"nodes": ["a", "b"], "edges": [["a", "b", 3]]}. Costs are integers
from 0 on. A graph of several parts gives a tree of each. --complete makes one up, in which
every node has an edge to every other one.

The messages are those of the paper (Gallager, Humblet, Spira 1983); acknowledgements
and resends of the links under it are not counted. One seed gives one run.`,
		Example: `  gazetteer mst --graph planet.json --loss 0.1 --transcript
  gazetteer mst --complete 1000 --seed 7`,
		Args: cobra.NoArgs,
		RunE: func(*cobra.Command, []string) error {
			return a.mst(from, options)
		},
	}
	f := c.Flags()
	f.StringVar(&from.file, "graph", "", "graph file; - is standard input")
	f.IntVar(&from.complete, "complete", 0, "instead of a file: a complete graph of so many nodes, with costs drawn by the seed")
	f.Uint64Var(&options.Seed, "seed", 1, "decides delays and losses")
	f.Float64Var(&options.Loss, "loss", 0, "probability that a frame is lost, from 0 to 0.9")
	f.BoolVar(&options.Transcript, "transcript", false, "print everything that the nodes were told, too")
	return c
}

// lossMax keeps a run finite: beyond it nearly all that is sent is sent again.
const lossMax = 0.9

// completeMax bounds graphs that are made up: a complete one of 2,000 nodes takes 2 GiB.
const completeMax = 2000

// graphSource is where a graph comes from.
type graphSource struct {
	file     string
	complete int
}

func (a *app) mst(from graphSource, o ghs.Options) error {
	switch {
	case (from.file == "") == (from.complete == 0):
		return usage("mst needs either --graph FILE or --complete N")
	case from.complete < 0 || from.complete > completeMax:
		return usage("--complete %d is not between 1 and %d", from.complete, completeMax)
	case !(o.Loss >= 0 && o.Loss <= lossMax):
		return usage("--loss %v is not between 0 and %v", o.Loss, lossMax)
	}
	g, err := a.graph(from, o.Seed)
	if err != nil {
		return err
	}
	r, err := ghs.Simulate(g, o)
	if err != nil {
		return err
	}
	return r.WriteJSON(a.out)
}

func (a *app) graph(from graphSource, seed uint64) (ghs.Graph, error) {
	if from.complete > 0 {
		return ghs.Complete(from.complete, seed), nil
	}
	return a.readGraph(from.file)
}

func (a *app) readGraph(file string) (ghs.Graph, error) {
	var in io.Reader = a.in
	if file != "-" {
		f, err := os.Open(file)
		if err != nil {
			return ghs.Graph{}, &gazetteer.Error{Op: "gazetteer mst", Kind: gazetteer.Invalid, Pointer: "--graph", Err: err}
		}
		defer f.Close()
		in = f
	}
	g, err := ghs.ReadGraph(in)
	if err != nil {
		return ghs.Graph{}, fmt.Errorf("%s: %w", file, err)
	}
	return g, nil
}
