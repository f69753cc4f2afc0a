package agent

import (
	"context"
	"slices"
	"strconv"
	"sync"
	"time"

	"gazetteer"
	"gazetteer/region"
	"gazetteer/region/geo"
	"gazetteer/region/health"
	"gazetteer/ring"
)

// Config says what one process is made of.
type Config struct {
	Plan region.Plan
	Node gazetteer.NodeID // whose roles the plan names
	// Store keeps what the node's replicas hold; nil if it has no replica. It stays
	// the caller's, who closes it after [Node.Close].
	Store ring.Store
	// Links carry ring messages to other replicas; nil if there are no others.
	Links Links
	// Transport reaches the servers of other processes; nil if there are none. A hop
	// to a role of this process never goes through it.
	Transport region.Transport
	// Elsewhere knows the regional servers of other regions; nil if there is none.
	Elsewhere region.Elsewhere
	// Locator places clients; nil for one without a database.
	Locator *geo.Locator
	// Probe makes one check of a location, see [health.Prober.Probe]; nil: nothing is
	// checked from this process.
	Probe func(ctx context.Context, s health.Spec, url string) error
	// KeepTombstones is how long deletions are remembered at least, see [ring.Config].
	KeepTombstones time.Duration
	// Clock is the time for the cores; nil for the machine's.
	Clock Clock
	// Group decides on the plan. The node asks it to let partitions move on; nil: nothing
	// moves.
	Group Group
	// Alive is told whether another node answers: once when its link is first wanted,
	// and when that changes while it is. It is called by the agent's loop and does not
	// block; nil if nobody wants to know.
	Alive func(n gazetteer.NodeID, alive bool)
}

// Node is one running process: the cores it drives and the servers it is.
type Node struct {
	agent    *agent // nil if the node has no replica
	regional *region.Server
	types    *region.Server  // that knows the types: the regional server, or one that nobody asks
	checker  *health.Checker // nil: nothing is checked from here
	tiers    map[region.Role]region.Tier

	stop    context.CancelFunc
	stopped chan struct{} // closed when everything has ended
	err     error         // valid from then on
}

// Start makes the servers of the node's roles and runs its cores until ctx ends, Close
// is called, or the store fails. When it returns, the replicas of rings of one serve;
// others do so when they have heard a ring mate, and say that they do not until then.
func Start(ctx context.Context, c Config) (*Node, error) {
	if err := c.complete(); err != nil {
		return nil, err
	}
	n := &Node{tiers: map[region.Role]region.Tier{}, stopped: make(chan struct{})}
	if err := n.compose(&c); err != nil {
		return nil, err
	}
	ctx, n.stop = context.WithCancel(ctx)
	go n.run(ctx, c.Links)
	if err := n.awaitBegin(); err != nil {
		return nil, err
	}
	return n, nil
}

// awaitBegin waits for the first turn of the loop.
func (n *Node) awaitBegin() error {
	if n.agent == nil {
		return nil
	}
	select {
	case <-n.agent.begun:
		return nil
	case <-n.stopped:
		return n.err
	}
}

// complete checks the configuration and puts null objects where there is nothing.
func (c *Config) complete() error {
	fail := func(detail string) error {
		return &gazetteer.Error{Op: "agent.Start", Kind: gazetteer.Invalid, Detail: detail}
	}
	switch {
	case c.Plan == nil:
		return fail("Plan is missing")
	case len(c.Plan.Roles(c.Node)) == 0:
		return fail("the plan has no node " + strconv.Quote(string(c.Node)))
	case c.Store == nil && c.has(region.RoleReplica):
		return fail("node " + string(c.Node) + " is a replica and needs a Store")
	}
	if c.Links == nil {
		c.Links = noLinks{}
	}
	if c.Clock == nil {
		c.Clock = NewSystemClock()
	}
	if c.Alive == nil {
		c.Alive = func(gazetteer.NodeID, bool) {}
	}
	return nil
}

