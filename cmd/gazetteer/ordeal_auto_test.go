package main

import (
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"gazetteer/api/client"
)

// TestRingsFollowDemand puts load on a region of six processes, three of them spare
// replicas: a ring is added by itself, its share moves to it while no request fails, and
// when the load is gone so is the ring.
func TestRingsFollowDemand(t *testing.T) {
	if testing.Short() {
		t.Skip("demand is averaged over a minute, and it takes half of one to fall")
	}
	p := startRegionToGrow(t)
	defer func() {
		for _, name := range p.members(0) {
			if t.Failed() {
				t.Logf("%s printed:\n%s", name, p.nodes[name].out.String())
			}
		}
	}()
	first := p.nodes["r0-1"].client
	awaitRings(t, first, "ring", 1)
	auto := client.Auto{Min: 1, Max: 2, TargetRate: 100, Cooldown: "2s"}
	if err := first.SetAuto(t.Context(), client.DefaultCluster, auto); err != nil {
		t.Fatal(err)
	}

	l := p.load("grown", 150, patience, patience)
	for _, name := range p.members(0)[1:] {
		l.faces = append(l.faces, clientOf(t, "http://"+p.nodes[name].http))
	}
	l.begin()
	awaitRings(t, first, "while the load is on", 2)
	l.finish()
	l.mustAllBeGood(t)
	p.holdEverywhere(t, l.acknowledged)

	awaitRings(t, first, "after the load", 1)
	p.holdEverywhere(t, l.acknowledged)
}

// startRegionToGrow starts a region of three regional servers that are one ring, and three
// more replicas.
func startRegionToGrow(t *testing.T) *processPlanet {
	t.Helper()
	p := &processPlanet{dir: t.TempDir(), regions: []string{"r0"}, each: 3, nodes: map[string]*serverProcess{}}
	p.start(t, "r0-1", "--region", "r0", "--partitions", "16")
	p.extend(t, 0)
	p.stock(t)
	first := p.nodes["r0-1"]
	a, err := first.client.AdmitMember(t.Context(), client.Invitation{Roles: []string{"cluster", "replica"}, Uses: 3})
	if err != nil {
		t.Fatal(err)
	}
	for i := range 3 {
		name := fmt.Sprintf("spare-%d", i+1)
		c := startChild(t, "server", "--node", name, "--peer", freeAddr(t), "--data", filepath.Join(p.dir, name),
			"--roles", "cluster,replica", "--join", first.peer, "--token", a.Token)
		c.out.wait(t, "gazetteer: node "+name)
		t.Cleanup(func() {
			if t.Failed() {
				t.Logf("%s printed:\n%s", name, c.out.String())
			}
		})
	}
	return p
}

// awaitRings waits until a region has so many rings, of three members each, and nothing
// moves.
func awaitRings(t *testing.T, k *client.Client, when string, rings int) {
	t.Helper()
	eventually(t, fmt.Sprintf("%s: %d rings", when, rings), func() (bool, any) {
		clusters, err := k.Rings(t.Context())
		if err != nil {
			return false, err
		}
		c := clusters[0]
		whole := !slices.ContainsFunc(c.Rings, func(r client.Ring) bool { return len(r.Members) != 3 || r.Partitions == 0 })
		return len(c.Rings) == rings && whole && c.Moving+c.Pending == 0, fmt.Sprint(clusters)
	})
}

// mustAllBeGood fails the test if a request was not answered as it should be at the first
// try.
func (l *load) mustAllBeGood(t *testing.T) {
	t.Helper()
	l.mu.Lock()
	defer l.mu.Unlock()
	t.Logf("%d reads, %d writes acknowledged", l.reads, len(l.acknowledged))
	if bad := slices.Concat(l.late, l.failed, l.wrong); len(bad) > 0 || l.unknown > 0 || l.again.Load() > 0 {
		t.Errorf("%d reads were not good, %d writes not acknowledged, %d tries failed: %s", len(bad), l.unknown, l.again.Load(), strings.Join(some(bad), "; "))
	}
	if l.reads == 0 || len(l.acknowledged) == 0 {
		t.Error("nothing was read, or nothing written")
	}
}
