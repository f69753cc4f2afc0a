package badgerstore

import (
	"errors"
	"maps"
	"slices"

	"gazetteer"
	"gazetteer/ring"
)

// errInterrupted says that the store is being closed.
var errInterrupted = errors.New("interrupted")

// verify reads everything stored and checks that it adds up: each partition's records
// and vectors to the sum remembered of it, its index and its tombstones to what its
// records say, the journal to the root's sum. What does not is damage.
func (s *Store) verify(p *pace) error {
	for _, part := range s.known() {
		if err := s.verifyPartition(part, p); err != nil {
			return s.asVerified(err)
		}
	}
	return s.asVerified(s.verifyJournal(p))
}

// asVerified keeps quiet about being interrupted.
func (s *Store) asVerified(err error) error {
	if errors.Is(err, errInterrupted) || errors.Is(err, ErrClosed) {
		return nil
	}
	return err
}

func (s *Store) known() []gazetteer.Partition {
	s.mu.RLock()
	defer s.mu.RUnlock()
	return slices.SortedFunc(maps.Keys(s.partitions), gazetteer.Partition.Compare)
}

// tally adds up what is found of a partition.
type tally struct {
	remembered partition
	found      partition
	// index and expected are the seals of the index and of the tombstones, as they lie
	// there and as the records call for.
	index, expected uint64
}

func (s *Store) verifyPartition(p gazetteer.Partition, pace *pace) error {
	n := s.snapshot()
	defer n.Close()
	c := n.cursor(appendPartition(nil, p))
	defer c.close()
	var t tally
	for ok := c.seek(c.prefix); ok; ok = c.next() {
		if err := t.add(p, c); err != nil {
			return err
		}
		if !pace.step(len(c.key) + len(c.value)) {
			return errInterrupted
		}
	}
	if c.err != nil {
		return c.err
	}
	return t.compare(p)
}

func (t *tally) add(p gazetteer.Partition, c *cursor) error {
	switch kind := c.key[len(c.prefix)]; kind {
	case kindState:
		if !t.remembered.parseState(c.payload) {
			return damaged("what is remembered of partition %v cannot be read", p)
		}
	case kindVector, kindCollected, kindPart:
		t.found.sum += c.seal
	case kindRecord:
		t.found.sum += c.seal
		t.found.records++
		return t.addRecord(p, c)
	case kindIndex, kindTombstone:
		t.index += c.seal
	default:
		return damaged("partition %v holds a key of unknown kind %d", p, kind)
	}
	return nil
}

// addRecord reckons which entries of the index a record calls for.
func (t *tally) addRecord(p gazetteer.Partition, c *cursor) error {
	record, err := c.record()
	if err != nil {
		return err
	}
	id := gazetteer.ID(c.key[len(c.prefix)+1:])
	v := ring.View(record)
	for v.Next() {
		e := gazetteer.Element{ID: id, Location: gazetteer.LocationID(v.Location)}
		t.expected += sealOf(appendIndexKey(nil, p, v.Position), appendElement(nil, e))
		if v.Tombstone {
			t.found.tombstones++
			t.expected += sealOf(appendTombstoneKey(nil, p, v.Stamp.Clock, e), nil)
		}
	}
	if err := v.Err(); err != nil {
		return damaged("the record of %v/%s: %v", p, id, err)
	}
	return nil
}

func (t *tally) compare(p gazetteer.Partition) error {
	was, is := &t.remembered, &t.found
	if was.records != is.records || was.tombstones != is.tombstones || was.sum != is.sum {
		return damaged("partition %v is not whole: %d of %d records, %d of %d tombstones, sum %x for %x",
			p, is.records, was.records, is.tombstones, was.tombstones, is.sum, was.sum)
	}
	if t.index != t.expected {
		return damaged("the index of partition %v is not what its %d records call for", p, is.records)
	}
	return nil
}

func (s *Store) verifyJournal(pace *pace) error {
	n := s.snapshot()
	defer n.Close()
	was, err := n.rootThen()
	if err != nil {
		return err
	}
	c := n.cursor([]byte{areaJournal})
	defer c.close()
	var sum uint64
	for ok := c.seek(c.prefix); ok; ok = c.next() {
		sum += c.seal
		if !pace.step(len(c.key) + len(c.value)) {
			return errInterrupted
		}
	}
	if c.err == nil && sum != was.journal {
		return damaged("the conflict journal is not whole")
	}
	return c.err
}
