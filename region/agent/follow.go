package agent

import (
	"context"
	"slices"

	"gazetteer"
	"gazetteer/region/watch"
	"gazetteer/ring"
)

// How streams of changes follow the committer. What a Save puts into the store goes to
// every stream that wants it, in the order of commits, with how far the vectors rose. A
// stream joins between two commits: its snapshot holds exactly what was committed before,
// and its queue gets all that is after.

// followMax is how many commits wait for a stream that is slow; one more ends it. Whoever
// reads it asks again, from what he was shown.
const followMax = 128

// followers are the streams that the loop gives commits to.
type followers struct {
	all     []*follower
	joining []*joining
}

// follower is one stream as the loop sees it.
type follower struct {
	query  *watch.Query
	served map[uint32]bool
	queue  chan *watch.Batch // closed when the stream is too slow
}

// joining is a stream that wants to begin.
type joining struct {
	query *watch.Query
	done  chan struct{} // closed when joined is there
	joined
}

// joined is how a stream begins.
type joined struct {
	*follower
	first    watch.Batch        // what cannot be served
	from     []watch.From       // what is
	marks    []gazetteer.Vector // of each of these: what the snapshot holds
	snapshot ring.Snapshot      // nil if nothing is to be scanned
}

func (j *joining) apply(a *agent, b *batch) { a.followers.joining = append(a.followers.joining, j) }

// leaves is the input by which a stream ends.
type leaves struct{ *follower }

func (l leaves) apply(a *agent, b *batch) {
	a.followers.all = slices.DeleteFunc(a.followers.all, func(f *follower) bool { return f == l.follower })
}

// join lets streams begin. It is called when a Ready has been performed: the store holds
// what the core's vectors say.
func (a *agent) join() {
	for _, j := range a.followers.joining {
		a.joinOne(j)
		close(j.done)
	}
	a.followers.joining = nil
}

func (a *agent) joinOne(j *joining) {
	f := &follower{query: j.query, served: map[uint32]bool{}, queue: make(chan *watch.Batch, followMax)}
	j.follower = f
	scans := false
	for _, from := range j.query.From {
		p := gazetteer.Partition{Type: j.query.Type, Index: from.Index}
		held := a.core.Vector(p)
		switch {
		case !a.follows(p) || !held.CoversAll(from.Vector) || !held.CoversAll(from.Cover):
			j.first.Left = append(j.first.Left, from.Index)
		case !from.Tail && len(from.Vector) > 0 && !from.Vector.CoversAll(a.core.Collected(p)):
			j.first.Lost = append(j.first.Lost, from.Index)
		default:
			f.served[from.Index] = true
			j.from, j.marks = append(j.from, from), append(j.marks, held)
			scans = scans || !from.Tail
		}
	}
	if scans {
		j.snapshot = a.store.Snapshot()
	}
	if !j.query.Once && len(f.served) > 0 {
		a.followers.all = append(a.followers.all, f)
	}
}

// follows reports whether streams of a partition may be had here.
func (a *agent) follows(p gazetteer.Partition) bool {
	return a.takes(p) && a.serving[p].Reads
}

// committed gives a commit to the streams.
func (a *agent) committed(s *ring.Save) {
	if len(a.followers.all) == 0 {
		return
	}
	byType := map[gazetteer.Type]*watch.Batch{}
	of := func(p gazetteer.Partition) *watch.Batch {
		b := byType[p.Type]
		if b == nil {
			b = new(watch.Batch)
			byType[p.Type] = b
		}
		return b
	}
	for _, h := range s.Remove {
		if !h.Update.Tombstone { // a whole scan ended it: what deleted it is forgotten
			if b := of(h.Partition); !slices.Contains(b.Lost, h.Partition.Index) {
				b.Lost = append(b.Lost, h.Partition.Index)
			}
		}
	}
	for _, h := range s.Put {
		b := of(h.Partition)
		b.Updates = append(b.Updates, watch.Update{Index: h.Partition.Index, Update: h.Update})
	}
	for p, r := range s.Raise {
		if len(r.Vector) > 0 {
			b := of(p)
			b.Marks = append(b.Marks, watch.Mark{Index: p.Index, Vector: r.Vector})
		}
	}
	for _, p := range s.Drop {
		b := of(p)
		b.Left = append(b.Left, p.Index)
	}
	a.give(byType)
}

// give queues what was committed. A stream that is too slow is ended.
func (a *agent) give(byType map[gazetteer.Type]*watch.Batch) {
	a.followers.all = slices.DeleteFunc(a.followers.all, func(f *follower) bool {
		b := byType[f.query.Type]
		return b != nil && !f.offer(b)
	})
}

func (f *follower) offer(b *watch.Batch) bool {
	select {
	case f.queue <- b:
		return true
	default:
		close(f.queue)
		return false
	}
}

