package region

import (
	"cmp"
	"fmt"
	"slices"
	"time"

	"gazetteer"
	"gazetteer/pb"
	"gazetteer/region/geo"
	"gazetteer/region/health"
	"gazetteer/ring"
)

// Terms of leases.
const (
	LeaseMin = time.Second
	LeaseMax = 24 * time.Hour
	// NoLease as Change.Lease gives a lease up: the location is as if it never had one.
	NoLease time.Duration = -1
)

// fact is what one region knows of a location.
type fact struct {
	gazetteer.Beside
	pb.HealthBody
}

func (f *fact) compare(a gazetteer.Aspect, location uint64) int {
	return cmp.Or(cmp.Compare(f.Aspect, a), cmp.Compare(f.Location, location))
}

// appendFact appends what an element beside a location says. What this version does not
// understand it passes over: health that cannot be read is unknown.
func appendFact(dst []fact, v *ring.RecordView) []fact {
	b, ok := gazetteer.LocationID(text(v.Location)).Beside()
	if !ok {
		return dst
	}
	body, err := pb.DecodeHealth(v.Body)
	if err != nil {
		return dst
	}
	return append(dst, fact{b, body})
}

// factsOf returns what is known of one aspect of a location. In a record facts are sorted
// by aspect and location.
func factsOf(facts []fact, a gazetteer.Aspect, location uint64) []fact {
	at, found := slices.BinarySearchFunc(facts, location, func(f fact, l uint64) int { return f.compare(a, l) })
	if !found {
		return nil
	}
	for at > 0 && facts[at-1].compare(a, location) == 0 {
		at--
	}
	end := at
	for end < len(facts) && facts[end].compare(a, location) == 0 {
		end++
	}
	return facts[at:end]
}

// judge sets the states of an answer's locations. Leases are everybody's: a location is
// down when all regions that hold a lease of it say so. Checks are local: what counts is
// what the region that answers has found.
func (s *Server) judge(a *Answer, spec *TypeSpec) {
	a.states = a.states[:0]
	if len(a.facts) == 0 && !spec.Health.Checks() {
		return
	}
	for i := range a.locations {
		a.states = append(a.states, s.stateOf(a, a.locations[i].ID.Hash(), spec.Health.Checks()))
	}
	a.TTL = a.ttl(time.Now().UnixMilli())
}

func (s *Server) stateOf(a *Answer, location uint64, checked bool) geo.State {
	for _, f := range factsOf(a.facts, gazetteer.Checked, location) {
		if f.Region == a.Region && f.Down && checked {
			return geo.StateDown
		}
	}
	leased, renewed := 0, 0
	for _, f := range factsOf(a.facts, gazetteer.Leased, location) {
		if s.isOfPlanet(f.Region) {
			leased++
			renewed += oneIf(!f.Down)
		}
	}
	switch {
	case leased > 0 && renewed == 0:
		return geo.StateDown
	case renewed > 0 || checked:
		return geo.StateUp
	}
	return geo.StateUnknown
}

func oneIf(is bool) int {
	if is {
		return 1
	}
	return 0
}

// isOfPlanet reports whether somebody may still end the leases that a region holds: those
// of a region that was removed say nothing any more.
func (s *Server) isOfPlanet(r gazetteer.RegionID) bool {
	if r == s.region || s.elsewhere == nil {
		return r == s.region
	}
	_, known := s.elsewhere.Of(r)
	return known
}

// edge is how long after a change of health answers are kept for a shorter time: what
// changed may change again. edgeShare is how much shorter.
const (
	edge      = 2 * time.Minute
	edgeShare = 6
)

// ttl is how long an answer may be kept: the type's time, a sixth of it near a health edge,
// and no longer than the shortest lease among its locations; at least a second.
func (a *Answer) ttl(now int64) time.Duration {
	ttl := a.TTL
	for i := range a.facts {
		f := &a.facts[i]
		if f.Aspect == gazetteer.Checked && f.Region != a.Region {
			continue
		}
		if now-f.Since < edge.Milliseconds() {
			ttl = min(ttl, a.TTL/edgeShare)
		}
		if f.Aspect == gazetteer.Leased {
			ttl = min(ttl, f.Term)
		}
	}
	return max(ttl.Truncate(time.Second), min(a.TTL, time.Second))
}

// healthOf names the locations that facts are about, for a record that is shown.
func healthOf(facts []fact, locations []gazetteer.Location) (out []gazetteer.Health) {
	if len(facts) == 0 {
		return nil
	}
	for i := range locations {
		id := locations[i].ID
		for _, a := range []gazetteer.Aspect{gazetteer.Checked, gazetteer.Leased} {
			for _, f := range factsOf(facts, a, id.Hash()) {
				out = append(out, gazetteer.Health{Location: id, Aspect: a, Region: f.Region, Down: f.Down, Term: f.Term, Since: f.Since})
			}
		}
	}
	return out
}

// renewal encodes a lease, see region/agent for what becomes of it.
func (s *Server) renewal(c *Change, location gazetteer.LocationID) (ring.Value, error) {
	if c.Lease != NoLease && (c.Lease < LeaseMin || c.Lease > LeaseMax) {
		return ring.Value{}, refuse(c, gazetteer.Unprocessable, "ttl", "a lease lasts from %v to %v, or is given up with 0; this is %v", LeaseMin, LeaseMax, c.Lease)
	}
	body := pb.AppendHealth([]byte{}, &pb.HealthBody{Term: max(c.Lease, 0)})
	name := gazetteer.Beside{Aspect: gazetteer.Leased, Location: location.Hash(), Region: s.region}
	return ring.Value{Location: name.Element(), Body: body}, nil
}

// renew encodes a change that only renews a lease.
func (s *Server) renew(c *Change) ([]ring.Value, error) {
	if err := c.Location.Validate(); err != nil {
		return nil, err
	}
	if c.Lease == 0 {
		return nil, refuse(c, gazetteer.Invalid, "ttl", "is missing: how long does the renewal last?")
	}
	v, err := s.renewal(c, c.Location)
	return []ring.Value{v}, err
}

// noLocation says of a renewal that it has nothing to renew.
func noLocation(c *Change, err error) error {
	return &gazetteer.Error{Op: "region.Write", Kind: gazetteer.NotFound, Key: c.Key, Err: err,
		Detail: fmt.Sprintf("the resource has no location %q", c.Location)}
}

// healthDocument is how a type's locations are checked, in its attributes.
type healthDocument struct {
	Kind     health.Kind `json:"kind"`
	Interval int64       `json:"interval_ms"`
	Timeout  int64       `json:"timeout_ms"`
	Path     string      `json:"path,omitempty"`
	Port     uint16      `json:"port,omitempty"`
	Rise     int         `json:"rise"`
	Fall     int         `json:"fall"`
}

func documentOf(s health.Spec) *healthDocument {
	if !s.Checks() {
		return nil
	}
	return &healthDocument{s.Kind, s.Interval.Milliseconds(), s.Timeout.Milliseconds(), s.Path, s.Port, s.Rise, s.Fall}
}

// spec returns no checks for what this version cannot make.
func (d *healthDocument) spec() health.Spec {
	if d == nil {
		return health.Spec{}
	}
	s := health.Spec{
		Kind: d.Kind, Interval: time.Duration(d.Interval) * time.Millisecond, Timeout: time.Duration(d.Timeout) * time.Millisecond,
		Path: d.Path, Port: d.Port, Rise: d.Rise, Fall: d.Fall,
	}
	if s.Complete() != nil {
		return health.Spec{}
	}
	return s
}
