package cluster

import (
	"errors"
	"flag"
	"fmt"
	"math"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/buraksezer/consistent"
	"pgregory.net/rapid"

	"gazetteer"
)

var update = flag.Bool("update", false, "write the golden file anew")

// A changed golden file means that servers of this version propose another placement
// than those of the last one did: say so in the change log.
func TestProposalIsTheGoldenOne(t *testing.T) {
	const path = "testdata/placement-5-rings-271-partitions.golden"
	p, err := Propose(named(5), gazetteer.DefaultPartitions)
	if err != nil {
		t.Fatal(err)
	}
	var b strings.Builder
	for i, owner := range p {
		fmt.Fprintf(&b, "%d %s\n", i, owner)
	}
	if *update {
		if err := os.WriteFile(path, []byte(b.String()), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if b.String() != string(want) {
		t.Errorf("the proposal differs from %s; if that is meant, run with -update", path)
	}
}

// The figures were reckoned apart from this code, with the same library, hash and
// names.
func TestProposalSpreadsAndMovesAsTheOracleSays(t *testing.T) {
	for _, c := range []struct {
		partitions              uint32
		points                  int
		load                    float64
		rings                   int
		largest, smallest       float64 // of the mean
		onAdd, collateral, onRm float64 // of all partitions, in percent
	}{
		{271, 20, 1.25, 3, 1.16, 0.83, 30, 0, 39},
		{271, 20, 1.25, 8, 1.27, 0.56, 15, 1.5, 16},
		{271, 20, 1.25, 32, 1.30, 0.47, 2.6, 0.4, 2.2},
		{4093, 100, 1.25, 8, 1.16, 0.85, 11.0, 0, 14.5},
		{4093, 100, 1.25, 32, 1.25, 0.77, 3.9, 0.1, 3.7},
		{4093, 100, 1.02, 8, 1.02, 0.91, 13.0, 1.7, 14.2},
	} {
		rings := named(c.rings)
		place := func(rings []string) Placement {
			p, err := propose(rings, c.partitions, c.points, c.load)
			if err != nil {
				t.Fatal(err)
			}
			return p
		}
		before, mean := place(rings), float64(c.partitions)/float64(c.rings)
		smallest, largest := extremes(before, rings)
		moved, collateral := movement(t, before, place(named(c.rings+1)))
		removed, _ := movement(t, before, place(rings[1:]))
		percent := func(n int) float64 { return 100 * float64(n) / float64(c.partitions) }
		for _, f := range []struct {
			what      string
			got, want float64
			tolerance float64
		}{
			{"largest", float64(largest) / mean, c.largest, 0.006},
			{"smallest", float64(smallest) / mean, c.smallest, 0.006},
			{"moved on add", percent(moved), c.onAdd, 0.5},
			{"of it between old rings", percent(collateral), c.collateral, 0.06},
			{"moved on removal", percent(removed), c.onRm, 0.5},
		} {
			if math.Abs(f.got-f.want) > f.tolerance {
				t.Errorf("%d/%d/%v with %d rings: %s is %.2f, want %v", c.partitions, c.points, c.load, c.rings, f.what, f.got, f.want)
			}
		}
		if ideal := 100 / float64(c.rings+1); percent(moved) > ideal+6 || percent(collateral) > 3 {
			t.Errorf("%d rings: %.1f%% moved, %.1f%% between old rings; want at most %.1f%% and 3%%", c.rings, percent(moved), percent(collateral), ideal+6)
		}
	}
}

// For any names: no ring is above the bound, the order of the names is nothing, adding
// and removing is where it began, and nothing moves between old rings as long as none
// is at the bound.
func TestProposalDependsOnTheSetOfRingsOnly(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		rings := rapid.SliceOfNDistinct(rapid.StringMatching(`[a-z0-9-]{1,12}`), 2, 20, rapid.ID[string]).Draw(t, "rings")
		partitions := rapid.Uint32Range(1, 600).Draw(t, "partitions")
		place := func(rings []string) Placement {
			p, err := Propose(rings, partitions)
			if err != nil {
				t.Fatal(err)
			}
			return p
		}
		all, fewer := place(rings), place(rings[1:])
		if shuffled := rapid.Permutation(rings).Draw(t, "order"); !slices.Equal(place(shuffled), all) {
			t.Fatal("another order of names, another placement")
		}
		if !slices.Equal(place(append(slices.Clone(rings[1:]), rings[0])), all) {
			t.Fatal("removed and added again, another placement")
		}
		bound := int(math.Ceil(float64(partitions) / float64(len(rings)-1) * load))
		_, most := extremes(fewer, rings[1:])
		if most > bound {
			t.Fatalf("a ring owns %d partitions, want at most %d", most, bound)
		}
		_, mostOfAll := extremes(all, rings)
		boundOfAll := int(math.Ceil(float64(partitions) / float64(len(rings)) * load))
		if _, collateral := movement(t, fewer, all); collateral > 0 && most < bound && mostOfAll < boundOfAll {
			t.Fatalf("%d partitions moved between rings below their bound", collateral)
		}
	})
}

