package ring

import (
	"cmp"
	"maps"
	"math"
	"slices"
	"time"

	"gazetteer"
)

// mark is what this replica knows of one store by its freshness marks.
type mark struct {
	node       gazetteer.NodeID
	origin     gazetteer.Origin
	generation uint64
	number     uint64
	next       gazetteer.Clock                // of the newest mark
	age        time.Duration                  // of the newest mark when it came
	at         time.Duration                  // when it came
	positions  map[gazetteer.Partition]uint64 // all that the marks have named
	chained    uint64                         // up to this number positions miss nothing
	pending    []pendingMark                  // oldest first, not covered yet
	counted    gazetteer.Clock                // complete from this origin up to here
	asOf       time.Duration                  // and as of this moment of the own clock
	whole      bool                           // and from the store's earlier incarnations, see AsOf
	stable     *Stable
}

type pendingMark struct {
	next      gazetteer.Clock
	emitted   time.Duration
	positions map[gazetteer.Partition]uint64
}

// pendingMax bounds the marks that wait for their positions; beyond it the two oldest
// become one.
const pendingMax = 8

// emitFresh sends this origin's freshness mark on all links. Positions are durable: it
// goes out after Save.
func (r *Replica) emitFresh() {
	full := r.due(&r.timers.stable, r.cfg.StableEvery)
	f := r.freshMark(full)
	if full && r.batch.clean() {
		f.Stable = r.stablePart()
	}
	r.noteOwn(f)
	for _, l := range r.links {
		if !l.watcher {
			r.batch.after(l.peer.id, f)
		}
	}
}

func (r *Replica) freshMark(full bool) Fresh {
	r.number++
	f := Fresh{Node: r.cfg.Self, Origin: r.origin, Generation: r.generation, Number: r.number, Base: r.number - 1, Next: r.clock.next(r.now.Wall)}
	if full {
		f.Base = 0
	}
	for _, m := range r.order {
		seq := r.written(m)
		if seq > m.told || full && seq > 0 {
			f.Positions = append(f.Positions, PartitionSeq{m.partition, seq})
		}
		m.told = seq
	}
	for i := range r.parted {
		if q := &r.parted[i]; full || !q.told {
			f.Positions = append(f.Positions, q.PartitionSeq)
			q.told = true
		}
	}
	return f
}

// noteOwn keeps what this replica adds to the stable stamp beside what others add.
func (r *Replica) noteOwn(f Fresh) {
	own := r.marks[r.origin.Store]
	if own == nil || own.origin != r.origin {
		own = &mark{node: r.cfg.Self, origin: r.origin}
		r.marks[r.origin.Store] = own
	}
	own.number, own.next, own.counted, own.at = f.Number, f.Next, f.Next, r.now.Mono
	if f.Stable != nil {
		own.stable = f.Stable
		r.findStable()
	}
}

// greetFresh tells a new link all that is known of every origin, so that no mark of the
// past is missed.
func (r *Replica) greetFresh(l *link) {
	for _, s := range slices.Sorted(maps.Keys(r.marks)) {
		if k := r.marks[s]; k.origin != r.origin {
			r.batch.after(l.peer.id, r.known(k))
		}
	}
	if r.number > 0 {
		r.timers.stable = r.now.Mono // the next own mark is a full one
	}
}

// known is a mark as this replica would pass it on now. One whose chain has a gap names
// nothing: it only says that the incarnation lives.
func (r *Replica) known(k *mark) Fresh {
	f := Fresh{Node: k.node, Origin: k.origin, Generation: k.generation, Number: k.number, Next: k.next, Age: r.ageOf(k), Stable: k.stable}
	if k.chained == k.number {
		f.Positions = sortedPositions(k.positions)
	} else {
		f.Base = k.number
	}
	return f
}

func (r *Replica) ageOf(k *mark) time.Duration { return k.age + r.now.Mono - k.at }

func sortedPositions(set map[gazetteer.Partition]uint64) []PartitionSeq {
	out := make([]PartitionSeq, 0, len(set))
	for p, seq := range set {
		out = append(out, PartitionSeq{p, seq})
	}
	slices.SortFunc(out, func(a, b PartitionSeq) int { return a.Partition.Compare(b.Partition) })
	return out
}

