package control

import (
	"fmt"
	"slices"

	"gazetteer"
)

// AddRing gives a cluster one more ring. Nothing moves by that alone: Target says where
// the partitions are to go, and they go a few at a time. Make it with [Plan.WithRing].
type AddRing struct {
	Type    gazetteer.Type     `json:"type,omitempty"` // "" for the default cluster
	Ring    string             `json:"ring"`
	Members []gazetteer.NodeID `json:"members"`
	Target  owners             `json:"target"`
}

func (AddRing) kind() string  { return "add-ring" }
func (AddRing) guarded() bool { return true }

func (e AddRing) edit(s *state) (bool, error) {
	c, err := s.named(e.Type)
	if err != nil {
		return false, err
	}
	if slices.Contains(c.Rings, e.Ring) {
		return false, refuse(gazetteer.Conflict, "/ring", "the ring %q is there already", e.Ring)
	}
	switch r := s.ring(e.Ring); {
	case r == nil:
		s.Rings = append(s.Rings, shard{Name: e.Ring, Members: e.Members})
	case !slices.Equal(r.Members, e.Members):
		return false, refuse(gazetteer.Conflict, "/members", "a ring %q with the members %v is there already", e.Ring, r.Members)
	}
	c.Rings = append(c.Rings, e.Ring)
	c.retarget(e.Target)
	return true, nil
}

// RemoveRing takes a ring out of a cluster, when its partitions have moved to where
// Target says. Make it with [Plan.WithoutRing].
type RemoveRing struct {
	Type   gazetteer.Type `json:"type,omitempty"`
	Ring   string         `json:"ring"`
	Target owners         `json:"target"`
}

func (RemoveRing) kind() string  { return "remove-ring" }
func (RemoveRing) guarded() bool { return true }

func (e RemoveRing) edit(s *state) (bool, error) {
	c, err := s.named(e.Type)
	if err != nil {
		return false, err
	}
	i := slices.Index(c.Rings, e.Ring)
	if i < 0 {
		return false, refuse(gazetteer.NotFound, "/ring", "%s has no ring %q; it has %v", clusterText(e.Type), e.Ring, c.Rings)
	}
	if len(c.Rings) == 1 {
		return false, refuse(gazetteer.Conflict, "/ring", "%q is the last ring of %s: its %s would have no owner; add another first", e.Ring, clusterText(e.Type), counted(len(c.Owners), "partition"))
	}
	c.Rings = slices.Delete(c.Rings, i, i+1)
	c.retarget(e.Target)
	s.dropUnused()
	return true, nil
}

// retarget says where partitions are to go. Those that fill where nothing is to go any
// more stay with their owner; those that have switched come to their end first.
func (c *shards) retarget(target owners) {
	c.Target = target
	c.Moves = slices.DeleteFunc(c.Moves, func(m Move) bool {
		return !m.Switched && (int(m.Partition) >= len(target) || target[m.Partition] != m.To)
	})
}

// SetRing changes who mirrors a ring. At least one live replica stays, unless forced:
// new ones have nothing to begin with.
type SetRing struct {
	Ring    string             `json:"ring"`
	Members []gazetteer.NodeID `json:"members"` // in ring order
	Force   bool               `json:"force,omitempty"`
}

func (SetRing) kind() string  { return "set-ring" }
func (SetRing) guarded() bool { return true }

func (e SetRing) edit(s *state) (bool, error) {
	r := s.ring(e.Ring)
	if r == nil {
		return false, refuse(gazetteer.NotFound, "/ring", "no ring is named %q", e.Ring)
	}
	stays := slices.ContainsFunc(r.Members, func(n gazetteer.NodeID) bool {
		return s.member(n).State == Live && slices.Contains(e.Members, n)
	})
	if !stays && !e.Force {
		return false, refuse(gazetteer.Conflict, "/members", "no live replica of the ring %s would stay: what it holds would be lost; keep one of %v until the new ones are filled, or force it", e.Ring, r.Members)
	}
	if slices.Equal(r.Members, e.Members) {
		return false, nil
	}
	r.Members = e.Members
	return true, nil
}

// AddType gives a type a cluster of its own. It begins with the rings and the owners of
// the default cluster, so nothing moves until a ring is added. Its rings follow nothing: the
// orders of the default cluster were given for another demand.
type AddType struct {
	Type    gazetteer.Type     `json:"type"`
	Servers []gazetteer.NodeID `json:"servers"`
}

func (AddType) kind() string  { return "add-type" }
func (AddType) guarded() bool { return true }

func (e AddType) edit(s *state) (bool, error) {
	if s.Types[e.Type] != nil {
		return false, refuse(gazetteer.Conflict, "/type", "the type %q has a cluster of its own already", e.Type)
	}
	if n := len(s.Default.Moves); n > 0 {
		return false, refuse(gazetteer.Conflict, "/type", "%s of the default cluster are on their way: retry when they have come to their end", counted(n, "partition"))
	}
	c := s.Default.clone()
	c.Servers, c.Auto = e.Servers, nil
	s.addType(e.Type, c)
	return true, nil
}

// DropType puts a type back into the default cluster. Its partitions have to be where
// the default cluster has them: move them by adding and removing rings.
type DropType struct {
	Type gazetteer.Type `json:"type"`
}

func (DropType) kind() string  { return "drop-type" }
func (DropType) guarded() bool { return true }

func (e DropType) edit(s *state) (bool, error) {
	c, d := s.Types[e.Type], &s.Default
	if c == nil {
		return false, unknownType(e.Type)
	}
	if len(c.Moves)+len(d.Moves) > 0 || !slices.Equal(c.Owners, d.Owners) {
		return false, refuse(gazetteer.Conflict, "/type", "partitions of the type %q are not where the default cluster has its own: give it the rings %v and no others, and retry when nothing moves", e.Type, d.Rings)
	}
	delete(s.Types, e.Type)
	s.dropUnused()
	return true, nil
}

// SetServers says who are the cluster servers of a type, in one order for all.
type SetServers struct {
	Type    gazetteer.Type     `json:"type,omitempty"`
	Servers []gazetteer.NodeID `json:"servers"`
}

func (SetServers) kind() string  { return "set-servers" }
func (SetServers) guarded() bool { return true }

func (e SetServers) edit(s *state) (bool, error) {
	c, err := s.named(e.Type)
	if err != nil || slices.Equal(c.Servers, e.Servers) {
		return false, err
	}
	c.Servers = e.Servers
	return true, nil
}

// named returns the cluster that an edit means.
func (s *state) named(t gazetteer.Type) (*shards, error) {
	c := s.clusterOf(t)
	if c == nil {
		return nil, unknownType(t)
	}
	return c, nil
}

func unknownType(t gazetteer.Type) error {
	return refuse(gazetteer.NotFound, "/type", "the type %q has no cluster of its own: the default cluster serves it", t)
}

func clusterText(t gazetteer.Type) string {
	if t == "" {
		return "the default cluster"
	}
	return "the type " + string(t)
}

func countOf(list []string, name string) (n int) {
	for _, s := range list {
		if s == name {
			n++
		}
	}
	return n
}

func counted(n int, what string) string {
	if n != 1 {
		what += "s"
	}
	return fmt.Sprintf("%d %s", n, what)
}
