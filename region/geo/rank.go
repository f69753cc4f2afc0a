package geo

import (
	"fmt"
	"math"
	"net/netip"
	"slices"

	"gazetteer"
)

// nearKM is added to every distance before it is divided by a weight. Within about
// this distance weights decide, far beyond it distances do.
const nearKM = 50

// assumption says why a distance is not measured.
type assumption uint8

const (
	measured assumption = iota
	assumedCentre
	assumedFurthest
	assumedNobody
)

var assumptions = [...]string{
	assumedCentre:   "no coordinates: centre of its country",
	assumedFurthest: "no coordinates and no known country: half the circumference",
	assumedNobody:   "client's place unknown: half the circumference for all",
}

// Options say what a ranking is asked for.
type Options struct {
	Limit   int                    // how many are wanted; all if it is not positive
	Filter  Filter                 // what does not match is left out
	Prefer  Filter                 // what matches comes first
	Avoid   []gazetteer.LocationID // left out
	Policy  *Policy                // of the type; nil if it has none
	Country string                 // where the client's own address is, if his place is found otherwise
	Explain bool                   // also tell of those that are left out
	// States are those of the locations, in their order; nil: all are unknown. The down
	// are left out unless nothing else comes into question.
	States []State
}

// Ranker orders locations. Its working memory lives on from call to call, so that a
// ranking allocates nothing once it is warm. The zero Ranker is ready; it must not be
// used by two goroutines at once.
type Ranker struct {
	entries []entry
	sites   sites
	order   []int32 // indices into entries
}

// entry is one location that comes into question.
type entry struct {
	score, km float64
	top       float64 // the greatest weight at its site; 1 if weights do not pull
	draw      float64 // negative until it was needed
	index     int32   // of the location
	standing  uint32  // see standsSpilled
	bias      uint8   // the number of the rule, 0 for none
	assumed   assumption
}

// ranking is one call of [Ranker.Rank].
type ranking struct {
	*Ranker
	place   Place
	from    Origin
	network uint64
	barred  uint32 // bit i: the policy's country rule i is against the client
	locs    []gazetteer.Location
	options *Options
	last    gazetteer.Point // see distanceKM
	lastKM  float64
}

// Rank appends the best locations for a client to dst, best first, and returns them.
// The client's address settles only equal scores; it may be absent. With
// Options.Explain it also returns the rest with their reasons: those beyond the limit,
// in order of rank, then those left out, in the order of locs. Candidates share memory
// with locs. Locations must have distinct ids.
func (r *Ranker) Rank(dst []Candidate, p Place, client netip.Addr, locs []gazetteer.Location, o *Options) (best, rest []Candidate) {
	k := ranking{Ranker: r, place: p, from: From(p.Point), locs: locs, options: o, last: p.Point}
	k.prepare(client)
	excluded := k.admit()
	k.score()
	limit := len(k.entries)
	if o.Limit > 0 {
		limit = min(limit, o.Limit)
	}
	if !o.Explain {
		k.choose(limit)
		return k.appendCandidates(dst, k.order), nil
	}
	k.choose(len(k.entries))
	rest = k.appendCandidates(nil, k.order[limit:])
	for i := range rest {
		rest[i].Excluded = fmt.Sprintf("rank %d, beyond the limit of %d", limit+i+1, o.Limit)
	}
	return k.appendCandidates(dst, k.order[:limit]), append(rest, excluded...)
}

// admit makes an entry of each location that nothing excludes, and returns the others
// if they are to be explained.
func (k *ranking) admit() (excluded []Candidate) {
	k.entries = k.entries[:0]
	for i := range k.locs {
		l := &k.locs[i]
		if k.state(i) != StateDown && k.admits(l, i) {
			continue
		}
		if k.options.Explain {
			excluded = append(excluded, k.excluded(l, k.state(i)))
		}
	}
	if len(k.entries) == 0 && len(k.options.States) > 0 {
		excluded = k.admitDown(excluded)
	}
	return excluded
}

// admits makes an entry of a location unless something excludes it.
func (k *ranking) admits(l *gazetteer.Location, index int) bool {
	if k.excludes(l) {
		return false
	}
	e := k.measure(l, index)
	if !k.stand(&e, l) {
		return false
	}
	k.entries = append(k.entries, e)
	return true
}

func (k *ranking) excludes(l *gazetteer.Location) bool {
	if !(l.Weight > 0) || !k.options.Filter.Match(l) || slices.Contains(k.options.Avoid, l.ID) {
		return true
	}
	_, refused := k.refused(l)
	return refused
}

func (k *ranking) excluded(l *gazetteer.Location, s State) Candidate {
	c := Candidate{Location: *l, State: s, Excluded: k.reason(l, s)}
	if k.place.Located && l.Located {
		c.DistanceKM, c.HasDistance = k.distanceKM(l.Point), true
	}
	return c
}

// reason says why a location is excluded.
func (k *ranking) reason(l *gazetteer.Location, s State) string {
	failed := k.options.Filter.failed(l)
	rule, refused := k.refused(l)
	switch {
	case !(l.Weight > 0):
		return "weight 0"
	case failed != nil:
		return "filter: " + failed.String()
	case slices.Contains(k.options.Avoid, l.ID):
		return "avoided by the client"
	case refused:
		return k.refusal(rule)
	case s == StateDown && k.stands(l):
		return excludedDown
	}
	return "policy: in none of the tiers"
}

