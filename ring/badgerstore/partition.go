package badgerstore

import (
	"encoding/binary"

	"gazetteer"
	"gazetteer/ring"
)

// partition is what is remembered of one partition. The vectors are stored entry by
// entry, the rest as one value.
type partition struct {
	state      ring.PartitionState
	raised     bool   // somebody raised it: it is part of State
	records    uint64 // resources held
	tombstones uint64
	// sum adds up the seals of all records, parts and vector entries. The index and the
	// tombstones follow from the records.
	sum uint64
}

const (
	stateRaised byte = 1 << iota
	stateFilled
)

// appendState appends the value of kindState.
func (q *partition) appendState(dst []byte) []byte {
	flags := byte(0)
	if q.raised {
		flags |= stateRaised
	}
	if q.state.Filled {
		flags |= stateFilled
	}
	dst = append(dst, flags)
	for _, n := range []uint64{uint64(q.state.CollectedClock), q.records, q.tombstones} {
		dst = binary.AppendUvarint(dst, n)
	}
	return binary.BigEndian.AppendUint64(dst, q.sum)
}

// parseState reads what appendState wrote.
func (q *partition) parseState(b []byte) bool {
	p := parser{b: b}
	flags := p.byte()
	q.raised, q.state.Filled = flags&stateRaised != 0, flags&stateFilled != 0
	q.state.CollectedClock = gazetteer.Clock(p.uvarint())
	q.records, q.tombstones = p.uvarint(), p.uvarint()
	q.sum = p.uint64()
	return p.done()
}

// parseVector adds the entry of a vector that lies under the key.
func (q *partition) parseVector(key, payload []byte) bool {
	k, v := parser{b: key}, parser{b: payload}
	k.partition()
	kind := k.byte()
	at := gazetteer.Position{Origin: k.origin(), Seq: v.uint64()}
	if kind == kindVector {
		q.state.Vector = q.state.Vector.Raise(at)
	} else {
		q.state.Collected = q.state.Collected.Raise(at)
	}
	return k.done() && v.done()
}

// root is what is remembered of the store as a whole. It is written with every save.
type root struct {
	saves      uint64 // how many there were: the floor is about this number
	clock      gazetteer.Clock
	journal    uint64 // sum of the seals of the conflict journal
	partitions uint64 // how many have a state
	states     uint64 // sum of the seals of these
	database   uint64 // random: tells this database from others of the same node
	count      uint32 // the planet's partition count
	node       gazetteer.NodeID
}

func (r *root) append(dst []byte) []byte {
	for _, n := range []uint64{r.saves, uint64(r.clock), r.journal, r.partitions, r.states, r.database} {
		dst = binary.BigEndian.AppendUint64(dst, n)
	}
	dst = binary.BigEndian.AppendUint32(dst, r.count)
	return append(dst, r.node...)
}

func parseRoot(b []byte) (root, bool) {
	p := parser{b: b}
	r := root{
		saves: p.uint64(), clock: gazetteer.Clock(p.uint64()), journal: p.uint64(),
		partitions: p.uint64(), states: p.uint64(), database: p.uint64(), count: p.uint32(),
	}
	r.node = gazetteer.NodeID(p.take(len(p.b)))
	return r, p.done()
}
