package agent

import (
	"context"
	"slices"
	"time"

	"gazetteer"
	"gazetteer/region"
	"gazetteer/region/control"
)

// Group decides on the plan of the region, see [control.Group].
type Group interface {
	// Apply asks for a change of the plan and waits for the decision.
	Apply(ctx context.Context, c control.Command) (epoch uint64, err error)
	// Settled returns an epoch of which it is known that all live members use it or a
	// later one.
	Settled() uint64
	// ReportUnseen says that there is no link any more to a node of which Config.Alive was
	// told: nobody here hears whether it answers.
	ReportUnseen(n gazetteer.NodeID)
}

const (
	// askEvery is how long a node waits before it asks again for what was refused or has
	// not shown in its plan.
	askEvery = time.Second
	// hearFor is how long a ring that knows no type of a cluster waits for the old owner
	// to name some, before it takes what is to move for empty.
	hearFor = time.Second
)

// stage is one half of the move of a partition of a cluster: until it has switched, or
// from then until it is finished.
type stage struct {
	cluster  gazetteer.Type
	index    uint32
	from, to string
	switched bool
}

// move is what a node knows of a stage.
type move struct {
	since uint64        // the first plan in which this node has seen it
	at    time.Duration // when that was
	// goals are what the rings must come to hold before the stage may end, for each type:
	// what they held at some moment in it. Fixed, so that it is reached however much is
	// written meanwhile.
	goals map[gazetteer.Type]gazetteer.Vector
}

// findMoves notes the stages that this node's rings have a part in.
func (a *agent) findMoves() {
	old := a.moves
	a.moves = map[stage]*move{}
	for _, c := range a.clusters() {
		rings := ringsOf(a.plan, c)
		for _, b := range a.plan.Bridges(c) {
			decides := b.To
			if b.Switched {
				decides = b.From
			}
			if !slices.Contains(rings[decides], a.self) {
				continue
			}
			for _, p := range b.Partitions {
				s := stage{c, p.Index, b.From, b.To, b.Switched}
				if a.moves[s] = old[s]; old[s] == nil {
					a.moves[s] = &move{since: a.plan.Epoch(), at: a.now.Mono, goals: map[gazetteer.Type]gazetteer.Vector{}}
				}
			}
		}
	}
}

// revives reports whether some node may have come to life between two plans. What was known
// to be settled before has not waited for it.
func revives(old, next region.Plan) bool {
	if next.Epoch() > old.Epoch()+1 {
		return true // between the two it may have died and come back
	}
	return slices.ContainsFunc(placed(next), func(n gazetteer.NodeID) bool { return old.Dead(n) && !next.Dead(n) })
}

// placed returns the nodes to which a plan gives anything to do with its types.
func placed(p region.Plan) (out []gazetteer.NodeID) {
	for _, t := range append(p.Types(), "") {
		out = append(out, p.ClusterServers(t)...)
		for _, r := range p.Mirrors(t) {
			out = append(out, r.Members...)
		}
	}
	return out
}

// outrun reports whether it is known here that all others use a newer plan than this node:
// they did not wait for it. By its own plan it may answer nothing then.
func (a *agent) outrun(p region.Plan) bool { return a.group != nil && a.group.Settled() > p.Epoch() }

// clusters returns the names under which moves are decided: that of each type which has a
// cluster of its own, and that of all others.
func (a *agent) clusters() []gazetteer.Type {
	out := []gazetteer.Type{""}
	for _, t := range a.plan.Types() {
		if bs := a.plan.Bridges(t); len(bs) > 0 && bs[0].Cluster == t {
			out = append(out, t)
		}
	}
	return out
}

// ringsOf returns the members of a type's rings.
func ringsOf(p region.Plan, t gazetteer.Type) map[string][]gazetteer.NodeID {
	out := map[string][]gazetteer.NodeID{}
	for _, r := range p.Rings(t) {
		out[r.Name] = r.Members
	}
	return out
}

// moveOn asks for the end of those stages that may end.
func (a *agent) moveOn() {
	if a.group == nil || len(a.moves) == 0 || a.asked.epoch == a.plan.Epoch() && a.now.Mono-a.asked.at < askEvery {
		return
	}
	for _, c := range a.clusters() {
		if e := a.due(c); e != nil {
			a.ask(control.Command{Expect: a.plan.Epoch(), Edit: e})
			return
		}
	}
}

