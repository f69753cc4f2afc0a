package badgerstore

import (
	"iter"
	"sync"
	"sync/atomic"

	"gazetteer"
	"gazetteer/ring"

	"github.com/dgraph-io/badger/v4"
)

// stamps are the timestamps of Badger that readers go by.
type stamps struct {
	// last is of the last save that is durable and whole: what readers see. What a save
	// under way has written already lies above it.
	last atomic.Uint64
	// horizon is what Badger was told: older versions of what it still needs for this
	// timestamp may go.
	horizon atomic.Uint64

	mu   sync.Mutex     // guards following
	open map[uint64]int // how many snapshots are open at each timestamp
}

// hold returns the present timestamp, whose versions stay until release.
func (t *stamps) hold() uint64 {
	t.mu.Lock()
	defer t.mu.Unlock()
	ts := t.last.Load()
	t.open[ts]++
	return ts
}

func (t *stamps) release(ts uint64) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.open[ts]--; t.open[ts] == 0 {
		delete(t.open, ts)
	}
}

// advance lets Badger drop what no snapshot sees any more.
func (t *stamps) advance(db *badger.DB) {
	t.mu.Lock()
	defer t.mu.Unlock()
	low := t.last.Load()
	for ts := range t.open {
		low = min(low, ts)
	}
	if low > t.horizon.Load() {
		t.horizon.Store(low) // first: a reader that sees it reads again
		db.SetDiscardTs(low)
	}
}

// snapshot is the store as one save left it.
type snapshot struct {
	store *Store
	ts    uint64
	once  sync.Once
}

// Snapshot freezes the present content. It costs nothing until it is read, but what is
// overwritten stays on disk until it is closed.
func (s *Store) Snapshot() ring.Snapshot { return s.snapshot() }

func (s *Store) snapshot() *snapshot { return &snapshot{store: s, ts: s.stamps.hold()} }

func (n *snapshot) Close() { n.once.Do(func() { n.store.stamps.release(n.ts) }) }

// Scan yields the updates of p above the vector and after the position, by position. It
// walks the index and looks each element up in its record; neighbours in the index are
// often of one record.
func (n *snapshot) Scan(p gazetteer.Partition, above gazetteer.Vector, after gazetteer.Position) iter.Seq2[gazetteer.Update, error] {
	return func(yield func(gazetteer.Update, error) bool) {
		c := n.cursor(appendKind(nil, p, kindIndex))
		defer c.close()
		look := lookup{cursor: c, partition: p}
		// A key and a zero byte is the first one behind the key.
		for ok := c.seek(append(appendIndexKey(nil, p, after), 0)); ok; {
			at, e, err := parseIndex(c)
			if err == nil && above.Covers(at) {
				at.Seq = above.At(at.Origin)
				ok = c.seek(append(appendIndexKey(nil, p, at), 0))
				continue
			}
			var u gazetteer.Update
			if err == nil {
				u, err = look.update(e, at)
			}
			if !yield(u, err) || err != nil {
				return
			}
			ok = c.next()
		}
		if c.err != nil {
			yield(gazetteer.Update{}, c.err)
		}
	}
}

func parseIndex(c *cursor) (gazetteer.Position, gazetteer.Element, error) {
	k, v := parser{b: c.key}, parser{b: c.payload}
	k.partition()
	k.byte()
	at := gazetteer.Position{Origin: k.origin(), Seq: k.uint64()}
	e := v.element()
	if !k.done() || !v.done() {
		return at, e, c.store.corrupt("badgerstore.Scan", c.key, "an entry of the index that cannot be read")
	}
	return at, e, nil
}

// lookup finds elements in records of the cursor's snapshot, and remembers the last
// record.
type lookup struct {
	cursor    *cursor
	partition gazetteer.Partition
	id        gazetteer.ID
	held      []gazetteer.Update
}

// update returns the element that the index says is held at the position.
func (l *lookup) update(e gazetteer.Element, at gazetteer.Position) (gazetteer.Update, error) {
	if err := l.record(e.ID); err != nil {
		return gazetteer.Update{}, err
	}
	for _, u := range l.held {
		if u.Element.Location == e.Location && u.Position == at {
			return u, nil
		}
	}
	return gazetteer.Update{}, l.cursor.store.corrupt("badgerstore.Scan", l.cursor.key, "the index names an element that its record does not hold")
}

