package ring

import (
	"slices"
	"time"

	"gazetteer"
)

// mirror is this node's copy of one partition.
type mirror struct {
	partition      gazetteer.Partition
	ring           *ringView
	edges          []gazetteer.NodeID
	far            []gazetteer.RegionID // of the edges
	filled         bool
	vector         gazetteer.Vector
	sum            uint64 // digest of vector
	collected      gazetteer.Vector
	collectedClock gazetteer.Clock

	feeds []*feed // one for each link that carries the partition, sorted by peer
	whole *whole  // the whole scan that this mirror takes, if any
	// waits: a Hello cannot be answered before the vector has risen.
	waits bool
	// loose says that there may be elements above the vector: received in a scan whose
	// mark has not come. It errs on the side of true.
	loose bool
	// orphans holds since when an element above the vector of an ended origin is seen; nil
	// while there is none.
	orphans map[gazetteer.Position]time.Duration
	// founding: it was filled by a mirror that was empty itself. It serves once a
	// filled one has been heard, or none has for AloneAfter.
	founding  bool
	foundedAt time.Duration
	// marked: a mark of a filled ring mate has come since the start.
	marked      bool
	aloneSince  time.Duration // since when no ring mate is alive; -1 while one is
	servedAlone bool
	// acked holds what ring members that are no neighbours hold of this origin.
	acked map[gazetteer.NodeID]uint64
	// heard holds what they hold of others, where that is to be told to other regions.
	heard   map[gazetteer.NodeID]gazetteer.Vector
	all     reaches // what is durable in every region
	stirred stirred
	told    uint64 // own sequence number as of the last freshness mark
	least   uint64 // up to where this origin had written when it was hosted before
}

func newMirror(p gazetteer.Partition, s PartitionState) *mirror {
	m := &mirror{
		partition: p, filled: s.Filled, vector: s.Vector.Clone(),
		collected: s.Collected.Clone(), collectedClock: s.CollectedClock,
		loose: true,
	}
	m.sum = digest(m.vector)
	return m
}

// raise moves the vector up to p.
func (m *mirror) raise(p gazetteer.Position) {
	old := m.vector.At(p.Origin)
	m.vector = m.vector.Raise(p)
	m.sum += mix(p) - mix(gazetteer.Position{Origin: p.Origin, Seq: old})
}

// digest sums a vector so that equal vectors have equal sums whatever their history.
func digest(v gazetteer.Vector) uint64 {
	var sum uint64
	for _, p := range v {
		sum += mix(p)
	}
	return sum
}

// mix spreads a position over 64 bits (the finaliser of splitmix64, Steele et al. 2014);
// sequence 0 stands for nothing held and gives 0.
func mix(p gazetteer.Position) uint64 {
	if p.Seq == 0 {
		return 0
	}
	x := uint64(p.Origin.Store)
	for _, w := range [...]uint64{p.Origin.Incarnation, p.Seq} {
		x = (x ^ w) + 0x9e3779b97f4a7c15
		x = (x ^ x>>30) * 0xbf58476d1ce4e5b9
		x = (x ^ x>>27) * 0x94d049bb133111eb
		x ^= x >> 31
	}
	return x
}

// greeting is the digest a Greet names: 0, which equals nothing, unless the mirror could
// go on live from its vector.
func (m *mirror) greeting() uint64 {
	if !m.filled || m.founding || m.whole != nil {
		return 0
	}
	return m.sum ^ 1<<63 | 1 // never 0
}

// heardOf notes a relayed report about this origin.
func (m *mirror) heardOf(n gazetteer.NodeID, seq uint64) {
	if seq == 0 {
		return
	}
	if m.acked == nil {
		m.acked = map[gazetteer.NodeID]uint64{}
	}
	m.acked[n] = max(m.acked[n], seq)
}

func (m *mirror) feedTo(n gazetteer.NodeID) *feed {
	for _, f := range m.feeds {
		if f.link.peer.id == n {
			return f
		}
	}
	return nil
}

