package peer

import (
	"unsafe"

	"gazetteer"
	"gazetteer/pb"
	"gazetteer/region"
	"gazetteer/ring"
)

// pageBytes is where a page of records, or a part of a conflict journal, ends early so
// that it does not stand in the way of other replies; partConflicts is how many entries
// a part has at most.
const (
	pageBytes     = 1 << 20
	partConflicts = 1024
)

// appendPage appends as much of a page as goes into one reply. What is left out is
// asked for again, because the page then says that more follows.
func appendPage(dst []byte, p *region.ListPage) ([]byte, error) {
	if len(p.IDs) != len(p.Records) {
		return dst, &gazetteer.Error{Op: "peer.List", Kind: gazetteer.Internal, Detail: "the page has another number of ids than of records"}
	}
	m := pb.ListReply{More: p.More, StalenessNanos: uint64(max(p.Staleness, 0)), Degraded: p.Degraded, Covered: p.Covered, Aged: true}
	for i, size := 0, 0; i < len(p.IDs); i++ {
		size += len(p.IDs[i]) + len(p.Records[i]) + 8
		if i > 0 && size > pageBytes {
			m.More = true
			break
		}
		m.Ids = append(m.Ids, string(p.IDs[i]))
		m.Records = append(m.Records, p.Records[i])
	}
	return pb.Append(dst, &m), nil
}

// decodePage returns the page of a reply, which it keeps.
func decodePage(b []byte) (region.ListPage, error) {
	var m pb.ListReply
	if err := m.UnmarshalVTUnsafe(b); err != nil {
		return region.ListPage{}, broken("peer.List", "the reply is malformed", err)
	}
	if len(m.Ids) != len(m.Records) {
		return region.ListPage{}, broken("peer.List", "the reply has another number of ids than of records", nil)
	}
	return region.ListPage{
		IDs: idsOf(m.Ids), Records: m.Records, More: m.More, Covered: m.Covered,
		Staleness: duration(m.StalenessNanos), Degraded: m.Degraded || !m.Aged, // an older server tells no age
	}, nil
}

// idsOf is ids without a copy: an ID is a string.
func idsOf(ids []string) []gazetteer.ID {
	return unsafe.Slice((*gazetteer.ID)(unsafe.SliceData(ids)), len(ids))
}

// partOf returns how many conflicts go into the next part of a reply: at least one.
func partOf(cs []ring.Conflict) int {
	size := 0
	for i := range min(len(cs), partConflicts) {
		size += cs[i].Loser.Size() + 64
		if i > 0 && size > pageBytes {
			return i
		}
	}
	return min(len(cs), partConflicts)
}

func appendConflicts(dst []byte, cs []ring.Conflict) []byte {
	m := pb.ConflictsReply{Conflicts: make([]*pb.Conflict, len(cs))}
	losers := make([]gazetteer.Update, len(cs))
	for i := range cs {
		losers[i] = cs[i].Loser
		m.Conflicts[i] = conflictToWire(&cs[i])
	}
	if len(cs) > 0 {
		m.Losers = ring.AppendUpdates(nil, losers)
	}
	return pb.Append(dst, &m)
}

func conflictToWire(c *ring.Conflict) *pb.Conflict {
	return &pb.Conflict{
		Type: string(c.Partition.Type), Index: c.Partition.Index, AtUnixMilli: c.At,
		Winner: &pb.Stamp{
			Epoch: c.Winner.Epoch, Clock: uint64(c.Winner.Clock),
			Store: uint64(c.Winner.Origin.Store), Incarnation: c.Winner.Origin.Incarnation,
		},
	}
}

// decodeConflicts returns the conflicts of one part, which it keeps.
func decodeConflicts(b []byte) ([]ring.Conflict, error) {
	n, _, err := pb.CountNested(b, pb.ConflictsReplyConflicts)
	if err != nil {
		return nil, err
	}
	var m pb.ConflictsReply
	if n > partConflicts {
		return nil, broken("peer.Conflicts", "a part of the reply has more than 1024 entries", nil)
	}
	if err := m.UnmarshalVTUnsafe(b); err != nil {
		return nil, broken("peer.Conflicts", "the reply is malformed", err)
	}
	if n == 0 {
		return nil, nil
	}
	losers, err := ring.DecodeUpdates(m.Losers)
	if err != nil {
		return nil, err
	}
	if len(losers) != n {
		return nil, broken("peer.Conflicts", "the reply has another number of losers than of conflicts", nil)
	}
	cs := make([]ring.Conflict, n)
	for i, c := range m.Conflicts {
		cs[i] = conflictFromWire(c, losers[i])
	}
	return cs, nil
}

func conflictFromWire(m *pb.Conflict, loser gazetteer.Update) ring.Conflict {
	c := ring.Conflict{
		Partition: gazetteer.Partition{Type: gazetteer.Type(m.Type), Index: m.Index},
		Loser:     loser, At: m.AtUnixMilli,
	}
	if w := m.Winner; w != nil {
		c.Winner = gazetteer.Stamp{
			Epoch: w.Epoch, Clock: gazetteer.Clock(w.Clock),
			Origin: gazetteer.Origin{Store: gazetteer.StoreID(w.Store), Incarnation: w.Incarnation},
		}
	}
	return c
}
