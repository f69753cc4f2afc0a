package main

import (
	"context"
	"errors"
	"log/slog"
	"runtime/debug"
	"sync"
	"time"

	"gazetteer"
	"gazetteer/api/peer/delay"
	"gazetteer/region"
	"gazetteer/region/control"
)

// within is the host that runs all regions in this process. They share nothing but that:
// no region holds a pointer into another.
type within struct {
	world    *world
	network  *delay.Network
	services []*service
	running  sync.WaitGroup
	failures chan error
}

// A process of many regions has one heap, which by default may grow to twice what is in
// use. Beyond these bytes it is collected more often instead.
const (
	heapPerRegion = 22 << 20
	heapForAll    = 128 << 20
)

// newWithin opens all ports, and nothing that touches data.
func (a *app) newWithin(ctx context.Context, f *demoFlags, w *world) (*within, error) {
	locator, err := f.locator.openForDemo()
	if err != nil {
		return nil, err
	}
	h := &within{world: w, failures: make(chan error, len(w.regions))}
	debug.SetMemoryLimit(heapPerRegion*int64(len(w.regions)) + heapForAll)
	h.network = w.network()
	for i := range w.regions {
		s := &service{parts: demoParts(w, i, f.costs == "given")}
		s.locator, s.log = locator, a.demoLogger(f.verbose)
		s.dial = h.network.Dialer(s.region, h.regionAt, nil)
		h.services = append(h.services, s)
		if err := s.openDemo(ctx, f, w, &door{w.names(), h.turn}); err != nil {
			h.unlisten()
			return nil, err
		}
	}
	return h, nil
}

// demoParts is what makes a process a region of a world.
func demoParts(w *world, i int, given bool) parts {
	at := w.regions[i]
	p := parts{
		region: at.name, partitions: gazetteer.DefaultPartitions, place: at.point,
		self: control.Node{Name: gazetteer.NodeID(at.name + "-1"), Roles: []region.Role{region.RoleRouter, region.RoleRegion, region.RoleCluster, region.RoleReplica}},
	}
	if given {
		p.costs = func(r gazetteer.RegionID) (time.Duration, bool) { return w.between(at.name, r), true }
	}
	return p
}

// openDemo opens the ports of a region of a demo. A planet of one region needs none between
// regions.
func (s *service) openDemo(ctx context.Context, f *demoFlags, w *world, d *door) (err error) {
	addr := anyPort
	if s.region == w.regions[0].name {
		addr, s.front = f.http, d.before
	}
	if s.web, err = listen(ctx, "--http", addr, f.insecure); err != nil {
		return err
	}
	s.self.HTTP = s.web.Addr().String()
	if err := s.openDemoNames(ctx, f, w); err != nil {
		return err
	}
	if len(w.regions) == 1 {
		return nil
	}
	if s.peers, err = listen(ctx, "--http", anyPort, false); err != nil {
		return err
	}
	s.self.Addr = s.peers.Addr().String()
	return nil
}

// anyPort is an address of this machine that is free.
const anyPort = "127.0.0.1:0"

// regionAt returns whose peer port an address is.
func (h *within) regionAt(addr string) gazetteer.RegionID {
	for _, s := range h.services {
		if s.self.Addr == addr {
			return s.region
		}
	}
	return ""
}

func (h *within) turn(r gazetteer.RegionID, cut bool) { turn(h.network, h.world, r, cut) }

// turn stops everything between one region and all others, or lets it through again.
func turn(n *delay.Network, w *world, r gazetteer.RegionID, cut bool) {
	if cut {
		n.Cut([]gazetteer.RegionID{r}, w.others(r))
	} else {
		n.Heal([]gazetteer.RegionID{r}, w.others(r))
	}
}

func (h *within) begin(ctx context.Context, i int, b start) (site, error) {
	s := h.services[i]
	s.begins(b)
	up := make(chan struct{})
	h.running.Go(func() {
		if err := s.run(ctx, func(context.Context, *member) error { close(up); return nil }); err != nil {
			h.failures <- err
		}
	})
	if i == 0 {
		select {
		case <-up:
		case <-ctx.Done():
		}
	}
	return site{Peer: s.self.Addr, URL: "http://" + s.self.HTTP}, context.Cause(ctx)
}

// begins takes what a region is told at its start.
func (s *service) begins(b start) {
	s.data, s.token = b.Data, b.Token
	if b.Contact != "" {
		s.contacts = []string{b.Contact}
	}
}

func (h *within) failed() <-chan error { return h.failures }

func (h *within) end() error {
	h.running.Wait()
	h.unlisten()
	return drained(h.failures)
}

// drained returns what is left in a channel to which nobody sends any more.
func drained(failures chan error) (err error) {
	for len(failures) > 0 {
		err = errors.Join(err, <-failures)
	}
	return err
}

func (h *within) unlisten() {
	for _, s := range h.services {
		s.unlisten()
	}
}

func (a *app) demoLogger(verbose bool) *slog.Logger {
	level := slog.LevelError
	if verbose {
		level = slog.LevelInfo
	}
	return slog.New(slog.NewTextHandler(a.err, &slog.HandlerOptions{Level: level}))
}
