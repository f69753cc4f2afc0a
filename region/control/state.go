package control

import (
	"maps"
	"slices"

	"gazetteer"
	"gazetteer/cluster"
	"gazetteer/region"
)

// state is what the regional servers of a region agree on: the plan, and the join tokens
// beside it. It holds no clock, no address book and no liveness of its own: the same
// commands make the same state on every member. What a [machine] has shown is never
// changed again; an edit works on a copy.
type state struct {
	Region     gazetteer.RegionID `json:"region"`
	Partitions uint32             `json:"partitions"`
	Epoch      uint64             `json:"epoch"`           // 0: not founded
	Ended      bool               `json:"ended,omitempty"` // the last regional server was removed by force
	Members    []Member           `json:"members"`         // in the order of their arrival
	// Rings stand beside the clusters: a type that gets a cluster of its own begins
	// with the rings that held it before.
	Rings   []shard                       `json:"rings"`
	Default shards                        `json:"default"`
	Types   map[gazetteer.Type]*shards    `json:"types,omitempty"`
	Peers   map[gazetteer.RegionID][]byte `json:"peers,omitempty"`
	Tree    []byte                        `json:"tree,omitempty"`
	Tokens  []joinToken                   `json:"tokens,omitempty"`
}

// Member is a process of the region and how it stands to it.
type Member struct {
	Node
	State MemberState `json:"state"`
	// Server names the process' data directory. A machine that comes back with an
	// empty one has another, so that raft never takes it for one that remembers.
	Server string `json:"server,omitempty"`
	Token  string `json:"token,omitempty"` // the id of the token that it came with
	Since  uint64 `json:"since"`           // the epoch at which State became this
}

// MemberState says how a member stands to the region.
type MemberState string

const (
	// Joining: the plan names it, but it has not reported that it uses the plan.
	Joining MemberState = "joining"
	// Live: it answers, as far as the leader knows.
	Live MemberState = "live"
	// Dead: it does not answer. It stays a configured member of its rings, so it still
	// counts for what a majority is; only who is asked and who links to whom changes.
	Dead MemberState = "dead"
	// Leaving: it holds and serves nothing any more, and is forgotten when the others
	// know that.
	Leaving MemberState = "leaving"
)

// shard is one ring of the region: its configured members, in ring order.
type shard struct {
	Name    string             `json:"name"`
	Members []gazetteer.NodeID `json:"members"`
}

// shards is the cluster of one type, or of all types without their own.
type shards struct {
	Servers []gazetteer.NodeID `json:"servers"`
	Rings   []string           `json:"rings"` // over which Target spreads
	Owners  owners             `json:"owners"`
	Target  owners             `json:"target"` // where the partitions are to go, a few at a time
	Moves   []Move             `json:"moves,omitempty"`
	Auto    *cluster.Auto      `json:"auto,omitempty"` // never changed; nil: an operator adds and removes rings
}

// Move is one partition on its way from one ring to another. Until it has switched, From
// owns it and To fills; then To owns it, and From keeps it and its link to To until the
// move is finished.
type Move struct {
	Partition uint32 `json:"partition"`
	From      string `json:"from"`
	To        string `json:"to"`
	Switched  bool   `json:"switched,omitempty"`
}

func (s *state) clone() *state {
	c := *s
	c.Members = slices.Clone(s.Members)
	c.Rings = slices.Clone(s.Rings)
	for i := range c.Rings {
		c.Rings[i].Members = slices.Clone(s.Rings[i].Members)
	}
	c.Default = s.Default.clone()
	c.Types = maps.Clone(s.Types)
	for t, old := range s.Types {
		if old != nil { // what was read from outside is not checked yet
			own := old.clone()
			c.Types[t] = &own
		}
	}
	c.Peers = maps.Clone(s.Peers)
	c.Tokens = slices.Clone(s.Tokens)
	return &c
}

func (c *shards) clone() shards {
	return shards{
		Servers: slices.Clone(c.Servers),
		Rings:   slices.Clone(c.Rings),
		Owners:  slices.Clone(c.Owners),
		Target:  slices.Clone(c.Target),
		Moves:   slices.Clone(c.Moves),
		Auto:    c.Auto,
	}
}

func (s *state) member(n gazetteer.NodeID) *Member {
	i := slices.IndexFunc(s.Members, func(m Member) bool { return m.Name == n })
	if i < 0 {
		return nil
	}
	return &s.Members[i]
}

func (s *state) ring(name string) *shard {
	i := slices.IndexFunc(s.Rings, func(r shard) bool { return r.Name == name })
	if i < 0 {
		return nil
	}
	return &s.Rings[i]
}

// clusterOf returns the cluster that is changed under a name: the default for "", else
// the type's own, nil if it has none.
func (s *state) clusterOf(t gazetteer.Type) *shards {
	if t == "" {
		return &s.Default
	}
	return s.Types[t]
}

// clusterNames returns the names under which clusters are changed, in one order for all.
func (s *state) clusterNames() []gazetteer.Type {
	return append([]gazetteer.Type{""}, slices.Sorted(maps.Keys(s.Types))...)
}

// names returns the rings that have anything to do with a cluster: those it spreads
// over, then those that still own or keep some of it.
func (c *shards) names() []string {
	out := slices.Clone(c.Rings)
	add := func(name string) {
		if !slices.Contains(out, name) {
			out = append(out, name)
		}
	}
	for _, name := range slices.Compact(slices.Clone(c.Owners)) {
		add(name)
	}
	for _, m := range c.Moves {
		add(m.From)
		add(m.To)
	}
	return out
}

// pending lists the moves that have not begun.
func (c *shards) pending() []cluster.Move {
	all, err := cluster.Placement(c.Owners).Moves(cluster.Placement(c.Target))
	if err != nil {
		return nil // of different length: check refuses such a state
	}
	return slices.DeleteFunc(all, func(m cluster.Move) bool { return c.move(m.Partition) >= 0 })
}

// move returns the index of the move of a partition, -1 if it is not under way.
func (c *shards) move(partition uint32) int {
	return slices.IndexFunc(c.Moves, func(m Move) bool { return m.Partition == partition })
}

// dropUnused forgets the rings that no cluster has anything to do with any more.
func (s *state) dropUnused() {
	used := map[string]bool{}
	for _, t := range s.clusterNames() {
		for _, name := range s.clusterOf(t).names() {
			used[name] = true
		}
	}
	s.Rings = slices.DeleteFunc(s.Rings, func(r shard) bool { return !used[r.Name] })
}

func (m *Member) is(r region.Role) bool { return slices.Contains(m.Roles, r) }

// seated reports whether a member is one of the regional servers that hold the internal
// types: one that never reported would only be missing from their majority.
func (m *Member) seated() bool {
	return m.is(region.RoleRegion) && (m.State == Live || m.State == Dead)
}

func (s *state) setState(m *Member, to MemberState) { m.State, m.Since = to, s.Epoch+1 }
