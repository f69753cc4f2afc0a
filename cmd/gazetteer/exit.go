package main

import (
	"context"
	"errors"
	"fmt"

	"gazetteer"
)

// Exit codes. Scripts rely on them: they do not change.
const (
	exitOK          = 0
	exitError       = 1
	exitUsage       = 2
	exitNotFound    = 3
	exitConflict    = 4 // also a failed precondition
	exitUnavailable = 5 // also not in time
	exitInvalid     = 6 // a check that proves nothing
)

// usageError is a command line that was not understood.
type usageError struct{ error }

func (e usageError) Unwrap() error { return e.error }

func usage(format string, args ...any) error { return usageError{fmt.Errorf(format, args...)} }

func exitCode(err error) int {
	var bad usageError
	var nothing provesNothing
	switch {
	case err == nil:
		return exitOK
	case errors.As(err, &nothing):
		return exitInvalid
	case errors.As(err, &bad):
		return exitUsage
	case errors.Is(err, context.DeadlineExceeded):
		return exitUnavailable
	}
	switch gazetteer.KindOf(err) {
	case gazetteer.NotFound:
		return exitNotFound
	case gazetteer.Conflict, gazetteer.Precondition:
		return exitConflict
	case gazetteer.Unavailable, gazetteer.Unserved, gazetteer.Deadline, gazetteer.Full:
		return exitUnavailable
	}
	return exitError
}
