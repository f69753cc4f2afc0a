package badgerstore

import (
	"encoding/binary"
	"fmt"
	"slices"
	"strings"

	"gazetteer"
	"gazetteer/ring"
)

// batch turns a ring.Save into entries of the database.
type batch struct {
	store     *Store
	arena     arena
	ops       []op
	resources map[resourceKey]*resource
	order     []*resource // in the order in which they were first named
	touched   map[gazetteer.Partition]*touched
	root      root
	journal   map[string]bool // conflicts that this batch names
}

// resource is one resource before and after the batch.
type resource struct {
	resourceKey
	key       []byte
	before    []byte // encoded
	was, held []gazetteer.Update
	record    []byte // encoded, after
}

// touched is one partition as the batch leaves it.
type touched struct {
	partition
	known    bool   // it has a state already
	was      uint64 // the seal of that
	raise    ring.PartitionState
	isRaised bool
	dropped  bool // what was remembered before is forgotten
}

func newBatch(s *Store) *batch {
	b := &batch{store: s}
	b.reset()
	return b
}

// maxKeptChunk is how large a chunk a batch keeps for the next one.
const maxKeptChunk = 4 << 20

func (b *batch) reset() {
	if cap(b.arena.chunk) > maxKeptChunk {
		b.arena.chunk = nil
	}
	b.arena.reset()
	clear(b.ops)
	clear(b.order)
	*b = batch{
		store: b.store, arena: b.arena, ops: b.ops[:0], order: b.order[:0],
		resources: map[resourceKey]*resource{},
		touched:   map[gazetteer.Partition]*touched{},
		journal:   map[string]bool{},
	}
}

// fill reads what v changes and works out the entries to write.
func (b *batch) fill(v *ring.Save) error {
	b.root = b.store.root
	b.root.saves++
	b.root.clock = max(b.root.clock, v.Clock)
	for _, p := range v.Drop {
		b.forget(p)
	}
	if err := b.elements(v); err != nil {
		return err
	}
	for _, g := range b.order {
		b.write(g)
	}
	for p, by := range v.Raise {
		b.raise(p, &by)
	}
	if err := b.conflicts(v); err != nil {
		return err
	}
	for p, t := range b.touched {
		b.state(p, t)
	}
	b.put(rootKey(), b.root.append(nil))
	return nil
}

func (b *batch) elements(v *ring.Save) error {
	for i := range v.Remove {
		g, err := b.resource(&v.Remove[i])
		if err != nil {
			return err
		}
		g.remove(v.Remove[i].Update.Element.Location)
	}
	for i := range v.Put {
		g, err := b.resource(&v.Put[i])
		if err != nil {
			return err
		}
		g.put(&v.Put[i].Update)
		b.root.clock = max(b.root.clock, v.Put[i].Update.Stamp.Clock)
	}
	return nil
}

// resource returns the resource that h is of, as the batch has left it. The replica has
// read it before it decided what to save, so that it is in the cache.
func (b *batch) resource(h *ring.Held) (*resource, error) {
	k := resourceKey{h.Partition, h.Update.Element.ID}
	if err := fits(h); err != nil {
		return nil, err
	}
	if g := b.resources[k]; g != nil {
		return g, nil
	}
	g := &resource{resourceKey: k}
	g.key = b.arena.keep(appendRecordKey(b.arena.room(maxKey), k.partition, k.id))
	before, ok := b.store.cache.get(b.arena.room(1024), g.key)
	if !ok {
		var err error
		if before, err = b.store.read(b.arena.room(1024), g.key); err != nil {
			return nil, err
		}
	}
	g.before = b.arena.keep(before)
	var err error
	if g.was, err = ring.DecodeRecord(g.before); err != nil {
		return nil, b.store.corrupt("badgerstore.Save", g.key, err.Error())
	}
	g.held = slices.Clone(g.was)
	b.resources[k] = g
	b.order = append(b.order, g)
	return g, nil
}

