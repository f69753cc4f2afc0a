package processes

import (
	"context"
	"sync"
	"sync/atomic"
	"time"

	"gazetteer"
)

// probeType has one resource for each region, into which only that region writes.
const probeType = gazetteer.Type("sim-propagation")

const (
	// probeEvery is the pace of the updates whose propagation is measured; regions take
	// turns.
	probeEvery = 100 * time.Millisecond
	// A region is asked for an update first lookBefore it can have it, then every lookAgain,
	// and less often when it is late.
	lookBefore = 4 * time.Millisecond
	lookAgain  = 2 * time.Millisecond
	lookLate   = 100 * time.Millisecond
)

// probes measure how long updates take from the acknowledgement in one region until
// another one shows them.
type probes struct {
	run    *run
	turns  sync.WaitGroup
	healed atomic.Bool // the load has ended, and what was to heal is whole

	mu   sync.Mutex // guards all below
	took map[[2]gazetteer.RegionID][]time.Duration
	lost int64 // updates that a region did not show until the end
}

func (r *run) newProbes() *probes {
	return &probes{run: r, took: map[[2]gazetteer.RegionID][]time.Duration{}}
}

// drive writes until the load ends; what is under way then has until rest ends.
func (p *probes) drive(load, rest context.Context, began time.Time) {
	regions := p.run.c.Scenario.Regions
	if len(regions) < 2 {
		return
	}
	for i := 0; sleepUntil(load, began.Add(time.Duration(i+1)*probeEvery)); i++ {
		from := regions[i%len(regions)].Name
		p.turns.Go(func() { p.update(rest, from, i) })
	}
}

// update writes the nth update in a region and looks for it in all others.
func (p *probes) update(ctx context.Context, from gazetteer.RegionID, n int) {
	if !p.write(from, n) {
		return // it is a clients' matter how requests end
	}
	acknowledged := time.Now()
	paths := p.run.paths(from)
	var looking sync.WaitGroup
	for _, r := range p.run.c.Scenario.Regions {
		if r.Name != from {
			looking.Go(func() { p.await(ctx, from, r.Name, n, acknowledged, paths[r.Name]) })
		}
	}
	looking.Wait()
}

// write reports whether the region itself has acknowledged the update.
func (p *probes) write(from gazetteer.RegionID, n int) bool {
	c := p.run.probeCaller(from)
	defer p.run.giveBack(from, c)
	got, err := c.ask(appendWrite(nil, string(probeType), probeOf(from), value{0, n}), writing)
	return err == nil && (got.status == 200 || got.status == 201) && got.at.region == from
}

func (p *probes) await(ctx context.Context, from, to gazetteer.RegionID, n int, acknowledged time.Time, path time.Duration) {
	for sleepUntil(ctx, acknowledged.Add(path-lookBefore)) && !p.isGone(to) {
		if p.shows(from, to, n) {
			p.found(from, to, time.Since(acknowledged))
			return
		}
		again := lookAgain
		if time.Since(acknowledged) > path+10*lookLate {
			again = lookLate
		}
		time.Sleep(again)
	}
	if !p.isGone(to) {
		p.mu.Lock()
		defer p.mu.Unlock()
		p.lost++
	}
}

// isGone reports whether a region does not run although the load has ended: then it never
// will.
func (p *probes) isGone(r gazetteer.RegionID) bool {
	return p.healed.Load() && p.run.running(r) == nil
}

// shows asks a region itself, and no other in its place.
func (p *probes) shows(from, to gazetteer.RegionID, n int) bool {
	c := p.run.probeCaller(to)
	defer p.run.giveBack(to, c)
	request := []byte("GET /v1/types/" + string(probeType) + "/resources/" + probeOf(from) + "/locations/" + writtenID + " HTTP/1.1\r\nHost: sim\r\n\r\n")
	f := c.doors.nearest()
	if f == nil {
		return false
	}
	status, body, err := c.at(f, request, looking, time.Now().Add(faceWithin))
	if err != nil || status != 200 {
		return false
	}
	v, ok := valueIn(body)
	return ok && v != nil && v.n >= n
}

func (p *probes) found(from, to gazetteer.RegionID, took time.Duration) {
	p.mu.Lock()
	defer p.mu.Unlock()
	way := [2]gazetteer.RegionID{from, to}
	p.took[way] = append(p.took[way], took)
}

func probeOf(r gazetteer.RegionID) string { return "from-" + string(r) }
