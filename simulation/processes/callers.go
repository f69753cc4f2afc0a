package processes

import (
	"sync"

	"gazetteer"
)

// callers are clients that are used again, by region.
type callers struct {
	mu   sync.Mutex // guards all below
	free map[gazetteer.RegionID][]*caller
}

func (r *run) probeCaller(at gazetteer.RegionID) *caller {
	r.callers.mu.Lock()
	defer r.callers.mu.Unlock()
	free := r.callers.free[at]
	if len(free) == 0 {
		return newCaller(r.doorsOf(at))
	}
	c := free[len(free)-1]
	r.callers.free[at] = free[:len(free)-1]
	return c
}

func (r *run) giveBack(at gazetteer.RegionID, c *caller) {
	r.callers.mu.Lock()
	defer r.callers.mu.Unlock()
	r.callers.free[at] = append(r.callers.free[at], c)
}

func (c *callers) close() {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, all := range c.free {
		for _, one := range all {
			one.close()
		}
	}
}
