package mst

import (
	"errors"
	"reflect"
	"testing"

	"gazetteer"
)

var star = []Edge{{"a", 1}, {"c", 2}, {"d", 3}}

func TestTallyAtTheCore(t *testing.T) {
	c := newTally(star, "")
	wantOut(t, c, Envelope{"a", Done{}}, Envelope{"c", Done{}}, Envelope{"d", Done{}})
	mustStep(t, c, "a", Count{5, 10})
	mustStep(t, c, "d", Count{1, 0})
	wantOut(t, c)
	mustStep(t, c, "c", Count{2, 7})
	sum := Install{9, 10 + 7 + 6}
	wantOut(t, c, Envelope{"a", sum}, Envelope{"c", sum}, Envelope{"d", sum})
}

func TestTallyBelowTheCore(t *testing.T) {
	c := newTally(star, "c")
	wantOut(t, c, Envelope{"a", Done{}}, Envelope{"d", Done{}})
	mustStep(t, c, "a", Count{1, 0})
	mustStep(t, c, "d", Count{1, 0})
	wantOut(t, c, Envelope{"c", Count{3, 4}})
	mustStep(t, c, "c", Install{8, 20})
	wantOut(t, c, Envelope{"a", Install{8, 20}}, Envelope{"d", Install{8, 20}})
}

func TestTallyAtALeaf(t *testing.T) {
	c := newTally([]Edge{{"a", 1}}, "a")
	wantOut(t, c, Envelope{"a", Count{1, 0}})
	mustStep(t, c, "a", Install{2, 1})
	wantOut(t, c)
	if *c.sum != (Install{2, 1}) {
		t.Error(*c.sum)
	}
}

func TestTallyRefuses(t *testing.T) {
	for _, c := range []struct {
		name    string
		from    gazetteer.RegionID
		message Message
		want    error
	}{
		{"a second done", "c", Done{}, errDoneAgain},
		{"a count of nobody", "z", Count{1, 0}, errNotOwing},
		{"a count from the core", "c", Count{1, 0}, errNotOwing},
		{"an install from below", "a", Install{2, 1}, errNotParent},
		{"an install before the count", "c", Install{2, 1}, errNotParent},
	} {
		if err := newTally(star, "c").step(c.from, c.message); !errors.Is(err, c.want) {
			t.Errorf("%s: %v, want %v", c.name, err, c.want)
		}
	}
}

func mustStep(t *testing.T, c *tally, from gazetteer.RegionID, m Message) {
	t.Helper()
	if err := c.step(from, m); err != nil {
		t.Fatal(err)
	}
}

func wantOut(t *testing.T, c *tally, want ...Envelope) {
	t.Helper()
	if got := c.ready(); !reflect.DeepEqual(got, want) {
		t.Fatalf("it sends %v, want %v", got, want)
	}
}
