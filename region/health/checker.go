package health

import (
	"context"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"time"

	"gazetteer"
)

const (
	// lookEvery is how soon a change of a type's checks takes effect.
	lookEvery = time.Second
	// atOnce is how many checks run at once in a process.
	atOnce = 64
)

// Target is a location to check.
type Target struct {
	Partition gazetteer.Partition
	Name
	URL  string
	Down bool // what this region's element beside it says
}

// Turn says that a location is to be called down, or no more.
type Turn struct {
	Target
	Down bool
}

// Source is what a checker needs of its process.
type Source interface {
	// Specs returns the checks of the types that have any.
	Specs(context.Context) (map[gazetteer.Type]Spec, error)
	// Targets returns the locations of a type that this process is to check now.
	Targets(context.Context, gazetteer.Type) ([]Target, error)
	// Turn writes what has changed. What it cannot write comes again.
	Turn(context.Context, gazetteer.Type, []Turn)
}

// Counters count what a checker did since its start.
type Counters struct {
	OK, Failed, Denied uint64 // checks by how they ended
	Down, Up           uint64 // transitions
	Capped             uint64 // failures that did not go down because too many failed at once
	NowDown            int    // locations that are down by this checker's word
}

// Checker checks the locations of all types that ask for it.
type Checker struct {
	source Source
	probe  func(context.Context, Spec, string) error
	places chan struct{}
	downs  downs
	count  struct{ ok, failed, denied, down, up, capped atomic.Uint64 }
}

// NewChecker returns a checker. Probe makes one check, see [Prober.Probe].
func NewChecker(s Source, probe func(ctx context.Context, s Spec, url string) error) *Checker {
	return &Checker{source: s, probe: probe, places: make(chan struct{}, atOnce)}
}

// Counters returns what was done so far.
func (c *Checker) Counters() Counters {
	n := &c.count
	return Counters{n.ok.Load(), n.failed.Load(), n.denied.Load(), n.down.Load(), n.up.Load(), n.capped.Load(), c.downs.sum()}
}

// watch is the checking of one type.
type watch struct {
	spec Spec
	stop context.CancelFunc
}

// Run checks until ctx ends.
func (c *Checker) Run(ctx context.Context) {
	var all sync.WaitGroup
	defer all.Wait()
	watches := map[gazetteer.Type]watch{}
	tick := time.NewTicker(lookEvery)
	defer tick.Stop()
	for {
		if specs, err := c.source.Specs(ctx); err == nil {
			c.follow(ctx, &all, watches, specs)
		}
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
	}
}

// follow begins and ends the checking of types as their specs say.
func (c *Checker) follow(ctx context.Context, all *sync.WaitGroup, watches map[gazetteer.Type]watch, specs map[gazetteer.Type]Spec) {
	for t, w := range watches {
		if specs[t] != w.spec {
			w.stop()
			delete(watches, t)
		}
	}
	for t, s := range specs {
		if _, runs := watches[t]; runs || !s.Checks() {
			continue
		}
		one, stop := context.WithCancel(ctx)
		watches[t] = watch{s, stop}
		all.Go(func() {
			defer stop()
			c.watch(one, t, s)
		})
	}
}

// watch makes one round of a type's locations after the other.
func (c *Checker) watch(ctx context.Context, t gazetteer.Type, s Spec) {
	judge := NewJudge(s)
	for start := time.Now(); ctx.Err() == nil; start = start.Add(s.Interval) {
		if targets, err := c.source.Targets(ctx, t); err == nil {
			c.round(ctx, t, judge, targets, c.check(ctx, s, start, targets))
		}
		if late := time.Since(start) - s.Interval; late > 0 {
			start = start.Add(late)
		}
		sleepUntil(ctx, start.Add(s.Interval))
	}
}

// check checks all targets, evenly spread over the interval and each with its jitter, so
// that neither the locations nor this process see them at once.
func (c *Checker) check(ctx context.Context, s Spec, start time.Time, targets []Target) []error {
	found := make([]error, len(targets))
	step := (s.Interval - s.Timeout) / time.Duration(max(1, len(targets)))
	var all sync.WaitGroup
	for i := range targets {
		sleepUntil(ctx, start.Add(time.Duration(i)*step+rand.N(step+1)))
		select {
		case c.places <- struct{}{}:
		case <-ctx.Done():
		}
		if ctx.Err() != nil {
			break
		}
		all.Go(func() {
			found[i] = c.probe(ctx, s, targets[i].URL)
			<-c.places
		})
	}
	all.Wait()
	return found
}

// round counts what was found, and has written what it changes. Of a check that was not
// allowed nothing follows.
func (c *Checker) round(ctx context.Context, t gazetteer.Type, judge *Judge, targets []Target, found []error) {
	if ctx.Err() != nil {
		return
	}
	results, of := make([]Result, 0, len(targets)), make([]int, 0, len(targets))
	for i, err := range found {
		if c.counted(err) {
			results = append(results, Result{targets[i].Name, err == nil, targets[i].Down})
			of = append(of, i)
		}
	}
	v := judge.Round(results)
	c.downs.set(t, downAfter(results, &v))
	var turns []Turn
	for _, i := range v.Down {
		turns = append(turns, Turn{targets[of[i]], true})
	}
	for _, i := range v.Up {
		turns = append(turns, Turn{targets[of[i]], false})
	}
	c.count.down.Add(uint64(len(v.Down)))
	c.count.up.Add(uint64(len(v.Up)))
	c.count.capped.Add(uint64(v.Capped))
	if len(turns) > 0 {
		c.source.Turn(ctx, t, turns)
	}
}

// counted counts a check, and reports whether it says something of its location.
func (c *Checker) counted(err error) bool {
	switch {
	case err == nil:
		c.count.ok.Add(1)
	case gazetteer.KindOf(err) == gazetteer.Denied:
		c.count.denied.Add(1)
		return false
	default:
		c.count.failed.Add(1)
	}
	return true
}

func sleepUntil(ctx context.Context, t time.Time) {
	timer := time.NewTimer(time.Until(t))
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-ctx.Done():
	}
}