// stepFresh takes a freshness mark, and floods it if it is news.
func (r *Replica) stepFresh(l *link, f Fresh) {
	if l.store == f.Origin.Store && l.incarnation == f.Origin.Incarnation {
		l.peer.heard(f.Next, r.now.Mono-f.Age) // a slow way is no slow clock
		l.generation = f.Generation
		r.maybeReopen(l)
	}
	if f.Origin.Store == r.origin.Store {
		r.outlive(f)
		return
	}
	if f.Next.UnixMilli() > r.now.Wall+r.cfg.MaxSkew.Milliseconds() {
		return
	}
	k := r.markOf(f)
	if k == nil { // its sender does not know yet what it has to outlive
		r.batch.after(l.peer.id, r.known(r.marks[f.Origin.Store]))
		return
	}
	if f.Number <= k.number {
		return
	}
	r.learn(k, f)
	for _, other := range r.links {
		if other != l && !other.watcher {
			r.batch.after(other.peer.id, f)
		}
	}
}

// outlive takes a generation above that of an earlier incarnation of this store, and
// says so at once.
func (r *Replica) outlive(f Fresh) {
	if f.Origin != r.origin && f.Generation >= r.generation {
		r.generation = f.Generation + 1
		r.timers.fresh, r.timers.stable = r.now.Mono, r.now.Mono
	}
}

// markOf returns the entry of a mark's store, begun anew for a newer incarnation; nil
// if the mark is of an incarnation that has ended.
func (r *Replica) markOf(f Fresh) *mark {
	k := r.marks[f.Origin.Store]
	if k != nil && k.origin == f.Origin {
		k.generation = max(k.generation, f.Generation)
		return k
	}
	if k != nil && cmp.Or(cmp.Compare(f.Generation, k.generation), cmp.Compare(f.Next, k.next)) <= 0 {
		return nil
	}
	k = &mark{node: f.Node, origin: f.Origin, generation: f.Generation, positions: map[gazetteer.Partition]uint64{}}
	r.marks[f.Origin.Store] = k
	r.endSessions(f)
	r.findStable()
	return k
}

// endSessions closes the sessions of earlier incarnations: what is still on its way from
// them must not be taken.
func (r *Replica) endSessions(newer Fresh) {
	for _, l := range r.links {
		if l.greeted && l.store == newer.Origin.Store && l.incarnation != newer.Origin.Incarnation && l.generation < newer.Generation {
			l.over = true
			for _, f := range l.order {
				r.abortWhole(f)
				r.stopPublishing(f)
				f.in = subscription{state: inNone, session: f.in.session}
			}
		}
	}
}

// maybeReopen takes back that a link is over: its peer had only not heard yet of the
// incarnation that it has outlived.
func (r *Replica) maybeReopen(l *link) {
	k := r.marks[l.store]
	if !l.over || k == nil || k.origin.Incarnation != l.incarnation && l.generation <= k.generation {
		return
	}
	l.over = false
	var all []gazetteer.Partition // what the peer has said meanwhile went unheard
	for _, m := range r.order {
		all = append(all, m.partition)
	}
	r.control(l, Ask{Partitions: all})
	for _, f := range l.order {
		r.asked(f)
	}
}

// learn takes a mark into account. One that misses the marks before it counts for
// nothing until a full one comes.
func (r *Replica) learn(k *mark, f Fresh) {
	k.number, k.next, k.age, k.at = f.Number, f.Next, f.Age, r.now.Mono
	if f.Stable != nil {
		k.stable = f.Stable
		r.findStable()
	}
	if f.Base != 0 && f.Base > k.chained {
		return
	}
	k.chained = f.Number
	delta := map[gazetteer.Partition]uint64{}
	for _, p := range f.Positions {
		k.positions[p.Partition] = max(k.positions[p.Partition], p.Seq)
		delta[p.Partition] = p.Seq
	}
	k.pending = append(k.pending, pendingMark{f.Next, r.now.Mono - f.Age, delta})
	if len(k.pending) > pendingMax {
		a, b := k.pending[0], k.pending[1]
		maps.Copy(a.positions, b.positions)
		k.pending = slices.Insert(k.pending[2:], 0, pendingMark{b.next, b.emitted, a.positions})
	}
}

// countMarks counts the marks whose positions this replica holds durably by now.
func (r *Replica) countMarks() {
	for _, k := range r.marks {
		for len(k.pending) > 0 && r.holdsAll(k.origin, k.pending[0].positions) {
			k.count(k.pending[0])
			k.pending = k.pending[1:]
		}
	}
}

// count takes a mark whose positions are held. The first one may have been emitted before
// this node's clock began: then what is known is older than all that the clock tells.
func (k *mark) count(p pendingMark) {
	if k.counted == 0 {
		k.asOf = p.emitted
	}
	k.counted = max(k.counted, p.next)
	k.asOf = max(k.asOf, p.emitted)
}

