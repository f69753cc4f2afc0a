package badgerstore_test

import (
	"fmt"
	"sync/atomic"
	"testing"

	"gazetteer"
	"gazetteer/ring"
)

func TestFull(t *testing.T) {
	var free atomic.Uint64
	free.Store(1 << 30)
	c := small(t.TempDir())
	c.MinFree = 100 << 20
	c.FreeSpace = func(dir string) (uint64, error) {
		if dir != c.Dir {
			return 0, fmt.Errorf("asked about %s", dir)
		}
		return free.Load(), nil
	}
	s := open(t, c)
	fillGood(t, s, 0, 60)
	before := s.State()

	free.Store(99 << 20) // clients are refused first
	if err := s.Room(); gazetteer.KindOf(err) != gazetteer.Full {
		t.Errorf("Room: %v", err)
	}
	fillGood(t, s, 60, 120)

	free.Store(49 << 20)
	p, id := goodPlace(120)
	err := s.Save(&ring.Save{Put: []ring.Held{{Partition: p, Update: goodUpdate(120)}}, Clock: 1 << 40})
	if gazetteer.KindOf(err) != gazetteer.Full {
		t.Fatalf("Save: %v", err)
	}
	if us, err := s.Resource(p, id); err != nil || len(us) != 0 {
		t.Errorf("something of the refused save is there: %v, %v", us, err)
	}
	if after := s.State(); after.Clock >= 1<<40 || after.Clock < before.Clock {
		t.Errorf("clock %d after a refused save", after.Clock)
	}
	q, kept := goodPlace(100)
	if us, err := s.Resource(q, kept); err != nil || len(us) != 1 {
		t.Errorf("reads do not go on: %v, %v", us, err)
	}

	free.Store(200 << 20) // no restart is needed
	must(t, s.Room())
	fillGood(t, s, 120, 180)
	closeStore(t, s)
}
