package virtual

import (
	"context"
	"time"

	"gazetteer/simulation/agenda"
	"gazetteer/simulation/fleet"
	"gazetteer/simulation/result"
	"gazetteer/simulation/scenario"
)

// Options are what a run needs beside its scenario.
type Options struct {
	Seed    uint64
	Dir     string  // where the result is written; empty: nowhere
	Cut     Cut     // leaves parts of the scenario out
	Bundled Bundled // the program's catalogue; nil: it has none
	// Commit and Replay stand in the result.
	Commit string
	Replay string
	// Progress is told now and then how much of the load has passed; nil: nobody is.
	Progress func(time.Duration)
}

// Run runs a scenario. What did not hold stands in the result's checks; an error is of a
// scenario that cannot be run, or of a result that cannot be written. A run that ctx ends,
// or a full disk, has a result that says so.
func Run(ctx context.Context, s *scenario.Scenario, o Options) (result.Run, error) {
	return runWith(ctx, s, o, makeWorld)
}

// run is one under way.
type run struct {
	scenario *scenario.Scenario
	o        Options
	faults   []scenario.Fault
	planet   planet
	agenda   *agenda.Agenda // the planet's
	fleet    *fleet.Fleet
	folder   *result.Folder // nil: nothing is written
	began    time.Duration  // of the agenda: when the load did
	rested   time.Duration  // how long after the load all was equal
	unrest   string         // why it was not, in the end
	out      result.Run
}

func runWith(ctx context.Context, s *scenario.Scenario, o Options, make maker) (result.Run, error) {
	r := &run{scenario: o.Cut.of(s), o: o, faults: o.Cut.faults(s.FaultsOf(o.Seed))}
	r.out = result.Run{
		Scenario: s.Name, About: s.About, Mode: result.Virtual, Seed: o.Seed, Commit: o.Commit, Replay: o.Replay,
		DurationMS: result.MillisOf(r.scenario.Duration),
	}
	if err := r.open(make); err != nil {
		return r.out, err
	}
	r.out.Unfinished = r.pass(ctx)
	return r.out, r.finish()
}

// open makes the planet, the fleet and the folder.
func (r *run) open(make maker) error {
	stock, err := readStock(&r.scenario.Catalogue, r.o.Bundled)
	if err != nil {
		return err
	}
	if r.planet, err = make(r.scenario, r.o.Seed, stock, tap{r}); err != nil {
		return err
	}
	r.agenda = r.planet.Agenda()
	r.fleet, err = fleet.New(fleet.Config{
		Scenario: r.scenario, Agenda: r.agenda, Seed: r.o.Seed, Planet: r.planet, Catalogues: stock.catalogues(),
		Event: r.event, Happening: r.happened, Sample: r.sample,
	})
	if err != nil || r.o.Dir == "" {
		return err
	}
	r.folder, err = result.Create(r.o.Dir, r.out)
	return err
}

// tap leads the planet's lines to the log of decisions, if there is one.
type tap struct{ *run }

func (t tap) Write(line []byte) (int, error) {
	if t.folder == nil {
		return len(line), nil
	}
	return t.folder.WriteEvents(line)
}

func (r *run) now() time.Duration { return r.agenda.Now() - r.began }

// event is one decision. In the log time counts from the start of the planet.
func (r *run) event(what string) {
	if r.folder != nil {
		r.folder.Event(r.agenda.Now(), what)
	}
}

func (r *run) sample(s result.Sample) {
	if r.folder != nil {
		r.folder.Sample(s)
	}
}

func (r *run) happened(h result.Happening) { r.out.Happenings = append(r.out.Happenings, h) }
