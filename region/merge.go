package region

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"gazetteer"
	"gazetteer/region/watch"
)

var _ watch.Streamer = (*ClusterServer)(nil)

// Stream merges the streams of replicas of all rings of a type. When one breaks, or the
// plan gives its partitions to others, they are asked elsewhere from where they had come.
func (s *ClusterServer) Stream(ctx context.Context, q *watch.Query, take func(*watch.Batch) error) error {
	ctx, cancel := context.WithCancel(ctx)
	m := &merge{
		server: s, kind: q.Type, take: take, progress: watch.NewProgress(q),
		at: map[uint32]*branch{}, not: map[uint32]*member{}, ended: make(chan *branch), pause: mergePauseMin,
	}
	err := m.run(ctx, q.Once)
	cancel()
	m.drain()
	return err
}

const (
	// Partitions that nobody serves are looked for again after mergePauseMin, then twice
	// as late each time; for mergeFor in all.
	mergePauseMin = 10 * time.Millisecond
	mergePauseMax = 500 * time.Millisecond
	mergeFor      = 8 * time.Second
)

// merge is one merged stream. One goroutine runs it; those of its branches take the lock
// to give something on.
type merge struct {
	server *ClusterServer
	kind   gazetteer.Type

	mu       sync.Mutex // guards following
	take     func(*watch.Batch) error
	progress *watch.Progress
	at       map[uint32]*branch // where each partition comes from
	not      map[uint32]*member // who did not serve it the last time
	failed   error              // of take
	left     chan struct{}      // closed when a partition has lost its branch

	// following are of who runs it
	branches []*branch
	ended    chan *branch
	pause    time.Duration
	since    time.Time // since when a partition has no branch; zero while all have
}

// branch is the stream of one replica.
type branch struct {
	group  *group
	member *member
	cancel context.CancelFunc
	// answered: its first batch has come, which says what it does not serve.
	answered bool
	err      error
}

func (m *merge) run(ctx context.Context, once bool) error {
	for {
		_, changed := m.server.epoch()
		m.part()
		homeless := m.place(ctx)
		if err := m.over(homeless); err != nil || once && len(m.branches) == 0 && m.done() {
			return err
		}
		late := time.NewTimer(m.wait(homeless))
		select {
		case b := <-m.ended:
			if m.remove(b) {
				m.rest(ctx)
			}
		case <-changed:
		case <-m.leaving():
			m.rest(ctx)
		case <-late.C:
		case <-ctx.Done():
		}
		late.Stop()
		if err := m.reason(ctx); err != nil {
			return err
		}
	}
}

// wait is how long nothing has to be done, unless something happens.
func (m *merge) wait(homeless bool) time.Duration {
	if homeless {
		return m.pause
	}
	m.pause = mergePauseMin
	return time.Hour
}

// rest waits a moment before somebody else is asked: all may need it.
func (m *merge) rest(ctx context.Context) {
	late := time.NewTimer(m.pause)
	defer late.Stop()
	m.pause = min(2*m.pause, mergePauseMax)
	select {
	case <-late.C:
	case <-ctx.Done():
	}
}

func (m *merge) done() bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.progress.Done()
}

// over returns why the stream ends when partitions have been without a branch for too
// long.
func (m *merge) over(homeless bool) error {
	switch {
	case !homeless:
		m.since = time.Time{}
	case m.since.IsZero():
		m.since = time.Now()
	case time.Since(m.since) > mergeFor:
		return &gazetteer.Error{Op: "region.Stream", Kind: gazetteer.Unserved, Key: gazetteer.Key{Type: m.kind},
			Detail: fmt.Sprintf("for %v no replica has served all partitions of the type as far as the watch has come", mergeFor)}
	}
	return nil
}

func (m *merge) reason(ctx context.Context) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.failed != nil {
		return m.failed
	}
	return ctx.Err()
}

// leaving returns a channel that is closed when a partition loses its branch while that
// goes on.
func (m *merge) leaving() <-chan struct{} {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.left == nil {
		m.left = make(chan struct{})
	}
	return m.left
}

// part ends the branches of partitions that by the plan in use are another ring's.
func (m *merge) part() {
	m.mu.Lock()
	defer m.mu.Unlock()
	for i, b := range m.at {
		if w, _ := m.server.way(gazetteer.Partition{Type: m.kind, Index: i}); w.owner != b.group {
			b.cancel()
		}
	}
}

// portion is what one replica is asked for.
type portion struct {
	group   *group
	member  *member
	indexes []uint32
}

