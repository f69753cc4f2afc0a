package gazetteer

import (
	"errors"
	"fmt"
	"strings"
)

// Kind says what callers may do about an error. One table in api/rest maps kinds to
// HTTP status and back, one in api/peer carries them between servers.
type Kind uint8

const (
	Internal      Kind = iota // a fault of ours
	Invalid                   // the request is malformed: mend it
	Unprocessable             // well-formed, but its meaning is refused
	NotFound                  // no such type, resource or location
	Conflict                  // the state forbids it (a type that is not empty, a data directory of another store)
	Precondition              // If-Match or If-None-Match does not hold
	TooLarge                  // over a limit: element, record, body
	Unavailable               // nobody can answer now: retry later or elsewhere
	WrongOwner                // asked a server that does not own the partition: retry with its plan
	Unserved                  // this replica does not serve the partition yet: ask another
	Deadline                  // not done in time; the outcome is unknown unless the detail says so
	Full                      // the disk is nearly full: reads go on, writes are refused
	Unsupported               // the peer does not know this kind of message
	Denied                    // not allowed
	Behind                    // a replica lacks what the session has been shown: wait, or ask another
)

var kindNames = [...]string{"internal", "invalid", "unprocessable", "not found", "conflict", "precondition failed",
	"too large", "unavailable", "wrong owner", "not serving yet", "deadline exceeded", "disk full", "unsupported", "denied", "behind the session"}

func (k Kind) String() string {
	if int(k) < len(kindNames) {
		return kindNames[k]
	}
	return fmt.Sprintf("kind %d", uint8(k))
}

// Error says where something failed, what kind of failure it is, and for which
// thing. Return it; do not log and return.
type Error struct {
	Op      string // package.Function, as in "cluster.Place"
	Kind    Kind
	Key     Key    // the resource it is about, if any
	Pointer string // where in the input, as a JSON pointer or a parameter name, if any
	Detail  string // what is wrong and what to do, for a person
	Plan    uint64 // of WrongOwner: the epoch of the plan that says so, 0 if it is not known
	Err     error  // the cause, if any
}

func (e *Error) Error() string {
	var b strings.Builder
	b.WriteString(e.Op)
	if e.Key != (Key{}) {
		b.WriteString(" " + e.Key.String())
	}
	b.WriteString(": ")
	if e.Detail == "" && e.Err == nil {
		b.WriteString(e.Kind.String())
	}
	if e.Pointer != "" {
		b.WriteString(e.Pointer + ": ")
	}
	b.WriteString(e.Detail)
	if e.Err != nil {
		if e.Detail != "" {
			b.WriteString(": ")
		}
		b.WriteString(e.Err.Error())
	}
	return b.String()
}

func (e *Error) Unwrap() error { return e.Err }

// KindOf returns the kind of the first [Error] in err's tree, [Internal] if there is
// none.
func KindOf(err error) Kind {
	var e *Error
	if errors.As(err, &e) {
		return e.Kind
	}
	return Internal
}
