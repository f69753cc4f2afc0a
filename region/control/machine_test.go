package control

import (
	"bytes"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"gazetteer"
	"gazetteer/cluster"
	"gazetteer/region"
)

var allRoles = []region.Role{region.RoleRegion, region.RoleCluster, region.RoleReplica}

// threeNodes describes a region of three nodes that do everything, with one ring of two
// for all types and two rings for the type ndt.
func threeNodes() Description {
	d := Description{Region: "fra", Partitions: 24}
	for i, n := range []gazetteer.NodeID{"a", "b", "c"} {
		d.Nodes = append(d.Nodes, Node{Name: n, Addr: fmt.Sprintf("10.0.0.%d:7070", i+1), Roles: allRoles})
	}
	d.Default = Cluster{Servers: []gazetteer.NodeID{"a", "b"}, Rings: []Ring{{Name: "common", Members: []gazetteer.NodeID{"a", "b"}}}}
	d.Types = map[gazetteer.Type]Cluster{"ndt": {Servers: []gazetteer.NodeID{"c"}, Rings: []Ring{
		{Name: "ndt-a", Members: []gazetteer.NodeID{"a"}}, {Name: "ndt-b", Members: []gazetteer.NodeID{"b", "c"}},
	}}}
	return d
}

// founded returns a machine with the plan of threeNodes, all members live.
func founded(t testing.TB) *machine {
	t.Helper()
	m := &machine{}
	s, err := foundingState(threeNodes(), "a", "a/1")
	if err != nil {
		t.Fatal(err)
	}
	mustApply(t, m, Command{Edit: found{s}})
	mustDo(t, m, mark{Nodes: []gazetteer.NodeID{"b", "c"}, State: Live})
	return m
}

// do performs an edit for the plan as it is.
func do(t testing.TB, m *machine, e Edit) Result {
	t.Helper()
	c := Command{Edit: e}
	if e.guarded() {
		c.Expect = m.epoch()
	}
	return apply(t, m, c)
}

func apply(t testing.TB, m *machine, c Command) Result {
	t.Helper()
	data, err := c.Encode()
	if err != nil {
		t.Fatal(err)
	}
	before, err := m.seal()
	if err != nil {
		t.Fatal(err)
	}
	r := m.apply(data)
	if after, err := m.seal(); err != nil || r.Err != nil && !bytes.Equal(before, after) {
		t.Fatalf("%s was refused (%v) but changed the state, or it cannot be saved: %v", c.Edit.kind(), r.Err, err)
	}
	return r
}

func mustDo(t testing.TB, m *machine, e Edit) {
	t.Helper()
	if r := do(t, m, e); r.Err != nil {
		t.Fatal(r.Err)
	}
}

func mustApply(t testing.TB, m *machine, c Command) {
	t.Helper()
	if r := apply(t, m, c); r.Err != nil {
		t.Fatal(r.Err)
	}
}

// wantRefusal checks that an edit is refused in the right words and changes nothing.
func wantRefusal(t *testing.T, m *machine, e Edit, kind gazetteer.Kind, says string) {
	t.Helper()
	r := do(t, m, e)
	if r.Err == nil || gazetteer.KindOf(r.Err) != kind || !strings.Contains(r.Err.Error(), says) {
		t.Errorf("%s: got %v (%v), want %v with %q", e.kind(), r.Err, gazetteer.KindOf(r.Err), kind, says)
	}
}

func (m *machine) member(n gazetteer.NodeID) Member { return *m.now.Load().state.member(n) }

func ids(names ...string) (out []gazetteer.NodeID) {
	for _, n := range names {
		out = append(out, gazetteer.NodeID(n))
	}
	return out
}

