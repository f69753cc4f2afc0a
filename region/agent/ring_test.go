package agent

import (
	"context"
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"gazetteer"
	"gazetteer/region"
	"gazetteer/ring"
)

// put writes one resource with one location at a node, and returns what became of it.
func (w *world) put(n gazetteer.NodeID, id string, ack ring.Ack) ring.Outcome {
	k := gazetteer.Key{Type: "mirror", ID: gazetteer.ID(id)}
	return w.node(n).agent.Write(context.Background(), []ring.Write{{
		Partition: gazetteer.PartitionOf(k, testPartitions), ID: k.ID, Ack: ack, Deadline: 5 * time.Second,
		Put: []ring.Value{{Location: "l", Body: []byte("at " + string(n))}},
	}})[0]
}

func (w *world) mustPut(n gazetteer.NodeID, id string, ack ring.Ack) {
	w.t.Helper()
	if o := w.put(n, id, ack); o.Err != nil || o.Reached < ack {
		w.t.Fatalf("put %s at %s: reached %d, %v", id, n, o.Reached, o.Err)
	}
}

// holds reports whether a node answers a read of the resource with something.
func (w *world) holds(n gazetteer.NodeID, id string) bool {
	w.t.Helper()
	k := gazetteer.Key{Type: "mirror", ID: gazetteer.ID(id)}
	b, _, err := w.node(n).agent.Read(nil, gazetteer.PartitionOf(k, testPartitions), k.ID)
	if err != nil {
		w.t.Fatalf("read %s at %s: %v", id, n, err)
	}
	return len(b) > 0
}

func TestRingOfOneServesAtOnceAndKeepsItsWritesOverRestarts(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, ringOf(1))
		defer w.stopAll()
		w.start("r0")
		synctest.Wait()
		for round := range 3 {
			id := fmt.Sprint("round", round)
			w.mustPut("r0", id, ring.AckRing)
			w.stop("r0")
			w.start("r0")
			synctest.Wait()
			for back := range round + 1 {
				if !w.holds("r0", fmt.Sprint("round", back)) {
					t.Errorf("round %d is lost", back)
				}
			}
		}
	})
}

func TestRingsOfThreeAndFiveSurviveTheirMinority(t *testing.T) {
	for _, size := range []int{2, 3, 5} {
		t.Run(fmt.Sprint(size), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) { surviveMinority(t, size) })
		})
	}
}

func surviveMinority(t *testing.T, size int) {
	w := newWorld(t, ringOf(size))
	defer w.stopAll()
	w.start(w.all()...)
	w.serving(w.all()...)
	for i, n := range w.all() {
		w.mustPut(n, fmt.Sprint("before", i), ring.AckRing)
	}
	w.equal()
	down := w.all()[:(size-1)/2]
	for _, n := range down {
		w.stop(n)
	}
	time.Sleep(time.Second)
	for i, n := range w.all()[len(down):] {
		w.mustPut(n, fmt.Sprint("during", i), ring.AckRing)
	}
	w.start(down...)
	w.serving(w.all()...)
	for i, n := range w.all() {
		w.mustPut(n, fmt.Sprint("after", i), ring.AckRing)
	}
	w.equal()
	for _, n := range w.all() {
		if !w.holds(n, "during0") || !w.holds(n, "before0") || !w.holds(n, "after0") {
			t.Errorf("%s lacks a write", n)
		}
	}
}

// A level that cannot be reached is never claimed.
func TestWriteWithoutMajoritySaysHowFarItCame(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, ringOf(3))
		defer w.stopAll()
		w.start(w.all()...)
		w.serving(w.all()...)
		w.stop("r1")
		w.stop("r2")
		time.Sleep(5 * time.Second)
		if o := w.put("r0", "alone", ring.AckRing); o.Err != nil || o.Reached != ring.AckLocal {
			t.Errorf("reached %d, %v; want %d", o.Reached, o.Err, ring.AckLocal)
		}
	})
}

