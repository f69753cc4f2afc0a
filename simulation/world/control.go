package world

import (
	"math/rand/v2"
	"slices"
	"time"

	"gazetteer"
	"gazetteer/mst/voice"
)

const (
	// lookEvery is the pace at which a region's leader looks at its replicas.
	lookEvery = 250 * time.Millisecond
	// callDeadAfter is how long a replica must be silent before the plan calls it dead:
	// what the transport takes to doubt it, and the plan to believe that.
	callDeadAfter = deadAfter + time.Second
	// electAfter is what it takes to notice that a leader is gone and to elect another:
	// this much, and up to as much again.
	electAfter = time.Second
	// askEvery is the pace at which a region asks others for relays that it may have missed.
	askEvery = time.Second
)

// region is one region's control: who leads, what its plan says, what it has heard of others.
type region struct {
	world   *World
	i       int
	name    gazetteer.RegionID
	dice    *rand.Rand
	servers []*server
	shards  []*shard
	members []*process // of all shards

	leader    *server // nil: there is none
	electing  bool
	term      int
	unheard   []time.Duration // by member: since when the leader does not hear it; -1: it does
	dead      []bool          // by member, as the plan says
	chart     *chart
	far       []*chart // by region, as heard
	branches  []gazetteer.RegionID
	planned   bool // nodes have still to be told
	saved     voice.Saved
	speaker   *speaker // nil while nobody leads
	voices    int
	installed int
}

// server is a regional server. Only that it lives and can talk matters here.
type server struct {
	region *region
	id     gazetteer.NodeID
	up     bool
	paused bool
	barred int
}

func (v *server) answers() bool { return v.up && !v.paused }

// chart says which replica of a region is the relay of each partition. It does not change.
type chart struct {
	relays []*process // by partition; nil: none lives
}

func (g *region) start() {
	g.unheard = make([]time.Duration, len(g.members))
	for i := range g.unheard {
		g.unheard[i] = -1
	}
	g.elect(between(g.dice, 0, 200*time.Millisecond))
	g.world.agenda.After(between(g.dice, 0, lookEvery), g.looks)
	g.world.agenda.After(between(g.dice, 0, askEvery), g.asks)
}

// replan finds the relays anew: of each ring the first member that the plan does not call
// dead, in ring order.
func (g *region) replan() {
	if g.dead == nil {
		g.dead = make([]bool, len(g.members))
	}
	c := &chart{relays: make([]*process, len(g.world.parts))}
	for _, h := range g.shards {
		i := slices.IndexFunc(h.members, func(p *process) bool { return !g.isDead(p) })
		if i < 0 {
			continue
		}
		for _, part := range h.parts {
			c.relays[g.world.partIndex[part]] = h.members[i]
		}
	}
	g.chart = c
	if g.far[g.i] != nil {
		g.far[g.i] = c
	}
}

func (g *region) isDead(p *process) bool { return g.dead[slices.Index(g.members, p)] }

// looks lets the region look after itself, now and again later.
func (g *region) looks() {
	g.world.agenda.After(lookEvery, g.looks)
	g.keepLeader()
	if g.leader != nil {
		g.judge()
	}
}

// quorum reports whether a server lives and a majority of the region's servers answers it.
func (g *region) quorum(v *server) bool {
	if v == nil || !v.answers() {
		return false
	}
	n := &g.world.network
	answer := 0
	for _, u := range g.servers {
		if u == v || u.answers() && n.reaches(v.place(), u.place()) && n.reaches(u.place(), v.place()) {
			answer++
		}
	}
	return answer > len(g.servers)/2
}

// keepLeader ends a leader that has lost its majority, and has another one elected.
func (g *region) keepLeader() {
	if g.leader != nil && !g.quorum(g.leader) {
		g.world.log.region(g.name, "its leader "+string(g.leader.id)+" leads no more")
		g.leader = nil
		g.hush()
	}
	if g.leader == nil && !g.electing {
		g.elect(between(g.dice, electAfter, 2*electAfter))
	}
}

