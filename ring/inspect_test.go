package ring

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"gazetteer"
)

// Inspect tells what a replica believes of others, for the trace of a schedule that
// came to no good end. Clocks are told in milliseconds since a moment.
func (r *Replica) Inspect(since int64) string {
	var b strings.Builder
	fmt.Fprintf(&b, "generation %d, complete up to %d, clock %d, fenced %v",
		r.generation, r.complete().UnixMilli()-since, r.clock.last.UnixMilli()-since, r.fenced)
	for _, s := range slices.Sorted(maps.Keys(r.marks)) {
		k := r.marks[s]
		fmt.Fprintf(&b, "\n   mark %d of %s.%d, next %d, counted %d, %d pending", k.number, k.node, k.generation,
			k.next.UnixMilli()-since, k.counted.UnixMilli()-since, len(k.pending))
		if k.stable != nil {
			fmt.Fprintf(&b, ", in plan %d complete up to %d, ended %v", k.stable.Epoch, k.stable.Complete.UnixMilli()-since, k.stable.Ended)
		}
	}
	for _, l := range r.links {
		fmt.Fprintf(&b, "\n   link to %s, over %v, credit %d, queued %d", l.peer.id, l.over, l.credit, l.queued)
		for _, f := range l.order {
			fmt.Fprintf(&b, "\n      %d: in %s %d, out %s %d, wanted %v", f.m.partition.Index,
				[...]string{"none", "asked", "scanning", "live"}[f.in.state], f.in.session,
				[...]string{"idle", "waiting", "scanning", "live"}[f.out.phase], f.out.session, f.wanted)
		}
	}
	return b.String()
}

// Bounded is a token with at most so many entries: the driver's tokens have few.
func Bounded(t Token, most int) Token { return Token{slices.Clone(t.entries), t.upTo}.bounded(most) }

// Feeding reports whether a node takes this replica's live tail of a partition.
func (r *Replica) Feeding(n gazetteer.NodeID, p gazetteer.Partition) bool {
	l := r.peer(n).link
	return l != nil && l.feeds[p] != nil && l.feeds[p].out.phase == outLive
}
