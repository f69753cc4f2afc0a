package control

import (
	"slices"
	"strings"

	"gazetteer"
	"gazetteer/region"
)

// join lets a process in, against a token. Sent again by the same process, it changes
// nothing: the first answer may have been lost.
type join struct {
	Node   Node   `json:"node"`
	Server string `json:"server"`
	Hash   string `json:"hash"` // of the token; the token itself is in no log
	At     int64  `json:"at"`   // the leader's clock, in milliseconds since 1970
}

func (join) kind() string  { return "join" }
func (join) guarded() bool { return false }

func (e join) edit(s *state) (bool, error) {
	t := s.token(e.Hash)
	if t == nil {
		return false, refuse(gazetteer.Denied, "/token", "this join token is not known here: it has expired, was revoked, or is another region's; make a new one")
	}
	old := s.member(e.Node.Name)
	if old != nil && e.repeats(old, t) {
		return false, nil
	}
	if err := t.admit(e); err != nil {
		return false, err
	}
	if old != nil && old.State != Dead && old.State != Joining {
		return false, refuse(gazetteer.Conflict, "/node/name", "the name %q is taken by a member that is %s: take another name, or wait until it is dead or removed", e.Node.Name, old.State)
	}
	t.Uses--
	m := Member{Node: e.Node, Server: e.Server, Token: t.id()}
	s.setState(&m, Joining)
	if old == nil {
		s.Members = append(s.Members, m)
	} else {
		*old = m
	}
	return true, nil
}

func (e join) repeats(old *Member, t *joinToken) bool {
	return old.State == Joining && old.Server == e.Server && old.Token == t.id() &&
		old.Addr == e.Node.Addr && old.HTTP == e.Node.HTTP && slices.Equal(old.Roles, e.Node.Roles)
}

// mark says whether members live. A plan knows it of the leader, late and for all; the
// own view of a replica is quicker and for itself.
type mark struct {
	Nodes []gazetteer.NodeID `json:"nodes"`
	State MemberState        `json:"state"` // Live or Dead
}

func (mark) kind() string  { return "mark" }
func (mark) guarded() bool { return true }

func (e mark) edit(s *state) (changed bool, err error) {
	if e.State != Live && e.State != Dead {
		return false, refuse(gazetteer.Unprocessable, "/state", "%q is not %s or %s", e.State, Live, Dead)
	}
	for _, n := range e.Nodes {
		m := s.member(n)
		switch {
		case m == nil:
			return false, unknownMember(s, n)
		case m.State == Leaving || m.State == e.State || m.State == Joining && e.State == Dead:
		default:
			s.setState(m, e.State)
			changed = true
		}
	}
	return changed, nil
}

// Remove takes a member out of the region: out of its rings and clusters now, out of the
// plan when the others know. What would be lost with it makes it refused unless forced;
// then another member takes its place, with nothing to begin with. The region's last
// regional server, removed by force, ends the region: the plan stays as it is for good.
type Remove struct {
	Node  gazetteer.NodeID `json:"node"`
	Force bool             `json:"force,omitempty"`
}

func (Remove) kind() string  { return "remove" }
func (Remove) guarded() bool { return true }

func (e Remove) edit(s *state) (bool, error) {
	m := s.member(e.Node)
	if m == nil {
		return false, unknownMember(s, e.Node)
	}
	if m.State == Leaving {
		return false, nil
	}
	if lost := s.lostWith(m); len(lost) > 0 && !e.Force {
		return false, refuse(gazetteer.Conflict, "/node", "%q stays: %s. Add what takes its place first, or force it", e.Node, strings.Join(lost, "; "))
	}
	if s.last(m) {
		s.Ended = true
		return true, nil
	}
	return true, s.dismiss(m)
}

// lostWith names what the region would lose with a member.
func (s *state) lostWith(m *Member) (lost []string) {
	others := func(nodes []gazetteer.NodeID, want ...MemberState) bool {
		return slices.ContainsFunc(nodes, func(n gazetteer.NodeID) bool {
			return n != m.Name && slices.Contains(want, s.member(n).State)
		})
	}
	if m.is(region.RoleRegion) && !others(s.regional(), Live) {
		lost = append(lost, "it is the region's last live regional server, and without one nobody answers requests and nobody can change the plan")
	}
	for _, r := range s.Rings {
		if slices.Contains(r.Members, m.Name) && !others(r.Members, Live) {
			lost = append(lost, s.lostWithRing(r.Name))
		}
	}
	for _, t := range s.clusterNames() {
		servers := s.clusterOf(t).Servers
		if slices.Contains(servers, m.Name) && !others(servers, Live, Joining, Dead) {
			lost = append(lost, "it is the last cluster server of "+clusterText(t))
		}
	}
	return lost
}

