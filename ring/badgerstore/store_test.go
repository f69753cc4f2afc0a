package badgerstore_test

import (
	"testing"

	"gazetteer/ring"
	"gazetteer/ring/badgerstore"
	"gazetteer/ring/storetest"
)

// small is a store that fits into a test: it rotates its tables often.
func small(dir string) badgerstore.Config {
	return badgerstore.Config{Dir: dir, Node: "here", MemTableBytes: 1 << 20, CacheBytes: 1 << 20, MinFree: 1 << 20}
}

func open(tb testing.TB, c badgerstore.Config) *badgerstore.Store {
	tb.Helper()
	s, err := badgerstore.Open(c)
	if err != nil {
		tb.Fatal(err)
	}
	return s
}

func closeStore(tb testing.TB, s *badgerstore.Store) {
	tb.Helper()
	if err := s.Close(); err != nil {
		tb.Fatal(err)
	}
}

func TestStore(t *testing.T) {
	storetest.Run(t, func(tb testing.TB) ring.Store {
		return open(tb, small(tb.TempDir()))
	})
}

func TestReopened(t *testing.T) {
	storetest.RunReopened(t, func(tb testing.TB) (ring.Store, func() ring.Store) {
		dir := tb.TempDir()
		s := open(tb, small(dir))
		return s, func() ring.Store {
			closeStore(tb, s)
			s = open(tb, small(dir))
			if r := s.Recovered(); !r.Clean || r.Damage != "" {
				tb.Errorf("after a clean close: %+v", r)
			}
			return s
		}
	})
}
