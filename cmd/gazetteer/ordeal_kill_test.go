package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"gazetteer/api/client"
)

// TestKilledProcesses kills processes of a planet without warning while clients read and
// write, one at a time, and starts them again. Reads stay right and quick, and every write
// that was acknowledged is in every region at the end.
func TestKilledProcesses(t *testing.T) {
	p := startProcesses(t, 1)
	cycles, l := 1, p.load("written", 200, 5*time.Second, patience)
	if *long {
		cycles, l = 20, p.load("written", 500, 400*time.Millisecond, time.Second)
	}
	l.begin()
	for i := range cycles {
		p.killAndRestart(t, p.members(i % len(p.regions))[0])
	}
	l.finish()
	l.judge(t)
	p.holdEverywhere(t, l.acknowledged)
}

// TestKilledMembers does the same to regions of three processes: to the one that leads its
// region, to the first of the ring, which is linked to other regions, and to another.
func TestKilledMembers(t *testing.T) {
	if !*long {
		t.Skip("it takes minutes: -long")
	}
	p := startProcesses(t, 3)
	for _, role := range []struct {
		name string
		of   func(t *testing.T, region int) string
	}{
		{"leader", p.leaderOf},
		{"relay", func(_ *testing.T, region int) string { return p.members(region)[0] }},
		{"other", func(_ *testing.T, region int) string { return p.members(region)[2] }},
	} {
		t.Run(role.name, func(t *testing.T) {
			l := p.load(role.name, 500, 400*time.Millisecond, time.Second)
			l.begin()
			for i := range 20 {
				p.killAndRestart(t, role.of(t, i%len(p.regions)))
			}
			l.finish()
			l.judge(t)
			p.holdEverywhere(t, l.acknowledged)
		})
	}
}

// processPlanet is a planet of three regions whose processes are servers as an operator
// starts them.
type processPlanet struct {
	dir     string
	regions []string
	each    int        // processes in a region
	t       *testing.T // with it all of them end, not with a part of it that starts one again
	extra   []string   // on every command line
	nodes   map[string]*serverProcess
	ways    *ways // between regions; nil: nothing is cut
}

// serverProcess is one of them. Its ports stay when it is started again.
type serverProcess struct {
	*child
	args       []string
	ways       *ways
	region     string
	http, peer string
	client     *client.Client
}

func startProcesses(t *testing.T, each int, extra ...string) *processPlanet {
	t.Helper()
	p := &processPlanet{dir: t.TempDir(), regions: []string{"r0", "r1", "r2"}, each: each, extra: extra, t: t, nodes: map[string]*serverProcess{}}
	p.found(t)
	return p
}

// found starts all processes, region by region.
func (p *processPlanet) found(t *testing.T) {
	t.Helper()
	for i, r := range p.regions {
		where := []string{"--region", r}
		if i > 0 {
			first := p.nodes[p.members(0)[0]]
			a, err := first.client.AdmitRegion(t.Context(), r)
			if err != nil {
				t.Fatal(err)
			}
			where = append(where, "--planet", first.peer, "--token", a.Token)
		}
		p.start(t, p.members(i)[0], where...)
		p.extend(t, i)
	}
	p.awaitTrees(t)
	p.stock(t)
}

// extend lets the other processes of a region join it, and waits until its ring has them.
func (p *processPlanet) extend(t *testing.T, region int) {
	t.Helper()
	names := p.members(region)
	first := p.nodes[names[0]]
	for _, name := range names[1:] {
		a, err := first.client.AdmitMember(t.Context(), client.Invitation{})
		if err != nil {
			t.Fatal(err)
		}
		p.start(t, name, "--roles", "region,cluster,replica", "--join", first.peer, "--token", a.Token)
	}
	eventually(t, "the ring has all members", func() (bool, any) {
		clusters, err := first.client.Rings(t.Context())
		return err == nil && len(clusters) > 0 && len(clusters[0].Rings) == 1 && len(clusters[0].Rings[0].Members) == p.each, fmt.Sprint(clusters, err)
	})
}

// members returns the processes of a region.
func (p *processPlanet) members(region int) (names []string) {
	for i := range p.each {
		names = append(names, fmt.Sprintf("%s-%d", p.regions[region], i+1))
	}
	return names
}

