package processes

import (
	"sync/atomic"

	"gazetteer"
)

// face is where a regional server answers over REST.
type face struct {
	addr   string
	region gazetteer.RegionID
	node   string
	tally  atomic.Pointer[tally] // of the process that runs, or ran last
	past   []*tally              // of earlier ones; changed only while nothing runs
	seen   seen                  // what its metrics said last
}

// tally is what clients have asked one process, and what it has answered.
type tally struct {
	asked, answered [routes]atomic.Int64 // by route
}

// route is one of those that generators use.
type route int

const (
	reading route = iota // GET /v1/resolve/{type}/{id}
	writing              // PUT .../locations/{location}
	looking              // GET .../locations/{location}
	routes
)

func newFace(addr string, s *seat) *face {
	f := &face{addr: addr, region: s.region, node: s.name}
	f.tally.Store(&tally{})
	return f
}

// renew begins the count of a new process.
func (f *face) renew() {
	if f == nil {
		return
	}
	f.seen.begin()
	f.past = append(f.past, f.tally.Swap(&tally{}))
}
