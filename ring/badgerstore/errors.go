package badgerstore

import (
	"errors"
	"fmt"
	"strings"
	"syscall"

	"gazetteer"
)

var (
	// ErrCorrupt is in the tree of every error about stored bytes that are not what
	// was saved.
	ErrCorrupt = errors.New("stored data is damaged")
	// ErrClosed is in the tree of errors of a store that was closed.
	ErrClosed = errors.New("the store is closed")
)

func storeError(op, detail string, err error) error {
	return &gazetteer.Error{Op: op, Kind: gazetteer.Internal, Detail: detail, Err: err}
}

func closedError(op string) error {
	return &gazetteer.Error{Op: op, Kind: gazetteer.Unavailable, Err: ErrClosed}
}

func conflict(format string, args ...any) error {
	return &gazetteer.Error{Op: "badgerstore.Open", Kind: gazetteer.Conflict, Detail: fmt.Sprintf(format, args...)}
}

// damage says that what lies on disk cannot be believed as a whole.
type damage struct{ reason string }

func (d *damage) Error() string { return d.reason }
func (d *damage) Unwrap() error { return ErrCorrupt }

func damaged(format string, args ...any) error { return &damage{fmt.Sprintf(format, args...)} }

// surroundings are failures of the machine, not of the data: the same files may open
// well once they are mended.
var surroundings = []syscall.Errno{
	syscall.ENOSPC, syscall.EDQUOT, syscall.EACCES, syscall.EPERM, syscall.EROFS,
	syscall.EMFILE, syscall.ENFILE, syscall.ENOMEM, syscall.EIO,
}

// openError tells damage from a failure of the machine. Badger keeps only the texts of
// its causes.
func openError(err error) error {
	text := err.Error()
	if strings.Contains(text, "Cannot acquire directory lock") {
		return inUse(err)
	}
	for _, e := range surroundings {
		if strings.Contains(text, e.Error()) {
			return storeError("badgerstore.Open", "the database cannot be opened now; its files were left as they are", err)
		}
	}
	return damaged("the database does not open: %s", text)
}

func inUse(err error) error {
	return &gazetteer.Error{Op: "badgerstore.Open", Kind: gazetteer.Conflict,
		Detail: "another process uses this data directory; stop it, or give this one its own", Err: err}
}
