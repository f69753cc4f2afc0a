package badgerstore

import (
	"errors"
	"os"
	"path/filepath"

	"golang.org/x/sys/unix"
)

// lockDir makes the data directory if need be, and takes it for this process. The lock
// goes with the process, however that ends.
func lockDir(dir string) (*os.File, error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, storeError("badgerstore.Open", "the data directory cannot be made", err)
	}
	f, err := os.OpenFile(filepath.Join(dir, lockFile), os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return nil, storeError("badgerstore.Open", "the data directory cannot be locked", err)
	}
	err = unix.Flock(int(f.Fd()), unix.LOCK_EX|unix.LOCK_NB)
	switch {
	case err == nil:
		return f, nil
	case errors.Is(err, unix.EWOULDBLOCK):
		err = inUse(err)
	default:
		err = storeError("badgerstore.Open", "the data directory cannot be locked", err)
	}
	f.Close()
	return nil, err
}