// asked is what was asked for last.
type asked struct {
	epoch uint64
	at    time.Duration
}

// ask hands a command to whoever carries it to the group, unless he is on his way.
func (a *agent) ask(c control.Command) {
	select {
	case a.orders <- c:
		a.asked = asked{c.Expect, a.now.Mono}
	default:
	}
}

// petition carries commands to the group. What is refused was made for an older plan, or
// is not the time: the loop looks again and asks anew.
func (a *agent) petition(ctx context.Context) {
	for {
		select {
		case c := <-a.orders:
			_, _ = a.group.Apply(ctx, c)
		case <-ctx.Done():
			return
		}
	}
}

// due returns what may be changed in a cluster now, nil if nothing. What has switched
// comes to its end first: that makes room for more.
func (a *agent) due(c gazetteer.Type) control.Edit {
	rings := ringsOf(a.plan, c)
	var switches, finishes []uint32
	for s, m := range a.moves {
		if s.cluster != c || a.group.Settled() < max(m.since, a.revived) || !a.mayEnd(s, m, rings[s.from], rings[s.to]) {
			continue
		}
		if s.switched {
			finishes = append(finishes, s.index)
		} else {
			switches = append(switches, s.index)
		}
	}
	slices.Sort(switches)
	slices.Sort(finishes)
	switch {
	case finishes != nil:
		return control.FinishMoves{Type: c, Partitions: finishes}
	case switches != nil:
		return control.SwitchMoves{Type: c, Partitions: switches}
	}
	return nil
}

// mayEnd reports whether this node is to ask for the end of a stage, and all of its types
// are where they have to be. It is known by now that nobody who lives routes by a plan
// from before the stage: before the switch all know the new owner, and after it no member
// of the old one takes any more writes.
func (a *agent) mayEnd(s stage, m *move, from, to []gazetteer.NodeID) bool {
	decides := to
	if s.switched {
		decides = from
	}
	if a.firstLive(decides) != a.self {
		return false
	}
	known := false
	for t, h := range a.hosted {
		if p := (gazetteer.Partition{Type: t, Index: s.index}); h.moves(p) && h.bridges[0].Cluster == s.cluster {
			known = true
			if !a.arrived(p, s, m, from, to) {
				return false
			}
		}
	}
	return known || s.switched || a.now.Mono-m.at >= hearFor
}

func (h *hosting) moves(p gazetteer.Partition) bool {
	return slices.ContainsFunc(h.bridges, func(b region.Bridge) bool { return slices.Contains(b.Partitions, p) })
}

// arrived reports whether all live members of the new owner, and a majority of those that
// the plan names, hold what the old owner has held at some moment of the stage.
func (a *agent) arrived(p gazetteer.Partition, s stage, m *move, from, to []gazetteer.NodeID) bool {
	if !s.switched && !a.serving[p].Reads {
		return false
	}
	goal, ok := m.goals[p.Type]
	if !ok {
		if goal, ok = a.heldBy(p, from); !ok {
			return false
		}
		m.goals[p.Type] = goal
	}
	for _, n := range to {
		if !a.core.Holds(p, n, goal) && (n == a.self || !a.dead(n)) {
			return false
		}
	}
	return a.holders(p, to, goal) >= majority(to)
}

// heldBy returns what the members of a ring hold together, as far as they have told: a
// majority of them, so that nothing is left out that the ring has acknowledged, or all
// that live if these are fewer.
func (a *agent) heldBy(p gazetteer.Partition, nodes []gazetteer.NodeID) (gazetteer.Vector, bool) {
	held, told, live := gazetteer.Vector{}, 0, 0
	for _, n := range nodes {
		v, ok := a.core.Told(p, n)
		if n == a.self {
			v, ok = a.core.Vector(p), true
		}
		if !a.plan.Dead(n) {
			live++
		}
		if ok {
			told++
			held = held.Merge(v)
		}
	}
	return held, told > 0 && told >= min(majority(nodes), live)
}
