package control

import (
	"bytes"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"gazetteer"
	"gazetteer/cluster"
	"gazetteer/region"

	"pgregory.net/rapid"
)

// The model knows the rules of the machine in the plainest words: sets and tables,
// changed in place, with a copy taken before. It shares no code with the machine but the
// words of the commands.
type model struct {
	epoch   uint64
	ended   bool
	members map[string]*modelMember
	rings   map[string][]string
	types   map[string]*modelCluster // "" is the default cluster
	peers   map[string]string
	tree    string
	tokens  map[string]int // uses left
}

type modelMember struct{ state, roles, addr string }

type modelCluster struct {
	servers, rings []string
	owner, target  []string
	move           map[int]string // "fills" or "switched", and from whom
	from           map[int]string
	auto           string
}

func (m *model) copy() *model {
	c := &model{epoch: m.epoch, ended: m.ended, tree: m.tree, members: map[string]*modelMember{}, rings: map[string][]string{}, types: map[string]*modelCluster{}, peers: maps.Clone(m.peers), tokens: maps.Clone(m.tokens)}
	for n, v := range m.members {
		w := *v
		c.members[n] = &w
	}
	for n, v := range m.rings {
		c.rings[n] = slices.Clone(v)
	}
	for n, v := range m.types {
		c.types[n] = &modelCluster{slices.Clone(v.servers), slices.Clone(v.rings), slices.Clone(v.owner), slices.Clone(v.target), maps.Clone(v.move), maps.Clone(v.from), v.auto}
	}
	return c
}

// valid is what every plan must be.
func (m *model) valid() bool {
	addrs := map[string]bool{}
	seats := 0
	for _, v := range m.members {
		if v.addr == "" && len(m.members) > 1 || addrs[v.addr] && v.addr != "" {
			return false
		}
		addrs[v.addr] = true
		if m.seated(v) {
			seats++
		}
	}
	listed := func(list []string, role string) bool {
		for i, n := range list {
			v := m.members[n]
			if v == nil || v.state == "leaving" || !strings.Contains(v.roles, role) || slices.Contains(list[:i], n) {
				return false
			}
		}
		return len(list) > 0
	}
	for _, c := range m.types {
		if !listed(c.servers, "cluster") || len(c.rings) == 0 {
			return false
		}
		for _, t := range c.target {
			if !slices.Contains(c.rings, t) {
				return false
			}
		}
	}
	for _, list := range m.rings {
		if !listed(list, "replica") {
			return false
		}
	}
	return seats > 0
}

func (m *model) seated(v *modelMember) bool {
	return strings.Contains(v.roles, "region") && (v.state == "live" || v.state == "dead")
}

// uses reports whether a ring still has to do with a cluster.
func (c *modelCluster) uses(ring string) bool {
	for p := range c.owner {
		if c.owner[p] == ring || c.move[p] != "" && (c.from[p] == ring || c.move[p] == "fills" && c.target[p] == ring) {
			return true
		}
	}
	return slices.Contains(c.rings, ring)
}

func (m *model) sweep() {
	for r := range m.rings {
		used := false
		for _, c := range m.types {
			used = used || c.uses(r)
		}
		if !used {
			delete(m.rings, r)
		}
	}
}

// try performs an edit on a copy and returns it; nil if it is refused.
func (m *model) try(e Edit, expect uint64) *model {
	if m.ended || e.guarded() && expect != m.epoch {
		return nil
	}
	c := m.copy()
	changed, ok := c.change(e)
	if !ok {
		return nil
	}
	if changed {
		c.epoch++
		if !c.valid() {
			return nil
		}
	}
	return c
}