// fits checks what keys rely on: lengths that go into one byte.
func fits(h *ring.Held) error {
	e := &h.Update.Element
	if len(h.Partition.Type) > 63 || len(e.ID) == 0 || len(e.ID) > gazetteer.MaxIDBytes || len(e.Location) > gazetteer.MaxIDBytes {
		return &gazetteer.Error{Op: "badgerstore.Save", Kind: gazetteer.Invalid, Key: gazetteer.Key{Type: h.Partition.Type, ID: e.ID},
			Detail: fmt.Sprintf("type, id and location %q do not have the lengths that the edge lets in", e.Location)}
	}
	return nil
}

func (g *resource) find(l gazetteer.LocationID) (int, bool) {
	return slices.BinarySearchFunc(g.held, l, func(u gazetteer.Update, l gazetteer.LocationID) int {
		return strings.Compare(string(u.Element.Location), string(l))
	})
}

func (g *resource) put(u *gazetteer.Update) {
	i, ok := g.find(u.Element.Location)
	if ok {
		g.held[i] = *u
	} else {
		g.held = slices.Insert(g.held, i, *u)
	}
}

func (g *resource) remove(l gazetteer.LocationID) {
	if i, ok := g.find(l); ok {
		g.held = slices.Delete(g.held, i, i+1)
	}
}

// write adds the entries of a resource: its record, and where its elements differ, the
// index and the tombstones.
func (b *batch) write(g *resource) {
	t := b.touch(g.partition)
	size := 64
	for i := range g.held {
		size += g.held[i].Size()
	}
	g.record = b.arena.keep(ring.AppendRecord(b.arena.room(size), g.held))
	b.record(t, g)
	b.difference(t, g)
}

// difference walks over both states of a resource, by location.
func (b *batch) difference(t *touched, g *resource) {
	was, held := g.was, g.held
	for len(was) > 0 || len(held) > 0 {
		order := 0
		switch {
		case len(held) == 0:
			order = -1
		case len(was) == 0:
			order = 1
		default:
			order = strings.Compare(string(was[0].Element.Location), string(held[0].Element.Location))
		}
		var old, now *gazetteer.Update
		if order <= 0 {
			old, was = &was[0], was[1:]
		}
		if order >= 0 {
			now, held = &held[0], held[1:]
		}
		b.index(g, old, now)
		b.tombstone(t, g, old, now)
	}
}

// index moves an element's entry. Old or now is nil if it was or is not held.
func (b *batch) index(g *resource, old, now *gazetteer.Update) {
	if old != nil && now != nil && old.Position == now.Position {
		return
	}
	if old != nil {
		b.drop(b.arena.keep(appendIndexKey(b.arena.room(maxKey), g.partition, old.Position)))
	}
	if now != nil {
		e := gazetteer.Element{ID: g.id, Location: now.Element.Location}
		key := b.arena.keep(appendIndexKey(b.arena.room(maxKey), g.partition, now.Position))
		b.put(key, b.arena.keep(appendElement(b.arena.room(maxKey), e)))
	}
}

func (b *batch) tombstone(t *touched, g *resource, old, now *gazetteer.Update) {
	was, is := old != nil && old.Tombstone, now != nil && now.Tombstone
	if was && is && old.Stamp.Clock == now.Stamp.Clock {
		return
	}
	if was {
		b.drop(b.tombstoneKey(g, old))
		t.tombstones--
	}
	if is {
		b.put(b.tombstoneKey(g, now), nil)
		t.tombstones++
	}
}

func (b *batch) tombstoneKey(g *resource, u *gazetteer.Update) []byte {
	e := gazetteer.Element{ID: g.id, Location: u.Element.Location}
	return b.arena.keep(appendTombstoneKey(b.arena.room(maxKey), g.partition, u.Stamp.Clock, e))
}

// record writes what is held of a resource, and keeps the partition's sum.
func (b *batch) record(t *touched, g *resource) {
	if len(g.before) > 0 {
		t.records--
		walkRecord(g.key, g.before, func(key, payload []byte) { t.sum -= sealOf(key, payload) })
	}
	if len(g.record) > 0 {
		t.records++
		walkRecord(g.key, g.record, func(key, payload []byte) { t.sum += b.put(key, payload) })
	} else if len(g.before) > 0 {
		b.drop(g.key)
	}
	for n := parts(len(g.record)); n < parts(len(g.before)); n++ {
		b.drop(appendPartKey(nil, g.key, n))
	}
}

