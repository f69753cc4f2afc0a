package region

import (
	"context"

	"gazetteer"
	"gazetteer/pb"
	"gazetteer/region/watch"
)

// Watcher is what the faces need to show what changes. [Server] implements it.
type Watcher interface {
	// Watch shows what changes in a type, see [watch.Feed.Follow], until ctx ends or show
	// fails. Unknown type: NotFound. [watch.ErrGone]: it cannot go on from its cursor.
	Watch(ctx context.Context, o *watch.Options, show func([]*watch.Entry) error) error
	// Partitions is the planet's partition count: cursors are of as many.
	Partitions() uint32
}

var _ Watcher = (*Server)(nil)

// Watch implements [Watcher].
func (s *Server) Watch(ctx context.Context, o *watch.Options, show func([]*watch.Entry) error) error {
	if _, err := s.user(ctx, o.Type); err != nil {
		return s.count.fail(err)
	}
	return atEdge(s.watches.Follow(ctx, o, show))
}

// Partitions implements [Watcher].
func (s *Server) Partitions() uint32 { return s.partitions }

// stream asks the cluster servers of a type, one after the other, until none is left
// whom nobody has asked: each goes on where the one before has ended.
func (s *Server) stream(ctx context.Context, q *watch.Query, take func(*watch.Batch) error) (err error) {
	g := s.groups.of(q.Type)
	left := watch.NewProgress(q)
	var failed error // of take
	var not *member
	for range max(1, len(g.members)) {
		m := g.nearest(not)
		if m == nil {
			break
		}
		err = streamOf(m.tier)(ctx, left.Rest(left.Open()), func(b *watch.Batch) error {
			left.Took(b)
			failed = take(b)
			return failed
		})
		if err == nil || failed != nil || ctx.Err() != nil {
			return err
		}
		g.failed(m, err)
		not = m
	}
	return g.unanswered("region.Stream", gazetteer.Key{Type: q.Type}, err)
}

// DecodeElement returns what an update of a watch says: of a location the location, else
// the attributes.
func DecodeElement(u *gazetteer.Update) (attributes []byte, l gazetteer.Location, err error) {
	if l.ID = u.Element.Location; l.ID != "" {
		err = pb.DecodeLocation(u.Body, &l)
		return nil, l, err
	}
	if attributes, err = pb.DecodeAttributes(u.Body); attributes == nil {
		attributes = emptyObject()
	}
	return attributes, l, err
}
