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
	slices.SortFunc(out, func(a, b region.Site) int { return cmp.Compare(a.Name, b.Name) })
	return out
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

// followSelf reads again and again what the directory says of this region: its plan has
// the others only.
func (p *Planet) followSelf() {
	tick := time.NewTicker(p.Every)
	defer tick.Stop()
	for {
		p.readSelf()
		select {
		case <-tick.C:
		case <-p.ctx.Done():
			return
		}
	}
}

// readSelf keeps what it knows when the directory cannot be read: the leader says why.
func (p *Planet) readSelf() {
	stored, err := p.Server.Regions(p.ctx)
	if err != nil {
		return
	}
	for i := range stored {
		if stored[i].Key.ID != gazetteer.ID(p.self) {
			continue
		}
		if own, err := recordOf(&stored[i]); err == nil {
			p.sites.own.Store(&own)
		}
	}
}
