package ring_test

import (
	"fmt"
	"io"
	"runtime/debug"
	"slices"
	"time"

	"gazetteer/ring"
)

// schedule is a world and all that is done to it.
type schedule struct {
	shape   shape
	actions []action
}

// profile is which kinds of fault a schedule draws from, and how often: the weight of
// each kind of action.
type profile struct {
	name    string
	weights [actionKinds]int
}

// writing is what all profiles have in common.
var writing = [actionKinds]int{doWrite: 120, doMany: 30, doDelete: 40, doDrop: 8, doReplace: 16, doIf: 12, doBurst: 6, doPause: 4}

func with(name string, faults [actionKinds]int) profile {
	p := profile{name, writing}
	for i, k := range faults {
		p.weights[i] += k
	}
	return p
}

func profiles() []profile {
	everything := [actionKinds]int{doCrash: 6, doPower: 3, doHalt: 5, doLose: 2, doCopy: 3, doRestore: 2, doCut: 4, doSplit: 3,
		doBreak: 10, doSlow: 8, doFreeze: 3, doTree: 4, doRemove: 3, doReturn: 4, doClock: 2}
	return []profile{
		with("calm", [actionKinds]int{}),
		with("links", [actionKinds]int{doCut: 8, doSplit: 5, doBreak: 20, doSlow: 14, doFreeze: 6, doTree: 8}),
		with("crashes", [actionKinds]int{doCrash: 12, doPower: 8, doHalt: 16, doBreak: 8, doSlow: 10, doTree: 4}),
		with("disks", [actionKinds]int{doCrash: 5, doHalt: 4, doLose: 8, doCopy: 8, doRestore: 6, doBreak: 10, doSlow: 8, doCut: 3, doTree: 3}),
		with("clocks", [actionKinds]int{doClock: 12, doBreak: 8, doCrash: 4, doSlow: 6, doTree: 4, doSplit: 2}),
		with("members", [actionKinds]int{doRemove: 10, doReturn: 14, doCrash: 4, doLose: 1, doBreak: 5, doTree: 5, doSlow: 6}),
		with("ruins", [actionKinds]int{doLose: 30, doRestore: 8, doCopy: 10, doCrash: 6, doBreak: 10, doSlow: 6, doSplit: 4}),
		with("wanderers", [actionKinds]int{doRemove: 24, doReturn: 26, doLose: 12, doRestore: 4, doCopy: 6, doCrash: 4, doSplit: 3}),
		with("all", everything),
		with("all", everything),
		with("all", everything),
		with("all", everything),
	}
}

const actionsOf = 300

// newSchedule draws a schedule from a seed.
func newSchedule(seed uint64) *schedule {
	d := dice(seed * 0x2545f4914f6cdd1d)
	d.next()
	all := profiles()
	p := all[seed%uint64(len(all))]
	if *profileFlag != "" {
		p = all[slices.IndexFunc(all, func(q profile) bool { return q.name == *profileFlag })]
	}
	s := &schedule{shape: newShape(seed, &d, p.name)}
	s.actions = drawActions(&d, &p)
	return s
}

func drawActions(d *dice, p *profile) []action {
	total := 0
	for _, k := range p.weights {
		total += k
	}
	var as []action
	at := time.Duration(0)
	for range actionsOf + d.n(60) {
		at += d.between(0, 12*time.Millisecond)
		x := action{at: at, a: uint32(d.next()), b: uint32(d.next()), c: uint32(d.next()), d: uint32(d.next())}
		x.kind = p.draw(d.n(total))
		if x.kind == doPause {
			at += d.between(50*time.Millisecond, 400*time.Millisecond)
		}
		as = append(as, x)
	}
	return as
}

func (p *profile) draw(k int) actionKind {
	for i, w := range p.weights {
		if k < w {
			return actionKind(i)
		}
		k -= w
	}
	return doPause
}

