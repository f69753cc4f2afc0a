package region

import (
	"context"
	"iter"

	"gazetteer"
	"gazetteer/ring"
)

const (
	limitDefault = 100
	// pageBytesMax ends a page early: its records may be large.
	pageBytesMax = 4 << 20
)

// List returns up to limit resources of a type, partition by partition. A page may end
// early when its records are large.
func (s *Server) List(ctx context.Context, t gazetteer.Type, prefix string, from Cursor, limit int) (Page, error) {
	s.count.lists.Add(1)
	if _, err := s.user(ctx, t); err != nil {
		return Page{}, s.count.fail(err)
	}
	if from.Partition >= s.partitions {
		return Page{}, s.count.fail(&gazetteer.Error{Op: "region.List", Kind: gazetteer.Invalid, Key: gazetteer.Key{Type: t},
			Pointer: "page_token", Detail: "it names a partition that this planet does not have"})
	}
	if limit <= 0 {
		limit = limitDefault
	}
	s.demand.of(t).reads.Add(1)
	page, err := s.list(ctx, t, prefix, from, min(limit, MaxLimit))
	return page, s.count.fail(err)
}

// list gathers a page from as many partitions as it takes.
func (s *Server) list(ctx context.Context, t gazetteer.Type, prefix string, from Cursor, limit int) (Page, error) {
	var page Page
	if t := TripOf(ctx); t.asks() {
		page.Shown = t.Session
	}
	bytes := 0
	at := Cursor{Partition: from.Partition, After: from.After}
	for at.Partition < s.partitions {
		if len(page.Records) >= limit || bytes >= pageBytesMax {
			page.Next, page.Next.More = at, true
			return page, nil
		}
		q := ListQuery{
			Partition: gazetteer.Partition{Type: t, Index: at.Partition},
			Prefix:    prefix, After: at.After, Limit: limit - len(page.Records),
		}
		part, err := s.part(ctx, q)
		if err == nil {
			bytes, err = page.add(q.Partition, &part, bytes)
		}
		if err != nil {
			return Page{}, atEdge(err)
		}
		at = at.behind(&part)
	}
	return page, nil
}

// part reads what a page takes of one partition.
func (s *Server) part(ctx context.Context, q ListQuery) (part ListPage, err error) {
	err = insist(ctx, func(ctx context.Context) (err error) {
		part, err = s.groups.of(q.Partition.Type).list(ctx, q)
		return err
	})
	return part, err
}

// add decodes what one partition gave. A resource that was deleted between the listing
// and the reading of it is passed over.
func (p *Page) add(of gazetteer.Partition, part *ListPage, bytes int) (int, error) {
	p.Staleness, p.Degraded = max(p.Staleness, part.Staleness), p.Degraded || part.Degraded
	p.Shown = ring.Holding{Partition: of}.ShownRecords(p.Shown, part.Records)
	for i := range part.Records {
		r, err := decodeRecord(gazetteer.Key{Type: of.Type, ID: part.IDs[i]}, part.Records[i])
		if err != nil {
			return bytes, err
		}
		if r.Version != 0 {
			p.Records = append(p.Records, r)
			bytes += len(part.Records[i])
		}
	}
	return bytes, nil
}

// behind returns where a listing goes on after a page of a partition.
func (c Cursor) behind(part *ListPage) Cursor {
	if part.More && len(part.IDs) > 0 {
		return Cursor{Partition: c.Partition, After: part.IDs[len(part.IDs)-1]}
	}
	return Cursor{Partition: c.Partition + 1}
}

// pages walks over all pages of a listing.
func (s *Server) pages(ctx context.Context, t gazetteer.Type, prefix string, from Cursor, limit int) iter.Seq2[Page, error] {
	return func(yield func(Page, error) bool) {
		for {
			page, err := s.list(ctx, t, prefix, from, limit)
			if !yield(page, err) || err != nil || !page.Next.More {
				return
			}
			from = page.Next
		}
	}
}

// Start returns an id such that exactly the ids above it are asked for as far as their
// beginning goes: none with the prefix is at or below it, and the first above it with
// another beginning is above all that have it.
func (q *ListQuery) Start() gazetteer.ID { return max(q.After, below(q.Prefix)) }

// below returns the greatest id that is less than a prefix and all that begin with it.
func below(prefix string) gazetteer.ID {
	if prefix == "" {
		return ""
	}
	b := []byte(prefix)
	last := len(b) - 1
	if b[last] == 0 {
		return gazetteer.ID(b[:last])
	}
	b[last]--
	for len(b) <= gazetteer.MaxIDBytes {
		b = append(b, 0xff)
	}
	return gazetteer.ID(b)
}
