package ec2

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"time"

	"gazetteer"
	"gazetteer/simulation/result"
)

// experiment is one run, in one process.
type experiment struct {
	Config
	state   *State
	outputs Outputs // of Terraform, once they are known
	out     *result.Run
	samples []result.Sample
}

// step is one of the things that are done, in order. Each may be done again after it was
// broken off in the middle.
type step struct {
	name, what string
	do         func(*experiment, context.Context) error
}

func steps() []step {
	return []step{
		{"bucket", "a bucket for the scenario and for what clients count", (*experiment).makeBucket},
		{"regions", "Terraform makes the regions", (*experiment).makeRegions},
		{"founded", "the first region answers", (*experiment).awaitFounder},
		{"admitted", "the other regions get the tokens by which they join", (*experiment).admit},
		{"reached", "the regions' servers may reach one another", (*experiment).reach},
		{"planet", "all regions answer, by one tree, and have their rings", (*experiment).awaitPlanet},
		{"catalogue", "the catalogue is loaded", (*experiment).load},
		{"clients", "Terraform makes the machines of the clients", (*experiment).makeClients},
		{"start", "the time at which clients begin", (*experiment).setStart},
		{"faults", "what the scenario says breaks and heals", (*experiment).doFaults},
		{"collect", "what clients and CloudWatch have counted", (*experiment).collect},
		{"report", "the result is written", (*experiment).write},
	}
}

// Run does all steps that the state in c.Dir does not have yet, and takes everything down.
// If a step fails, ctx ends or something panics, what there is is taken down too, unless
// c.Keep; the result then says how far the run came. An error of the taking down is told:
// something may be left that costs money.
func Run(ctx context.Context, c Config) (out *result.Run, err error) {
	e, err := open(c)
	if err != nil {
		return nil, err
	}
	defer func() {
		if p := recover(); p != nil {
			_ = e.end(ctx, fmt.Errorf("panic: %v", p)) // the panic is what is told
			panic(p)
		}
		err = errors.Join(err, e.end(ctx, err))
		out = e.out
	}()
	for _, s := range steps() {
		if err := e.step(ctx, s); err != nil {
			return nil, err
		}
	}
	return nil, nil
}

func open(c Config) (*experiment, error) {
	if err := check(&c); err != nil {
		return nil, err
	}
	s := *c.Scenario
	s.Faults, s.Random = s.FaultsOf(s.Seed), nil
	c.Scenario = &s
	e := &experiment{Config: c}
	if err := os.MkdirAll(c.Dir, 0o700); err != nil {
		return nil, &gazetteer.Error{Op: "ec2.Run", Kind: gazetteer.Internal, Pointer: c.Dir, Err: err}
	}
	state, err := LoadState(c.Dir)
	switch {
	case gazetteer.KindOf(err) == gazetteer.NotFound:
		state = &State{Run: c.Run, Scenario: s.Name, Seed: s.Seed, Bucket: BucketOf(c.Run), Taken: map[string][]string{}}
		for _, r := range s.Regions {
			state.Regions = append(state.Regions, r.Name)
		}
		err = state.save(c.Dir)
	case err == nil && (state.Scenario != s.Name || state.Seed != s.Seed):
		err = &gazetteer.Error{Op: "ec2.Run", Kind: gazetteer.Conflict, Pointer: c.Dir, Detail: fmt.Sprintf("the run that is kept here is of scenario %s with seed %d", state.Scenario, state.Seed)}
	case err == nil && state.Down:
		err = &gazetteer.Error{Op: "ec2.Run", Kind: gazetteer.Conflict, Pointer: c.Dir, Detail: "nothing is left of this run that could be resumed; run the scenario anew"}
	}
	e.state = state
	if err == nil && state.Taken == nil {
		state.Taken = map[string][]string{}
	}
	return e, err
}

// BucketOf is the bucket of a run.
func BucketOf(run string) string { return "gazetteer-" + run }

func (e *experiment) step(ctx context.Context, s step) error {
	if e.state.has(s.name) {
		e.say("%s: done before", s.name)
		return nil
	}
	e.say("%s: %s", s.name, s.what)
	if ctx.Err() != nil {
		return fmt.Errorf("before step %s: %w", s.name, context.Cause(ctx))
	}
	if err := s.do(e, ctx); err != nil {
		return fmt.Errorf("step %s: %w", s.name, err)
	}
	e.state.Done = append(e.state.Done, s.name)
	return e.state.save(e.Dir)
}

// endWithin is how long taking down may take, whatever becomes of the run's context.
const endWithin = time.Hour

// end leaves a result, whatever happened, and takes down what there is.
func (e *experiment) end(ctx context.Context, failure error) error {
	ctx, stop := context.WithTimeout(context.WithoutCancel(ctx), endWithin)
	defer stop()
	var err error
	if failure != nil {
		err = e.writeUnfinished(failure)
		if e.Keep {
			e.say("all is left as it is, and goes on costing money: resume with --resume %s, or end it with: gazetteer-ec2 down %s", e.Run, e.Run)
			return err
		}
	}
	return errors.Join(err, Down(ctx, e.Config, e.state))
}

func (e *experiment) say(format string, args ...any) {
	if e.Say != nil {
		e.Say(fmt.Sprintf(format, args...))
	}
}

// root is where Terraform works.
func (e *experiment) root() string { return rootOf(e.Dir) }

func rootOf(dir string) string { return filepath.Join(dir, "terraform") }

// regions are the names of all, the founder first.
func (e *experiment) regions() (all []string) {
	for _, r := range e.Scenario.Regions {
		all = append(all, string(r.Name))
	}
	return all
}

// home is where the bucket is and the planet is founded.
func (e *experiment) home() string { return e.regions()[0] }

// endpoint of a region; Terraform is asked once.
func (e *experiment) output(ctx context.Context, region string) (Region, error) {
	if e.outputs == nil {
		all, err := e.Terraform.Output(ctx, e.root())
		if err != nil {
			return Region{}, err
		}
		e.outputs = all
	}
	r, ok := e.outputs[region]
	if !ok {
		return r, &gazetteer.Error{Op: "ec2.Run", Kind: gazetteer.Internal, Detail: "Terraform says nothing of region " + region}
	}
	return r, nil
}

// again is how often something is asked that is not so yet.
const again = 10 * time.Second

// until tries something until it goes well.
func (e *experiment) until(ctx context.Context, what string, within time.Duration, do func() error) error {
	end := e.Clock.Now().Add(within)
	for {
		err := do()
		if err == nil {
			return nil
		}
		if !e.Clock.Now().Before(end) {
			return &gazetteer.Error{Op: "ec2.Run", Kind: gazetteer.Deadline, Err: err, Detail: fmt.Sprintf("not in %v: %s", within, what)}
		}
		if err := e.Clock.Sleep(ctx, again); err != nil {
			return fmt.Errorf("while waiting for this: %s: %w", what, err)
		}
	}
}

// eachRegion does something in all regions but the first, in order.
func (e *experiment) eachOther(do func(region string) error) error {
	for _, region := range e.regions()[1:] {
		if err := do(region); err != nil {
			return fmt.Errorf("region %s: %w", region, err)
		}
	}
	return nil
}

// unlike notes a way in which the run differs from what the scenario says.
func (e *experiment) unlike(format string, args ...any) {
	text := fmt.Sprintf(format, args...)
	if !slices.Contains(e.state.Unlike, text) {
		e.state.Unlike = append(e.state.Unlike, text)
	}
}
