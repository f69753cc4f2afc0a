package control

import (
	"errors"
	"fmt"
	"slices"

	"gazetteer"
	"gazetteer/cluster"
	"gazetteer/region"
)

// SetAuto makes the rings of a cluster follow its demand, within what Auto says; nil leaves
// them to the operator again. Make it with [Plan.WithAuto].
type SetAuto struct {
	Type gazetteer.Type `json:"type,omitempty"` // "" for the default cluster
	Auto *cluster.Auto  `json:"auto,omitempty"`
}

func (SetAuto) kind() string  { return "set-auto" }
func (SetAuto) guarded() bool { return true }

func (e SetAuto) edit(s *state) (bool, error) {
	c, err := s.named(e.Type)
	if err != nil {
		return false, err
	}
	if err := checkAuto(e.Auto, s.Partitions, "/auto"); err != nil {
		return false, err
	}
	if sameAuto(c.Auto, e.Auto) {
		return false, nil
	}
	c.Auto = e.Auto
	return true, nil
}

// checkAuto refuses what cannot be followed; nil can be.
func checkAuto(a *cluster.Auto, partitions uint32, at string) error {
	if a == nil {
		return nil
	}
	var e *gazetteer.Error
	if errors.As(a.Check(partitions), &e) {
		return refuse(e.Kind, at+e.Pointer, "%s", e.Detail)
	}
	return nil
}

func sameAuto(a, b *cluster.Auto) bool { return a == b || a != nil && b != nil && *a == *b }

// WithAuto returns the command by which the rings of a cluster follow its demand, or with
// nil no more. What a says is refused here if it cannot be followed.
func (p *Plan) WithAuto(t gazetteer.Type, a *cluster.Auto) (Command, error) {
	if _, err := p.clusterToEdit(t); err != nil {
		return Command{}, err
	}
	if err := checkAuto(a, p.partitions, "/auto"); err != nil {
		return Command{}, err
	}
	return Command{Expect: p.epoch, Edit: SetAuto{Type: t, Auto: a}}, nil
}

// Auto returns what the rings of a cluster follow their demand by; nil if they do not, or
// if there is no such cluster.
func (p *Plan) Auto(t gazetteer.Type) *cluster.Auto {
	if p.agreed == nil || p.agreed.clusterOf(t) == nil {
		return nil
	}
	return p.agreed.clusterOf(t).Auto
}

// Follower is a cluster whose rings follow its demand.
type Follower struct {
	Type  gazetteer.Type // "" for the default cluster
	Auto  cluster.Auto
	Rings []string // over which it spreads, the newest last; not to be changed
}

// Equal reports whether two say the same.
func (f *Follower) Equal(o *Follower) bool {
	return f.Type == o.Type && f.Auto == o.Auto && slices.Equal(f.Rings, o.Rings)
}

// Followers returns the clusters whose rings follow their demand: the default one first,
// then those of types by name.
func (p *Plan) Followers() (out []Follower) {
	if p.agreed == nil {
		return nil
	}
	for _, t := range p.agreed.clusterNames() {
		if c := p.agreed.clusterOf(t); c.Auto != nil {
			out = append(out, Follower{t, *c.Auto, c.Rings})
		}
	}
	return out
}

// Moving reports whether partitions of any cluster are on their way between rings, or have
// yet to go.
func (p *Plan) Moving() bool {
	return p.agreed != nil && slices.ContainsFunc(p.agreed.clusterNames(), func(t gazetteer.Type) bool {
		return p.Pending(t) > 0
	})
}

// Spares returns the live replicas that no ring has, in the order of their arrival. There
// are none while a ring of the default cluster is open: the next of them belongs there.
func (p *Plan) Spares() (out []gazetteer.NodeID) {
	if p.agreed == nil || p.agreed.openRing() != nil {
		return nil
	}
	for i := range p.agreed.Members {
		m := &p.agreed.Members[i]
		if m.State == Live && m.is(region.RoleReplica) && !p.agreed.mirrors(m.Name) {
			out = append(out, m.Name)
		}
	}
	return out
}

// WithSpares returns the command that gives a cluster one more ring, of spare replicas: as
// many as its largest ring has. With fewer of them it is refused, and nothing is done by
// halves.
func (p *Plan) WithSpares(t gazetteer.Type) (Command, error) {
	c, err := p.clusterToEdit(t)
	if err != nil {
		return Command{}, err
	}
	want, spares := p.agreed.ringSize(c), p.Spares()
	if len(spares) < want {
		return Command{}, refuse(gazetteer.Conflict, "/members", "one more ring of %s takes %s that no ring has, there are %d: let more join with gazetteer member token", clusterText(t), counted(want, "live replica"), len(spares))
	}
	return p.WithRing(t, p.agreed.freeName(), spares[:want])
}

// WithoutNewest returns the command that takes the ring that was added last out of a
// cluster. It is refused while a member of one of the cluster's rings does not live: what
// has to be filled has copies to be filled from now.
func (p *Plan) WithoutNewest(t gazetteer.Type) (Command, error) {
	c, err := p.clusterToEdit(t)
	if err != nil {
		return Command{}, err
	}
	for _, name := range c.Rings {
		for _, n := range p.agreed.ring(name).Members {
			if p.agreed.member(n).State != Live {
				return Command{}, refuse(gazetteer.Conflict, "/ring", "%s keeps its rings while %q, a replica of %s, does not live", clusterText(t), n, name)
			}
		}
	}
	return p.WithoutRing(t, c.Rings[len(c.Rings)-1])
}

// ringSize is how many replicas the largest ring of a cluster has.
func (s *state) ringSize(c *shards) (size int) {
	for _, name := range c.Rings {
		size = max(size, len(s.ring(name).Members))
	}
	return size
}

// freeName names a ring as no other of the region is named.
func (s *state) freeName() string {
	for i := 1; ; i++ {
		if name := fmt.Sprintf("ring-%d", i); s.ring(name) == nil {
			return name
		}
	}
}