func (m *mirror) addFeed(f *feed) {
	i, _ := slices.BinarySearchFunc(m.feeds, f, func(a, b *feed) int {
		if a.link.peer.id < b.link.peer.id {
			return -1
		}
		return 1
	})
	m.feeds = slices.Insert(m.feeds, i, f)
}

func (m *mirror) dropFeed(f *feed) {
	m.feeds = slices.DeleteFunc(m.feeds, func(g *feed) bool { return g == f })
}

// scanning reports whether some link is in the middle of a scan towards this mirror.
func (m *mirror) scanning() bool {
	return slices.ContainsFunc(m.feeds, func(f *feed) bool { return f.in.state == inScanning })
}

// serving decides, for every partition, who may read and write here (DESIGN.md 5.1).
func (r *Replica) serving() map[gazetteer.Partition]Serving {
	out := make(map[gazetteer.Partition]Serving, len(r.order))
	for _, m := range r.order {
		out[m.partition] = r.serves(m)
	}
	return out
}

func (r *Replica) serves(m *mirror) Serving {
	mates := len(m.ring.others) > 0
	alone := r.alone(m)
	reads := m.filled && !m.founding && (!mates || m.marked || alone)
	return Serving{
		Reads:    reads,
		Writes:   reads && m.whole == nil && !r.fenced,
		Degraded: mates && alone,
	}
}

// alone reports whether no ring mate has been alive for AloneAfter.
func (r *Replica) alone(m *mirror) bool {
	return m.aloneSince >= 0 && r.now.Mono-m.aloneSince >= r.cfg.AloneAfter
}

// noticeAlone tells the driver when mirrors begin or cease to serve alone, and believes
// a founding after AloneAfter.
func (r *Replica) noticeAlone() {
	for _, m := range r.order {
		if m.founding && r.now.Mono-m.foundedAt >= r.cfg.AloneAfter {
			m.founding, m.marked, r.servingDirty = false, true, true
			r.confirm(m)
		}
		if now := len(m.ring.others) > 0 && r.alone(m); now != m.servedAlone {
			m.servedAlone, r.servingDirty = now, true
		}
	}
}

// confirm gives those who took founding marks one that is evidence, now that this mirror
// is believed itself.
func (r *Replica) confirm(m *mirror) {
	if !m.filled || m.founding {
		return
	}
	for _, f := range m.feeds {
		if f.out.founding && f.out.phase == outLive {
			f.out.founding = false
			r.enqueue(f, Mark{Partition: m.partition, Session: f.out.session, Vector: m.vector.Clone(), End: true}, 1)
		}
	}
}

// maybeFound lets an unfilled mirror count as filled where there is nobody to fill it:
// at once if no ring mate and no edge is planned, after AloneAfter if none is alive.
func (r *Replica) maybeFound() {
	for _, m := range r.order {
		if m.filled || m.whole != nil || r.somebodyMayFill(m) {
			continue
		}
		r.fill(m)
	}
}

func (r *Replica) somebodyMayFill(m *mirror) bool {
	if len(m.ring.others)+len(m.edges) == 0 {
		return false
	}
	for _, n := range m.ring.others {
		if r.peer(n).alive {
			return true
		}
	}
	for _, n := range m.edges {
		if r.peer(n).alive {
			return true
		}
	}
	return r.now.Mono-r.peersChanged(m) < r.cfg.AloneAfter
}

// peersChanged returns when the last of those who could fill m was last alive.
func (r *Replica) peersChanged(m *mirror) time.Duration {
	last := m.aloneSince
	for _, n := range m.edges {
		last = max(last, r.peer(n).changed)
	}
	return last
}

// fill notes that the mirror may be believed, and answers those who waited for that.
func (r *Replica) fill(m *mirror) {
	if m.filled {
		return
	}
	m.filled = true
	r.batch.raised(m).Filled = true
	r.servingDirty = true
	r.confirm(m)
	r.answerWaiting(m)
}
