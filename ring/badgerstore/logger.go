package badgerstore

import (
	"fmt"
	"sync/atomic"

	"github.com/dgraph-io/badger/v4"
)

// logger keeps Badger quiet. Its errors are about flushes and compactions that failed
// and are tried again without end: the first one stops all saves.
type logger struct {
	first   atomic.Pointer[string]
	serving atomic.Bool // errors while opening are returned by Open
}

var _ badger.Logger = (*logger)(nil)

func (l *logger) Errorf(format string, args ...any) {
	if l.serving.Load() {
		text := fmt.Sprintf(format, args...)
		l.first.CompareAndSwap(nil, &text)
	}
}

func (l *logger) Warningf(string, ...any) {}
func (l *logger) Infof(string, ...any)    {}
func (l *logger) Debugf(string, ...any)   {}

func (l *logger) failed() error {
	if text := l.first.Load(); text != nil {
		return fmt.Errorf("%.300s", *text)
	}
	return nil
}
