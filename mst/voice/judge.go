package voice

import (
	"slices"
	"time"

	"gazetteer"
	"gazetteer/mst"
)

// Cause says why an epoch is due.
type Cause uint8

const (
	CauseNone    Cause = iota
	CauseFirst         // there is no tree yet
	CauseBranch        // a branch of this region's does not work
	CauseEpoch         // a region in reach has another epoch's tree
	CauseRegions       // the tree has more or fewer regions than are in reach
	CauseParts         // the tree is in parts
	CauseUnseen        // an edge that had no part in the epoch is lighter than one of the tree
	CauseCost          // an edge of the tree has become much heavier than one that could replace it
)

func (c Cause) String() string {
	return [...]string{"none", "no tree yet", "dead branch", "other epoch", "regions changed", "tree in parts", "unseen edge", "cost"}[min(c, CauseCost)]
}

// An edge of the tree is too heavy when it costs more than 1.25 times one that could
// replace it and 5 ms on top. On the real matrix noise of 20 % never comes so far, and a
// single bad link does.
func tooHeavy(w, instead uint64) bool {
	const margin = uint64(5 * time.Millisecond / time.Microsecond)
	return w > instead+instead/4+margin
}

// trouble is what calls for an epoch, from when it is first seen until all is well.
type trouble struct {
	cause   Cause
	first   time.Duration // when it was first seen
	since   time.Duration // when it last changed
	reach   int           // regions in reach
	ripe    time.Duration // since when it has been quiet; 0: it is not
	jitter  float64       // in [0,1), drawn
	failure string        // why the last run that failed did
}

// look weighs what is known: which provisional branches are wanted, and whether an epoch
// is due.
func (v *Voice) look() {
	if len(v.members) == 0 {
		return
	}
	c := v.chart()
	v.span(v.bridgesOf(c))
	if !v.running() {
		v.weigh(c)
	}
}

// bridgesOf returns where a provisional branch leads. A planet that has just begun has no
// tree that could be in parts: it waits for its first run, unless that fails.
func (v *Voice) bridgesOf(c *chart) []gazetteer.RegionID {
	if (v.tree.Epoch == mst.Epoch{}) && (v.tries == 0 || v.tries == 1 && v.running()) {
		return nil
	}
	return c.bridges()
}

// span takes the provisional branches of two looks that agree: what one end has noticed the
// words of the others tell a moment later, and no link is made for that moment.
func (v *Voice) span(to []gazetteer.RegionID) {
	if steady := slices.Equal(to, v.bridging); steady && !slices.Equal(to, v.bridges) {
		v.bridges = to
		v.stir()
	}
	v.bridging = to
}

// weigh proposes an epoch when its cause has lasted.
func (v *Voice) weigh(c *chart) {
	cause := v.cause(c)
	if cause == CauseNone {
		v.calm(c)
		return
	}
	v.note(c, cause)
	if v.ripe(c) && v.now >= v.trouble.ripe+v.wait(c) {
		v.propose(cause)
	}
}

// calm forgets the trouble. The back-off ends only when the tree has been looked at in
// earnest: right after an install it is not.
func (v *Voice) calm(c *chart) {
	if v.trouble.cause != CauseNone {
		v.trouble = trouble{failure: v.trouble.failure}
		v.changed = true
	}
	if !v.fresh() {
		v.tries = 0
		v.chooseShortcuts(c)
	}
}

func (v *Voice) note(c *chart, cause Cause) {
	t := &v.trouble
	if t.cause == CauseNone {
		*t = trouble{first: v.now, since: v.now, jitter: v.cfg.Rand.Float64(), failure: t.failure}
	}
	if t.cause != cause || t.reach != c.count {
		t.since = v.now
		v.changed = true
	}
	t.cause, t.reach = cause, c.count
}

// ripe reports whether the trouble has been quiet for long enough, and what an epoch needs
// is known: regions that come together are collected, but not for ever. After so many beats
// a region is heard, or known to be silent.
func (v *Voice) ripe(c *chart) bool {
	t := &v.trouble
	quiet := v.now-t.since >= v.lasting(t.cause) && !v.listening() && c.met(v.cfg.Given)
	patience := max(5*v.lasting(t.cause), time.Duration(v.cfg.Missed+2)*v.beat())
	switch late := v.now-t.first >= patience; {
	case !quiet && !late:
		t.ripe = 0
	case t.ripe == 0:
		t.ripe = v.now
	}
	return t.ripe > 0
}

func (v *Voice) lasting(cause Cause) time.Duration {
	if cause == CauseCost {
		return v.cfg.CostLasting
	}
	return v.cfg.Collect
}

// wait is what a ripe trouble still waits for: the back-off of epochs that did not help,
// and, unless this region is the one to propose, that one's proposal.
func (v *Voice) wait(c *chart) time.Duration {
	var w time.Duration
	if v.tries > 0 {
		w = min(time.Second<<min(v.tries-1, 20), v.cfg.RetryMax)
		w += time.Duration(v.trouble.jitter * float64(w))
	}
	switch cause := v.trouble.cause; {
	case cause == CauseCost || cause == CauseUnseen: // one region sees it
		if cause == CauseCost || !v.narrow {
			w = max(w, v.treeAt+v.cfg.CostEvery-v.trouble.ripe)
		}
	case !c.first():
		w += 2*v.beat() + time.Duration(v.trouble.jitter*float64(v.beat()))
	}
	return w
}

// fresh reports whether the tree is so new that the words of others may not tell of it.
func (v *Voice) fresh() bool { return v.now < v.treeAt+time.Duration(v.cfg.Missed)*v.beat() }

// cause returns why an epoch is due.
func (v *Voice) cause(c *chart) Cause {
	switch {
	case v.tree.Epoch == mst.Epoch{}:
		return CauseFirst
	case v.brokenBranch():
		return CauseBranch
	case v.fresh():
		return CauseNone
	case v.otherTree(c):
		return CauseEpoch
	case v.tree.Regions != c.count:
		return CauseRegions
	case c.parts > 1:
		return CauseParts
	}
	return v.heavyBranch(c)
}

func (v *Voice) brokenBranch() bool {
	return slices.ContainsFunc(v.tree.Branches, func(e mst.Edge) bool {
		p := v.peer(e.To)
		return p == nil || p.hearing.denies()
	})
}

func (v *Voice) otherTree(c *chart) bool {
	return slices.ContainsFunc(v.peers, func(p *peer) bool {
		return c.reach[p.at] && c.rows[p.at] != nil && p.word.Tree != v.tree.Epoch
	})
}

// heavyBranch looks at the branches whose lower end this region is, so that one region
// alone decides about each. An edge that had no part in the epoch is held to the letter:
// then the next epoch sees it.
func (v *Voice) heavyBranch(c *chart) (cause Cause) {
	for _, b := range v.tree.Branches {
		if b.To > v.cfg.Self {
			cause = max(cause, v.judgeBranch(c, v.peer(b.To).at))
		}
	}
	return cause
}

func (v *Voice) judgeBranch(c *chart, j int) Cause {
	w, ok := c.weight(c.self, j)
	if !ok {
		return CauseNone
	}
	near := c.side(j)
	across := func(seen bool) func(a, b int) bool {
		return func(a, b int) bool { return near[a] && !near[b] && c.reach[b] && c.sawEdge(a, b) == seen }
	}
	if seen, ok := c.lightest(across(true)); ok && tooHeavy(w.Cost, seen.Cost) {
		return CauseCost
	}
	if unseen, ok := c.lightest(across(false)); ok && unseen.Compare(w) < 0 {
		return CauseUnseen
	}
	return CauseNone
}