func (m *model) change(e Edit) (changed, ok bool) {
	switch e := e.(type) {
	case addToken:
		m.tokens[e.Token.Hash] = e.Token.Uses
		return false, len(m.tokens) <= maxTokens
	case join:
		return m.join(e)
	case mark:
		return m.mark(e)
	case Remove:
		return m.remove(e)
	case forget:
		v := m.members[string(e.Node)]
		if v == nil || v.state != "leaving" {
			return false, false
		}
		delete(m.members, string(e.Node))
		return true, true
	case AddRing, RemoveRing, SetRing, AddType, DropType, SetServers:
		return m.changeRings(e)
	case SetAuto:
		return m.setAuto(e)
	case beginMoves, SwitchMoves, FinishMoves:
		return m.changeMoves(e)
	case SetPeer:
		changed = m.peers[string(e.Region)] != string(e.Value)
		m.peers[string(e.Region)] = string(e.Value)
		return changed, len(e.Value) > 0
	case DropPeer:
		_, ok := m.peers[string(e.Region)]
		delete(m.peers, string(e.Region))
		return true, ok
	case SetTree:
		changed = m.tree != string(e.Value)
		m.tree = string(e.Value)
		return changed, len(e.Value) > 0
	}
	panic("the model does not know " + e.kind())
}

func (m *model) join(e join) (bool, bool) {
	uses, known := m.tokens[e.Hash]
	v := m.members[string(e.Node.Name)]
	if !known || uses == 0 || v != nil && v.state != "dead" && v.state != "joining" {
		return false, false
	}
	m.tokens[e.Hash]--
	m.members[string(e.Node.Name)] = &modelMember{"joining", fmt.Sprint(e.Node.Roles), e.Node.Addr}
	return true, true
}

func (m *model) mark(e mark) (changed, ok bool) {
	for _, n := range e.Nodes {
		v := m.members[string(n)]
		if v == nil {
			return false, false
		}
		if v.state == "leaving" || v.state == string(e.State) || v.state == "joining" && e.State == Dead {
			continue
		}
		v.state, changed = string(e.State), true
	}
	return changed, true
}

func (m *model) remove(e Remove) (bool, bool) {
	self := string(e.Node)
	v := m.members[self]
	if v == nil {
		return false, false
	}
	if v.state == "leaving" {
		return false, true
	}
	otherSeats, otherLive := 0, 0
	for n, o := range m.members {
		if n != self && m.seated(o) {
			otherSeats++
		}
		if n != self && o.state == "live" && strings.Contains(o.roles, "region") {
			otherLive++
		}
	}
	lost := strings.Contains(v.roles, "region") && otherLive == 0
	for _, list := range m.rings {
		live := slices.ContainsFunc(list, func(n string) bool { return n != self && m.members[n].state == "live" })
		lost = lost || slices.Contains(list, self) && !live
	}
	for _, c := range m.types {
		lost = lost || slices.Equal(c.servers, []string{self})
	}
	if lost && !e.Force {
		return false, false
	}
	if m.seated(v) && otherSeats == 0 {
		m.ended = true
		return true, true
	}
	return true, m.dismiss(self)
}

// dismiss gives what only self had to the best heir. Rings go in the order of the
// machine's, which the model has to be told: see order.
func (m *model) dismiss(self string) bool {
	m.members[self].state = "leaving"
	heirFor := func(role string) string {
		best := ""
		better := func(a, b string) bool {
			x, y := m.members[a], m.members[b]
			if (x.state == "live") != (y.state == "live") {
				return x.state == "live"
			}
			if m.count(a) != m.count(b) {
				return m.count(a) < m.count(b)
			}
			return a < b
		}
		for n, v := range m.members {
			if v.state != "leaving" && strings.Contains(v.roles, role) && (best == "" || better(n, best)) {
				best = n
			}
		}
		return best
	}
	strip := func(list []string, role string) []string {
		if slices.Equal(list, []string{self}) {
			return []string{heirFor(role)}
		}
		return slices.DeleteFunc(list, func(n string) bool { return n == self })
	}
	for _, r := range m.order() {
		m.rings[r] = strip(m.rings[r], "replica")
	}
	for _, c := range m.types {
		c.servers = strip(c.servers, "cluster")
	}
	return true
}

// order is that in which rings were made: their names in the test count up.
func (m *model) order() []string { return slices.Sorted(maps.Keys(m.rings)) }

func (m *model) count(n string) (count int) {
	for _, list := range m.rings {
		if slices.Contains(list, n) {
			count++
		}
	}
	return count
}

func plain(list []gazetteer.NodeID) (out []string) {
	for _, n := range list {
		out = append(out, string(n))
	}
	return out
}

