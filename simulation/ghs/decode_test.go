package ghs

import (
	"bytes"
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"

	"gazetteer"
)

var updateFlag = flag.Bool("update", false, "write the graph files of testdata")

func TestReadGraph(t *testing.T) {
	for _, text := range []string{
		`{"nodes": ["c", "a", "b"], "edges": [["b", "a", 3], ["b", "c", 0]]}`,
		` { "edges" : [["c","b",0],["a","b",3]] , "nodes" : ["a","b","c"] } `,
	} {
		g, err := ReadGraph(strings.NewReader(text))
		if err != nil {
			t.Fatal(err)
		}
		if !slices.Equal(g.Nodes, []gazetteer.RegionID{"a", "b", "c"}) || !slices.Equal(g.Edges, []Edge{{"a", "b", 3}, {"b", "c", 0}}) {
			t.Errorf("%s: %v", text, g)
		}
	}
}

// TestBadGraphs: each is refused, with where and what.
func TestBadGraphs(t *testing.T) {
	edge := func(e string) string { return `{"nodes": ["a", "b", "c"], "edges": [["b", "c", 7], ` + e + `]}` }
	for _, c := range []struct {
		name, text string
		kind       gazetteer.Kind
		want       string
	}{
		{"self-loop", edge(`["a", "a", 1]`), gazetteer.Unprocessable, `/edges/1: the edge joins "a" to itself`},
		{"double edge", edge(`["b", "c", 1]`), gazetteer.Unprocessable, `/edges/1: there is an edge between "b" and "c" already, at /edges/0`},
		{"double edge, turned round", edge(`["c", "b", 7]`), gazetteer.Unprocessable, `/edges/1: there is an edge between "b" and "c" already`},
		{"unknown node", edge(`["a", "x", 1]`), gazetteer.Unprocessable, `/edges/1/1: node "x" is not among the nodes`},
		{"unknown first node", edge(`["x", "a", 1]`), gazetteer.Unprocessable, `/edges/1/0: node "x"`},
		{"doubled node", `{"nodes": ["a", "b", "a"], "edges": []}`, gazetteer.Unprocessable, `/nodes/2: node "a" stands twice`},
		{"empty name", `{"nodes": [""], "edges": []}`, gazetteer.Unprocessable, `/nodes/0: a name has 1 to 255 bytes, this one 0`},
		{"long name", `{"nodes": ["` + strings.Repeat("x", 256) + `"], "edges": []}`, gazetteer.Unprocessable, `this one 256`},
		{"negative cost", edge(`["a", "b", -1]`), gazetteer.Unprocessable, `/edges/1/2: the cost -1 is no integer from 0 on`},
		{"fraction", edge(`["a", "b", 1.5]`), gazetteer.Unprocessable, `the cost 1.5 is no integer`},
		{"fraction of nothing", edge(`["a", "b", 1.0]`), gazetteer.Unprocessable, `without sign, fraction and exponent`},
		{"exponent", edge(`["a", "b", 1e3]`), gazetteer.Unprocessable, `the cost 1e3 is no integer`},
		{"huge cost", edge(`["a", "b", 9007199254740992]`), gazetteer.Unprocessable, `all costs are more than 9007199254740991`},
		{"beyond 64 bits", edge(`["a", "b", 99999999999999999999999999999999999]`), gazetteer.Unprocessable, `all costs are more than`},
		{"costs that add up", edge(`["a", "b", 9007199254740985]`), gazetteer.Unprocessable, `all costs are more than`},
		{"cost in quotes", edge(`["a", "b", "1"]`), gazetteer.Invalid, `/edges/1/2: want a cost`},
		{"no cost", edge(`["a", "b"]`), gazetteer.Invalid, `/edges/1/2: want a cost`},
		{"null cost", edge(`["a", "b", null]`), gazetteer.Invalid, `want a cost`},
		{"too much", edge(`["a", "b", 1, 2]`), gazetteer.Invalid, `/edges/1: an edge has two nodes and a cost`},
		{"edge as object", edge(`{"a": 1}`), gazetteer.Invalid, `/edges/1: want an edge such as`},
		{"name as number", `{"nodes": [1], "edges": []}`, gazetteer.Invalid, `/nodes/0: want a name in quotes`},
		{"nodes as object", `{"nodes": {}, "edges": []}`, gazetteer.Invalid, `/nodes: want a list`},
		{"null edges", `{"nodes": [], "edges": null}`, gazetteer.Invalid, `/edges: want a list`},
		{"no edges", `{"nodes": []}`, gazetteer.Invalid, `/edges: is missing`},
		{"no nodes", `{"edges": []}`, gazetteer.Invalid, `/nodes: is missing`},
		{"unknown field", `{"nodes": [], "edge/s": []}`, gazetteer.Invalid, `/edge~1s: unknown field`},
		{"doubled field", `{"nodes": [], "nodes": [], "edges": []}`, gazetteer.Invalid, `/nodes: stands twice`},
		{"cut off", `{"nodes": ["a"`, gazetteer.Invalid, `the file ends in the middle`},
		{"empty", ``, gazetteer.Invalid, `the file ends in the middle`},
		{"no comma", `{"nodes": ["a" "b"], "edges": []}`, gazetteer.Invalid, `no JSON at byte`},
		{"wrong bracket", `{"nodes": ["a"}, "edges": []}`, gazetteer.Invalid, `no JSON at byte`},
		{"comma at the end", `{"nodes": ["a",], "edges": []}`, gazetteer.Invalid, `no JSON at byte`},
		{"list", `[]`, gazetteer.Invalid, `want an object with nodes and edges`},
		{"something after it", `{"nodes": [], "edges": []} {}`, gazetteer.Invalid, `something follows the graph`},
		{"not UTF-8", "{\"nodes\": [\"\xff\"], \"edges\": []}", gazetteer.Invalid, `not valid UTF-8`},
		{"depth bomb", `{"nodes": ` + strings.Repeat("[", 100_000), gazetteer.Invalid, `/nodes/0: want a name`},
		{"too many nodes", manyNodes(MaxNodes + 1), gazetteer.TooLarge, `more than 4096 nodes`},
	} {
		t.Run(c.name, func(t *testing.T) {
			_, err := ReadGraph(strings.NewReader(c.text))
			if err == nil {
				t.Fatal("it was accepted")
			}
			if gazetteer.KindOf(err) != c.kind || !strings.Contains(err.Error(), c.want) {
				t.Errorf("%v (%v), want %q (%v)", err, gazetteer.KindOf(err), c.want, c.kind)
			}
		})
	}
}

