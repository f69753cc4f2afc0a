package agent

import (
	"context"
	"maps"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"gazetteer"
	"gazetteer/region"
	"gazetteer/ring"
)

const (
	// shownFor is how long what is held of a partition goes on being shown to readers after
	// a session has asked for it.
	shownFor = 5 * time.Second
	// waitingMax bounds the reads with a session that wait at once. One more is told at
	// once that this replica is behind: it may ask another.
	waitingMax = 1024
)

// holdings are what the loop shows of partitions that sessions have asked about lately. A
// session that is covered by what is shown does not enter the loop.
type holdings struct {
	shown   sync.Map     // gazetteer.Partition -> *holding
	waiting atomic.Int32 // sessions that are not covered yet

	// following belong to the loop
	waits []*cover
	fresh bool          // one of them has not been looked at yet
	at    time.Duration // of the agent's clock, when all were shown last
}

// holding is one partition.
type holding struct {
	now   atomic.Pointer[ring.Holding] // nil until the loop has shown it
	asked atomic.Int64                 // of the agent's clock, when a session asked last
}

// Cover waits until what is held of a partition covers a session's token.
func (a *agent) Cover(ctx context.Context, p gazetteer.Partition, session ring.Token) error {
	if _, err := a.readable(a.view.Load(), p); err != nil {
		return err
	}
	h := a.holdings.of(p)
	h.asked.Store(int64(a.clock.Now().Mono))
	if now := h.now.Load(); now != nil && now.Covers(session) {
		return nil
	}
	return a.awaitCover(ctx, h, &cover{partition: p, session: session, covered: make(chan struct{})})
}

func (s *holdings) of(p gazetteer.Partition) *holding {
	if found, ok := s.shown.Load(p); ok {
		return found.(*holding)
	}
	made, _ := s.shown.LoadOrStore(p, new(holding))
	return made.(*holding)
}

// cover is a session that waits. It is an input of the loop, which looks at it after each
// turn that may have changed what is held.
type cover struct {
	partition gazetteer.Partition
	session   ring.Token
	covered   chan struct{} // closed by the loop
	gone      atomic.Bool   // nobody waits any more
}

func (a *agent) awaitCover(ctx context.Context, h *holding, c *cover) error {
	defer a.holdings.waiting.Add(-1)
	if a.holdings.waiting.Add(1) > waitingMax {
		return c.behind(h)
	}
	select {
	case a.inbox <- c:
	case <-ctx.Done():
		return c.behind(h)
	case <-a.done:
		return a.view.Load().refused(c.partition, gazetteer.Unavailable, "the node is stopping")
	}
	select {
	case <-c.covered:
		return nil
	case <-ctx.Done():
		c.gone.Store(true)
		return c.behind(h)
	case <-a.done:
		return a.view.Load().refused(c.partition, gazetteer.Unavailable, "the node is stopping")
	}
}

// behind says how far, by what was shown last.
func (c *cover) behind(h *holding) error {
	var l ring.Lack
	if now := h.now.Load(); now != nil {
		l = now.Lacks(c.session)
	}
	return region.IsBehind(c.partition, l)
}

// apply has the loop look at the session at the end of this turn.
func (c *cover) apply(a *agent, _ *batch) {
	a.holdings.waits = append(a.holdings.waits, c)
	a.holdings.fresh = true
}

// showHoldings shows what is held now that a Ready has been performed: at the pace of the
// tick of all that sessions have asked for lately, and after each turn that saved something
// of what they wait for.
func (a *agent) showHoldings(saved bool) {
	s := &a.holdings
	switch {
	case a.now.Mono-s.at >= tickEvery:
		s.at = a.now.Mono
		a.showAll()
	case s.fresh || saved && len(s.waits) > 0:
		a.showAwaited()
	default:
		return
	}
	s.fresh = false
	s.waits = slices.DeleteFunc(s.waits, a.isCovered)
}

// showAll shows every partition that was asked for lately, and forgets the others.
func (a *agent) showAll() {
	asked := map[gazetteer.Partition]*holding{}
	a.holdings.shown.Range(func(p, h any) bool {
		if h := h.(*holding); a.now.Mono-time.Duration(h.asked.Load()) > shownFor {
			a.holdings.shown.Delete(p)
		} else {
			asked[p.(gazetteer.Partition)] = h
		}
		return true
	})
	if len(asked) == 0 {
		return
	}
	for _, h := range a.core.Holdings(slices.Collect(maps.Keys(asked))) {
		asked[h.Partition].now.Store(&h)
		delete(asked, h.Partition)
	}
	for _, gone := range asked { // what comes back begins anew
		gone.now.Store(nil)
	}
}

// showAwaited shows what is held of the partitions that sessions wait for. What they are
// complete up to is that of the last tick, which stays true.
func (a *agent) showAwaited() {
	seen := map[gazetteer.Partition]bool{}
	for _, c := range a.holdings.waits {
		if seen[c.partition] {
			continue
		}
		seen[c.partition] = true
		h := a.holdings.of(c.partition)
		next := ring.Holding{Partition: c.partition, Vector: a.core.Vector(c.partition)}
		if old := h.now.Load(); old != nil {
			next.Complete = old.Complete
		}
		h.now.Store(&next)
	}
}

// isCovered ends the wait of a session that is covered, or that nobody waits for.
func (a *agent) isCovered(c *cover) bool {
	if c.gone.Load() {
		return true
	}
	now := a.holdings.of(c.partition).now.Load()
	if now == nil || !now.Covers(c.session) {
		return false
	}
	close(c.covered)
	return true
}
