package planet

import (
	"context"
	"sync"
	"time"

	"gazetteer"
)

const (
	// pingEvery is how often each other region is pinged, on a planet of more than ten
	// every pingEach times their number; pingTimeout how long an answer may take before
	// the region counts as silent.
	pingEvery   = time.Second
	pingEach    = 100 * time.Millisecond
	pingTimeout = 3 * time.Second
	// rttWeight is what a new round trip counts for in the smoothed one: babeld's decay
	// of 42/256.
	rttWeight = 42.0 / 256
	// tries is how many round trips one sample takes the shortest of: a process that had
	// to wait for its turn is no farther away for it.
	tries = 3
)

// rtts are the smoothed round trips to other regions.
type rtts struct {
	mu  sync.Mutex // guards all below
	all map[gazetteer.RegionID]*rtt
	// told gets every sample while this process leads.
	told func(gazetteer.RegionID, time.Duration)
}

// rtt is one of them.
type rtt struct {
	smoothed time.Duration
	heard    time.Time // zero: never
	busy     bool      // a ping is under way
	failed   int       // pings since the last answer
	turn     int       // which entry is asked
	watched  time.Time // since when it is pinged at the full pace; zero: it is not
	doubted  time.Time // since when somebody heard nothing of it; zero: nobody
}

func (r *rtts) init() { r.all = map[gazetteer.RegionID]*rtt{} }

// tell gives all samples from now on to f; nil ends that.
func (r *rtts) tell(f func(gazetteer.RegionID, time.Duration)) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.told = f
}

// of returns the smoothed round trip to a region, and whether it answers now.
func (r *rtts) of(name gazetteer.RegionID, now time.Time, pace time.Duration) (time.Duration, bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	k := r.all[name]
	if k == nil || k.heard.IsZero() {
		return 0, false
	}
	return k.smoothed, now.Sub(k.heard) < silentAfter(pace)
}

// silentAfter is how long a region may say nothing before clients are sent elsewhere:
// half a second beyond a ping that is lost, or one that has to be sent again by TCP. Up to
// ten regions that makes less than 3 s from its last word; on a larger planet, which is
// pinged more slowly, two paces and a half.
func silentAfter(pace time.Duration) time.Duration { return 5 * pace / 2 }

// hear notes an answer of a region, also in the middle of a sample.
func (r *rtts) hear(name gazetteer.RegionID) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if k := r.all[name]; k != nil && !k.heard.IsZero() {
		k.say(time.Now())
	}
}

// quietMax is how long a region may be silent before clients are sent elsewhere, if it is
// pinged every second: a ping takes up to a second with the longest way.
const quietMax = 2500 * time.Millisecond

// quiet reports whether clients are better sent elsewhere than to a region with so many
// entries. That is said sooner than that it does not answer, on which the tree and the
// clusters reckon: a client loses little by the next region, and much by a dead one. On a
// large planet, which is pinged more slowly, a doubt makes it known in time: see watch.
func (r *rtts) quiet(name gazetteer.RegionID, now time.Time, pace time.Duration, entries int) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	k := r.all[name]
	if k == nil || k.heard.IsZero() {
		return true
	}
	return k.settled(now) || k.failed >= max(entries, 1) || now.Sub(k.heard) > max(quietMax, 2*pace+quietMax-2*pingEvery)
}

// begin claims the next ping to a region; false while one is under way.
func (r *rtts) begin(name gazetteer.RegionID) (turn int, ok bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	k := r.all[name]
	if k == nil {
		k = &rtt{}
		r.all[name] = k
	}
	if k.busy {
		return 0, false
	}
	k.busy = true
	return k.turn, true
}

func (r *rtts) end(name gazetteer.RegionID, turn int, took time.Duration, err error) {
	r.mu.Lock()
	k, told := r.all[name], r.told
	k.busy = false
	switch {
	case err != nil:
		if k.turn == turn {
			k.turn++
		}
		k.failed++
		told = nil
	case k.heard.IsZero():
		k.smoothed = took
		k.say(time.Now())
	default:
		k.smoothed += time.Duration(rttWeight * float64(took-k.smoothed))
		k.say(time.Now())
	}
	r.mu.Unlock()
	if told != nil {
		told(name, took)
	}
}

// measure pings all other regions at its pace, whether or not this process leads: a
// request that has to go elsewhere goes to the nearest.
func (p *Planet) measure() {
	for {
		for _, name := range p.plan().PeerNames() {
			if turn, ok := p.rtts.begin(name); ok {
				p.threads.Go(func() { p.ping(name, turn) })
			}
		}
		select {
		case <-time.After(p.pingPace()):
		case <-p.ctx.Done():
			return
		}
	}
}

// pingPace is slower on a large planet, so that what a region pings in a second does not
// grow with it.
func (p *Planet) pingPace() time.Duration {
	return max(pingEvery, time.Duration(len(p.others()))*pingEach)
}

func (p *Planet) ping(name gazetteer.RegionID, turn int) {
	ctx, cancel := context.WithTimeout(p.ctx, pingTimeout)
	defer cancel()
	e, err := p.entry(name, turn)
	var took time.Duration
	if err == nil {
		took, err = p.shortest(ctx, name, e.Node)
	}
	p.rtts.end(name, turn, took, err)
}

// shortest pings a node several times, one after the other.
func (p *Planet) shortest(ctx context.Context, name gazetteer.RegionID, n gazetteer.NodeID) (best time.Duration, err error) {
	for i := range tries {
		took, err := p.Network.PingNode(ctx, n)
		if err != nil {
			return 0, err
		}
		p.rtts.hear(name)
		if i == 0 || took < best {
			best = took
		}
	}
	return best, nil
}

// turn returns which entry of a region is asked.
func (r *rtts) turn(name gazetteer.RegionID) int {
	r.mu.Lock()
	defer r.mu.Unlock()
	if k := r.all[name]; k != nil {
		return k.turn
	}
	return 0
}
