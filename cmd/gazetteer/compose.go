package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"slices"
	"time"

	"gazetteer"
	"gazetteer/api/peer"
	"gazetteer/region"
	"gazetteer/region/agent"
	"gazetteer/region/control"
	"gazetteer/region/geo"
	"gazetteer/ring/badgerstore"
)

// parts says what one process is made of.
type parts struct {
	plan    *control.Plan
	node    gazetteer.NodeID
	data    string       // where the store lies
	peers   net.Listener // nil: the process is alone
	locator *geo.Locator
	log     *slog.Logger
}

// member is one running process of a region, without its faces.
type member struct {
	store     *badgerstore.Store // nil if it holds no data
	transport *peer.Transport    // nil if it is alone
	node      *agent.Node
	failed    chan error // what makes the process end
}

// compose opens the store, makes the process's servers and joins them to its peers.
func compose(p parts) (*member, error) {
	m := &member{failed: make(chan error, 3)}
	if err := m.open(p); err != nil {
		return nil, errors.Join(err, m.close())
	}
	return m, nil
}

func (m *member) open(p parts) (err error) {
	c := agent.Config{Plan: p.plan, Node: p.node, Locator: p.locator}
	if slices.Contains(p.plan.Roles(p.node), region.RoleReplica) {
		if m.store, err = openStore(p, m.fail); err != nil {
			return err
		}
		c.Store = m.store
	}
	if p.peers != nil {
		if m.transport, err = newTransport(p); err != nil {
			return err
		}
		c.Links, c.Transport = m.transport, m.transport
	}
	if m.node, err = agent.Start(context.Background(), c); err != nil {
		return err
	}
	go func() { m.fail(m.node.Wait()) }()
	if p.peers != nil {
		m.offer(p.peers)
	}
	return nil
}

// fail makes the process end. Only the first reason counts.
func (m *member) fail(err error) {
	select {
	case m.failed <- err:
	default:
	}
}

func openStore(p parts, damaged func(error)) (*badgerstore.Store, error) {
	c := badgerstore.Config{Dir: p.data, Node: p.node, Partitions: p.plan.Partitions(), Damaged: damaged}
	if isOnlyCopy(p.plan, p.node) {
		c.OnDamage = badgerstore.Refuse
	}
	s, err := badgerstore.Open(c)
	if err != nil {
		return nil, err
	}
	if r := s.Recovered(); r.Damage != "" {
		p.log.Error("the store could not be believed; the ring fills a new one", "reason", r.Damage, "old", r.Aside)
	} else if !r.Fresh && !r.Clean {
		p.log.Warn("the last process did not close the store", "verified", r.Verified)
	}
	return s, nil
}

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

func newTransport(p parts) (*peer.Transport, error) {
	return peer.New(peer.Config{
		Node: p.node, Region: p.plan.Region(), Partitions: p.plan.Partitions(),
		Resolve: func(n gazetteer.NodeID) string {
			node, err := p.plan.Node(n)
			if err != nil {
				return ""
			}
			return node.Addr
		},
		Refused: func(addr string, err error) {
			p.log.Warn("a connection between servers was refused", "address", addr, "reason", err)
		},
	})
}

// offer answers other processes.
func (m *member) offer(l net.Listener) {
	for role, tier := range m.node.Tiers() {
		if role == region.RoleReplica {
			m.transport.HandleInline(role, tier)
		} else {
			m.transport.Handle(role, tier)
		}
	}
	go func() {
		if err := m.transport.Serve(l); err != nil {
			m.fail(err)
		}
	}()
}

// closeWithin is how long the store may take to close. A disk that fails can keep it for
// ever, and the process has to end.
const closeWithin = time.Minute

// close ends first what asks, then what is asked.
func (m *member) close() error {
	var errs []error
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