// unfollow ends the streams of partitions that are served here no more.
func (a *agent) unfollow() {
	a.followers.all = slices.DeleteFunc(a.followers.all, func(f *follower) bool {
		b := new(watch.Batch)
		for i := range f.served {
			if !a.follows(gazetteer.Partition{Type: f.query.Type, Index: i}) {
				b.Left = append(b.Left, i)
				delete(f.served, i)
			}
		}
		return b.Left != nil && !f.offer(b)
	})
}

// Stream implements [watch.Streamer] for the partitions that this process holds. It runs
// in the caller's goroutine.
func (a *agent) Stream(ctx context.Context, q *watch.Query, take func(*watch.Batch) error) error {
	a.openForStream(q)
	j := &joining{query: q, done: make(chan struct{})}
	if !a.put(j) {
		return stopping()
	}
	select {
	case <-j.done:
	case <-a.done:
		return stopping()
	}
	defer a.put(leaves{j.follower})
	if err := a.scanFirst(ctx, j, take); err != nil || q.Once {
		return err
	}
	return j.run(ctx, a.done, take)
}

// openForStream has a type opened that nobody has mentioned here before.
func (a *agent) openForStream(q *watch.Query) {
	if v := a.view.Load(); len(q.From) > 0 {
		if _, known := v.at(gazetteer.Partition{Type: q.Type, Index: q.From[0].Index}); !known && newHosting(v.plan, a.self, q.Type) != nil {
			a.put(open(q.Type))
		}
	}
}

func stopping() error {
	return &gazetteer.Error{Op: "agent.Stream", Kind: gazetteer.Unavailable, Detail: "the node is stopping"}
}

// scanFirst gives what lies before the join: of what cannot be served that it cannot, of
// the ends that are wanted their marks, of the rest the scans.
func (a *agent) scanFirst(ctx context.Context, j *joining, take func(*watch.Batch) error) error {
	if j.snapshot != nil {
		defer j.snapshot.Close()
	}
	first := j.first
	for i, f := range j.from {
		if f.Tail {
			first.Marks = append(first.Marks, watch.Mark{Index: f.Index, Vector: j.marks[i]})
		}
	}
	if err := take(&first); err != nil {
		return err
	}
	for i, f := range j.from {
		if f.Tail {
			continue
		}
		if err := j.scan(ctx, f, j.marks[i], take); err != nil {
			return err
		}
	}
	return nil
}

// scan gives what the snapshot holds of one partition above a vector, then its mark.
func (j *joining) scan(ctx context.Context, f watch.From, mark gazetteer.Vector, take func(*watch.Batch) error) error {
	b, bytes := new(watch.Batch), 0
	p := gazetteer.Partition{Type: j.query.Type, Index: f.Index}
	for u, err := range j.snapshot.Scan(p, f.Vector, gazetteer.Position{}) {
		if err == nil {
			err = ctx.Err()
		}
		if err != nil {
			return err
		}
		if !j.query.Passes(&u) {
			continue
		}
		b.Updates = append(b.Updates, watch.Update{Index: f.Index, Scan: true, Update: u})
		if bytes += u.Size(); len(b.Updates) == chunkUpdatesMax || bytes >= chunkBytesMax {
			if err := take(b); err != nil {
				return err
			}
			b, bytes = new(watch.Batch), 0
		}
	}
	b.Marks = []watch.Mark{{Index: f.Index, Vector: mark}}
	return take(b)
}

// run gives the commits.
func (j *joining) run(ctx context.Context, ended <-chan struct{}, take func(*watch.Batch) error) error {
	wanted := map[uint32]bool{}
	for _, f := range j.from {
		wanted[f.Index] = true
	}
	for {
		select {
		case b, more := <-j.queue:
			if !more {
				return &gazetteer.Error{Op: "agent.Stream", Kind: gazetteer.Unavailable, Detail: "the stream is too slow; ask again from what was shown"}
			}
			if b = passed(b, j.query, wanted); b == nil {
				continue
			}
			if err := take(b); err != nil {
				return err
			}
		case <-ctx.Done():
			return ctx.Err()
		case <-ended:
			return stopping()
		}
	}
}

// passed returns what a query wants of a commit, nil if nothing. What is lost or left is
// wanted no more.
func passed(b *watch.Batch, q *watch.Query, wanted map[uint32]bool) *watch.Batch {
	out := new(watch.Batch)
	for i := range b.Updates {
		if u := &b.Updates[i]; wanted[u.Index] && q.Passes(&u.Update) {
			out.Updates = append(out.Updates, *u)
		}
	}
	for _, m := range b.Marks {
		if wanted[m.Index] {
			out.Marks = append(out.Marks, m)
		}
	}
	out.Lost, out.Left = without(b.Lost, wanted), without(b.Left, wanted)
	if len(out.Updates)+len(out.Marks)+len(out.Lost)+len(out.Left) == 0 {
		return nil
	}
	return out
}

func without(ended []uint32, wanted map[uint32]bool) (out []uint32) {
	for _, i := range ended {
		if wanted[i] {
			delete(wanted, i)
			out = append(out, i)
		}
	}
	return out
}
