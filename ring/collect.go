package ring

import (
	"slices"
	"time"

	"gazetteer"
)

// collectMax bounds the tombstones that go in one step.
const collectMax = 1000

// collect removes the tombstones below the stable stamp: every replica is complete from
// every origin up to there, so no older write of the element can still be under way.
// None goes above this replica's own completeness, and none before its time: that is a
// courtesy to those who were away, and later is always as good.
func (r *Replica) collect() {
	if r.stable == 0 || !r.batch.clean() {
		return
	}
	below := min(r.stable, r.complete(), r.keptFrom())
	dead, err := r.cfg.Reader.Tombstones(below, collectMax)
	if err != nil {
		panic(ReadError{err})
	}
	slices.SortFunc(dead, func(a, b Held) int { return a.Update.Position.Compare(b.Update.Position) })
	for _, h := range dead {
		r.collectOne(h)
	}
}

// keptFrom is the stamp from which on tombstones are kept for their time.
func (r *Replica) keptFrom() gazetteer.Clock {
	if r.cfg.KeepTombstones == 0 {
		return ^gazetteer.Clock(0)
	}
	return gazetteer.ClockAt(max(0, r.now.Wall-r.cfg.KeepTombstones.Milliseconds()))
}

func (r *Replica) collectOne(h Held) {
	m, u := r.mirrors[h.Partition], h.Update
	if m == nil || !m.vector.Covers(u.Position) || !r.agreed(m.partition) {
		return
	}
	g := r.resource(m.partition, u.Element.ID)
	if held, ok := g.held(u.Element.Location); !ok || held.Position != u.Position {
		return
	}
	r.batch.remove(g, u.Element.Location)
	r.collectUpTo(m, gazetteer.Vector{u.Position}, u.Stamp.Clock)
	r.count.Collected++
}

// collectUpTo raises the horizon.
func (r *Replica) collectUpTo(m *mirror, v gazetteer.Vector, c gazetteer.Clock) {
	if len(v) == 0 && c <= m.collectedClock {
		return
	}
	m.collected = m.collected.Merge(v)
	m.collectedClock = max(m.collectedClock, c)
	s := r.batch.raised(m)
	s.Collected = s.Collected.Merge(v)
	s.CollectedClock = max(s.CollectedClock, c)
}

// adoptOrphans writes anew the elements above the vector of an ended origin: a store
// died in mid-scan, and no mark will ever cover them.
func (r *Replica) adoptOrphans() {
	for _, m := range r.order {
		if !m.loose || !m.filled || m.whole != nil || m.scanning() || r.fenced || !r.planned[r.origin.Store] {
			continue
		}
		r.adoptOrphansOf(m)
	}
}

func (m *mirror) sees(orphan gazetteer.Position, now time.Duration) {
	if m.orphans == nil {
		m.orphans = map[gazetteer.Position]time.Duration{}
	}
	m.orphans[orphan] = now
}

func (r *Replica) adoptOrphansOf(m *mirror) {
	var found []gazetteer.Update
	seen := map[gazetteer.Position]bool{}
	m.loose = false
	for u := range r.scanMirror(m, m.vector) {
		m.loose = true
		seen[u.Position] = true
		if since, ok := m.orphans[u.Position]; !ok {
			m.sees(u.Position, r.now.Mono)
		} else if r.now.Mono-since >= r.cfg.OrphanAfter && r.ended(u.Position.Origin) {
			found = append(found, u)
		}
	}
	for p := range m.orphans {
		if !seen[p] {
			delete(m.orphans, p)
		}
	}
	slices.SortFunc(found, func(a, b gazetteer.Update) int { return a.Position.Compare(b.Position) })
	var anew []gazetteer.Update
	for _, u := range found {
		anew = append(anew, r.rewrite(m, r.resource(m.partition, u.Element.ID), u))
		r.count.Orphans++
	}
	if anew != nil {
		r.passOn(m, nil, Elements{Partition: m.partition, Live: true, Updates: anew}, len(anew))
	}
}
