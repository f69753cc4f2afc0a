package region

import (
	"context"
	"sync"

	"gazetteer"
	"gazetteer/ring"
)

// Conflicts returns the united journals of all types, of this region and of all that answer
// it: each loser once, whoever has seen it. A region that does not answer is left out; of
// this one at least a replica of each type must.
func (s *Server) Conflicts(ctx context.Context) ([]ring.Conflict, error) {
	specs, err := s.Types(ctx)
	if err != nil {
		return nil, err
	}
	names := []gazetteer.Type{gazetteer.TypesType, gazetteer.RegionsType}
	for i := range specs {
		names = append(names, specs[i].Name)
	}
	fars := s.reachable()
	answers := make([][]ring.Conflict, len(fars))
	var asking sync.WaitGroup
	for i, far := range fars {
		asking.Go(func() { answers[i] = far.journals(ctx, names) })
	}
	own, err := s.journals(ctx, names)
	asking.Wait()
	if err != nil {
		return nil, atEdge(err)
	}
	return unite(append(answers, own)), nil
}

func (s *Server) journals(ctx context.Context, names []gazetteer.Type) (all []ring.Conflict, err error) {
	for _, t := range names {
		cs, err := s.groups.of(t).conflicts(ctx, t)
		if err != nil {
			return nil, err
		}
		all = append(all, cs...)
	}
	return all, nil
}

// reachable returns a server of each other region that answers.
func (s *Server) reachable() (out []Far) {
	if s.elsewhere == nil {
		return nil
	}
	for _, site := range s.elsewhere.Sites() {
		if site.Self || site.State == SiteUnreachable {
			continue
		}
		if far, ok := s.elsewhere.Of(site.Name); ok {
			out = append(out, far)
		}
	}
	return out
}

// journals returns what the region tells of its journals. A type that it does not know yet
// has none there; that it does not answer ends the asking.
func (f Far) journals(ctx context.Context, names []gazetteer.Type) (all []ring.Conflict) {
	ctx, cancel := context.WithTimeout(ctx, farPatience)
	defer cancel()
	for _, t := range names {
		cs, err := f.Tier.Conflicts(ctx, t)
		if ctx.Err() != nil {
			break
		}
		if err == nil {
			all = append(all, cs...)
		}
	}
	return all
}
