package ghs

import (
	"encoding/json"
	"maps"
	"math"
	"os"
	"slices"
	"testing"

	"gazetteer"
)

// awsGraph is the full mesh of 32 AWS regions; the cost of an edge is the mean of its
// two directions in whole microseconds of round-trip time.
func awsGraph(t testing.TB) Graph {
	t.Helper()
	text, err := os.ReadFile("testdata/aws-latency/cloudping-p50-1y.json")
	if err != nil {
		t.Fatal(err)
	}
	var file struct {
		Data map[gazetteer.RegionID]map[gazetteer.RegionID]float64
	}
	if err := json.Unmarshal(text, &file); err != nil {
		t.Fatal(err)
	}
	g := Graph{Nodes: slices.Sorted(maps.Keys(file.Data))}
	for i, a := range g.Nodes {
		for _, b := range g.Nodes[:i] {
			both := file.Data[a][b] + file.Data[b][a]
			g.Edges = append(g.Edges, NewEdge(a, b, uint64(math.Round(500*both))))
		}
	}
	g.sort()
	return g
}

// awsPart is the mesh between some of them.
func awsPart(t testing.TB, names ...gazetteer.RegionID) Graph {
	all := awsGraph(t)
	g := all.Among(func(n gazetteer.RegionID) bool { return slices.Contains(names, n) })
	if len(g.Nodes) != len(names) {
		t.Fatalf("only %v of %v are known", g.Nodes, names)
	}
	return g
}

// The sets of regions that have known answers. Seven is the planet of 2012.
var (
	three = []gazetteer.RegionID{"us-east-1", "eu-west-1", "ap-northeast-1"}
	five  = []gazetteer.RegionID{"us-east-1", "us-west-2", "eu-west-1", "ap-southeast-1", "sa-east-1"}
	seven = []gazetteer.RegionID{"us-east-1", "us-west-1", "us-west-2", "eu-west-1", "ap-southeast-1", "ap-northeast-1", "sa-east-1"}
	eight = append(slices.Clone(five), "eu-central-1", "ap-northeast-1", "ap-southeast-2")
)
