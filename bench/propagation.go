package main

import (
	"bufio"
	"context"
	"fmt"
	"net/http"
	"sync"
	"time"

	"gazetteer"
	"gazetteer/api/client"
)

const (
	// updateEvery is the pace of the updates: the one before is still under way.
	updateEvery = 40 * time.Millisecond
	// A region is asked for an update first lookBefore it can have it, then every
	// lookAgain: the figures are that coarse.
	lookBefore = 4 * time.Millisecond
	lookAgain  = 2 * time.Millisecond
	// pathPlus is what the bars allow beside the delay of the tree's path.
	pathPlus = 10 * time.Millisecond
)

// propagated is one update, from its acknowledgement to when all regions show it.
type propagated struct {
	took   time.Duration
	path   time.Duration // one way along the tree to the farthest region
	direct time.Duration // one way to the farthest region
}

// benchPropagation writes in each region in turn.
func benchPropagation(ctx context.Context, o options, p *planet, t *table) error {
	ctx, cancel := context.WithTimeout(ctx, 5*time.Minute)
	defer cancel()
	if err := p.makeType(ctx); err != nil {
		return err
	}
	if err := p.awaitTreeOnly(ctx); err != nil {
		return err
	}
	all, err := p.propagate(ctx, o.updates)
	if err != nil {
		return err
	}
	line := func(what, unit, bar string, of func(propagated) float64) {
		values := make([]float64, len(all))
		for i, u := range all {
			values[i] = of(u)
		}
		t.line(what, short(quantile(values, 0.5))+unit+", "+short(quantile(values, 0.99))+unit, bar)
	}
	line(fmt.Sprintf("  %d updates, acknowledged to visible in all: p50, p99", len(all)), " ms", "", func(u propagated) float64 { return millis(u.took) })
	line("    the tree's path, one way", " ms", "", func(u propagated) float64 { return millis(u.path) })
	line("    the direct way", " ms", "", func(u propagated) float64 { return millis(u.direct) })
	line("    beyond the tree's path", " ms", "", func(u propagated) float64 { return millis(u.took - u.path) })
	line("    all but 10 ms, as times the tree's path", "", "at most 1.1, 1.5", func(u propagated) float64 { return float64(u.took-pathPlus) / float64(u.path) })
	line("    as times the direct way", "", "", func(u propagated) float64 { return float64(u.took) / float64(u.direct) })
	return nil
}

func millis(d time.Duration) float64 { return float64(d) / float64(time.Millisecond) }

// makeType makes a type and waits until each region takes updates of it.
func (p *planet) makeType(ctx context.Context) error {
	if _, err := p.faces[p.regions[0]].PutType(ctx, client.Type{Name: recordType}); err != nil {
		return err
	}
	for i, r := range p.regions {
		for {
			_, err := p.faces[r].Put(ctx, update(-1-i), client.WriteOptions{})
			if err == nil {
				break
			}
			if ctx.Err() != nil {
				return err
			}
			time.Sleep(50 * time.Millisecond)
		}
		if _, err := p.visible(ctx, r, -1-i); err != nil {
			return err
		}
	}
	return nil
}

func update(i int) client.Document {
	return client.Document{Type: recordType, ID: fmt.Sprintf("update%d", i), Locations: []client.Location{{ID: "l", URL: "https://example.org/"}}}
}

// awaitTreeOnly waits until the regions have no links but those of the tree: what they
// began with stays for a while, and would carry updates, too.
func (p *planet) awaitTreeOnly(ctx context.Context) error {
	for {
		ends := 0
		for _, r := range p.regions {
			n, err := linksOf(ctx, p.urls[r])
			if err != nil {
				return err
			}
			ends += n
		}
		if ends == 2*len(p.edges()) {
			return nil
		}
		select {
		case <-time.After(200 * time.Millisecond):
		case <-ctx.Done():
			return fmt.Errorf("%d ends of links do not become those of a tree: %w", ends, ctx.Err())
		}
	}
}

// linksOf returns how many links a process has, by its metrics.
func linksOf(ctx context.Context, url string) (int, error) {
	q, err := http.NewRequestWithContext(ctx, http.MethodGet, url+"/metrics", nil)
	if err != nil {
		return 0, err
	}
	r, err := http.DefaultClient.Do(q)
	if err != nil {
		return 0, err
	}
	defer r.Body.Close()
	var n float64
	lines := bufio.NewScanner(r.Body)
	for lines.Scan() {
		var up, down float64
		if _, err := fmt.Sscanf(lines.Text(), "gazetteer_peer_links_total %g", &up); err == nil {
			n += up
		} else if _, err := fmt.Sscanf(lines.Text(), "gazetteer_peer_unlinks_total %g", &down); err == nil {
			n -= down
		}
	}
	return int(n), lines.Err()
}

func (p *planet) propagate(ctx context.Context, updates int) ([]propagated, error) {
	all, errs := make([]propagated, updates), make([]error, updates)
	pace := time.NewTicker(updateEvery)
	defer pace.Stop()
	var under sync.WaitGroup
	for i := range updates {
		<-pace.C
		under.Go(func() {
			from := p.regions[i%len(p.regions)]
			if _, errs[i] = p.faces[from].Put(ctx, update(i), client.WriteOptions{}); errs[i] == nil {
				all[i], errs[i] = p.visible(ctx, from, i)
			}
		})
	}
	under.Wait()
	return all, firstOf(errs...)
}

// visible waits until all regions show an update that one of them has just acknowledged.
func (p *planet) visible(ctx context.Context, from gazetteer.RegionID, i int) (u propagated, err error) {
	acknowledged := time.Now()
	seen, errs := make([]time.Duration, len(p.regions)), make([]error, len(p.regions))
	paths := p.paths(from)
	var under sync.WaitGroup
	for k, r := range p.regions {
		u.path, u.direct = max(u.path, paths[r]), max(u.direct, p.oneWay(from, r))
		under.Go(func() {
			time.Sleep(paths[r] - lookBefore)
			errs[k] = p.await(ctx, r, i)
			seen[k] = time.Since(acknowledged)
		})
	}
	under.Wait()
	for _, s := range seen {
		u.took = max(u.took, s)
	}
	return u, firstOf(errs...)
}

func (p *planet) oneWay(a, b gazetteer.RegionID) time.Duration {
	if a == b {
		return 0
	}
	return p.world.RTT(a, b) / 2
}

// await asks a region for an update until it has it.
func (p *planet) await(ctx context.Context, r gazetteer.RegionID, i int) error {
	for {
		_, err := p.faces[r].Get(ctx, recordType, update(i).ID)
		if err == nil || ctx.Err() != nil {
			return err
		}
		time.Sleep(lookAgain)
	}
}
