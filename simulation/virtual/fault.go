package virtual

import (
	"cmp"
	"fmt"
	"strings"
	"time"

	"gazetteer"
	"gazetteer/simulation/fleet"
	"gazetteer/simulation/result"
	"gazetteer/simulation/scenario"
)

// planFaults plans what breaks, and when it is whole again.
func (r *run) planFaults() {
	for i := range r.faults {
		x := &r.faults[i]
		r.agenda.At(r.began+x.At, func() {
			if x.Kind == scenario.Upgrade {
				r.tell(string(x.Kind), x)
				r.upgrade(x, r.nodesOf(x.Region))
				return
			}
			r.fail(x)
		})
	}
}

// fail breaks something. The planet heals its part by itself.
func (r *run) fail(x *scenario.Fault) {
	r.planet.Break(x)
	r.fleet.Break(x)
	r.maybeTell(string(x.Kind), x)
	if x.For == 0 {
		return
	}
	r.agenda.After(x.For, func() {
		r.fleet.Heal(x)
		r.maybeTell("healed", x)
	})
}

// nodesOf are the processes of a region.
func (r *run) nodesOf(name gazetteer.RegionID) []string {
	nodes := r.fleet.Nodes(string(name))
	if g := r.scenario.Region(name); g != nil {
		for _, ring := range g.Rings {
			nodes = append(nodes, g.ReplicaNames(ring)...)
		}
	}
	return nodes
}

// upgradePatience is how long an upgrade waits for a process to be ready again before it
// takes the next one.
const upgradePatience = 10 * time.Second

// upgrade restarts processes one after the other: the next one when the one before is
// ready again.
func (r *run) upgrade(x *scenario.Fault, nodes []string) {
	if len(nodes) == 0 {
		return
	}
	r.fail(&scenario.Fault{Kind: scenario.Crash, Node: nodes[0], For: x.For, Line: x.Line})
	until := r.agenda.Now() + x.For + upgradePatience
	var wait func()
	wait = func() {
		if r.isReady(nodes[0]) || r.agenda.Now() >= until {
			r.upgrade(x, nodes[1:])
			return
		}
		r.agenda.After(slice, wait)
	}
	r.agenda.After(x.For+time.Millisecond, wait)
}

// isReady reports whether a process is ready; one of the fleet is when it runs.
func (r *run) isReady(node string) bool {
	n := gazetteer.NodeID(node)
	return r.planet.Ready(n) || r.planet.State(n) == fleet.Gone && r.fleet.Runs(node)
}

// maybeTell tells of faults that the planet does not tell of, since it has no such thing.
func (r *run) maybeTell(kind string, x *scenario.Fault) {
	switch {
	case x.Kind == scenario.BalancerDown, x.Kind == scenario.GroupStop, strings.Contains(x.Node, "/cluster-"):
		r.tell(kind, x)
	}
}

// tell says of a fault that it begins or ends.
func (r *run) tell(kind string, x *scenario.Fault) {
	where, detail := aim(x)
	r.event(fmt.Sprintf("%s %s %s", kind, where, detail))
	r.happened(result.Happening{
		AtMS: result.MillisOf(r.now()), Kind: kind, Region: x.Region, Node: x.Node,
		Detail: cmp.Or(detail, where),
	})
}

// aim says what a fault breaks, and how.
func aim(x *scenario.Fault) (where, detail string) {
	switch {
	case x.Link != nil && x.Link.OneWay:
		where = x.Link.From + " -> " + x.Link.To
	case x.Link != nil:
		where = x.Link.From + " <-> " + x.Link.To
	default:
		where = cmp.Or(x.Node, string(x.Region))
	}
	detail = where
	if x.Amount != 0 {
		detail += fmt.Sprintf(" by %v", x.Amount)
	}
	if x.By != 0 {
		detail += fmt.Sprintf(" by %v", x.By)
	}
	if x.For != 0 {
		detail += fmt.Sprintf(" for %v", x.For)
	}
	return where, detail
}
