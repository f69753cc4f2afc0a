package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"path/filepath"
	"slices"
	"sync"
	"time"

	"gazetteer"
	"gazetteer/api/client"
	"gazetteer/api/peer/delay"
	"gazetteer/cmd/gazetteer/sample"
	"gazetteer/region"
	"gazetteer/region/control"
	"gazetteer/region/geo"
)

// demo is a planet in one process. Its regions share nothing but the process: between
// them every message is encoded and passes the network that delays it.
type demo struct {
	app     *app
	world   *world
	network *delay.Network
	regions []*service // in the order of the world; the first one answers at --http
	data    string     // "": in memory

	mu      sync.Mutex // guards members
	members map[gazetteer.RegionID]*member
}

// newDemo opens what does not touch the data.
func (a *app) newDemo(ctx context.Context, f *demoFlags) (*demo, error) {
	if err := f.check(); err != nil {
		return nil, err
	}
	w, err := worldOf(f.regions)
	if err != nil {
		return nil, err
	}
	locator, err := f.locator()
	if err != nil {
		return nil, err
	}
	d := &demo{app: a, world: w, data: f.data, members: map[gazetteer.RegionID]*member{}}
	d.network = delay.New(func(from, to gazetteer.RegionID) time.Duration { return w.between(from, to) / 2 })
	for i := range w.regions {
		s, err := d.open(ctx, f, i, locator)
		if err != nil {
			d.unlisten()
			return nil, err
		}
		d.regions = append(d.regions, s)
	}
	return d, nil
}

// open opens the ports of one region. A planet of one region needs none between regions.
func (d *demo) open(ctx context.Context, f *demoFlags, i int, locator *geo.Locator) (s *service, err error) {
	p := d.world.regions[i]
	s = &service{parts: parts{
		region: p.name, partitions: gazetteer.DefaultPartitions, place: p.point, locator: locator, log: d.logger(f.verbose),
		self: control.Node{Name: gazetteer.NodeID(p.name + "-1"), Roles: []region.Role{region.RoleRouter, region.RoleRegion, region.RoleCluster, region.RoleReplica}},
	}}
	if f.costs == "given" {
		s.costs = func(r gazetteer.RegionID) (time.Duration, bool) { return d.world.between(p.name, r), true }
	}
	if d.data != "" {
		s.data = filepath.Join(d.data, string(p.name))
	}
	addr := "127.0.0.1:0"
	if i == 0 {
		addr, s.front = f.http, d.door
	}
	if s.web, err = listen(ctx, "--http", addr, f.insecure); err != nil {
		return nil, err
	}
	s.self.HTTP = s.web.Addr().String()
	if len(d.world.regions) == 1 {
		return s, nil
	}
	if s.peers, err = listen(ctx, "--http", "127.0.0.1:0", false); err != nil {
		s.unlisten()
		return nil, err
	}
	s.self.Addr = s.peers.Addr().String()
	s.dial = d.network.Dialer(p.name, d.regionAt, nil)
	return s, nil
}

// regionAt returns whose peer port an address is.
func (d *demo) regionAt(addr string) gazetteer.RegionID {
	for _, s := range d.regions {
		if s.self.Addr == addr {
			return s.region
		}
	}
	return ""
}

func (d *demo) logger(verbose bool) *slog.Logger {
	level := slog.LevelError
	if verbose {
		level = slog.LevelInfo
	}
	return slog.New(slog.NewTextHandler(d.app.err, &slog.HandlerOptions{Level: level}))
}

func (d *demo) unlisten() {
	for _, s := range d.regions {
		s.unlisten()
	}
}

func (d *demo) url() string { return "http://" + d.regions[0].web.Addr().String() }

