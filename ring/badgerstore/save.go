package badgerstore

import (
	"encoding/binary"
	"errors"
	"strings"

	"gazetteer"
	"gazetteer/ring"

	"github.com/dgraph-io/badger/v4"
)

// op is one entry to write: a sealed value, or nil for a deletion.
type op struct{ key, value []byte }

// sealed returns the entry of a payload under its key.
func sealed(key, payload []byte) op {
	var a arena
	return op{key, a.seal(payload, sealOf(key, payload))}
}

// Save performs v: one durable transaction, then the floor, then the cache; only then
// readers and snapshots see it, and it returns.
func (s *Store) Save(v *ring.Save) error {
	if !s.gate.enter() {
		return closedError("badgerstore.Save")
	}
	defer s.gate.leave()
	s.saving.Lock()
	defer s.saving.Unlock()
	if err := s.maySave(); err != nil {
		return err
	}
	if v.Empty() && v.Clock <= s.root.clock {
		return nil
	}
	b := s.batch
	if err := b.fill(v); err != nil {
		if !errors.Is(err, ErrClosed) { // nothing was written yet
			s.failed = err
		}
		b.reset()
		return err
	}
	if err := s.write(b.ops); err != nil {
		return s.fail(err)
	}
	if err := s.floor.write(b.root.saves); err != nil {
		return s.fail(storeError("badgerstore.Save", "the floor cannot be written", err))
	}
	s.publish(b)
	return nil
}

func (s *Store) maySave() error {
	if s.failed == nil {
		if err := s.logger.failed(); err != nil {
			s.failed = storeError("badgerstore.Save", "Badger failed behind our back", err)
		}
	}
	if s.failed != nil {
		return s.failed
	}
	return s.room("badgerstore.Save", s.config.MinFree/2)
}

// fail stops all further saves: what became of the last one is known at the next start.
func (s *Store) fail(err error) error {
	s.failed = err
	return err
}

// publish shows what a batch has made durable.
//
// The timestamp goes first: a reader that missed the cache and notes a generation that
// counts this save already must read what it wrote, since it will put that into the cache.
func (s *Store) publish(b *batch) {
	s.stamps.last.Store(s.ts)
	for _, g := range b.order {
		s.cache.update(g.key, g.record)
	}
	s.mu.Lock()
	s.root = b.root
	for p, t := range b.touched {
		q := s.partitions[p]
		if q == nil {
			q = &partition{}
			p.Type = gazetteer.Type(strings.Clone(string(p.Type))) // it may be part of a message
			s.partitions[p] = q
		}
		t.publish(q)
	}
	s.mu.Unlock()
	s.stamps.advance(s.db)
	b.reset()
}

// limits are what one transaction may hold: somewhat less than Badger takes.
func (s *Store) limits() (entries, bytes int) {
	return int(s.db.MaxBatchCount()) - 2, int(s.db.MaxBatchSize()) * 9 / 10
}

// entryOverhead is what an entry costs besides its key and value, generously.
const entryOverhead = 32

func (o *op) size() int { return len(o.key) + len(o.value) + entryOverhead }

// write makes the entries durable, all or none, in their order.
func (s *Store) write(ops []op) error {
	entries, limit := s.limits()
	bytes := 0
	for i := range ops {
		bytes += ops[i].size()
	}
	if len(ops) < entries && bytes < limit {
		return s.commit(ops)
	}
	return s.commitLarge(ops)
}

// commit writes entries in one transaction.
func (s *Store) commit(ops []op) error {
	s.ts++
	txn := s.db.NewTransactionAt(s.ts, true)
	defer txn.Discard()
	for _, o := range ops {
		var err error
		if o.value == nil {
			err = txn.Delete(o.key)
		} else {
			err = txn.SetEntry(badger.NewEntry(o.key, o.value))
		}
		if err != nil {
			return storeError("badgerstore.Save", "the transaction was refused", err)
		}
	}
	if err := txn.CommitAt(s.ts, nil); err != nil {
		return storeError("badgerstore.Save", "the transaction did not become durable; end the process", err)
	}
	return nil
}

// arena holds the keys and values of a batch until Badger has copied them.
type arena struct{ chunk []byte }

const chunkBytes = 64 << 10

// room returns an empty slice with space for n bytes.
func (a *arena) room(n int) []byte {
	if cap(a.chunk)-len(a.chunk) < n {
		a.chunk = make([]byte, 0, max(chunkBytes, n))
	}
	return a.chunk[len(a.chunk):len(a.chunk):cap(a.chunk)]
}

// keep says that b, appended to what room returned, is used.
func (a *arena) keep(b []byte) []byte {
	if len(b) > cap(a.chunk)-len(a.chunk) {
		return b // it has grown out of the chunk
	}
	a.chunk = a.chunk[:len(a.chunk)+len(b)]
	return b[:len(b):len(b)]
}

// seal returns the payload with its seal.
func (a *arena) seal(payload []byte, seal uint64) []byte {
	b := append(a.room(len(payload)+sealBytes), payload...)
	return a.keep(binary.BigEndian.AppendUint64(b, seal))
}

func (a *arena) reset() { a.chunk = a.chunk[:0] }

// resourceKey names a resource within the store.
type resourceKey struct {
	partition gazetteer.Partition
	id        gazetteer.ID
}
