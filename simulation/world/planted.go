package world

import (
	"time"

	"gazetteer/ring"
)

// mutation is a mistake in this driver that is made on purpose, to see that a checker
// finds it. A mistake in the cores is planted by their own tests.
type mutation uint8

const (
	sound            mutation = iota
	skipSync                  // reports what is written and not yet synced
	sendBeforeSave            // sends own writes before they are saved
	reuseIncarnation          // starts again under the same incarnation
	dropMarks                 // loses the marks of scans
	reorderLinks              // lets messages of one link overtake each other
)

// flushEvery is how long an operating system keeps what nobody has asked it to sync.
const flushEvery = 5 * time.Second

// writeUnsynced performs a save that a loss of power takes back.
func (p *process) writeUnsynced(rd *ring.Ready) {
	if d := p.disk; d.synced == nil {
		d.synced = d.clone()
		p.world.agenda.After(flushEvery, func() { d.synced = nil })
	}
	p.write(&rd.Save)
	p.finish(rd)
}