// place begins branches for the partitions that have none, and reports whether some are
// not served yet: they have none, or one that follows another which did not serve them.
func (m *merge) place(ctx context.Context) (homeless bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	var portions []*portion
	for _, i := range m.progress.Open() {
		if m.at[i] != nil {
			continue
		}
		w, _ := m.server.way(gazetteer.Partition{Type: m.kind, Index: i})
		if w.owner == nil {
			homeless = true
			continue
		}
		portions = assign(portions, w.owner, m.not[i], i)
	}
	for _, p := range portions {
		if p.member == nil {
			homeless = true
			continue
		}
		m.branchOff(ctx, p)
	}
	return homeless || len(m.not) > 0
}

// assign adds a partition to what a member of its ring is asked for: one of this process
// if there is, never who has just not served it, unless he is the only one.
func assign(portions []*portion, g *group, not *member, index uint32) []*portion {
	for _, p := range portions {
		if p.group == g && (p.member != not || len(g.members) == 1) {
			p.indexes = append(p.indexes, index)
			return portions
		}
	}
	return append(portions, &portion{g, g.nearest(not), []uint32{index}})
}

// nearest picks a member that is likely to answer, one of this process before others.
func (g *group) nearest(not *member) *member {
	for _, m := range g.members {
		if m.local && m != not && g.likely(m) {
			return m
		}
	}
	if m := g.from(g.turn.Add(1), not); m != nil {
		return m
	}
	return not
}

// branchOff begins a branch. The lock is held.
func (m *merge) branchOff(ctx context.Context, p *portion) {
	ctx, cancel := context.WithCancel(ctx)
	b := &branch{group: p.group, member: p.member, cancel: cancel}
	q := m.progress.Rest(p.indexes)
	for _, i := range p.indexes {
		m.at[i] = b
	}
	m.branches = append(m.branches, b)
	go func() {
		b.err = streamOf(b.member.tier)(ctx, q, func(t *watch.Batch) error { return m.give(b, t) })
		cancel()
		m.ended <- b
	}()
}

// give passes on what a branch brings of the partitions that are its own.
func (m *merge) give(b *branch, t *watch.Batch) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.failed != nil {
		return m.failed
	}
	t = m.own(b, t)
	m.progress.Took(t)
	for _, i := range t.Lost {
		delete(m.at, i)
	}
	if !b.answered {
		b.answered = true
		m.housed(b)
	}
	if len(t.Updates)+len(t.Marks)+len(t.Lost) == 0 {
		return nil
	}
	if err := m.take(t); err != nil {
		m.failed = err
		b.cancel()
		return err
	}
	return nil
}

// housed notes that a branch serves what it has not left.
func (m *merge) housed(b *branch) {
	for i, o := range m.at {
		if o == b {
			delete(m.not, i)
		}
	}
}

// own cuts a batch down to the partitions of its branch, and notes those that it leaves.
func (m *merge) own(b *branch, t *watch.Batch) *watch.Batch {
	for _, i := range t.Left {
		if m.at[i] == b {
			delete(m.at, i)
			m.not[i] = b.member
			if m.left != nil {
				close(m.left)
				m.left = nil
			}
		}
	}
	mine := func(i uint32) bool { return m.at[i] == b }
	out := &watch.Batch{Updates: t.Updates, Marks: t.Marks}
	if slices.ContainsFunc(t.Updates, func(u watch.Update) bool { return !mine(u.Index) }) {
		out.Updates = slices.DeleteFunc(slices.Clone(t.Updates), func(u watch.Update) bool { return !mine(u.Index) })
	}
	if slices.ContainsFunc(t.Marks, func(k watch.Mark) bool { return !mine(k.Index) }) {
		out.Marks = slices.DeleteFunc(slices.Clone(t.Marks), func(k watch.Mark) bool { return !mine(k.Index) })
	}
	for _, i := range t.Lost {
		if mine(i) {
			out.Lost = append(out.Lost, i)
		}
	}
	return out
}

// remove takes off a branch that has ended, and reports whether it broke. What it had is
// asked elsewhere.
func (m *merge) remove(b *branch) (broke bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.branches = slices.DeleteFunc(m.branches, func(o *branch) bool { return o == b })
	broke = b.err != nil && m.failed == nil && !errors.Is(b.err, context.Canceled)
	for i, o := range m.at {
		if o == b {
			delete(m.at, i)
			if broke {
				m.not[i] = b.member
			}
		}
	}
	if broke {
		b.group.failed(b.member, b.err)
	}
	return broke
}

// drain waits for the branches to end.
func (m *merge) drain() {
	for len(m.branches) > 0 {
		m.remove(<-m.ended)
	}
}
