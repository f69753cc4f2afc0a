package control

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"testing"

	"gazetteer"
	"gazetteer/cluster"
	"gazetteer/ring"
)

// moveAll moves everything that is pending in a cluster, looking at the plan at each
// step, and returns how many partitions went.
func moveAll(t *testing.T, m *machine, ty gazetteer.Type, atOnce int) (moved int) {
	t.Helper()
	for {
		e, ok := m.now.Load().state.nextMoves(atOnce).(beginMoves)
		if !ok {
			return moved
		}
		if len(e.Partitions) > atOnce {
			t.Fatalf("%d partitions begin at once", len(e.Partitions))
		}
		mustDo(t, m, e)
		checkPhase(t, m, ty, e.Partitions, false)
		mustDo(t, m, SwitchMoves{Type: e.Type, Partitions: e.Partitions})
		checkPhase(t, m, ty, e.Partitions, true)
		mustDo(t, m, FinishMoves{Type: e.Type, Partitions: e.Partitions})
		moved += len(e.Partitions)
	}
}

// checkPhase checks who owns and who holds partitions that are on their way.
func checkPhase(t *testing.T, m *machine, ty gazetteer.Type, partitions []uint32, switched bool) {
	t.Helper()
	p := m.now.Load().plan
	checkOwners(t, p, ty)
	moves := p.Moves(ty)
	if len(moves) != len(partitions) {
		t.Fatalf("%d moves in the plan, want %d", len(moves), len(partitions))
	}
	for i, mv := range moves {
		owner := p.RingOf(gazetteer.Partition{Type: ty, Index: mv.Partition}).Name
		want := mv.From
		if switched {
			want = mv.To
		}
		if mv.Partition != partitions[i] || mv.Switched != switched || owner != want || mv.From == mv.To {
			t.Errorf("partition %d is owned by %s, move %+v", mv.Partition, owner, mv)
		}
		if got := holders(p, ty, mv.Partition); !slices.Contains(got, mv.From) || !slices.Contains(got, mv.To) || len(got) != 2 {
			t.Errorf("partition %d is held by %v, want %s and %s", mv.Partition, got, mv.From, mv.To)
		}
	}
	checkBridges(t, p, ty, moves)
}

// checkBridges checks that bridges say the same as moves, and from whom to whom.
func checkBridges(t *testing.T, p *Plan, ty gazetteer.Type, moves []Move) {
	t.Helper()
	var out []Move
	for _, b := range p.Bridges(ty) {
		if b.A != p.agreed.firstLive(b.From) || b.B != p.agreed.firstLive(b.To) {
			t.Errorf("the bridge from %s to %s is between %s and %s", b.From, b.To, b.A, b.B)
		}
		if b.Cluster != p.clusterName(ty) {
			t.Errorf("the bridge of %s is decided as %q", ty, b.Cluster)
		}
		for _, q := range b.Partitions {
			out = append(out, Move{Partition: q.Index, From: b.From, To: b.To, Switched: b.Switched})
		}
	}
	slices.SortFunc(out, func(a, b Move) int { return cmp.Compare(a.Partition, b.Partition) })
	if !slices.Equal(out, moves) {
		t.Errorf("the bridges say %v, the moves %v", out, moves)
	}
}

func holders(p *Plan, ty gazetteer.Type, index uint32) (out []string) {
	for _, r := range p.Mirrors(ty) {
		if slices.Contains(r.Partitions, gazetteer.Partition{Type: ty, Index: index}) {
			out = append(out, r.Name)
		}
	}
	return out
}