func manyNodes(count int) string {
	quoted := make([]string, count)
	for i := range quoted {
		quoted[i] = fmt.Sprintf(`"n%d"`, i)
	}
	return `{"nodes": [` + strings.Join(quoted, ",") + `], "edges": []}`
}

// graphText writes a graph as a file, one edge on each line.
func graphText(g Graph) string {
	var b strings.Builder
	nodes, _ := json.Marshal(g.Nodes)
	fmt.Fprintf(&b, "{\"nodes\": %s,\n\"edges\": [", nodes)
	for i, e := range g.Edges {
		if i > 0 {
			b.WriteByte(',')
		}
		line, _ := json.Marshal([3]any{e.A, e.B, e.Cost})
		fmt.Fprintf(&b, "\n%s", line)
	}
	b.WriteString("\n]}\n")
	return b.String()
}

// TestGraphFiles: the graph files of testdata are what the matrix says.
func TestGraphFiles(t *testing.T) {
	for name, g := range map[string]Graph{"testdata/aws-32.json": awsGraph(t), "testdata/aws-7.json": awsPart(t, seven...)} {
		text := graphText(g)
		if *updateFlag {
			write(t, name, text)
		}
		if got := read(t, name); got != text {
			t.Errorf("%s is not what the matrix says; write it with -update", name)
		}
		back, err := ReadGraph(strings.NewReader(text))
		if err != nil || graphText(back) != text {
			t.Errorf("%s does not come back as it was: %v", name, err)
		}
	}
}

// FuzzReadGraph: whatever is read is a graph, and writing it gives the same graph again.
func FuzzReadGraph(f *testing.F) {
	f.Add([]byte(`{"nodes": ["a", "b", "c"], "edges": [["a", "b", 3], ["c", "b", 0]]}`))
	f.Add([]byte(`{"edges": [["a", "a", 1]], "nodes": ["a"]}`))
	f.Add([]byte(`{"nodes": ["\u00e9", "é"], "edges": []}`))
	f.Add([]byte(`{"nodes": [], "edges": [["a", "b", 1e400]]}`))
	if seven, err := os.ReadFile("testdata/aws-7.json"); err == nil {
		f.Add(seven)
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		g, err := ReadGraph(bytes.NewReader(text))
		if err != nil {
			if k := gazetteer.KindOf(err); k != gazetteer.Invalid && k != gazetteer.Unprocessable && k != gazetteer.TooLarge {
				t.Fatalf("%v is of kind %v", err, k)
			}
			return
		}
		back, err := ReadGraph(strings.NewReader(graphText(g)))
		if err != nil || graphText(back) != graphText(g) {
			t.Fatalf("%v is not the same when it is written and read: %v", g, err)
		}
		if len(g.Nodes) <= 16 {
			mustBuild(t, g, Options{Seed: 1, Bare: true})
		}
	})
}
