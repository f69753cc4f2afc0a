package region

import (
	"cmp"
	"context"
	"net/netip"
	"sync"
	"sync/atomic"
	"time"

	"gazetteer"
	"gazetteer/region/geo"
	"gazetteer/region/watch"
)

// clusterPatience is how long a regional server waits for a cluster server of another
// process, which itself may have to ask two replicas, before it asks a second one.
const clusterPatience = 2*replicaPatience + 100*time.Millisecond

// Config says what a regional server is made of.
type Config struct {
	Plan      Plan
	Node      gazetteer.NodeID
	Cluster   Tier      // of this process; nil if it is no cluster server
	Transport Transport // to cluster servers of other processes; nil if there are none
	Locator   *geo.Locator
	// Elsewhere knows the regional servers of other regions; nil if there is none.
	Elsewhere Elsewhere
	// Mirrors tells of the replicas of this process; nil if it has none.
	Mirrors Reporter
}

// Server is a regional server: it knows the types, routes to the cluster of a request's
// type, places the client and ranks. It holds no data; the servers below it do.
type Server struct {
	region     gazetteer.RegionID
	partitions uint32
	node       gazetteer.NodeID
	locator    *geo.Locator
	clusters   *directory
	types      types
	groups     groups
	mirrors    Reporter
	elsewhere  Elsewhere // nil: there is no other region
	own        ownReader // nil: there is no replica in this process
	lone       []Site    // this region, where nobody knows of a planet
	learning   learning
	count      counters
	demand     demands
	watches    *watch.Hub
}

var _ Regional = (*Server)(nil)

// NewServer returns the regional server of a node. [Server.Run] keeps its view of the
// types fresh.
func NewServer(c Config) *Server {
	s := &Server{
		region: c.Plan.Region(), partitions: c.Plan.Partitions(),
		node: c.Node, locator: c.Locator, mirrors: c.Mirrors, elsewhere: c.Elsewhere,
		clusters: newDirectory(RoleCluster, c.Node, c.Cluster, c.Transport),
	}
	if s.locator == nil {
		s.locator = new(geo.Locator)
	}
	s.own, _ = c.Cluster.(ownReader)
	s.lone = []Site{{Name: s.region, Self: true, State: SiteLive}}
	s.types.init(s)
	s.groups.init(s, c.Plan)
	s.watches = watch.NewHub(s.stream, s.partitions)
	return s
}

// Run reads the known types again and again, and learns from what clients have measured,
// until ctx ends.
func (s *Server) Run(ctx context.Context) {
	defer s.watches.Close()
	var learner sync.WaitGroup
	learner.Go(func() { s.learning.run(ctx) })
	s.types.refresh(ctx)
	learner.Wait()
}

// Replan makes the server route by a newer plan; an older one is ignored.
func (s *Server) Replan(p Plan) { s.groups.replan(p) }

// Name returns the region and the node of this server.
func (s *Server) Name() (gazetteer.RegionID, gazetteer.NodeID) { return s.region, s.node }

// Resolve fills a with the locations of a resource, best first for the client. It keeps
// a's memory from call to call: once that has grown nothing is allocated, except for
// explain and errors.
func (s *Server) Resolve(ctx context.Context, q *Query, a *Answer) error {
	s.count.lookups.Add(1)
	if q.Explain {
		return s.explain(ctx, q, a)
	}
	return s.resolve(ctx, q, a)
}

func (s *Server) explain(ctx context.Context, q *Query, a *Answer) error {
	start := time.Now()
	err := s.resolve(WithHops(ctx), q, a)
	a.Hops = append([]Hop{{Role: "regional server", Name: string(s.node), Took: time.Since(start)}}, a.Hops...)
	return err
}

func (s *Server) resolve(ctx context.Context, q *Query, a *Answer) error {
	a.buf = a.buf[:0]
	spec, err := s.user(ctx, q.Key.Type)
	if err != nil {
		return s.count.fail(err)
	}
	if err := q.Key.ID.Validate(); err != nil {
		return s.count.fail(err)
	}
	a.Key, a.partitions = q.Key, s.partitions
	s.demand.of(q.Key.Type).reads.Add(1)
	info, err := s.fetch(ctx, q, spec, a)
	if err != nil {
		return s.count.fail(err)
	}
	a.Region, a.TTL = cmp.Or(info.Region, s.region), spec.TTL
	a.Node, a.Staleness, a.Degraded, a.Hops = info.Node, info.Staleness, info.Degraded, info.Hops
	s.judge(a, spec)
	s.rank(q, spec, a)
	return nil
}

