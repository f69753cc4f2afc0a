// Package health finds out whether locations answer: by active checks of a type, HTTP or
// TCP, from the region they are made in.
//
// A [Checker] runs through the locations that its process is responsible for, evenly
// spread over the type's interval; a [Judge] turns results into transitions, with
// thresholds against flapping and a cap on how many may go down; a [Prober] makes one
// check, and connects to nothing that is not meant to be reached from outside.
package health

import (
	"fmt"
	"strings"
	"time"

	"gazetteer"
)

// Kind is how a location is checked.
type Kind string

const (
	None Kind = ""     // not at all
	HTTP Kind = "http" // GET answers with a status below 400
	TCP  Kind = "tcp"  // a connection is accepted
)

// Spec says how the locations of a type are checked. The zero Spec: not at all.
type Spec struct {
	Kind Kind
	// Interval (10 s) is the time between two checks of one location. Going down takes
	// Fall of them.
	Interval time.Duration
	Timeout  time.Duration // of one check (2 s)
	Path     string        // HTTP: asked for at the location's host; empty: its URL as it is
	Port     uint16        // connected to; 0: the one of the URL, which must be 80 or 443
	Rise     int           // successes in a row until a location is up again (2)
	Fall     int           // failures in a row until it is down (3)
}

// Limits of a Spec.
const (
	intervalMin = time.Second
	intervalMax = time.Hour
	timeoutMax  = 5 * time.Second
	rowMax      = 10
	pathMax     = 1024
)

// Checks reports whether locations are checked.
func (s Spec) Checks() bool { return s.Kind != None }

// Complete sets the defaults, and refuses what no check can be made of. Its error points
// at the field by its name in the document of a type.
func (s *Spec) Complete() error {
	if s.Kind == None {
		*s = Spec{}
		return nil
	}
	orElse(&s.Interval, 10*time.Second)
	orElse(&s.Timeout, min(2*time.Second, s.Interval))
	orElse(&s.Rise, 2)
	orElse(&s.Fall, 3)
	switch {
	case s.Kind != HTTP && s.Kind != TCP:
		return refuse("/health/kind", "%q is neither %q nor %q", s.Kind, HTTP, TCP)
	case s.Interval < intervalMin || s.Interval > intervalMax:
		return refuse("/health/interval_seconds", "%v is not between %v and %v", s.Interval, intervalMin, intervalMax)
	case s.Timeout <= 0 || s.Timeout > min(s.Interval, timeoutMax):
		return refuse("/health/timeout_seconds", "%v is not above 0 and up to the interval and %v", s.Timeout, timeoutMax)
	case s.Rise < 1 || s.Rise > rowMax:
		return refuse("/health/rise", "%d is not between 1 and %d", s.Rise, rowMax)
	case s.Fall < 1 || s.Fall > rowMax:
		return refuse("/health/fall", "%d is not between 1 and %d", s.Fall, rowMax)
	}
	return s.checkPath()
}

func orElse[T comparable](v *T, d T) {
	var zero T
	if *v == zero {
		*v = d
	}
}

func (s *Spec) checkPath() error {
	switch {
	case s.Path == "":
		return nil
	case s.Kind != HTTP:
		return refuse("/health/path", "a check by TCP asks for no path")
	case s.Path[0] != '/' || len(s.Path) > pathMax:
		return refuse("/health/path", "%.80q does not begin with / or is longer than %d bytes", s.Path, pathMax)
	case strings.ContainsFunc(s.Path, func(r rune) bool { return r <= ' ' || r == 0x7f }):
		return refuse("/health/path", "%.80q holds a space or control character; percent-encode it", s.Path)
	}
	return nil
}

func refuse(pointer, format string, args ...any) error {
	return &gazetteer.Error{Op: "health.Spec", Kind: gazetteer.Unprocessable, Pointer: pointer, Detail: fmt.Sprintf(format, args...)}
}
