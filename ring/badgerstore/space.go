package badgerstore

import (
	"fmt"

	"gazetteer"

	"golang.org/x/sys/unix"
)

// freeSpace asks the kernel.
func freeSpace(dir string) (uint64, error) {
	var st unix.Statfs_t
	if err := unix.Statfs(dir, &st); err != nil {
		return 0, err
	}
	return uint64(st.Bavail) * uint64(st.Bsize), nil
}

// Room tells whether clients may write: nil, or an error of kind Full. It is stricter
// than Save, so that what other replicas send still finds room after clients are
// refused.
func (s *Store) Room() error { return s.room("badgerstore.Room", s.config.MinFree) }

// room checks that the disk has more than need bytes left. Badger writes through a
// mapping of its files: a disk that is full kills the process with SIGBUS, so writing
// ends before that.
func (s *Store) room(op string, need uint64) error {
	free, err := s.config.FreeSpace(s.config.Dir)
	if err != nil {
		return storeError(op, "the free space of the disk cannot be told", err)
	}
	if free < need {
		return &gazetteer.Error{Op: op, Kind: gazetteer.Full, Detail: fmt.Sprintf(
			"%d MiB are free where %s lies, %d MiB must stay free: make room; reads go on",
			free>>20, s.config.Dir, need>>20)}
	}
	return nil
}