func (k *ranking) measure(l *gazetteer.Location, index int) entry {
	e := entry{index: int32(index), draw: -1, km: furthestKM}
	if !k.place.Located {
		e.assumed = assumedNobody
		return e
	}
	if l.Located {
		e.km = k.distanceKM(l.Point)
		return e
	}
	if c := centreOf(l.Country); c != nil {
		e.km, e.assumed = k.distanceKM(c.point), assumedCentre
		return e
	}
	e.assumed = assumedFurthest
	return e
}

// distanceKM remembers the last distance: machines at one site tend to follow each
// other in a record. The place itself is at distance 0.
func (k *ranking) distanceKM(p gazetteer.Point) float64 {
	if p != k.last {
		k.last, k.lastKM = p, k.from.DistanceKM(p)
	}
	return k.lastKM
}

// score needs all entries: how much the locations at one distance pull together is
// known only then.
func (k *ranking) score() {
	k.findTopWeights()
	for i := range k.entries {
		e := &k.entries[i]
		e.score = (e.km + nearKM) * k.biasFactor(e) / e.top
	}
}

func (k *ranking) findTopWeights() {
	if p := k.options.Policy; p != nil && p.share {
		for i := range k.entries {
			k.entries[i].top = 1
		}
		return
	}
	if k.weightsAreEqual() {
		for i := range k.entries {
			k.entries[i].top = k.weight(&k.entries[i])
		}
		return
	}
	k.sites.reset(len(k.entries))
	for i := range k.entries {
		e := &k.entries[i]
		s := k.sites.at(e.km, e.class())
		s.top = max(s.top, k.weight(e))
	}
	for i := range k.entries {
		e := &k.entries[i]
		e.top = k.sites.at(e.km, e.class()).top
	}
}

func (k *ranking) weightsAreEqual() bool {
	for i := range k.entries {
		if k.weight(&k.entries[i]) != k.weight(&k.entries[0]) {
			return false
		}
	}
	return true
}

// class tells entries apart that do not pull together though they are equally far.
func (e *entry) class() uint32 { return e.standing | uint32(e.bias)<<8 }

func (k *ranking) weight(e *entry) float64 { return k.locs[e.index].Weight }

// before is the order of ranking: by standing, which is spilled, preferred and tier; then
// by score; where scores differ by less than a float can tell, by distance; among the
// equally near by draw. The id makes it total.
func (k *ranking) before(a, b int32) bool {
	e, f := &k.entries[a], &k.entries[b]
	if e.standing != f.standing {
		return e.standing < f.standing
	}
	if e.score != f.score {
		return e.score < f.score
	}
	if e.km != f.km {
		return e.km < f.km
	}
	if d, c := k.draw(e), k.draw(f); d != c {
		return d < c
	}
	return k.locs[e.index].ID < k.locs[f.index].ID
}

// draw is a weighted rendezvous hash (Schindelhauer and Schomaker, "Weighted
// Distributed Hash Tables", 2005): the location with the lowest draw is the client's
// with a probability in proportion to its weight, and stays so while others come and go.
func (k *ranking) draw(e *entry) float64 {
	if e.draw < 0 {
		e.draw = -math.Log(unit(k.hash(&k.locs[e.index]))) / k.weight(e)
	}
	return e.draw
}

// hash is of the client's network and a location.
func (k *ranking) hash(l *gazetteer.Location) uint64 {
	return mix(k.network ^ gazetteer.Hash(string(l.ID)))
}

// unit makes a number between 0 and 1 of a hash, without its ends.
func unit(h uint64) float64 { return (float64(h>>11) + 0.5) / (1 << 53) }

func (k *ranking) appendCandidates(dst []Candidate, order []int32) []Candidate {
	for _, i := range order {
		dst = append(dst, k.candidate(&k.entries[i]))
	}
	return dst
}

func (k *ranking) candidate(e *entry) Candidate {
	c := Candidate{
		Location: k.locs[e.index], State: k.state(int(e.index)),
		Score: e.score,
		Terms: Terms{KM: e.km, Weight: k.weight(e), TopWeight: e.top, Assumed: assumptions[e.assumed]},
	}
	if e.assumed == measured {
		c.DistanceKM, c.HasDistance = e.km, true
	}
	if k.options.Explain {
		c.Terms.Draw = k.draw(e)
		k.explainTerms(&c.Terms, e)
	}
	return c
}

// networkHash is the same for all clients of one network: of those whose addresses have
// so many leading bits in common.
func networkHash(a netip.Addr, n NetworkRule) uint64 {
	if !a.IsValid() {
		return 0
	}
	b := a.Unmap().As16()
	kept := n.IPv6
	if a.Unmap().Is4() {
		kept = 96 + n.IPv4
	}
	if kept%8 != 0 {
		b[kept/8] &= 0xff << (8 - kept%8)
		kept += 8 - kept%8
	}
	clear(b[kept/8:])
	return gazetteer.HashBytes(b[:])
}

// mix spreads every bit of h over all bits (the finaliser of SplitMix64, Steele, Lea
// and Flood 2014).
func mix(h uint64) uint64 {
	h = (h ^ h>>30) * 0xbf58476d1ce4e5b9
	h = (h ^ h>>27) * 0x94d049bb133111eb
	return h ^ h>>31
}
