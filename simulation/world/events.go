package world

import (
	"fmt"
	"io"
	"slices"
	"strconv"

	"gazetteer"
	"gazetteer/ring"
	"gazetteer/simulation/agenda"
)

// journal is the events.log: one decision a line, with the seconds of virtual time before it.
type journal struct {
	w      io.Writer
	agenda *agenda.Agenda
	line   []byte
	err    error
}

func (j *journal) note(what string) { j.write("", what) }

func (j *journal) node(n gazetteer.NodeID, what string) { j.write(string(n), what) }

func (j *journal) region(r gazetteer.RegionID, what string) { j.write(string(r), what) }

func (j *journal) write(who, what string) {
	if j.w == nil || j.err != nil {
		return
	}
	j.line = strconv.AppendFloat(j.line[:0], j.agenda.Now().Seconds(), 'f', 6, 64)
	j.line = append(j.line, ' ')
	if who != "" {
		j.line = append(append(j.line, who...), ' ')
	}
	j.line = append(append(j.line, what...), '\n')
	_, j.err = j.w.Write(j.line)
}

// Err is the first error of writing the log; what came after it is missing there.
func (w *World) Err() error { return w.log.err }

// look writes down what a core has decided since the last time.
func (p *process) look() {
	c := p.core.Counters()
	for _, k := range []struct {
		what     string
		was, now uint64
	}{
		{"overflows", p.shown.Overflows, c.Overflows}, {"fences itself", p.shown.Fenced, c.Fenced},
		{"adopts orphans", p.shown.Orphans, c.Orphans}, {"takes whole scans", p.shown.WholeScans, c.WholeScans},
		{"collects tombstones", p.shown.Collected, c.Collected}, {"finds conflicts", p.shown.Conflicts, c.Conflicts},
		{"holds back stamps ahead", p.shown.Held, c.Held}, {"asks stuck subscribers", p.shown.Stuck, c.Stuck},
	} {
		if k.now > k.was {
			p.world.log.node(p.id, fmt.Sprintf("%s: %d", k.what, k.now-k.was))
		}
	}
	p.shown = c
	p.world.books.fresh(p)
}

// Coverage counts what a run has met. A batch of runs that met none of a kind says little.
type Coverage struct {
	Starts, Ends, Elections, Epochs, Installs   int
	LinksBroken, Lost, Doubled, Faults          int
	Written, Acknowledged, Tombstones           int
	Overflows, Orphans, WholeScans, Collected   uint64
	Conflicts, Held, Fenced, Scans, Gaps, Stuck uint64
}

// Coverage returns what has happened so far.
func (w *World) Coverage() Coverage {
	c := w.cover
	for _, p := range w.processes {
		k := p.counters()
		c.Overflows += k.Overflows
		c.Orphans += k.Orphans
		c.WholeScans += k.WholeScans
		c.Collected += k.Collected
		c.Conflicts += k.Conflicts
		c.Held += k.Held
		c.Fenced += k.Fenced
		c.Scans += k.Scans
		c.Gaps += k.Gaps
		c.Stuck += k.Stuck
	}
	return c
}

func sum(a, b ring.Counters) ring.Counters {
	return ring.Counters{
		Written: a.Written + b.Written, Applied: a.Applied + b.Applied, Duplicates: a.Duplicates + b.Duplicates,
		Superseded: a.Superseded + b.Superseded, Gaps: a.Gaps + b.Gaps, Scans: a.Scans + b.Scans,
		Resumed: a.Resumed + b.Resumed, WholeScans: a.WholeScans + b.WholeScans, Overflows: a.Overflows + b.Overflows,
		OverflowsInScan: a.OverflowsInScan + b.OverflowsInScan, Held: a.Held + b.Held, Fenced: a.Fenced + b.Fenced,
		Orphans: a.Orphans + b.Orphans, Collected: a.Collected + b.Collected, Conflicts: a.Conflicts + b.Conflicts,
		Rewritten: a.Rewritten + b.Rewritten, Mutual: a.Mutual + b.Mutual, Stuck: a.Stuck + b.Stuck, Renewed: a.Renewed + b.Renewed,
	}
}

func samePlan(a, b *ring.Plan) bool {
	return a.Epoch == b.Epoch && slices.EqualFunc(a.Edges, b.Edges, func(e, f ring.Edge) bool {
		return e.Peer == f.Peer && slices.Equal(e.Partitions, f.Partitions)
	})
}
