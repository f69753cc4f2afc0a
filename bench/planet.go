package main

import (
	"context"
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"time"

	"gazetteer"
	"gazetteer/api/client"
	"gazetteer/simulation/aws"
)

// benchPlanet runs planets of AWS's regions with the real delays between them, each in one
// process: how soon their tree stands and what it weighs, what they take, and how soon an
// update is visible everywhere.
func benchPlanet(ctx context.Context, o options, t *table) error {
	world, err := aws.Load()
	if err != nil {
		return err
	}
	for i, size := range o.planets {
		for j, costs := range o.costs {
			p, err := startPlanet(ctx, o, world, size.regions, costs)
			if err != nil {
				return err
			}
			err = p.tell(t, &size)
			if err == nil && i+j == 0 {
				err = benchPropagation(ctx, o, p, t)
			}
			if err := firstOf(err, p.stop()); err != nil {
				return err
			}
		}
	}
	return nil
}

// planets are those of 2012 and of today.
func planets() []planetSize {
	return []planetSize{{7, 439.555, 512, 1.3 * 1.75}, {32, 1107.902, 1024, 1.3 * 1.96}}
}

// planetSize is a planet and what it is held to.
type planetSize struct {
	regions  int
	weightMS float64 // of its minimum spanning tree
	mostMiB  int64
	haltBar  float64 // s: 1.3 times what it takes in virtual time, see mst/voice/DESIGN.md
}

// planet is a demo that runs.
type planet struct {
	*process
	costs   string
	world   *aws.World
	took    time.Duration // until its tree stood
	anon    int64         // bytes, when it had its catalogue
	tree    client.Topology
	built   built
	regions []gazetteer.RegionID
	urls    map[gazetteer.RegionID]string
	faces   map[gazetteer.RegionID]*client.Client
}

// startPlanet runs a demo and waits until all regions have its catalogue.
func startPlanet(ctx context.Context, o options, w *aws.World, regions int, costs string) (*planet, error) {
	addr, err := freeAddr()
	if err != nil {
		return nil, err
	}
	p := &planet{world: w, costs: costs, urls: map[gazetteer.RegionID]string{}, faces: map[gazetteer.RegionID]*client.Client{}}
	if p.process, err = start("gazetteer demo", o.gazetteer, "demo", "--http", addr, "--regions", strconv.Itoa(regions), "--costs", costs); err != nil {
		return nil, err
	}
	if err := p.look(ctx, "http://"+addr); err != nil {
		return nil, firstOf(err, p.stop())
	}
	return p, nil
}

// look reads what the demo says of itself.
func (p *planet) look(ctx context.Context, url string) error {
	took, err := p.prints(ctx, `minimum spanning tree of [0-9.]+ ms after (\S+), built`)
	if err == nil {
		p.took, err = time.ParseDuration(took)
	}
	if err == nil {
		_, err = p.prints(ctx, "(Ctrl-C) ends it")
	}
	if err == nil {
		p.anon, err = anonOf(p.pid())
	}
	if err != nil {
		return err
	}
	return p.meet(ctx, url)
}

// meet finds the faces of all regions, and the tree.
func (p *planet) meet(ctx context.Context, url string) error {
	first, err := client.New(client.Config{Addr: url})
	if err != nil {
		return err
	}
	if p.tree, err = first.Topology(ctx); err != nil {
		return err
	}
	all, err := first.Regions(ctx)
	if err != nil {
		return err
	}
	for _, r := range all {
		if len(r.Servers) == 0 {
			return fmt.Errorf("region %s names no server", r.Name)
		}
		name := gazetteer.RegionID(r.Name)
		p.regions = append(p.regions, name)
		p.urls[name] = "http://" + r.Servers[0].HTTP
		if p.faces[name], err = client.New(client.Config{Addr: p.urls[name]}); err != nil {
			return err
		}
	}
	return p.askTimes(ctx)
}

// built is how long GHS took, in milliseconds from waking: until both of the core knew that
// the tree is complete, and until the last region used it.
type built struct{ halted, installed float64 }

func (p *planet) askTimes(ctx context.Context) error {
	for _, f := range p.faces {
		t, err := f.Topology(ctx)
		if err != nil {
			return err
		}
		p.built.halted = max(p.built.halted, t.HaltedMS)
		p.built.installed = max(p.built.installed, t.InstalledMS)
	}
	return nil
}

// prints waits until the process has printed a pattern, and returns its first group.
func (p *planet) prints(ctx context.Context, pattern string) (string, error) {
	re := regexp.MustCompile(pattern)
	ctx, cancel := context.WithTimeout(ctx, 5*time.Minute)
	defer cancel()
	for {
		if m := re.FindStringSubmatch(p.log.String()); m != nil {
			return m[1], nil
		}
		select {
		case <-time.After(20 * time.Millisecond):
		case end := <-p.done:
			p.done <- end
			return "", fmt.Errorf("%s ended: %v\n%s", p.name, end, p.log.String())
		case <-ctx.Done():
			return "", fmt.Errorf("%s has not printed %q: %w\n%s", p.name, pattern, ctx.Err(), p.log.String())
		}
	}
}

// tell prints what is known of a planet once it stands.
func (p *planet) tell(t *table, size *planetSize) error {
	if n := len(p.edges()); n != size.regions-1 {
		return fmt.Errorf("the tree of %d regions has %d edges", size.regions, n)
	}
	weight, bar := 0.0, "within 1 %"
	for _, e := range p.edges() {
		weight += millis(p.world.RTT(e[0], e[1]))
	}
	if p.costs == "given" {
		bar = "exactly"
	}
	t.line(fmt.Sprintf("%d regions, costs %s: start until the tree stands", size.regions, p.costs), short(p.took.Seconds())+" s", startBar(size.regions))
	t.line("  true weight of the tree", fmt.Sprintf("%.3f ms, %+.2f %%", weight, 100*(weight/size.weightMS-1)), fmt.Sprintf("%.3f ms, %s", size.weightMS, bar))
	t.line("  from waking until both of the core have halted", short(p.built.halted/1000)+" s", fmt.Sprintf("at most %.2f s", size.haltBar))
	t.line("  until the tree is installed everywhere", short((p.built.installed-p.built.halted)/1000)+" s later", "at most 2 s")
	t.line("  anonymous memory with the catalogue", fmt.Sprintf("%d MiB", p.anon>>20), fmt.Sprintf("at most %d MiB", size.mostMiB))
	return nil
}

func startBar(regions int) string {
	if regions < 32 {
		return ""
	}
	return "at most 20 s"
}

// edges returns those of the tree.
func (p *planet) edges() (out [][2]gazetteer.RegionID) {
	for _, e := range p.tree.Edges {
		if e.Tree {
			out = append(out, [2]gazetteer.RegionID{gazetteer.RegionID(e.A), gazetteer.RegionID(e.B)})
		}
	}
	return out
}

// paths returns how long the way along the tree from one region to each other one is.
func (p *planet) paths(from gazetteer.RegionID) map[gazetteer.RegionID]time.Duration {
	ways := map[gazetteer.RegionID]time.Duration{from: 0}
	for next := []gazetteer.RegionID{from}; len(next) > 0; next = next[1:] {
		at := next[0]
		for _, e := range p.edges() {
			i := slices.Index(e[:], at)
			if i < 0 {
				continue
			}
			to := e[1-i]
			if _, known := ways[to]; !known {
				ways[to] = ways[at] + p.world.RTT(at, to)/2
				next = append(next, to)
			}
		}
	}
	return ways
}
