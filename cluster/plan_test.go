package cluster

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"gazetteer"
)

func TestPlanKnowsTheOwnerOfEveryPartition(t *testing.T) {
	p := examplePlan(t)
	owned := map[gazetteer.Partition]string{}
	for _, r := range p.RingsFor("ndt") {
		if len(r.Members) != 2 {
			t.Errorf("ring %s has members %v", r.Name, r.Members)
		}
		for _, q := range r.Partitions {
			if owned[q] != "" {
				t.Errorf("%v is owned by %s and %s", q, owned[q], r.Name)
			}
			owned[q] = r.Name
		}
	}
	for i := range p.Table().Partitions() {
		name := owned[gazetteer.Partition{Type: "ndt", Index: i}]
		if name == "" || p.RingOf(i).Name != name || p.Placement()[i] != name {
			t.Errorf("partition %d: %q in RingsFor, %q in RingOf, %q in Placement", i, name, p.RingOf(i).Name, p.Placement()[i])
		}
		delete(owned, gazetteer.Partition{Type: "ndt", Index: i})
	}
	if len(owned) != 0 {
		t.Errorf("too much is owned: %v", owned)
	}
	if p.RingOf(271) != nil || p.RingOf(1<<32-1) != nil {
		t.Error("a partition that does not exist has a ring")
	}
	if _, ok := (Table{}).Ring(0); ok {
		t.Error("the zero table owns something")
	}
}

func TestPlanKeepsNothingOfItsMakers(t *testing.T) {
	servers, rings, placement := []gazetteer.NodeID{"s"}, []Ring{{"a", []gazetteer.NodeID{"n"}}}, Placement{"a"}
	p, err := NewPlan(servers, rings, placement)
	if err != nil {
		t.Fatal(err)
	}
	servers[0], rings[0].Name, rings[0].Members[0], placement[0] = "x", "x", "x", "x"
	if p.Servers()[0] != "s" || p.RingOf(0).Name != "a" || p.RingOf(0).Members[0] != "n" || p.Placement()[0] != "a" {
		t.Errorf("the plan changed: %+v", p)
	}
}

func TestPlansThatDoNotFitTogether(t *testing.T) {
	n := []gazetteer.NodeID{"n"}
	for _, c := range []struct {
		name      string
		rings     []Ring
		placement Placement
		says      string
	}{
		{"no rings", nil, Placement{"a"}, "no rings"},
		{"no members", []Ring{{"a", nil}}, Placement{"a"}, `ring "a" has no members`},
		{"a member twice", []Ring{{"a", []gazetteer.NodeID{"n", "m", "n"}}}, Placement{"a"}, `the member "n" twice`},
		{"a ring twice", []Ring{{"a", n}, {"a", n}}, Placement{"a"}, `"a" is named twice`},
		{"no placement", []Ring{{"a", n}}, nil, "0 partitions"},
		{"a strange owner", []Ring{{"a", n}}, Placement{"a", "b"}, `partition 1 is owned by "b"`},
	} {
		if _, err := NewPlan(nil, c.rings, c.placement); err == nil || !strings.Contains(err.Error(), c.says) {
			t.Errorf("%s: got %v, want %q", c.name, err, c.says)
		}
	}
}

func TestLookupAllocatesNothing(t *testing.T) {
	table := examplePlan(t).Table()
	if n := testing.AllocsPerRun(100, func() { table.Ring(7) }); n != 0 {
		t.Errorf("%v allocations", n)
	}
}

func BenchmarkTable(b *testing.B) {
	p := examplePlan(b)
	table, i := p.Table(), uint32(0)
	b.ReportAllocs()
	for b.Loop() {
		if _, ok := table.Ring(i % 271); !ok {
			b.Fatal("no owner")
		}
		i++
	}
}

func examplePlan(tb testing.TB) *Plan {
	tb.Helper()
	var rings []Ring
	for _, name := range named(5) {
		rings = append(rings, Ring{Name: name, Members: []gazetteer.NodeID{gazetteer.NodeID(name + "a"), gazetteer.NodeID(name + "b")}})
	}
	placement, err := Propose(named(5), gazetteer.DefaultPartitions)
	if err != nil {
		tb.Fatal(err)
	}
	p, err := NewPlan([]gazetteer.NodeID{"s1", "s2"}, rings, placement)
	if err != nil {
		tb.Fatal(err)
	}
	if !slices.Equal(namesOf(p.Rings()), named(5)) || fmt.Sprint(p.Servers()) != "[s1 s2]" {
		tb.Fatalf("plan %v of %v", p.Rings(), p.Servers())
	}
	return p
}