func (m *model) changeRings(e Edit) (changed, ok bool) {
	switch e := e.(type) {
	case AddRing:
		c := m.types[string(e.Type)]
		if c == nil || slices.Contains(c.rings, e.Ring) || m.rings[e.Ring] != nil && !slices.Equal(m.rings[e.Ring], plain(e.Members)) {
			return false, false
		}
		m.rings[e.Ring] = plain(e.Members)
		c.rings = append(c.rings, e.Ring)
		c.aim(e.Target)
		return true, true
	case RemoveRing:
		c := m.types[string(e.Type)]
		if c == nil || !slices.Contains(c.rings, e.Ring) || len(c.rings) == 1 {
			return false, false
		}
		c.rings = slices.DeleteFunc(c.rings, func(r string) bool { return r == e.Ring })
		c.aim(e.Target)
		m.sweep()
		return true, true
	case SetRing:
		old := m.rings[e.Ring]
		stays := slices.ContainsFunc(plain(e.Members), func(n string) bool {
			return slices.Contains(old, n) && m.members[n].state == "live"
		})
		changed = !slices.Equal(old, plain(e.Members))
		if old == nil || !stays && !e.Force {
			return false, false
		}
		m.rings[e.Ring] = plain(e.Members)
		return changed, true
	case AddType:
		d := m.types[""]
		if m.types[string(e.Type)] != nil || len(d.move) > 0 {
			return false, false
		}
		m.types[string(e.Type)] = &modelCluster{plain(e.Servers), slices.Clone(d.rings), slices.Clone(d.owner), slices.Clone(d.target), map[int]string{}, map[int]string{}, ""}
		return true, true
	case DropType:
		c, d := m.types[string(e.Type)], m.types[""]
		if c == nil || c == d || len(c.move)+len(d.move) > 0 || !slices.Equal(c.owner, d.owner) {
			return false, false
		}
		delete(m.types, string(e.Type))
		m.sweep()
		return true, true
	case SetServers:
		c := m.types[string(e.Type)]
		if c == nil {
			return false, false
		}
		changed = !slices.Equal(c.servers, plain(e.Servers))
		c.servers = plain(e.Servers)
		return changed, true
	}
	panic(e.kind())
}

func (m *model) setAuto(e SetAuto) (changed, ok bool) {
	c, a := m.types[string(e.Type)], e.Auto
	if c == nil || a != nil && (a.Min < 1 || a.Max < a.Min || a.Max > 8 || a.Rate <= 0 || a.Cooldown < time.Second || a.Cooldown > 720*time.Hour) {
		return false, false
	}
	before := c.auto
	c.auto = autoText(a)
	return c.auto != before, true
}

func autoText(a *cluster.Auto) string {
	if a == nil {
		return ""
	}
	return fmt.Sprintf("%d to %d, %v each, %v", a.Min, a.Max, a.Rate, a.Cooldown)
}

func (c *modelCluster) aim(target owners) {
	for p, phase := range c.move {
		if phase == "fills" && target[p] != c.target[p] {
			delete(c.move, p)
			delete(c.from, p)
		}
	}
	c.target = slices.Clone(target)
}

func (m *model) changeMoves(e Edit) (changed, ok bool) {
	switch e := e.(type) {
	case beginMoves:
		n := len(e.Partitions)
		for _, c := range m.types {
			n += len(c.move)
		}
		return m.eachMove(e.Type, e.Partitions, func(c *modelCluster, p int) bool {
			if c.move[p] != "" || c.owner[p] == c.target[p] || n > e.AtOnce {
				return false
			}
			c.move[p], c.from[p] = "fills", c.owner[p]
			return true
		})
	case SwitchMoves:
		return m.eachMove(e.Type, e.Partitions, func(c *modelCluster, p int) bool {
			if c.move[p] != "fills" {
				return false
			}
			c.move[p], c.owner[p] = "switched", c.target[p]
			return true
		})
	case FinishMoves:
		changed, ok = m.eachMove(e.Type, e.Partitions, func(c *modelCluster, p int) bool {
			if c.move[p] != "switched" {
				return false
			}
			delete(c.move, p)
			delete(c.from, p)
			return true
		})
		m.sweep()
		return changed, ok
	}
	panic(e.kind())
}

