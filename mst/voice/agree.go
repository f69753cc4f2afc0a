package voice

import (
	"cmp"
	"fmt"
	"slices"

	"gazetteer/mst"
)

// candidates returns the regions to which this one would have an edge: those that it
// hears and whose cost it knows. With a limit, they must be among the nearest of either
// end, as far as this end knows; what the other end misses it asks for.
func (v *Voice) candidates(nearest int) []*peer {
	var out []*peer
	for _, p := range v.peers {
		if p.hearing.words() && v.cost(p) > 0 {
			out = append(out, p)
		}
	}
	if nearest == 0 || len(out) <= nearest {
		return out
	}
	costs := make([]uint64, len(v.members))
	for _, p := range out {
		costs[p.at] = v.cost(p)
	}
	return slices.DeleteFunc(out, func(p *peer) bool { return !near(costs, p.at, nearest) && !near(p.costs(), v.self, nearest) })
}

// costs returns what p says that each region costs; 0: it is not heard.
func (p *peer) costs() []uint64 {
	out := make([]uint64, len(p.row))
	for i, e := range p.row {
		if e.Hearing.words() {
			out[i] = e.Cost
		}
	}
	return out
}

// near reports whether i is one of the k cheapest. Of equal costs the lower number counts.
func near(costs []uint64, i, k int) bool {
	if costs[i] == 0 {
		return false
	}
	cheaper := 0
	for j, c := range costs {
		if c > 0 && cmp.Or(cmp.Compare(c, costs[i]), cmp.Compare(j, i)) < 0 {
			cheaper++
		}
	}
	return cheaper < k
}

func (v *Voice) offer(q *pair) {
	q.asked = v.now
	v.send(q.to, Offer{v.run.epoch, v.run.nearest, q.mine})
}

func (v *Voice) accept(q *pair) {
	q.asked = v.now
	v.send(q.to, Accept{v.run.epoch, q.theirs, q.mine})
}

// arrive goes on to the epoch of a Call or an Offer. It reports false if that epoch is over
// here, and says so.
func (v *Voice) arrive(p *peer, e mst.Epoch, nearest int) bool {
	switch c := e.Compare(v.member.Epoch()); {
	case c > 0:
		v.heardOf(e)
		v.enter(e, nearest)
		return true
	case c == 0 && v.running():
		return true
	case c < 0 && v.running():
		v.send(p.name, Call{v.run.epoch, v.run.nearest, false})
	default:
		v.refuse(p, e)
	}
	return false
}

// refuse says that an epoch is over for this region.
func (v *Voice) refuse(p *peer, e mst.Epoch) { v.send(p.name, Decline{e, v.highestKnown()}) }

// decline says that there is no edge in the epoch that runs.
func (v *Voice) decline(p *peer) { v.send(p.name, Decline{Epoch: v.run.epoch}) }

// current returns the edge to p if the epoch is the one that runs here and costs are still
// being agreed, or the edge is decided; otherwise it answers that there is none.
func (v *Voice) current(p *peer, e mst.Epoch) *pair {
	if !v.running() || e != v.run.epoch {
		v.refuse(p, e)
		return nil
	}
	q := v.run.pair(p.name)
	if q == nil || q.state == declined {
		v.decline(p)
		return nil
	}
	return q
}

// onCall enters an epoch; the lower name offers what the higher one asks for.
func (v *Voice) onCall(p *peer, m Call) {
	if !v.arrive(p, m.Epoch, m.Nearest) {
		return
	}
	if m.Ask && v.cfg.Self < p.name {
		v.offerWhatIsAsked(p)
	}
	v.maybeBegin()
}

func (v *Voice) offerWhatIsAsked(p *peer) {
	q := v.run.pair(p.name)
	switch {
	case q == nil && !v.run.begun && v.cost(p) > 0:
		v.offer(v.addPair(p))
	case q == nil || q.state == declined:
		v.decline(p)
	case q.state == open && q.asked != v.now:
		v.offer(q)
	}
}