func TestFoundingStateIsThePlanThatWasDescribed(t *testing.T) {
	m := &machine{}
	s, err := foundingState(threeNodes(), "a", "a/1")
	if err != nil {
		t.Fatal(err)
	}
	wantRefusal(t, m, mark{Nodes: ids("a"), State: Live}, gazetteer.Unavailable, "not founded yet")
	mustApply(t, m, Command{Edit: found{s}})
	said, err := New(threeNodes())
	if err != nil {
		t.Fatal(err)
	}
	p := m.now.Load().plan
	if p.Epoch() != 1 || p.Region() != "fra" || p.Partitions() != 24 {
		t.Errorf("got epoch %d of %s with %d partitions", p.Epoch(), p.Region(), p.Partitions())
	}
	for _, ty := range []gazetteer.Type{"ndt", "made-later"} {
		if got, want := fmt.Sprint(p.ClusterServers(ty), p.Rings(ty)), fmt.Sprint(said.ClusterServers(ty), said.Rings(ty)); got != want {
			t.Errorf("%s: got %s, want %s", ty, got, want)
		}
	}
	for n, want := range map[gazetteer.NodeID]MemberState{"a": Live, "b": Joining, "c": Joining} {
		if got := m.member(n); got.State != want {
			t.Errorf("%s is %s, want %s", n, got.State, want)
		}
	}
	if got := p.Rings(gazetteer.TypesType)[0].Members; !slices.Equal(got, ids("a")) {
		t.Errorf("the ring of the internal types is %v: who has not arrived must not count for its majority", got)
	}
	wantRefusal(t, m, found{s}, gazetteer.Conflict, "founded already")
}

func TestEveryChangeCountsTheEpochUp(t *testing.T) {
	m := founded(t)
	before := m.epoch()
	mustDo(t, m, SetPeer{Region: "ams", Value: []byte("x")})
	mustDo(t, m, SetTree{Value: []byte("tree")})
	if m.epoch() != before+2 {
		t.Errorf("the epoch went from %d to %d with two changes", before, m.epoch())
	}
	mustDo(t, m, SetTree{Value: []byte("tree")})
	mustDo(t, m, mark{Nodes: ids("b"), State: Live})
	if m.epoch() != before+2 {
		t.Errorf("the epoch is %d after commands that change nothing, want %d", m.epoch(), before+2)
	}
	p := m.now.Load().plan
	if string(p.Tree()) != "tree" || string(p.Peers()["ams"]) != "x" || len(p.PeerNames()) != 1 {
		t.Errorf("tree %q, peers %v", p.Tree(), p.Peers())
	}
	mustDo(t, m, DropPeer{Region: "ams"})
	if len(m.now.Load().plan.Peers()) != 0 || len(p.Peers()) != 1 {
		t.Error("a plan that was shown changed, or a new one did not")
	}
}

// The AWS outage of 2025-10-19 began with a plan that was applied late.
func TestCommandsForAnotherPlanAreRefused(t *testing.T) {
	m := founded(t)
	stale := Command{Expect: m.epoch(), Edit: SetTree{Value: []byte("old")}}
	mustDo(t, m, SetTree{Value: []byte("new")})
	for _, c := range []Command{stale, {Expect: m.epoch() + 1, Edit: stale.Edit}, {Edit: stale.Edit}} {
		if r := apply(t, m, c); gazetteer.KindOf(r.Err) != gazetteer.Precondition || r.Epoch != m.epoch() {
			t.Errorf("expect %d at %d: got %+v", c.Expect, m.epoch(), r)
		}
	}
	if got := string(m.now.Load().plan.Tree()); got != "new" {
		t.Errorf("the tree is %q", got)
	}
}

func TestEmptyPlansAreRefused(t *testing.T) {
	m := founded(t)
	wantRefusal(t, m, SetTree{}, gazetteer.Unprocessable, "without its neighbours")
	wantRefusal(t, m, SetPeer{Region: "ams"}, gazetteer.Unprocessable, "0 bytes")
	wantRefusal(t, m, SetPeer{Region: "fra", Value: []byte("x")}, gazetteer.Unprocessable, "peer of itself")
	wantRefusal(t, m, SetPeer{Region: "No", Value: []byte("x")}, gazetteer.Unprocessable, "DNS label")
	wantRefusal(t, m, SetPeer{Region: "ams", Value: make([]byte, maxValueBytes+1)}, gazetteer.Unprocessable, "bytes")
	wantRefusal(t, m, SetServers{}, gazetteer.Unprocessable, "no nodes")
	wantRefusal(t, m, SetRing{Ring: "common", Force: true}, gazetteer.Unprocessable, "no nodes")
	wantRefusal(t, m, RemoveRing{Ring: "common", Target: m.now.Load().state.Default.Target}, gazetteer.Conflict, `"common" is the last ring of the default cluster`)
	wantRefusal(t, &machine{}, found{&state{}}, gazetteer.Unprocessable, "no plan to begin with")
	wantRefusal(t, &machine{}, found{}, gazetteer.Unprocessable, "no plan to begin with")
}

