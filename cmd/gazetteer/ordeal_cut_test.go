package main

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"gazetteer/api/client"
)

// updatesEach is how many updates make one resource: its attributes, its location.
const updatesEach = 2

// TestCutRegionComesBack: a region in the middle of the tree is cut off. Both sides take
// writes, the others find a tree around it, and when it is back all regions are equal
// soon, for at most twice the bytes that were missing.
func TestCutRegionComesBack(t *testing.T) {
	each, within := 1500, patience
	if *long {
		each, within = 50_000, 15*time.Second
	}
	p := startPlanet(t, chain(4))
	p.makeType(t, "shelf")
	p.awaitRest(t)

	const before, cut, behind = 0, 1, 3
	name := string(p.world.regions[cut].name)
	post(t, p.url()+cutPath+name)
	awaitState(t, p.clients[before], name, "unreachable")
	awaitState(t, p.clients[cut], string(p.world.regions[behind].name), "unreachable")
	p.awaitTreeWithout(t, name)
	p.fill(t, before, each)
	p.fill(t, cut, each)
	awaitIn(t, p.clients[behind], "shelf", lastOf(before, each))
	if _, err := p.clients[cut].Get(t.Context(), "shelf", lastOf(before, each)); err == nil {
		t.Fatal("the region is not cut off")
	}

	at := p.figures(t)
	post(t, p.url()+healPath+name)
	took := p.catchesUp(t, at, each*updatesEach*len(p.clients)) // half of it lacks one region, half all others
	if took > within {
		t.Errorf("equal after %v, want at most %v", took, within)
	}
	p.awaitEqual(t, "shelf", int64(len(p.clients)+2*each))
	awaitState(t, p.clients[before], name, "live")
}

// catchesUp waits until all that was missing has come, and judges what was carried for it.
// Handshakes come on top: some hundred bytes for each partition of a link, however much is
// missing.
func (p *planetHere) catchesUp(t *testing.T, at figures, missing int) time.Duration {
	t.Helper()
	began := time.Now()
	var moved figures
	eventually(t, "all has come", func() (bool, any) {
		moved = p.figures(t).minus(at)
		return moved["ring_apply"] >= missing, fmt.Sprint(moved["ring_apply"], " of ", missing)
	})
	took := time.Since(began)
	size := float64(moved["peer_link_update_bytes"]) / float64(moved["peer_link_updates"])
	needed, carried := size*float64(missing), float64(moved["peer_link_bytes"])
	t.Logf("%d updates were missing: equal after %v, %.2f times as many sent, with handshakes %.2f times their bytes",
		missing, took, float64(moved["peer_link_updates"])/float64(missing), carried/needed)
	if *long && carried > 2*needed {
		t.Errorf("%.0f bytes were carried for %.0f that were missing", carried, needed)
	}
	const handshake = 1 << 10
	if carried > 2*needed+float64(handshake*moved["ring_scans"]) {
		t.Errorf("%.0f bytes were carried for %.0f that were missing, in %d scans", carried, needed, moved["ring_scans"])
	}
	return took
}

// awaitTreeWithout waits until the first region knows a tree of all but one region.
func (p *planetHere) awaitTreeWithout(t *testing.T, name string) {
	t.Helper()
	eventually(t, "there is a tree around "+name, func() (bool, any) {
		now, err := p.clients[0].Topology(t.Context())
		tree := treeOf(&now)
		touched := slices.ContainsFunc(tree, func(e client.Edge) bool { return e.A == name || e.B == name })
		return err == nil && now.Running == "" && len(tree) == len(p.sites)-2 && !touched, fmt.Sprint(tree, err)
	})
}

// fill imports resources at a region.
func (p *planetHere) fill(t *testing.T, region, n int) {
	t.Helper()
	s, err := p.clients[region].ImportDocuments(t.Context(), "shelf", documents("shelf", prefixOf(region), n), client.ImportOptions{})
	if err != nil || s.Acknowledged != int64(n) {
		t.Fatal(s, err)
	}
}

func prefixOf(region int) string { return strings.Repeat("x", region+1) }

// lastOf names the last resource that fill made.
func lastOf(region, n int) string { return fmt.Sprintf("%s-%06d", prefixOf(region), n-1) }
