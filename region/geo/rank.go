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

// Reasons for Terms.Assumed.
const (
	assumedCentre   = "no coordinates: centre of its country"
	assumedFurthest = "no coordinates and no known country: half the circumference"
	assumedNobody   = "client's place unknown: half the circumference for all"
)

// Options say what a ranking is asked for.
type Options struct {
	Limit   int                    // how many are wanted; all if it is not positive
	Filter  Filter                 // what does not match is left out
	Avoid   []gazetteer.LocationID // left out
	Explain bool                   // also tell of those that are left out
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
	top       float64 // the greatest weight among entries with this km
	draw      float64 // negative until it was needed
	index     int32   // of the location
	assumed   string
	measured  bool
}

// ranking is one call of [Ranker.Rank].
type ranking struct {
	*Ranker
	place   Place
	from    Origin
	network uint64
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
	k := ranking{Ranker: r, place: p, from: From(p.Point), network: networkHash(client), locs: locs, options: o, last: p.Point}
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
		if !k.excludes(l) {
			k.entries = append(k.entries, k.measure(l, i))
		} else if k.options.Explain {
			excluded = append(excluded, k.excluded(l))
		}
	}
	return excluded
}

func (k *ranking) excludes(l *gazetteer.Location) bool {
	return !(l.Weight > 0) || !k.options.Filter.Match(l) || slices.Contains(k.options.Avoid, l.ID)
}

func (k *ranking) excluded(l *gazetteer.Location) Candidate {
	c := Candidate{Location: *l}
	failed := k.options.Filter.failed(l)
	switch {
	case !(l.Weight > 0):
		c.Excluded = "weight 0"
	case failed != nil:
		c.Excluded = "filter: " + failed.String()
	default:
		c.Excluded = "avoided by the client"
	}
	if k.place.Located && l.Located {
		c.DistanceKM, c.HasDistance = k.distanceKM(l.Point), true
	}
	return c
}

func (k *ranking) measure(l *gazetteer.Location, index int) entry {
	e := entry{index: int32(index), draw: -1, km: furthestKM}
	if !k.place.Located {
		e.assumed = assumedNobody
		return e
	}
	if l.Located {
		e.km, e.measured = k.distanceKM(l.Point), true
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
		e.score = (e.km + nearKM) / e.top
	}
}

func (k *ranking) findTopWeights() {
	if k.weightsAreEqual() {
		for i := range k.entries {
			k.entries[i].top = k.weight(&k.entries[i])
		}
		return
	}
	k.sites.reset(len(k.entries))
	for i := range k.entries {
		e := &k.entries[i]
		s := k.sites.at(e.km)
		s.top = max(s.top, k.weight(e))
	}
	for i := range k.entries {
		e := &k.entries[i]
		e.top = k.sites.at(e.km).top
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

func (k *ranking) weight(e *entry) float64 { return k.locs[e.index].Weight }

// before is the order of ranking: by score; where scores differ by less than a float
// can tell, by distance; among the equally near by draw. The id makes it total.
func (k *ranking) before(a, b int32) bool {
	e, f := &k.entries[a], &k.entries[b]
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
		h := mix(k.network ^ gazetteer.Hash(string(k.locs[e.index].ID)))
		u := (float64(h>>11) + 0.5) / (1 << 53)
		e.draw = -math.Log(u) / k.weight(e)
	}
	return e.draw
}

func (k *ranking) appendCandidates(dst []Candidate, order []int32) []Candidate {
	for _, i := range order {
		dst = append(dst, k.candidate(&k.entries[i]))
	}
	return dst
}

func (k *ranking) candidate(e *entry) Candidate {
	c := Candidate{
		Location: k.locs[e.index],
		Score:    e.score,
		Terms:    Terms{KM: e.km, Weight: k.weight(e), TopWeight: e.top, Assumed: e.assumed},
	}
	if e.measured {
		c.DistanceKM, c.HasDistance = e.km, true
	}
	if k.options.Explain {
		c.Terms.Draw = k.draw(e)
	}
	return c
}

// networkHash is the same for all clients of one network, an IPv4 /24 or an IPv6 /56:
// the sizes that RFC 7871 recommends for saying where a client is.
func networkHash(a netip.Addr) uint64 {
	if !a.IsValid() {
		return 0
	}
	b := a.Unmap().As16()
	kept := 7
	if a.Unmap().Is4() {
		kept = 12 + 3
	}
	clear(b[kept:])
	return gazetteer.HashBytes(b[:])
}

// mix spreads every bit of h over all bits (the finaliser of SplitMix64, Steele, Lea
// and Flood 2014).
func mix(h uint64) uint64 {
	h = (h ^ h>>30) * 0xbf58476d1ce4e5b9
	h = (h ^ h>>27) * 0x94d049bb133111eb
	return h ^ h>>31
}
