package planet

import (
	"fmt"
	"testing"

	"gazetteer"
	"gazetteer/ring"
)

// board is a placement of six partitions.
type board struct {
	rings []ring.Ring
	dead  map[gazetteer.NodeID]bool
}

func (b board) Partitions() uint32 { return 6 }

func (b board) Rings(t gazetteer.Type) (out []ring.Ring) {
	for _, r := range b.rings {
		r.Partitions = append([]gazetteer.Partition(nil), r.Partitions...)
		for i := range r.Partitions {
			r.Partitions[i].Type = t
		}
		out = append(out, r)
	}
	return out
}

func (b board) Dead(n gazetteer.NodeID) bool { return b.dead[n] }

func ringOf(name string, members []gazetteer.NodeID, partitions ...uint32) ring.Ring {
	r := ring.Ring{Name: name, Members: members}
	for _, i := range partitions {
		r.Partitions = append(r.Partitions, gazetteer.Partition{Index: i})
	}
	return r
}

func twoRings(dead ...gazetteer.NodeID) board {
	b := board{dead: map[gazetteer.NodeID]bool{}, rings: []ring.Ring{
		ringOf("r", []gazetteer.NodeID{"a", "b"}, 0, 2, 4), ringOf("s", []gazetteer.NodeID{"c", "a"}, 1, 3, 5),
	}}
	for _, n := range dead {
		b.dead[n] = true
	}
	return b
}

func addrOf(n gazetteer.NodeID) string { return string(n) + ":1" }

func TestRelaysAreTheFirstThatLive(t *testing.T) {
	for _, c := range []struct {
		dead []gazetteer.NodeID
		want string
	}{
		{nil, "a c a c a c"},
		{[]gazetteer.NodeID{"a"}, "b c b c b c"},
		{[]gazetteer.NodeID{"c"}, "a a a a a a"},
		{[]gazetteer.NodeID{"a", "b"}, " c  c  c"},
	} {
		r := relaysOf(twoRings(c.dead...), "t", addrOf)
		got := ""
		for i := range uint32(6) {
			got += string(r.of(i))
			if i < 5 {
				got += " "
			}
		}
		if got != c.want {
			t.Errorf("without %v: relays %q, want %q", c.dead, got, c.want)
		}
		if err := r.check(6); err != nil {
			t.Error(err)
		}
	}
}

func TestForeignRelaysAreChecked(t *testing.T) {
	for name, spoil := range map[string]func(*relays){
		"too few partitions": func(r *relays) { r.Of = r.Of[2:] },
		"no such node":       func(r *relays) { r.Of[0] = 9 },
		"no address":         func(r *relays) { r.Nodes[0].Addr = "" },
		"no name":            func(r *relays) { r.Nodes[0].Node = "" },
	} {
		r := relaysOf(twoRings(), "t", addrOf)
		spoil(r)
		if r.check(6) == nil {
			t.Errorf("%s: not noticed", name)
		}
	}
}

// A far region may have other rings, and other numbers of them.
func TestEdgesJoinRelays(t *testing.T) {
	far := board{rings: []ring.Ring{ringOf("one", []gazetteer.NodeID{"x"}, 0, 1, 2), ringOf("two", []gazetteer.NodeID{"y"}, 3, 4, 5)}}
	theirs := func(r gazetteer.RegionID, ty gazetteer.Type) *relays {
		if r != "far" {
			return nil // it has not answered yet
		}
		return relaysOf(far, ty, addrOf)
	}
	own := map[gazetteer.Type]*relays{"t": relaysOf(twoRings(), "t", addrOf), "u": relaysOf(twoRings("a"), "u", addrOf)}
	branches := []gazetteer.RegionID{"far", "silent"}
	for self, want := range map[gazetteer.NodeID]string{
		"a": "[{x far [{t 0} {t 2}]} {y far [{t 4}]}]",
		"b": "[{x far [{u 0} {u 2}]} {y far [{u 4}]}]",
		"c": "[{x far [{t 1} {u 1}]} {y far [{t 3} {t 5} {u 3} {u 5}]}]",
		"d": "[]",
	} {
		if got := fmt.Sprint(edges(self, own, branches, theirs)); got != want {
			t.Errorf("%s: got %s, want %s", self, got, want)
		}
	}
}

// Whoever has the same stores has the same epoch, whatever the order in which it heard.
func TestEpochsStandForStores(t *testing.T) {
	if a, b := epochOf([]gazetteer.StoreID{1, 2}), epochOf([]gazetteer.StoreID{1, 3}); a == b {
		t.Error("two sets of stores have one epoch")
	}
}