// lostWithRing says what the last live replica of a ring holds.
func (s *state) lostWithRing(name string) string {
	var held []string
	for _, t := range s.clusterNames() {
		if n := countOf(s.clusterOf(t).Owners, name); n > 0 {
			held = append(held, counted(n, "partition")+" of "+clusterText(t))
		}
	}
	if held == nil {
		held = []string{"nothing yet"}
	}
	return "it is the last live replica of the ring " + name + ", which holds " + strings.Join(held, " and ")
}

// last reports whether nobody of the regional servers would be left.
func (s *state) last(m *Member) bool {
	return m.seated() && !slices.ContainsFunc(s.Members, func(o Member) bool { return o.Name != m.Name && o.seated() })
}

func (s *state) regional() (out []gazetteer.NodeID) {
	for _, m := range s.Members {
		if m.is(region.RoleRegion) {
			out = append(out, m.Name)
		}
	}
	return out
}

// dismiss takes a member out of all rings and clusters, with heirs where it was alone.
func (s *state) dismiss(m *Member) error {
	s.setState(m, Leaving)
	for i := range s.Rings {
		members, err := s.without(m.Name, s.Rings[i].Members, region.RoleReplica)
		if err != nil {
			return err
		}
		s.Rings[i].Members = members
	}
	for _, t := range s.clusterNames() {
		servers, err := s.without(m.Name, s.clusterOf(t).Servers, region.RoleCluster)
		if err != nil {
			return err
		}
		s.clusterOf(t).Servers = servers
	}
	return nil
}

func (s *state) without(n gazetteer.NodeID, list []gazetteer.NodeID, r region.Role) ([]gazetteer.NodeID, error) {
	if !slices.Contains(list, n) {
		return list, nil
	}
	rest := slices.DeleteFunc(slices.Clone(list), func(o gazetteer.NodeID) bool { return o == n })
	if len(rest) > 0 {
		return rest, nil
	}
	heir := s.heir(r)
	if heir == "" {
		return nil, refuse(gazetteer.Conflict, "/node", "%q stays, by force too: no other node has the role %s, and a plan without one is none", n, r)
	}
	return []gazetteer.NodeID{heir}, nil
}

// heir returns the member that takes over a role: a live one if there is one, of these
// one with the fewest rings, of these the first by name.
func (s *state) heir(r region.Role) gazetteer.NodeID {
	var best *Member
	for i := range s.Members {
		m := &s.Members[i]
		if m.is(r) && m.State != Leaving && (best == nil || s.before(m, best)) {
			best = m
		}
	}
	if best == nil {
		return ""
	}
	return best.Name
}

func (s *state) before(a, b *Member) bool {
	if (a.State == Live) != (b.State == Live) {
		return a.State == Live
	}
	if x, y := s.ringCount(a.Name), s.ringCount(b.Name); x != y {
		return x < y
	}
	return a.Name < b.Name
}

func (s *state) ringCount(n gazetteer.NodeID) (count int) {
	for _, r := range s.Rings {
		if slices.Contains(r.Members, n) {
			count++
		}
	}
	return count
}

// forget strikes a leaving member from the plan, when nobody asks it for anything any
// more.
type forget struct {
	Node gazetteer.NodeID `json:"node"`
}

func (forget) kind() string  { return "forget" }
func (forget) guarded() bool { return true }

func (e forget) edit(s *state) (bool, error) {
	m := s.member(e.Node)
	if m == nil {
		return false, unknownMember(s, e.Node)
	}
	if m.State != Leaving {
		return false, refuse(gazetteer.Conflict, "/node", "%q is %s: remove it first", e.Node, m.State)
	}
	s.Members = slices.DeleteFunc(s.Members, func(o Member) bool { return o.Name == e.Node })
	return true, nil
}

// setNode changes where a member is reached.
type setNode struct {
	Node gazetteer.NodeID `json:"node"`
	Addr string           `json:"peer,omitempty"`
	HTTP string           `json:"http,omitempty"`
}

func (setNode) kind() string  { return "set-node" }
func (setNode) guarded() bool { return true }

func (e setNode) edit(s *state) (bool, error) {
	m := s.member(e.Node)
	if m == nil {
		return false, unknownMember(s, e.Node)
	}
	if m.Addr == e.Addr && m.HTTP == e.HTTP {
		return false, nil
	}
	m.Addr, m.HTTP = e.Addr, e.HTTP
	return true, nil
}

func unknownMember(s *state, n gazetteer.NodeID) error {
	var known []string
	for _, m := range s.Members {
		if len(known) == 10 {
			known = append(known, "...")
			break
		}
		known = append(known, string(m.Name))
	}
	return refuse(gazetteer.NotFound, "/node", "no member is named %q; there are %s", n, strings.Join(known, ", "))
}
