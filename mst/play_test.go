package mst

import (
	"fmt"
	"reflect"
	"strings"
	"testing"

	"gazetteer"
)

// play is one node, what it is told and what it must answer.
type play struct {
	t *testing.T
	*Node
	self gazetteer.RegionID
}

// node returns a sleeping node; edges are written "a:1 c:5".
func node(t *testing.T, self gazetteer.RegionID, edges string) *play {
	t.Helper()
	n, err := NewNode(self, edgesIn(t, edges))
	if err != nil {
		t.Fatal(err)
	}
	return &play{t, n, self}
}

func edgesIn(t *testing.T, text string) (out []Edge) {
	t.Helper()
	for _, field := range strings.Fields(text) {
		to, cost, _ := strings.Cut(field, ":")
		e := Edge{To: gazetteer.RegionID(to)}
		if _, err := fmt.Sscan(cost, &e.Cost); err != nil {
			t.Fatal(err)
		}
		out = append(out, e)
	}
	return out
}

// wakes lets the node wake by itself; want is what it sends, each as "a connect 0".
func (p *play) wakes(want ...string) {
	p.t.Helper()
	p.Wake()
	p.sends("waking", want)
}

// takes gives the node a message; want is what it sends then.
func (p *play) takes(from gazetteer.RegionID, m Message, want ...string) {
	p.t.Helper()
	if err := p.Step(from, m); err != nil {
		p.t.Fatal(err)
	}
	p.sends(fmt.Sprintf("%v from %s", m, from), want)
}

// hears gives a message whose answers do not matter to the test.
func (p *play) hears(from gazetteer.RegionID, m Message) {
	p.t.Helper()
	if err := p.Step(from, m); err != nil {
		p.t.Fatal(err)
	}
	p.Ready()
}

func (p *play) sends(after string, want []string) {
	p.t.Helper()
	var got []string
	for _, e := range p.Ready() {
		got = append(got, fmt.Sprintf("%s %v", e.To, e.Message))
	}
	if !reflect.DeepEqual(got, want) {
		p.t.Fatalf("after %s it sends %q, want %q", after, got, want)
	}
}

// is holds a part of the node's status, written "found 0", state and level, against it.
func (p *play) is(want string) {
	p.t.Helper()
	s := p.Status()
	if got := fmt.Sprint(s.State, " ", s.Level); got != want {
		p.t.Fatalf("it is %q, want %q", got, want)
	}
}

// edge holds the state of one edge against what it should be.
func (p *play) edge(to gazetteer.RegionID, want EdgeState) {
	p.t.Helper()
	if got := p.peers[to].se; got != want {
		p.t.Fatalf("its edge to %s is %v, want %v", to, got, want)
	}
}

// waits holds the number of messages put back against what it should be.
func (p *play) waits(want int) {
	p.t.Helper()
	if got := p.Status().Waiting; got != want {
		p.t.Fatalf("%d messages are put back, want %d", got, want)
	}
}

// searching brings the node into state Find at a level: it woke, connected over its
// lightest edge, and the fragment behind that edge told it to search.
func (p *play) searching(level int) {
	p.t.Helper()
	p.Wake()
	core := p.edges[0].to
	if err := p.Step(core, Initiate{level, fragment(level), Find}); err != nil {
		p.t.Fatal(err)
	}
}

// fragment is the name of some fragment of a level, far away from the node.
func fragment(level int) Weight { return WeightOf(uint64(level), "x", "y") }
