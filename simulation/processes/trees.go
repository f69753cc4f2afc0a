package processes

import (
	"cmp"
	"context"
	"slices"
	"sync"
	"time"

	"gazetteer"
	"gazetteer/api/client"
	"gazetteer/simulation/result"
)

// trees are those that regions said they use.
type trees struct {
	run *run

	mu    sync.Mutex // guards all below
	began time.Time
	due   string        // why the next one is needed
	all   []*grown      // in the order in which they were seen
	edges []client.Edge // what is known of the latest
}

// grown is one of them.
type grown struct {
	result.Tree
	messages map[gazetteer.RegionID]int64
}

// look asks a server for the tree that it uses.
func (t *trees) look(ctx context.Context, p *process) {
	now, err := p.client.Topology(ctx)
	if err == nil {
		t.see(p.region, &now)
	}
}

func (t *trees) see(from gazetteer.RegionID, now *client.Topology) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.due = cmp.Or(now.Due, t.due)
	if now.Epoch == "" {
		return
	}
	g := t.of(now)
	g.messages[from] = int64(now.Messages)
	if n := treeSize(now.Edges) + 1; n > g.Regions { // a region that has just begun knows less
		g.Regions, g.WeightMS = n, result.Millis(now.WeightMS)
	}
	g.Messages = 0
	for _, n := range g.messages {
		g.Messages += n
	}
	g.TookMS = max(g.TookMS, result.Millis(now.InstalledMS))
	if g == t.all[len(t.all)-1] {
		t.edges = now.Edges
	}
}

// of returns the tree of a topology, a new one if nobody has told of it.
func (t *trees) of(now *client.Topology) *grown {
	for _, g := range t.all {
		if g.Epoch == now.Epoch {
			return g
		}
	}
	why := cmp.Or(t.due, "there was none")
	if len(t.all) > 0 && t.due == "" {
		why = "a region asked for it"
	}
	g := &grown{result.Tree{AtMS: t.at(), Epoch: now.Epoch, Why: why}, map[gazetteer.RegionID]int64{}}
	t.all, t.due = append(t.all, g), ""
	return g
}

// at is the time since the load began; before that there is none, and it is 0.
func (t *trees) at() result.Millis {
	if t.began.IsZero() {
		return 0
	}
	return result.MillisOf(time.Since(t.began))
}

func treeSize(edges []client.Edge) (n int) {
	for _, e := range edges {
		if e.Tree {
			n++
		}
	}
	return n
}

// begin says that the load begins.
func (t *trees) begin(at time.Time) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.began = at
}

// told returns all trees and the edges of the latest.
func (t *trees) told() (all []result.Tree, edges []result.Edge) {
	t.mu.Lock()
	defer t.mu.Unlock()
	for _, g := range t.all {
		all = append(all, g.Tree)
	}
	for _, e := range t.edges {
		edges = append(edges, result.Edge{A: gazetteer.RegionID(e.A), B: gazetteer.RegionID(e.B), CostMS: result.Millis(e.CostMS), Tree: e.Tree})
	}
	return all, edges
}

// paths returns how long the one way along the tree from a region to each other one is,
// by what the scenario says of its edges.
func (r *run) paths(from gazetteer.RegionID) map[gazetteer.RegionID]time.Duration {
	_, edges := r.trees.told()
	ways := map[gazetteer.RegionID]time.Duration{from: 0}
	for next := []gazetteer.RegionID{from}; len(next) > 0; next = next[1:] {
		for _, e := range edges {
			ends := []gazetteer.RegionID{e.A, e.B}
			i := slices.Index(ends, next[0])
			if i < 0 || !e.Tree {
				continue
			}
			if _, known := ways[ends[1-i]]; !known {
				ways[ends[1-i]] = ways[next[0]] + r.between(e.A, e.B)/2
				next = append(next, ends[1-i])
			}
		}
	}
	return ways
}
