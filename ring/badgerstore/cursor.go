package badgerstore

import (
	"bytes"

	"github.com/dgraph-io/badger/v4"
)

// cursor walks over the keys with one prefix as a snapshot holds them, and verifies
// every value. Its key and payload are valid until it moves.
type cursor struct {
	store  *Store
	ts     uint64
	prefix []byte
	txn    *badger.Txn
	it     *badger.Iterator

	key, payload []byte
	seal         uint64
	err          error
	value        []byte
}

// cursor returns a cursor that stands nowhere: seek first. It must be closed.
func (n *snapshot) cursor(prefix []byte) *cursor {
	c := &cursor{store: n.store, ts: n.ts, prefix: prefix}
	if !n.store.gate.enter() {
		c.err = closedError("badgerstore.Scan")
		return c
	}
	c.open()
	return c
}

func (c *cursor) open() {
	defer c.store.caught("badgerstore.Scan", c.prefix, &c.err)
	c.txn = c.store.db.NewTransactionAt(c.ts, false)
	// Badger reads values ahead in goroutines of its own, whose panics nobody can catch.
	c.it = c.txn.NewIterator(badger.IteratorOptions{Prefix: c.prefix})
}

func (c *cursor) close() {
	if c.it != nil {
		c.it.Close()
	}
	if c.txn != nil {
		c.txn.Discard()
		c.store.gate.leave()
		c.txn = nil
	}
}

// seek moves to the first key at or behind the given one. It returns false when there is
// none, or an error in c.err.
func (c *cursor) seek(key []byte) bool {
	return c.move(func() { c.it.Seek(key) })
}

// next moves to the following key.
func (c *cursor) next() bool { return c.move(func() { c.it.Next() }) }

func (c *cursor) move(step func()) bool {
	if c.err != nil {
		return false
	}
	if c.store.gate.closed.Load() {
		c.err = closedError("badgerstore.Scan")
		return false
	}
	return c.load(step) && c.err == nil
}

func (c *cursor) load(step func()) bool {
	defer c.store.caught("badgerstore.Scan", c.prefix, &c.err)
	step()
	if !c.it.Valid() {
		return false
	}
	item := c.it.Item()
	c.key = item.KeyCopy(c.key)
	var err error
	if c.value, err = item.ValueCopy(c.value); err != nil {
		c.err = storeError("badgerstore.Scan", "the database cannot be read", err)
		return false
	}
	var ok bool
	if c.payload, c.seal, ok = unseal(c.key, c.value); !ok {
		c.err = c.store.corrupt("badgerstore.Scan", c.key, "its checksum does not fit")
		return false
	}
	return bytes.HasPrefix(c.key, c.prefix)
}

// record returns the record whose key the cursor stands on, put together if it lies in
// parts. It is valid until the cursor moves.
func (c *cursor) record() ([]byte, error) {
	if !isParted(c.payload) {
		return c.payload, nil
	}
	return c.store.readAt(c.ts, nil, c.key)
}
