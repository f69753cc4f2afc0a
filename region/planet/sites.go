package planet

import (
	"cmp"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"gazetteer"
	"gazetteer/region"
	"gazetteer/region/control"
)

// sitesFor is how long what is known of the regions is used before it is looked at
// again: short beside the time after which a region counts as silent.
const sitesFor = 200 * time.Millisecond

// sites is the planet as clients are sent around in it.
type sites struct {
	known atomic.Pointer[sitesAt]
	// own is what the directory says of this region; nil while that is not known.
	own atomic.Pointer[Record]
	// biases are what the directory says of all regions. They stay out of the plan: an
	// older process of the region could not read a peer that has one.
	biases atomic.Pointer[map[gazetteer.RegionID]time.Duration]

	mu sync.Mutex // held by the one who looks
}

// sitesAt are the sites as they were at one time. They do not change.
type sitesAt struct {
	all []region.Site
	at  time.Time
}

// Sites returns the regions of the planet, by name. Who asks when it is time to look
// again looks; others have what was seen last.
func (p *Planet) Sites() []region.Site {
	now, known := time.Now(), p.sites.known.Load()
	if known != nil && now.Sub(known.at) < sitesFor || !p.sites.mu.TryLock() {
		return known.sites()
	}
	defer p.sites.mu.Unlock()
	known = &sitesAt{p.lookAround(now), now}
	p.sites.known.Store(known)
	return known.all
}

func (s *sitesAt) sites() []region.Site {
	if s == nil {
		return nil
	}
	return s.all
}

func (p *Planet) lookAround(now time.Time) []region.Site {
	out := []region.Site{p.here()}
	others := p.others()
	for i := range others {
		if r := &others[i]; r.Standing.joined() {
			s := r.site()
			s.RTT, _ = p.rtts.of(r.Name, now, p.pingPace())
			if s.State == region.SiteLive && p.rtts.quiet(r.Name, now, p.pingPace(), len(r.Entries)) {
				s.State = region.SiteUnreachable
			}
			out = append(out, s)
		}
	}
	p.sites.giveBias(out)
	slices.SortFunc(out, func(a, b region.Site) int { return cmp.Compare(a.Name, b.Name) })
	return out
}

func (s *sites) giveBias(all []region.Site) {
	biases := s.biases.Load()
	if biases == nil {
		return
	}
	for i := range all {
		all[i].Bias = (*biases)[all[i].Name]
	}
}

// here returns this region: its servers by its plan, the rest by the directory.
func (p *Planet) here() region.Site {
	r := Record{Name: p.self, Standing: Standing{State: Live}}
	if own := p.sites.own.Load(); own != nil {
		r = *own
	}
	place := r.Place
	r.Description = describe(p.plan(), "", p.Place)
	if r.Place == nil {
		r.Place = place
	}
	r.Entries = slices.DeleteFunc(r.Entries, func(e Entry) bool {
		m, ok := p.plan().Member(e.Node)
		return !ok || m.State == control.Dead
	})
	s := r.site()
	s.Self = true
	return s
}

func (r *Record) site() region.Site {
	s := region.Site{Name: r.Name, State: region.SiteLive, Servers: r.servers()}
	if r.Standing.State == Draining {
		s.State = region.SiteDraining
	}
	if r.Place != nil {
		s.Point, s.Located = gazetteer.Point{Lat: r.Place.Lat, Lon: r.Place.Lon}, true
	}
	return s
}

func (r *Record) servers() (out []region.RegionServer) {
	for _, e := range r.Entries {
		out = append(out, region.RegionServer{Node: e.Node, Peer: e.Addr, HTTP: e.HTTP})
	}
	return out
}

// followDirectory reads again and again what the plan does not say: what the directory has
// of this region, since the plan has the others only, and the biases of all.
func (p *Planet) followDirectory() {
	tick := time.NewTicker(p.Every)
	defer tick.Stop()
	for {
		p.readDirectory()
		select {
		case <-tick.C:
		case <-p.ctx.Done():
			return
		}
	}
}

// readDirectory keeps what it knows when the directory cannot be read: the leader says why.
func (p *Planet) readDirectory() {
	stored, err := p.Server.Regions(p.ctx)
	if err != nil {
		return
	}
	biases := map[gazetteer.RegionID]time.Duration{}
	for i := range stored {
		r, err := recordOf(&stored[i])
		if err != nil {
			continue
		}
		if r.Bias != 0 {
			biases[r.Name] = r.Bias
		}
		if r.Name == p.self {
			p.sites.own.Store(&r)
		}
	}
	p.sites.biases.Store(&biases)
}
