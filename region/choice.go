package region

import (
	"context"
	"sync"
	"sync/atomic"
	"time"

	"gazetteer"
	"gazetteer/ring"
)

// A server that failed is passed over for a while, twice as long after each further
// failure. Then one request, and no more, tries it again: a dead server costs one
// caller one retry each time.
const (
	restMin = 100 * time.Millisecond
	restMax = 3 * time.Second
)

// rest says whether something that has failed is to be left alone.
type rest struct {
	until    atomic.Int64 // nanoseconds since the directory's start; 0 while all is well
	failures atomic.Int32
}

// ready reports whether it may be tried now. When its time is over only one caller is
// told so, until that has found out.
func (r *rest) ready(c *clock) bool {
	until := r.until.Load()
	if until == 0 {
		return true
	}
	now := c.now()
	return now >= until && r.until.CompareAndSwap(until, now+int64(r.length()))
}

// none reports whether it has worked the last time.
func (r *rest) none() bool { return r.until.Load() == 0 }

func (r *rest) length() time.Duration {
	return min(restMin<<min(r.failures.Load(), 10), restMax)
}

func (r *rest) failed(c *clock) {
	r.until.Store(c.now() + int64(r.length()))
	r.failures.Add(1)
}

func (r *rest) worked() {
	if r.until.Load() != 0 {
		r.failures.Store(0)
		r.until.Store(0)
	}
}

// clock is monotonic.
type clock struct{ start time.Time }

func (c *clock) now() int64 { return int64(time.Since(c.start)) }

// directory holds one server for each node of a role, so that what is learnt about a
// node in one ring is known in all.
type directory struct {
	clock
	role      Role
	self      gazetteer.NodeID
	local     Tier // this process's own server of the role, if it has one
	transport Transport
	dead      func(gazetteer.NodeID) bool
	retries   atomic.Uint64

	mu      sync.Mutex // guards following
	servers map[gazetteer.NodeID]*server
	plan    Plan // that says who is dead; nil if nobody follows it
}

func newDirectory(role Role, self gazetteer.NodeID, local Tier, t Transport) *directory {
	return &directory{
		clock: clock{time.Now()}, role: role, self: self, local: local, transport: t,
		dead:    func(gazetteer.NodeID) bool { return false },
		servers: map[gazetteer.NodeID]*server{},
	}
}

// server is one server of a role.
type server struct {
	node  gazetteer.NodeID
	tier  Tier
	local bool // in this process: a call is a function call
	rest  rest
	gone  atomic.Bool // the plan calls it dead
}

func (d *directory) server(n gazetteer.NodeID) *server {
	d.mu.Lock()
	defer d.mu.Unlock()
	if s := d.servers[n]; s != nil {
		return s
	}
	s := &server{node: n, tier: unreachable{n}}
	if d.plan != nil {
		s.gone.Store(d.plan.Dead(n))
	}
	switch {
	case n == d.self && d.local != nil:
		s.tier, s.local = d.local, true
	case n != d.self && d.transport != nil:
		s.tier = d.transport.Tier(n, d.role)
	}
	d.servers[n] = s
	return s
}

// mark notes whom a plan calls dead.
func (d *directory) mark(p Plan) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.plan = p
	for n, s := range d.servers {
		s.gone.Store(p.Dead(n))
	}
}

// group is a set of servers that may answer the same questions: the cluster servers of a
// type, or the members of a ring.
type group struct {
	*directory
	name    string
	members []*member
	turn    atomic.Uint32
	patient time.Duration // how long one attempt at a server of another process may take
}

// member is a server within one group. Its gap is about this group only: a replica may
// serve one ring and not yet another.
type member struct {
	*server
	gap rest
}

func (d *directory) group(name string, nodes []gazetteer.NodeID, patient time.Duration) *group {
	g := &group{directory: d, name: name, patient: patient}
	for _, n := range nodes {
		g.members = append(g.members, &member{server: d.server(n)})
	}
	return g
}

// inTurn picks the next member round robin.
func (g *group) inTurn() *member { return g.from(g.turn.Add(1), nil) }

// from picks the first member from a place on that is likely to answer. If none is, it
// takes the first one there is; nil if there is none besides not.
func (g *group) from(place uint32, not *member) *member {
	var fallback *member
	for i := range g.members {
		m := g.members[(int(place)+i)%len(g.members)]
		if m == not {
			continue
		}
		if g.likely(m) {
			return m
		}
		if fallback == nil {
			fallback = m
		}
	}
	return fallback
}

func (g *group) likely(m *member) bool {
	return !m.gone.Load() && m.gap.ready(&g.clock) && m.rest.ready(&g.clock) && !g.dead(m.node)
}

// well picks the first member from a place on that nothing is known against, nil if there is
// none: a request that has tried one in vain does not try out another.
func (g *group) well(place uint32, not *member) *member {
	for i := range g.members {
		m := g.members[(int(place)+i)%len(g.members)]
		if m != not && m.rest.none() && m.gap.none() && !m.gone.Load() && !g.dead(m.node) {
			return m
		}
	}
	return nil
}

// failed remembers that a member did. One that lacks what a session has been shown is well
// for all others.
func (g *group) failed(m *member, err error) {
	switch gazetteer.KindOf(err) {
	case gazetteer.Behind:
	case gazetteer.Unserved, gazetteer.WrongOwner, gazetteer.Internal:
		m.gap.failed(&g.clock)
	default:
		m.rest.failed(&g.clock)
	}
}

func (m *member) worked() {
	m.rest.worked()
	m.gap.worked()
}

// elsewhere reports whether another server may do better at a question that changes
// nothing. A fault of one replica, such as a record whose checksum is wrong, is its own.
func elsewhere(err error) bool {
	switch gazetteer.KindOf(err) {
	case gazetteer.Unavailable, gazetteer.WrongOwner, gazetteer.Unserved, gazetteer.Deadline, gazetteer.Internal, gazetteer.Behind:
		return true
	}
	return false
}

// unanswered is the error of a group in which nobody could answer.
func (g *group) unanswered(op string, k gazetteer.Key, err error) error {
	if gazetteer.KindOf(err) == gazetteer.Behind {
		return err
	}
	e := &gazetteer.Error{Op: op, Kind: gazetteer.Unserved, Key: k, Err: err, Detail: "no server of " + g.name + " answers"}
	if gazetteer.KindOf(err) == gazetteer.Deadline {
		e.Kind = gazetteer.Deadline
	}
	return e
}

// unreachable is the tier of a node that this process has no way to.
type unreachable struct{ node gazetteer.NodeID }

func (u unreachable) err() error {
	return &gazetteer.Error{Op: "region.Tier", Kind: gazetteer.Unavailable, Detail: "no way to node " + string(u.node)}
}

func (u unreachable) Read(_ context.Context, dst []byte, _ gazetteer.Key) ([]byte, ReadInfo, error) {
	return dst, ReadInfo{}, u.err()
}

func (u unreachable) Write(_ context.Context, _ gazetteer.Type, ws []ring.Write) []ring.Outcome {
	return refuseAll(ws, gazetteer.Unavailable, "no way to node "+string(u.node))
}

func (u unreachable) List(context.Context, ListQuery) (ListPage, error) { return ListPage{}, u.err() }

func (u unreachable) Conflicts(context.Context, gazetteer.Type) ([]ring.Conflict, error) {
	return nil, u.err()
}
