package ghs

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"
	"unicode/utf8"

	"gazetteer"
)

// maxFileBytes is far more than a graph of MaxNodes needs that anybody would run.
const maxFileBytes = 64 << 20

// ReadGraph reads a graph file:
//
//	{"nodes": ["a", "b", "c"], "edges": [["a", "b", 3], ["b", "c", 1]]}
//
// Costs are integers from 0 on. A graph without edges, or of several parts, is fine.
// Anything else is an error that says where and what: a malformed file is of kind
// Invalid; unknown or doubled nodes, self-loops, double edges and costs beyond
// [MaxWeight] are Unprocessable; a file or graph that is too large is TooLarge.
func ReadGraph(r io.Reader) (Graph, error) {
	text, err := io.ReadAll(io.LimitReader(r, maxFileBytes+1))
	switch {
	case err != nil:
		return Graph{}, &gazetteer.Error{Op: opRead, Kind: gazetteer.Internal, Detail: "cannot read the graph", Err: err}
	case len(text) > maxFileBytes:
		return Graph{}, refuse(gazetteer.TooLarge, "", "the file has more than %d bytes", maxFileBytes)
	case !utf8.Valid(text):
		return Graph{}, refuse(gazetteer.Invalid, "", "the file is not valid UTF-8")
	}
	d := &decoder{json: json.NewDecoder(bytes.NewReader(text)), known: map[gazetteer.RegionID]bool{}, joined: map[[2]gazetteer.RegionID]string{}}
	d.json.UseNumber()
	if err := d.file(); err != nil {
		return Graph{}, err
	}
	d.graph.sort()
	return d.graph, nil
}

const opRead = "ghs.ReadGraph"

func refuse(kind gazetteer.Kind, pointer, format string, args ...any) error {
	return &gazetteer.Error{Op: opRead, Kind: kind, Pointer: pointer, Detail: fmt.Sprintf(format, args...)}
}

// decoder goes through the file token by token: it sees doubled keys, and holds nothing
// but what it keeps.
type decoder struct {
	json   *json.Decoder
	graph  Graph
	known  map[gazetteer.RegionID]bool
	joined map[[2]gazetteer.RegionID]string // where the edge stands
	ends   []pendingEdge
	total  uint64
}

// pendingEdge waits until all nodes are known: "edges" may come first.
type pendingEdge struct {
	at   string
	a, b gazetteer.RegionID
	cost uint64
}

func (d *decoder) file() error {
	if err := d.open("", '{', "an object with nodes and edges"); err != nil {
		return err
	}
	seen := map[string]bool{}
	for d.json.More() {
		if err := d.field(seen); err != nil {
			return err
		}
	}
	if err := d.close(""); err != nil {
		return err
	}
	for _, key := range []string{"nodes", "edges"} {
		if !seen[key] {
			return refuse(gazetteer.Invalid, "/"+key, "is missing; write an empty list if there are none")
		}
	}
	if _, err := d.json.Token(); err != io.EOF {
		return refuse(gazetteer.Invalid, "", "something follows the graph")
	}
	return d.join()
}

func (d *decoder) field(seen map[string]bool) error {
	key, err := d.text("")
	if err != nil {
		return err
	}
	at := "/" + escape(key)
	if seen[key] {
		return refuse(gazetteer.Invalid, at, "stands twice")
	}
	seen[key] = true
	switch key {
	case "nodes":
		return d.list(at, d.node)
	case "edges":
		return d.list(at, d.edge)
	}
	return refuse(gazetteer.Invalid, at, "unknown field; a graph has nodes and edges")
}

// list reads an array, one element after the other.
func (d *decoder) list(at string, element func(at string) error) error {
	if err := d.open(at, '[', "a list"); err != nil {
		return err
	}
	for i := 0; d.json.More(); i++ {
		if err := element(at + "/" + strconv.Itoa(i)); err != nil {
			return err
		}
	}
	return d.close(at)
}

func (d *decoder) node(at string) error {
	name, err := d.name(at)
	switch {
	case err != nil:
		return err
	case d.known[name]:
		return refuse(gazetteer.Unprocessable, at, "node %q stands twice", name)
	case len(d.graph.Nodes) == MaxNodes:
		return refuse(gazetteer.TooLarge, at, "more than %d nodes", MaxNodes)
	}
	d.known[name] = true
	d.graph.Nodes = append(d.graph.Nodes, name)
	return nil
}

