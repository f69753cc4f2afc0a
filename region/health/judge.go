package health

import "gazetteer"

// shareMax is the part of a checker's locations that may be down by its word. If more
// fail it is more likely the checker that is ill, or its way out: then nothing goes down
// any more, and what is down may come back.
const shareMax = 0.5

// Name names a location of one type.
type Name struct {
	ID       gazetteer.ID
	Location gazetteer.LocationID
}

// Result is what one check found. Down is what the service says of the location now.
type Result struct {
	Name
	OK, Down bool
}

// Verdict is what a round of checks comes to.
type Verdict struct {
	Down, Up []int // of the results, those that change
	// Capped are failures that would have gone down if there were not too many of them.
	Capped int
}

// A Judge decides about the locations of one type. It remembers of each only how often in
// a row it was not what it is said to be.
type Judge struct {
	rise, fall int
	streaks    map[Name]int
}

// NewJudge returns a judge by the thresholds of a type.
func NewJudge(s Spec) *Judge {
	return &Judge{rise: s.Rise, fall: s.Fall, streaks: map[Name]int{}}
}

// Round judges one check of each location. A location that was not checked begins anew
// when it is.
func (j *Judge) Round(results []Result) Verdict {
	var v Verdict
	streaks, down := map[Name]int{}, 0
	for i := range results {
		r := &results[i]
		if r.Down {
			down++
		}
		if r.OK != r.Down {
			continue
		}
		streak := j.streaks[r.Name] + 1
		streaks[r.Name] = streak
		switch {
		case r.OK && streak >= j.rise:
			v.Up = append(v.Up, i)
		case !r.OK && streak >= j.fall:
			v.Down = append(v.Down, i)
		}
	}
	j.streaks = streaks
	if down-len(v.Up)+len(v.Down) > downMax(len(results)) {
		v.Capped, v.Down = len(v.Down), nil
	}
	j.begin(results, v.Up)
	j.begin(results, v.Down)
	return v
}

// begin forgets the streaks of what has changed.
func (j *Judge) begin(results []Result, which []int) {
	for _, i := range which {
		delete(j.streaks, results[i].Name)
	}
}

// downMax is how many of some locations may be down: always one, which says little of the
// checker.
func downMax(all int) int { return max(1, int(float64(all)*shareMax)) }
