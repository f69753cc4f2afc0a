package badgerstore

import (
	"fmt"
	"sync"
	"sync/atomic"

	"gazetteer"
)

// harm remembers damage that was found while the store is in use.
type harm struct {
	once  sync.Once
	first atomic.Pointer[string]
	armed atomic.Bool // Open itself deals with what it finds
}

func (h *harm) found() bool { return h.first.Load() != nil }

// corrupt reports that what lies under the key is not what was saved. The first time it
// also marks the directory, so that the next Open does not believe it, and tells whoever
// asked to be told.
func (s *Store) corrupt(op string, key []byte, what string) error {
	err := &gazetteer.Error{Op: op, Kind: gazetteer.Internal, Err: ErrCorrupt,
		Detail: fmt.Sprintf("what is stored under %x: %s", key, what)}
	if !s.harm.armed.Load() {
		return err
	}
	s.harm.once.Do(func() {
		reason := err.Detail
		s.harm.first.Store(&reason)
		s.suspect(reason)
		s.config.Damaged(err)
	})
	return err
}

// caught turns a panic of Badger over damaged bytes into an error.
func (s *Store) caught(op string, key []byte, err *error) {
	if r := recover(); r != nil {
		*err = s.corrupt(op, key, fmt.Sprintf("Badger cannot read it (%v)", r))
	}
}
