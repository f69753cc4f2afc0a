package main

import (
	"context"
	"errors"
	"fmt"
	"testing"

	"gazetteer"
)

func TestExitCodes(t *testing.T) {
	of := func(k gazetteer.Kind) error {
		return fmt.Errorf("wrapped: %w", &gazetteer.Error{Op: "test", Kind: k})
	}
	for _, c := range []struct {
		err  error
		want int
	}{
		{nil, 0},
		{errors.New("anything"), 1},
		{of(gazetteer.Invalid), 1},
		{usage("no such flag"), 2},
		{fmt.Errorf("wrapped: %w", usage("no such flag")), 2},
		{of(gazetteer.NotFound), 3},
		{of(gazetteer.Conflict), 4},
		{of(gazetteer.Precondition), 4},
		{of(gazetteer.Unavailable), 5},
		{of(gazetteer.Full), 5},
		{of(gazetteer.Deadline), 5},
		{context.DeadlineExceeded, 5},
	} {
		if got := exitCode(c.err); got != c.want {
			t.Errorf("exit code of %v is %d, want %d", c.err, got, c.want)
		}
	}
}
