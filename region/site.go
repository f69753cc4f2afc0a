package region

import (
	"time"

	"gazetteer"
)

// Site is one region of the planet as this one knows it.
type Site struct {
	Name    gazetteer.RegionID
	Point   gazetteer.Point
	Located bool
	Self    bool // this region
	State   SiteState
	RTT     time.Duration // smoothed round trip from this region; 0 if not known, or Self
	// Bias is what operators add to the round trip of every client to the region: it
	// gets fewer clients, or more if it is negative.
	Bias    time.Duration
	Servers []RegionServer
}

// BiasMax bounds the bias of a region either way: it is far beyond every round trip on
// earth, so that a region with it is the last or the first for everybody.
const BiasMax = time.Second

// SiteState says whether clients are sent to a region.
type SiteState string

// The states of a region that is part of the planet.
const (
	SiteLive        SiteState = "live"
	SiteDraining    SiteState = "draining"    // clients are sent elsewhere
	SiteUnreachable SiteState = "unreachable" // it does not answer this region
)

// sites returns the regions of the planet. A region that knows of no planet is all of it.
func (s *Server) sites() []Site {
	if s.elsewhere != nil {
		if all := s.elsewhere.Sites(); len(all) > 0 {
			return all
		}
	}
	return s.lone
}

// site returns one of them; nil if there is no such region.
func (s *Server) site(r gazetteer.RegionID) *Site {
	all := s.sites()
	for i := range all {
		if all[i].Name == r {
			return &all[i]
		}
	}
	return nil
}