// onOffer: the higher name accepts, also an edge that it would not have asked for.
func (v *Voice) onOffer(p *peer, m Offer) {
	if !v.arrive(p, m.Epoch, m.Nearest) {
		return
	}
	q := v.run.pair(p.name)
	if q == nil && !v.run.begun && v.cost(p) > 0 {
		q = v.addPair(p)
	}
	if q == nil || q.state == declined || p.name > v.cfg.Self {
		v.decline(p)
	} else {
		if q.state == open {
			q.theirs, q.cost, q.state = m.Cost, Mean(q.mine, m.Cost), accepted
		}
		v.accept(q)
	}
	v.maybeBegin()
}

// onAccept: the lower name has both costs now, and so does the higher one.
func (v *Voice) onAccept(p *peer, m Accept) {
	q := v.current(p, m.Epoch)
	if q == nil {
		return
	}
	if m.Offered != q.mine || p.name < v.cfg.Self {
		v.dispute(p, q)
		return
	}
	if q.state == open {
		q.state, q.cost = agreed, Mean(q.mine, m.Cost)
	}
	v.send(p.name, Confirm{m.Epoch, q.cost})
	v.maybeBegin()
}

// onConfirm: the higher name knows that the lower one has the edge.
func (v *Voice) onConfirm(p *peer, m Confirm) {
	q := v.current(p, m.Epoch)
	switch {
	case q == nil:
		return
	case q.state == open || m.Cost != q.cost:
		v.dispute(p, q)
		return
	}
	q.state = agreed
	v.maybeBegin()
}

// dispute drops an edge on whose cost the two ends do not agree: with two costs GHS would
// wait for ever.
func (v *Voice) dispute(p *peer, q *pair) {
	v.count.Disputes++
	v.decline(p)
	v.drop(q)
}

// drop takes an edge out. When the run has begun with it, it cannot end.
func (v *Voice) drop(q *pair) {
	if q.state == agreed && v.run.begun {
		v.giveUp(fmt.Sprintf("%q has no edge to here", q.to), true)
	}
	q.state = declined
	v.maybeBegin()
}

// onDecline: there is no edge, or the epoch is over at the other end.
func (v *Voice) onDecline(p *peer, m Decline) {
	v.heardOf(m.Highest)
	if !v.running() || m.Epoch != v.run.epoch {
		return
	}
	if m.Highest.Compare(m.Epoch) >= 0 {
		v.giveUp(fmt.Sprintf("it is over for %q", p.name), true)
		return
	}
	if q := v.run.pair(p.name); q != nil {
		v.drop(q)
	}
}

// onFrame hands a frame to the member. A frame over an edge that was accepted here shows
// that the other end has it.
func (v *Voice) onFrame(p *peer, f Frame) {
	switch {
	case f.Stale != mst.Epoch{}:
		v.onStale(p, f)
		return
	case f.Epoch.Compare(v.member.Epoch()) > 0:
		v.heardOf(f.Epoch)
		v.send(p.name, Decline{f.Epoch, f.Epoch})
		return
	case v.run != nil && f.Epoch == v.run.epoch && !v.expects(p, f):
		v.decline(p)
		return
	}
	if err := v.member.Step(p.name, f.Frame); err != nil {
		v.count.Refused++
	}
}

// expects reports whether a frame of the run comes over an edge of it.
func (v *Voice) expects(p *peer, f Frame) bool {
	q := v.run.pair(p.name)
	if q == nil || q.state == declined {
		return false
	}
	if q.state == accepted && f.Cost == q.cost {
		q.state = agreed
		v.maybeBegin()
	}
	return true
}

// onStale: the other end is past the epoch, or has lost what it knew of it.
func (v *Voice) onStale(p *peer, f Frame) {
	v.heardOf(f.Epoch)
	if v.run != nil && f.Stale == v.run.epoch {
		v.giveUp(fmt.Sprintf("%q cannot go on, it is at %v", p.name, f.Epoch), true)
	}
}