func (c *Config) has(r region.Role) bool { return slices.Contains(c.Plan.Roles(c.Node), r) }

// compose makes the servers from the replica upwards, each with those of this process
// below it.
func (n *Node) compose(c *Config) error {
	if c.has(region.RoleReplica) {
		a, err := newAgent(c)
		if err != nil {
			return err
		}
		n.agent = a
		n.tiers[region.RoleReplica] = region.NewReplicaServer(c.Plan, c.Node, a)
	}
	if c.has(region.RoleCluster) {
		n.tiers[region.RoleCluster] = region.NewClusterServer(region.ClusterConfig{
			Plan: c.Plan, Node: c.Node, Replica: n.tiers[region.RoleReplica], Transport: c.Transport, Dead: n.dead(),
		})
	}
	if c.has(region.RoleRegion) {
		r := region.Config{Plan: c.Plan, Node: c.Node, Cluster: n.tiers[region.RoleCluster], Transport: c.Transport, Elsewhere: c.Elsewhere, Locator: c.Locator}
		if n.agent != nil {
			r.Mirrors = n.agent
		}
		n.regional = region.NewServer(r)
		n.tiers[region.RoleRegion] = n.regional.Tier()
	}
	n.composeChecks(c)
	return nil
}

// composeChecks makes the checker, and what tells it of the types.
func (n *Node) composeChecks(c *Config) {
	if n.agent == nil || c.Probe == nil {
		return
	}
	n.types = n.regional
	if n.types == nil {
		n.types = region.NewServer(region.Config{Plan: c.Plan, Node: c.Node, Cluster: n.tiers[region.RoleCluster], Transport: c.Transport})
	}
	n.checker = health.NewChecker(checks{n.agent, n.types}, c.Probe)
	n.agent.checker = n.checker
}

// dead is what the agent knows of nodes that do not answer; nil without an agent.
func (n *Node) dead() func(gazetteer.NodeID) bool {
	if n.agent == nil {
		return nil
	}
	return func(node gazetteer.NodeID) bool { return n.agent.view.Load().dead(node) }
}

// run runs what the node consists of until the first part fails or ctx ends.
func (n *Node) run(ctx context.Context, links Links) {
	defer close(n.stopped)
	var all sync.WaitGroup
	defer all.Wait()
	defer n.stop()
	if n.regional != nil {
		all.Go(func() { n.regional.Run(ctx) })
	}
	if n.agent == nil {
		<-ctx.Done()
		return
	}
	if n.types != nil && n.types != n.regional {
		all.Go(func() { n.types.Run(ctx) })
	}
	if n.checker != nil {
		all.Go(func() { n.checker.Run(ctx) })
	}
	if n.agent.group != nil {
		all.Go(func() { n.agent.petition(ctx) })
	}
	links.Start(linkEvents{n.agent})
	n.err = n.agent.run(ctx)
}

// Regional returns the regional server, nil if the node does not have that role.
func (n *Node) Regional() region.Regional {
	if n.regional == nil {
		return nil
	}
	return n.regional
}

// Tiers returns the node's regional server, cluster server and replica, as far as it has
// these roles: what the peer port offers to other processes.
func (n *Node) Tiers() map[region.Role]region.Tier { return n.tiers }

// Wait returns when the node has stopped: nil after Close or the end of its context,
// else the error that stopped it. Then the process has to end: what the store holds is
// found out at its next start.
func (n *Node) Wait() error {
	<-n.stopped
	return n.err
}

// Close stops the node and waits until it has. First stop what asks its servers: a read
// that is still under way uses the store.
func (n *Node) Close() error {
	n.stop()
	return n.Wait()
}

// noLinks are those of a node that has no peers.
type noLinks struct{}

func (noLinks) Start(LinkHandler)                   {}
func (noLinks) Want([]gazetteer.NodeID)             {}
func (noLinks) Send(gazetteer.NodeID, ring.Message) {}
