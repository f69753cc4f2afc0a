package geo

import "gazetteer"

// State says whether a location answers, as far as the service knows.
type State uint8

const (
	// StateUnknown is that of a location that nobody leases or checks.
	StateUnknown State = iota
	StateUp
	StateDown
)

// String returns the state as answers name it.
func (s State) String() string {
	switch s {
	case StateUp:
		return "up"
	case StateDown:
		return "down"
	}
	return "unknown"
}

func (k *ranking) state(index int) State {
	if index < len(k.options.States) {
		return k.options.States[index]
	}
	return StateUnknown
}

// admitDown is the floor under health: when nothing but that would leave an answer empty,
// the down are in it. More likely than all of them is that whoever calls them down is
// wrong, and if not, the client loses nothing by trying.
func (k *ranking) admitDown(excluded []Candidate) []Candidate {
	kept := excluded[:0]
	for i := range k.locs {
		if k.state(i) == StateDown {
			k.admits(&k.locs[i], i)
		}
	}
	for i := range excluded {
		if excluded[i].Excluded != excludedDown {
			kept = append(kept, excluded[i])
		}
	}
	return kept
}

// stands reports whether the policy's tiers take a location.
func (k *ranking) stands(l *gazetteer.Location) bool {
	e := k.measure(l, 0)
	return k.stand(&e, l)
}

// excludedDown is why a location is left out that does not answer.
const excludedDown = "down"
