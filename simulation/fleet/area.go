package fleet

import (
	"fmt"
	"strings"
	"time"

	"gazetteer"
	"gazetteer/simulation/result"
	"gazetteer/simulation/scenario"
)

// area is one region, as far as it is the fleet's.
type area struct {
	fleet *Fleet
	name  gazetteer.RegionID
	down  bool

	regional *balancer
	clusters map[gazetteer.Type]*balancer
	rings    map[gazetteer.NodeID]*balancer // by replica

	balancers []*balancer // all, in order
	servers   []*crew     // regional, cluster
	replicas  []*station

	crowds  []*crowd
	clients meters
	view    *view // of the planet, by clients near this region
}

func (a *area) placeOf(node string) Place {
	return Place{a.name, gazetteer.NodeID(node)}
}

// crew is the servers of one tier, of which a group may change the number.
type crew struct {
	area     *area
	tier     string
	noun     string // of node names
	model    scenario.Tier
	stations []*station
	named    int // numbers given out
	front    []*balancer
	group    *group
}

func (f *Fleet) newArea(r *scenario.Region) *area {
	a := &area{fleet: f, name: r.Name, clusters: map[gazetteer.Type]*balancer{}, rings: map[gazetteer.NodeID]*balancer{}}
	t := f.scenario.Tiers
	a.regional = a.addBalancer(result.TierRegional, a.named("regional"), t.Regional.Balancer)
	var clusters []*balancer
	for _, kind := range f.scenario.Types {
		name := a.named("cluster")
		if len(f.scenario.Types) > 1 {
			name += "/" + string(kind.Name)
		}
		b := a.addBalancer(result.TierCluster, name, t.Cluster.Balancer)
		a.clusters[kind.Name] = b
		clusters = append(clusters, b)
	}
	a.addCrew(result.TierRegional, "server", t.Regional, r.Servers, a.regional)
	a.addCrew(result.TierCluster, "cluster", t.Cluster, r.ClusterServers, clusters...)
	for _, g := range r.Rings {
		a.addRing(g, t.Replica)
	}
	return a
}

func (a *area) named(part string) string { return string(a.name) + "/" + part }

func (a *area) addBalancer(tier, name string, of *scenario.Balancer) *balancer {
	b := a.fleet.newBalancer(a, tier, name, of)
	a.balancers = append(a.balancers, b)
	return b
}

func (a *area) addCrew(tier, noun string, model scenario.Tier, servers int, front ...*balancer) {
	c := &crew{area: a, tier: tier, noun: noun, model: model, front: front}
	for range max(1, servers) {
		c.add(true)
	}
	if model.Group != nil {
		c.group = newGroup(c, *model.Group)
	}
	a.servers = append(a.servers, c)
}

// add puts a new server in front; at the beginning of a run it is in service at once.
func (c *crew) add(in bool) *station {
	c.named++
	s := c.area.newStation(fmt.Sprintf("%s-%d", c.area.named(c.noun), c.named), c.model)
	c.stations = append(c.stations, s)
	for _, b := range c.front {
		b.register(&backend{station: s, in: in})
	}
	return s
}

// remove takes a server out; what it has in hand it finishes, if it can.
func (c *crew) remove(s *station) {
	for i, k := range c.stations {
		if k == s {
			c.stations = append(c.stations[:i:i], c.stations[i+1:]...)
			break
		}
	}
	for _, b := range c.front {
		b.deregister(s)
	}
}

func (a *area) newStation(name string, model scenario.Tier) *station {
	now := a.fleet.agenda.Now()
	return &station{agenda: a.fleet.agenda, place: a.placeOf(name), cores: max(1, model.Cores), service: model.Service, born: now, since: now}
}

// addRing puts one balancer in front of the replicas of a ring.
func (a *area) addRing(g scenario.Ring, model scenario.Tier) {
	b := a.addBalancer(result.TierReplica, a.named("replica")+"/"+g.Name, model.Balancer)
	for n := range g.Replicas {
		s := a.newStation(fmt.Sprintf("%s-%d", a.named(g.Name), n+1), model)
		a.replicas = append(a.replicas, s)
		a.rings[s.place.Node] = b
		b.register(&backend{station: s, planet: a.fleet.planet, in: true})
	}
}

// ringOf returns what stands in front of the ring that owns a key here; nil if none does.
func (a *area) ringOf(k gazetteer.Key) *balancer {
	a.fleet.owners = a.fleet.planet.Owners(a.fleet.owners[:0], a.name, k)
	if len(a.fleet.owners) == 0 {
		return nil
	}
	return a.rings[a.fleet.owners[0]]
}

// stations calls do for each of the fleet's own servers.
func (a *area) eachStation(do func(*station)) {
	for _, c := range a.servers {
		for _, s := range c.stations {
			do(s)
		}
	}
}

// station returns one of the fleet's own servers, nil if there is none of that name.
func (a *area) station(node string) (found *station) {
	a.eachStation(func(s *station) {
		if string(s.place.Node) == node {
			found = s
		}
	})
	return found
}

// areaOf returns the region that a node's name begins with.
func (f *Fleet) areaOf(node string) *area {
	name, _, _ := strings.Cut(node, "/")
	return f.byName[gazetteer.RegionID(name)]
}

// orElse returns a default for what a scenario leaves out.
func orElse[T int | time.Duration](v, otherwise T) T {
	if v == 0 {
		return otherwise
	}
	return v
}
