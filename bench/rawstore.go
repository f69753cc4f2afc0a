package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"time"

	"github.com/dgraph-io/badger/v4"
)

// rawBatch is how many bytes one transaction of the bare store takes: as many as the
// product puts into one.
const rawBatch = 1 << 20

// rawResult is what writeRaw prints.
type rawResult struct {
	Entries, Bytes int
	Took           time.Duration
}

// rewrite runs writeRaw in a process of its own on the store below dir.
func rewrite(o options, dir string) (r rawResult, err error) {
	from, err := badgerBelow(dir)
	if err != nil {
		return r, err
	}
	to, err := os.MkdirTemp(o.dir, "raw-")
	if err != nil {
		return r, err
	}
	defer os.RemoveAll(to)
	self, err := os.Executable()
	if err != nil {
		return r, err
	}
	c := exec.Command(self, "raw-store", from, to)
	c.Stderr = os.Stderr
	out, err := c.Output()
	if err != nil {
		return r, err
	}
	return r, json.Unmarshal(out, &r)
}

// badgerBelow finds the folder that holds a Badger store.
func badgerBelow(dir string) (string, error) {
	for _, pattern := range []string{"MANIFEST", "*/MANIFEST", "*/*/MANIFEST"} {
		if found, err := filepath.Glob(filepath.Join(dir, pattern)); err == nil && len(found) == 1 {
			return filepath.Dir(found[0]), nil
		}
	}
	return "", fmt.Errorf("%s holds no Badger store", dir)
}

// writeRaw reads all entries of a store, writes them to a new one in synced batches and
// prints a rawResult. Its arguments are the two folders.
func writeRaw(args []string) error {
	entries, err := readEntries(args[0])
	if err != nil {
		return err
	}
	// Records come in any order, not in that of their keys.
	r := rand.New(rand.NewPCG(1, 1))
	r.Shuffle(len(entries), func(i, j int) { entries[i], entries[j] = entries[j], entries[i] })
	db, err := badger.Open(badger.DefaultOptions(args[1]).WithSyncWrites(true).WithLogger(nil))
	if err != nil {
		return err
	}
	begin := time.Now()
	size, err := writeEntries(db, entries)
	took := time.Since(begin)
	if err := firstOf(err, db.Close()); err != nil {
		return err
	}
	return json.NewEncoder(os.Stdout).Encode(rawResult{len(entries), size, took})
}

func readEntries(dir string) (entries []*badger.Entry, err error) {
	db, err := badger.Open(badger.DefaultOptions(dir).WithLogger(nil))
	if err != nil {
		return nil, err
	}
	err = db.View(func(txn *badger.Txn) error {
		it := txn.NewIterator(badger.DefaultIteratorOptions)
		defer it.Close()
		for it.Rewind(); it.Valid(); it.Next() {
			value, err := it.Item().ValueCopy(nil)
			if err != nil {
				return err
			}
			entries = append(entries, badger.NewEntry(it.Item().KeyCopy(nil), value))
		}
		return nil
	})
	return entries, firstOf(err, db.Close())
}

func writeEntries(db *badger.DB, entries []*badger.Entry) (size int, err error) {
	txn, waiting := db.NewTransaction(true), 0
	for _, e := range entries {
		n := len(e.Key) + len(e.Value)
		err := txn.SetEntry(e)
		if waiting+n > rawBatch || errors.Is(err, badger.ErrTxnTooBig) {
			if err := txn.Commit(); err != nil {
				return size, err
			}
			again := err != nil
			txn, waiting, err = db.NewTransaction(true), 0, nil
			if again {
				err = txn.SetEntry(e)
			}
		}
		if err != nil {
			return size, err
		}
		waiting, size = waiting+n, size+n
	}
	return size, txn.Commit()
}