// recount forgets what was counted: a mark names positions also of partitions that were
// not hosted when it came and are now. All that the marks have named must be held anew.
func (r *Replica) recount() {
	for store, k := range r.marks {
		if store == r.origin.Store {
			continue
		}
		k.counted, k.pending = 0, nil
		if k.chained == k.number {
			k.pending = []pendingMark{{k.next, k.at - k.age, maps.Clone(k.positions)}}
		}
	}
}

func (r *Replica) holdsAll(o gazetteer.Origin, want map[gazetteer.Partition]uint64) bool {
	for p, seq := range want {
		if m := r.mirrors[p]; m != nil && m.vector.At(o) < seq {
			return false
		}
	}
	return true
}

// complete returns the clock up to which this replica holds everything of every store
// of the plan. It is asked only while nothing waits to be saved.
func (r *Replica) complete() gazetteer.Clock {
	r.countMarks()
	least := gazetteer.Clock(math.MaxUint64)
	for _, s := range r.plan.Stores {
		switch k := r.marks[s]; {
		case s == r.origin.Store:
			least = min(least, r.clock.last)
		case k == nil:
			return 0
		default:
			least = min(least, k.counted)
		}
	}
	for _, m := range r.order {
		if !m.filled || m.whole != nil {
			return 0
		}
	}
	return least
}

// ended reports whether an origin writes no more: its store has left the plan, or a
// later incarnation of it is known.
func (r *Replica) ended(o gazetteer.Origin) bool {
	return !r.planned[o.Store] || r.endedIncarnation(o)
}

func (r *Replica) endedIncarnation(o gazetteer.Origin) bool {
	if o.Store == r.origin.Store {
		return o != r.origin
	}
	k := r.marks[o.Store]
	return k != nil && k.origin != o
}

// stablePart is what this replica adds to the stable stamp.
func (r *Replica) stablePart() *Stable {
	s := &Stable{Epoch: r.plan.Epoch, Complete: r.complete()}
	for _, m := range r.order {
		s.hold(m.partition)
		if sum := r.endedSum(m); sum != 0 {
			s.Ended = append(s.Ended, Digest{m.partition, sum})
		}
	}
	return s
}

// hold adds a partition behind those that are held.
func (s *Stable) hold(p gazetteer.Partition) {
	if n := len(s.Held); n > 0 {
		if last := &s.Held[n-1]; last.Type == p.Type && last.First+last.Count == p.Index {
			last.Count++
			return
		}
	}
	s.Held = append(s.Held, Run{p.Type, p.Index, 1})
}

// endedSum is the digest over what a mirror holds of ended origins.
func (r *Replica) endedSum(m *mirror) (sum uint64) {
	for _, p := range m.vector {
		if r.ended(p.Origin) {
			sum += mix(p)
		}
	}
	return sum
}

// findStable takes the minimum over all stores of the plan, if all have reckoned with
// this plan. A replica that the plan does not count collects nothing.
func (r *Replica) findStable() {
	r.stable = 0
	if !r.planned[r.origin.Store] {
		return
	}
	least := gazetteer.Clock(math.MaxUint64)
	for _, s := range r.plan.Stores {
		k := r.marks[s]
		if k == nil || k.stable == nil || k.stable.Epoch != r.plan.Epoch {
			return
		}
		least = min(least, k.stable.Complete)
	}
	r.stable = least
}

// agreed reports whether all replicas of the plan that hold the partition hold the same
// of its ended origins.
func (r *Replica) agreed(p gazetteer.Partition) bool {
	own := r.marks[r.origin.Store]
	if own == nil || own.stable == nil {
		return false
	}
	mine, _ := own.stable.ended(p)
	for _, s := range r.plan.Stores {
		if sum, holds := r.marks[s].stable.ended(p); holds && sum != mine {
			return false
		}
	}
	return true
}

// ended returns the digest of a partition's ended origins, and whether it is held at all.
func (s *Stable) ended(p gazetteer.Partition) (sum uint64, holds bool) {
	if !s.holds(p) {
		return 0, false
	}
	i, ok := slices.BinarySearchFunc(s.Ended, p, func(d Digest, p gazetteer.Partition) int { return d.Partition.Compare(p) })
	if !ok {
		return 0, true
	}
	return s.Ended[i].Sum, true
}

func (s *Stable) holds(p gazetteer.Partition) bool {
	_, ok := slices.BinarySearchFunc(s.Held, p, Run.compare)
	return ok
}

// compare reports whether a run lies before a partition, holds it, or lies behind it.
func (r Run) compare(p gazetteer.Partition) int {
	first := gazetteer.Partition{Type: r.Type, Index: r.First}
	if c := first.Compare(p); c >= 0 || r.Type != p.Type {
		return c
	}
	if p.Index-r.First < r.Count {
		return 0
	}
	return -1
}
