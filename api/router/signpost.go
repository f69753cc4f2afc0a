package router

import (
	"context"
	"net/http"
	"net/netip"
	"sync"
	"time"

	"gazetteer"
)

// Signpost stands in front of a regional server. Whoever asks with ?route=redirect is told
// where his best region is; everything else is answered on the spot: the data is here, too,
// and to carry a request to a region that is nearer to the client would take him longer.
type Signpost struct {
	Source Source
	Order  Order
	Client func(*http.Request) netip.Addr
	Next   http.Handler // the regional server

	mu    sync.Mutex // guards all below
	chart chart
	read  time.Time
}

// signpostEvery is how old what a signpost knows may be.
const signpostEvery = time.Second

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
	s.mu.Lock()
	defer s.mu.Unlock()
	s.chart.trusting = true
	if time.Since(s.read) > signpostEvery {
		ctx, cancel := context.WithTimeout(q.Context(), askPatience)
		defer cancel()
		if regions, err := s.Source(ctx); err == nil {
			s.chart.learn(regions)
			s.read = time.Now()
		}
	}
	to := s.chart.choose(s.Order(s.Client(q), s.chart.regions), way.pinned, 1)
	if len(to) == 0 {
		return fail(gazetteer.Unavailable, "the regions are not known now")
	}
	return redirect(w, q, to[0])
}