func (m *model) eachMove(t gazetteer.Type, list []uint32, do func(*modelCluster, int) bool) (changed, ok bool) {
	c := m.types[string(t)]
	if c == nil {
		return false, false
	}
	for _, p := range list {
		if !do(c, int(p)) {
			return false, false
		}
	}
	return len(list) > 0, true
}

// show writes down everything the model knows.
func (m *model) show() string {
	var b strings.Builder
	fmt.Fprintln(&b, m.epoch, m.ended, m.tree, m.peers, m.tokens)
	for _, n := range slices.Sorted(maps.Keys(m.members)) {
		fmt.Fprintln(&b, n, *m.members[n])
	}
	for _, r := range m.order() {
		fmt.Fprintln(&b, r, m.rings[r])
	}
	for _, t := range slices.Sorted(maps.Keys(m.types)) {
		c := m.types[t]
		fmt.Fprintln(&b, t, c.servers, c.rings, c.owner, c.target, c.auto)
		for _, p := range slices.Sorted(maps.Keys(c.move)) {
			fmt.Fprintln(&b, p, c.move[p], c.from[p])
		}
	}
	return b.String()
}

// modelOf reads a state into the model's words.
func modelOf(s *state) *model {
	m := &model{epoch: s.Epoch, ended: s.Ended, tree: string(s.Tree), members: map[string]*modelMember{}, rings: map[string][]string{}, types: map[string]*modelCluster{}, peers: map[string]string{}, tokens: map[string]int{}}
	for _, v := range s.Members {
		m.members[string(v.Name)] = &modelMember{string(v.State), fmt.Sprint(v.Roles), v.Addr}
	}
	for _, r := range s.Rings {
		m.rings[r.Name] = plain(r.Members)
	}
	for r, v := range s.Peers {
		m.peers[string(r)] = string(v)
	}
	for _, t := range s.Tokens {
		m.tokens[t.Hash] = t.Uses
	}
	for t, c := range map[gazetteer.Type]*shards{"": &s.Default} {
		m.types[string(t)] = modelOfCluster(c)
	}
	for t, c := range s.Types {
		m.types[string(t)] = modelOfCluster(c)
	}
	return m
}

func modelOfCluster(c *shards) *modelCluster {
	out := &modelCluster{plain(c.Servers), slices.Clone(c.Rings), slices.Clone(c.Owners), slices.Clone(c.Target), map[int]string{}, map[int]string{}, autoText(c.Auto)}
	for _, m := range c.Moves {
		out.move[int(m.Partition)] = "fills"
		if m.Switched {
			out.move[int(m.Partition)] = "switched"
		}
		out.from[int(m.Partition)] = m.From
	}
	return out
}

// A random life of a region: every command is accepted or refused as the model says, and
// then the two know the same. A snapshot may be taken and restored at any time. Lives are
// lived until every command was both accepted and refused: a short run has few of them.
func TestRandomCommandsMatchTheModel(t *testing.T) {
	counts := map[string]int{}
	for batch := 0; batch == 0 || batch < 20 && len(uncovered(counts)) > 0; batch++ {
		rapid.Check(t, func(t *rapid.T) { liveRandomly(t, counts) })
	}
	for _, what := range uncovered(counts) {
		t.Errorf("no command was %s: the run says nothing about it (%v)", what, counts)
	}
}

// uncovered lists what no life has had of what it should have.
func uncovered(counts map[string]int) (out []string) {
	never := []string{"found true", "found false", "set-node true", "set-node false", "revoke-token true", "revoke-token false", "add-token false"}
	for _, e := range edits() {
		for _, accepted := range []string{" true", " false"} {
			if what := e.blank.kind() + accepted; counts[what] == 0 && !slices.Contains(never, what) {
				out = append(out, what)
			}
		}
	}
	return out
}