func TestProposalsThatCannotBe(t *testing.T) {
	for _, c := range []struct {
		name       string
		rings      []string
		partitions uint32
		load       float64
		kind       gazetteer.Kind
		says       string
	}{
		{"no ring", nil, 271, load, gazetteer.Unavailable, "no rings"},
		{"no partition", []string{"a"}, 0, load, gazetteer.Unprocessable, "0 partitions"},
		{"too many partitions", []string{"a"}, MaxPartitions + 1, load, gazetteer.Unprocessable, "65537 partitions, want 1 to 65536"},
		{"one name twice", []string{"a", "b", "a"}, 271, load, gazetteer.Unprocessable, `"a" is named twice`},
		{"no name", []string{"a", ""}, 271, load, gazetteer.Unprocessable, "no name"},
		{"too many rings", named(MaxRings + 1), 271, load, gazetteer.Unprocessable, "4097 rings"},
		{"load below 1", []string{"a", "b"}, 271, 0.9, gazetteer.Unprocessable, "not enough room"},
	} {
		_, err := propose(c.rings, c.partitions, pointsPerRing, c.load)
		if err == nil || gazetteer.KindOf(err) != c.kind || !strings.Contains(err.Error(), c.says) {
			t.Errorf("%s: got %v, want %v and %q", c.name, err, c.kind, c.says)
		}
	}
}

func TestMoreRingsThanPartitions(t *testing.T) {
	p, err := Propose(named(9), 4)
	if err != nil {
		t.Fatal(err)
	}
	if _, most := extremes(p, named(9)); len(p) != 4 || most != 1 {
		t.Errorf("got %v", p)
	}
}

// Version 0.10.0 of the library mixed up the points of r1 and r11 and panicked here.
func TestLibraryKeepsSimilarNamesApart(t *testing.T) {
	circle := consistent.New(nil, consistent.Config{Hasher: hasher{}, PartitionCount: 271, ReplicationFactor: 20, Load: load})
	for i := range 12 {
		circle.Add(member(fmt.Sprint("r", i)))
	}
	circle.Remove("r1")
	for i := range 271 {
		if owner := circle.GetPartitionOwner(i); owner == nil || owner.String() == "r1" {
			t.Fatalf("partition %d is owned by %v", i, owner)
		}
	}
}

func TestLibraryWithoutRingsOwnsNothing(t *testing.T) {
	circle := consistent.New(nil, consistent.Config{Hasher: hasher{}})
	if m := circle.LocateKey([]byte("key")); m != nil {
		t.Errorf("got %v", m)
	}
}

func TestMovesOfDifferentPlanets(t *testing.T) {
	var e *gazetteer.Error
	if _, err := (Placement{"a"}).Moves(Placement{"a", "b"}); !errors.As(err, &e) || e.Kind != gazetteer.Unprocessable {
		t.Errorf("got %v", err)
	}
	got, err := Placement{"a", "b", "a"}.Moves(Placement{"a", "a", "c"})
	if want := []Move{{1, "b", "a"}, {2, "a", "c"}}; err != nil || !slices.Equal(got, want) {
		t.Errorf("got %v, %v, want %v", got, err, want)
	}
}

// movement counts the partitions that move, and those of them that move between rings
// which both placements have.
func movement(t interface{ Fatal(...any) }, from, to Placement) (moved, collateral int) {
	moves, err := from.Moves(to)
	if err != nil {
		t.Fatal(err)
	}
	for _, m := range moves {
		if slices.Contains(from, m.To) && slices.Contains(to, m.From) {
			collateral++
		}
	}
	return len(moves), collateral
}

func extremes(p Placement, rings []string) (smallest, largest int) {
	owned := map[string]int{}
	for _, owner := range p {
		owned[owner]++
	}
	smallest = len(p)
	for _, r := range rings {
		n := owned[r]
		smallest, largest = min(smallest, n), max(largest, n)
	}
	return smallest, largest
}

func named(n int) []string {
	names := make([]string, n)
	for i := range names {
		names[i] = fmt.Sprintf("ring-%d", i)
	}
	return names
}
