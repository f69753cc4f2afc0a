package region

import (
	"math"
	"time"

	"gazetteer/region/geo"
)

// Choice is a region as it comes into question for one client.
type Choice struct {
	Site        *Site   // shared: not to be changed
	DistanceKM  float64 // great circle; meaningful only if HasDistance
	HasDistance bool
	// Score is what regions are ordered by, lower first: Terms.RTT + Terms.Bias,
	// milliseconds.
	Score    float64
	Terms    ChoiceTerms
	Excluded string // why the region comes after all that are not excluded; "" if it does not
}

// ChoiceTerms are the parts of a score.
type ChoiceTerms struct {
	RTT float64 // the round trip that is expected, milliseconds
	By  Expectation
	// Length is that of the network around the client whose measurements have been
	// learned, and Sources how many made them: clients of it, or networks in a wider
	// one. Only if By is ByLearned.
	Length, Sources int
	Bias            float64 // the region's, milliseconds
}

// Expectation says how the round trip of a client to a region comes to be expected.
type Expectation string

// The expectations, best first.
const (
	ByNetwork  Expectation = "operator-network" // the operator's networks name the region: 0
	ByLearned  Expectation = "learned"          // clients of the network have measured it
	ByDistance Expectation = "distance"         // 5 ms, and 1 ms for each 60 km
	// ByRegion takes a client that nobody can place to be where it asked: 0 for this
	// region, for others the round trip from here.
	ByRegion  Expectation = "this-region"
	ByNothing Expectation = "nothing" // as far as can be: half the circumference
)

// A round trip by distance: light in fibre makes 100 km a millisecond there and back,
// and cables are not straight. The median of the 992 pairs of AWS's regions is 57 km.
const (
	nearMS  = 5.0
	kmPerMS = 60.0
	// furthestMS is the round trip to half the circumference of the earth.
	furthestMS = nearMS + 20015.0/kmPerMS
)

// Order places a client and appends the regions of the planet to dst, best first for
// him; it allocates nothing beyond dst on a planet of up to 64 regions. Those to which no
// client is sent come last, in the same order, each with its reason: who has nobody else
// may try them.
//
// The order is by Score, then distance, then name; [ChoiceTerms] are all there is in it.
// The place that it returns says in which network every client gets the same order,
// while the planet stays as it is.
func (s *Server) Order(dst []Choice, c *geo.Client) (geo.Place, []Choice) {
	p := s.placeOf(c)
	row := s.learning.of(c, &p)
	o := ordering{sites: s.sites(), place: p, from: geo.From(p.Point), row: row}
	var memory [64]standing
	for _, at := range o.sort(memory[:0]) {
		dst = append(dst, o.choice(&at))
	}
	return p, dst
}

// Locate places a client as Order does. While the planet stays as it is, clients with
// equal places, whatever their networks, get the same order.
func (s *Server) Locate(c *geo.Client) geo.Place {
	p := s.placeOf(c)
	s.learning.of(c, &p)
	return p
}

// placeOf places a client. A region that the operator's networks name stands for the
// point that they do not.
func (s *Server) placeOf(c *geo.Client) geo.Place {
	p := s.locator.Locate(*c)
	if p.Region != "" && !p.Located {
		if at := s.site(p.Region); at != nil {
			p.Point, p.Located = at.Point, at.Located
		}
	}
	return p
}

// ordering is one call of [Server.Order].
type ordering struct {
	sites []Site
	place geo.Place
	from  geo.Origin
	row   geo.Row // what the client, or others around him, have measured
}

// standing is all that the order depends on, in little memory: it is moved around.
type standing struct {
	score    float64
	km       float64 // infinite if it is not known
	site     int32
	excluded bool
}

// sort appends the sites' standings to dst in order: by insertion, since regions are
// few.
func (o *ordering) sort(dst []standing) []standing {
	for i := range o.sites {
		at := o.stand(int32(i))
		dst = append(dst, at)
		j := len(dst) - 1
		for ; j > 0 && o.before(&at, &dst[j-1]); j-- {
			dst[j] = dst[j-1]
		}
		dst[j] = at
	}
	return dst
}

func (o *ordering) stand(i int32) standing {
	s := &o.sites[i]
	at := standing{site: i, km: math.Inf(1), excluded: s.State != SiteLive}
	if o.place.Located && s.Located {
		at.km = o.from.DistanceKM(s.Point)
	}
	t := o.terms(&at)
	at.score = t.RTT + t.Bias
	return at
}

func (o *ordering) before(a, b *standing) bool {
	switch {
	case a.excluded != b.excluded:
		return b.excluded
	case a.score != b.score:
		return a.score < b.score
	case a.km != b.km:
		return a.km < b.km
	}
	return o.sites[a.site].Name < o.sites[b.site].Name
}

func (o *ordering) terms(at *standing) ChoiceTerms {
	s := &o.sites[at.site]
	t := ChoiceTerms{Bias: milliseconds(s.Bias)}
	learned := o.row.To(s.Name)
	switch {
	case o.place.Region == s.Name:
		t.By = ByNetwork
	case learned.MS > 0:
		t.RTT, t.By = float64(learned.MS), ByLearned
		t.Length, t.Sources = int(learned.Length), int(learned.Sources)
	case !math.IsInf(at.km, 1):
		t.RTT, t.By = nearMS+at.km/kmPerMS, ByDistance
	case !o.place.Located && (s.Self || s.RTT > 0):
		t.RTT, t.By = milliseconds(s.RTT), ByRegion
	default:
		t.RTT, t.By = furthestMS, ByNothing
	}
	return t
}

func (o *ordering) choice(at *standing) Choice {
	c := Choice{Site: &o.sites[at.site], Score: at.score, Terms: o.terms(at)}
	if !math.IsInf(at.km, 1) {
		c.DistanceKM, c.HasDistance = at.km, true
	}
	if at.excluded {
		c.Excluded = string(c.Site.State)
	}
	return c
}

func milliseconds(d time.Duration) float64 { return float64(d) / float64(time.Millisecond) }
