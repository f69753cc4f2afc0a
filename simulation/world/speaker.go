package world

import (
	"slices"
	"time"

	"gazetteer"
	"gazetteer/mst"
	"gazetteer/mst/voice"
)

const (
	// pingEvery, pingEach: how often other regions are measured, and how much slower on a
	// large planet.
	pingEvery = time.Second
	pingEach  = 100 * time.Millisecond
	// tries is how many round trips one measurement takes the shortest of.
	tries = 3
	// speakEvery is the pace of the voice's clock.
	speakEvery = 100 * time.Millisecond
)

// speaker drives the region's voice for as long as one server leads.
type speaker struct {
	region *region
	leader *server
	v      *voice.Voice
	began  time.Duration
	busy   bool // something is being agreed on
	inbox  []func(*voice.Voice)
}

// speak begins the voice of a new leader, from what the region has saved.
func (g *region) speak() {
	if !g.world.spoken() {
		return
	}
	g.voices++
	v, err := voice.New(voice.Config{Self: g.name, Saved: g.saved, Shortcuts: g.world.scenario.Tree.Shortcuts,
		Rand: g.world.dice("voice "+string(g.name), g.voices)})
	if err != nil {
		g.world.books.fail("voice", nil, "%s: %v", g.name, err)
		return
	}
	s := &speaker{region: g, leader: g.leader, v: v, began: g.world.agenda.Now()}
	g.speaker = s
	s.give(func(v *voice.Voice) { v.Regions(g.world.names()) })
	g.world.agenda.After(between(g.dice, 0, speakEvery), s.ticks)
	g.world.agenda.After(between(g.dice, 0, pingEvery), s.pings)
}

func (w *World) names() (all []gazetteer.RegionID) {
	for _, g := range w.regions {
		all = append(all, g.name)
	}
	return all
}

// hush ends the voice: another leader will begin anew.
func (g *region) hush() { g.speaker = nil }

func (s *speaker) speaks() bool { return s.region.speaker == s }

func (s *speaker) ticks() {
	if !s.speaks() {
		return
	}
	s.region.world.agenda.After(speakEvery, s.ticks)
	if !s.leader.paused {
		s.give(func(*voice.Voice) {})
	}
}

// give lets something happen to the voice: at once, or when it has agreed on what it saves.
func (s *speaker) give(what func(*voice.Voice)) {
	if !s.speaks() {
		return
	}
	s.inbox = append(s.inbox, what)
	if !s.busy && !s.leader.paused {
		s.work()
	}
}

func (s *speaker) work() {
	s.v.Tick(s.region.world.agenda.Now() - s.began)
	for _, what := range s.inbox {
		what(s.v)
	}
	s.inbox = s.inbox[:0]
	s.perform(s.v.Ready())
}

// perform does what a voice asks for: save, then send, then the rest.
func (s *speaker) perform(rd voice.Ready) {
	if rd.Save == nil {
		s.finish(&rd)
		return
	}
	s.busy = true
	g := s.region
	g.agree(func() {
		if !s.speaks() {
			return
		}
		g.saved = *rd.Save
		s.busy = false
		s.finish(&rd)
		if s.speaks() && !s.busy && len(s.inbox) > 0 {
			s.work()
		}
	})
}

func (s *speaker) finish(rd *voice.Ready) {
	g := s.region
	for _, e := range rd.Send {
		g.world.trees.sent(s, e)
		s.send(e)
	}
	if rd.Installed != nil {
		g.world.trees.installs(g, rd.Installed)
	}
	if rd.Branches != nil {
		g.world.trees.turned = append(g.world.trees.turned, g.world.agenda.Now())
		g.branches = nil
		for _, b := range rd.Branches {
			g.branches = append(g.branches, b.Region)
		}
		g.tellNodes()
	}
}

// send gives a message to the leader of another region. It is a request of its own: it may
// be lost, doubled and overtaken.
func (s *speaker) send(e voice.Envelope) {
	w := s.region.world
	h := w.byRegion[e.To]
	if h.leader == nil || !w.network.reaches(s.leader.place(), h.leader.place()) {
		return
	}
	from, to := s.leader.place(), h.leader.place()
	for range w.network.copies(from, to, s.region.dice) {
		w.agenda.After(w.network.delay(from, to, s.region.dice), func() {
			if h.speaker != nil && h.leader.answers() {
				h.speaker.give(func(v *voice.Voice) { v.Step(s.region.name, e.Message) })
			}
		})
	}
}

