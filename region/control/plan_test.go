package control

import (
	"fmt"
	"reflect"
	"slices"
	"strings"
	"testing"

	"gazetteer"
	"gazetteer/region"
)

func TestExampleFile(t *testing.T) {
	p, err := Load("testdata/example.yaml")
	if err != nil {
		t.Fatal(err)
	}
	if p.Region() != "fra" || p.Epoch() != 3 || p.Partitions() != 271 || len(p.Nodes()) != 4 {
		t.Errorf("got region %s, epoch %d, %d partitions, nodes %v", p.Region(), p.Epoch(), p.Partitions(), p.Nodes())
	}
	want := Node{Name: "fra-2", Addr: "10.0.0.2:7070", HTTP: "10.0.0.2:8080", Roles: []region.Role{"region", "cluster", "replica"}}
	if n, err := p.Node("fra-2"); err != nil || !reflect.DeepEqual(n, want) {
		t.Errorf("got %+v, %v, want %+v", n, err, want)
	}
	if _, err := p.Node("ams-1"); gazetteer.KindOf(err) != gazetteer.NotFound || !strings.Contains(err.Error(), "fra-1, fra-2, fra-3, fra-4") {
		t.Errorf("got %v", err)
	}
	if got := fmt.Sprint(p.Types()); got != "[_regions _types debian ndt]" {
		t.Errorf("types %s", got)
	}
	for ty, want := range map[gazetteer.Type]string{
		"ndt":                 "[fra-2 fra-1] ndt-a[fra-1 fra-3] ndt-b[fra-2 fra-4]",
		"debian":              "[fra-1] debian-low[fra-3 fra-4] debian-high[fra-4]",
		"made-later":          "[fra-1 fra-2] common[fra-1 fra-2 fra-3]",
		gazetteer.TypesType:   "[fra-1 fra-2] _types[fra-1 fra-2]",
		gazetteer.RegionsType: "[fra-1 fra-2] _types[fra-1 fra-2]",
	} {
		got := fmt.Sprint(p.ClusterServers(ty))
		for _, r := range p.Rings(ty) {
			got += fmt.Sprint(" ", r.Name, r.Members)
		}
		if got != want {
			t.Errorf("%s: got %s, want %s", ty, got, want)
		}
		checkOwners(t, p, ty)
	}
	for index, want := range map[uint32]string{0: "debian-low", 99: "debian-low", 100: "debian-high", 269: "debian-high", 270: "debian-low"} {
		if r := p.RingOf(gazetteer.Partition{Type: "debian", Index: index}); r == nil || r.Name != want {
			t.Errorf("partition %d is owned by %v, want %s", index, r, want)
		}
	}
}

// checkOwners checks that the rings of a type own each of its partitions once.
func checkOwners(t *testing.T, p *Plan, ty gazetteer.Type) {
	t.Helper()
	owned := map[uint32]string{}
	for _, r := range p.Rings(ty) {
		for _, q := range r.Partitions {
			if q.Type != ty || q.Index >= p.Partitions() || owned[q.Index] != "" {
				t.Errorf("%s owns %v, which %q owns", r.Name, q, owned[q.Index])
			}
			if of := p.RingOf(q); of == nil || of.Name != r.Name {
				t.Errorf("%v is owned by %s in Rings, by %v in RingOf", q, r.Name, of)
			}
			owned[q.Index] = r.Name
		}
	}
	if len(owned) != int(p.Partitions()) {
		t.Errorf("%s: %d partitions are owned, want %d", ty, len(owned), p.Partitions())
	}
}