func TestUnknownCommandsAreRefused(t *testing.T) {
	m := founded(t)
	for text, want := range map[string]gazetteer.Kind{
		``:     gazetteer.Invalid,
		`null`: gazetteer.Unsupported,
		`{}`:   gazetteer.Unsupported,
		`{"v":2,"kind":"set-tree","expect":2,"body":{"value":"eA=="}}`:          gazetteer.Unsupported,
		`{"v":1,"kind":"drop-all","expect":2,"body":{}}`:                        gazetteer.Unsupported,
		`{"v":1,"kind":"set-tree","expect":2,"body":{"value":"eA==","x":1}}`:    gazetteer.Invalid,
		`{"v":1,"kind":"set-tree","expect":2,"body":{"Value":"eA=="}}`:          gazetteer.Invalid,
		`{"v":1,"kind":"set-tree","expect":2,"body":{"value":"eA=="}} `:         gazetteer.Invalid,
		`{"v":1,"kind":"set-tree","expect":2,"body":{"value":"eA=="}}{}`:        gazetteer.Invalid,
		`{"v":1,"v":1,"kind":"set-tree","expect":2,"body":{"value":"eA=="}}`:    gazetteer.Invalid,
		`{"v":1,"kind":"set-tree","expect":-2,"body":{"value":"eA=="}}`:         gazetteer.Invalid,
		`{"v":1,"kind":"set-tree","expect":2,"body":null}`:                      gazetteer.Invalid,
		`{"v":1,"kind":"set-tree","expect":2}`:                                  gazetteer.Invalid,
		`{"v":1,"kind":"found","body":{"state":null}}`:                          gazetteer.Conflict,
		`{"v":1,"kind":"set-tree","expect":2,"body":{"value":"eA=="}}` + "\x00": gazetteer.Invalid,
		strings.Repeat("x", maxCommandBytes+1):                                  gazetteer.TooLarge,
	} {
		before, _ := m.seal()
		r := m.apply([]byte(text))
		after, _ := m.seal()
		if r.Err == nil || gazetteer.KindOf(r.Err) != want || !bytes.Equal(before, after) {
			t.Errorf("%.80s: got %v (%v), want %v", text, r.Err, gazetteer.KindOf(r.Err), want)
		}
	}
	good := `{"v":1,"kind":"set-tree","expect":2,"body":{"value":"eA=="}}`
	if r := m.apply([]byte(good)); r.Err != nil || r.Epoch != 3 {
		t.Errorf("the command that all of these are like: got %+v", r)
	}
}

// edits is a list by hand: a kind that is not in it could be written but never read.
func TestEveryEditIsRead(t *testing.T) {
	seen := map[string]bool{}
	for _, e := range edits() {
		if seen[e.blank.kind()] {
			t.Errorf("two edits are called %s", e.blank.kind())
		}
		seen[e.blank.kind()] = true
		c := Command{Edit: e.blank}
		data, err := c.Encode()
		if err != nil {
			t.Fatal(err)
		}
		back, err := DecodeCommand(data)
		if err != nil || back.Edit.kind() != e.blank.kind() {
			t.Errorf("%s: got %+v, %v", data, back, err)
		}
	}
	if len(seen) != 21 {
		t.Errorf("%d edits, want 21", len(seen))
	}
}

