package main

import (
	"fmt"
	"testing"
	"time"

	"gazetteer/api/client"
)

// TestWritesReachEveryRegion: a write that is answered at the level of regions is there, in
// all of them, at that moment.
func TestWritesReachEveryRegion(t *testing.T) {
	p := startPlanet(t, chain(4))
	p.makeType(t, "shelf")
	p.awaitRest(t)
	for i, k := range p.clients {
		id := fmt.Sprint("r", i)
		start := time.Now()
		w, err := k.Put(t.Context(), document("shelf", id), client.WriteOptions{Ack: "regions", Deadline: 10 * time.Second})
		if err != nil || w.Short {
			t.Fatalf("written in region %d: %+v, %v after %v", i, w, err, time.Since(start))
		}
		for j, far := range p.clients {
			if d, err := far.Get(t.Context(), "shelf", id); err != nil || d.Version != w.Version {
				t.Errorf("written in region %d, region %d has %q, want %q: %v", i, j, d.Version, w.Version, err)
			}
		}
	}
}
