package agent

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"gazetteer"
)

// story tells all that is known of a resource whose promise was broken, so that one failure
// among many runs explains itself: what each process holds of it, by which plan, and how it
// stands to the partition. What it says is as of some moment shortly after the failure.
func (d *district) story(id string) string {
	q := gazetteer.PartitionOf(key(id), districtPartitions)
	var b strings.Builder
	fmt.Fprintf(&b, "partition %d", q.Index)
	for _, p := range d.procs {
		fmt.Fprintf(&b, "\n\t%s: %s%s", p.name, p.stands(q), d.holds(p, q, gazetteer.ID(id)))
	}
	return b.String()
}

// holds says what a process' store has of a resource, and who wrote that.
func (d *district) holds(p *proc, q gazetteer.Partition, id gazetteer.ID) string {
	state := p.store.State().Partitions[q]
	out := fmt.Sprintf("\n\t\tstore: filled %v, %s", state.Filled, d.named(state.Vector))
	us, err := p.store.Resource(q, id)
	if err != nil {
		return out + "; " + err.Error()
	}
	for _, u := range us {
		out += fmt.Sprintf("; holds %q, tombstone %v, by %s at %v, covered %v",
			u.Body, u.Tombstone, d.named(gazetteer.Vector{u.Position}), u.Stamp.Clock, state.Vector.Covers(u.Position))
	}
	return out
}

// named writes positions with the names of the nodes that they come from.
func (d *district) named(v gazetteer.Vector) string {
	var out []string
	for _, at := range v {
		i := slices.IndexFunc(d.procs, func(p *proc) bool { return p.name.Store() == at.Origin.Store })
		name := gazetteer.NodeID("?")
		if i >= 0 {
			name = d.procs[i].name
		}
		out = append(out, fmt.Sprintf("%s.%04x:%d", name, at.Origin.Incarnation>>48, at.Seq))
	}
	return fmt.Sprint(out)
}

// stands says by which plan a process answers for a partition, and what it is to it.
func (p *proc) stands(q gazetteer.Partition) string {
	g, n := p.parts()
	if n == nil {
		return "down"
	}
	out := fmt.Sprintf("knows plan %d, settled %d", g.View().Plan().Epoch(), g.Settled())
	n.agent.tell(func(a *agent) { out += a.standing(q) })
	return out
}

func (a *agent) standing(q gazetteer.Partition) (out string) {
	at, _ := a.view.Load().at(q)
	out = fmt.Sprintf(", holds by %d: ring %q, stance %d, serving %+v, %d writes wait", a.plan.Epoch(), at.ring, at.stance, at.serving, len(a.waiting.calls)-len(a.waiting.free))
	for _, b := range a.plan.Bridges(q.Type) {
		if slices.Contains(b.Partitions, q) {
			out += fmt.Sprintf(", moves %s -> %s, switched %v", b.From, b.To, b.Switched)
		}
	}
	if l := a.left[q]; l != nil {
		out += fmt.Sprintf(", to hand over to %v", l.owner.Members)
	}
	for _, n := range slices.Sorted(maps.Keys(a.alive)) {
		if a.dead(n) {
			out += fmt.Sprintf(", %s is dead", n)
		}
	}
	return out
}
