package agent

import (
	"fmt"

	"gazetteer/region"
)

// Checks says whether the store takes writes and how much of the rings is served.
func (a *agent) Checks() []region.Check { return []region.Check{a.storeCheck(), a.ringsCheck()} }

func (a *agent) storeCheck() region.Check {
	c := region.Check{Name: "store", OK: true, Detail: "takes writes"}
	if a.ended() {
		return region.Check{Name: "store", Detail: "closed"}
	}
	if err := a.writable(); err != nil {
		c.OK, c.Detail = false, err.Error()
	}
	return c
}

func (a *agent) ringsCheck() region.Check {
	m := a.Mirrored()
	detail := fmt.Sprintf("%d of %d partitions served", m.Serving, m.Partitions)
	if m.Alone > 0 {
		detail += fmt.Sprintf(", %d without a live mate", m.Alone)
	}
	return region.Check{Name: "rings", OK: m.Serving == m.Partitions, Detail: detail}
}

// Mirrored counts what this node's replicas hold and did.
func (a *agent) Mirrored() region.Mirrored {
	m := region.Mirrored{Counters: *a.counters.Load(), Writable: a.writable() == nil, Leases: *a.leased.Load()}
	if a.checker != nil {
		m.Checks = a.checker.Counters()
	}
	for _, places := range a.view.Load().places {
		for _, p := range places {
			if p.ring == "" || p.stance != owns { // what only comes or goes serves nobody
				continue
			}
			m.Partitions++
			m.Serving += count(p.serving.Reads)
			m.Alone += count(p.serving.Degraded)
		}
	}
	return m
}

func count(is bool) int {
	if is {
		return 1
	}
	return 0
}
