package ghs

import (
	"fmt"
	"time"

	"gazetteer"
	"gazetteer/mst"
)

// Event is one line of a transcript: a node wakes by itself (From is empty), or takes a
// message. The events in their order are everything that the nodes of a run were told.
type Event struct {
	At       time.Duration // virtual
	From, To gazetteer.RegionID
	Message  mst.Message // nil when To wakes
}

func (e Event) String() string {
	ms := float64(e.At) / float64(time.Millisecond)
	if e.Message == nil {
		return fmt.Sprintf("%9.3f %s wakes", ms, e.To)
	}
	return fmt.Sprintf("%9.3f %s->%s %v", ms, e.From, e.To, e.Message)
}