func TestDeadMembersStayConfigured(t *testing.T) {
	m := founded(t)
	mustDo(t, m, mark{Nodes: ids("b"), State: Dead})
	p := m.now.Load().plan
	if got, _ := p.Member("b"); got.State != Dead || got.Since != p.Epoch() {
		t.Errorf("b is %+v", got)
	}
	if got := p.Rings("x")[0].Members; !slices.Equal(got, ids("a", "b")) {
		t.Errorf("the members are %v: two of two are still a majority of this ring", got)
	}
	if got := p.Rings(gazetteer.TypesType)[0].Members; !slices.Equal(got, ids("a", "b", "c")) {
		t.Errorf("the ring of the internal types is %v", got)
	}
	if got := fmt.Sprint(p.Regional()); got != "[10.0.0.1:7070 10.0.0.3:7070 10.0.0.2:7070]" {
		t.Errorf("who answers for the plan: %s, want the dead one last", got)
	}
	if !p.Dead("b") || p.Dead("a") || p.Dead("nobody") {
		t.Error("the plan does not say who is dead")
	}
	mustDo(t, m, mark{Nodes: ids("b"), State: Live})
	wantRefusal(t, m, mark{Nodes: ids("z"), State: Dead}, gazetteer.NotFound, `"z"; there are a, b, c`)
	wantRefusal(t, m, mark{Nodes: ids("a"), State: Leaving}, gazetteer.Unprocessable, "leaving")
}

func TestRemovingAMember(t *testing.T) {
	m := founded(t)
	mustDo(t, m, Remove{Node: "b"})
	p := m.now.Load().plan
	if got, _ := p.Member("b"); got.State != Leaving {
		t.Errorf("b is %+v", got)
	}
	if got := fmt.Sprint(p.Rings("x")[0].Members, p.Rings("ndt")[1].Members, p.ClusterServers("x"), p.Rings("_types")[0].Members); got != "[a] [c] [a] [a c]" {
		t.Errorf("got %s", got)
	}
	if slices.Contains(p.Stores(), gazetteer.NodeID("b").Store()) {
		t.Error("the plan still waits for the store of b")
	}
	before := m.epoch()
	mustDo(t, m, Remove{Node: "b"})
	mustDo(t, m, mark{Nodes: ids("b"), State: Live})
	if m.epoch() != before {
		t.Error("a member that is leaving was changed")
	}
	wantRefusal(t, m, SetServers{Servers: ids("b")}, gazetteer.Unprocessable, "leaving")
	wantRefusal(t, m, SetRing{Ring: "common", Members: ids("a", "b")}, gazetteer.Unprocessable, "leaving")
	wantRefusal(t, m, forget{"a"}, gazetteer.Conflict, "remove it first")
	mustDo(t, m, forget{"b"})
	wantRefusal(t, m, Remove{Node: "b"}, gazetteer.NotFound, "there are a, c")
}

func TestTheLastReplicaOfARingStays(t *testing.T) {
	m := founded(t)
	r := do(t, m, Remove{Node: "a"})
	for _, says := range []string{`"a" stays`, "the last live replica of the ring ndt-a, which holds", "partitions of the type ndt", "or force it"} {
		if r.Err == nil || gazetteer.KindOf(r.Err) != gazetteer.Conflict || !strings.Contains(r.Err.Error(), says) {
			t.Errorf("got %v, want one that says %q", r.Err, says)
		}
	}
	mustDo(t, m, mark{Nodes: ids("b"), State: Dead})
	wantRefusal(t, m, Remove{Node: "a"}, gazetteer.Conflict, "the last live replica of the ring common, which holds 24 partitions of the default cluster")
	wantRefusal(t, m, Remove{Node: "c"}, gazetteer.Conflict, "the last cluster server of the type ndt")
	mustDo(t, m, Remove{Node: "a", Force: true})
	p := m.now.Load().plan
	if got := fmt.Sprint(p.Rings("ndt")[0].Members, p.Rings("x")[0].Members, p.ClusterServers("x")); got != "[c] [b] [b]" {
		t.Errorf("got %s: the ring that lost its only member goes to the live member with the fewest rings", got)
	}
}

