package voice

import (
	"slices"
	"time"

	"gazetteer"
)

// peer is what is known of another region.
type peer struct {
	name gazetteer.RegionID
	at   int // its place among the members

	hearing Hearing
	heardAt time.Duration
	owed    bool // it has a new voice, which has not had a word yet
	wants   bool // its words say that the edge between us is a branch for it

	word Word    // the last; its Number is 0 before the first
	row  []Entry // the word's entries in the order of the members

	rtt     time.Duration // smoothed
	samples int
	given   uint64
}

// align puts what the last word says in the order of the members.
func (p *peer) align(members []gazetteer.RegionID) {
	p.row = make([]Entry, len(members))
	for _, e := range p.word.Entries {
		if i, ok := slices.BinarySearch(members, e.Region); ok {
			p.row[i] = e
		}
	}
}

// Smoothing of round-trip times: each sample counts 42/256, as in babeld; the first ones
// count more, so that the start is their mean. One that is far off is a queue or a lost
// segment, not a distance, and is cut.
const (
	weightOfSample = 42
	weightOfAll    = 256
	outlier        = 4 // times what is known
	outlierFloor   = 10 * time.Millisecond
)

func (p *peer) sample(rtt time.Duration) {
	p.samples++
	if p.samples == 1 {
		p.rtt = rtt
		return
	}
	rtt = min(rtt, outlier*p.rtt+outlierFloor)
	step := (rtt - p.rtt) * weightOfSample / weightOfAll
	if p.samples*weightOfSample < weightOfAll {
		step = (rtt - p.rtt) / time.Duration(p.samples)
	}
	p.rtt += step
}

// Sample takes a measured round trip to another region.
func (v *Voice) Sample(r gazetteer.RegionID, rtt time.Duration) {
	if p := v.peer(r); p != nil && rtt > 0 {
		p.sample(rtt)
	}
}

// SetCost gives the cost of the edge to another region, if costs are [Config.Given]; the
// other end should be given the same. 0 takes it away: the edge then has no part in any
// tree.
func (v *Voice) SetCost(r gazetteer.RegionID, cost uint64) {
	if p := v.peer(r); p != nil {
		p.given = min(cost, maxCost)
	}
}

// cost returns what the edge to p costs at this end; 0: not known.
func (v *Voice) cost(p *peer) uint64 {
	if v.cfg.Given {
		return p.given
	}
	if p.samples == 0 {
		return 0
	}
	return min(max(1, uint64((p.rtt+500)/time.Microsecond)), maxCost)
}

// beat is how often this region speaks.
func (v *Voice) beat() time.Duration {
	return min(max(v.cfg.Beat, v.cfg.BeatEach*time.Duration(len(v.members))), paceMax)
}

// hear notes a sign of life.
func (v *Voice) hear(p *peer) {
	p.heardAt = v.now
	if !p.hearing.words() {
		p.hearing = Heard
		v.stir()
	}
}

// listen notes who has fallen silent.
func (v *Voice) listen() {
	for _, p := range v.peers {
		if p.hearing != Silent && v.now-p.heardAt > v.patience(p) {
			p.hearing, p.wants = Silent, false
			p.samples = min(p.samples, 1)
			v.stir()
		}
	}
}

// patience is after what time without a word p is silent.
func (v *Voice) patience(p *peer) time.Duration {
	return time.Duration(v.cfg.Missed) * max(v.beat(), p.word.Pace)
}

// listening reports whether a region may still turn up: it has not spoken yet, and was not
// waited for as long as one that fell silent.
func (v *Voice) listening() bool {
	return slices.ContainsFunc(v.peers, func(p *peer) bool { return p.hearing == Unknown })
}
