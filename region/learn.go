package region

import (
	"context"
	"fmt"
	"net/netip"
	"sync"
	"sync/atomic"
	"time"

	"gazetteer"
	"gazetteer/region/geo"
)

const (
	// learnEvery is how soon after a report it counts; what is too old is forgotten at
	// forgetEvery.
	learnEvery  = 5 * time.Second
	forgetEvery = 10 * time.Minute
)

// learning is what clients have measured, as far as they told this server. It is soft
// state: it ends with the process, and no other server has it.
type learning struct {
	view atomic.Pointer[geo.Learned]

	mu      sync.Mutex // guards following
	all     *geo.Measurements
	changed bool
	learned time.Time
}

// Reported says what became of a report.
type Reported struct {
	// Network is the one whose clients are one source together: in wider networks all of
	// them count as one.
	Network netip.Prefix
	Taken   int // measurements that count from now on
	// Raised are those of them that claim less than light takes over the distance: they
	// count as that.
	Raised int
}

// Measure takes round trips to regions that a client at an address has measured. What it
// says counts for itself within seconds, and for others as one voice of many, see
// [geo.Measurements].
func (s *Server) Measure(client netip.Addr, all []geo.Measurement) (Reported, error) {
	r := Reported{Network: geo.SourceOf(client)}
	if !r.Network.IsValid() {
		return r, &gazetteer.Error{Op: "region.Measure", Kind: gazetteer.Unprocessable,
			Detail: fmt.Sprintf("the request came from %s, which is no address of a client on the internet: nothing can be learned for others", client)}
	}
	place := s.Locate(&geo.Client{Addr: client})
	sane := make([]geo.Measurement, len(all))
	for i := range all {
		at := s.site(all[i].Region)
		if at == nil {
			return r, &gazetteer.Error{Op: "region.Measure", Kind: gazetteer.Unprocessable, Pointer: fmt.Sprintf("/measurements/%d/region", i),
				Detail: fmt.Sprintf("the planet has no region %.80q", all[i].Region)}
		}
		sane[i] = all[i]
		if least := shortest(&place, at); sane[i].RTT < least {
			sane[i].RTT = least
			r.Raised++
		}
	}
	r.Taken = s.learning.take(time.Now(), client, sane)
	return r, nil
}

// shortest is the round trip that light takes to a region, as far as is known where the
// two are.
func shortest(p *geo.Place, at *Site) time.Duration {
	if !p.Located || !at.Located {
		return 0
	}
	return geo.Shortest(geo.DistanceKM(p.Point, at.Point))
}

func (l *learning) take(now time.Time, client netip.Addr, all []geo.Measurement) int {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.all == nil {
		l.all = geo.NewMeasurements()
	}
	n := l.all.Take(now, client, all)
	l.changed = l.changed || n > 0
	return n
}

// run draws conclusions from what was reported until ctx ends.
func (l *learning) run(ctx context.Context) {
	tick := time.NewTicker(learnEvery)
	defer tick.Stop()
	for {
		select {
		case <-tick.C:
			l.conclude(time.Now())
		case <-ctx.Done():
			return
		}
	}
}

func (l *learning) conclude(now time.Time) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.all == nil || !l.changed && now.Sub(l.learned) < forgetEvery {
		return
	}
	l.view.Store(l.all.Learn(now))
	l.changed, l.learned = false, now
}

// of returns what was measured by or around a client, and says in his place which that
// is and in which network the same is known. Who says where he is, not who, has measured
// nothing there.
func (l *learning) of(c *geo.Client, p *geo.Place) geo.Row {
	view := l.view.Load()
	if view == nil || p.Method == geo.StatedPoint || p.Method == geo.StatedCountry {
		return geo.Row{}
	}
	row, around := view.Find(Address(c))
	if around.Bits() > p.Network.Bits() && p.Network.Contains(around.Addr()) {
		p.Network = around
	}
	p.Measured = row.ID()
	return row
}
