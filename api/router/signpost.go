package router

import (
	"net/http"
	"net/netip"

	"gazetteer"
	"gazetteer/region"
	"gazetteer/region/geo"
)

// Signpost stands in front of a regional server. Whoever asks with ?route=redirect is told
// where his best region is; everything else is answered on the spot: the data is here, too,
// and to carry a request to a region that is nearer to the client would take him longer.
type Signpost struct {
	// Choices are the regions of the planet in the order for a client, those that take
	// clients first; [region.Server.Order] tells.
	Choices func(*geo.Client) []region.Choice
	Client  func(*http.Request) netip.Addr
	Next    http.Handler // the regional server
}

// ServeHTTP implements http.Handler.
func (s *Signpost) ServeHTTP(w http.ResponseWriter, q *http.Request) {
	if !asksTheWay(q) {
		s.Next.ServeHTTP(w, q)
		return
	}
	way, err := readRoute(q)
	if err == nil && !way.redirect { // it is part of some other word
		s.Next.ServeHTTP(w, q)
		return
	}
	if err == nil {
		err = s.tell(w, q, way)
	}
	if err != nil {
		refuse(w, q, err)
	}
}

func (s *Signpost) tell(w http.ResponseWriter, q *http.Request, way route) error {
	var best *target
	for _, c := range s.Choices(&geo.Client{Addr: s.Client(q)}) {
		to, ok := entryOf(c.Site)
		if !ok {
			continue
		}
		if best == nil {
			best = &to
		}
		if to.region == way.pinned && c.Site.State != region.SiteUnreachable {
			best = &to
		}
	}
	if best == nil {
		return fail(gazetteer.Unavailable, "no regional server's address is known here")
	}
	return redirect(w, q, *best)
}

// entryOf returns a region's first server: those that live come first.
func entryOf(s *region.Site) (target, bool) {
	for _, e := range s.Servers {
		if u := urlOf("http", e.HTTP, e.Peer); u != "" {
			return target{s.Name, u}, true
		}
	}
	return target{}, false
}