// elect makes the first server that a majority answers the leader, after a while.
func (g *region) elect(in time.Duration) {
	g.electing = true
	g.world.agenda.After(in, func() {
		g.electing = false
		i := slices.IndexFunc(g.servers, g.quorum)
		if i < 0 {
			return
		}
		g.leader = g.servers[i]
		g.term++
		g.world.cover.Elections++
		g.world.log.region(g.name, string(g.leader.id)+" leads")
		for k := range g.unheard {
			g.unheard[k] = -1
		}
		g.agree(g.replan)
		g.speak()
	})
}

// judge lets the leader call replicas dead that it has not heard, and alive again.
func (g *region) judge() {
	changed := false
	now := g.world.agenda.Now()
	for i, p := range g.members {
		heard := g.hears(p)
		switch {
		case heard:
			g.unheard[i] = -1
		case g.unheard[i] < 0:
			g.unheard[i] = now
		}
		dead := !heard && (g.dead[i] || now-g.unheard[i] >= callDeadAfter)
		if dead != g.dead[i] {
			g.dead[i], changed = dead, true
			g.world.log.region(g.name, map[bool]string{true: "calls dead ", false: "calls alive "}[dead]+string(p.id))
		}
	}
	if changed {
		g.agree(g.replan)
	}
}

func (g *region) hears(p *process) bool {
	n := &g.world.network
	return p.core != nil && !p.paused && n.reaches(p.place(), g.leader.place()) && n.reaches(g.leader.place(), p.place())
}

// agree has the region's servers agree on something: it is done when a majority has it on
// disk. If the leader loses its majority before that, nothing comes of it.
func (g *region) agree(what func()) {
	term := g.term
	g.world.agenda.After(g.world.scenario.Network.Local+between(g.dice, syncTime, 2*syncTime), func() {
		switch {
		case g.term != term || g.leader == nil:
			return
		case !g.quorum(g.leader):
			g.keepLeader() // it gives up: what it was to save is not
			return
		}
		what()
		g.tellNodes()
		g.tellOthers()
	})
}

// tellNodes gives the region's replicas what the plan means for them now.
func (g *region) tellNodes() {
	if g.planned {
		return
	}
	g.planned = true
	g.world.agenda.After(g.world.scenario.Network.Local/2, func() {
		g.planned = false
		for _, p := range g.members {
			g.tellNode(p)
		}
	})
}

func (g *region) tellNode(p *process) {
	if p.core == nil || !g.reachedByServer(p) {
		return
	}
	if next := g.planOf(p); !samePlan(&next, &p.plan) {
		p.configure(next)
	}
}

// reachedByServer reports whether any regional server reaches a replica: each has the plan.
func (g *region) reachedByServer(p *process) bool {
	return slices.ContainsFunc(g.servers, func(v *server) bool {
		return v.answers() && g.world.network.reaches(v.place(), p.place())
	})
}

// tellOthers tells the other regions who the relays are.
func (g *region) tellOthers() {
	c := g.chart
	for _, h := range g.world.regions {
		if h == g || h.far[g.i] == c {
			continue
		}
		if d, ok := g.world.between(g, h); ok {
			g.world.agenda.After(d, func() { h.hearsOf(g, c) })
		}
	}
}

func (g *region) hearsOf(h *region, c *chart) {
	if g.far[h.i] != c && h.chart == c {
		g.far[h.i] = c
		g.tellNodes()
	}
}

// asks refreshes what the region has heard of others, now and again later: what it was
// told while it could not be reached it would else miss. Nodes that missed a plan get it.
func (g *region) asks() {
	g.world.agenda.After(askEvery, g.asks)
	for _, h := range g.world.regions {
		if h == g || g.far[h.i] == h.chart {
			continue
		}
		out, a := g.world.between(g, h)
		back, b := g.world.between(h, g)
		if a && b {
			c := h.chart
			g.world.agenda.After(out+back, func() { g.hearsOf(h, c) })
		}
	}
	g.tellNodes()
}

// between draws the delay from a regional server to one of another region; false if no
// message passes between any two.
func (w *World) between(g, h *region) (time.Duration, bool) {
	for _, a := range g.servers {
		for _, b := range h.servers {
			if a.answers() && b.answers() && w.network.reaches(a.place(), b.place()) {
				return w.network.delay(a.place(), b.place(), g.dice), true
			}
		}
	}
	return 0, false
}
