package agent

import (
	"context"
	"fmt"
	"path/filepath"
	"testing"

	"gazetteer"
	"gazetteer/region"
	"gazetteer/region/control"
	"gazetteer/ring"
	"gazetteer/ring/badgerstore"
)

// openDisk opens the store of a node of a test's plan.
func openDisk(t testing.TB, dir string, n gazetteer.NodeID) *badgerstore.Store {
	t.Helper()
	s, err := badgerstore.Open(badgerstore.Config{Dir: filepath.Join(dir, string(n)), Node: n, Partitions: testPartitions, MemTableBytes: 1 << 20})
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// Three nodes on real disks, in real time: one is stopped and comes back with what it
// had, then without anything.
func TestRingOnDiskHealsAMember(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	w := newWorld(t, ringOf(3))
	for _, n := range w.all() {
		w.stores[n] = openDisk(t, dir, n)
	}
	w.start(w.all()...)
	w.serving(w.all()...)
	acked := 0
	write := func(n gazetteer.NodeID) {
		w.mustPut(n, fmt.Sprint("id", acked), ring.AckRing)
		acked++
	}
	for range 60 {
		write("r1")
	}
	for round, back := range []func() ring.Store{
		func() ring.Store { return openDisk(t, dir, "r0") },
		func() ring.Store { return openDisk(t, t.TempDir(), "r0") },
	} {
		w.stop("r0")
		if err := w.stores["r0"].Close(); err != nil {
			t.Fatal(err)
		}
		for range 20 {
			write("r2")
		}
		w.stores["r0"] = back()
		w.start("r0")
		w.serving("r0")
		w.equal()
		for i := range acked {
			if !w.holds("r0", fmt.Sprint("id", i)) {
				t.Errorf("round %d: write %d, which was acknowledged, is not at r0", round, i)
			}
		}
		write("r0")
	}
	for _, n := range w.all() {
		w.stop(n)
		if err := w.stores[n].Close(); err != nil {
			t.Error(err)
		}
	}
}

// One process with the plan of a single node is a whole service, from its start on.
func TestSingleNodeIsAWholeService(t *testing.T) {
	t.Parallel()
	plan, err := control.Single("here", "single")
	if err != nil {
		t.Fatal(err)
	}
	s, err := badgerstore.Open(badgerstore.Config{Dir: filepath.Join(t.TempDir(), "store"), Node: "single"})
	if err != nil {
		t.Fatal(err)
	}
	n, err := Start(context.Background(), Config{Plan: plan, Node: "single", Store: s})
	if err != nil {
		t.Fatal(err)
	}
	r := n.Regional()
	if created, err := r.PutType(t.Context(), region.TypeSpec{Name: "mirror"}); err != nil || !created {
		t.Fatal(created, err)
	}
	put(t, r, "x")
	if rec, err := r.Get(t.Context(), key("x")); err != nil || len(rec.Locations) != 3 {
		t.Error(rec, err)
	}
	if got := failing(r); got != nil {
		t.Error(r.Ready())
	}
	st := r.(*region.Server).Status()
	if want := 3 * gazetteer.DefaultPartitions; st.Mirrored.Partitions != want || st.Mirrored.Serving != want {
		t.Errorf("%+v, want %d partitions of three types", st.Mirrored, want)
	}
	if err := n.Close(); err != nil {
		t.Error(err)
	}
	if err := s.Close(); err != nil {
		t.Error(err)
	}
}
