package peer

import (
	"context"
	"time"

	"gazetteer"
	"gazetteer/pb"
	"gazetteer/region"
	"gazetteer/ring"
)

// roleCodes is how many codes of roles the wire has; 0 stands for one it does not know.
const roleCodes = 5

func roleCode(r region.Role) byte {
	switch r {
	case region.RoleRouter:
		return 1
	case region.RoleRegion:
		return 2
	case region.RoleCluster:
		return 3
	case region.RoleReplica:
		return 4
	}
	return 0
}

// Remote is a tier in another process. Its errors are those of the tier, or:
//
//   - Unavailable: the node cannot be reached, or the connection broke. A write without a
//     condition may be done again elsewhere.
//   - Deadline: no answer in time, or the connection broke under a write with a
//     condition: what became of it is unknown.
//   - Unsupported: the node is too old for the request.
type Remote struct {
	pool *pool
	role byte
}

var _ region.Tier = (*Remote)(nil)

// Read implements region.Tier.
func (r *Remote) Read(ctx context.Context, dst []byte, k gazetteer.Key) ([]byte, region.ReadInfo, error) {
	c := r.pool.t.calls.take(methodRead, r.role)
	defer r.pool.t.calls.release(c)
	if trip := region.TripOf(ctx); trip != nil {
		c.carry(trip)
	}
	c.key, c.dst = k, dst
	err := r.pool.do(ctx, c)
	if err != nil {
		return dst, region.ReadInfo{}, err
	}
	return c.dst, c.info, nil
}

// carry has a read take along what its context carries.
func (c *call) carry(t *region.Trip) {
	if t.Hops {
		c.head.flags = flagHops
	}
	if !t.Session.None() {
		c.session = ring.AppendToken(nil, t.Session)
	}
}

// Write implements region.Tier. A large batch goes in several requests, one after the
// other, so that writes of one resource stay in order.
func (r *Remote) Write(ctx context.Context, t gazetteer.Type, ws []ring.Write) []ring.Outcome {
	outcomes := make([]ring.Outcome, 0, len(ws))
	for len(outcomes) < len(ws) {
		rest := ws[len(outcomes):]
		n := batchOf(rest)
		done, err := r.writeBatch(ctx, t, rest[:n])
		if err != nil {
			done = failed(rest, err)
		}
		outcomes = append(outcomes, done...)
	}
	return outcomes
}

func (r *Remote) writeBatch(ctx context.Context, t gazetteer.Type, ws []ring.Write) ([]ring.Outcome, error) {
	c := r.pool.t.calls.take(methodWrite, r.role)
	defer r.pool.t.calls.release(c)
	c.body = appendWrites(nil, t, ws)
	if err := r.pool.do(ctx, c); err != nil {
		if c.written {
			return nil, cutOff{err}
		}
		return nil, err
	}
	return decodeOutcomes(c.reply, ws)
}

// List implements region.Tier. A page that is too long for one reply comes back shorter,
// with More set.
func (r *Remote) List(ctx context.Context, q region.ListQuery) (region.ListPage, error) {
	c := r.pool.t.calls.take(methodList, r.role)
	defer r.pool.t.calls.release(c)
	m := pb.ListRequest{
		Type: string(q.Partition.Type), Index: q.Partition.Index, Prefix: q.Prefix, After: string(q.After),
		Limit: uint32(min(max(q.Limit, 0), 1<<31-1)),
	}
	if t := region.TripOf(ctx); t != nil && !t.Session.None() {
		m.Session = ring.AppendToken(nil, t.Session)
	}
	c.body = pb.Append(nil, &m)
	if err := r.pool.do(ctx, c); err != nil {
		return region.ListPage{}, err
	}
	return decodePage(c.reply)
}

// Conflicts implements region.Tier.
func (r *Remote) Conflicts(ctx context.Context, t gazetteer.Type) ([]ring.Conflict, error) {
	c := r.pool.t.calls.take(methodConflicts, r.role)
	defer r.pool.t.calls.release(c)
	c.body = pb.Append(nil, &pb.ConflictsRequest{Type: string(t)})
	if err := r.pool.do(ctx, c); err != nil {
		return nil, err
	}
	var all []ring.Conflict
	for _, part := range append(c.parts, c.reply) {
		cs, err := decodeConflicts(part)
		if err != nil {
			return nil, err
		}
		all = append(all, cs...)
	}
	return all, nil
}

func duration(nanos uint64) time.Duration { return time.Duration(min(nanos, 1<<63-1)) }
