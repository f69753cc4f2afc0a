package processes

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"gazetteer/simulation/result"
)

// add sums counts.
func add(to *result.Counts, c result.Counts) {
	to.Reads += c.Reads
	to.Writes += c.Writes
	to.Wrong += c.Wrong
	for kind, n := range c.Errors {
		if to.Errors == nil {
			to.Errors = map[string]int64{}
		}
		to.Errors[kind] += n
	}
}

func failures(c *result.Counts) (n int64) {
	for _, k := range c.Errors {
		n += k
	}
	return n
}

// total returns what the fleet has counted so far.
func (f *fleet) total() (c result.Counts) {
	f.mu.Lock()
	defer f.mu.Unlock()
	add(&c, f.counts)
	return c
}

// news returns how long those requests took that it has not returned yet.
func (f *fleet) news() []time.Duration {
	f.mu.Lock()
	defer f.mu.Unlock()
	took := slices.Clone(f.took[f.fresh:])
	f.fresh = len(f.took)
	return took
}

// quantile returns what a share q of sorted durations does not exceed.
func quantile(sorted []time.Duration, q float64) time.Duration {
	if len(sorted) == 0 {
		return 0
	}
	return sorted[min(len(sorted)-1, int(q*float64(len(sorted))))]
}

// agreement compares what generators have asked and got with what servers have counted,
// process by process and route by route. A server that was asked at its end has counted
// each request that was answered, and at most those that were sent. One that was killed
// has counted what it said last, and what it has answered since then nobody knows but the
// clients.
func (r *run) agreement() result.Check {
	c := result.Check{Name: "generators and servers have counted the same", OK: true}
	var notes []string
	var asked, answered, counted float64
	for _, f := range r.faces() {
		lives, said := f.lives()
		for i, t := range lives {
			last := i == len(lives)-1 && r.processOf(f).runs()
			for route := range routes {
				sent, got, has := float64(t.asked[route].Load()), float64(t.answered[route].Load()), said[i][routeNames[route]]
				asked, answered, counted = asked+sent, answered+got, counted+has
				switch {
				case has > sent, last && has < got:
					c.OK = false
					notes = append(notes, fmt.Sprintf("%s of %s: %.0f sent, %.0f answered, %.0f counted", routeNames[route], f.node, sent, got, has))
				case !last && has != got:
					notes = append(notes, fmt.Sprintf("%s ended with %.0f of %.0f answers counted after it was asked last", f.node, got-has, got))
				case last && has > got:
					notes = append(notes, fmt.Sprintf("%s answered %.0f requests whose clients had given up", f.node, has-got))
				}
			}
		}
	}
	c.Detail = strings.Join(append([]string{fmt.Sprintf("%.0f sent, %.0f answered, %.0f counted by servers", asked, answered, counted)}, notes...), "; ")
	return c
}

// lives returns the tallies of all processes of a face, the last one last, and what their
// metrics said last.
func (f *face) lives() ([]*tally, []figures) {
	f.seen.mu.Lock()
	defer f.seen.mu.Unlock()
	return append(slices.Clone(f.past), f.tally.Load()), append(slices.Clone(f.seen.each), f.seen.now)
}

func (r *run) processOf(f *face) *process {
	i := slices.IndexFunc(r.processes, func(p *process) bool { return p.face == f })
	return r.processes[i]
}
