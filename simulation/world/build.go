package world

import (
	"cmp"
	"encoding/binary"
	"fmt"
	"slices"

	"gazetteer"
	"gazetteer/cluster"
	"gazetteer/ring"
	"gazetteer/simulation/scenario"
)

// build makes regions, servers and replicas, and places the partitions on rings.
func (w *World) build() error {
	for _, t := range w.scenario.Types {
		for i := range w.scenario.Partitions {
			p := gazetteer.Partition{Type: t.Name, Index: i}
			w.partIndex[p] = int32(len(w.parts))
			w.parts = append(w.parts, p)
		}
	}
	for i := range w.scenario.Regions {
		if err := w.buildRegion(&w.scenario.Regions[i]); err != nil {
			return err
		}
	}
	slices.Sort(w.stores)
	for _, p := range w.processes {
		p.peers = make([]*peer, len(w.processes))
	}
	for _, g := range w.regions {
		g.far = make([]*chart, len(w.regions))
		g.replan()
	}
	for _, g := range w.regions {
		for _, h := range w.regions {
			g.far[h.i] = h.chart
		}
		g.branches = w.shaped(g)
	}
	return nil
}

func (w *World) buildRegion(s *scenario.Region) error {
	g := &region{world: w, i: len(w.regions), name: s.Name, dice: w.dice("region "+string(s.Name), 0)}
	w.regions = append(w.regions, g)
	w.byRegion[s.Name] = g
	for k := range max(1, s.Servers) {
		v := &server{region: g, id: gazetteer.NodeID(fmt.Sprintf("%s/server-%d", s.Name, k+1)), up: true}
		g.servers = append(g.servers, v)
		w.hosts[v.id] = v
	}
	shards := map[string]*shard{}
	for _, r := range s.Rings {
		if shards[r.Name] == nil {
			shards[r.Name] = w.buildShard(g, r)
		}
	}
	for _, t := range w.scenario.Types {
		if err := w.place(g, s, t.Name, shards); err != nil {
			return err
		}
	}
	return nil
}

// shard is one ring of a region with what it owns of all types.
type shard struct {
	name    string
	members []*process
	parts   []gazetteer.Partition
}

func (w *World) buildShard(g *region, r scenario.Ring) *shard {
	h := &shard{name: r.Name}
	for k := range max(1, r.Replicas) {
		id := gazetteer.NodeID(fmt.Sprintf("%s/%s-%d", g.name, r.Name, k+1))
		p := &process{world: w, i: len(w.processes), id: id, region: g, shard: h, dice: w.dice("process "+string(id), 0)}
		p.disk = newDisk(len(w.parts))
		p.clock = w.newClock(p.dice)
		h.members = append(h.members, p)
		g.members = append(g.members, p)
		w.processes = append(w.processes, p)
		w.byID[id] = p
		w.stores = append(w.stores, id.Store())
	}
	g.shards = append(g.shards, h)
	return h
}

// place spreads a type's partitions over the rings that are named for it, or over those
// that are for all types.
func (w *World) place(g *region, s *scenario.Region, t gazetteer.Type, shards map[string]*shard) error {
	names := ringsFor(s, t)
	if len(names) == 0 {
		names = ringsFor(s, "")
	}
	if len(names) == 0 {
		return refuse("region %q has no ring for the type %q", s.Name, t)
	}
	placement, err := cluster.Propose(names, w.scenario.Partitions)
	if err != nil {
		return err
	}
	var rings []cluster.Ring
	for _, n := range names {
		rings = append(rings, cluster.Ring{Name: n, Members: shards[n].ids()})
	}
	plan, err := cluster.NewPlan(nil, rings, placement)
	if err != nil {
		return err
	}
	for i, r := range plan.RingsFor(t) {
		h := shards[names[i]]
		h.parts = append(h.parts, r.Partitions...)
	}
	return nil
}

func ringsFor(s *scenario.Region, t gazetteer.Type) (names []string) {
	for _, r := range s.Rings {
		if r.Type == t {
			names = append(names, r.Name)
		}
	}
	return names
}

func (h *shard) ids() (ids []gazetteer.NodeID) {
	for _, p := range h.members {
		ids = append(ids, p.id)
	}
	return ids
}

// shaped are the branches of a region where no tree says them.
func (w *World) shaped(g *region) (out []gazetteer.RegionID) {
	for _, h := range w.regions {
		hub := g.name == w.scenario.Tree.Hub || h.name == w.scenario.Tree.Hub
		if h != g && (w.scenario.Tree.Shape == scenario.Mesh || w.scenario.Tree.Shape == scenario.Star && hub) {
			out = append(out, h.name)
		}
	}
	slices.Sort(out)
	return out
}

// spoken reports whether voices build the tree.
func (w *World) spoken() bool {
	return w.scenario.Tree.Shape == scenario.MST || w.scenario.Tree.Shape == ""
}

// epochOf names a set of stores, so that replicas which reckon with the same set agree.
func epochOf(stores []gazetteer.StoreID) uint64 {
	b := make([]byte, 0, 8*len(stores))
	for _, s := range stores {
		b = binary.BigEndian.AppendUint64(b, uint64(s))
	}
	return gazetteer.HashBytes(b)
}

// planOf is what a region's plan, and what lies beyond it, give one replica.
func (g *region) planOf(p *process) ring.Plan {
	plan := ring.Plan{Epoch: epochOf(g.world.stores), Stores: g.world.stores}
	plan.Rings = []ring.Ring{{Name: p.shard.name, Members: p.shard.ids(), Partitions: p.shard.parts}}
	plan.Edges = g.edgesBeside(p)
	for _, b := range g.branches {
		h := g.world.byRegion[b]
		plan.Edges = g.edgesTo(plan.Edges, p, g.far[h.i])
	}
	slices.SortFunc(plan.Edges, func(a, b ring.Edge) int { return cmp.Compare(a.Peer, b.Peer) })
	return plan
}

// edgesBeside are the links over which rings of a region hear each other's freshness marks,
// as region/agent has them: from each ring to the next one that has a live member.
func (g *region) edgesBeside(p *process) (edges []ring.Edge) {
	var before *process
	for _, h := range g.shards {
		i := slices.IndexFunc(h.members, func(q *process) bool { return !g.isDead(q) })
		if i < 0 {
			continue
		}
		at := h.members[i]
		switch {
		case before != nil && at == p:
			edges = append(edges, ring.Edge{Peer: before.id})
		case before == p:
			edges = append(edges, ring.Edge{Peer: at.id})
		}
		before = at
	}
	return edges
}

// edgesTo adds the links from the partitions of which p is the relay to the relays of
// another region, as far as this one has heard.
func (g *region) edgesTo(edges []ring.Edge, p *process, far *chart) []ring.Edge {
	for i, part := range g.world.parts {
		to := far.relays[i]
		if to == nil || g.chart.relays[i] != p {
			continue
		}
		k := slices.IndexFunc(edges, func(e ring.Edge) bool { return e.Peer == to.id })
		if k < 0 {
			k = len(edges)
			edges = append(edges, ring.Edge{Peer: to.id})
		}
		edges[k].Partitions = append(edges[k].Partitions, part)
	}
	return edges
}
