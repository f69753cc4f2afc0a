package processes

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"time"

	"gazetteer"
	"gazetteer/simulation/result"
	"gazetteer/simulation/scenario"
)

// breaker does to the planet what the scenario says.
type breaker struct {
	run   *run
	began time.Time
	doing sync.WaitGroup

	mu    sync.Mutex // guards all below
	first error      // that a fault could not be done
}

// canDo says whether a fault can be done to processes; otherwise why not.
func canDo(f *scenario.Fault, isProcess func(string) bool, isRegion func(string) bool) (why string) {
	switch f.Kind {
	case scenario.Crash, scenario.DiskLoss, scenario.Pause:
		if !isProcess(f.Node) {
			return "no process does the work of " + f.Node
		}
	case scenario.RegionDown, scenario.Upgrade:
	case scenario.Cut:
		switch {
		case f.Link == nil:
		case f.Link.OneWay:
			return "the transport cuts both ways only"
		case !isRegion(f.Link.From) || !isRegion(f.Link.To):
			return "the transport knows ways between regions only"
		}
	case scenario.Delay:
		if f.Link == nil || !isRegion(f.Link.From) || !isRegion(f.Link.To) {
			return "the transport knows ways between regions only"
		}
	case scenario.PowerLoss:
		return "a process cannot take the machine's power away"
	case scenario.SlowDisk, scenario.ClockJump:
		return "all processes have this machine's disk and clock"
	case scenario.Lossy, scenario.Duplicate:
		return "sockets lose and duplicate nothing"
	case scenario.BalancerDown, scenario.GroupStop:
		return "there are no balancers and no scaling groups"
	default:
		return "it is not known here"
	}
	return ""
}

// drive does each fault at its time, until ctx ends.
func (b *breaker) drive(ctx context.Context) {
	for i := range b.run.c.Scenario.Faults {
		f := &b.run.c.Scenario.Faults[i]
		if canDo(f, b.run.isProcess, b.run.isRegion) != "" {
			continue
		}
		b.doing.Go(func() { b.do(ctx, f) })
	}
	b.doing.Wait()
}

// do breaks something, and makes it whole in time.
func (b *breaker) do(ctx context.Context, f *scenario.Fault) {
	if !sleepUntil(ctx, b.began.Add(f.At)) {
		return
	}
	b.tell(f, string(f.Kind), describe(f))
	b.failed(f, b.breaks(ctx, f))
	if f.For == 0 || f.Kind == scenario.Upgrade {
		return
	}
	sleepUntil(ctx, b.began.Add(f.At+f.For)) // at the end of the load everything heals
	b.failed(f, b.heals(b.run.ctx, f))
	b.tell(f, "healed", describe(f))
}

func (b *breaker) breaks(ctx context.Context, f *scenario.Fault) error {
	switch f.Kind {
	case scenario.Crash, scenario.DiskLoss, scenario.RegionDown:
		return b.kill(ctx, f)
	case scenario.Pause:
		return b.each(f, func(p *process) error { return p.pause(true) })
	case scenario.Upgrade:
		return b.upgrade(ctx, f)
	}
	b.run.turn(f, true)
	return nil
}

func (b *breaker) heals(ctx context.Context, f *scenario.Fault) error {
	switch f.Kind {
	case scenario.Crash, scenario.DiskLoss, scenario.RegionDown:
		return b.each(f, func(p *process) error { return p.begin(ctx) })
	case scenario.Pause:
		return b.each(f, func(p *process) error { return p.pause(false) })
	}
	b.run.turn(f, false)
	return nil
}

// kill ends processes at once. Their counters are asked for just before.
func (b *breaker) kill(ctx context.Context, f *scenario.Fault) error {
	return b.each(f, func(p *process) error {
		b.last(ctx, p)
		p.kill()
		if f.Kind == scenario.DiskLoss {
			return emptyDisk(p.data)
		}
		return nil
	})
}

// planFolder is where a server keeps what it was told of its region.
const planFolder = "plan"

// emptyDisk removes what a node holds. Who it is stays: without that it would be another
// node, which an operator has to let in.
func emptyDisk(data string) error {
	all, err := os.ReadDir(data)
	for _, e := range all {
		if e.Name() != planFolder {
			err = firstOf(err, os.RemoveAll(filepath.Join(data, e.Name())))
		}
	}
	return err
}