func TestAddingARingMovesItsShareAFewAtATime(t *testing.T) {
	m := founded(t)
	before := m.now.Load().plan
	c, err := before.WithRing("ndt", "ndt-c", ids("a", "c"))
	if err != nil {
		t.Fatal(err)
	}
	mustApply(t, m, c)
	s := m.now.Load().state
	want, err := cluster.Propose([]string{"ndt-a", "ndt-b", "ndt-c"}, 24)
	if err != nil {
		t.Fatal(err)
	}
	moves, err := cluster.Placement(s.Types["ndt"].Owners).Moves(want)
	if err != nil || len(moves) < 4 || fmt.Sprint(s.Types["ndt"].pending()) != fmt.Sprint(moves) {
		t.Fatalf("pending %v, want %v (%v)", s.Types["ndt"].pending(), moves, err)
	}
	p := m.now.Load().plan
	if fmt.Sprint(p.Rings("ndt")[:2]) != fmt.Sprint(before.Rings("ndt")) || p.Rings("ndt")[2].Partitions != nil {
		t.Error("partitions changed hands when the ring was added")
	}
	if p.Pending("ndt") != len(moves) || p.Pending("other") != 0 {
		t.Errorf("%d partitions are pending, want %d", p.Pending("ndt"), len(moves))
	}
	if got := moveAll(t, m, "ndt", 4); got != len(moves) {
		t.Errorf("%d partitions moved, want %d", got, len(moves))
	}
	if got := m.now.Load().state.Types["ndt"].Owners; !slices.Equal(got, owners(want)) {
		t.Errorf("got %v, want %v", got, want)
	}
}

func TestRemovingARingTakesItOutWhenItIsEmpty(t *testing.T) {
	m := founded(t)
	c, err := m.now.Load().plan.WithoutRing("ndt", "ndt-b")
	if err != nil {
		t.Fatal(err)
	}
	mustApply(t, m, c)
	if m.now.Load().state.ring("ndt-b") == nil || len(m.now.Load().plan.Rings("ndt")) != 2 {
		t.Fatal("the ring is gone before its partitions are")
	}
	moveAll(t, m, "ndt", 4)
	p := m.now.Load().plan
	if m.now.Load().state.ring("ndt-b") != nil || len(p.Rings("ndt")) != 1 || len(p.Rings("ndt")[0].Partitions) != 24 {
		t.Errorf("got %v", p.Rings("ndt"))
	}
	wantRefusal(t, m, RemoveRing{Type: "ndt", Ring: "ndt-b", Target: m.now.Load().state.Types["ndt"].Target}, gazetteer.NotFound, `has no ring "ndt-b"`)
	wantRefusal(t, m, RemoveRing{Type: "ndt", Ring: "ndt-a", Target: m.now.Load().state.Types["ndt"].Target}, gazetteer.Conflict, "its 24 partitions would have no owner")
}

func TestMovesKeepTheirOrder(t *testing.T) {
	m := founded(t)
	c, err := m.now.Load().plan.WithRing("", "more", ids("c"))
	if err != nil {
		t.Fatal(err)
	}
	mustApply(t, m, c)
	pending := m.now.Load().state.Default.pending()
	first, stays := pending[0].Partition, uint32(0)
	for m.now.Load().state.Default.Owners[stays] != m.now.Load().state.Default.Target[stays] {
		stays++
	}
	one := []uint32{first}
	wantRefusal(t, m, SwitchMoves{Partitions: one}, gazetteer.Conflict, "not one that fills")
	wantRefusal(t, m, FinishMoves{Partitions: one}, gazetteer.Conflict, "not one that has switched")
	wantRefusal(t, m, beginMoves{Partitions: []uint32{stays}, AtOnce: 4}, gazetteer.Conflict, "yet to move")
	wantRefusal(t, m, beginMoves{Partitions: []uint32{9999}, AtOnce: 4}, gazetteer.Conflict, "yet to move")
	wantRefusal(t, m, beginMoves{Partitions: []uint32{first, first}, AtOnce: 4}, gazetteer.Conflict, "yet to move")
	wantRefusal(t, m, beginMoves{Type: "nope", Partitions: one, AtOnce: 4}, gazetteer.NotFound, "no cluster of its own")
	wantRefusal(t, m, beginMoves{Partitions: one}, gazetteer.Conflict, "at most 0")
	mustDo(t, m, beginMoves{Partitions: one, AtOnce: 1})
	wantRefusal(t, m, beginMoves{Partitions: []uint32{pending[1].Partition}, AtOnce: 1}, gazetteer.Conflict, "2 partitions would be on their way at once, want at most 1")
	wantRefusal(t, m, FinishMoves{Partitions: one}, gazetteer.Conflict, "not one that has switched")
	mustDo(t, m, SwitchMoves{Partitions: one})
	wantRefusal(t, m, SwitchMoves{Partitions: one}, gazetteer.Conflict, "not one that fills")
	wantRefusal(t, m, beginMoves{Partitions: one, AtOnce: 4}, gazetteer.Conflict, "yet to move")
	mustDo(t, m, FinishMoves{Partitions: one})
}

