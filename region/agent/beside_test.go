package agent

import (
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"gazetteer"
	"gazetteer/ring"
)

// Two rings of a region have no partition in common. They hear each other's freshness
// marks all the same, so that what is deleted in either is collected: also when the
// replicas do nothing else, and share no ring with the regional servers.
func TestRingsBesideEachOtherCollect(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, spread())
		defer w.stopAll()
		w.begin()
		owner := map[string]gazetteer.NodeID{}
		for i := range 20 {
			id := fmt.Sprint("id", i)
			owner[id] = w.ownerOf(id)
			w.mustPut(owner[id], id, ring.AckRing)
			w.mustDelete(owner[id], id)
		}
		for _, n := range []gazetteer.NodeID{"r0", "r3"} {
			if w.tombstones(n) == 0 {
				t.Fatalf("%s holds no tombstones: this shows nothing", n)
			}
		}
		w.eventually(func() error {
			for _, n := range []gazetteer.NodeID{"r0", "r1", "r2", "r3"} {
				if left := w.tombstones(n); left > 0 {
					return fmt.Errorf("%s still holds %d tombstones", n, left)
				}
			}
			return nil
		})
	})
}

// ownerOf is the first member of the ring that owns a resource.
func (w *world) ownerOf(id string) gazetteer.NodeID {
	p := gazetteer.PartitionOf(key(id), testPartitions)
	return w.plan.rings[int(p.Index)%len(w.plan.rings)][0]
}

func (w *world) mustDelete(n gazetteer.NodeID, id string) {
	w.t.Helper()
	o := w.node(n).agent.Write(w.t.Context(), []ring.Write{{
		Partition: gazetteer.PartitionOf(key(id), testPartitions), ID: gazetteer.ID(id),
		Ack: ring.AckRing, Deadline: 5 * time.Second, Replace: true,
	}})[0]
	if o.Err != nil || o.Reached < ring.AckRing {
		w.t.Fatalf("delete %s at %s: reached %d, %v", id, n, o.Reached, o.Err)
	}
}

func (w *world) tombstones(n gazetteer.NodeID) int {
	all, err := w.stores[n].Tombstones(gazetteer.ClockAt(time.Now().Add(time.Hour).UnixMilli()), 1000)
	if err != nil {
		w.t.Fatal(err)
	}
	return len(all)
}
