package voice

import (
	"fmt"
	"slices"
	"time"

	"gazetteer"
	"gazetteer/mst"
)

// run is an epoch that this voice has entered: first its costs are agreed, edge by edge,
// then the member builds the tree.
type run struct {
	epoch   mst.Epoch
	nearest int // see Config
	pairs   []*pair
	entered time.Duration
	begun   bool
	woke    time.Duration // when it began
	halted  time.Duration // when this region, being an end of the core, knew that the tree is complete; 0: it did not
	over    bool          // installed, or given up
	ghs     uint64        // messages of the paper's kinds that this region sent
}

// pair is one edge, as this end knows it, on its way into an epoch.
type pair struct {
	to     gazetteer.RegionID
	mine   uint64 // what it costs at this end, frozen
	theirs uint64 // what the lower name has offered
	cost   uint64 // of the edge, once both ends are known
	state  pairState
	asked  time.Duration // when this end last spoke of it
	sent   uint64        // messages over its link
}

type pairState uint8

const (
	open     pairState = iota // the lower name has offered or will, nothing has come back
	accepted                  // this end has the higher name and waits for Confirm
	agreed                    // it takes part
	declined                  // it does not
)

func (r *run) pair(to gazetteer.RegionID) *pair {
	if i := slices.IndexFunc(r.pairs, func(q *pair) bool { return q.to == to }); i >= 0 {
		return r.pairs[i]
	}
	return nil
}

// running reports whether an epoch is under way here.
func (v *Voice) running() bool { return v.run != nil && !v.run.over }

// propose opens an epoch above all that are known, and calls every region to it.
func (v *Voice) propose(cause Cause) {
	e := v.highestKnown().Next(v.cfg.Self)
	nearest := v.cfg.Nearest
	if v.widen(cause) {
		nearest = 0
	}
	v.count.Proposed++
	v.enter(e, nearest)
	for _, p := range v.peers {
		q := v.run.pair(p.name)
		if offers := q != nil && v.cfg.Self < p.name; p.hearing.words() && !offers {
			v.send(p.name, Call{e, nearest, q != nil})
		}
	}
	v.maybeBegin()
}

// widen reports whether the last tree is not good enough only because edges were left out.
func (v *Voice) widen(cause Cause) bool {
	return v.narrow && (cause == CauseUnseen || cause == CauseParts || cause == CauseRegions)
}

func (v *Voice) highestKnown() mst.Epoch {
	if e := v.member.Epoch(); e.Compare(v.highest) > 0 {
		return e
	}
	return v.highest
}

// enter goes on to an epoch and gives up what runs. What each edge costs at this end is
// frozen now. Should the epoch not help, its cause is weighed from the start.
func (v *Voice) enter(e mst.Epoch, nearest int) {
	v.member.Join(e)
	v.count.Entered++
	v.tries++
	v.trouble.cause = CauseNone
	v.run = &run{epoch: e, nearest: nearest, entered: v.now}
	for _, p := range v.candidates(nearest) {
		q := v.addPair(p)
		if v.cfg.Self < p.name {
			v.offer(q)
		}
	}
	v.changed = true
}

func (v *Voice) addPair(p *peer) *pair {
	q := &pair{to: p.name, mine: v.cost(p), asked: v.now}
	v.run.pairs = append(v.run.pairs, q)
	return q
}

// follow passes on what the member has to send, and takes what it has come to.
func (v *Voice) follow() (installed *mst.Tree) {
	out := v.member.Ready()
	if v.running() && v.run.begun && v.run.halted == 0 && v.member.Halted() {
		v.run.halted = v.now
	}
	for _, d := range out.Send {
		v.sendFrame(d)
	}
	if out.Failed != nil && v.run != nil && out.Failed.Epoch == v.run.epoch {
		v.giveUp(out.Failed.Err.Error(), gazetteer.KindOf(out.Failed.Err) != gazetteer.Deadline)
	}
	if out.Install != nil {
		v.install(*out.Install)
	}
	return out.Install
}

func (v *Voice) sendFrame(d mst.Delivery) {
	if v.peer(d.To) == nil {
		return // it has been removed
	}
	v.send(d.To, Frame{d.Frame})
	if v.run == nil || d.Frame.Message == nil || d.Frame.Message.Kind() >= mst.PaperKinds {
		return
	}
	if q := v.run.pair(d.To); q != nil && d.Frame.Seq > q.sent {
		q.sent = d.Frame.Seq
		v.run.ghs++
	}
}

