package badgerstore

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"

	"gazetteer"
	"gazetteer/ring"

	"github.com/dgraph-io/badger/v4"
)

// AppendRecord appends the encoded updates of one resource to dst. What the cache holds
// costs no lock towards Save, no system call and no allocation.
func (s *Store) AppendRecord(dst []byte, p gazetteer.Partition, id gazetteer.ID) ([]byte, error) {
	var few [maxRecordKey]byte
	key := appendRecordKey(few[:0], p, id)
	if out, ok := s.cache.get(dst, key); ok {
		return out, nil
	}
	return s.readThrough(dst, bytes.Clone(key), false)
}

// Resource returns every update held of one resource.
func (s *Store) Resource(p gazetteer.Partition, id gazetteer.ID) ([]gazetteer.Update, error) {
	key := appendRecordKey(nil, p, id)
	b, ok := s.cache.get(nil, key)
	if !ok {
		// Also that nothing is held is remembered: the save that follows asks again.
		var err error
		if b, err = s.readThrough(nil, key, true); err != nil {
			return nil, err
		}
	}
	us, err := ring.DecodeRecord(b)
	if err != nil {
		return nil, s.corrupt("badgerstore.Resource", key, err.Error())
	}
	for i := range us {
		us[i].Element.ID = id
	}
	return us, nil
}

// readThrough appends the record under the key to dst, and leaves it in the cache;
// absence only if remembered.
func (s *Store) readThrough(dst, key []byte, absence bool) ([]byte, error) {
	generation := s.cache.generation(key)
	out, err := s.read(dst, key)
	if err != nil {
		return dst, err
	}
	if record := out[len(dst):]; len(record) > 0 || absence {
		s.cache.fill(key, record, generation)
	}
	return out, nil
}

// read appends the record under the key, as the last save left it, from the database.
func (s *Store) read(dst, key []byte) ([]byte, error) {
	if !s.gate.enter() {
		return dst, closedError("badgerstore.Read")
	}
	defer s.gate.leave()
	out, err := s.readNow(dst, key)
	if err != nil || !isParted(out[len(dst):]) {
		return out, err
	}
	ts := s.stamps.hold()
	defer s.stamps.release(ts)
	return s.readAt(ts, dst, key)
}

// value returns what lies under a key that is not a record's, nil if nothing.
func (s *Store) value(key []byte) ([]byte, error) {
	if !s.gate.enter() {
		return nil, closedError("badgerstore.Read")
	}
	defer s.gate.leave()
	return s.readNow(nil, key)
}

// readNow appends the value under the key as the last save left it.
func (s *Store) readNow(dst, key []byte) ([]byte, error) {
	for {
		ts := s.stamps.last.Load()
		out, err := s.readOne(ts, dst, key)
		// Compaction may have dropped the version that ts sees, and left older ones,
		// only if the horizon passed ts in the meantime: then read again.
		if s.stamps.horizon.Load() <= ts {
			return out, err
		}
	}
}

// readOne appends the value under the key as it was at a timestamp.
func (s *Store) readOne(ts uint64, dst, key []byte) (out []byte, err error) {
	defer s.caught("badgerstore.Read", key, &err)
	txn := s.db.NewTransactionAt(ts, false)
	defer txn.Discard()
	out, _, err = s.fetch(txn, dst, key)
	return out, err
}

// readAt appends the record under the key as it was at a timestamp that is held.
func (s *Store) readAt(ts uint64, dst, key []byte) (out []byte, err error) {
	defer s.caught("badgerstore.Read", key, &err)
	txn := s.db.NewTransactionAt(ts, false)
	defer txn.Discard()
	out, _, err = s.fetch(txn, dst, key)
	if err != nil || !isParted(out[len(dst):]) {
		return out, err
	}
	return s.fetchParts(txn, out, len(dst), key)
}

// fetch appends the payload under the key.
func (s *Store) fetch(txn *badger.Txn, dst, key []byte) ([]byte, bool, error) {
	item, err := txn.Get(key)
	switch {
	case errors.Is(err, badger.ErrKeyNotFound):
		return dst, false, nil
	case err != nil:
		return dst, false, storeError("badgerstore.Read", "the database cannot be read", err)
	}
	from := len(dst)
	err = item.Value(func(value []byte) error {
		dst = append(dst, value...)
		return nil
	})
	if err != nil {
		return dst[:from], false, storeError("badgerstore.Read", "the database cannot be read", err)
	}
	payload, _, ok := unseal(key, dst[from:])
	if !ok {
		return dst[:from], false, s.corrupt("badgerstore.Read", key, "its checksum does not fit")
	}
	return dst[:from+len(payload)], true, nil
}

// A record longer than partBytes lies in parts: badger refuses values of more than a
// part of its table's size, and would put values of a megabyte into its value log,
// whose damage it does not report. Under the record's key stands then partedRecord, how
// many parts there are, and the length of the whole.
const (
	partedRecord byte = 0 // no encoded record begins with it
	partBytes         = 32 << 10
	maxParts          = 1 << 16
)

func isParted(payload []byte) bool { return len(payload) > 0 && payload[0] == partedRecord }

// parts returns in how many parts a record of n bytes lies, 0 for one value.
func parts(n int) int {
	if n <= partBytes {
		return 0
	}
	return (n + partBytes - 1) / partBytes
}

func appendParted(dst []byte, length int) []byte {
	return binary.AppendUvarint(append(dst, partedRecord), uint64(length))
}

// part returns the n-th part of a record.
func part(record []byte, n int) []byte {
	return record[n*partBytes : min((n+1)*partBytes, len(record))]
}

// fetchParts replaces the head of a parted record, which begins at dst[from], by the
// record.
func (s *Store) fetchParts(txn *badger.Txn, dst []byte, from int, key []byte) ([]byte, error) {
	p := parser{b: dst[from+1:]}
	length := int(p.uvarint())
	if !p.done() || parts(length) == 0 || parts(length) > maxParts {
		return dst[:from], s.corrupt("badgerstore.Read", key, "it announces parts that cannot be")
	}
	dst = dst[:from]
	for n := range parts(length) {
		var found bool
		var err error
		dst, found, err = s.fetch(txn, dst, appendPartKey(nil, key, n))
		if err == nil && !found {
			err = s.corrupt("badgerstore.Read", key, fmt.Sprintf("part %d of %d is missing", n, parts(length)))
		}
		if err != nil {
			return dst[:from], err
		}
	}
	if len(dst)-from != length {
		return dst[:from], s.corrupt("badgerstore.Read", key, "its parts do not add up")
	}
	return dst, nil
}
