package geo

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"sync"
	"time"

	"gazetteer"
)

// source is a file of which the last good version is in use. It is read whole, not
// mapped: who writes over a mapped file ends the process or changes answers in the
// middle of a lookup.
type source struct {
	path string // empty: there is none
	what string // as errors call it
	most int64  // bytes; a larger file is refused before it is read
	// take puts what the file holds in the place of what is in use, or refuses it.
	take func(data []byte) error

	mu   sync.Mutex  // guards following
	seen fs.FileInfo // the file that was last tried; nil if there was none
	err  error       // why it was refused; nil if it is the one in use
}

// refusal returns why the file is not the one in use; nil if it is.
func (s *source) refusal() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.err
}

// reload reads the file, whether or not it has changed.
func (s *source) reload() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	info, err := os.Stat(s.path)
	return s.reloadLocked(info, err)
}

// reloadIfChanged reads the file if it is not the one that was last tried.
func (s *source) reloadIfChanged() (changed bool, err error) {
	if s.path == "" {
		return false, nil
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	info, err := os.Stat(s.path)
	if sameFile(info, s.seen) {
		return false, nil
	}
	return true, s.reloadLocked(info, err)
}

// watch looks for a change at every interval until ctx ends, and reports each.
func (s *source) watch(ctx context.Context, interval time.Duration, report func()) {
	ticks := time.NewTicker(interval)
	defer ticks.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-ticks.C:
			if changed, _ := s.reloadIfChanged(); changed {
				report()
			}
		}
	}
}

// reloadLocked remembers the file as it was before it is read: one that is still being
// written differs at the next look and is read again.
func (s *source) reloadLocked(info fs.FileInfo, err error) error {
	s.seen, s.err = info, err
	if err == nil {
		s.err = s.readLocked(info)
	}
	if s.err != nil {
		s.err = s.named(s.err)
	}
	return s.err
}

func (s *source) readLocked(info fs.FileInfo) error {
	if !info.Mode().IsRegular() {
		return refuse(gazetteer.Unprocessable, "not a regular file")
	}
	if info.Size() > s.most {
		return refuse(gazetteer.TooLarge, "%d bytes, want at most %d", info.Size(), s.most)
	}
	data, err := os.ReadFile(s.path)
	if err != nil {
		return err
	}
	return s.take(data)
}

func (s *source) named(err error) error {
	e := &gazetteer.Error{Op: "geo.Read", Kind: gazetteer.KindOf(err), Detail: s.what + " " + s.path, Err: err}
	switch {
	case errors.Is(err, fs.ErrNotExist):
		e.Kind = gazetteer.NotFound
	case errors.Is(err, fs.ErrPermission):
		e.Kind = gazetteer.Denied
	}
	return e
}

func sameFile(a, b fs.FileInfo) bool {
	if a == nil || b == nil {
		return a == nil && b == nil
	}
	return os.SameFile(a, b) && a.Size() == b.Size() && a.ModTime().Equal(b.ModTime())
}
