package control

import (
	"errors"
	"fmt"
	"slices"
	"testing"
	"time"

	"gazetteer"
	"gazetteer/cluster"
)

// sevenNodes is a region of seven nodes that live, with one full ring: four are spare.
func sevenNodes(t testing.TB) *machine {
	t.Helper()
	d := Description{Region: "fra", Partitions: 24}
	names := ids("a", "b", "c", "d", "e", "f", "g")
	for i, n := range names {
		d.Nodes = append(d.Nodes, Node{Name: n, Addr: fmt.Sprintf("10.0.0.%d:7070", i+1), Roles: allRoles})
	}
	d.Default = Cluster{Servers: names, Rings: []Ring{{Name: "ring-1", Members: names[:3]}}}
	s, err := foundingState(d, "a", "a/1")
	if err != nil {
		t.Fatal(err)
	}
	m := &machine{}
	mustApply(t, m, Command{Edit: found{s}})
	mustDo(t, m, mark{Nodes: names[1:], State: Live})
	return m
}

func (m *machine) shown() *Plan { return m.now.Load().plan }

var orders = cluster.Auto{Min: 1, Max: 3, Rate: 100, Cooldown: time.Minute}

func TestOrdersAreKeptUntilTheyAreTakenBack(t *testing.T) {
	m := founded(t)
	before := m.epoch()
	mustDo(t, m, SetAuto{Auto: &orders})
	again := orders
	mustDo(t, m, SetAuto{Auto: &again})
	if m.epoch() != before+1 {
		t.Errorf("the epoch went from %d to %d, want one change", before, m.epoch())
	}
	if got := m.shown().Followers(); len(got) != 1 || got[0].Type != "" || got[0].Auto != orders || !slices.Equal(got[0].Rings, []string{"common"}) {
		t.Errorf("the clusters that follow are %+v", got)
	}
	data, err := m.seal()
	if err != nil {
		t.Fatal(err)
	}
	back := &machine{}
	if err := back.restore(data); err != nil {
		t.Fatal(err)
	}
	if got := back.shown().Auto(""); got == nil || *got != orders {
		t.Errorf("restored: %v", got)
	}
	mustDo(t, m, AddType{Type: "maps", Servers: ids("c")})
	if p := m.shown(); p.Auto("maps") != nil || p.Auto("") == nil || p.Auto("ndt") != nil || p.Auto("nowhere") != nil {
		t.Errorf("orders of one cluster became another's: %+v", p.Followers())
	}
	mustDo(t, m, SetAuto{Type: "ndt", Auto: &cluster.Auto{Min: 2, Max: 2, Rate: 1, Cooldown: time.Hour}})
	mustDo(t, m, SetAuto{})
	mustDo(t, m, SetAuto{})
	if got := m.shown().Followers(); len(got) != 1 || got[0].Type != "ndt" || !slices.Equal(got[0].Rings, []string{"ndt-a", "ndt-b"}) {
		t.Errorf("the clusters that follow are %+v", got)
	}
}

func TestOrdersThatCannotBeFollowedAreRefused(t *testing.T) {
	m := founded(t)
	wantRefusal(t, m, SetAuto{Type: "maps", Auto: &orders}, gazetteer.NotFound, "the default cluster serves it")
	for pointer, breakIt := range map[string]func(*cluster.Auto){
		"/auto/min":      func(a *cluster.Auto) { a.Min = 0 },
		"/auto/max":      func(a *cluster.Auto) { a.Max = 25 },
		"/auto/rate":     func(a *cluster.Auto) { a.Rate = -1 },
		"/auto/cooldown": func(a *cluster.Auto) { a.Cooldown = time.Millisecond },
	} {
		bad := orders
		breakIt(&bad)
		wantRefusal(t, m, SetAuto{Auto: &bad}, gazetteer.Unprocessable, "want ")
		_, err := m.shown().WithAuto("", &bad)
		var e *gazetteer.Error
		if !errors.As(err, &e) || e.Pointer != pointer || e.Kind != gazetteer.Unprocessable {
			t.Errorf("%v, want an error at %s", err, pointer)
		}
	}
	if _, err := m.shown().WithAuto("maps", &orders); gazetteer.KindOf(err) != gazetteer.NotFound {
		t.Errorf("got %v", err)
	}
}

