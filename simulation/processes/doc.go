// Package processes runs a scenario on this machine as it is run in the field: each node
// is a process of the real binary, with real sockets on 127.0.0.1 and a disk of its own.
// Between regions the peer transport delays every byte by what the scenario says. Clients
// are open-loop and check every answer; faults are real signals to real processes; what
// is measured becomes the same [result.Run] that virtual time gives.
//
// [Run] is the experimenter's side. [Hear] is the side of a node: what a process of the
// binary does that was started by Run.
package processes

import (
	"io"
	"time"

	"gazetteer/simulation/result"
	"gazetteer/simulation/scenario"
)

// Config says what is run, and with what.
type Config struct {
	Scenario *scenario.Scenario
	// Command starts a node: a program and its first arguments. Flags of a server follow.
	// The process has to do what [Hear] says.
	Command []string
	// Bundled opens the bundled catalogue, as NDJSON; needed by scenarios that ask for it.
	Bundled func() (io.ReadCloser, error)
	// Dir is where nodes keep their data; a folder in it is made, and removed at the end.
	// Empty for the system's.
	Dir string
	Log Log // nil: what happens is not written down
	// Say is told in a few words what is being done; nil for nobody.
	Say func(what string)
}

// Log takes down what happens while it happens; a [result.Folder] does. It is called by
// one goroutine at a time.
type Log interface {
	Event(at time.Duration, what string)
	Sample(result.Sample)
}
