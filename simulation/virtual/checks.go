package virtual

import (
	"cmp"
	"fmt"
	"slices"
	"time"

	"gazetteer/simulation/result"
)

// finish judges the run and writes its result.
func (r *run) finish() error {
	r.out.Traffic = r.fleet.Traffic()
	r.out.Generators = r.fleet.Generators()
	r.out.StaleReads = r.fleet.StaleReads()
	r.planet.Report(&r.out)
	slices.SortStableFunc(r.out.Happenings, func(a, b result.Happening) int { return cmp.Compare(a.AtMS, b.AtMS) })
	r.out.Checks = append(r.out.Checks, r.checks()...)
	for _, c := range r.out.Failed() {
		r.event(fmt.Sprintf("check %s failed: %s", c.Name, c.Detail))
	}
	if r.folder == nil {
		return nil
	}
	return r.folder.Finish(r.out)
}

// checks are the promises that are always checked, then what the scenario asks for.
func (r *run) checks() []result.Check {
	all := []result.Check{
		r.noneWrong(),
		r.sameCounts(),
		r.allEnded(),
	}
	c := &r.scenario.Checks
	if c.MaxErrors != nil {
		all = append(all, r.maxErrors(*c.MaxErrors))
	}
	if c.MaxP99 != nil {
		all = append(all, r.maxP99(*c.MaxP99))
	}
	if c.MaxRebuild != nil {
		all = append(all, r.maxRebuilds(*c.MaxRebuild))
	}
	return append(all, r.equalIn())
}

func check(name string, ok bool, format string, args ...any) result.Check {
	return result.Check{Name: name, OK: ok, Detail: fmt.Sprintf(format, args...)}
}

func (r *run) noneWrong() result.Check {
	n := r.out.Generators.Wrong
	return check("no_wrong_answers", n == 0, "%d of %d reads were answered with what is not true", n, r.out.Generators.Reads)
}

// sameCounts: what the collector counted is what the generators did.
func (r *run) sameCounts() result.Check {
	var clients result.Counts
	for _, t := range r.out.Traffic {
		if t.Tier == result.TierClient {
			clients.Reads += t.Reads
			clients.Writes += t.Writes
		}
	}
	g := r.out.Generators
	under := r.fleet.InFlight()
	ok := clients.Reads+clients.Writes+under == g.Reads+g.Writes
	return check("counts_agree", ok, "%d reads and %d writes in the report, %d and %d by the generators, %d under way", clients.Reads, clients.Writes, g.Reads, g.Writes, under)
}

func (r *run) allEnded() result.Check {
	n := r.fleet.InFlight()
	if r.out.Unfinished != "" {
		return result.Unjudged("every_request_ends")
	}
	return check("every_request_ends", n == 0, "%d requests were still under way when the run ended", n)
}

func (r *run) maxErrors(most float64) result.Check {
	g := r.out.Generators
	var failed int64
	for _, n := range g.Errors {
		failed += n
	}
	share := 0.0
	if all := g.Reads + g.Writes; all > 0 {
		share = float64(failed) / float64(all)
	}
	return check("max_errors", share <= most, "%.4f of all requests failed, at most %.4f may", share, most)
}

func (r *run) maxP99(most time.Duration) result.Check {
	got := r.fleet.Latency().Quantile(0.99)
	return check("max_p99", got <= most, "the 99th percentile is %v, at most %v may be", got, most)
}

// equalIn: without a bound of the scenario it is its rest.
func (r *run) equalIn() result.Check {
	if r.out.Unfinished != "" {
		return result.Unjudged("equal_at_rest")
	}
	most := r.scenario.Rest + slice
	if r.scenario.Checks.EqualIn != nil {
		most = *r.scenario.Checks.EqualIn
	}
	if r.unrest != "" {
		return check("equal_at_rest", false, "%v after the load the planet is not at rest: %s", r.rested, r.unrest)
	}
	return check("equal_at_rest", r.rested <= most, "the regions were equal %v after the load, at most %v may pass", r.rested, most)
}

func (r *run) maxRebuilds(most int) result.Check {
	got := max(0, len(r.out.Trees)-1)
	if r.out.Unfinished != "" && got <= most {
		return result.Unjudged("max_rebuilds")
	}
	return check("max_rebuilds", got <= most, "%d trees followed the first, at most %d may", got, most)
}
