package mst

import (
	"reflect"
	"strings"
	"testing"

	"gazetteer"
)

func TestEdgesThatNoNodeCanHave(t *testing.T) {
	for _, edges := range []string{"b:1", "a:1 c:2 a:3", ":4"} {
		if _, err := NewNode("b", edgesIn(t, edges)); gazetteer.KindOf(err) != gazetteer.Unprocessable {
			t.Errorf("%q: %v", edges, err)
		}
	}
}

// TestRefused: what no correct run brings is refused with a reason, and changes nothing.
func TestRefused(t *testing.T) {
	asleep := func(t *testing.T) *play { return node(t, "b", "a:1 c:2") }
	searching := func(t *testing.T) *play {
		p := node(t, "b", "a:1 c:2 d:3")
		p.searching(2)
		p.Ready()
		return p
	}
	rejected := func(t *testing.T) *play {
		p := searching(t)
		p.hears("d", Test{2, fragment(2)})
		return p
	}
	for _, c := range []struct {
		name    string
		node    func(*testing.T) *play
		from    gazetteer.RegionID
		message Message
		want    error
	}{
		{"no edge", asleep, "z", Connect{0}, errNoEdge},
		{"not for sleepers", asleep, "a", Accept{}, errAsleep},
		{"initiate to a sleeper", asleep, "a", Initiate{1, fragment(1), Find}, errAsleep},
		{"connect below level 0", asleep, "a", Connect{-1}, errLevel},
		{"connect above the level over a branch", searching, "a", Connect{3}, errLevel},
		{"connect over a rejected edge", rejected, "d", Connect{2}, errRejected},
		{"test of level 0", searching, "c", Test{0, Weight{}}, errLevel},
		{"initiate over a basic edge", searching, "c", Initiate{3, fragment(3), Find}, errNotBranch},
		{"initiate of the same level", searching, "a", Initiate{2, fragment(2), Find}, errLevel},
		{"initiate into sleep", searching, "a", Initiate{3, fragment(3), Sleeping}, errLevel},
		{"accept without test", searching, "d", Accept{}, errUnasked},
		{"reject without test", searching, "d", Reject{}, errUnasked},
		{"report over a basic edge", searching, "c", Report{}, errUnasked},
		{"change_root from below", searching, "c", ChangeRoot{}, errNotCore},
		{"change_root to nowhere", searching, "a", ChangeRoot{}, errNoBest},
		{"a message that ends a run", searching, "a", Done{}, errKind},
	} {
		t.Run(c.name, func(t *testing.T) {
			p := c.node(t)
			before := p.Status()
			err := p.Step(c.from, c.message)
			if gazetteer.KindOf(err) != gazetteer.Invalid || !strings.Contains(err.Error(), c.want.Error()) {
				t.Errorf("%v, want one of kind invalid that says: %v", err, c.want)
			}
			p.sends("the refusal", nil)
			if after := p.Status(); !reflect.DeepEqual(before, after) {
				t.Errorf("it was %+v and is %+v", before, after)
			}
		})
	}
}

// TestPutBackRestsUntilSomethingChanges: a message that waits is tried again when LN, SN
// or an SE has changed, not before; a node that waits does not spin.
func TestPutBackRestsUntilSomethingChanges(t *testing.T) {
	p := node(t, "b", "a:1 c:2 d:3")
	p.searching(1)
	p.Ready()
	p.takes("d", Test{2, fragment(2)})
	queue := &p.queue[0]
	p.takes("c", Test{1, WeightOf(1, "v", "w")}, "c accept") // nothing changes
	if &p.queue[0] != queue {
		t.Error("the queue was tried although nothing has changed")
	}
	p.takes("c", Accept{}, "a report b/c:2") // SN changes
	if &p.queue[0] == queue {
		t.Error("the queue was not tried although SN has changed")
	}
	p.waits(1)
}

// TestPutBackKeepsTheOrder: what waits is handled in the order in which it came.
func TestPutBackKeepsTheOrder(t *testing.T) {
	p := node(t, "b", "a:1 c:2 d:3")
	p.wakes("a connect 0")
	p.takes("d", Connect{0})
	p.takes("c", Connect{0})
	p.takes("a", Initiate{1, fragment(1), Found}, "d initiate 1 x/y:1 found", "c initiate 1 x/y:1 found")
}

func TestWeightsAreDistinct(t *testing.T) {
	ascending := []Weight{
		WeightOf(1, "z", "y"), WeightOf(2, "b", "a"), WeightOf(2, "c", "a"), WeightOf(2, "b", "c"), WeightOf(3, "a", "b"),
	}
	for i, w := range ascending {
		for j, v := range ascending {
			if got, want := sign(w.Compare(v)), sign(i-j); got != want {
				t.Errorf("%v against %v is %d, want %d", w, v, got, want)
			}
		}
	}
	if WeightOf(1, "a", "b") != WeightOf(1, "b", "a") {
		t.Error("the two ends of an edge have two weights for it")
	}
}

func sign(n int) int { return max(-1, min(n, 1)) }

// TestInfinityIsNoNumber: no cost, however large, reaches it.
func TestInfinityIsNoNumber(t *testing.T) {
	huge := finite(WeightOf(1<<64-1, "y", "z"))
	if !huge.less(Bound{}) || (Bound{}).less(huge) || (Bound{}).less(Bound{}) {
		t.Error("infinity is not above every weight")
	}
}

func TestStrings(t *testing.T) {
	for want, got := range map[string]Message{
		"connect 3": Connect{3}, "initiate 1 a/b:7 found": Initiate{1, WeightOf(7, "b", "a"), Found},
		"report infinity": Report{}, "report a/b:7": Report{finite(WeightOf(7, "a", "b"))}, "accept": Accept{},
		"count 3 12": Count{3, 12}, "install 3 12": Install{3, 12}, "done": Done{}, "change_root": ChangeRoot{},
	} {
		if got.String() != want || !strings.HasPrefix(want, got.Kind().String()) {
			t.Errorf("%q of kind %v, want %q", got, got.Kind(), want)
		}
	}
	if s := Kind(200).String(); s != "kind 200" {
		t.Error(s)
	}
}
