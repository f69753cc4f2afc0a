package virtual

import (
	"context"
	"slices"
	"time"

	"gazetteer/simulation/result"
	"gazetteer/simulation/scenario"
)

// Shrink looks for the least of a scenario in which a check that fails with a seed, and what
// is cut off already, still fails: without faults that do not matter, without clients that do not, and with a load
// that ends earlier. It returns what to cut off and how many runs that took. When ctx
// ends, it returns the least found so far.
func Shrink(ctx context.Context, s *scenario.Scenario, o Options, check string, told func(Cut)) (Cut, int) {
	k := &shrinking{ctx: ctx, scenario: s, o: o, check: check, told: told, make: makeWorld}
	return k.all()
}

// shrinking is a search under way.
type shrinking struct {
	ctx      context.Context
	scenario *scenario.Scenario
	o        Options
	check    string
	told     func(Cut)
	make     maker
	best     Cut
	runs     int
}

func (k *shrinking) all() (Cut, int) {
	k.best = k.o.Cut
	k.best.Until = k.o.Cut.Shortened(k.scenario)
	if k.best.Faults == nil {
		k.best.Faults = places(len(k.scenario.FaultsOf(k.o.Seed)))
	}
	if k.best.Clients == nil {
		k.best.Clients = places(len(k.scenario.Clients))
	}
	for again := true; again; {
		before := k.size()
		k.thin(func(c *Cut) *[]int { return &c.Faults })
		k.thin(func(c *Cut) *[]int { return &c.Clients })
		k.shorten() // last: a short load needs all clients that are there
		again = k.size() < before && k.ctx.Err() == nil
	}
	return k.best, k.runs
}

func (k *shrinking) size() int {
	return len(k.best.Faults) + len(k.best.Clients) + int(k.best.Until/time.Second)
}

func places(n int) []int {
	out := make([]int, n)
	for i := range out {
		out[i] = i
	}
	return out
}

// fails tries a cut, and keeps it if the check still fails.
func (k *shrinking) fails(c Cut) bool {
	if k.ctx.Err() != nil {
		return false
	}
	k.runs++
	o := k.o
	o.Cut, o.Dir, o.Progress = c, "", nil
	r, err := runWith(k.ctx, k.scenario, o, k.make)
	failed := err == nil && slices.ContainsFunc(r.Failed(), func(f result.Check) bool { return f.Name == k.check })
	if failed {
		k.best = c
		if k.told != nil {
			k.told(c)
		}
	}
	return failed
}

// shorten halves the load as long as the check fails, then looks between by steps of a
// second.
func (k *shrinking) shorten() {
	low, high := time.Duration(0), k.best.Until
	for high-low > time.Second && k.ctx.Err() == nil {
		c := k.best
		c.Until = (low + high) / 2
		if k.fails(c) {
			high = c.Until
		} else {
			low = c.Until
		}
	}
}

// thin leaves out ever smaller parts of a list (delta debugging, Zeller 1999).
func (k *shrinking) thin(of func(*Cut) *[]int) {
	for part := len(*of(&k.best)); part > 0; part /= 2 {
		for from := 0; from < len(*of(&k.best)); {
			all := *of(&k.best)
			c := k.best
			*of(&c) = slices.Delete(slices.Clone(all), from, min(from+part, len(all)))
			if !k.fails(c) {
				from += part
			}
		}
	}
}