func TestARingOfSparesIsWholeOrNotAtAll(t *testing.T) {
	m := sevenNodes(t)
	if got := m.shown().Spares(); !slices.Equal(got, ids("d", "e", "f", "g")) {
		t.Errorf("spare are %v", got)
	}
	c, err := m.shown().WithSpares("")
	if err != nil {
		t.Fatal(err)
	}
	if e := c.Edit.(AddRing); e.Ring != "ring-2" || !slices.Equal(e.Members, ids("d", "e", "f")) {
		t.Errorf("got %+v", e)
	}
	mustApply(t, m, c)
	if !m.shown().Moving() {
		t.Error("a ring was added and nothing is to move")
	}
	moveAll(t, m, "", 4)
	if m.shown().Moving() {
		t.Error("all has moved, and something is to move")
	}
	if _, err := m.shown().WithSpares(""); gazetteer.KindOf(err) != gazetteer.Conflict {
		t.Errorf("one spare replica is left, and it makes a ring: %v", err)
	}
	mustDo(t, m, SetRing{Ring: "ring-1", Members: ids("a", "b")})
	if got := m.shown().Spares(); got != nil {
		t.Errorf("a ring has room for the next of them, and spare are %v", got)
	}
}

func TestADeadReplicaIsNoSpare(t *testing.T) {
	m := sevenNodes(t)
	mustDo(t, m, mark{Nodes: ids("d", "e"), State: Dead})
	if got := m.shown().Spares(); !slices.Equal(got, ids("f", "g")) {
		t.Errorf("spare are %v", got)
	}
	if _, err := m.shown().WithSpares(""); gazetteer.KindOf(err) != gazetteer.Conflict {
		t.Errorf("a ring of two beside one of three: %v", err)
	}
}

func TestTheNewestRingGoesFirstAndOnlyWhileAllLive(t *testing.T) {
	m := sevenNodes(t)
	c, err := m.shown().WithSpares("")
	if err != nil {
		t.Fatal(err)
	}
	mustApply(t, m, c)
	moveAll(t, m, "", 4)
	mustDo(t, m, mark{Nodes: ids("b"), State: Dead})
	if _, err := m.shown().WithoutNewest(""); gazetteer.KindOf(err) != gazetteer.Conflict {
		t.Errorf("a ring goes while a replica of the other is dead: %v", err)
	}
	mustDo(t, m, mark{Nodes: ids("b"), State: Live})
	if c, err = m.shown().WithoutNewest(""); err != nil || c.Edit.(RemoveRing).Ring != "ring-2" {
		t.Fatalf("%+v, %v", c, err)
	}
	mustApply(t, m, c)
	moveAll(t, m, "", 4)
	if got := m.shown().Spares(); !slices.Equal(got, ids("d", "e", "f", "g")) {
		t.Errorf("spare are %v", got)
	}
	if c, err = m.shown().WithoutNewest(""); err != nil {
		t.Fatal(err)
	}
	if r := apply(t, m, c); gazetteer.KindOf(r.Err) != gazetteer.Conflict {
		t.Errorf("the last ring went: %v", r.Err)
	}
}

func TestAPlanOfAFileFollowsNothing(t *testing.T) {
	p, err := New(threeNodes())
	if err != nil {
		t.Fatal(err)
	}
	if p.Followers() != nil || p.Auto("") != nil || p.Spares() != nil || p.Moving() {
		t.Error("a plan of a file has orders")
	}
	for _, make := range []func() (Command, error){
		func() (Command, error) { return p.WithAuto("", &orders) },
		func() (Command, error) { return p.WithSpares("") },
		func() (Command, error) { return p.WithoutNewest("") },
	} {
		if _, err := make(); gazetteer.KindOf(err) != gazetteer.Conflict {
			t.Errorf("got %v", err)
		}
	}
}