func TestARingKeepsALiveReplica(t *testing.T) {
	m := founded(t)
	wantRefusal(t, m, SetRing{Ring: "common", Members: ids("c")}, gazetteer.Conflict, "no live replica of the ring common would stay")
	mustDo(t, m, mark{Nodes: ids("a"), State: Dead})
	wantRefusal(t, m, SetRing{Ring: "common", Members: ids("a", "c")}, gazetteer.Conflict, "no live replica")
	mustDo(t, m, SetRing{Ring: "common", Members: ids("c", "b")})
	mustDo(t, m, SetRing{Ring: "common", Members: ids("a"), Force: true})
	if got := m.now.Load().plan.Rings("x")[0].Members; !slices.Equal(got, ids("a")) {
		t.Errorf("got %v", got)
	}
	mustDo(t, m, mark{Nodes: ids("a"), State: Live})
	wantRefusal(t, m, SetRing{Ring: "none", Members: ids("a")}, gazetteer.NotFound, "no ring")
	wantRefusal(t, m, SetRing{Ring: "common", Members: ids("a", "z")}, gazetteer.Unprocessable, `"z"`)
	wantRefusal(t, m, SetRing{Ring: "common", Members: ids("a", "a")}, gazetteer.Unprocessable, "twice")
}

func TestTheLastRegionalServerStays(t *testing.T) {
	m := &machine{}
	d := threeNodes()
	d.Nodes[1].Roles, d.Nodes[2].Roles = allRoles[1:], allRoles[1:]
	s, err := foundingState(d, "a", "a/1")
	if err != nil {
		t.Fatal(err)
	}
	mustApply(t, m, Command{Edit: found{s}})
	mustDo(t, m, mark{Nodes: ids("b", "c"), State: Live})
	mustDo(t, m, SetRing{Ring: "ndt-a", Members: ids("a", "b")})
	wantRefusal(t, m, Remove{Node: "a"}, gazetteer.Conflict, "the region's last live regional server")
	before := m.now.Load().plan
	mustDo(t, m, Remove{Node: "a", Force: true})
	p := m.now.Load().plan
	if !p.Ended() || before.Ended() || fmt.Sprint(p.Rings("ndt")) != fmt.Sprint(before.Rings("ndt")) || len(p.Nodes()) != 3 {
		t.Errorf("ended %v, rings %v", p.Ended(), p.Rings("ndt"))
	}
	wantRefusal(t, m, SetTree{Value: []byte("x")}, gazetteer.Conflict, "has ended")
}

// What forced removals leave behind is still a plan: a ring whose last replica went has
// another, and a region without a regional server has ended.
func TestForcedRemovalsLeaveAPlan(t *testing.T) {
	m := founded(t)
	for _, n := range ids("a", "b", "c") {
		mustDo(t, m, Remove{Node: n, Force: true})
		p := m.now.Load().plan
		for _, ty := range []gazetteer.Type{"ndt", "other", gazetteer.TypesType} {
			checkOwners(t, p, ty)
		}
	}
	if !m.now.Load().plan.Ended() {
		t.Error("the region goes on without a regional server")
	}
}

func TestASecondNodeNeedsThePeerAddressOfTheFirst(t *testing.T) {
	m := &machine{}
	s, err := foundingState(SingleDescription("fra", "a"), "a", "a/1")
	if err != nil {
		t.Fatal(err)
	}
	mustApply(t, m, Command{Edit: found{s}})
	e := joinWith(t, m, "n1", allRoles)
	wantRefusal(t, m, e, gazetteer.Unprocessable, `the node "a" has no peer address`)
	mustDo(t, m, setNode{Node: "a", Addr: "10.0.0.1:7070", HTTP: "10.0.0.1:8080"})
	mustDo(t, m, e)
	wantRefusal(t, m, setNode{Node: "n1", Addr: "10.0.0.1:7070"}, gazetteer.Unprocessable, "already an address")
	wantRefusal(t, m, setNode{Node: "z", Addr: "10.0.0.1:7070"}, gazetteer.NotFound, "there are a, n1")
}

