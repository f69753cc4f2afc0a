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
	known atomic.Pointer[map[gazetteer.Type]*group]
}

func (g *groups) init(s *Server) {
	g.server = s
	g.known.Store(&map[gazetteer.Type]*group{})
}

// of returns the cluster servers of a type. Only types that exist are asked for, so
// there are not many.
func (g *groups) of(t gazetteer.Type) *group {
	if found := (*g.known.Load())[t]; found != nil {
		return found
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	old := *g.known.Load()
	if found := old[t]; found != nil {
		return found
	}
	made := g.server.clusters.group("cluster "+string(t), g.server.plan.ClusterServers(t), clusterPatience)
	next := maps.Clone(old)
	next[t] = made
	g.known.Store(&next)
	return made
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
