package badgerstore

import (
	"encoding/binary"
)

// A save that does not fit into one transaction is first written down whole as an
// intent: its entries as they will be, in numbered parts, then a head that says how many
// parts there are. With the head the save is decided. Then its entries are written in
// several transactions, and head and parts go. A process that ends before the head has
// saved nothing; one that ends after it has the rest done at its next start: entries are
// absolute, so writing them twice is harmless. Readers see all of it or nothing: they go
// by a timestamp that is published at the end.

// intentBytes bounds what one part holds: it is one value.
func (s *Store) intentBytes() int {
	_, bytes := s.limits()
	return min(bytes/2, 512<<10)
}

func (s *Store) commitLarge(ops []op) error {
	n, err := s.writeIntent(ops)
	if err != nil {
		return err
	}
	if err := s.decide(n); err != nil {
		return err
	}
	if err := s.inGroups(ops, s.commit); err != nil {
		return err
	}
	return s.dropIntent(n)
}

// writeIntent writes the parts, and returns how many they are.
func (s *Store) writeIntent(ops []op) (int, error) {
	n := 0
	err := s.inGroups(ops, func(group []op) error {
		n++
		return s.commit([]op{sealed(intentKey(n-1), appendOps(nil, group))})
	})
	return n, err
}

// decide writes the head: from here on the save is done, now or at the next start.
func (s *Store) decide(n int) error {
	return s.commit([]op{sealed(intentHeadKey(), binary.BigEndian.AppendUint32(nil, uint32(n)))})
}

// dropIntent removes the head, then the parts.
func (s *Store) dropIntent(n int) error {
	if err := s.commit([]op{{key: intentHeadKey()}}); err != nil {
		return err
	}
	var ops []op
	for i := range n {
		ops = append(ops, op{key: intentKey(i)})
	}
	return s.inGroups(ops, s.commit)
}

// inGroups calls do with as many entries at a time as go into one part and one
// transaction.
func (s *Store) inGroups(ops []op, do func([]op) error) error {
	entries, _ := s.limits()
	limit := s.intentBytes()
	for len(ops) > 0 {
		n, bytes := 1, ops[0].size()
		for n < len(ops) && n < entries/2 && bytes+ops[n].size() < limit {
			bytes += ops[n].size()
			n++
		}
		if err := do(ops[:n]); err != nil {
			return err
		}
		ops = ops[n:]
	}
	return nil
}

func appendOps(dst []byte, ops []op) []byte {
	for _, o := range ops {
		dst = binary.AppendUvarint(dst, uint64(len(o.key)))
		dst = append(dst, o.key...)
		dst = binary.AppendUvarint(dst, uint64(len(o.value))) // 0 is a deletion: values are sealed
		dst = append(dst, o.value...)
	}
	return dst
}

func parseOps(b []byte) ([]op, bool) {
	p := parser{b: b}
	var ops []op
	for len(p.b) > 0 && !p.bad {
		o := op{key: p.take(int(p.uvarint()))}
		if value := p.take(int(p.uvarint())); len(value) > 0 {
			o.value = value
		}
		ops = append(ops, o)
	}
	return ops, p.done()
}

// finishLarge does what a large save that was decided has left to do.
func (s *Store) finishLarge() error {
	head, err := s.value(intentHeadKey())
	if err != nil {
		return err
	}
	n := 0
	if len(head) > 0 {
		p := parser{b: head}
		if n = int(p.uint32()); !p.done() {
			return damaged("the head of a large save cannot be read")
		}
	}
	for i := range n {
		if err := s.finishPart(i); err != nil {
			return err
		}
	}
	if n == 0 {
		if n, err = s.strayParts(); err != nil || n == 0 {
			return err
		}
	}
	if err := s.dropIntent(n); err != nil {
		return err
	}
	s.stamps.last.Store(s.ts)
	return nil
}

func (s *Store) finishPart(i int) error {
	b, err := s.value(intentKey(i))
	if err != nil {
		return err
	}
	ops, ok := parseOps(b)
	if !ok || len(ops) == 0 {
		return damaged("part %d of a large save cannot be read", i)
	}
	return s.inGroups(ops, s.commit)
}

// strayParts counts the parts of a large save that was not decided.
func (s *Store) strayParts() (int, error) {
	n := s.snapshot()
	defer n.Close()
	c := n.cursor([]byte{areaIntent})
	defer c.close()
	count := 0
	for ok := c.seek(c.prefix); ok; ok = c.next() {
		k := parser{b: c.key[1:]}
		count = max(count, int(k.uint32())+1)
	}
	return count, c.err
}