func (p *processPlanet) start(t *testing.T, name string, more ...string) {
	t.Helper()
	s := &serverProcess{http: freeAddr(t), peer: freeAddr(t), ways: p.ways, region: regionOf(name)}
	s.args = append([]string{"server", "--node", name, "--http", s.http, "--peer", s.peer, "--data", filepath.Join(p.dir, name), "--lame-duck", "0s"}, append(more, p.extra...)...)
	s.client = clientOf(t, "http://"+s.http)
	p.nodes[name] = s
	if p.ways != nil {
		s.args[0] = simNode
		p.ways.place(s.peer, s.region)
	}
	s.begin(t)
}

// regionOf is the region in the name of a process.
func regionOf(name string) string {
	region, _, _ := strings.Cut(name, "-")
	return region
}

func (s *serverProcess) begin(t *testing.T) {
	t.Helper()
	if s.ways == nil {
		s.child = startChild(t, s.args...)
	} else {
		s.child = startFed(t, s.ways.pipe(t, s.region), s.args...)
	}
	s.out.wait(t, "serves http|(?m)^ready$")
}

// stock has the planet hold what clients read.
func (p *processPlanet) stock(t *testing.T) {
	t.Helper()
	first := p.nodes[p.members(0)[0]].client
	if _, err := first.PutType(t.Context(), client.Type{Name: "shelf"}); err != nil {
		t.Fatal(err)
	}
	var ids []string
	for i := range stableResources {
		ids = append(ids, stableID(i))
		if _, err := first.Put(t.Context(), document("shelf", ids[i]), client.WriteOptions{}); err != nil {
			t.Fatal(err)
		}
	}
	p.holdEverywhere(t, ids)
}

// load is of clients that know one face of each region.
func (p *processPlanet) load(name string, rate int, perFace, good time.Duration) *load {
	l := &load{name: name, rate: rate, perFace: perFace, good: good}
	for i := range p.regions {
		k, err := client.New(client.Config{Addr: "http://" + p.nodes[p.members(i)[0]].http, Retries: -1})
		if err != nil {
			panic(err)
		}
		l.faces = append(l.faces, k)
	}
	return l
}

// killAndRestart kills a process, lets the others do without it for a while, and starts it
// again. It returns when the process does its work and the planet has one tree.
func (p *processPlanet) killAndRestart(t *testing.T, name string) {
	t.Helper()
	s := p.nodes[name]
	s.end(t, os.Kill)
	time.Sleep(3 * time.Second) // in which the clients meet a dead process
	s.begin(p.t)
	waitForStatus(t, "http://"+s.http+"/readyz", http.StatusOK)
	p.awaitTrees(t)
}

func (p *processPlanet) leaderOf(t *testing.T, region int) (name string) {
	t.Helper()
	eventually(t, "the region has a leader", func() (bool, any) {
		members, err := p.nodes[p.members(region)[0]].client.Members(t.Context())
		if i := slices.IndexFunc(members, func(m client.Member) bool { return m.Leader }); i >= 0 {
			name = members[i].Node
		}
		return name != "", err
	})
	return name
}

// awaitTrees waits until every process knows a tree of all regions, all of them live.
func (p *processPlanet) awaitTrees(t *testing.T) {
	t.Helper()
	for name, n := range p.nodes {
		eventually(t, name+" knows a tree of all regions", func() (bool, any) {
			now, err := n.client.Topology(t.Context())
			lives := !slices.ContainsFunc(now.Regions, func(r client.Placed) bool { return r.State != "live" })
			whole := len(now.Regions) == len(p.regions) && len(treeOf(&now)) == len(p.regions)-1
			return err == nil && now.Running == "" && lives && whole, fmt.Sprint(now, err)
		})
	}
}

// holdEverywhere waits until all processes say the same, and finds in it the resources
// that have to be there.
func (p *processPlanet) holdEverywhere(t *testing.T, ids []string) {
	t.Helper()
	var held []byte
	eventually(t, "all regions are equal", func() (bool, any) {
		held = nil
		for name, n := range p.nodes {
			var text bytes.Buffer
			if _, err := n.client.Export(t.Context(), "shelf", "", &text, nil); err != nil {
				return false, err
			}
			if held == nil {
				held = text.Bytes()
			}
			if !bytes.Equal(held, text.Bytes()) {
				return false, name + " differs"
			}
		}
		return true, nil
	})
	has := map[string]bool{}
	for line := range bytes.Lines(held) {
		var d client.Document
		if err := json.Unmarshal(line, &d); err != nil {
			t.Fatal(err)
		}
		has[d.ID] = true
	}
	for _, id := range ids {
		if !has[id] {
			t.Errorf("%s was acknowledged and is lost", id)
		}
	}
}
