package region

import (
	"maps"
	"slices"
	"strings"

	"gazetteer"
)

// routes are the routing tables of one plan. They do not change, but for tables of types
// that are asked for later: then a copy takes their place.
type routes struct {
	plan   Plan
	tables map[gazetteer.Type]*table
}

// table is the routing table of one type.
type table struct {
	rings []*group
	ways  []way // by partition index
}

// way says who is asked for a partition.
type way struct {
	owner *group // nil if nobody owns it
	// other holds the partition, too, while it moves: the ring that fills it, or the one
	// that keeps it after the switch. Nil while it does not move.
	other *group
}

// tablesMax bounds the tables that are kept for types made at run time.
const tablesMax = 1000

// Replan makes the server route by a newer plan; an older one is ignored. What was learnt
// of the servers stays.
func (s *ClusterServer) Replan(p Plan) {
	s.mu.Lock()
	defer s.mu.Unlock()
	old := s.routes.Load()
	if p.Epoch() <= old.plan.Epoch() {
		return
	}
	if s.followsDead {
		s.replicas.mark(p)
	}
	next := &routes{plan: p, tables: make(map[gazetteer.Type]*table, len(old.tables))}
	for t, known := range old.tables {
		next.tables[t] = s.newTable(p, t, known.rings)
	}
	s.routes.Store(next)
	close(s.changed)
	s.changed = make(chan struct{})
}

// table returns the routing table of a type by the plan in use, and its epoch.
func (s *ClusterServer) table(t gazetteer.Type) (*table, uint64) {
	r := s.routes.Load()
	if found := r.tables[t]; found != nil {
		return found, r.plan.Epoch()
	}
	return s.makeTable(t)
}

func (s *ClusterServer) makeTable(t gazetteer.Type) (*table, uint64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	old := s.routes.Load()
	if found := old.tables[t]; found != nil {
		return found, old.plan.Epoch()
	}
	made := s.newTable(old.plan, t, nil)
	if len(old.tables) < tablesMax {
		next := &routes{plan: old.plan, tables: maps.Clone(old.tables)}
		next.tables[gazetteer.Type(strings.Clone(string(t)))] = made // t may be part of a request
		s.routes.Store(next)
	}
	return made, old.plan.Epoch()
}

// newTable makes the table of a type, with those of the known groups that are still what
// the plan says.
func (s *ClusterServer) newTable(p Plan, t gazetteer.Type, known []*group) *table {
	made := &table{ways: make([]way, s.partitions)}
	for _, r := range p.Rings(t) {
		g := s.replicas.same(known, "ring "+r.Name, r.Members)
		made.rings = append(made.rings, g)
		for _, q := range r.Partitions {
			made.ways[q.Index].owner = g
		}
	}
	for _, b := range p.Bridges(t) {
		other := b.To
		if b.Switched {
			other = b.From
		}
		g := named(made.rings, "ring "+other)
		for _, q := range b.Partitions {
			made.ways[q.Index].other = g
		}
	}
	return made
}

// same returns the group of that name and members among the known ones, or makes it.
func (d *directory) same(known []*group, name string, members []gazetteer.NodeID) *group {
	if g := named(known, name); g != nil && g.isOf(members) {
		return g
	}
	return d.group(name, members, replicaPatience)
}

func named(groups []*group, name string) *group {
	i := slices.IndexFunc(groups, func(g *group) bool { return g.name == name })
	if i < 0 {
		return nil
	}
	return groups[i]
}

func (g *group) isOf(members []gazetteer.NodeID) bool {
	return slices.EqualFunc(g.members, members, func(m *member, n gazetteer.NodeID) bool { return m.node == n })
}
