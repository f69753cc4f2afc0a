package region

import (
	"context"

	"gazetteer"
	"gazetteer/region/watch"
)

var _ watch.Streamer = (*ReplicaServer)(nil)

// Stream gives what changes in what this replica holds.
func (r *ReplicaServer) Stream(ctx context.Context, q *watch.Query, take func(*watch.Batch) error) error {
	return streamOf(r.mirrors)(ctx, q, take)
}

// streamOf returns the streams that something gives: none of what gives none.
func streamOf(from any) watch.Source {
	if s, ok := from.(watch.Streamer); ok {
		return s.Stream
	}
	return func(context.Context, *watch.Query, func(*watch.Batch) error) error {
		return &gazetteer.Error{Op: "region.Stream", Kind: gazetteer.Unsupported, Detail: "this server gives no streams of changes"}
	}
}
