package world

import (
	"testing"
	"time"

	"gazetteer"
	"gazetteer/simulation/aws"
	"gazetteer/simulation/scenario"
)

// Rings that have no partition in common, as those of equal names in all regions, hear
// each other's freshness marks all the same: what is deleted is collected at rest, and of
// every store it is known as of when.
func TestRingsBesideEachOtherCollect(t *testing.T) {
	s := planet(t, aws.Seven()[:3], 2)
	for i := range s.Regions {
		s.Regions[i].Rings = append(s.Regions[i].Rings, scenario.Ring{Name: "b", Replicas: 2})
	}
	w, l := begun(t, s, 1, nil)
	l.run(50*time.Millisecond, w.agenda.Now()+10*time.Second, 3)
	w.agenda.Run(w.agenda.Now() + 11*time.Second)
	finish(t, w, 20*time.Second)
	w.agenda.Run(w.agenda.Now() + 30*time.Second)
	for _, p := range w.processes {
		if left := tombstones(t, p); left > 0 {
			t.Errorf("%s still holds %d tombstones", p.id, left)
		}
		for _, store := range w.stores {
			if _, known := p.core.AsOf(store); !known && store != p.id.Store() {
				t.Errorf("%s has not heard of a store", p.id)
			}
		}
	}
	if c := w.Coverage(); c.Tombstones == 0 || c.Collected == 0 {
		t.Errorf("%d tombstones, %d collected", c.Tombstones, c.Collected)
	}
}

func tombstones(t *testing.T, p *process) int {
	all, err := p.disk.store.Tombstones(gazetteer.ClockAt(wallOf(p.world.agenda.Now()+time.Hour)), 1000)
	if err != nil {
		t.Fatal(err)
	}
	return len(all)
}
