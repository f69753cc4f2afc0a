package badgerstore

import (
	"fmt"
	"os"
	"path/filepath"
	"sync"

	"github.com/dgraph-io/badger/v4"
	"github.com/dgraph-io/badger/v4/options"
	"github.com/dgraph-io/badger/v4/table"
	"golang.org/x/sys/unix"
)

// checkTables verifies every table that the MANIFEST names, before Badger opens them:
// Badger leaves out a table whose index is damaged without an error, and panics over one
// that was cut off, in a goroutine where nobody can catch it.
func checkTables(dir string) error {
	manifest, err := readManifest(dir)
	if err != nil {
		return err
	}
	work := make(chan uint64)
	var workers sync.WaitGroup
	var mu sync.Mutex
	var first error
	for range 2 {
		workers.Go(func() {
			for id := range work {
				err := checkTable(dir, id, manifest.Tables[id].Compression)
				mu.Lock()
				if first == nil {
					first = err
				}
				mu.Unlock()
			}
		})
	}
	for id := range manifest.Tables {
		work <- id
	}
	close(work)
	workers.Wait()
	return first
}

func readManifest(dir string) (badger.Manifest, error) {
	f, err := os.Open(filepath.Join(dir, badger.ManifestFilename))
	if err != nil {
		if absent(err) {
			return badger.Manifest{}, damaged("the file %s is gone", badger.ManifestFilename)
		}
		return badger.Manifest{}, storeError("badgerstore.Open", "the database cannot be read", err)
	}
	defer f.Close()
	m, _, err := badger.ReplayManifestFile(f, 0, badger.DefaultOptions(dir))
	if err != nil {
		return m, damaged("the file %s cannot be read: %v", badger.ManifestFilename, err)
	}
	return m, nil
}

func checkTable(dir string, id uint64, compression options.CompressionType) (err error) {
	path := table.NewFilename(id, dir)
	f, err := os.Open(path)
	if err != nil {
		if absent(err) {
			return damaged("the table %s is gone", filepath.Base(path))
		}
		return storeError("badgerstore.Open", "a table cannot be read", err)
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return storeError("badgerstore.Open", "a table cannot be read", err)
	}
	if info.Size() == 0 {
		return damaged("the table %s is empty", filepath.Base(path))
	}
	data, err := unix.Mmap(int(f.Fd()), 0, int(info.Size()), unix.PROT_READ, unix.MAP_SHARED)
	if err != nil {
		return storeError("badgerstore.Open", "a table cannot be read", err)
	}
	defer unix.Munmap(data)
	if err := verifyTable(data, id, compression); err != nil {
		return damaged("the table %s: %v", filepath.Base(path), err)
	}
	return nil
}

// verifyTable checks the index and every block.
func verifyTable(data []byte, id uint64, compression options.CompressionType) (err error) {
	defer func() {
		if r := recover(); r != nil {
			err = fmt.Errorf("cannot be read (%.80v)", r)
		}
	}()
	t, err := table.OpenInMemoryTable(data, id, &table.Options{Compression: compression, BlockSize: 4096})
	if err != nil {
		return err
	}
	return t.VerifyChecksum()
}

// sweep removes what a process that was killed leaves and Badger stumbles over: a table
// or log that was made but has no byte yet (its issue 2207). The value log and the
// registry of keys go in any case: no value is ever written to the one and no key to the
// other, and Badger makes new ones, but it would not open with damaged ones.
func sweep(dir string) error {
	for _, pattern := range []string{"*.mem", "*.vlog", badger.KeyRegistryFileName} {
		paths, err := filepath.Glob(filepath.Join(dir, pattern))
		if err != nil {
			return err
		}
		for _, path := range paths {
			info, err := os.Stat(path)
			if err != nil {
				return err
			}
			if info.Size() > 0 && pattern == "*.mem" {
				continue
			}
			if err := os.Remove(path); err != nil {
				return err
			}
		}
	}
	return nil
}
