package agent

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"gazetteer"
	"gazetteer/ring"
	"gazetteer/ring/memstore"
)

// What waits while a commit runs goes into the next one: 64 writers who each wait for
// their own write share commits.
func TestWritersShareCommits(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, ringOf(1))
		defer w.stopAll()
		disk := &slowStore{Store: memstore.New(), takes: 5 * time.Millisecond}
		w.stores["r0"] = disk
		w.start("r0")
		w.serving("r0")
		const writers, each = 64, 10
		begin, before := time.Now(), disk.saves.Load()
		var all sync.WaitGroup
		for i := range writers {
			all.Go(func() {
				for j := range each {
					w.mustPut("r0", fmt.Sprint(i, "-", j), ring.AckRing)
				}
			})
		}
		all.Wait()
		saves, took := disk.saves.Load()-before, time.Since(begin)
		if saves > 2*each+2 {
			t.Errorf("%d writes took %d commits and %v, want about two commits for each round of %d", writers*each, saves, took, writers)
		}
	})
}

// A call that is larger than a batch is answered whole, in order.
func TestCallLargerThanABatch(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, ringOf(1))
		defer w.stopAll()
		disk := &slowStore{Store: memstore.New(), takes: time.Millisecond}
		w.stores["r0"] = disk
		w.start("r0")
		w.serving("r0")
		before := disk.saves.Load()
		ws := make([]ring.Write, 3*batchUpdatesMax)
		for i := range ws {
			k := gazetteer.Key{Type: "mirror", ID: gazetteer.ID(fmt.Sprint(i % 5000))}
			ws[i] = ring.Write{Token: uint64(i), Partition: gazetteer.PartitionOf(k, testPartitions), ID: k.ID, Ack: ring.AckLocal,
				Put: []ring.Value{{Body: []byte{}}}, Deadline: 5 * time.Second}
		}
		for i, o := range w.node("r0").agent.Write(t.Context(), ws) {
			if o.Err != nil || o.Token != uint64(i) || o.Created != (i < 5000) {
				t.Fatalf("write %d: %+v", i, o)
			}
		}
		if n := disk.saves.Load() - before; n < 6 || n > 9 {
			t.Errorf("%d commits, want about 6: no batch is larger than %d updates", n, batchUpdatesMax)
		}
	})
}

// Own writes are durable before anybody else hears of them.
func TestOwnWritesAreSavedBeforeTheyAreSent(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, ringOf(2))
		defer w.stopAll()
		disk := &slowStore{Store: memstore.New(), takes: 100 * time.Millisecond}
		w.stores["r0"] = disk
		w.start(w.all()...)
		w.serving(w.all()...)
		go w.put("r0", "x", ring.AckRing)
		for {
			time.Sleep(time.Millisecond)
			if w.holds("r1", "x") {
				break
			}
		}
		if !w.holds("r0", "x") {
			t.Error("r1 holds what r0 has not saved")
		}
	})
}

func TestFailedSaveEndsTheNode(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		disk, node := lonely(t)
		disk.save.Store(&gazetteer.Error{Op: "disk", Kind: gazetteer.Internal, Detail: "sync failed"})
		o := writeOne(t, node)
		if gazetteer.KindOf(o.Err) != gazetteer.Deadline {
			t.Errorf("the writer was told %v; nobody knows what became of it", o.Err)
		}
		if err := node.Wait(); err == nil || !strings.Contains(err.Error(), "sync failed") {
			t.Errorf("the node ended with %v", err)
		}
		if _, _, err := node.agent.Read(nil, gazetteer.Partition{Type: "mirror"}, "x"); gazetteer.KindOf(err) != gazetteer.Unavailable {
			t.Errorf("a read after the end gets %v", err)
		}
		if o := writeOne(t, node); gazetteer.KindOf(o.Err) != gazetteer.Unavailable {
			t.Errorf("a write after the end gets %v", o.Err)
		}
	})
}

func TestStartOnABrokenStore(t *testing.T) {
	for kind, starts := range map[gazetteer.Kind]bool{gazetteer.Internal: false, gazetteer.Full: true} {
		synctest.Test(t, func(t *testing.T) {
			disk := &brokenStore{Store: memstore.New()}
			disk.save.Store(&gazetteer.Error{Op: "disk", Kind: kind})
			node, err := Start(t.Context(), Config{Plan: ringOf(1), Node: "r0", Store: disk})
			if starts != (err == nil) {
				t.Errorf("%v: %v", kind, err)
			}
			if node != nil {
				_ = node.Close()
			}
		})
	}
}

