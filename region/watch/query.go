// Package watch follows what changes in a type: streams of replicas are merged, one for
// each process, and given on to any number of watchers. See DESIGN.md.
package watch

import (
	"context"
	"maps"
	"slices"
	"strings"

	"gazetteer"
)

// Query asks a server for the changes of one type.
type Query struct {
	Type   gazetteer.Type
	Prefix gazetteer.ID // of the ids that pass; empty: all
	Once   bool         // the stream ends behind the marks of its scans
	From   []From       // the partitions that are wanted, none twice
}

// From is where the stream of one partition begins.
type From struct {
	Index  uint32
	Tail   bool             // with its first mark: nothing from before is wanted
	Vector gazetteer.Vector // else above what this covers
	// Cover is what the first mark has to cover: a replica that holds less is not asked.
	Cover gazetteer.Vector
}

// Batch is one piece of a stream. What it holds takes effect in the order of its fields.
// It is shared, and nobody changes it.
type Batch struct {
	Updates []Update
	// Marks say that everything which passes and is covered by a vector has been shown;
	// they add to those before.
	Marks []Mark
	// Lost are partitions whose stream ends because of some that was shown, or covered by
	// what it began at, it cannot be told what has become: it was deleted, and that is
	// forgotten.
	Lost []uint32
	// Left are partitions whose stream ends because the server does not serve them, or
	// not as far as the query says. Another may.
	Left []uint32
}

// Update is the new value of an element, or the one that a scan found.
type Update struct {
	Index uint32
	Scan  bool // values before it were passed over
	gazetteer.Update
}

// Mark is how far the stream of one partition has come.
type Mark struct {
	Index  uint32
	Vector gazetteer.Vector
}

// Source gives the stream of a query to take, batch by batch, in order, until ctx ends,
// take fails, or it cannot go on. It returns nil only for a query with Once, of which
// every partition was marked, lost or left.
type Source func(ctx context.Context, q *Query, take func(*Batch) error) error

// Streamer is a server that gives streams: a replica of what it holds, a cluster server
// and a regional server of all partitions, merged.
type Streamer interface {
	Stream(ctx context.Context, q *Query, take func(*Batch) error) error
}

// Passes reports whether an update is let through by a query's prefix.
func (q *Query) Passes(u *gazetteer.Update) bool {
	return strings.HasPrefix(string(u.Element.ID), string(q.Prefix))
}

// Progress is how far a query has come: what is left of it can be asked elsewhere.
type Progress struct {
	query Query
	open  map[uint32]From
}

// NewProgress returns that of a query of which nothing has come yet.
func NewProgress(q *Query) *Progress {
	p := &Progress{query: *q, open: make(map[uint32]From, len(q.From))}
	for _, f := range q.From {
		p.open[f.Index] = f
	}
	return p
}

// Took notes a batch that was given on. Partitions that were left stay open.
func (p *Progress) Took(b *Batch) {
	for _, m := range b.Marks {
		f, open := p.open[m.Index]
		switch {
		case !open:
		case p.query.Once:
			delete(p.open, m.Index)
		default:
			f.Tail, f.Vector = false, f.Vector.Clone().Merge(m.Vector)
			p.open[m.Index] = f
		}
	}
	for _, i := range b.Lost {
		delete(p.open, i)
	}
}

// Done reports whether nothing is left.
func (p *Progress) Done() bool { return len(p.open) == 0 }

// Rest returns the query for what is left of some partitions.
func (p *Progress) Rest(indexes []uint32) *Query {
	q := p.query
	q.From = make([]From, 0, len(indexes))
	for _, i := range indexes {
		if f, open := p.open[i]; open {
			q.From = append(q.From, f)
		}
	}
	return &q
}

// Open returns the partitions that are left, in ascending order.
func (p *Progress) Open() []uint32 { return slices.Sorted(maps.Keys(p.open)) }