func liveRandomly(t *rapid.T, counts map[string]int) {
	d := threeNodes()
	d.Partitions = 8
	first, err := foundingState(d, "a", "a/1")
	if err != nil {
		t.Fatal(err)
	}
	a := &machine{}
	data, err := Command{Edit: found{first}}.Encode()
	if err != nil {
		t.Fatal(err)
	}
	if r := a.apply(data); r.Err != nil {
		t.Fatal(r.Err)
	}
	m := modelOf(a.now.Load().state)
	g := &generator{t: t, m: m, rings: 10}
	for range rapid.IntRange(1, 200).Draw(t, "steps") {
		e := g.edit()
		c := Command{Edit: e}
		if e.guarded() {
			c.Expect = m.epoch - uint64(rapid.SampledFrom([]int{0, 0, 0, 0, 0, 0, 0, 1}).Draw(t, "late"))
		}
		data, err := c.Encode()
		if err != nil {
			t.Fatal(err)
		}
		next := m.try(e, c.Expect)
		r := a.apply(data)
		if (r.Err == nil) != (next != nil) {
			t.Fatalf("%s: the machine says %v, the model %v\n%s", data, r.Err, next != nil, m.show())
		}
		counts[fmt.Sprint(e.kind(), " ", r.Err == nil)]++
		if next != nil {
			m = next
			g.m = m
		}
		if got, want := modelOf(a.now.Load().state).show(), m.show(); got != want {
			t.Fatalf("after %s: got\n%s\nwant\n%s", data, got, want)
		}
		if rapid.IntRange(0, 9).Draw(t, "restart") == 0 {
			a = restarted(t, a)
		}
	}
}

func restarted(t *rapid.T, a *machine) *machine {
	data, err := a.seal()
	if err != nil {
		t.Fatal(err)
	}
	b := &machine{}
	if err := b.restore(data); err != nil {
		t.Fatal(err)
	}
	if again, err := b.seal(); err != nil || !bytes.Equal(again, data) {
		t.Fatalf("%v: restored and saved again it differs", err)
	}
	return b
}

// generator draws commands that have a chance: mostly of things that are there.
type generator struct {
	t     *rapid.T
	m     *model
	rings int
	made  int
}

func (g *generator) one(label string, from []string) string {
	return rapid.SampledFrom(append(from, "nobody")).Draw(g.t, label)
}

func (g *generator) some(label string, from []string) []gazetteer.NodeID {
	n := rapid.IntRange(1, 3).Draw(g.t, label)
	var out []gazetteer.NodeID
	for range n {
		if name := gazetteer.NodeID(rapid.SampledFrom(from).Draw(g.t, label)); !slices.Contains(out, name) {
			out = append(out, name)
		}
	}
	return out
}

func (g *generator) edit() Edit {
	names := slices.Sorted(maps.Keys(g.m.members))
	types := slices.Sorted(maps.Keys(g.m.types))
	ty := gazetteer.Type(g.one("type", types))
	force := rapid.IntRange(0, 4).Draw(g.t, "force") == 4
	switch rapid.IntRange(0, 22).Draw(g.t, "kind") {
	case 0, 1:
		return g.join()
	case 2, 3:
		return mark{ids(g.one("node", names)), rapid.SampledFrom([]MemberState{Live, Live, Dead}).Draw(g.t, "state")}
	case 4:
		return Remove{gazetteer.NodeID(g.one("node", names)), force}
	case 5:
		return forget{gazetteer.NodeID(g.one("node", names))}
	case 6, 7:
		return g.addRing(ty, names)
	case 8:
		return g.removeRing(ty)
	case 9:
		return SetRing{g.one("ring", g.m.order()), g.some("members", names), force}
	case 10:
		return AddType{gazetteer.Type(rapid.SampledFrom([]string{"maps", "ndt"}).Draw(g.t, "new type")), g.some("servers", names)}
	case 11:
		return DropType{gazetteer.Type(rapid.SampledFrom([]string{"maps", "ndt", "nope"}).Draw(g.t, "old type"))}
	case 12:
		return SetServers{ty, g.some("servers", names)}
	case 13, 14:
		return beginMoves{ty, g.partitions(ty, func(c *modelCluster, p int) bool { return c.owner[p] != c.target[p] }), rapid.IntRange(1, 6).Draw(g.t, "at once")}
	case 15, 18:
		return SwitchMoves{ty, g.partitions(ty, func(c *modelCluster, p int) bool { return c.move[p] == "fills" })}
	case 16, 19:
		return FinishMoves{ty, g.partitions(ty, func(c *modelCluster, p int) bool { return c.move[p] == "switched" })}
	case 17:
		return SetPeer{gazetteer.RegionID(rapid.SampledFrom([]string{"ams", "lhr"}).Draw(g.t, "peer")), g.value()}
	case 20:
		return SetAuto{ty, g.auto()}
	case 21:
		return DropPeer{gazetteer.RegionID(g.one("old peer", slices.Sorted(maps.Keys(g.m.peers))))}
	}
	return SetTree{g.value()}
}

