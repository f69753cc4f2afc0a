package world

import (
	"time"

	"gazetteer/ring"
	"gazetteer/ring/memstore"
)

// syncTime is what it takes to make a save durable, on a solid-state disk with power-loss
// protection: this much, and up to as much again.
const syncTime = time.Millisecond

// disk is what a process has for good, and the books' own record of it. What is saved is
// written and then synced; only then anybody hears of it.
type disk struct {
	store   *memstore.Store
	shelves []shelf
	slower  float64 // times; 0: as fast as ever
	copied  *disk   // an old copy of it
	// synced is the last state that survives a loss of power, nil if that is the present
	// one. It is something else only where a driver does not wait for the sync.
	synced *disk
}

func newDisk(parts int) *disk {
	return &disk{store: memstore.New(), shelves: make([]shelf, parts)}
}

// durable is what survives a loss of power.
func (d *disk) durable() *disk {
	if d.synced != nil {
		return d.synced
	}
	return d
}

func (d *disk) clone() *disk {
	c := &disk{store: d.store.Clone(), shelves: make([]shelf, len(d.shelves))}
	for i := range d.shelves {
		c.shelves[i] = d.shelves[i].clone()
	}
	return c
}

// syncs draws what one sync takes.
func (p *process) syncs() time.Duration {
	t := between(p.dice, syncTime, 2*syncTime)
	if p.disk.slower > 1 {
		t = time.Duration(float64(t) * p.disk.slower)
	}
	return t
}

// write performs a save. It survives the process, and the loss of power once it is synced.
func (p *process) write(s *ring.Save) {
	if err := p.disk.store.Save(s); err != nil {
		p.world.books.fail("store", p, "%v", err)
	}
	p.world.books.saved(p, s)
}