func TestFailedReadOfTheCoreEndsTheNode(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		disk, node := lonely(t)
		disk.resource.Store(&gazetteer.Error{Op: "disk", Kind: gazetteer.Internal, Detail: "checksum"})
		writeOne(t, node)
		if err := node.Wait(); err == nil || !strings.Contains(err.Error(), "checksum") {
			t.Errorf("the node ended with %v", err)
		}
	})
}

func TestFailedScanEndsTheNode(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, ringOf(2))
		disk := &brokenStore{Store: memstore.New()}
		w.stores["r0"] = disk
		w.start("r0")
		w.serving("r0")
		w.mustPut("r0", "x", ring.AckLocal)
		disk.scan.Store(&gazetteer.Error{Op: "disk", Kind: gazetteer.Internal, Detail: "checksum"})
		w.start("r1")
		if err := w.node("r0").Wait(); err == nil || !strings.Contains(err.Error(), "checksum") {
			t.Errorf("the node ended with %v", err)
		}
		w.net.leave("r0")
		w.stop("r1")
		time.Sleep(time.Second)
	})
}

// On a full disk reads go on, new writes are refused, and what the core has begun waits.
func TestFullDiskStopsWritesOnly(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		disk, node := lonely(t)
		defer node.Close()
		if o := writeOne(t, node); o.Err != nil {
			t.Fatal(o.Err)
		}
		disk.save.Store(&gazetteer.Error{Op: "disk", Kind: gazetteer.Full, Detail: "no room"})
		begun := make(chan ring.Outcome, 1)
		go func() { begun <- writeOne(t, node) }()
		time.Sleep(2 * time.Second)
		if b, _, err := node.agent.Read(nil, gazetteer.PartitionOf(gazetteer.Key{Type: "mirror", ID: "x"}, testPartitions), "x"); err != nil || len(b) == 0 {
			t.Errorf("reads do not go on: %v", err)
		}
		if o := writeOne(t, node); gazetteer.KindOf(o.Err) != gazetteer.Full {
			t.Errorf("a new write gets %v", o.Err)
		}
		if c := node.agent.Checks()[0]; c.OK {
			t.Errorf("the check says %+v", c)
		}
		disk.save.Store(nil)
		if o := <-begun; o.Err != nil || o.Reached != ring.AckRing {
			t.Errorf("the write that had begun gets %+v", o)
		}
		if o := writeOne(t, node); o.Err != nil {
			t.Errorf("with room again a write gets %v", o.Err)
		}
	})
}

func TestFullDiskAndNoRoomInTime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		disk, node := lonely(t)
		disk.save.Store(&gazetteer.Error{Op: "disk", Kind: gazetteer.Full, Detail: "no room"})
		if o := writeOne(t, node); gazetteer.KindOf(o.Err) != gazetteer.Deadline || !strings.Contains(o.Err.Error(), "may still be done") {
			t.Errorf("got %v", o.Err)
		}
		if err := node.Close(); err != nil {
			t.Errorf("a node that waits for room does not close: %v", err)
		}
	})
}

// A store that sees the end coming refuses writes before they are proposed.
func TestNearlyFullDiskRefusesWrites(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		disk, node := lonely(t)
		defer node.Close()
		disk.writable.Store(&gazetteer.Error{Op: "disk", Kind: gazetteer.Full, Detail: "nearly full"})
		if o := writeOne(t, node); gazetteer.KindOf(o.Err) != gazetteer.Full || !strings.Contains(o.Err.Error(), "nearly full") {
			t.Errorf("got %v", o.Err)
		}
		if n := node.agent.Mirrored().Counters.Written; n != 0 {
			t.Errorf("%d writes were proposed", n)
		}
	})
}

