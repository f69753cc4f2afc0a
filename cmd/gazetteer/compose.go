package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/netip"
	"path/filepath"
	"slices"
	"sync/atomic"
	"time"

	"gazetteer"
	"gazetteer/api/peer"
	"gazetteer/region"
	"gazetteer/region/agent"
	"gazetteer/region/control"
	"gazetteer/region/demand"
	"gazetteer/region/geo"
	"gazetteer/region/health"
	"gazetteer/region/planet"
	"gazetteer/ring"
	"gazetteer/ring/badgerstore"
	"gazetteer/ring/memstore"
)

// parts says what one process is made of.
type parts struct {
	region     gazetteer.RegionID // "" for a process that joins one
	partitions uint32             // 0 likewise
	self       control.Node       // with the addresses at which others reach it
	plan       *control.Plan      // from a file; nil: the region agrees on its plan
	join       []string           // members of the region to join; none: found it, or go on
	contacts   []string           // regional servers of the planet to join; none: found it, or go on
	token      string             // for the one or the other
	place      *planet.Place
	data       string       // where everything lies; "": in memory
	peers      net.Listener // nil: the process is alone
	dial       func(ctx context.Context, addr string) (net.Conn, error)
	costs      func(gazetteer.RegionID) (time.Duration, bool)
	locator    *geo.Locator
	allow      []netip.Prefix // that locations are checked in although they are not public
	log        *slog.Logger
}

// member is one running process of a region, without its faces.
type member struct {
	parts
	transport *peer.Transport // nil if it is alone
	group     *control.Group  // nil if its plan is a file's
	store     storage         // nil if it holds no data
	node      *agent.Node
	planet    *planet.Planet     // nil if its plan is a file's
	watch     *demand.Watch      // nil if its plan is a file's, or it is no regional server
	up        atomic.Bool        // all above are there
	failed    chan error         // what makes the process end
	stop      context.CancelFunc // ends follow
	followed  chan struct{}      // closed when follow has ended
}

// storage is a store that is closed.
type storage interface {
	ring.Store
	Close() error
}

// compose opens the store, makes the process's servers and joins them to its peers. It
// returns when the process is a member of its region.
func compose(ctx context.Context, p parts) (*member, error) {
	m := &member{parts: p, failed: make(chan error, 3)}
	for _, step := range []func(context.Context) error{m.openTransport, m.openGroup, m.openStore, m.openNode, m.openPlanet} {
		if err := step(ctx); err != nil {
			return nil, errors.Join(err, m.close())
		}
	}
	m.up.Store(true)
	return m, nil
}

// fail makes the process end. Only the first reason counts.
func (m *member) fail(err error) {
	select {
	case m.failed <- err:
	default:
	}
}

// agreed returns the plan that the process begins with.
func (m *member) agreed() *control.Plan {
	if m.plan != nil {
		return m.plan
	}
	return m.group.View().Plan()
}

// openTransport begins to answer others: a region is joined over the same port.
func (m *member) openTransport(context.Context) (err error) {
	if m.peers == nil {
		return nil
	}
	m.transport, err = peer.New(peer.Config{
		Node: m.self.Name, Region: m.region, Partitions: m.partitions, Resolve: m.resolve, Dial: m.dial,
		Refused: func(addr string, err error) {
			m.log.Warn("a connection between servers was refused", "address", addr, "reason", err)
		},
	})
	if err != nil {
		return err
	}
	m.offerServices()
	go func() {
		if err := m.transport.Serve(m.peers); err != nil {
			m.fail(err)
		}
	}()
	return nil
}

// resolve returns where a node is reached: of this region by its plan, of others by the
// directory.
func (m *member) resolve(n gazetteer.NodeID) string {
	if m.plan != nil {
		return addressIn(m.plan, n)
	}
	if !m.up.Load() {
		return ""
	}
	if addr := addressIn(m.agreed(), n); addr != "" {
		return addr
	}
	return m.planet.Resolve(n)
}

func addressIn(p *control.Plan, n gazetteer.NodeID) string {
	node, err := p.Node(n)
	if err != nil {
		return ""
	}
	return node.Addr
}

func (m *member) openGroup(ctx context.Context) (err error) {
	if m.plan != nil {
		return nil
	}
	c := control.Config{Node: m.self, Join: m.join, Token: m.token, Logger: warnings(m.log)}
	if m.data != "" {
		c.Dir = filepath.Join(m.data, "plan")
	}
	if len(m.join) == 0 {
		d := control.SingleDescription(m.region, m.self.Name)
		d.Partitions, d.Nodes = m.partitions, []control.Node{m.self}
		c.Found = &d
	}
	if m.transport != nil {
		c.Streams, c.Caller = m.transport.Streams(), m.transport.Control()
	}
	if m.group, err = control.Start(ctx, c); err != nil || m.transport == nil {
		return err
	}
	return m.transport.Settle(m.group.Region(), m.agreed().Partitions())
}

