package ghs

import (
	"bytes"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"

	"gazetteer"
	"gazetteer/mst"
)

// TestTranscript: the counts are sums over the transcript, and the transcript is all that
// the nodes need to build the same tree again. It goes through its JSON form.
func TestTranscript(t *testing.T) {
	graphs := []Graph{{Nodes: names(1)}, awsPart(t, seven...), awsGraph(t)}
	for seed := uint64(1); seed <= 50; seed++ {
		dice := rand.New(rand.NewPCG(seed, 6))
		graphs = append(graphs, randomGraph(dice, 1+dice.IntN(30)))
	}
	for i, g := range graphs {
		r := mustBuild(t, g, Options{Seed: uint64(i), Transcript: true, Loss: float64(i%2) / 10})
		if err := rejectedTwice(r.Transcript); err != nil {
			t.Error(err)
		}
		file := decoded(t, r)
		if got, want := sums(file.Transcript), (counts{r.Messages, r.summary().ByKind}); fmt.Sprint(got) != fmt.Sprint(want) {
			t.Errorf("graph %d: the transcript sums up to %v, the result says %v", i, got, want)
		}
		if tree := replay(t, g, file.Transcript); !slices.Equal(tree, r.Tree) {
			t.Errorf("graph %d: replaying the transcript gives %v, want %v", i, tree, r.Tree)
		}
	}
}

// resultFile is the JSON form of a result as a reader of it sees it.
type resultFile struct {
	Tree       [][2]gazetteer.RegionID
	Weight     uint64
	Components int
	Messages   int
	ByKind     map[string]int `json:"by_kind"`
	MaxLevel   int            `json:"max_level"`
	Transcript []eventFile
}

type eventFile struct {
	AtMS            float64 `json:"at_ms"`
	Wakes, From, To gazetteer.RegionID
	Kind            string
	Level           int
	Fragment, Best  []any
	State           string
}

func decoded(t *testing.T, r Result) (file resultFile) {
	t.Helper()
	var text bytes.Buffer
	if err := r.WriteJSON(&text); err != nil {
		t.Fatal(err)
	}
	d := json.NewDecoder(&text)
	d.DisallowUnknownFields()
	if err := d.Decode(&file); err != nil {
		t.Fatal(err)
	}
	return file
}

type counts struct {
	messages int
	byKind   map[string]int
}

func sums(events []eventFile) counts {
	c := counts{byKind: map[string]int{}}
	for k := range mst.PaperKinds {
		c.byKind[k.String()] = 0
	}
	for _, e := range events {
		if e.Kind != "" {
			c.messages++
			c.byKind[e.Kind]++
		}
	}
	return c
}

// replay gives new nodes what the transcript says they were given. What they send must
// be what the transcript goes on with, in order on every edge.
func replay(t *testing.T, g Graph, events []eventFile) (tree []Edge) {
	t.Helper()
	nodes := map[gazetteer.RegionID]*mst.Node{}
	edges := g.adjacency()
	for _, name := range g.Nodes {
		n, err := mst.NewNode(name, edges[name])
		if err != nil {
			t.Fatal(err)
		}
		nodes[name] = n
	}
	wires := map[[2]gazetteer.RegionID][]mst.Message{}
	for _, e := range events {
		to := e.Wakes
		if e.Kind == "" {
			nodes[to].Wake()
		} else {
			to = e.To
			wire := [2]gazetteer.RegionID{e.From, e.To}
			if len(wires[wire]) == 0 || wires[wire][0] != e.message() {
				t.Fatalf("%s took %v from %s, which sent %v", e.To, e.message(), e.From, wires[wire])
			}
			wires[wire] = wires[wire][1:]
			if err := nodes[to].Step(e.From, e.message()); err != nil {
				t.Fatal(err)
			}
		}
		for _, out := range nodes[to].Ready() {
			wire := [2]gazetteer.RegionID{to, out.To}
			wires[wire] = append(wires[wire], out.Message)
		}
	}
	for _, name := range g.Nodes {
		for _, b := range nodes[name].Branches() {
			if name < b.To {
				tree = append(tree, Edge{name, b.To, b.Cost})
			}
		}
	}
	slices.SortFunc(tree, Edge.Compare)
	return tree
}

func (e *eventFile) message() mst.Message {
	switch e.Kind {
	case "connect":
		return mst.Connect{Level: e.Level}
	case "initiate":
		states := map[string]mst.State{"find": mst.Find, "found": mst.Found}
		return mst.Initiate{Level: e.Level, Fragment: weightIn(e.Fragment), State: states[e.State]}
	case "test":
		return mst.Test{Level: e.Level, Fragment: weightIn(e.Fragment)}
	case "accept":
		return mst.Accept{}
	case "reject":
		return mst.Reject{}
	case "report":
		return mst.Report{Best: mst.Bound{Weight: weightIn(e.Best), Finite: e.Best != nil}}
	}
	return mst.ChangeRoot{}
}

func weightIn(edge []any) mst.Weight {
	if edge == nil {
		return mst.Weight{}
	}
	return mst.Weight{Low: gazetteer.RegionID(edge[0].(string)), High: gazetteer.RegionID(edge[1].(string)), Cost: uint64(edge[2].(float64))}
}

// TestSameSeedSameRun: everything follows from the seed.
func TestSameSeedSameRun(t *testing.T) {
	g := awsPart(t, eight...)
	run := func() string {
		r := mustBuild(t, g, Options{Seed: 7, Loss: 0.1, Double: 0.1, Transcript: true})
		var text bytes.Buffer
		if err := r.WriteJSON(&text); err != nil {
			t.Fatal(err)
		}
		return text.String()
	}
	first := run()
	for range 5 {
		if run() != first {
			t.Fatal("two runs of one seed differ")
		}
	}
}
