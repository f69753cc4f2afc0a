package planet

import (
	"cmp"
	"context"
	"slices"
	"time"

	"gazetteer"
	"gazetteer/mst"
	"gazetteer/mst/voice"
	"gazetteer/region"
)

// showEvery is how old the status may be that the others are shown.
const showEvery = 500 * time.Millisecond

// show lets others see what the voice knows.
func (s *speaker) show(changed bool) {
	s.stale = s.stale || changed
	age := time.Since(s.shown)
	if age < showEvery/5 || age < showEvery && !s.stale {
		return
	}
	s.stale = false
	status := s.v.Status()
	s.shown = time.Now()
	s.p.status.Store(&status)
}

// topologyRequest asks another process of this region, the leader, for what its voice
// knows.
type topologyRequest struct{}

// topology answers it.
func (p *Planet) topology(ctx context.Context, _ topologyRequest) (voice.Status, error) {
	s := p.status.Load()
	if s == nil {
		return voice.Status{}, refuse("Topology", gazetteer.Unavailable, "", "node %s does not lead its region", p.Node)
	}
	return *s, nil
}

// topologyNow returns the planet as this region's voice knows it, from whichever process
// that is.
func (p *Planet) topologyNow(ctx context.Context) (region.Topology, error) {
	s, err := p.statusNow(ctx)
	if err != nil {
		return region.Topology{}, err
	}
	all, err := p.directory(ctx)
	if err != nil {
		return region.Topology{}, err
	}
	out := region.Topology{Weight: micros(s.Tree.Weight), Messages: s.Messages, Epoch: nameOf(s.Tree.Epoch), Halted: s.Took.Halted, Installed: s.Took.Installed}
	if s.Running {
		out.Running = nameOf(s.Epoch)
	}
	if s.Cause != voice.CauseNone {
		out.Due = s.Cause.String()
	}
	for i := range all {
		if all[i].Standing.State != Removed {
			out.Regions = append(out.Regions, p.regionStatus(&all[i], &s))
		}
	}
	slices.SortFunc(out.Regions, func(a, b region.RegionStatus) int { return cmp.Compare(a.Name, b.Name) })
	for _, e := range s.Edges {
		out.Edges = append(out.Edges, region.TopologyEdge{A: e.A, B: e.B, Cost: micros(e.Cost), Tree: e.Tree, Provisional: s.provisional(e.A, e.B)})
	}
	return out, nil
}

// known is a status with questions.
type known struct{ voice.Status }

func (p *Planet) statusNow(ctx context.Context) (known, error) {
	if s := p.status.Load(); s != nil {
		return known{*s}, nil
	}
	leader, _ := p.Group.Leader()
	if leader.Node == "" || leader.Self {
		return known{}, refuse("Topology", gazetteer.Unavailable, "", "the region has no leader that could tell")
	}
	var s voice.Status
	err := ask(ctx, p.toNode(leader.Node), "topology", topologyRequest{}, &s)
	return known{s}, err
}

// provisional reports whether this region keeps a link between two, of which it is one,
// that is not of the tree.
func (k *known) provisional(a, b gazetteer.RegionID) bool {
	other := a
	if a == k.Self {
		other = b
	} else if b != k.Self {
		return false
	}
	return slices.ContainsFunc(k.Branches, func(c voice.Branch) bool {
		return c.Region == other && c.Why != voice.Tree && c.Why != voice.Draining
	})
}

func (p *Planet) regionStatus(r *Record, k *known) region.RegionStatus {
	out := region.RegionStatus{Name: r.Name, State: string(r.Standing.State), Self: r.Name == p.self, Stores: len(r.Stores), Lag: -1, Bias: r.Bias}
	if r.Place != nil {
		out.Point, out.Located = gazetteer.Point{Lat: r.Place.Lat, Lon: r.Place.Lon}, true
	}
	out.Servers = r.servers()
	if lag, ok := p.lagOf(r); ok {
		out.Lag = lag
	}
	if i := slices.IndexFunc(k.Regions, func(s voice.RegionStatus) bool { return s.Region == r.Name }); i >= 0 && !out.Self {
		s := k.Regions[i]
		out.RTT, out.Silent = s.RTT, s.Age
		if !s.Reach {
			out.State = "unreachable"
		}
	}
	return out
}

// lagOf returns how old what is held here of a region's writes may be.
func (p *Planet) lagOf(r *Record) (time.Duration, bool) {
	if r.Name == p.self || p.Lag == nil {
		return 0, r.Name == p.self
	}
	stores := make([]gazetteer.StoreID, len(r.Stores))
	for i, s := range r.Stores {
		stores[i] = gazetteer.StoreID(s)
	}
	return p.Lag(stores)
}

func micros(n uint64) time.Duration { return time.Duration(n) * time.Microsecond }

// nameOf returns an epoch as operators see it; "" for none.
func nameOf(e mst.Epoch) string {
	if e == (mst.Epoch{}) {
		return ""
	}
	return e.String()
}