// fetch reads the record into the answer's memory.
func (s *Server) fetch(ctx context.Context, q *Query, spec *TypeSpec, a *Answer) (ReadInfo, error) {
	k := q.Key
	buf, info, err := s.readIn(ctx, a.buf[:0], q, spec)
	if a.buf = buf; err != nil {
		return info, err
	}
	a.facts = a.facts[:0]
	a.locations, a.Version, err = decodeLocations(buf, a.locations[:0], &a.facts)
	if err != nil {
		return info, damaged(k, err)
	}
	if a.Version == 0 {
		return info, unknownResource(k)
	}
	return info, nil
}

// rank places the client and orders the locations for him.
func (s *Server) rank(q *Query, spec *TypeSpec, a *Answer) {
	a.Client = s.placeOf(&q.Client)
	o := geo.Options{
		Limit: limitOf(q.Limit), Filter: q.Filter, Prefer: q.Prefer, Avoid: q.Avoid, Explain: q.Explain,
		Policy: spec.Policy, States: a.states, Country: s.addressCountry(q, spec, a.Client.Method),
	}
	if a.PolicyIgnored = ""; q.Explain {
		a.PolicyIgnored = spec.Policy.Ignored()
	}
	a.Candidates, a.Excluded = a.ranker.Rank(a.Candidates[:0], a.Client, Address(&q.Client), a.locations, &o)
}

func limitOf(asked int) int {
	if asked <= 0 {
		return DefaultLimit
	}
	return min(asked, MaxLimit)
}

// Address returns the address that settles equal scores and whose measurements count:
// who is asked for comes before who asks.
func Address(c *geo.Client) netip.Addr {
	if c.IP.IsValid() {
		return c.IP
	}
	return c.Addr
}

// Get returns a record whole.
func (s *Server) Get(ctx context.Context, k gazetteer.Key) (gazetteer.Record, error) {
	f, err := s.Fetch(ctx, Want{Key: k})
	return f.Record, err
}

// GetFrom is Get, answered by the region of this name.
func (s *Server) GetFrom(ctx context.Context, k gazetteer.Key, from gazetteer.RegionID) (gazetteer.Record, gazetteer.RegionID, error) {
	f, err := s.Fetch(ctx, Want{Key: k, Region: from})
	return f.Record, f.Region, err
}

// get reads a record of any type, also of an internal one.
func (s *Server) get(ctx context.Context, k gazetteer.Key) (gazetteer.Record, error) {
	buf, _, err := s.read(ctx, nil, k)
	if err != nil {
		return gazetteer.Record{}, atEdge(err)
	}
	return existing(k, buf)
}

// existing decodes a record that has to be one.
func existing(k gazetteer.Key, buf []byte) (gazetteer.Record, error) {
	r, err := decodeRecord(k, buf)
	if err == nil && r.Version == 0 {
		err = unknownResource(k)
	}
	return r, err
}

func unknownResource(k gazetteer.Key) error {
	return &gazetteer.Error{Op: "region.Read", Kind: gazetteer.NotFound, Key: k, Detail: "no such resource"}
}

// atEdge turns what concerns servers only into what a client can make use of.
func atEdge(err error) error {
	switch gazetteer.KindOf(err) {
	case gazetteer.Unserved, gazetteer.WrongOwner:
		return &gazetteer.Error{Op: "region.Route", Kind: gazetteer.Unavailable, Err: err,
			Detail: "no server of this region can answer now; try again shortly"}
	}
	return err
}

// counters count what a regional server did.
type counters struct {
	lookups, gets, lists, writes, missing, failures atomic.Uint64
	carried                                         atomic.Uint64 // to other regions, and done there
}

// fail counts an error and returns it.
func (c *counters) fail(err error) error {
	switch {
	case err == nil:
	case gazetteer.KindOf(err) == gazetteer.NotFound:
		c.missing.Add(1)
	default:
		c.failures.Add(1)
	}
	return err
}
