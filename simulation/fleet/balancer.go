package fleet

import (
	"time"

	"gazetteer/simulation/scenario"
)

// balancer stands in front of the servers of a tier as a classic elastic load balancer
// did: it picks one that is in service, and its health checks put servers in and out.
//
// One that is direct stands for callers who know the servers themselves, as the servers
// of the product do: it is nowhere on the way, what refuses is left out at once until it
// passes a check, and the caller asks the next.
type balancer struct {
	fleet  *Fleet
	area   *area
	tier   string
	name   string
	place  Place
	direct bool
	down   bool

	choice    scenario.Choice
	interval  time.Duration
	timeout   time.Duration
	healthy   int
	unhealthy int

	backends []*backend
	turn     int

	meters
}

// backend is a server as a balancer sees it.
type backend struct {
	*station
	planet      Planet // of a replica: it says how that is
	in          bool   // in service
	row         int    // checks in a row that spoke against it being as it is
	outstanding int
	removed     bool
}

// How callers that know the servers themselves check them.
const (
	directInterval = time.Second
	directTimeout  = time.Second
)

// What an elastic load balancer does unless told otherwise (ELB API 2012-06-01).
const (
	defaultInterval  = 30 * time.Second
	defaultTimeout   = 5 * time.Second
	defaultHealthy   = 10
	defaultUnhealthy = 2
)

func (f *Fleet) newBalancer(a *area, tier, name string, of *scenario.Balancer) *balancer {
	b := &balancer{fleet: f, area: a, tier: tier, name: name, place: a.placeOf(name)}
	if of == nil {
		b.direct, b.choice = true, scenario.RoundRobin
		b.interval, b.timeout, b.healthy, b.unhealthy = directInterval, directTimeout, 1, 1
		return b
	}
	b.choice = of.Choice
	b.interval, b.timeout = orElse(of.Interval, defaultInterval), orElse(of.Timeout, defaultTimeout)
	b.healthy, b.unhealthy = orElse(of.Healthy, defaultHealthy), orElse(of.Unhealthy, defaultUnhealthy)
	return b
}

// pick returns a server that is in service, nil if none is. Of equals the next in turn is
// taken, whatever the choice.
func (b *balancer) pick() *backend {
	var best *backend
	at := b.turn
	for i := range b.backends {
		n := (b.turn + i) % len(b.backends)
		k := b.backends[n]
		if !k.in || best != nil && k.outstanding >= best.outstanding {
			continue
		}
		best, at = k, n
		if b.choice != scenario.LeastOutstanding {
			break
		}
	}
	b.turn = at + 1
	return best
}

// inService is how many servers are.
func (b *balancer) inService() (n int) {
	for _, k := range b.backends {
		if k.in {
			n++
		}
	}
	return n
}

// register adds a server; one that is new has to pass its checks first.
func (b *balancer) register(k *backend) { b.backends = append(b.backends, k) }

// deregister takes a server out for good.
func (b *balancer) deregister(s *station) {
	for i, k := range b.backends {
		if k.station == s {
			k.removed, k.in = true, false
			b.backends = append(b.backends[:i:i], b.backends[i+1:]...)
			return
		}
	}
}

// refused notes that a server refused a request. Only callers that know it themselves
// draw a conclusion: an elastic load balancer believes its checks.
func (b *balancer) refused(k *backend) {
	b.period.refused++
	b.total.refused++
	if b.direct && k.in {
		b.put(k, false, "it refused a request")
	}
}

// put sets a server in or out of service.
func (b *balancer) put(k *backend, in bool, why string) {
	k.in, k.row = in, 0
	kind := "out_of_service"
	if in {
		kind = "in_service"
	}
	b.fleet.happened(kind, b.area, k.place.Node, b.name+": "+why)
}
