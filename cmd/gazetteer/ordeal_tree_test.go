package main

import (
	"fmt"
	"testing"

	"gazetteer/api/client"
)

// TestUpdatesCrossEachEdgeOnce: without failures an update crosses every edge of the tree
// once, whichever region it was written in; at rest all regions are equal.
func TestUpdatesCrossEachEdgeOnce(t *testing.T) {
	p := startPlanet(t, chain(5))
	p.makeType(t, "shelf")
	before := p.awaitRest(t)
	const each = 40
	for i, k := range p.clients {
		for j := range each {
			if _, err := k.Put(t.Context(), document("shelf", fmt.Sprintf("r%d-%d", i, j)), client.WriteOptions{}); err != nil {
				t.Fatal(err)
			}
		}
	}
	n := len(p.clients)
	p.awaitEqual(t, "shelf", int64(n+n*each))
	moved := p.awaitRest(t).minus(before)
	written := moved["ring_written"]
	if written < n*each {
		t.Fatalf("%d updates were written", written)
	}
	if got, want := moved["peer_link_updates"], written*(n-1); got != want {
		t.Errorf("%d updates crossed edges, want %d", got, want)
	}
	for _, name := range []string{"ring_duplicates", "ring_gaps", "ring_scans"} {
		if moved[name] != 0 {
			t.Errorf("%d %s", moved[name], name)
		}
	}
}