// run founds the first region and lets the others join it, then shows the planet around.
// The first part that fails ends all of them.
func (d *demo) run(ctx context.Context) error {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	var all sync.WaitGroup
	defer all.Wait()
	if d.data != "" {
		for _, s := range d.regions {
			s.data = filepath.Join(d.data, string(s.region))
		}
	}
	begin := time.Now()
	err := d.regions[0].run(ctx, func(ctx context.Context, first *member) error {
		d.joined(first)
		for _, s := range d.regions[1:] {
			if err := d.admit(ctx, first, s); err != nil {
				return err
			}
			all.Go(func() {
				err := s.run(ctx, func(_ context.Context, m *member) error { d.joined(m); return nil })
				if err != nil {
					cancel(failure{err})
				}
			})
		}
		if err := d.awaitTree(ctx, first, begin); err != nil {
			return err
		}
		return d.showAround(ctx)
	})
	cancel(nil)
	return errors.Join(err, failureOf(ctx))
}

func (d *demo) joined(m *member) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.members[m.region] = m
}

// admit gets the token by which a region joins, unless it has joined at an earlier start.
func (d *demo) admit(ctx context.Context, first *member, s *service) error {
	s.contacts = []string{d.regions[0].self.Addr}
	t, err := first.planet.Operator().AdmitRegion(ctx, s.region)
	if err != nil && gazetteer.KindOf(err) == gazetteer.Conflict {
		return nil
	}
	s.token = t.Text
	return err
}

// awaitTree waits until all regions have one tree.
func (d *demo) awaitTree(ctx context.Context, first *member, begin time.Time) error {
	n := len(d.regions)
	if n == 1 {
		return nil
	}
	fmt.Fprintf(d.app.out, "%d regions find their tree ...\n", n)
	for {
		t, err := first.planet.Operator().Topology(ctx)
		if err == nil && t.Running == "" && t.Epoch != "" && treeEdges(&t) == n-1 {
			return d.printTree(&t, time.Since(begin))
		}
		select {
		case <-time.After(50 * time.Millisecond):
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
}

func treeEdges(t *region.Topology) (n int) {
	for _, e := range t.Edges {
		if e.Tree {
			n++
		}
	}
	return n
}

func (d *demo) printTree(t *region.Topology, took time.Duration) error {
	fmt.Fprintf(d.app.out, "Epoch %s: a minimum spanning tree of %.3f ms after %v, built with %d messages:\n",
		t.Epoch, float64(t.Weight.Microseconds())/1000, took.Round(10*time.Millisecond), t.Messages)
	edges := slices.DeleteFunc(slices.Clone(t.Edges), func(e region.TopologyEdge) bool { return !e.Tree })
	var rows [][]string
	for _, e := range edges {
		rows = append(rows, []string{string(e.A), string(e.B), fmt.Sprintf("%.1f ms", float64(e.Cost.Microseconds())/1000)})
	}
	return grid(d.app.out, []string{"REGION", "REGION", "ROUND TRIP"}, rows)
}

// load imports the catalogue at the first region, unless an earlier demo did so to its
// end, and waits until all regions have it.
func (d *demo) load(ctx context.Context) error {
	k, err := client.New(client.Config{Addr: d.url()})
	if err != nil {
		return err
	}
	if err := d.app.loadSample(ctx, k); err != nil {
		return err
	}
	start := time.Now()
	for _, s := range d.regions[1:] {
		if err := d.awaitSample(ctx, s); err != nil {
			return err
		}
	}
	if len(d.regions) > 1 {
		fmt.Fprintf(d.app.out, "All %d regions have it, %v later.\n", len(d.regions), time.Since(start).Round(time.Millisecond))
	}
	return nil
}

func (d *demo) awaitSample(ctx context.Context, s *service) error {
	k, err := client.New(client.Config{Addr: "http://" + s.web.Addr().String()})
	if err != nil {
		return err
	}
	for {
		if _, err := k.Get(ctx, sample.LastType, sample.LastID); err == nil {
			return nil
		}
		select {
		case <-time.After(20 * time.Millisecond):
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
}
