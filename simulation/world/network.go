package world

import (
	"math/rand/v2"
	"slices"
	"strings"
	"time"

	"gazetteer"
	"gazetteer/ring"
	"gazetteer/simulation/scenario"
)

// resendAfter is TCP's shortest retransmission timeout (Linux).
const resendAfter = 200 * time.Millisecond

// Place is where a message starts or ends.
type Place struct {
	Region gazetteer.RegionID
	Node   gazetteer.NodeID
}

func (p *process) place() Place { return Place{p.region.name, p.id} }
func (v *server) place() Place  { return Place{v.region.name, v.id} }

// network says how long messages are under way, and which ways are blocked.
type network struct {
	world *World
	rules []*rule // faults of ways that are in force, in the order in which they began
	dice  *rand.Rand
}

// rule is a fault of a way.
type rule struct {
	kind     scenario.FaultKind
	from, to string // a region or a node; of a region that is cut off both are its name
	around   bool   // everything that enters or leaves the region from
	oneWay   bool
	amount   float64
	by       time.Duration
}

func newNetwork(w *World) network { return network{world: w, dice: w.dice("network", 0)} }

// is reports whether a place is, or lies in, what a rule names.
func (p Place) is(name string) bool {
	return string(p.Region) == name || string(p.Node) == name
}

func (r *rule) on(a, b Place) bool {
	if r.around {
		return (string(a.Region) == r.from) != (string(b.Region) == r.from)
	}
	return a.is(r.from) && b.is(r.to) || !r.oneWay && a.is(r.to) && b.is(r.from)
}

func (n *network) add(r *rule) {
	n.rules = append(n.rules, r)
	n.changed()
}

func (n *network) remove(r *rule) {
	n.rules = slices.DeleteFunc(n.rules, func(k *rule) bool { return k == r })
	n.changed()
}

// changed lets all look anew at what passes.
func (n *network) changed() { n.world.watchLinks() }

// reaches reports whether a message from a arrives at b.
func (n *network) reaches(a, b Place) bool {
	for _, r := range n.rules {
		if r.kind == scenario.Cut && r.on(a, b) {
			return false
		}
	}
	return true
}

// straight is the delay of a way without jitter and faults.
func (n *network) straight(a, b gazetteer.RegionID) time.Duration {
	s := &n.world.scenario.Network
	if a == b {
		return s.Local / 2
	}
	return s.RTT[scenario.PairOf(a, b)] / 2
}

// delay draws how long a message is under way, one way.
func (n *network) delay(a, b Place, d *rand.Rand) time.Duration {
	t := n.straight(a.Region, b.Region)
	if j := n.world.scenario.Network.Jitter; j > 0 {
		t += time.Duration(float64(t) * j * d.Float64())
	}
	for _, r := range n.rules {
		if r.kind == scenario.Delay && r.on(a, b) {
			t += r.by
		}
	}
	return max(t, 10*time.Microsecond)
}

// lossOf is the share of messages that a way loses.
func (n *network) lossOf(a, b Place) float64 {
	pass := 1 - n.world.scenario.Network.Loss
	for _, r := range n.rules {
		if r.kind == scenario.Lossy && r.on(a, b) {
			pass *= 1 - r.amount
		}
	}
	return 1 - pass
}

// resends draws how much later a message of a stream arrives because segments of it were
// lost: each time TCP waits twice as long.
func (n *network) resends(a, b Place, d *rand.Rand) (later time.Duration) {
	loss := n.lossOf(a, b)
	if loss <= 0 {
		return 0
	}
	wait := max(resendAfter, 2*n.straight(a.Region, b.Region))
	for range 6 {
		if d.Float64() >= loss {
			return later
		}
		n.world.cover.Lost++
		later += wait
		wait *= 2
	}
	return later
}

// copies draws how many times a datagram arrives.
func (n *network) copies(a, b Place, d *rand.Rand) int {
	if loss := n.lossOf(a, b); loss > 0 && d.Float64() < loss {
		n.world.cover.Lost++
		return 0
	}
	for _, r := range n.rules {
		if r.kind == scenario.Duplicate && r.on(a, b) && d.Float64() < r.amount {
			n.world.cover.Doubled++
			return 2
		}
	}
	return 1
}

// writes is how long a link takes to put a message on the wire.
func (n *network) writes(m ring.Message) time.Duration {
	bandwidth := n.world.scenario.Network.Bandwidth
	if bandwidth <= 0 {
		return 0
	}
	return time.Duration(float64(sizeOf(m)) / float64(bandwidth) * float64(time.Second))
}

// sizeOf is about how many bytes a message takes on the wire.
func sizeOf(m ring.Message) int {
	size := 48
	switch m := m.(type) {
	case ring.Elements:
		for i := range m.Updates {
			size += m.Updates[i].Size()
		}
	case ring.Greet:
		size += 16 * len(m.Digests)
	case ring.Hello:
		size += 24 * len(m.Vector)
	case ring.Mark:
		size += 24 * len(m.Vector)
	case ring.Fresh:
		size += 12 * len(m.Positions)
	}
	return size
}

// Delay is how long a message that leaves now is under way, one way; false if it does not
// arrive. A message of a request that is lost is sent again, later.
func (w *World) Delay(from, to Place) (time.Duration, bool) {
	n := &w.network
	if !n.reaches(from, to) {
		return 0, false
	}
	return n.delay(from, to, n.dice) + n.resends(from, to, n.dice), true
}

// regionOfNode is the region in a node's name.
func regionOfNode(n string) gazetteer.RegionID {
	name, _, _ := strings.Cut(n, "/")
	return gazetteer.RegionID(name)
}
