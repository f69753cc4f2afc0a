package virtual

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"gazetteer/simulation/scenario"
)

// Cut leaves parts of a scenario out, so that a failing run becomes one that is easier to
// read. The zero value leaves nothing out.
type Cut struct {
	Until   time.Duration // the load ends then; 0: at its own end
	Faults  []int         // those that happen, by their place among the run's faults; nil: all
	Clients []int         // those that ask, by their place in the scenario; nil: all
}

// of returns a scenario without what is cut off. Faults are cut when they are known.
func (c Cut) of(s *scenario.Scenario) *scenario.Scenario {
	short := *s
	short.Faults, short.Random = nil, nil // a run tells the planet of each as it comes
	short.Duration = c.Shortened(s)
	if c.Clients != nil {
		short.Clients = pick(s.Clients, c.Clients)
	}
	return &short
}

// Shortened is how long the load of a scenario lasts.
func (c Cut) Shortened(s *scenario.Scenario) time.Duration {
	if c.Until > 0 {
		return min(c.Until, s.Duration)
	}
	return s.Duration
}

// faults returns those of a run that happen. A Random draws the same whatever the
// duration is cut to, so that their places stay.
func (c Cut) faults(all []scenario.Fault) []scenario.Fault {
	if c.Faults != nil {
		all = pick(all, c.Faults)
	}
	if c.Until == 0 {
		return all
	}
	return slices.DeleteFunc(slices.Clone(all), func(f scenario.Fault) bool { return f.At >= c.Until })
}

func pick[T any](all []T, places []int) []T {
	out := []T{}
	for _, i := range places {
		if i >= 0 && i < len(all) {
			out = append(out, all[i])
		}
	}
	return out
}

// Flags is the cut as arguments of "gazetteer sim run"; empty if nothing is cut off.
func (c Cut) Flags() string {
	var parts []string
	if c.Until > 0 {
		parts = append(parts, fmt.Sprintf(" --until %v", c.Until))
	}
	if c.Faults != nil {
		parts = append(parts, " --keep-faults "+list(c.Faults))
	}
	if c.Clients != nil {
		parts = append(parts, " --keep-clients "+list(c.Clients))
	}
	return strings.Join(parts, "")
}

// list is places with commas between them; none is "none".
func list(places []int) string {
	if len(places) == 0 {
		return "none"
	}
	var words []string
	for _, i := range places {
		words = append(words, strconv.Itoa(i))
	}
	return strings.Join(words, ",")
}

// ParsePlaces reads what [Cut.Flags] writes of places; empty are all of them.
func ParsePlaces(text string) ([]int, error) {
	switch text {
	case "":
		return nil, nil
	case "none":
		return []int{}, nil
	}
	var places []int
	for _, word := range strings.Split(text, ",") {
		i, err := strconv.Atoi(word)
		if err != nil || i < 0 {
			return nil, fmt.Errorf("%q is no place: give numbers from 0 on with commas between them, or none", word)
		}
		places = append(places, i)
	}
	return places, nil
}
