package agent

import (
	"fmt"
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
// durable at the writer before now - staleness is there. r0 writes; at the reader its
// marks are the oldest, because they wait for slow disks: the reader's own, or those of
// the nodes between them.
func TestStalenessIsNeverUnderReported(t *testing.T) {
	for name, c := range map[string]struct {
		size   int
		slow   []gazetteer.NodeID
		reader gazetteer.NodeID
	}{
		"marks_wait_for_the_reader": {2, []gazetteer.NodeID{"r1"}, "r1"},
		"marks_wait_on_their_way":   {4, []gazetteer.NodeID{"r1", "r3"}, "r2"},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := newWorld(t, ringOf(c.size))
				defer w.stopAll()
				for _, n := range w.all() {
					w.stores[n] = &slowStore{Store: memstore.New(), takes: 5 * time.Millisecond}
				}
				for _, n := range c.slow {
					w.stores[n] = &slowStore{Store: memstore.New(), takes: 120 * time.Millisecond}
				}
				w.net.delay = 30 * time.Millisecond
				w.start(w.all()...)
				w.serving(w.all()...)
				time.Sleep(15 * time.Second) // until the ends agree about earlier lives
				w.watch(c.reader)
				if young := w.net.tooYoung; young > time.Millisecond {
					t.Errorf("a mark was %v older than it said", young)
				}
			})
		})
	}
}

// watch writes at r0 and holds a reader to its word.
func (w *world) watch(reader gazetteer.NodeID) {
	log := &writes{}
	var writer sync.WaitGroup
	writer.Go(func() {
		for i := range 1000 {
			w.mustPut("r0", fmt.Sprint("id", i), ring.AckLocal)
			log.add(time.Now())
		}
	})
	worst, lacks := time.Duration(0), 0
	for range 1800 {
		time.Sleep(3 * time.Millisecond)
		worst = max(worst, w.holdToItsWord(reader, log, &lacks))
	}
	writer.Wait()
	if worst < 150*time.Millisecond || worst > 3*time.Second {
		w.t.Errorf("the oldest answer was %v old; the pace of the marks and the way allow for less than 3 s", worst)
	}
}

// writes are the moments at which writes were durable at their writer.
type writes struct {
	mu sync.Mutex // guards following
	at []time.Time
}

func (l *writes) add(at time.Time) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.at = append(l.at, at)
}

func (l *writes) get(i int) (at time.Time, ok bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if i >= len(l.at) {
		return time.Time{}, false
	}
	return l.at[i], true
}

// holdToItsWord fails if a node lacks a write that is older than it says its knowledge
// may be, which it returns. The node has all writes before the one it lacks.
func (w *world) holdToItsWord(n gazetteer.NodeID, log *writes, lacks *int) time.Duration {
	w.t.Helper()
	h := w.age(n)
	for w.holds(n, fmt.Sprint("id", *lacks)) {
		*lacks++
	}
	if at, ok := log.get(*lacks); ok && time.Since(at) > h.Staleness {
		w.t.Fatalf("%s says its knowledge is at most %v old, and lacks a write that is %v old", n, h.Staleness, time.Since(at))
	}
	if h.Degraded {
		w.t.Fatalf("%s is degraded", n)
	}
	return h.Staleness
}

// age is what a node says of its knowledge.
func (w *world) age(n gazetteer.NodeID) region.Held {
	w.t.Helper()
	_, h, err := w.node(n).agent.Read(nil, gazetteer.Partition{Type: "mirror"}, "none")
	if err != nil {
		w.t.Fatal(err)
	}
	return h
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
		if h := w.age("r1"); h.Degraded {
			t.Error("degraded, although all are alive")
		}
		w.stop("r2")
		time.Sleep(2 * time.Second)
		if h := w.age("r1"); !h.Degraded || h.Staleness > time.Second {
			t.Errorf("with r2 gone: %+v", h)
		}
		w.start("r2")
		w.serving("r2")
		time.Sleep(15 * time.Second)
		for _, n := range w.all() {
			if h := w.age(n); h.Degraded || h.Staleness > time.Second {
				t.Errorf("with r2 back: %s says %+v", n, h)
			}
		}
	})
}

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
		if h := w.age("r0"); h.Degraded || h.Staleness < silentMax-time.Second {
			t.Errorf("%+v", h)
		}
		time.Sleep(2 * time.Second)
		if h := w.age("r0"); !h.Degraded || h.Staleness != 0 {
			t.Errorf("after %v: %+v", silentMax, h)
		}
	})
}

func TestRingOfOneIsNeverStale(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		_, node := lonely(t)
		defer node.Close()
		if _, h, err := node.agent.Read(nil, gazetteer.Partition{Type: "mirror"}, "x"); err != nil || !h.Degraded {
			t.Errorf("before anybody has said what lies beyond the region: %+v, %v", h, err)
		}
		node.SetPlanet(Alone())
		time.Sleep(time.Minute)
		if _, h, err := node.agent.Read(nil, gazetteer.Partition{Type: "mirror"}, "x"); err != nil || h != (region.Held{Ring: "ring0"}) {
			t.Errorf("%+v, %v", h, err)
		}
	})
}
