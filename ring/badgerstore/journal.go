package badgerstore

import (
	"bytes"
	"encoding/binary"
	"iter"

	"gazetteer"
	"gazetteer/ring"
)

// A conflict is stored by time, and its time under its identity: partition, position and
// element of the loser.

func appendConflictID(dst []byte, c *ring.Conflict) []byte {
	dst = appendPartition(dst, c.Partition)
	dst = appendOrigin(dst, c.Loser.Position.Origin)
	dst = binary.BigEndian.AppendUint64(dst, c.Loser.Position.Seq)
	return appendElement(dst, c.Loser.Element)
}

// journalKey is the key of a conflict by time; times may be negative.
func journalKey(at int64, id []byte) []byte {
	return append(binary.BigEndian.AppendUint64([]byte{areaJournal}, uint64(at)^1<<63), id...)
}

func appendConflict(dst []byte, c *ring.Conflict) []byte {
	dst = binary.BigEndian.AppendUint32(dst, c.Winner.Epoch)
	dst = binary.BigEndian.AppendUint64(dst, uint64(c.Winner.Clock))
	dst = appendOrigin(dst, c.Winner.Origin)
	return ring.AppendUpdates(dst, []gazetteer.Update{c.Loser})
}

// parseConflict reads an entry by time.
func parseConflict(key, payload []byte) (ring.Conflict, bool) {
	k, v := parser{b: key[1:]}, parser{b: payload}
	c := ring.Conflict{At: int64(k.uint64() ^ 1<<63), Partition: k.partition()}
	c.Winner = gazetteer.Stamp{Epoch: v.uint32(), Clock: gazetteer.Clock(v.uint64()), Origin: v.origin()}
	losers, err := ring.DecodeUpdates(bytes.Clone(v.b))
	if k.bad || v.bad || err != nil || len(losers) != 1 {
		return c, false
	}
	c.Loser = losers[0]
	return c, true
}

// conflicts adds to the journal and drops what has expired.
func (b *batch) conflicts(v *ring.Save) error {
	for i := range v.Journal {
		if err := b.conflict(&v.Journal[i], v.Expire); err != nil {
			return err
		}
	}
	if v.Expire == 0 {
		return nil
	}
	return b.expire(v.Expire)
}

func (b *batch) conflict(c *ring.Conflict, expire int64) error {
	id := appendConflictID(nil, c)
	if b.journal[string(id)] {
		return nil
	}
	b.journal[string(id)] = true
	if c.At < expire {
		return nil
	}
	key := append([]byte{areaJournalKey}, id...)
	there, err := b.store.value(key)
	if err != nil || len(there) > 0 {
		return err
	}
	b.put(key, binary.BigEndian.AppendUint64(nil, uint64(c.At)))
	b.root.journal += b.put(journalKey(c.At, id), appendConflict(nil, c))
	return nil
}

func (b *batch) expire(before int64) error {
	n := b.store.snapshot()
	defer n.Close()
	c := n.cursor([]byte{areaJournal})
	defer c.close()
	for ok := c.seek(c.prefix); ok; ok = c.next() {
		k := parser{b: c.key[1:]}
		if int64(k.uint64()^1<<63) >= before {
			break
		}
		b.root.journal -= c.seal
		b.drop(bytes.Clone(c.key))
		b.drop(append([]byte{areaJournalKey}, k.b...))
	}
	return c.err
}

// Conflicts yields the conflict journal, oldest first.
func (s *Store) Conflicts() iter.Seq2[ring.Conflict, error] {
	return func(yield func(ring.Conflict, error) bool) {
		n := s.snapshot()
		defer n.Close()
		c := n.cursor([]byte{areaJournal})
		defer c.close()
		for ok := c.seek(c.prefix); ok; ok = c.next() {
			found, good := parseConflict(c.key, c.payload)
			if !good {
				yield(found, s.corrupt("badgerstore.Conflicts", c.key, "a conflict that cannot be read"))
				return
			}
			if !yield(found, nil) {
				return
			}
		}
		if c.err != nil {
			yield(ring.Conflict{}, c.err)
		}
	}
}