// A state that is written and read is the same state, with the same bytes, and the plan
// of it is the same plan.
func TestSealAndUnseal(t *testing.T) {
	m := founded(t)
	mustDo(t, m, joinWith(t, m, "n1", allRoles[2:]))
	mustDo(t, m, SetPeer{Region: "ams", Value: []byte{0, 1, 255}})
	c, err := m.now.Load().plan.WithRing("ndt", "ndt-c", ids("c"))
	if err != nil {
		t.Fatal(err)
	}
	mustApply(t, m, c)
	mustDo(t, m, m.now.Load().state.nextMoves(4))
	data, err := m.seal()
	if err != nil {
		t.Fatal(err)
	}
	other := &machine{}
	if err := other.restore(data); err != nil {
		t.Fatal(err)
	}
	if again, err := other.seal(); err != nil || !bytes.Equal(again, data) {
		t.Errorf("%v: got\n%s\nwant\n%s", err, again, data)
	}
	public, err := m.now.Load().state.seal(false)
	if err != nil || bytes.Contains(public, []byte("tokens")) || !bytes.Contains(data, []byte("tokens")) {
		t.Errorf("what is given to members without a say has tokens: %s", public)
	}
	for _, ty := range []gazetteer.Type{"ndt", "x"} {
		if got, want := fmt.Sprint(other.now.Load().plan.Mirrors(ty)), fmt.Sprint(m.now.Load().plan.Mirrors(ty)); got != want {
			t.Errorf("got %s, want %s", got, want)
		}
	}
}

func TestDamagedStatesAreRefused(t *testing.T) {
	m := founded(t)
	data, err := m.seal()
	if err != nil {
		t.Fatal(err)
	}
	other := &machine{}
	if err := other.restore(data); err != nil {
		t.Fatal(err)
	}
	for i := range data {
		bad := slices.Clone(data)
		bad[i] ^= 1 << (i % 8)
		if err := other.restore(bad); err == nil {
			t.Fatalf("bit %d of byte %d was flipped and nobody noticed", i%8, i)
		}
	}
	for _, n := range []int{0, 1, 20, len(data) - 1} {
		if err := other.restore(data[:n]); err == nil {
			t.Errorf("%d of %d bytes were taken for a state", n, len(data))
		}
	}
	if again, err := other.seal(); err != nil || !bytes.Equal(again, data) {
		t.Error("a state that was refused left something behind")
	}
}

// What a checksum cannot notice: states that somebody wrote, and that are no plan.
func TestImpossibleStatesAreRefused(t *testing.T) {
	for name, breakIt := range map[string]func(*state){
		"not founded":              func(s *state) { s.Epoch = 0 },
		"no members":               func(s *state) { s.Members = nil },
		"unknown member state":     func(s *state) { s.Members[0].State = "asleep" },
		"two with one directory":   func(s *state) { s.Members[1].Server = "a/1" },
		"two with one address":     func(s *state) { s.Members[1].Addr = s.Members[0].Addr },
		"no regional server":       func(s *state) { s.Members[0].Roles = allRoles[1:]; s.Members = s.Members[:1] },
		"a ring twice":             func(s *state) { s.Rings = append(s.Rings, s.Rings[0]) },
		"a ring of nobody":         func(s *state) { s.Rings[0].Members = nil },
		"a ring of strangers":      func(s *state) { s.Rings[0].Members = ids("z") },
		"a ring that is not there": func(s *state) { s.Default.Rings = append(s.Default.Rings, "zz") },
		"no cluster":               func(s *state) { s.Types["ndt"] = nil },
		"an internal type":         func(s *state) { s.Types["_types"] = s.Types["ndt"] },
		"too few owners":           func(s *state) { s.Default.Owners = s.Default.Owners[1:] },
		"too many targets":         func(s *state) { s.Default.Target = append(s.Default.Target, "common") },
		"a target elsewhere":       func(s *state) { s.Default.Target[3] = "ndt-a" },
		"a move of nothing":        func(s *state) { s.Default.Moves = []Move{{99, "common", "ndt-a", false}} },
		"a move to itself":         func(s *state) { s.Default.Moves = []Move{{0, "common", "common", false}} },
		"a move by the wrong one":  func(s *state) { s.Default.Moves = []Move{{0, "ndt-a", "common", false}} },
		"a move twice":             func(s *state) { s.Default.Moves = []Move{{0, "common", "ndt-a", false}, {0, "common", "ndt-a", false}} },
		"orders without a rate":    func(s *state) { s.Default.Auto = &cluster.Auto{Min: 1, Max: 2, Cooldown: time.Hour} },
		"no partitions":            func(s *state) { s.Partitions = 0 },
		"a peer that is itself":    func(s *state) { s.Peers = map[gazetteer.RegionID][]byte{"fra": {1}} },
		"a tree without end":       func(s *state) { s.Tree = make([]byte, maxValueBytes+1) },
		"a token without a hash":   func(s *state) { s.Tokens = []joinToken{{Hash: "12", Roles: allRoles, Uses: 1}} },
	} {
		s := founded(t).now.Load().state.clone()
		breakIt(s)
		data, err := s.seal(true)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := unseal(data); err == nil {
			t.Errorf("%s: taken for a plan", name)
		}
		if r := do(t, &machine{}, found{s}); r.Err == nil {
			t.Errorf("%s: a region was founded with it", name)
		}
	}
}

