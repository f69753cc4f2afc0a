package region

import (
	"context"
	"time"

	"gazetteer"
	"gazetteer/ring"
)

// How a group asks its members: one, and if that one fails in a way that another need
// not, one more within the same request.

// read asks for a record.
func (g *group) read(ctx context.Context, dst []byte, k gazetteer.Key) ([]byte, ReadInfo, error) {
	m := g.inTurn()
	if m == nil {
		return dst, ReadInfo{}, g.unanswered("region.Read", k, nil)
	}
	out, info, err := m.read(ctx, dst, k, g.patient)
	if err == nil {
		m.worked()
		return out, info, nil
	}
	second, err := g.second(ctx, "region.Read", k, m, err, g.turn.Add(1))
	if err != nil {
		return dst, ReadInfo{}, err
	}
	if out, info, err = second.read(ctx, dst, k, g.patient); err != nil {
		return dst, ReadInfo{}, g.judge("region.Read", k, second, err)
	}
	return out, info, nil
}

// read is a plain call in this process. Elsewhere the attempt is given only a part of
// the request's time, so that some is left for another.
func (m *member) read(ctx context.Context, dst []byte, k gazetteer.Key, patient time.Duration) ([]byte, ReadInfo, error) {
	if m.local {
		return m.tier.Read(ctx, dst, k)
	}
	ctx, cancel := context.WithTimeout(ctx, patient)
	defer cancel()
	out, info, err := m.tier.Read(ctx, dst, k)
	if err == nil && !info.Covered && TripOf(ctx).asks() {
		return dst, info, unaware(k)
	}
	return out, info, err
}

// second says who is asked after the first one failed: the next from a place on. If
// nobody should be, it returns the error that the request ends with.
func (g *group) second(ctx context.Context, op string, k gazetteer.Key, failed *member, err error, place uint32) (*member, error) {
	if ctx.Err() != nil || !elsewhere(err) {
		return nil, err
	}
	g.failed(failed, err)
	m := g.well(place, failed)
	if m == nil {
		m = g.from(place, failed)
	}
	if m == nil {
		return nil, g.unanswered(op, k, err)
	}
	g.retries.Add(1)
	return m, nil
}

// judge returns what a request ends with whose second attempt failed, too.
func (g *group) judge(op string, k gazetteer.Key, m *member, err error) error {
	if !elsewhere(err) {
		return err
	}
	g.failed(m, err)
	return g.unanswered(op, k, err)
}

// list asks for a page of one partition.
func (g *group) list(ctx context.Context, q ListQuery) (ListPage, error) {
	k := gazetteer.Key{Type: q.Partition.Type}
	m := g.inTurn()
	if m == nil {
		return ListPage{}, g.unanswered("region.List", k, nil)
	}
	page, err := m.list(ctx, q)
	if err == nil {
		m.worked()
		return page, nil
	}
	second, err := g.second(ctx, "region.List", k, m, err, g.turn.Add(1))
	if err != nil {
		return ListPage{}, err
	}
	if page, err = second.list(ctx, q); err != nil {
		return ListPage{}, g.judge("region.List", k, second, err)
	}
	return page, nil
}

// listPatience bounds one attempt at a page, which may be large.
const listPatience = 3 * time.Second

func (m *member) list(ctx context.Context, q ListQuery) (ListPage, error) {
	if m.local {
		return m.tier.List(ctx, q)
	}
	ctx, cancel := context.WithTimeout(ctx, listPatience)
	defer cancel()
	page, err := m.tier.List(ctx, q)
	if err == nil && !page.Covered && TripOf(ctx).asks() {
		return ListPage{}, unaware(gazetteer.Key{Type: q.Partition.Type})
	}
	return page, err
}

// writePatience is how much longer than its writes' deadline a call may take: it is for
// the way there and back.
const writePatience = 2 * time.Second

// write gives writes to the member at a place, or the next one that is likely to take
// them; what that one certainly did not do, it gives to another.
func (g *group) write(ctx context.Context, t gazetteer.Type, ws []ring.Write, place uint32) []ring.Outcome {
	start := g.now()
	m := g.from(place, nil)
	if m == nil {
		return refuseAll(ws, gazetteer.Unserved, "no server of "+g.name+" answers")
	}
	out := m.write(ctx, t, ws)
	again, err := undone(out, ws)
	if len(again) == 0 {
		m.worked()
		return out
	}
	second, _ := g.second(ctx, "region.Write", gazetteer.Key{Type: t}, m, err, place+1)
	if second == nil {
		return out
	}
	rest := subset(ws, again, time.Duration(g.now()-start))
	for i, o := range second.write(ctx, t, rest) {
		out[again[i]] = o
	}
	return out
}

func (m *member) write(ctx context.Context, t gazetteer.Type, ws []ring.Write) []ring.Outcome {
	if m.local {
		return m.tier.Write(ctx, t, ws)
	}
	longest := time.Duration(0)
	for i := range ws {
		longest = max(longest, ws[i].Deadline)
	}
	ctx, cancel := context.WithTimeout(ctx, longest+writePatience)
	defer cancel()
	return m.tier.Write(ctx, t, ws)
}

// undone returns which writes were not done and may be given to another member, with an
// error of one of them.
func undone(out []ring.Outcome, ws []ring.Write) (again []int, err error) {
	for i := range out {
		if notDone(out[i].Err) {
			again, err = append(again, i), out[i].Err
		}
	}
	return again, err
}

// notDone reports whether a write that failed may be given to somebody else: it was not
// done, or does no harm when it is done twice.
func notDone(err error) bool {
	switch gazetteer.KindOf(err) {
	case gazetteer.Unavailable, gazetteer.WrongOwner, gazetteer.Unserved:
		return true
	}
	return false
}

// subset returns some of the writes, with the time that has passed taken from what they
// had left.
func subset(ws []ring.Write, which []int, passed time.Duration) []ring.Write {
	out := make([]ring.Write, len(which))
	for i, j := range which {
		out[i] = ws[j]
		if out[i].Deadline > 0 {
			out[i].Deadline = max(out[i].Deadline-passed, 1)
		}
	}
	return out
}
