package main

import (
	"context"
	"encoding/json"
	"io"
	"net"
	"os"
	"sync"

	"gazetteer"
	"gazetteer/api/peer/delay"
)

// A region of a demo that is a process of its own speaks with the process that has started
// it in lines of JSON: it reads orders from its standard input, and writes words to its
// standard output. It ends when the orders do.

// order tells a region what to do, or what it has to know.
type order struct {
	Start *start                        `json:"start,omitempty"`
	At    map[string]gazetteer.RegionID `json:"at,omitempty"`   // whose peer ports these addresses are
	Turn  *turned                       `json:"turn,omitempty"` // for the network
}

// word is what a region has to tell.
type word struct {
	Site *site   `json:"site,omitempty"` // its ports are open
	Up   bool    `json:"up,omitempty"`   // it answers
	Turn *turned `json:"turn,omitempty"` // somebody at its door asks for it
}

// turned is a region that is cut off from all others, or let back in.
type turned struct {
	Region gazetteer.RegionID `json:"region"`
	Cut    bool               `json:"cut"`
}

// demoChild is such a region.
type demoChild struct {
	world   *world
	network *delay.Network
	atlas   atlas
	start   chan start // has it when the order has come

	mu  sync.Mutex // held by one word at a time
	out io.Writer
}

// demoRegion runs one region of a demo as this process.
func (a *app) demoRegion(ctx context.Context, f *demoFlags) error {
	w, err := worldOf(f.regions)
	if err != nil {
		return err
	}
	c := &demoChild{world: w, network: w.network(), start: make(chan start, 1), out: a.out}
	c.atlas.init()
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	s, err := c.service(ctx, a, f)
	if err != nil {
		return err
	}
	defer s.unlisten()
	c.say(word{Site: &site{s.self.Addr, "http://" + s.self.HTTP, os.Getpid()}})
	go func() {
		c.obey(json.NewDecoder(a.in))
		stop()
	}()
	select {
	case b := <-c.start:
		s.begins(b)
	case <-ctx.Done():
		return nil
	}
	return s.run(ctx, func(context.Context, *member) error { c.say(word{Up: true}); return nil })
}

// service opens what does not touch the data.
func (c *demoChild) service(ctx context.Context, a *app, f *demoFlags) (*service, error) {
	i := c.world.index(gazetteer.RegionID(f.region))
	if i < 0 {
		return nil, usage("--region: the demo has no region %q; there are %s", f.region, listed(c.world.names()))
	}
	s := &service{parts: demoParts(c.world, i, f.costs == "given")}
	s.log = a.demoLogger(f.verbose)
	through := c.network.Dialer(s.region, c.atlas.region, nil)
	s.dial = func(ctx context.Context, addr string) (net.Conn, error) {
		if err := c.atlas.await(ctx, addr); err != nil {
			return nil, err
		}
		return through(ctx, addr)
	}
	var err error
	if s.locator, err = f.locator.openForDemo(); err != nil {
		return nil, err
	}
	ask := func(r gazetteer.RegionID, cut bool) { c.say(word{Turn: &turned{r, cut}}) }
	if err := s.openDemo(ctx, f, c.world, &door{c.world.names(), ask}); err != nil {
		s.unlisten()
		return nil, err
	}
	return s, nil
}

// obey follows orders until they end.
func (c *demoChild) obey(orders *json.Decoder) {
	for {
		var o order
		if orders.Decode(&o) != nil {
			return
		}
		c.atlas.add(o.At)
		if o.Turn != nil {
			turn(c.network, c.world, o.Turn.Region, o.Turn.Cut)
		}
		if o.Start != nil {
			c.start <- *o.Start
		}
	}
}

// say tells the process that has started this one; if that is gone, the orders end soon.
func (c *demoChild) say(w word) {
	c.mu.Lock()
	defer c.mu.Unlock()
	_ = json.NewEncoder(c.out).Encode(w)
}

// atlas knows whose peer ports the addresses of this machine are.
type atlas struct {
	mu   sync.Mutex // guards all below
	at   map[string]gazetteer.RegionID
	news chan struct{} // closed when more is known
}

func (a *atlas) init() { a.at, a.news = map[string]gazetteer.RegionID{}, make(chan struct{}) }

func (a *atlas) add(at map[string]gazetteer.RegionID) {
	a.mu.Lock()
	defer a.mu.Unlock()
	for addr, r := range at {
		a.at[addr] = r
	}
	close(a.news)
	a.news = make(chan struct{})
}

func (a *atlas) region(addr string) gazetteer.RegionID {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.at[addr]
}

// await returns when an address is known: other regions may hear of it earlier.
func (a *atlas) await(ctx context.Context, addr string) error {
	for {
		a.mu.Lock()
		_, known := a.at[addr]
		news := a.news
		a.mu.Unlock()
		if known {
			return nil
		}
		select {
		case <-news:
		case <-ctx.Done():
			return &gazetteer.Error{Op: "gazetteer.demo", Kind: gazetteer.Deadline, Detail: "the demo has no region at " + addr, Err: context.Cause(ctx)}
		}
	}
}
