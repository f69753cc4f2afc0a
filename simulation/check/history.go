package check

import (
	"fmt"
	"math"
	"time"
)

// Kind is what an operation does.
type Kind string

// The operations that clients of a run do.
const (
	Put           Kind = "put"
	Delete        Kind = "delete"
	Resolve       Kind = "resolve"
	Get           Kind = "get"
	List          Kind = "list"
	CompareAndSet Kind = "compare-and-set"
)

func (k Kind) writes() bool { return k == Put || k == Delete || k == CompareAndSet }

// Outcome is what the client knows of an operation.
type Outcome string

// Refused is the word of a server that nothing was or will be done. Unknown is every other
// end without an answer: what was asked may be done, also later.
const (
	Done    Outcome = "done"
	Refused Outcome = "refused"
	Unknown Outcome = "unknown"
)

// Level is how far a write has got when it was acknowledged.
type Level string

// The levels, and what each names, stand in DESIGN.md of package ring.
const (
	Local   Level = "local"
	Ring    Level = "ring"
	Regions Level = "regions"
)

// atLeast reports whether a level says as much as another one.
func (l Level) atLeast(o Level) bool { return l.rank() >= o.rank() }

func (l Level) rank() int {
	switch l {
	case Local:
		return 1
	case Ring:
		return 2
	case Regions:
		return 3
	}
	return 0
}

// Value is what one write leaves in an element. Each write of a run has its own; 0 is that
// the element does not exist.
type Value uint64

// Op is one operation on one element. Times count from the begin of the run, by a clock
// that only goes forward.
type Op struct {
	Kind    Kind          `json:"op"`
	Door    string        `json:"door"` // the address that was asked
	Client  int           `json:"client"`
	Element string        `json:"element"`
	Began   time.Duration `json:"began_ns"`
	Ended   time.Duration `json:"ended_ns"`
	Outcome Outcome       `json:"outcome"`
	Value   Value         `json:"value"` // written, or shown

	Level Level `json:"level,omitempty"` // of a write that is done: reached
	// Session: it was asked within the session of its client, and answered with a token.
	Session bool `json:"session,omitempty"`

	// Of a read: the bound that the answer gave for its age, nil where it gave none, and
	// whether it said that the bound leaves an origin out.
	Staleness *time.Duration `json:"staleness_ns,omitempty"`
	Degraded  bool           `json:"degraded,omitempty"`

	Version string `json:"version,omitempty"`
	Expects string `json:"expects,omitempty"` // of a compare-and-set
	Error   string `json:"error,omitempty"`
}

func (o *Op) String() string {
	s := fmt.Sprintf("%v..%v client %d at %s: %s %s", millis(o.Began), millis(o.Ended), o.Client, o.Door, o.Kind, o.Element)
	switch {
	case o.Outcome != Done:
		return s + fmt.Sprintf(" value %d, %s", o.Value, o.Outcome)
	case o.Kind.writes():
		return s + fmt.Sprintf(" value %d, acknowledged at %s", o.Value, o.Level)
	}
	s += fmt.Sprintf(" shows %d", o.Value)
	if o.Staleness != nil {
		s += fmt.Sprintf(", at most %v old", *o.Staleness)
	}
	return s
}

func millis(d time.Duration) time.Duration { return d.Round(time.Millisecond) }

// forever is the end of what may still be done.
const forever = time.Duration(math.MaxInt64)

// over is from when on a write cannot take effect any more.
func (o *Op) over() time.Duration {
	if o.Outcome == Unknown {
		return forever
	}
	return o.Ended
}

// EventKind is what a watch shows.
type EventKind string

// Connected is a new connection: what was shown since the last bookmark may be shown again.
const (
	Connected EventKind = "connected"
	Reset     EventKind = "reset"
	Bookmark  EventKind = "bookmark"
	Shown     EventKind = "shown" // a value, also in a snapshot; 0 if it was deleted
)

// Event is one thing that a watch has shown.
type Event struct {
	Kind    EventKind     `json:"event"`
	At      time.Duration `json:"at_ns"`
	Element string        `json:"element,omitempty"`
	Value   Value         `json:"value,omitempty"`
	Stamp   string        `json:"stamp,omitempty"` // the higher text is the newer one
}

func (e *Event) String() string {
	return fmt.Sprintf("%v the watch shows %s: %s value %d, stamp %s", millis(e.At), e.Kind, e.Element, e.Value, e.Stamp)
}

// Watch is what one watcher was shown, in order.
type Watch struct {
	Door   string
	Events []Event
}

// Held is what a region holds of an element.
type Held struct {
	Value   Value  `json:"value"`
	Version string `json:"version"`
}

// Copy is all that a region holds of a run at rest.
type Copy struct {
	Door string
	Held map[string]Held // by element
}

// Journaled is an entry of the conflict journal; Value is 0 of a deletion that lost.
type Journaled struct {
	Element string
	Value   Value
}

// History is all that was recorded of a run.
type History struct {
	Ops     []Op
	Watches []Watch
	Rest    []Copy // one of each region
	Journal []Journaled
	// JournalCut: there are more entries than were told, so losers cannot be accounted for.
	JournalCut bool
	Loaded     time.Duration // how long requests were sent
}