func TestRegionalServersServeTheInternalTypes(t *testing.T) {
	p, err := New(Description{
		Region: "fra",
		Nodes: []Node{
			{Name: "front", Addr: "h:1", Roles: []region.Role{region.RoleRegion}},
			{Name: "entry", Addr: "h:2", Roles: []region.Role{region.RoleCluster}},
			{Name: "data", Addr: "h:3", Roles: []region.Role{region.RoleReplica}},
			{Name: "router", Addr: "h:4", Roles: []region.Role{region.RoleRouter}},
			{Name: "spare", Addr: "h:5", Roles: []region.Role{region.RoleReplica}},
		},
		Default: Cluster{Servers: []gazetteer.NodeID{"entry"}, Rings: []Ring{{Name: "a", Members: []gazetteer.NodeID{"data"}}}},
	})
	if err != nil {
		t.Fatal(err)
	}
	for n, want := range map[gazetteer.NodeID]string{
		"front": "[region cluster replica]", "entry": "[cluster]", "data": "[replica]", "router": "[router]", "nobody": "[]",
	} {
		if got := fmt.Sprint(p.Roles(n)); got != want {
			t.Errorf("%s: roles %s, want %s", n, got, want)
		}
	}
	want := []gazetteer.StoreID{gazetteer.NodeID("front").Store(), gazetteer.NodeID("data").Store()}
	slices.Sort(want)
	if !slices.Equal(p.Stores(), want) {
		t.Errorf("stores %v, want those of front and data: %v", p.Stores(), want)
	}
	if rings := p.RingsOf("front"); len(rings) != 2 || rings[0].Name != "_types" || len(rings[0].Partitions) != 271 {
		t.Errorf("rings of front: %v", rings)
	}
	if rings := p.RingsOf("data"); rings != nil {
		t.Errorf("no type is named, but data is a member of %v", rings)
	}
}

func TestSingle(t *testing.T) {
	p, err := Single("here", "node-1")
	if err != nil {
		t.Fatal(err)
	}
	if got := fmt.Sprint(p.Roles("node-1")); got != "[router region cluster replica]" {
		t.Errorf("roles %s", got)
	}
	if got := p.Stores(); len(got) != 1 || got[0] != gazetteer.NodeID("node-1").Store() {
		t.Errorf("stores %v", got)
	}
	for _, ty := range []gazetteer.Type{"any-type", gazetteer.TypesType} {
		checkOwners(t, p, ty)
		if s := p.ClusterServers(ty); len(s) != 1 || s[0] != "node-1" {
			t.Errorf("%s: servers %v", ty, s)
		}
	}
	for _, c := range []struct{ region, node string }{{"Here", "n"}, {"here", "N"}, {"here", ""}, {"any", "n"}} {
		if _, err := Single(gazetteer.RegionID(c.region), gazetteer.NodeID(c.node)); gazetteer.KindOf(err) != gazetteer.Unprocessable {
			t.Errorf("%v: got %v", c, err)
		}
	}
}

// The placement of a proposal is the same in every process that reads the same plan.
func TestPlansOfOneDescriptionAgree(t *testing.T) {
	a, err := Load("testdata/example.yaml")
	if err != nil {
		t.Fatal(err)
	}
	b, err := Load("testdata/example.yaml")
	if err != nil {
		t.Fatal(err)
	}
	if !reflect.DeepEqual(a.Rings("ndt"), b.Rings("ndt")) || !slices.Equal(a.Stores(), b.Stores()) {
		t.Error("two readings of one file differ")
	}
}

func TestNodesWithOneStoreIDAreRefused(t *testing.T) {
	same := func(gazetteer.NodeID) gazetteer.StoreID { return 7 }
	nodes := []Node{
		{Name: "a", Addr: "h:1", Roles: []region.Role{region.RoleReplica}},
		{Name: "b", Addr: "h:2", Roles: []region.Role{region.RoleReplica}},
	}
	if err := checkNodes(nodes, gazetteer.NodeID.Store); err != nil {
		t.Error(err)
	}
	if err := checkNodes(nodes, same); err == nil || !strings.Contains(err.Error(), `/nodes/1/name: the nodes "a" and "b" would have the same store id`) {
		t.Errorf("got %v", err)
	}
}