// pings measures the way to every other region.
func (s *speaker) pings() {
	if !s.speaks() {
		return
	}
	w := s.region.world
	w.agenda.After(max(pingEvery, pingEach*time.Duration(len(w.regions))), s.pings)
	if s.leader.paused {
		return
	}
	for _, h := range w.regions {
		if h != s.region {
			s.ping(h)
		}
	}
}

func (s *speaker) ping(h *region) {
	w := s.region.world
	if h.leader == nil || !h.leader.answers() {
		return
	}
	from, to := s.leader.place(), h.leader.place()
	if !w.network.reaches(from, to) || !w.network.reaches(to, from) {
		return
	}
	best := time.Duration(0)
	for i := range tries {
		rtt := w.network.delay(from, to, s.region.dice) + w.network.delay(to, from, s.region.dice)
		if i == 0 || rtt < best {
			best = rtt
		}
	}
	w.agenda.After(tries*best, func() { s.give(func(v *voice.Voice) { v.Sample(h.name, best) }) })
}

// trees remembers how trees came about, from what voices said to each other.
type trees struct {
	all    []*tree // by epoch as they were first spoken of
	byName map[mst.Epoch]*tree
	turned []time.Duration // when a region's branches became others
}

// tree is one epoch.
type tree struct {
	epoch     mst.Epoch
	why       voice.Cause
	agreed    []mst.Weight // edges that took part, as Confirm told
	woke      time.Duration
	at        time.Duration // when it was last installed somewhere
	installs  int
	regions   int
	weight    uint64
	messages  int64
	highest   map[way]uint64 // sequence numbers seen, by direction
	branches  map[gazetteer.RegionID][]mst.Edge
	announced bool
}

type way struct{ from, to gazetteer.RegionID }

func (t *trees) init() { t.byName = map[mst.Epoch]*tree{} }

// turning reports whether some region's branches were others soon before a moment, or are
// soon after: a branch that the tree needs no more is kept for a while, and what is
// written in that time crosses it, too.
func (t *trees) turning(at time.Duration) bool {
	i, _ := slices.BinarySearch(t.turned, at-spreadsWithin)
	return i < len(t.turned) && t.turned[i] <= at+drainsFor+spreadsWithin
}

const (
	// drainsFor is the voices' default for how long a branch is kept for which there is no
	// reason any more, and what agreeing on it takes.
	drainsFor = 11 * time.Second
	// spreadsWithin is within what time an update reaches all regions where nothing fails.
	spreadsWithin = time.Second
)

func (t *trees) of(e mst.Epoch) *tree {
	k := t.byName[e]
	if k == nil {
		k = &tree{epoch: e, woke: -1, highest: map[way]uint64{}, branches: map[gazetteer.RegionID][]mst.Edge{}}
		t.byName[e] = k
		t.all = append(t.all, k)
	}
	return k
}

// sent notes what a voice says about an epoch.
func (t *trees) sent(s *speaker, e voice.Envelope) {
	w := s.region.world
	w.sights.voice(e.Message.Kind())
	switch m := e.Message.(type) {
	case voice.Call:
		t.opened(s, m.Epoch)
	case voice.Offer:
		t.opened(s, m.Epoch)
	case voice.Confirm:
		weight := mst.WeightOf(m.Cost, s.region.name, e.To)
		if k := t.of(m.Epoch); !slices.Contains(k.agreed, weight) {
			k.agreed = append(k.agreed, weight)
		}
	case voice.Frame:
		t.framed(w, way{s.region.name, e.To}, &m)
	}
}

// opened notes why an epoch was proposed, when its proposer first speaks of it.
func (t *trees) opened(s *speaker, e mst.Epoch) {
	if k := t.of(e); e.Proposer == s.region.name && !k.announced {
		k.announced = true
		k.why = s.v.Status().Cause
		s.region.world.cover.Epochs++
		s.region.world.log.region(s.region.name, "proposes epoch "+e.String()+": "+k.why.String())
	}
}

func (t *trees) framed(w *World, by way, m *voice.Frame) {
	if m.Message == nil || m.Message.Kind() >= mst.PaperKinds {
		return
	}
	k := t.of(m.Epoch)
	if k.woke < 0 {
		k.woke = w.agenda.Now()
	}
	if m.Seq > k.highest[by] {
		k.highest[by] = m.Seq
		k.messages++
	}
}

// installs notes that a region uses a tree from now on.
func (t *trees) installs(g *region, m *mst.Tree) {
	k := t.of(m.Epoch)
	k.installs++
	k.at, k.regions, k.weight = g.world.agenda.Now(), m.Regions, m.Weight
	k.branches[g.name] = slices.Clone(m.Branches)
	g.installed++
	g.world.cover.Installs++
	g.world.log.region(g.name, "installs tree "+m.Epoch.String())
}