// An operator changes his mind while partitions are on their way.
func TestChangingTheTargetInMidMove(t *testing.T) {
	m := founded(t)
	begin := func() beginMoves {
		e := m.now.Load().state.nextMoves(4).(beginMoves)
		mustDo(t, m, e)
		return e
	}
	c, err := m.now.Load().plan.WithRing("", "more", ids("c"))
	if err != nil {
		t.Fatal(err)
	}
	mustApply(t, m, c)
	e := begin()
	switched := e.Partitions[:2]
	mustDo(t, m, SwitchMoves{Partitions: switched})
	c, err = m.now.Load().plan.WithoutRing("", "more")
	if err != nil {
		t.Fatal(err)
	}
	mustApply(t, m, c)
	p := m.now.Load().plan
	if got := p.Moves("x"); len(got) != 2 || !got[0].Switched || !got[1].Switched {
		t.Fatalf("got %+v: what only filled stays where it is, what has switched comes to its end first", got)
	}
	mustDo(t, m, FinishMoves{Partitions: switched})
	if e := begin(); !slices.Equal(e.Partitions, switched) {
		t.Errorf("%v move back, want %v", e.Partitions, switched)
	}
	mustDo(t, m, SwitchMoves{Partitions: switched})
	if m.now.Load().state.ring("more") == nil {
		t.Error("the ring is gone while it still keeps something")
	}
	mustDo(t, m, FinishMoves{Partitions: switched})
	if got := m.now.Load().plan.Rings("x"); len(got) != 1 || got[0].Name != "common" {
		t.Errorf("got %v", got)
	}
}

func TestATypeGetsAClusterOfItsOwnAndGivesItBack(t *testing.T) {
	m := founded(t)
	before := fmt.Sprint(m.now.Load().plan.Rings("maps"))
	mustDo(t, m, AddType{Type: "maps", Servers: ids("c")})
	p := m.now.Load().plan
	if got := fmt.Sprint(p.Rings("maps")); got != before || !slices.Equal(p.ClusterServers("maps"), ids("c")) {
		t.Errorf("got %s by %v, want %s", got, p.ClusterServers("maps"), before)
	}
	c, err := p.WithRing("maps", "maps-a", ids("c"))
	if err != nil {
		t.Fatal(err)
	}
	mustApply(t, m, c)
	moveAll(t, m, "maps", 4)
	wantRefusal(t, m, DropType{Type: "maps"}, gazetteer.Conflict, "give it the rings [common] and no others")
	c, err = m.now.Load().plan.WithoutRing("maps", "maps-a")
	if err != nil {
		t.Fatal(err)
	}
	mustApply(t, m, c)
	moveAll(t, m, "maps", 4)
	mustDo(t, m, DropType{Type: "maps"})
	if got := fmt.Sprint(m.now.Load().plan.Rings("maps")); got != before {
		t.Errorf("got %s, want %s", got, before)
	}
	wantRefusal(t, m, DropType{Type: "maps"}, gazetteer.NotFound, "the default cluster serves it")
	wantRefusal(t, m, AddType{Type: "ndt", Servers: ids("a")}, gazetteer.Conflict, "has a cluster of its own already")
	wantRefusal(t, m, AddType{Type: "No", Servers: ids("a")}, gazetteer.Unprocessable, "DNS label")
	wantRefusal(t, m, AddType{Type: "_types", Servers: ids("a")}, gazetteer.Unprocessable, "internal")
	c, err = m.now.Load().plan.WithRing("", "more", ids("c"))
	if err != nil {
		t.Fatal(err)
	}
	mustApply(t, m, c)
	mustDo(t, m, m.now.Load().state.nextMoves(2))
	wantRefusal(t, m, AddType{Type: "maps", Servers: ids("a")}, gazetteer.Conflict, "2 partitions of the default cluster are on their way")
}

