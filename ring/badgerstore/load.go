package badgerstore

import (
	"gazetteer"
)

// load reads what is remembered of the store and of its partitions, and checks that no
// partition is missing. The snapshot of Open needs no hold: nobody writes yet.
func (s *Store) load() error {
	n := s.snapshot()
	defer n.Close()
	var err error
	if s.root, err = n.rootThen(); err != nil {
		return err
	}
	c := n.cursor([]byte{areaPartition})
	defer c.close()
	var states, partitions uint64
	for ok := c.seek(c.prefix); ok; {
		if len(c.key) < 2 || len(c.key) <= partitionBytes(c.key) {
			return damaged("the key %x is of no kind", c.key)
		}
		if c.key[partitionBytes(c.key)] > kindCollected {
			ok = c.seek(append(c.key[:partitionBytes(c.key):partitionBytes(c.key)], 0xff))
			continue
		}
		isState, err := s.loadEntry(c)
		if err != nil {
			return err
		}
		if isState {
			states, partitions = states+c.seal, partitions+1
		}
		ok = c.next()
	}
	if c.err == nil && (states != s.root.states || partitions != s.root.partitions) {
		return damaged("what is remembered of the partitions is not whole: %d of %d", partitions, s.root.partitions)
	}
	return c.err
}

// rootThen returns the root as it was at the snapshot.
func (n *snapshot) rootThen() (root, error) {
	b, err := n.store.readOne(n.ts, nil, rootKey())
	if err != nil {
		return root{}, err
	}
	if len(b) == 0 {
		return root{}, damaged("the database is empty: there was one with data here")
	}
	r, ok := parseRoot(b)
	if !ok {
		return root{}, damaged("what is remembered of the store cannot be read")
	}
	return r, nil
}

// loadEntry takes one entry of what is remembered of a partition.
func (s *Store) loadEntry(c *cursor) (isState bool, err error) {
	k := parser{b: c.key}
	p, kind := k.partition(), k.byte()
	q := s.partitions[p]
	if q == nil {
		q = &partition{}
		s.partitions[p] = q
	}
	ok := false
	if kind == kindState {
		ok = q.parseState(c.payload)
	} else {
		ok = q.parseVector(c.key, c.payload)
	}
	if k.bad || !ok {
		return false, damaged("what is remembered of partition %v cannot be read", p)
	}
	return kind == kindState, nil
}

// partitionOf returns a copy of what is remembered of a partition, and whether anything
// is. Its vectors are the store's: read them under saving only.
func (s *Store) partitionOf(p gazetteer.Partition) (partition, bool) {
	s.mu.RLock()
	defer s.mu.RUnlock()
	if q := s.partitions[p]; q != nil {
		return *q, true
	}
	return partition{}, false
}