// auto draws orders, good ones more often than not.
func (g *generator) auto() *cluster.Auto {
	if rapid.IntRange(0, 3).Draw(g.t, "off") == 0 {
		return nil
	}
	return &cluster.Auto{
		Min: rapid.IntRange(0, 3).Draw(g.t, "min"), Max: rapid.SampledFrom([]int{3, 3, 8, 9}).Draw(g.t, "max"),
		Rate:     rapid.SampledFrom([]float64{0.1, 1e9, 0}).Draw(g.t, "rate"),
		Cooldown: rapid.SampledFrom([]time.Duration{time.Second, time.Hour, time.Millisecond, 721 * time.Hour}).Draw(g.t, "cooldown"),
	}
}

func (g *generator) value() []byte {
	return []byte(rapid.SampledFrom([]string{"", "x", "y"}).Draw(g.t, "value"))
}

// join makes a token first, or uses one that is there.
func (g *generator) join() Edit {
	g.made++
	hash := fmt.Sprintf("%064x", g.made)
	if len(g.m.tokens) == 0 || rapid.Bool().Draw(g.t, "new token") {
		return addToken{Token: joinToken{Hash: hash, Roles: allRoles, Uses: rapid.IntRange(1, 3).Draw(g.t, "uses"), Expires: at + 1000}, At: at}
	}
	name := g.one("name", append(slices.Sorted(maps.Keys(g.m.members)), "d", "e", "f"))
	roles := [][]region.Role{allRoles, allRoles[1:], allRoles[2:], allRoles[:1]}
	return join{
		Node:   Node{Name: gazetteer.NodeID(name), Addr: rapid.SampledFrom([]string{name + ":1", name + ":2", "10.0.0.1:7070"}).Draw(g.t, "addr"), Roles: rapid.SampledFrom(roles).Draw(g.t, "roles")},
		Server: fmt.Sprint(name, "/", g.made), Hash: rapid.SampledFrom(slices.Sorted(maps.Keys(g.m.tokens))).Draw(g.t, "token"), At: at,
	}
}

func (g *generator) addRing(ty gazetteer.Type, names []string) Edit {
	g.rings++
	e := AddRing{Type: ty, Ring: fmt.Sprintf("r%03d", g.rings), Members: g.some("members", names)}
	if rapid.IntRange(0, 3).Draw(g.t, "shared") == 0 {
		e.Ring = g.one("ring", g.m.order())
		e.Members = ids(g.m.rings[e.Ring]...)
	}
	var rings []string
	if c := g.m.types[string(ty)]; c != nil {
		rings = c.rings
	}
	e.Target = g.target(append(slices.Clone(rings), e.Ring))
	return e
}

func (g *generator) removeRing(ty gazetteer.Type) Edit {
	rings := g.m.order()
	if c := g.m.types[string(ty)]; c != nil {
		rings = c.rings
	}
	e := RemoveRing{Type: ty, Ring: g.one("ring", rings)}
	rest := slices.DeleteFunc(slices.Clone(rings), func(r string) bool { return r == e.Ring })
	if len(rest) == 0 {
		rest = rings
	}
	e.Target = g.target(rest)
	return e
}

func (g *generator) target(rings []string) owners {
	p, err := cluster.Propose(slices.Compact(slices.Sorted(slices.Values(rings))), 8)
	if err != nil {
		g.t.Fatal(err)
	}
	return owners(p)
}

// partitions draws some for which an edit makes sense, or one for which it may not.
func (g *generator) partitions(ty gazetteer.Type, fits func(*modelCluster, int) bool) (out []uint32) {
	c := g.m.types[string(ty)]
	for p := range 8 {
		if c != nil && fits(c, p) && len(out) < 3 {
			out = append(out, uint32(p))
		}
	}
	if len(out) == 0 || rapid.IntRange(0, 9).Draw(g.t, "any partition") == 0 {
		out = []uint32{uint32(rapid.IntRange(0, 7).Draw(g.t, "partition"))}
	}
	return out
}
