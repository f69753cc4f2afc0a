package geo

import (
	"net/netip"
	"slices"
	"testing"

	"gazetteer"

	"pgregory.net/rapid"
)

// TestHealthOnlyLeavesOut compares a ranking with states to one without the locations that
// are down: the order is the same, and only what health alone would empty is not.
func TestHealthOnlyLeavesOut(t *testing.T) {
	var r, s Ranker
	floors := 0
	check := func(t *rapid.T) {
		b := drawCase(t)
		o := Options{Avoid: b.avoid, Explain: true}
		states := rapid.SliceOfN(rapid.SampledFrom([]State{StateUnknown, StateUp, StateDown, StateDown}), len(b.locs), len(b.locs)).Draw(t, "states")
		var up []gazetteer.Location
		for i, l := range b.locs {
			if states[i] != StateDown {
				up = append(up, l)
			}
		}
		want, _ := s.Rank(nil, b.place, b.client, up, &o)
		all, _ := s.Rank(nil, b.place, b.client, b.locs, &o)
		if len(want) == 0 && len(all) > 0 {
			want = all
			floors++
		}
		o.States = states
		got, rest := r.Rank(nil, b.place, b.client, b.locs, &o)
		if !slices.EqualFunc(got, want, func(c, d Candidate) bool { return c.Location.ID == d.Location.ID && c.Score == d.Score }) {
			t.Fatalf("ranked %v, want %v", ids(got), ids(want))
		}
		if len(got)+len(rest) != len(b.locs) {
			t.Fatalf("%d candidates and %d left out of %d locations", len(got), len(rest), len(b.locs))
		}
		for _, c := range append(got, rest...) {
			at := slices.IndexFunc(b.locs, func(l gazetteer.Location) bool { return l.ID == c.Location.ID })
			if c.State != states[at] {
				t.Fatalf("%s is %v, want %v", c.Location.ID, c.State, states[at])
			}
			if c.Excluded == excludedDown && c.State != StateDown {
				t.Fatalf("%s is left out as down and is %v", c.Location.ID, c.State)
			}
		}
	}
	for rounds := 0; rounds < 1 || rounds < 100 && floors == 0; rounds++ {
		rapid.Check(t, check)
	}
	if floors == 0 {
		t.Error("no case in which all are down: the test covers too little")
	}
}

func ids(cs []Candidate) (out []gazetteer.LocationID) {
	for _, c := range cs {
		out = append(out, c.Location.ID)
	}
	return out
}

func TestStatesCostNoMemory(t *testing.T) {
	var r Ranker
	locs := []gazetteer.Location{{ID: "a", Weight: 1}, {ID: "b", Weight: 1}, {ID: "c", Weight: 1}}
	o := Options{States: []State{StateUp, StateDown, StateUnknown}}
	var dst []Candidate
	if n := testing.AllocsPerRun(100, func() { dst, _ = r.Rank(dst[:0], Place{}, netip.Addr{}, locs, &o) }); n > 0 || len(dst) != 2 {
		t.Errorf("%v allocations, %d candidates", n, len(dst))
	}
}
