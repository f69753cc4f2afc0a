package control

import (
	"maps"
	"slices"

	"gazetteer"
	"gazetteer/cluster"
	"gazetteer/region"
)

// found makes the first plan of a region. It carries the whole state: what a library
// proposed is in it as a table.
type found struct {
	State *state `json:"state"`
}

func (found) kind() string  { return "found" }
func (found) guarded() bool { return false }

func (e found) edit(s *state) (bool, error) {
	if e.State == nil || e.State.Epoch == 0 {
		return false, refuse(gazetteer.Unprocessable, "/state", "no plan to begin with")
	}
	*s = *e.State.clone()
	s.Epoch-- // it is counted up like every change
	return true, nil
}

// foundingState makes the state of a region that begins with what d says and with one
// live member. All others that d names have yet to join.
func foundingState(d Description, self gazetteer.NodeID, server string) (*state, error) {
	p, err := New(d)
	if err != nil {
		return nil, err
	}
	n, err := p.Node(self)
	if err != nil {
		return nil, err
	}
	if !slices.Contains(n.Roles, region.RoleRegion) {
		return nil, bad("/nodes", "the node %q founds the region but does not have the role region", self)
	}
	s := &state{Region: p.region, Partitions: p.partitions, Epoch: p.epoch, Default: shardsOf(p.others)}
	for _, n := range p.nodes {
		m := Member{Node: n, State: Joining, Since: p.epoch}
		if n.Name == self {
			m.State, m.Server = Live, server
		}
		s.Members = append(s.Members, m)
	}
	s.addShards(p.others)
	for _, t := range slices.Sorted(maps.Keys(d.Types)) {
		s.addType(t, shardsOf(p.types[t]))
		s.addShards(p.types[t])
	}
	return s, nil
}

func (s *state) addType(t gazetteer.Type, c shards) {
	if s.Types == nil {
		s.Types = map[gazetteer.Type]*shards{}
	}
	s.Types[t] = &c
}

func (s *state) addShards(c *cluster.Plan) {
	for _, r := range c.Rings() {
		s.Rings = append(s.Rings, shard{Name: r.Name, Members: slices.Clone(r.Members)})
	}
}

func shardsOf(c *cluster.Plan) shards {
	out := shards{
		Servers: slices.Clone(c.Servers()),
		Owners:  owners(slices.Clone(c.Placement())),
		Target:  owners(slices.Clone(c.Placement())),
	}
	for _, r := range c.Rings() {
		out.Rings = append(out.Rings, r.Name)
	}
	return out
}
