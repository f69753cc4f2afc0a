package badgerstore_test

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"gazetteer"
	"gazetteer/ring"
	"gazetteer/ring/badgerstore"
)

func wantRefused(t *testing.T, c badgerstore.Config, kind gazetteer.Kind, says ...string) {
	t.Helper()
	s, err := badgerstore.Open(c)
	if err == nil {
		s.Close()
		t.Fatal("opened")
	}
	if gazetteer.KindOf(err) != kind {
		t.Errorf("kind %v, want %v: %v", gazetteer.KindOf(err), kind, err)
	}
	for _, text := range says {
		if !strings.Contains(err.Error(), text) {
			t.Errorf("%q does not name %q", err, text)
		}
	}
}

func TestForeignDirectory(t *testing.T) {
	dir := t.TempDir()
	c := small(dir)
	s := open(t, c)
	fillGood(t, s, 0, 60)

	before := mustRead(t, filepath.Join(dir, "IDENTITY"))
	wantRefused(t, c, gazetteer.Conflict, "another process")
	if after := mustRead(t, filepath.Join(dir, "IDENTITY")); string(after) != string(before) {
		t.Errorf("who was refused changed the identity from %s to %s", before, after)
	}
	closeStore(t, s)

	other := c
	other.Node = "elsewhere"
	wantRefused(t, other, gazetteer.Conflict, "here", "elsewhere")
	other = c
	other.Partitions = 7
	wantRefused(t, other, gazetteer.Conflict, "271", "7")

	// The database knows whose it is, too.
	must(t, os.Remove(filepath.Join(dir, "IDENTITY")))
	other = c
	other.Node = "elsewhere"
	wantRefused(t, other, gazetteer.Conflict, "here", "elsewhere")

	s = open(t, c)
	if r := s.Recovered(); r.Fresh || r.Damage != "" {
		t.Errorf("after all these: %+v", r)
	}
	p, id := goodPlace(7)
	if us, err := s.Resource(p, id); err != nil || len(us) != 1 {
		t.Errorf("%v, %v", us, err)
	}
	closeStore(t, s)
}

func TestConfigIsChecked(t *testing.T) {
	for field, c := range map[string]badgerstore.Config{
		"Dir":           {Node: "here"},
		"Node":          {Dir: t.TempDir()},
		"MemTableBytes": {Dir: t.TempDir(), Node: "here", MemTableBytes: 1 << 10},
		"CacheBytes":    {Dir: t.TempDir(), Node: "here", CacheBytes: -1},
	} {
		wantRefused(t, c, gazetteer.Invalid, field)
	}
	file := filepath.Join(t.TempDir(), "file")
	must(t, os.WriteFile(file, nil, 0o600))
	wantRefused(t, small(file), gazetteer.Internal, "cannot be made")
}

func TestClosed(t *testing.T) {
	s := open(t, small(t.TempDir()))
	fillGood(t, s, 0, 60)
	snap := s.Snapshot()
	closeStore(t, s)
	closeStore(t, s) // twice does no harm
	p, id := goodPlace(1)
	if _, err := s.AppendRecord(nil, p, id); !errors.Is(err, badgerstore.ErrClosed) {
		t.Errorf("AppendRecord: %v", err)
	}
	if err := s.Save(&ring.Save{Clock: 1 << 50}); !errors.Is(err, badgerstore.ErrClosed) {
		t.Errorf("Save: %v", err)
	}
	n := 0
	for _, err := range snap.Scan(p, nil, gazetteer.Position{}) {
		if n++; !errors.Is(err, badgerstore.ErrClosed) {
			t.Errorf("Scan: %v", err)
		}
	}
	if n != 1 {
		t.Errorf("a scan of a closed store yields %d times", n)
	}
	snap.Close()
}

// A scan that is under way when the store is closed ends with an error, and Close waits
// for it.
func TestCloseInMidScan(t *testing.T) {
	s := open(t, small(t.TempDir()))
	fillGood(t, s, 0, 600)
	closed := make(chan error)
	var last error
	n := 0
	p, _ := goodPlace(0)
	for _, err := range s.Scan(p, nil) {
		if n++; n == 1 {
			go func() { closed <- s.Close() }()
			for s.Save(&ring.Save{}) == nil { // until Close has begun
			}
		}
		last = err
	}
	must(t, <-closed)
	if !errors.Is(last, badgerstore.ErrClosed) {
		t.Errorf("after %d: %v", n, last)
	}
}
