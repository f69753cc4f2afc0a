package region

import (
	"cmp"
	"context"

	"gazetteer"
)

// Fetch returns a record whole, as it is wanted. A type's policy says who answers lookups,
// not who answers this.
func (s *Server) Fetch(ctx context.Context, w Want) (Found, error) {
	s.count.gets.Add(1)
	f, err := s.find(ctx, &w)
	return f, s.count.fail(err)
}

func (s *Server) find(ctx context.Context, w *Want) (Found, error) {
	if _, err := s.user(ctx, w.Key.Type); err != nil {
		return Found{}, err
	}
	if err := w.Key.ID.Validate(); err != nil {
		return Found{}, err
	}
	s.demand.of(w.Key.Type).reads.Add(1)
	q := Query{Key: w.Key, Region: w.Region, MaxStale: w.MaxStale, Session: w.Session, Direct: w.Direct}
	buf, info, err := s.readIn(ctx, nil, &q, &TypeSpec{})
	if err != nil {
		return Found{}, err
	}
	f := Found{
		Region: cmp.Or(info.Region, s.region), Node: info.Node, Staleness: info.Staleness, Degraded: info.Degraded,
		Shown: shownIn(w.Session, gazetteer.PartitionOf(w.Key, s.partitions), buf),
	}
	f.Record, err = existing(w.Key, buf)
	return f, err
}

// readIn reads the record that a query asks for, in its session if it has one.
func (s *Server) readIn(ctx context.Context, dst []byte, q *Query, spec *TypeSpec) ([]byte, ReadInfo, error) {
	if q.Session.None() {
		return s.readAsked(ctx, dst, q, spec)
	}
	out, info := dst, ReadInfo{}
	err := insist(WithSession(ctx, q.Session), func(ctx context.Context) (err error) {
		out, info, err = s.readAsked(ctx, dst, q, spec)
		return err
	})
	return out, info, err
}
