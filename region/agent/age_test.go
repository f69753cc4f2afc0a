package agent

import (
	"fmt"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"gazetteer"
	"gazetteer/region"
	"gazetteer/ring"
	"gazetteer/ring/memstore"
)

// An answer is never older than it says, over slow links and slow disks: whatever was
// durable at the writer before now - staleness is there.
func TestStalenessIsNeverUnderReported(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, ringOf(5)) // the marks of r0 come to r2 over others
		defer w.stopAll()
		for _, n := range w.all() {
			w.stores[n] = &slowStore{Store: memstore.New(), takes: 120 * time.Millisecond}
		}
		w.net.delay = 30 * time.Millisecond
		w.start(w.all()...)
		w.serving(w.all()...)
		time.Sleep(15 * time.Second) // until the ends agree about earlier lives
		var mu sync.Mutex            // guards following
		var written []time.Time
		var writer sync.WaitGroup
		writer.Go(func() {
			for i := range 40 {
				w.mustPut("r0", fmt.Sprint("id", i), ring.AckLocal)
				mu.Lock()
				written = append(written, time.Now())
				mu.Unlock()
			}
		})
		worst := time.Duration(0)
		for range 1000 {
			time.Sleep(7 * time.Millisecond)
			mu.Lock()
			known := slices.Clone(written)
			mu.Unlock()
			for _, n := range w.all()[1:] {
				held := w.age(n, known)
				if held.Degraded {
					t.Fatalf("%s is degraded", n)
				}
				worst = max(worst, held.Staleness)
			}
		}
		writer.Wait()
		if worst < 150*time.Millisecond || worst > 3*time.Second {
			t.Errorf("the oldest answer was %v old; the pace of the marks and the way allow for less than 3 s", worst)
		}
	})
}

// age holds a node to what it says: it must know every write that is older.
func (w *world) age(n gazetteer.NodeID, written []time.Time) region.Held {
	w.t.Helper()
	now := time.Now()
	_, held, err := w.node(n).agent.Read(nil, gazetteer.Partition{Type: "mirror"}, "none")
	if err != nil {
		w.t.Fatal(err)
	}
	for i, at := range written {
		k := key(fmt.Sprint("id", i))
		b, h, err := w.node(n).agent.Read(nil, gazetteer.PartitionOf(k, testPartitions), k.ID)
		if err != nil {
			w.t.Fatal(err)
		}
		if len(b) == 0 && now.Sub(at) > h.Staleness {
			w.t.Fatalf("%s says its knowledge is at most %v old, and lacks a write that is %v old", n, h.Staleness, now.Sub(at))
		}
	}
	return held
}

// What a mate that does not answer may have written is left out, and the answer says so.
func TestDeadMateMakesAnswersDegraded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, ringOf(3))
		defer w.stopAll()
		w.start(w.all()...)
		w.serving(w.all()...)
		w.mustPut("r0", "id0", ring.AckRing)
		time.Sleep(15 * time.Second)
		if h := w.age("r1", justNow()); h.Degraded {
			t.Error("degraded, although all are alive")
		}
		w.stop("r2")
		time.Sleep(2 * time.Second)
		if h := w.age("r1", justNow()); !h.Degraded || h.Staleness > time.Second {
			t.Errorf("with r2 gone: %+v", h)
		}
		w.start("r2")
		w.serving("r2")
		time.Sleep(15 * time.Second)
		for _, n := range w.all() {
			if h := w.age(n, justNow()); h.Degraded || h.Staleness > time.Second {
				t.Errorf("with r2 back: %s says %+v", n, h)
			}
		}
	})
}

// justNow is one write, just now.
func justNow() []time.Time { return []time.Time{time.Now()} }

// A mate that is cut off, but not yet known to be, makes answers older.
func TestSilentMateMakesAnswersOlder(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, ringOf(2))
		defer w.stopAll()
		w.net.deadAfter = time.Minute
		w.start(w.all()...)
		w.serving(w.all()...)
		time.Sleep(15 * time.Second)
		w.net.cut("r0", "r1")
		time.Sleep(silentMax - time.Second)
		read := func() region.Held {
			_, h, err := w.node("r0").agent.Read(nil, gazetteer.Partition{Type: "mirror"}, "x")
			if err != nil {
				t.Fatal(err)
			}
			return h
		}
		if h := read(); h.Degraded || h.Staleness < silentMax-time.Second {
			t.Errorf("%+v", h)
		}
		time.Sleep(2 * time.Second)
		if h := read(); !h.Degraded || h.Staleness != 0 {
			t.Errorf("after %v: %+v", silentMax, h)
		}
	})
}

func TestRingOfOneIsNeverStale(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		_, node := lonely(t)
		defer node.Close()
		time.Sleep(time.Minute)
		if _, h, err := node.agent.Read(nil, gazetteer.Partition{Type: "mirror"}, "x"); err != nil || h != (region.Held{Ring: "ring0"}) {
			t.Errorf("%+v, %v", h, err)
		}
	})
}
