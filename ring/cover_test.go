package ring_test

import (
	"fmt"
	"io"

	"gazetteer/ring"
)

// coverage says what a schedule met.
type coverage struct {
	crashed, diskLost, copyPutBack, linkBroken, treeChanged, removed, joined, clockJumped bool
	collectedWhileRunning                                                                 bool
	done, refused                                                                         int
	shown, tokenReads, tokenRefused, everywhere                                           int
	watchLeft, watchReset, bookmarked, readLoose, tokenFolded                             bool
	counters                                                                              ring.Counters
}

func (c *coverage) saw(k ring.Counters) { c.counters = sum(c.counters, k) }

func sum(a, b ring.Counters) ring.Counters {
	a.Written += b.Written
	a.Applied += b.Applied
	a.Duplicates += b.Duplicates
	a.Superseded += b.Superseded
	a.Gaps += b.Gaps
	a.Scans += b.Scans
	a.Resumed += b.Resumed
	a.WholeScans += b.WholeScans
	a.Overflows += b.Overflows
	a.OverflowsInScan += b.OverflowsInScan
	a.Held += b.Held
	a.Fenced += b.Fenced
	a.Orphans += b.Orphans
	a.Collected += b.Collected
	a.Conflicts += b.Conflicts
	a.Rewritten += b.Rewritten
	a.Mutual += b.Mutual
	a.Stuck += b.Stuck
	a.Renewed += b.Renewed
	return a
}

// tally counts the schedules of a batch that met each thing.
type tally struct {
	schedules, events, updates, done, refused, rewritten, alarms int
	met                                                          [things]int
}

type thing int

const (
	crashed thing = iota
	overflowed
	overflowedInScan
	collected
	collectedWhileRunning
	treeChanged
	diskLost
	copyPutBack
	resumed
	tookWhole
	removed
	joined
	held
	fenced
	orphan
	journaled
	mutual
	gap
	stuck
	watched
	renewed
	watchReset
	watchLeft
	tokenRead
	tokenRefused
	tokenFolded
	readLoose
	everywhere
	things
)

var thingNames = [things]string{"crashed", "overflowed", "overflowed in mid-scan", "collected a tombstone",
	"collected one while faults went on", "changed the tree", "lost a disk", "put an old copy back", "resumed a scan",
	"took a whole scan", "removed a member", "added a member", "held a stamp", "fenced a node", "wrote an orphan anew",
	"journaled a conflict", "met below each other's horizon", "saw a gap", "asked a stuck subscriber",
	"showed a watcher something", "renewed a watch instead of passing a mark on", "reset a watch", "moved away from a watch",
	"read with a token", "refused a read for its token", "read with a clock for positions", "read an element above the vector",
	"acknowledged a write in every region"}

// atLeast is how many schedules of a full batch must have met a thing.
var atLeast = map[thing]int{crashed: 200, overflowedInScan: 200, collected: 200, treeChanged: 200, diskLost: 200,
	watched: 200, renewed: 200, watchReset: 200, tokenRead: 200, tokenRefused: 200, tokenFolded: 200, readLoose: 50, everywhere: 200}

func (t *tally) add(w *world) {
	t.schedules++
	t.events += w.steps
	t.updates += len(w.books.facts)
	t.done += w.cover.done
	t.refused += w.cover.refused
	t.rewritten += w.books.rewritten
	t.alarms += w.books.alarms
	c, k := &w.cover, &w.cover.counters
	for i, met := range [things]bool{
		crashed: c.crashed, overflowed: k.Overflows > 0, overflowedInScan: k.OverflowsInScan > 0,
		collected: k.Collected > 0, collectedWhileRunning: c.collectedWhileRunning, treeChanged: c.treeChanged,
		diskLost: c.diskLost, copyPutBack: c.copyPutBack, resumed: k.Resumed > 0, tookWhole: k.WholeScans > 0,
		removed: c.removed, joined: c.joined, held: k.Held > 0, fenced: k.Fenced > 0, orphan: k.Orphans > 0,
		journaled: k.Conflicts > 0, mutual: k.Mutual > 0, gap: k.Gaps > 0, stuck: k.Stuck > 0,
		watched: c.shown > 0, renewed: k.Renewed > 0, watchReset: c.watchReset, watchLeft: c.watchLeft,
		tokenRead: c.tokenReads > 0, tokenRefused: c.tokenRefused > 0, tokenFolded: c.tokenFolded, readLoose: c.readLoose,
		everywhere: c.everywhere > 0,
	} {
		if met {
			t.met[i]++
		}
	}
}

func (t *tally) merge(u *tally) {
	t.schedules += u.schedules
	t.events += u.events
	t.updates += u.updates
	t.done += u.done
	t.refused += u.refused
	t.rewritten += u.rewritten
	t.alarms += u.alarms
	for i := range t.met {
		t.met[i] += u.met[i]
	}
}

func (t *tally) print(w io.Writer) {
	fmt.Fprintf(w, "%d schedules, %d events, %d updates; %d writes done, %d refused; %d values lived again because they were written anew, %d journal entries were none\n",
		t.schedules, t.events, t.updates, t.done, t.refused, t.rewritten, t.alarms)
	for i, name := range thingNames {
		fmt.Fprintf(w, "%8d %s\n", t.met[i], name)
	}
}