func TestCutLinkHealsTheOtherWayRound(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, ringOf(3))
		defer w.stopAll()
		w.start(w.all()...)
		w.serving(w.all()...)
		w.net.cut("r0", "r1")
		w.mustPut("r0", "x", ring.AckRing)
		w.equal()
		w.net.cut("r0", "r2")
		time.Sleep(time.Second)
		w.mustPut("r1", "y", ring.AckRing)
		w.net.mend("r0", "r1")
		w.equal()
		if !w.holds("r0", "y") {
			t.Error("r0 lacks what was written while it was cut off")
		}
	})
}

// An emptied replica is filled with more than one chunk, and gives back all snapshots.
func TestLostDiskIsFilledFromTheRing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, ringOf(3))
		defer w.stopAll()
		snapshots := countSnapshots(w, "r1", "r2")
		w.start(w.all()...)
		w.serving(w.all()...)
		w.mustPutMany("r1", 3*chunkUpdatesMax+1)
		w.equal()
		w.stop("r0")
		delete(w.stores, "r0")
		w.start("r0")
		w.serving("r0")
		w.equal()
		time.Sleep(time.Second)
		if made, open := snapshots.made.Load(), snapshots.open.Load(); open != 0 || made == 0 {
			t.Errorf("%d of %d snapshots are still open", open, made)
		}
	})
}

// A link that breaks in mid-scan leaves no snapshot open, neither of a scan that is being
// read nor of one that waits until the link has room.
func TestBrokenScansCloseTheirSnapshots(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, ringOf(2))
		defer w.stopAll()
		w.net.delay = 20 * time.Millisecond
		snapshots := countSnapshots(w, "r0")
		w.start("r0")
		w.serving("r0")
		w.mustPutMany("r0", 40*chunkUpdatesMax)
		w.start("r1")
		waiting := 0
		for range 20 {
			time.Sleep(90 * time.Millisecond)
			waiting += count(snapshots.open.Load() > 0)
			w.net.cut("r0", "r1")
			time.Sleep(50 * time.Millisecond)
			if n := snapshots.open.Load(); n != 0 {
				t.Fatalf("%d snapshots are open without a link", n)
			}
			w.net.mend("r0", "r1")
		}
		w.equal()
		if made := snapshots.made.Load(); waiting < 10 || made < 10 {
			t.Errorf("%d cuts of 20 hit a scan, of %d; the test says nothing", waiting, made)
		}
	})
}

// mustPutMany writes that many resources into one partition.
func (w *world) mustPutMany(n gazetteer.NodeID, many int) {
	w.t.Helper()
	var ws []ring.Write
	for i := 0; len(ws) < many; i++ {
		k := key(fmt.Sprint("many", i))
		if p := gazetteer.PartitionOf(k, testPartitions); p.Index == 0 {
			ws = append(ws, ring.Write{Partition: p, ID: k.ID, Ack: ring.AckLocal, Put: []ring.Value{{Body: []byte{1}}}})
		}
	}
	for _, o := range w.node(n).agent.Write(w.t.Context(), ws) {
		if o.Err != nil {
			w.t.Fatal(o.Err)
		}
	}
}

// A type that is made at run time is opened at the other members by the first that is
// asked for it.
func TestTypeMadeAtRunTimeOpensAtAllMembers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, ringOf(3))
		defer w.stopAll()
		w.start(w.all()...)
		w.serving(w.all()...)
		q := region.ListQuery{Partition: gazetteer.Partition{Type: "new", Index: 3}, Limit: 1}
		_, err := w.node("r0").agent.List(t.Context(), q)
		if gazetteer.KindOf(err) != gazetteer.Unserved {
			t.Fatalf("got %v", err)
		}
		for _, n := range w.all() {
			w.eventually(func() error {
				m := w.node(n).agent.Mirrored()
				if m.Partitions != 3*testPartitions || m.Serving != m.Partitions {
					return fmt.Errorf("%s serves %d of %d partitions", n, m.Serving, m.Partitions)
				}
				return nil
			})
		}
	})
}
