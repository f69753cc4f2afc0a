package peer

import (
	"context"

	"gazetteer"
	"gazetteer/pb"
	"gazetteer/region"
	"gazetteer/ring"
)

// request is one request with a handler. It is its own context.
type request struct {
	callContext
	conn    *served
	tier    region.Tier
	service Service // if the method is Service
	head    header
	key     gazetteer.Key
	session ring.Token
	body    []byte // of methods other than Read: the payload, of Service the request in it
}

// serve answers r. It uses scratch for the reply and returns it.
func (r *request) serve(scratch []byte) []byte {
	frames := r.answer(scratch)
	r.conn.send(r, frames, true)
	r.cancel(context.Canceled) // what the tier derived from the context ends now
	return frames
}

// answer returns the frame of the reply, or of its last part.
func (r *request) answer(dst []byte) []byte {
	if err := r.Err(); err != nil {
		return appendError(dst, r.head.id, late(named(r.conn.t.cfg.Node), err))
	}
	var err error
	switch r.head.code {
	case methodRead:
		return appendRead(dst, r.context(), r.tier, r.head.id, r.key)
	case methodWrite:
		dst, err = r.write(dst)
	case methodList:
		dst, err = r.list(dst)
	case methodConflicts:
		dst, err = r.conflicts(dst)
	case methodService:
		dst, err = r.ask(dst)
	}
	if err != nil {
		return appendError(dst, r.head.id, err)
	}
	return dst
}

func (r *request) context() context.Context {
	t := region.Trip{Hops: r.head.flags&flagHops != 0, Session: r.session}
	if !t.Hops && t.Session.None() {
		return r
	}
	return region.WithTrip(r, &t)
}

func (r *request) write(dst []byte) ([]byte, error) {
	t, ws, err := decodeWrites(r.body)
	if err != nil {
		return dst, err
	}
	outcomes := r.tier.Write(r, t, ws)
	if len(outcomes) != len(ws) {
		return dst, &gazetteer.Error{Op: "peer.Write", Kind: gazetteer.Internal, Detail: "the tier gave another number of outcomes than there were writes"}
	}
	dst, start := beginFrame(dst)
	dst = appendOutcomes(dst, outcomes)
	endFrame(dst, start, header{id: r.head.id})
	return dst, nil
}

func (r *request) list(dst []byte) ([]byte, error) {
	var m pb.ListRequest
	if err := m.UnmarshalVT(r.body); err != nil {
		return dst, broken("peer.List", "the request is malformed", err)
	}
	var err error
	if r.session, err = sessionIn(m.Session); err != nil {
		return dst, err
	}
	page, err := r.tier.List(r.context(), region.ListQuery{
		Partition: gazetteer.Partition{Type: gazetteer.Type(m.Type), Index: m.Index},
		Prefix:    m.Prefix, After: gazetteer.ID(m.After), Limit: int(min(m.Limit, 1<<31-1)),
	})
	if err != nil {
		return dst, err
	}
	framed, start := beginFrame(dst)
	if framed, err = appendPage(framed, &page); err != nil {
		return dst, err
	}
	if len(framed)-start > maxRequestBytes {
		return dst, tooLarge("peer.List")
	}
	endFrame(framed, start, header{id: r.head.id})
	return framed, nil
}

// conflicts sends all parts but the last.
func (r *request) conflicts(dst []byte) ([]byte, error) {
	var m pb.ConflictsRequest
	if err := m.UnmarshalVT(r.body); err != nil {
		return dst, broken("peer.Conflicts", "the request is malformed", err)
	}
	cs, err := r.tier.Conflicts(r, gazetteer.Type(m.Type))
	if err != nil {
		return dst, err
	}
	for {
		n := partOf(cs)
		frame := appendPart(dst, r.head.id, cs[:n], n < len(cs))
		if n == len(cs) {
			return frame, nil
		}
		cs = cs[n:]
		r.conn.send(r, frame, false)
	}
}

func appendPart(dst []byte, id uint32, cs []ring.Conflict, more bool) []byte {
	h := header{id: id}
	if more {
		h.flags = flagMore
	}
	dst, start := beginFrame(dst)
	dst = appendConflicts(dst, cs)
	endFrame(dst, start, h)
	return dst
}

// appendRead performs a read and appends its reply; the record is written once, where
// it will be sent from.
func appendRead(dst []byte, ctx context.Context, tier region.Tier, id uint32, k gazetteer.Key) []byte {
	framed, start := beginFrame(dst)
	framed, at := pb.BeginReadRecord(framed)
	framed, info, err := tier.Read(ctx, framed, k)
	if err == nil && len(framed)-start > maxRequestBytes-1024*len(info.Hops)-1024 {
		err = tooLarge("peer.Read")
	}
	if err != nil {
		return appendError(dst, id, err)
	}
	pb.EndBytes(framed, at)
	framed = appendInfo(framed, &info)
	endFrame(framed, start, header{id: id})
	return framed
}

// sessionIn returns the session that a request carries; none if it is empty.
func sessionIn(b []byte) (ring.Token, error) {
	if len(b) == 0 {
		return ring.Token{}, nil
	}
	return ring.DecodeToken(b)
}

func appendInfo(dst []byte, i *region.ReadInfo) []byte {
	m := pb.ReadInfo{Node: string(i.Node), Ring: i.Ring, StalenessNanos: uint64(max(i.Staleness, 0)), Degraded: i.Degraded, Region: string(i.Region), Covered: i.Covered}
	for _, h := range i.Hops {
		m.Hops = append(m.Hops, pb.ReadHop{Role: h.Role, Name: h.Name, TookNanos: uint64(max(h.Took, 0))})
	}
	return pb.AppendReadInfo(dst, &m)
}

func appendError(dst []byte, id uint32, err error) []byte {
	dst, start := beginFrame(dst)
	dst = pb.Append(dst, toWire(err))
	endFrame(dst, start, header{id: id, code: statusError})
	return dst
}

func tooLarge(op string) error {
	return &gazetteer.Error{Op: op, Kind: gazetteer.TooLarge, Detail: "the reply exceeds 4 MiB"}
}
