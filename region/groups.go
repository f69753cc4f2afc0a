package region

import (
	"context"
	"maps"
	"slices"
	"sync"
	"sync/atomic"

	"gazetteer"
	"gazetteer/ring"
)

// groups holds, for each type, the cluster servers that may be asked.
type groups struct {
	server *Server

	mu    sync.Mutex // held by whoever replaces known
	known atomic.Pointer[clusters]
}

// clusters are the entries of the types by one plan. They do not change, but for types
// that are asked for later: then a copy takes their place.
type clusters struct {
	plan   Plan
	groups map[gazetteer.Type]*group
}

func (g *groups) init(s *Server, p Plan) {
	g.server = s
	g.known.Store(&clusters{plan: p, groups: map[gazetteer.Type]*group{}})
	s.clusters.mark(p)
}

// plan returns the plan in use.
func (g *groups) plan() Plan { return g.known.Load().plan }

// of returns the cluster servers of a type. Only types that exist are asked for, so
// there are not many.
func (g *groups) of(t gazetteer.Type) *group {
	if found := g.known.Load().groups[t]; found != nil {
		return found
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	old := g.known.Load()
	if found := old.groups[t]; found != nil {
		return found
	}
	next := &clusters{plan: old.plan, groups: maps.Clone(old.groups)}
	next.groups[t] = g.make(old.plan, t)
	g.known.Store(next)
	return next.groups[t]
}

func (g *groups) make(p Plan, t gazetteer.Type) *group {
	return g.server.clusters.group("cluster "+string(t), p.ClusterServers(t), clusterPatience)
}

// replan takes a newer plan. What was learnt of the servers stays.
func (g *groups) replan(p Plan) {
	g.mu.Lock()
	defer g.mu.Unlock()
	old := g.known.Load()
	if p.Epoch() <= old.plan.Epoch() {
		return
	}
	g.server.clusters.mark(p)
	next := &clusters{plan: p, groups: make(map[gazetteer.Type]*group, len(old.groups))}
	for t, known := range old.groups {
		if !known.isOf(p.ClusterServers(t)) {
			known = g.make(p, t)
		}
		next.groups[t] = known
	}
	g.known.Store(next)
}

// conflicts asks the members in turn for the united journal of a type.
func (g *group) conflicts(ctx context.Context, t gazetteer.Type) ([]ring.Conflict, error) {
	k := gazetteer.Key{Type: t}
	m := g.inTurn()
	if m == nil {
		return nil, g.unanswered("region.Conflicts", k, nil)
	}
	cs, err := m.tier.Conflicts(ctx, t)
	if err == nil {
		m.worked()
		return cs, nil
	}
	second, err := g.second(ctx, "region.Conflicts", k, m, err, g.turn.Add(1))
	if err != nil {
		return nil, err
	}
	if cs, err = second.tier.Conflicts(ctx, t); err != nil {
		return nil, g.judge("region.Conflicts", k, second, err)
	}
	return cs, nil
}

func sortTypes(ts []TypeSpec) {
	slices.SortFunc(ts, func(a, b TypeSpec) int {
		if a.Name < b.Name {
			return -1
		}
		return 1
	})
}