func (l *lookup) record(id gazetteer.ID) error {
	if l.held != nil && l.id == id {
		return nil
	}
	s, key := l.cursor.store, appendRecordKey(nil, l.partition, id)
	b, err := s.readAt(l.cursor.ts, nil, key)
	if err != nil {
		return err
	}
	us, err := ring.DecodeRecord(b)
	if err != nil {
		return s.corrupt("badgerstore.Scan", key, err.Error())
	}
	for i := range us {
		us[i].Element.ID = id
	}
	l.id, l.held = id, us
	return nil
}

// Scan yields the updates of p above the vector, of the moment when it begins.
func (s *Store) Scan(p gazetteer.Partition, above gazetteer.Vector) iter.Seq2[gazetteer.Update, error] {
	return func(yield func(gazetteer.Update, error) bool) {
		n := s.snapshot()
		defer n.Close()
		n.Scan(p, above, gazetteer.Position{})(yield)
	}
}

// List yields the ids of p that have a live element and are above after.
func (s *Store) List(p gazetteer.Partition, after gazetteer.ID) iter.Seq2[gazetteer.ID, error] {
	return func(yield func(gazetteer.ID, error) bool) {
		n := s.snapshot()
		defer n.Close()
		c := n.cursor(appendKind(nil, p, kindRecord))
		defer c.close()
		for ok := c.seek(append(appendRecordKey(nil, p, after), 0)); ok; ok = c.next() {
			live, err := c.lives()
			id := gazetteer.ID(c.key[partitionBytes(c.key)+1:])
			if (live || err != nil) && (!yield(id, err) || err != nil) {
				return
			}
		}
		if c.err != nil {
			yield("", c.err)
		}
	}
}

// lives reports whether the record that the cursor stands on has a live element.
func (c *cursor) lives() (bool, error) {
	record, err := c.record()
	if err != nil {
		return false, err
	}
	v := ring.View(record)
	for v.Next() {
		if !v.Tombstone {
			return true, nil
		}
	}
	if err := v.Err(); err != nil {
		return false, c.store.corrupt("badgerstore.List", c.key, err.Error())
	}
	return false, nil
}

// Tombstones returns up to limit tombstones with stamps below the clock value.
func (s *Store) Tombstones(below gazetteer.Clock, limit int) ([]ring.Held, error) {
	n := s.snapshot()
	defer n.Close()
	var out []ring.Held
	for _, p := range s.withTombstones() {
		var err error
		if out, err = n.tombstones(out, p, below, limit); err != nil || len(out) >= limit {
			return out, err
		}
	}
	return out, nil
}

func (n *snapshot) tombstones(out []ring.Held, p gazetteer.Partition, below gazetteer.Clock, limit int) ([]ring.Held, error) {
	c := n.cursor(appendKind(nil, p, kindTombstone))
	defer c.close()
	look := lookup{cursor: c, partition: p}
	for ok := c.seek(c.prefix); ok && len(out) < limit; ok = c.next() {
		k := parser{b: c.key}
		k.partition()
		k.byte()
		clock, e := gazetteer.Clock(k.uint64()), k.element()
		if !k.done() {
			return out, n.store.corrupt("badgerstore.Tombstones", c.key, "a key that cannot be read")
		}
		if clock >= below {
			break
		}
		u, err := look.tombstone(e, clock)
		if err != nil {
			return out, err
		}
		out = append(out, ring.Held{Partition: p, Update: u})
	}
	return out, c.err
}

func (l *lookup) tombstone(e gazetteer.Element, clock gazetteer.Clock) (gazetteer.Update, error) {
	if err := l.record(e.ID); err != nil {
		return gazetteer.Update{}, err
	}
	for _, u := range l.held {
		if u.Element.Location == e.Location && u.Tombstone && u.Stamp.Clock == clock {
			return u, nil
		}
	}
	return gazetteer.Update{}, l.cursor.store.corrupt("badgerstore.Tombstones", l.cursor.key, "no such tombstone is held")
}

// withTombstones returns the partitions that hold any.
func (s *Store) withTombstones() []gazetteer.Partition {
	s.mu.RLock()
	defer s.mu.RUnlock()
	var out []gazetteer.Partition
	for p, q := range s.partitions {
		if q.tombstones > 0 {
			out = append(out, p)
		}
	}
	return out
}
