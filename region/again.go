package region

import (
	"context"
	"errors"
	"time"

	"gazetteer"
	"gazetteer/ring"
)

// How a request goes on that meets servers who use another plan: the one who was asked
// says WrongOwner, and by which plan. The request asks the ring at the other end of a
// move, waits a moment for the plan that it lacks, or for the other server to get it, and
// looks again by the newest plan.

const (
	// lookFor is how long a request looks for who serves it, while plans differ. A plan
	// reaches all that live within a fraction of it.
	lookFor = time.Second
	// A server that is behind is asked again after lookMin, then half as often each time.
	lookMin = 10 * time.Millisecond
	lookMax = 160 * time.Millisecond
)

// look is the search of one request.
type look struct {
	server *ClusterServer
	until  int64
	pause  time.Duration
}

func (s *ClusterServer) look() look {
	return look{server: s, until: s.replicas.now() + int64(lookFor), pause: lookMin}
}

// wait returns when a request that was routed by a plan may get another answer, and false
// when its time is over. Said is the plan by which it was refused.
func (l *look) wait(ctx context.Context, routed, said uint64) bool {
	left := time.Duration(l.until - l.server.replicas.now())
	if said <= routed {
		left = min(left, l.pause)
		l.pause = min(2*l.pause, lookMax)
	}
	late := time.NewTimer(left)
	defer late.Stop()
	for {
		epoch, changed := l.server.epoch()
		if epoch > routed && epoch >= said {
			return l.server.replicas.now() < l.until
		}
		select {
		case <-changed:
		case <-late.C:
			return l.server.replicas.now() < l.until
		case <-ctx.Done():
			return false
		}
	}
}

// epoch returns that of the plan in use, and a channel that is closed when it changes.
func (s *ClusterServer) epoch() (uint64, <-chan struct{}) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.routes.Load().plan.Epoch(), s.changed
}

// wrongOwner returns the plan by which somebody refused to be the owner; false if that is
// not why a request failed.
func wrongOwner(err error) (plan uint64, is bool) {
	for e := (*gazetteer.Error)(nil); errors.As(err, &e); err = e.Err {
		if e.Kind == gazetteer.WrongOwner {
			return e.Plan, true
		}
	}
	return 0, false
}

// found is what a ring says to a question that changes nothing.
type found struct {
	buf  []byte
	info ReadInfo
	page ListPage
	some bool // it holds something of what was asked for
}

// question is put to one ring after the other.
type question struct {
	partition gazetteer.Partition
	key       gazetteer.Key // for errors
	ask       func(*group) (found, error)
}

// readAgain goes on with a read that the owner has refused with err.
func (s *ClusterServer) readAgain(ctx context.Context, dst []byte, k gazetteer.Key, w way, epoch uint64, err error) ([]byte, ReadInfo, error) {
	f, err := s.askAgain(ctx, question{gazetteer.PartitionOf(k, s.partitions), k, func(g *group) (found, error) {
		out, info, err := g.read(ctx, dst, k)
		return found{buf: out, info: info, some: len(out) > len(dst)}, err
	}}, w, epoch, err)
	if err != nil {
		return dst, ReadInfo{}, err
	}
	return f.buf, f.info, nil
}

// readMissed asks the other ring of a partition that moves for what its owner does not
// hold. If that one cannot be asked the owner's word counts.
func (s *ClusterServer) readMissed(ctx context.Context, dst []byte, k gazetteer.Key, w way, info ReadInfo) ([]byte, ReadInfo, error) {
	out, other, err := w.other.read(ctx, dst, k)
	if err != nil || len(out) == len(dst) {
		return dst, info, nil
	}
	return out, other, nil
}

// askAgain puts a question to the other ring, then to both by newer plans, until one
// answers.
func (s *ClusterServer) askAgain(ctx context.Context, q question, w way, epoch uint64, err error) (found, error) {
	l := s.look()
	for {
		said, misplaced := wrongOwner(err)
		if w.other != nil && elsewhere(err) {
			f, otherErr := q.ask(w.other)
			if otherErr == nil && (f.some || misplaced) { // who refuses to be the owner holds nothing of it
				return f, nil
			}
			if plan, is := wrongOwner(otherErr); is {
				said, misplaced = max(said, plan), true
			}
		}
		if !misplaced || !l.wait(ctx, epoch, said) {
			return found{}, err
		}
		if w, epoch = s.way(q.partition); w.owner == nil {
			return found{}, s.unowned(q.key, epoch)
		}
		var f found
		if f, err = q.ask(w.owner); err == nil {
			return q.confirm(f, w), nil
		}
	}
}

// confirm asks the other ring, too, for what the owner does not hold.
func (q *question) confirm(f found, w way) found {
	if f.some || w.other == nil {
		return f
	}
	if other, err := q.ask(w.other); err == nil && other.some {
		return other
	}
	return f
}

// writeAgain goes on with the writes of a call that were not done because servers use
// different plans. It changes the outcomes of those only.
func (s *ClusterServer) writeAgain(ctx context.Context, t gazetteer.Type, ws []ring.Write, out []ring.Outcome, epoch uint64) {
	start, l := s.replicas.now(), s.look()
	for other := true; ; other = !other {
		again, said := s.misplaced(ws, out)
		if len(again) == 0 || !other && !l.wait(ctx, epoch, said) {
			return
		}
		rest := subset(ws, again, time.Duration(s.replicas.now()-start))
		done := subsetOf(out, again)
		epoch = s.writeOnce(ctx, t, rest, done, other)
		for i, o := range done {
			out[again[i]] = o
		}
	}
}

// misplaced returns the writes that were refused for want of the right owner, and the
// newest plan by which that was. Of a partition that moves, also those that nobody of its
// owner took.
func (s *ClusterServer) misplaced(ws []ring.Write, out []ring.Outcome) (which []int, said uint64) {
	for i := range out {
		if out[i].Err == nil {
			continue
		}
		plan, is := wrongOwner(out[i].Err)
		if !is && notDone(out[i].Err) {
			w, _ := s.way(ws[i].Partition)
			is = w.other != nil
		}
		if is {
			which, said = append(which, i), max(said, plan)
		}
	}
	return which, said
}

func subsetOf(out []ring.Outcome, which []int) []ring.Outcome {
	some := make([]ring.Outcome, len(which))
	for i, j := range which {
		some[i] = out[j]
	}
	return some
}