func (m *member) openStore(context.Context) error {
	if !slices.Contains(m.agreed().Roles(m.self.Name), region.RoleReplica) {
		return nil
	}
	if m.data == "" {
		m.store = memory{memstore.New()}
		return nil
	}
	c := badgerstore.Config{Dir: m.data, Node: m.self.Name, Partitions: m.agreed().Partitions(), Damaged: m.fail}
	if isOnlyCopy(m.agreed(), m.self.Name) {
		c.OnDamage = badgerstore.Refuse
	}
	s, err := badgerstore.Open(c)
	if err != nil {
		return err
	}
	m.store = s
	if r := s.Recovered(); r.Damage != "" {
		m.log.Error("the store could not be believed; the ring fills a new one", "reason", r.Damage, "old", r.Aside)
	} else if !r.Fresh && !r.Clean {
		m.log.Warn("the last process did not close the store", "verified", r.Verified)
	}
	return nil
}

// memory is a store that ends with its process.
type memory struct{ *memstore.Store }

func (memory) Close() error { return nil }

// isOnlyCopy reports whether a node is alone in one of its rings: what it holds there
// could be filled from nowhere.
func isOnlyCopy(p *control.Plan, node gazetteer.NodeID) bool {
	const unnamed = gazetteer.Type("") // has the rings of all types that the plan does not name
	for _, r := range append(p.RingsOf(node), p.Rings(unnamed)...) {
		if len(r.Members) == 1 && r.Members[0] == node {
			return true
		}
	}
	return false
}

// keepTombstones is for how long a watcher, or a replica, may be away and still get a
// difference where something was deleted.
const keepTombstones = 15 * time.Minute

func (m *member) openNode(context.Context) (err error) {
	c := agent.Config{Plan: m.agreed(), Node: m.self.Name, Store: m.store, Locator: m.locator, Probe: health.NewProber(health.ProberConfig{Allow: m.allow}).Probe, KeepTombstones: keepTombstones}
	if m.transport != nil {
		c.Links, c.Transport = m.transport, m.transport
	}
	if m.group != nil {
		c.Group, c.Alive, c.Elsewhere = m.group, m.group.ReportAlive, elsewhere{m}
	}
	if m.node, err = agent.Start(context.Background(), c); err != nil {
		return err
	}
	go func() { m.fail(m.node.Wait()) }()
	m.offerTiers()
	return nil
}

// candidates is to how many of its nearest regions each one offers edges: the tree of a
// real planet needs no others, and a run over them takes a quarter of the time.
const candidates = 5

// openPlanet begins to follow the region's plan and the other regions.
func (m *member) openPlanet(context.Context) error {
	if m.group == nil {
		m.node.SetPlanet(agent.Alone())
		return nil
	}
	ctx, stop := context.WithCancel(context.Background())
	m.stop, m.followed = stop, make(chan struct{})
	go m.follow(ctx)
	c := planet.Config{
		Node: m.self.Name, Place: m.place, Group: m.group, Hosted: m.node.Hosted, Beyond: m.beyond, Lag: m.node.Lag,
		Contacts: m.contacts, Token: m.token, Costs: m.costs, Candidates: candidates, Logger: m.log, Network: alone{},
	}
	if s, ok := m.node.Regional().(*region.Server); ok && s != nil {
		c.Server = s
	}
	if m.transport != nil {
		c.Network = m.transport
	}
	m.planet = planet.Start(ctx, c)
	if c.Server != nil {
		m.watch = demand.Start(ctx, demand.Config{
			Node: m.self.Name, Group: m.group, Server: m.node.Regional().(*region.Server), Call: c.Network.CallNode, Logger: m.log,
		})
	}
	return nil
}

// closeWithin is how long the store may take to close. A disk that fails can keep it for
// ever, and the process has to end.
const closeWithin = time.Minute

// close ends first what asks, then what is asked.
func (m *member) close() error {
	var errs []error
	if m.watch != nil {
		m.watch.Close()
	}
	if m.planet != nil {
		m.planet.Close()
	}
	if m.stop != nil {
		m.stop()
		<-m.followed
	}
	if m.group != nil {
		errs = append(errs, m.group.Close())
	}
	if m.transport != nil {
		errs = append(errs, m.transport.Close())
	}
	if m.node != nil {
		errs = append(errs, m.node.Close())
	}
	if m.store != nil {
		errs = append(errs, m.closeStore())
	}
	return errors.Join(errs...)
}

func (m *member) closeStore() error {
	closed := make(chan error, 1)
	go func() { closed <- m.store.Close() }()
	select {
	case err := <-closed:
		return err
	case <-time.After(closeWithin):
		return &gazetteer.Error{Op: "gazetteer.close", Kind: gazetteer.Internal,
			Detail: fmt.Sprintf("the store did not close in %v; look at its disk. The next start finds out what it holds", closeWithin)}
	}
}
