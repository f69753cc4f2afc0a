package memstore_test

import (
	"testing"

	"gazetteer"
	"gazetteer/ring"
	"gazetteer/ring/memstore"
	"gazetteer/ring/storetest"
)

func TestStore(t *testing.T) {
	storetest.Run(t, func(testing.TB) ring.Store { return memstore.New() })
}

// A clone is how the simulator puts a disk aside: it must hold all that a disk does.
func TestCloneIsAReopenedStore(t *testing.T) {
	storetest.RunReopened(t, func(testing.TB) (ring.Store, func() ring.Store) {
		s := memstore.New()
		return s, func() ring.Store {
			s = s.Clone()
			return s
		}
	})
}

func TestCloneGoesItsOwnWay(t *testing.T) {
	p := gazetteer.Partition{Type: "mirror"}
	put := func(s *memstore.Store, seq uint64) {
		pos := gazetteer.Position{Origin: gazetteer.Origin{Store: 1}, Seq: seq}
		u := gazetteer.Update{Element: gazetteer.Element{ID: "a"}, Position: pos, Tombstone: seq == 3}
		err := s.Save(&ring.Save{
			Put:     []ring.Held{{Partition: p, Update: u}},
			Raise:   map[gazetteer.Partition]ring.PartitionState{p: {Vector: gazetteer.Vector{pos}}},
			Journal: []ring.Conflict{{Partition: p, Loser: u}},
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	want := func(s *memstore.Store, seq uint64, conflicts, tombstones int) {
		t.Helper()
		us, _ := s.Resource(p, "a")
		held, _ := s.Tombstones(1, 9)
		n := 0
		for range s.Conflicts() {
			n++
		}
		if len(us) != 1 || us[0].Position.Seq != seq || s.State().Partitions[p].Vector[0].Seq != seq || n != conflicts || len(held) != tombstones {
			t.Errorf("got %+v, %+v, %d conflicts, %d tombstones; want seq %d", us, s.State(), n, len(held), seq)
		}
	}
	first := memstore.New()
	put(first, 1)
	second := first.Clone()
	put(first, 2)
	third := second.Clone()
	put(second, 3)
	want(first, 2, 2, 0)
	want(second, 3, 2, 1)
	want(third, 1, 1, 0)
}