// newShape draws a planet: one region, or a small tree of them, with rings of 1 to 7.
func newShape(seed uint64, d *dice, profile string) shape {
	calm := profile == "calm"
	s := shape{seed: seed, parts: 1 + d.n(2), ids: 1 + d.n(4), locations: 1 + d.n(3), tick: 15 * time.Millisecond, calm: calm}
	switch {
	case profile == "ruins": // rings of one: a lost disk is a lost region
		for range 2 + d.n(3) {
			s.rings = append(s.rings, []circle{{members: 1 + d.n(4)/3, parts: uint64(1<<s.parts - 1)}})
		}
	case d.n(5) < 2:
		s.rings = [][]circle{regionOf(d, s.parts, []int{1, 2, 3, 3, 5, 7})}
	default:
		for range 2 + d.n(3) {
			s.rings = append(s.rings, regionOf(d, s.parts, []int{1, 1, 2, 2, 3}))
		}
	}
	s.config = quick(d)
	if calm {
		s.config.QueueMax, s.config.Window, s.config.CompareEvery = 1000, 32, time.Hour
	}
	return s
}

func regionOf(d *dice, parts int, sizes []int) []circle {
	one := func(owned uint64, sizes []int) circle {
		return circle{members: sizes[d.n(len(sizes))], spares: max(0, d.n(4)-2), parts: owned}
	}
	if parts == 2 && d.once(3) {
		return []circle{one(1, []int{1, 2, 3}), one(2, []int{1, 2})}
	}
	return []circle{one(uint64(1<<parts-1), sizes)}
}

// quick is a configuration with short times and small bounds, so that a schedule of two
// seconds meets what takes a planet days.
func quick(d *dice) ring.Config {
	return ring.Config{
		MaxSkew:      300 * time.Millisecond,
		QueueMax:     4 + d.n(5),
		ScanBatch:    1 + d.n(3),
		Window:       1 + d.n(3),
		FreshEvery:   60 * time.Millisecond,
		StableEvery:  180 * time.Millisecond,
		StuckAfter:   400 * time.Millisecond,
		OrphanAfter:  500 * time.Millisecond,
		AloneAfter:   150 * time.Millisecond,
		CompareEvery: 500 * time.Millisecond,
		CollectEvery: 100 * time.Millisecond,
	}
}

// run does a schedule, heals the world, lets it come to rest and judges it.
func (s *schedule) run(trace io.Writer) (w *world) {
	w = newWorld(s.shape, trace)
	defer func() {
		if p := recover(); p != nil {
			w.books.failure = &violation{"panic", fmt.Sprintf("%v\n%s", p, debug.Stack())}
		}
		for _, n := range w.nodes {
			w.cover.saw(n.counted)
		}
	}()
	w.start()
	w.watched()
	w.visited()
	begin := time.Duration(0)
	if s.shape.calm {
		begin = time.Second
		w.run(begin)
		w.settled = true
	}
	for i := range s.actions {
		w.run(begin + s.actions[i].at)
		if w.books.failure != nil {
			return w
		}
		w.act(&s.actions[i])
	}
	w.finish()
	return w
}

func (w *world) finish() {
	for _, n := range w.nodes {
		w.cover.collectedWhileRunning = w.cover.collectedWhileRunning || w.countersOf(n).Collected > 0
	}
	if w.calm {
		w.run(w.now + time.Second)
		w.books.budget()
		w.settled = false
	}
	d := dice(w.shape.seed ^ 0x6a09e667f3bcc909)
	w.heal(&d)
	w.rests()
	w.judge()
	if w.books.failure == nil && d.once(3) {
		w.writesAtLast()
		w.rests()
		w.judge()
	}
	for _, n := range w.nodes {
		n.counted = w.countersOf(n)
	}
}

// writesAtLast holds that a healed planet takes writes again, everywhere.
func (w *world) writesAtLast() {
	for part := range w.parts {
		for _, n := range w.owners(part) {
			w.mustWrite(n, ring.Write{Partition: w.parts[part], ID: w.ids[0], Put: []ring.Value{{Location: "l0"}}, Ack: ring.AckRegions})
			w.mustWrite(n, ring.Write{Partition: w.parts[part], ID: w.ids[0], Replace: true, Ack: ring.AckLocal})
		}
	}
}

func (w *world) mustWrite(n *node, wr ring.Write) {
	var last error
	for range 20 { // a fence falls only when the others have caught up
		o := w.propose(n, wr, time.Second)
		w.run(w.now + 400*time.Millisecond)
		if o.outcome != nil && o.outcome.Err == nil && o.outcome.Reached >= wr.Ack {
			return
		}
		if o.outcome != nil {
			last = o.outcome.Err
		}
		if w.books.failure != nil {
			return
		}
	}
	w.books.fail("service", n, "takes no writes after all faults have ended: %v", last)
}