// Under overload the work goes to those who still wait for it.
func TestWriteThatIsLateBeforeItBeginsIsRefused(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, ringOf(1))
		defer w.stopAll()
		disk := &slowStore{Store: memstore.New()}
		w.stores["r0"] = disk
		w.start("r0")
		w.serving("r0")
		disk.takes = 300 * time.Millisecond
		go w.put("r0", "slow", ring.AckRing)
		synctest.Wait()
		k := gazetteer.Key{Type: "mirror", ID: "late"}
		o := w.node("r0").agent.Write(t.Context(), []ring.Write{{Token: 7,
			Partition: gazetteer.PartitionOf(k, testPartitions), ID: k.ID, Put: []ring.Value{{Body: []byte{}}}, Deadline: time.Millisecond}})[0]
		if gazetteer.KindOf(o.Err) != gazetteer.Deadline || !strings.Contains(o.Err.Error(), "nothing was written") || o.Token != 7 {
			t.Errorf("got %+v", o)
		}
		if w.holds("r0", "late") {
			t.Error("it was written")
		}
	})
}

// A caller who goes away leaves no trace: the loop may still answer him.
func TestCallersThatGoAway(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, ringOf(1))
		defer w.stopAll()
		disk := &slowStore{Store: memstore.New(), takes: 100 * time.Millisecond}
		w.stores["r0"] = disk
		w.start("r0")
		w.serving("r0")
		for i := range 20 {
			ctx, cancel := context.WithTimeout(t.Context(), 10*time.Millisecond)
			k := gazetteer.Key{Type: "mirror", ID: gazetteer.ID(fmt.Sprint(i))}
			o := w.node("r0").agent.Write(ctx, []ring.Write{{Partition: gazetteer.PartitionOf(k, testPartitions), ID: k.ID, Put: []ring.Value{{Body: []byte{}}}}})[0]
			cancel()
			if gazetteer.KindOf(o.Err) != gazetteer.Deadline {
				t.Errorf("got %+v", o)
			}
		}
		w.mustPut("r0", "after", ring.AckRing)
		if !w.holds("r0", "0") {
			t.Error("what was begun is not done")
		}
	})
}

// A node whose clock runs ahead of its peers' takes no writes, and theirs go on.
func TestNodeWithAFastClockFencesItself(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, ringOf(3))
		defer w.stopAll()
		fast := &settableClock{Clock: NewSystemClock()}
		w.clocks["r0"] = fast
		w.start(w.all()...)
		w.serving(w.all()...)
		fast.set(time.Hour)
		time.Sleep(2 * time.Second)
		if o := w.put("r0", "x", ring.AckLocal); gazetteer.KindOf(o.Err) != gazetteer.Unavailable {
			t.Errorf("got %+v", o)
		}
		w.mustPut("r1", "x", ring.AckRing)
	})
}

// settableClock is ahead of another one by what it is set to.
type settableClock struct {
	Clock
	mu    sync.Mutex // guards following
	ahead time.Duration
}

func (c *settableClock) set(ahead time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.ahead = ahead
}

func (c *settableClock) Now() ring.Now {
	c.mu.Lock()
	defer c.mu.Unlock()
	now := c.Clock.Now()
	now.Wall += c.ahead.Milliseconds()
	return now
}

// lonely is a node of a ring of one, on a disk that can be made to fail.
func lonely(t *testing.T) (*brokenStore, *Node) {
	disk := &brokenStore{Store: memstore.New()}
	node, err := Start(t.Context(), Config{Plan: ringOf(1), Node: "r0", Store: disk})
	if err != nil {
		t.Fatal(err)
	}
	synctest.Wait()
	return disk, node
}

func writeOne(t *testing.T, n *Node) ring.Outcome {
	k := gazetteer.Key{Type: "mirror", ID: "x"}
	return n.agent.Write(t.Context(), []ring.Write{{
		Partition: gazetteer.PartitionOf(k, testPartitions), ID: k.ID, Ack: ring.AckRing,
		Put: []ring.Value{{Body: []byte{}}}, Deadline: 5 * time.Second,
	}})[0]
}

func TestConfigurationsThatCannotBe(t *testing.T) {
	for name, c := range map[string]Config{
		"Plan is missing":       {Node: "r0"},
		`has no node "nobody"`:  {Plan: ringOf(1), Node: "nobody"},
		"replica and needs a S": {Plan: ringOf(1), Node: "r0"},
	} {
		if _, err := Start(t.Context(), c); gazetteer.KindOf(err) != gazetteer.Invalid || !strings.Contains(err.Error(), name) {
			t.Errorf("%s: got %v", name, err)
		}
	}
}
