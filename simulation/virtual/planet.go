package virtual

import (
	"io"
	"time"

	"gazetteer/simulation/agenda"
	"gazetteer/simulation/fleet"
	"gazetteer/simulation/result"
	"gazetteer/simulation/scenario"
)

// planet is what a run needs of the replicas, their links and the tree.
type planet interface {
	fleet.Planet
	Agenda() *agenda.Agenda
	// Found lets time pass until the load may begin: the first tree stands, and every
	// replica serves.
	Found(limit time.Duration) error
	// Begin says that the load begins now.
	Begin()
	// Break is told of every fault. What it breaks it heals, after the fault's time.
	Break(*scenario.Fault)
	// Unrest says why the planet is not at rest: its replicas do not hold the same, or no
	// tree reaches all regions. Empty if it is.
	Unrest() string
	// Err says that the run cannot go on: a promise was broken.
	Err() error
	// Sample gives what the collector wants to know of replicas and links.
	Sample(func(result.Sample))
	// Report fills in what is the planet's: regions, edges, trees, propagation,
	// convergence, messages, happenings of its own, and its checks.
	Report(*result.Run)
}

// maker makes the planet of a run, with its catalogue. Faults are told when they happen.
type maker func(s *scenario.Scenario, seed uint64, c *stock, events io.Writer) (planet, error)

// foundsWithin bounds how long a planet takes until its load may begin.
const foundsWithin = 5 * time.Minute