// edge reads ["a", "b", cost].
func (d *decoder) edge(at string) (err error) {
	e := pendingEdge{at: at}
	if err = d.open(at, '[', `an edge such as ["a", "b", 3]`); err != nil {
		return err
	}
	if e.a, err = d.name(at + "/0"); err != nil {
		return err
	}
	if e.b, err = d.name(at + "/1"); err != nil {
		return err
	}
	if e.cost, err = d.cost(at + "/2"); err != nil {
		return err
	}
	if d.json.More() {
		return refuse(gazetteer.Invalid, at, "an edge has two nodes and a cost, nothing more")
	}
	d.ends = append(d.ends, e)
	return d.close(at)
}

// join checks the edges against the nodes.
func (d *decoder) join() error {
	for _, e := range d.ends {
		for i, n := range [2]gazetteer.RegionID{e.a, e.b} {
			if !d.known[n] {
				return refuse(gazetteer.Unprocessable, e.at+"/"+strconv.Itoa(i), "node %q is not among the nodes", n)
			}
		}
		edge := NewEdge(e.a, e.b, e.cost)
		key := [2]gazetteer.RegionID{edge.A, edge.B}
		switch first := d.joined[key]; {
		case e.a == e.b:
			return refuse(gazetteer.Unprocessable, e.at, "the edge joins %q to itself", e.a)
		case first != "":
			return refuse(gazetteer.Unprocessable, e.at, "there is an edge between %q and %q already, at %s", edge.A, edge.B, first)
		}
		d.joined[key] = e.at
		d.graph.Edges = append(d.graph.Edges, edge)
	}
	return nil
}

func (d *decoder) name(at string) (gazetteer.RegionID, error) {
	s, err := d.text(at)
	if err == nil && (s == "" || len(s) > gazetteer.MaxIDBytes) {
		err = refuse(gazetteer.Unprocessable, at, "a name has 1 to %d bytes, this one %d", gazetteer.MaxIDBytes, len(s))
	}
	return gazetteer.RegionID(s), err
}

func (d *decoder) cost(at string) (uint64, error) {
	t, err := d.token(at)
	if err != nil {
		return 0, err
	}
	number, ok := t.(json.Number)
	if !ok {
		return 0, refuse(gazetteer.Invalid, at, "want a cost, an integer from 0 on")
	}
	cost, err := strconv.ParseUint(number.String(), 10, 64)
	switch {
	case errors.Is(err, strconv.ErrRange) || err == nil && cost > MaxWeight-d.total:
		return 0, refuse(gazetteer.Unprocessable, at, "with the cost %.30s all costs are more than %d", number, uint64(MaxWeight))
	case err != nil:
		return 0, refuse(gazetteer.Unprocessable, at, "the cost %.30s is no integer from 0 on, written without sign, fraction and exponent", number)
	}
	d.total += cost
	return cost, nil
}

func (d *decoder) text(at string) (string, error) {
	t, err := d.token(at)
	if err != nil {
		return "", err
	}
	s, ok := t.(string)
	if !ok {
		return "", refuse(gazetteer.Invalid, at, "want a name in quotes")
	}
	return s, nil
}

func (d *decoder) open(at string, want json.Delim, what string) error {
	t, err := d.token(at)
	if err == nil && t != want {
		err = refuse(gazetteer.Invalid, at, "want %s", what)
	}
	return err
}

// close takes the end of what was opened last; the tokens have been balanced so far.
func (d *decoder) close(at string) error {
	_, err := d.token(at)
	return err
}

func (d *decoder) token(at string) (json.Token, error) {
	t, err := d.json.Token()
	switch {
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF):
		return nil, refuse(gazetteer.Invalid, at, "the file ends in the middle of the graph")
	case err != nil:
		return nil, refuse(gazetteer.Invalid, at, "no JSON at byte %d: %v", d.json.InputOffset(), err)
	}
	return t, nil
}

// escape writes a key as JSON pointers do (RFC 6901).
func escape(key string) string { return strings.NewReplacer("~", "~0", "/", "~1").Replace(key) }