// A file plan has no members of its own, and says so in the same words.
func TestPlansOfFilesHaveLiveMembersOnly(t *testing.T) {
	p, err := Load("testdata/example.yaml")
	if err != nil {
		t.Fatal(err)
	}
	if m, ok := p.Member("fra-1"); !ok || m.State != Live || len(p.Members()) != 4 {
		t.Errorf("got %+v, %v", m, ok)
	}
	if p.Moves("ndt") != nil || p.Peers() != nil || p.Tree() != nil || p.Ended() || p.Pending("ndt") != 0 {
		t.Error("a plan of a file has something to do")
	}
	if p.Bridges("ndt") != nil || p.Dead("fra-1") {
		t.Error("a plan of a file knows of moves or of the dead")
	}
	if fmt.Sprint(p.Mirrors("ndt")) != fmt.Sprint(p.Rings("ndt")) {
		t.Error("who holds differs from who owns, and nothing moves")
	}
	if _, err := p.WithRing("", "more", ids("fra-1")); gazetteer.KindOf(err) != gazetteer.Conflict {
		t.Errorf("got %v", err)
	}
}

func TestTryingACommandChangesNothing(t *testing.T) {
	m := founded(t)
	p := m.now.Load().plan
	next, err := p.Try(Remove{Node: "b"})
	if err != nil || next.Epoch() != p.Epoch()+1 || m.epoch() != p.Epoch() {
		t.Fatalf("got %v, %v", next, err)
	}
	if now, _ := p.Member("b"); now.State != Live {
		t.Errorf("b is %s in the plan that was asked", now.State)
	}
	if then, _ := next.Member("b"); then.State != Leaving {
		t.Errorf("b would be %s", then.State)
	}
	if _, err := p.Try(Remove{Node: "a"}); gazetteer.KindOf(err) != gazetteer.Conflict {
		t.Errorf("got %v", err)
	}
	file, err := Load("testdata/example.yaml")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := file.Try(Remove{Node: "fra-1"}); gazetteer.KindOf(err) != gazetteer.Conflict {
		t.Errorf("got %v", err)
	}
}

func TestOwnersAsText(t *testing.T) {
	for _, c := range []struct {
		placement cluster.Placement
		want      string
	}{
		{cluster.Placement{"a"}, `{"a":"0"}`},
		{cluster.Placement{"a", "a", "b", "a", "b", "b", "b"}, `{"a":"0-1,3","b":"2,4-6"}`},
		{cluster.Placement{}, `{}`},
	} {
		data, err := owners(c.placement).MarshalJSON()
		if err != nil || string(data) != c.want {
			t.Errorf("got %s, %v, want %s", data, err, c.want)
		}
		var back owners
		if err := back.UnmarshalJSON(data); err != nil || !slices.Equal(back, owners(c.placement)) {
			t.Errorf("%s: got %v, %v", data, back, err)
		}
	}
	for _, bad := range []string{`{"a":"1"}`, `{"a":"0","b":"0"}`, `{"a":"0-99999"}`, `{"a":"2-1"}`, `{"a":""}`, `{"":"0"}`, `{"a":"0,0"}`, `{"a":"-1"}`, `{"a":0}`, `[]`} {
		var o owners
		if err := o.UnmarshalJSON([]byte(bad)); err == nil {
			t.Errorf("%s: taken for %v", bad, o)
		}
	}
}
