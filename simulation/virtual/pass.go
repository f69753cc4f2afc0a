package virtual

import (
	"context"
	"errors"
	"time"

	"gazetteer/simulation/result"
)

// slice is how much virtual time passes between two looks at the real world.
const slice = 100 * time.Millisecond

var errInterrupted = errors.New("it was interrupted")

// pass lets the time of a run pass: until the planet is there, the load, and the rest. It
// says why a run ended before its time; empty if it did not.
func (r *run) pass(ctx context.Context) (unfinished string) {
	err := r.planet.Found(foundsWithin)
	r.begin()
	if err == nil {
		err = r.load(ctx)
	}
	if err == nil {
		err = r.rest(ctx)
	}
	r.fleet.Flush()
	if err != nil {
		return err.Error()
	}
	return ""
}

// begin begins the load.
func (r *run) begin() {
	r.began = r.agenda.Now()
	r.planet.Begin()
	r.fleet.Start()
	r.planFaults()
	r.agenda.After(r.scenario.Metrics.Period, r.collect)
}

// collect ends a period of the collector, as far as it is the planet's.
func (r *run) collect() {
	r.planet.Sample(func(s result.Sample) {
		s.At = r.now()
		r.sample(s)
	})
	r.agenda.After(r.scenario.Metrics.Period, r.collect)
}

// step lets one slice pass. It returns why no further one should.
func (r *run) step(ctx context.Context) error {
	r.agenda.Run(r.agenda.Now() + slice)
	if ctx.Err() != nil {
		return errInterrupted
	}
	if r.folder != nil && r.folder.Err() != nil {
		return r.folder.Err()
	}
	return r.planet.Err()
}

func (r *run) load(ctx context.Context) error {
	for r.now() < r.scenario.Duration {
		if err := r.step(ctx); err != nil {
			return err
		}
		if r.o.Progress != nil {
			r.o.Progress(r.now())
		}
	}
	return nil
}

// rest waits until every request has ended and all regions are equal, or until its time
// is over.
func (r *run) rest(ctx context.Context) error {
	for {
		r.unrest = r.planet.Unrest()
		if over := r.now() >= r.scenario.Duration+r.scenario.Rest; !r.fleet.Busy() && (over || r.unrest == "") {
			r.rested = r.now() - r.scenario.Duration
			return nil
		}
		if err := r.step(ctx); err != nil {
			return err
		}
	}
}