// last asks a server for its counters, for it will not be there to ask any more.
func (b *breaker) last(ctx context.Context, p *process) {
	if p.face != nil && p.runs() {
		ctx, cancel := context.WithTimeout(ctx, lookEvery)
		defer cancel()
		_ = b.run.scrape(ctx, p.face) // what it does not say any more is missing in the report, which says so
	}
}

// upgrade starts every process of a region again, one after the other. When the load ends
// it hurries.
func (b *breaker) upgrade(ctx context.Context, f *scenario.Fault) error {
	for _, p := range b.run.of(f.Region) {
		b.last(ctx, p)
		p.end()
		sleepUntil(ctx, time.Now().Add(f.For))
		if err := p.begin(b.run.ctx); err != nil {
			return err
		}
		sleepUntil(ctx, time.Now().Add(f.For))
	}
	return nil
}

// each does the same to all processes that a fault is about, at once.
func (b *breaker) each(f *scenario.Fault, do func(*process) error) (err error) {
	var all []*process
	if f.Region != "" {
		all = b.run.of(f.Region)
	} else {
		all = []*process{b.run.process(f.Node)}
	}
	var doing sync.WaitGroup
	errs := make([]error, len(all))
	for i, p := range all {
		doing.Go(func() { errs[i] = do(p) })
	}
	doing.Wait()
	return firstOf(errs...)
}

func (b *breaker) failed(f *scenario.Fault, err error) {
	if err == nil || b.run.ctx.Err() != nil {
		return
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.first == nil {
		b.first = fmt.Errorf("%s at %v: %w", f.Kind, f.At, err)
	}
}

func (b *breaker) tell(f *scenario.Fault, kind, detail string) {
	b.run.happen(result.Happening{Kind: kind, Region: f.Region, Node: f.Node, Detail: detail})
}

func describe(f *scenario.Fault) string {
	what := string(f.Kind)
	switch {
	case f.Link != nil:
		what += " " + f.Link.From + " - " + f.Link.To
	case f.Node != "":
		what += " " + f.Node
	default:
		what += " " + string(f.Region)
	}
	if f.By != 0 {
		what += fmt.Sprintf(" by %v", f.By)
	}
	return what
}

// turn begins or ends a fault of ways, and tells everybody.
func (r *run) turn(f *scenario.Fault, on bool) {
	r.mu.Lock()
	if on {
		r.turned = append(r.turned, f)
	} else {
		r.turned = slices.DeleteFunc(r.turned, func(g *scenario.Fault) bool { return f == g })
	}
	r.mu.Unlock()
	r.ways.follow(r.chartFor(""))
	for _, p := range r.processes {
		p.tell(r.chartFor(p.region))
	}
}

// chartFor is what somebody in a region is told of the ways as they are now.
func (r *run) chartFor(from gazetteer.RegionID) *chart {
	r.mu.Lock()
	defer r.mu.Unlock()
	c := &chart{From: from, At: r.at, Jitter: r.c.Scenario.Network.Jitter}
	for _, a := range r.c.Scenario.Regions {
		for _, b := range r.c.Scenario.Regions {
			if a.Name == b.Name {
				continue
			}
			y := way{From: a.Name, To: b.Name, Takes: r.between(a.Name, b.Name) / 2}
			for _, f := range r.turned {
				turnWay(&y, f)
			}
			c.Ways = append(c.Ways, y)
		}
	}
	return c
}

// turnWay makes a way what a fault makes of it.
func turnWay(y *way, f *scenario.Fault) {
	there := f.Link != nil && f.Link.From == string(y.From) && f.Link.To == string(y.To)
	back := f.Link != nil && f.Link.From == string(y.To) && f.Link.To == string(y.From)
	switch {
	case f.Kind == scenario.Cut && f.Link == nil:
		y.Cut = y.Cut || y.From == f.Region || y.To == f.Region
	case f.Kind == scenario.Cut:
		y.Cut = y.Cut || there || back
	case f.Kind == scenario.Delay && (there || back && !f.Link.OneWay):
		y.Takes += f.By
	}
}

func firstOf(errs ...error) error {
	for _, err := range errs {
		if err != nil {
			return err
		}
	}
	return nil
}
