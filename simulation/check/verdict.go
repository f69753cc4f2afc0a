package check

import "time"

// The promises, by the names that verdicts use.
const (
	Kept       = "acknowledged writes are kept"
	Written    = "only what was written is shown"
	YourWrites = "a session reads its own writes"
	Monotonic  = "a session never goes back"
	Fresh      = "staleness is not under-reported"
	InOrder    = "a watch never goes back"
	Complete   = "a watch shows what is there at the end"
	Equal      = "regions are equal at rest"
	OneContent = "one version, one content"
	OneWinner  = "of compare-and-sets on one version one wins"
)

var promises = []string{Kept, Written, YourWrites, Monotonic, Fresh, InOrder, Complete, Equal, OneContent, OneWinner}

// Fact is a part of a history: one of its members is set.
type Fact struct {
	Op    *Op    `json:"operation,omitempty"`
	Event *Event `json:"watched,omitempty"`
}

func (f Fact) String() string {
	if f.Op != nil {
		return f.Op.String()
	}
	return f.Event.String()
}

// Violation is one contradiction of a promise.
type Violation struct {
	Detail   string `json:"detail"`
	Evidence []Fact `json:"evidence"` // what contradicts each other
}

// Judgement is what became of one promise.
type Judgement struct {
	Promise    string      `json:"promise"`
	Judged     int         `json:"judged"` // cases in which it could have been broken
	Broken     int         `json:"broken"`
	Violations []Violation `json:"violations,omitempty"` // the first ones
}

// violationsMax is how many violations of a promise are told.
const violationsMax = 10

// Verdict is what a history proves.
type Verdict struct {
	// Invalid says why the run proves nothing, whatever it found; empty if it does.
	Invalid  string       `json:"invalid,omitempty"`
	Promises []*Judgement `json:"promises"`
}

// Passed reports whether the run counts and no promise was broken.
func (v *Verdict) Passed() bool { return v.Invalid == "" && v.Broken() == 0 }

// Broken is how many contradictions there are.
func (v *Verdict) Broken() (n int) {
	for _, j := range v.Promises {
		n += j.Broken
	}
	return n
}

// Of returns what became of a promise.
func (v *Verdict) Of(promise string) *Judgement {
	for _, j := range v.Promises {
		if j.Promise == promise {
			return j
		}
	}
	return nil
}

func (j *Judgement) breaks(detail string, evidence ...Fact) {
	if j.Broken++; len(j.Violations) < violationsMax {
		j.Violations = append(j.Violations, Violation{detail, evidence})
	}
}

// Terms are what a run is judged by.
type Terms struct {
	// From is the lowest level whose acknowledgements bind: in a run that destroys a disk,
	// what only it held may go. Empty for Local.
	From Level
	// Calm is how long at its begin nothing is broken; the rate is judged there. 0 for the
	// whole run.
	Calm time.Duration
	// MinRate is how many operations a second must have been done then: a planet that is
	// hardly asked breaks no promise. 0 for 100, below 0 for none.
	MinRate float64
}