// A ring may serve several types, with the same members in each.
func TestRingsAreSharedBetweenClusters(t *testing.T) {
	m := founded(t)
	if _, err := m.now.Load().plan.WithRing("", "common", ids("a")); gazetteer.KindOf(err) != gazetteer.Conflict {
		t.Errorf("got %v", err)
	}
	c, err := m.now.Load().plan.WithRing("ndt", "common", ids("a"))
	if err != nil {
		t.Fatal(err)
	}
	if r := apply(t, m, c); gazetteer.KindOf(r.Err) != gazetteer.Conflict {
		t.Errorf("a ring has other members in another cluster: %v", r.Err)
	}
	if c, err = m.now.Load().plan.WithRing("ndt", "common", ids("a", "b")); err != nil {
		t.Fatal(err)
	}
	mustApply(t, m, c)
	moveAll(t, m, "ndt", 4)
	mustDo(t, m, SetRing{Ring: "common", Members: ids("b", "c")})
	p := m.now.Load().plan
	i := slices.IndexFunc(p.Rings("ndt"), func(r ring.Ring) bool { return r.Name == "common" })
	if got := p.Rings("ndt")[i].Members; !slices.Equal(got, p.Rings("other")[0].Members) || !slices.Equal(got, ids("b", "c")) {
		t.Errorf("got %v and %v", got, p.Rings("other")[0].Members)
	}
}

// A placement that somebody wrote down is not thrown away when a ring comes or goes.
func TestPlacementsByHandMoveLittle(t *testing.T) {
	hand := make(owners, 24)
	for i := range hand {
		hand[i] = []string{"x", "y"}[i/18]
	}
	count := func(o owners) map[string]int {
		out := map[string]int{}
		for _, name := range o {
			out[name]++
		}
		return out
	}
	moved := func(a, b owners) int {
		list, err := cluster.Placement(a).Moves(cluster.Placement(b))
		if err != nil {
			t.Fatal(err)
		}
		return len(list)
	}
	c := shards{Rings: []string{"x", "y"}, Owners: hand, Target: hand}
	more, err := c.spread([]string{"x", "y", "z"})
	if err != nil || moved(hand, more) != 8 || count(more)["z"] != 8 || count(more)["y"] != 6 {
		t.Errorf("got %v, %v", count(more), err)
	}
	c = shards{Rings: []string{"x", "y", "z"}, Owners: more, Target: more}
	less, err := c.spread([]string{"y", "z"})
	if err != nil || moved(more, less) != 10 || count(less)["y"] != 12 || count(less)["z"] != 12 {
		t.Errorf("got %v, %v", count(less), err)
	}
}

func TestOperatorsSayWhoMirrorsARing(t *testing.T) {
	m := founded(t)
	with := func(ty gazetteer.Type, ring string, members []gazetteer.NodeID, force bool) error {
		c, err := m.now.Load().plan.WithMembers(ty, ring, members, force)
		if err != nil {
			return err
		}
		return apply(t, m, c).Err
	}
	for _, c := range []struct {
		ty    gazetteer.Type
		ring  string
		kind  gazetteer.Kind
		where string
	}{{"maps", "common", gazetteer.NotFound, "/type"}, {"ndt", "common", gazetteer.NotFound, "/ring"}, {"", "common", gazetteer.Conflict, "/members"}} {
		err := with(c.ty, c.ring, ids("c"), false)
		var e *gazetteer.Error
		if !errors.As(err, &e) || e.Kind != c.kind || e.Pointer != c.where {
			t.Errorf("%s %s: got %v, want %v at %s", c.ty, c.ring, err, c.kind, c.where)
		}
	}
	if err := with("", "common", ids("c", "b"), false); err != nil {
		t.Fatal(err)
	}
	if err := with("ndt", "ndt-a", ids("c"), true); err != nil {
		t.Fatal(err)
	}
	s := m.now.Load().state
	if got := fmt.Sprint(s.ring("common").Members, s.ring("ndt-a").Members); got != "[c b] [c]" {
		t.Errorf("got %s", got)
	}
	mustDo(t, m, mark{ids("b", "c"), Dead})
	if err := with("", "common", ids("c", "a"), false); gazetteer.KindOf(err) != gazetteer.Conflict {
		t.Errorf("no live replica stays, but: %v", err)
	}
}