// install takes a tree into use.
func (v *Voice) install(t mst.Tree) {
	v.tree, v.treeAt, v.seen = t, v.now, nil
	v.took = v.run.times(v.now)
	v.bridges, v.bridging, v.shortcuts, v.chosen = nil, nil, nil, false
	v.run.over, v.narrow, v.messages = true, v.run.nearest > 0, v.run.ghs
	for _, q := range v.run.pairs {
		if q.state == agreed {
			v.seen = append(v.seen, q.to)
		}
	}
	slices.Sort(v.seen)
	if t.Regions > 1 {
		v.contact = ""
	}
	v.count.Installed++
	v.stir()
}

// Times say how long the last run took in this region, from waking.
type Times struct {
	Halted    time.Duration // until it knew, as one of the core's two, that the tree is complete; 0 for all others
	Installed time.Duration
}

func (r *run) times(now time.Duration) Times {
	t := Times{Installed: now - r.woke}
	if r.halted > 0 {
		t.Halted = r.halted - r.woke
	}
	return t
}

// giveUp ends a run that will not come to a tree. What the others cannot know they are
// told. Should its tree come late, it is as good.
func (v *Voice) giveUp(why string, tell bool) {
	if !v.running() {
		return
	}
	v.run.over = true
	v.count.Failed++
	v.trouble.failure = fmt.Sprintf("epoch %v: %s", v.run.epoch, why)
	v.changed = true
	for _, q := range v.run.pairs {
		if p := v.peer(q.to); tell && p != nil && q.state != declined {
			v.refuse(p, v.run.epoch)
		}
	}
}

// pursue sends again what was not answered, and begins the run when it is time.
func (v *Voice) pursue() {
	if !v.running() {
		return
	}
	if v.run.begun {
		v.watch()
		return
	}
	for _, q := range v.run.pairs {
		p := v.peer(q.to)
		switch {
		case q.state >= agreed:
		case p == nil || !p.hearing.words():
			q.state = declined
		case v.now >= q.asked+v.cfg.ResendAfter:
			v.remind(p, q)
		}
	}
	v.maybeBegin()
}

func (v *Voice) remind(p *peer, q *pair) {
	switch {
	case q.state == accepted:
		v.accept(q)
	case v.cfg.Self < p.name:
		v.offer(q)
	default:
		q.asked = v.now
		v.send(p.name, Call{v.run.epoch, v.run.nearest, true})
	}
}

// watch gives up a run whose tree needs a region that has fallen silent.
func (v *Voice) watch() {
	for _, q := range v.run.pairs {
		if q.state != agreed {
			continue
		}
		if p := v.peer(q.to); p == nil || !p.hearing.words() {
			v.giveUp(fmt.Sprintf("%q has fallen silent", q.to), true)
			return
		}
	}
}

// maybeBegin begins when each edge is decided, or when the time for that is over. The end
// that waits for Confirm is the more patient one, so that the two rarely differ.
func (v *Voice) maybeBegin() {
	r := v.run
	if r.begun || r.over {
		return
	}
	edges := []mst.Edge{}
	for _, q := range r.pairs {
		if patience := v.agreeWithin(q); q.state < agreed && v.now < r.entered+patience {
			return
		}
		if q.state == agreed {
			edges = append(edges, mst.Edge{To: q.to, Cost: q.cost})
		}
	}
	v.begin(edges)
}

func (v *Voice) agreeWithin(q *pair) time.Duration {
	if q.state == accepted {
		return v.cfg.AgreeWithin * 3 / 2
	}
	return v.cfg.AgreeWithin
}

func (v *Voice) begin(edges []mst.Edge) {
	r := v.run
	r.begun = true
	for _, q := range r.pairs {
		if q.state != agreed {
			q.state = declined
		}
	}
	if err := v.member.Begin(mst.Run{Epoch: r.epoch, Regions: len(v.members), Edges: edges}); err != nil {
		v.giveUp(err.Error(), true)
		return
	}
	r.woke = v.now
	v.member.Wake()
}
