package ring

import (
	"slices"
	"time"

	"gazetteer"
)

// hlc is a hybrid logical clock: it follows the wall clock, never goes back, and is
// above everything it has observed.
type hlc struct{ last gazetteer.Clock }

// next returns a value above all before.
func (h *hlc) next(wall int64) gazetteer.Clock {
	h.last = max(h.last+1, gazetteer.ClockAt(wall))
	return h.last
}

func (h *hlc) observe(c gazetteer.Clock) { h.last = max(h.last, c) }

// peek is what next would return.
func (h *hlc) peek(wall int64) gazetteer.Clock { return max(h.last+1, gazetteer.ClockAt(wall)) }

// tooFar reports whether a stamp is more than max_skew ahead of the local clock: such an
// update is neither applied nor merged into the clock.
func (r *Replica) tooFar(s gazetteer.Stamp) bool {
	return s.Clock.UnixMilli() > r.now.Wall+r.cfg.MaxSkew.Milliseconds()
}

// fence stops client writes while this node's next stamp is more than max_skew ahead of
// the median of its linked peers, at least two: nobody stops because of one peer's word.
// It compares stamps, not clocks: after a fast clock is mended the stamps stay ahead.
func (r *Replica) fence() {
	var theirs []int64
	for _, l := range r.links {
		if l.peer.next != 0 {
			passed := (r.now.Mono - l.peer.nextAt).Milliseconds()
			theirs = append(theirs, l.peer.next.UnixMilli()+passed)
		}
	}
	fenced := false
	if len(theirs) >= 2 {
		slices.Sort(theirs)
		median := theirs[len(theirs)/2]
		fenced = r.clock.peek(r.now.Wall).UnixMilli()-median > r.cfg.MaxSkew.Milliseconds()
	}
	if fenced != r.fenced {
		r.fenced, r.servingDirty = fenced, true
		if fenced {
			r.count.Fenced++
		}
	}
}

// heard notes a peer's own word about its next stamp.
func (p *peer) heard(next gazetteer.Clock, at time.Duration) { p.next, p.nextAt = next, at }
