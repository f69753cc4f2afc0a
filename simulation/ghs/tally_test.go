package ghs

import (
	"flag"
	"fmt"
	"math/rand/v2"
	"sync/atomic"
	"testing"
)

var (
	tallyFlag = flag.String("tally", "", "count how many runs of this kind go wrong, and fail for none of them")
	runsFlag  = flag.Int("runs", 100, "how many runs -tally counts")
)

// trials are the kinds of run that a mutant, or a network without links, is put to.
var trials = map[string]func(t *testing.T, seed uint64) error{
	"random": func(_ *testing.T, seed uint64) error {
		g, o := randomRun(seed)
		return judged(g, o)
	},
	"regions": func(t *testing.T, seed uint64) error {
		return judged(awsGraph(t), Options{Seed: seed, Bare: true, Awake: Awake(seed % 3)})
	},
	"whole milliseconds": func(t *testing.T, seed uint64) error {
		return judged(wholeMilliseconds(awsGraph(t)), Options{Seed: seed, Bare: true, Awake: Awake(seed % 3)})
	},
	"lossy": func(_ *testing.T, seed uint64) error {
		dice := rand.New(rand.NewPCG(seed, 4))
		return judged(randomGraph(dice, 2+dice.IntN(15)), Options{Seed: seed, Loss: 0.1, Double: 0.1})
	},
	"ordeal": func(t *testing.T, seed uint64) error { return ordeal(awsPart(t, eight...), seed) },
}

func judged(g Graph, o Options) error {
	r, err := Simulate(g, o)
	return verdict(g, r, err)
}

// TestTally is what TestMutants runs in the binaries that it builds.
func TestTally(t *testing.T) {
	if *tallyFlag == "" {
		t.Skip("it is run by TestMutants, with -tally")
	}
	fmt.Printf("wrong: %d\n", wrongOf(t, trials[*tallyFlag], *runsFlag))
}

// wrongOf counts the runs that go wrong.
func wrongOf(t *testing.T, trial func(*testing.T, uint64) error, runs int) int {
	var wrong atomic.Int64
	each(1, runs, func(seed uint64) bool {
		if survive(func() error { return trial(t, seed) }) != nil {
			wrong.Add(1)
		}
		return true
	})
	return int(wrong.Load())
}

// survive makes an error of a panic: mutants run into nil edges.
func survive(do func() error) (err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("panic: %v", p)
		}
	}()
	return do()
}

func wholeMilliseconds(g Graph) Graph {
	for i := range g.Edges {
		g.Edges[i].Cost = (g.Edges[i].Cost + 500) / 1000
	}
	return g
}