// walkRecord visits the entries in which a record lies.
func walkRecord(key, record []byte, visit func(key, payload []byte)) {
	n := parts(len(record))
	if n == 0 {
		visit(key, record)
		return
	}
	visit(key, appendParted(nil, len(record)))
	for i := range n {
		visit(appendPartKey(nil, key, i), part(record, i))
	}
}

// forget removes what is remembered of a partition but for what it holds.
func (b *batch) forget(p gazetteer.Partition) {
	t := b.touch(p)
	b.forgetVector(p, t, kindVector, t.state.Vector)
	b.forgetVector(p, t, kindCollected, t.state.Collected)
	t.state, t.raised, t.dropped = ring.PartitionState{}, false, true
}

func (b *batch) forgetVector(p gazetteer.Partition, t *touched, kind byte, v gazetteer.Vector) {
	for _, at := range v {
		key := b.arena.keep(appendVectorKey(b.arena.room(maxKey), p, kind, at.Origin))
		t.sum -= sealOf(key, binary.BigEndian.AppendUint64(nil, at.Seq))
		b.drop(key)
	}
}

// raise writes the entries of the vectors that by changes.
func (b *batch) raise(p gazetteer.Partition, by *ring.PartitionState) {
	t := b.touch(p)
	t.raise, t.isRaised = *by, true
	b.vector(p, t, kindVector, t.state.Vector, by.Vector)
	b.vector(p, t, kindCollected, t.state.Collected, by.Collected)
	t.raised = true
	t.state.Filled = t.state.Filled || by.Filled
	t.state.CollectedClock = max(t.state.CollectedClock, by.CollectedClock)
}

func (b *batch) vector(p gazetteer.Partition, t *touched, kind byte, held, by gazetteer.Vector) {
	for _, at := range by.Above(held) {
		key := b.arena.keep(appendVectorKey(b.arena.room(maxKey), p, kind, at.Origin))
		if seq := held.At(at.Origin); seq > 0 {
			t.sum -= sealOf(key, binary.BigEndian.AppendUint64(nil, seq))
		}
		t.sum += b.put(key, binary.BigEndian.AppendUint64(nil, at.Seq))
	}
}

// touch returns a partition as the batch has left it.
func (b *batch) touch(p gazetteer.Partition) *touched {
	t := b.touched[p]
	if t == nil {
		t = &touched{}
		t.partition, t.known = b.store.partitionOf(p)
		if t.known {
			t.was = sealOf(appendKind(nil, p, kindState), t.appendState(nil))
		}
		b.touched[p] = t
	}
	return t
}

// publish takes what was made durable over into what is remembered.
func (t *touched) publish(q *partition) {
	vector, collected := q.state.Vector, q.state.Collected
	if t.dropped {
		vector, collected = nil, nil
	}
	*q = t.partition
	q.state.Vector, q.state.Collected = vector, collected
	if t.isRaised {
		q.state.Vector = vector.Merge(t.raise.Vector)
		q.state.Collected = collected.Merge(t.raise.Collected)
	}
}

// state writes what is remembered of a partition.
func (b *batch) state(p gazetteer.Partition, t *touched) {
	key := b.arena.keep(appendKind(b.arena.room(maxKey), p, kindState))
	if t.known {
		b.root.states -= t.was
	} else {
		b.root.partitions++
	}
	b.root.states += b.put(key, t.appendState(nil))
}

// put adds an entry and returns its seal.
func (b *batch) put(key, payload []byte) uint64 {
	seal := sealOf(key, payload)
	b.ops = append(b.ops, op{key, b.arena.seal(payload, seal)})
	return seal
}

func (b *batch) drop(key []byte) { b.ops = append(b.ops, op{key: key}) }
