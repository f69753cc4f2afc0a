package ghs

import (
	"flag"
	"fmt"
	"math/rand/v2"
	"runtime"
	"sync"
	"sync/atomic"
	"testing"

	"gazetteer"
)

var (
	graphsFlag = flag.Int("graphs", 10_000, "how many random graphs TestRandomGraphs runs")
	firstFlag  = flag.Uint64("first", 1, "the seed of the first of them")
	seedFlag   = flag.Uint64("seed", 0, "run this one graph, with its transcript")
)

// TestRandomGraphs holds the algorithm against Kruskal: over what the paper assumes of
// the network, on graphs with many ties, from every kind of awakening.
func TestRandomGraphs(t *testing.T) {
	if *seedFlag != 0 {
		replaySeed(t, *seedFlag)
		return
	}
	each(*firstFlag, *graphsFlag, func(seed uint64) bool {
		g, o := randomRun(seed)
		r, err := Simulate(g, o)
		if err := verdict(g, r, err); err != nil {
			t.Errorf("seed %d: %d nodes, %d edges: %v\nreplay it with: go test ./simulation/ghs -run 'TestRandomGraphs$' -seed %d", seed, len(g.Nodes), len(g.Edges), err, seed)
			return false
		}
		return true
	})
}

// each does something with seeds, on all processors, until it returns false.
func each(first uint64, count int, do func(seed uint64) bool) {
	var (
		next    atomic.Uint64
		stop    atomic.Bool
		workers sync.WaitGroup
	)
	next.Store(first)
	for range runtime.GOMAXPROCS(0) {
		workers.Go(func() {
			for !stop.Load() {
				seed := next.Add(1) - 1
				if seed >= first+uint64(count) {
					return
				}
				if !do(seed) {
					stop.Store(true)
				}
			}
		})
	}
	workers.Wait()
}

func replaySeed(t *testing.T, seed uint64) {
	g, o := randomRun(seed)
	o.Transcript = true
	r, err := Simulate(g, o)
	for _, e := range r.Transcript {
		fmt.Println(e)
	}
	if err := verdict(g, r, err); err != nil {
		t.Fatal(err)
	}
}

// randomRun draws a graph and how it is run.
func randomRun(seed uint64) (Graph, Options) {
	dice := rand.New(rand.NewPCG(seed, 1))
	g := randomGraph(dice, 1+dice.IntN(64))
	return g, Options{Seed: seed, Bare: true, Awake: Awake(dice.IntN(3))}
}

// randomGraph draws a connected graph: a random tree, and further edges up to all. Half
// of the graphs have costs of 1 to 5, so that most edges have ties.
func randomGraph(dice *rand.Rand, nodes int) Graph {
	g := Graph{Nodes: names(nodes)}
	most := uint64(5)
	if dice.IntN(2) == 0 {
		most = 1000
	}
	order := dice.Perm(nodes)
	joined := map[[2]int]bool{}
	add := func(i, j int) {
		if i != j && !joined[[2]int{min(i, j), max(i, j)}] {
			joined[[2]int{min(i, j), max(i, j)}] = true
			g.Edges = append(g.Edges, NewEdge(g.Nodes[i], g.Nodes[j], 1+dice.Uint64N(most)))
		}
	}
	for i := 1; i < nodes; i++ {
		add(order[i], order[dice.IntN(i)])
	}
	density := dice.Float64()
	for i := range nodes {
		for j := range i {
			if dice.Float64() < density*density*density {
				add(i, j)
			}
		}
	}
	g.sort()
	return g
}

func names(count int) []gazetteer.RegionID {
	out := make([]gazetteer.RegionID, count)
	for i := range out {
		out[i] = gazetteer.RegionID(fmt.Sprintf("n%02d", i))
	}
	return out
}
