package ring_test

import "time"

// event is something that will happen at a moment of virtual time.
type event struct {
	kind eventKind
	node *node
	life int // of the node when the event was planned; it dies with that life
	arg  int
	scan *scan
	link *link
	mail mail

	viewer  *viewer
	session *session
}

type eventKind uint8

const (
	evTick      eventKind = iota // a node's clock ticks
	evPerform                    // a node performs what its last inputs asked for
	evArrive                     // a message reaches the end of a pipe
	evTaken                      // a pipe has taken data messages
	evTold                       // an end of a link learns that it is open or broken
	evDial                       // two nodes may open a link
	evChunk                      // a scan has read a chunk
	evStart                      // a node's process starts
	evControl                    // a region looks at its members and its neighbours
	evInstall                    // a region installs a plan
	evConfigure                  // a node learns its region's plan
	evMend                       // a fault of limited duration ends
	evRoam                       // a viewer looks after itself
	evShow                       // a message reaches a viewer
	evHear                       // a viewer's message reaches its replica
	evDrain                      // a viewer has taken a data message
	evRead                       // a session reads
)

// agenda is a heap of events by time; of two at one moment the one planned first comes
// first. So one seed gives one order.
type agenda struct {
	heap []ticket
	slab []event
	free []int32
	seq  uint64
}

type ticket struct {
	at   time.Duration
	seq  uint64
	slot int32
}

func (t *ticket) before(u *ticket) bool { return t.at < u.at || t.at == u.at && t.seq < u.seq }

func (a *agenda) add(at time.Duration, e event) {
	a.seq++
	t := ticket{at, a.seq, a.keep(e)}
	a.heap = append(a.heap, t)
	i := len(a.heap) - 1
	for i > 0 {
		up := (i - 1) / 2
		if !t.before(&a.heap[up]) {
			break
		}
		a.heap[i] = a.heap[up]
		i = up
	}
	a.heap[i] = t
}

func (a *agenda) keep(e event) int32 {
	if k := len(a.free); k > 0 {
		slot := a.free[k-1]
		a.free = a.free[:k-1]
		a.slab[slot] = e
		return slot
	}
	a.slab = append(a.slab, e)
	return int32(len(a.slab) - 1)
}

// due reports whether something is planned up to that moment.
func (a *agenda) due(t time.Duration) bool { return len(a.heap) > 0 && a.heap[0].at <= t }

func (a *agenda) pop() (time.Duration, event) {
	top, last := a.heap[0], a.heap[len(a.heap)-1]
	a.heap = a.heap[:len(a.heap)-1]
	if len(a.heap) > 0 {
		a.sink(last)
	}
	e := a.slab[top.slot]
	a.slab[top.slot] = event{}
	a.free = append(a.free, top.slot)
	return top.at, e
}

func (a *agenda) sink(t ticket) {
	i := 0
	for {
		child := 2*i + 1
		if child >= len(a.heap) {
			break
		}
		if child+1 < len(a.heap) && a.heap[child+1].before(&a.heap[child]) {
			child++
		}
		if !a.heap[child].before(&t) {
			break
		}
		a.heap[i] = a.heap[child]
		i = child
	}
	a.heap[i] = t
}

// dice is a small deterministic generator (splitmix64, Steele et al. 2014). Every pipe
// and every node has its own, so that an action left out changes little elsewhere.
type dice uint64

func (d *dice) next() uint64 {
	*d += 0x9e3779b97f4a7c15
	x := uint64(*d)
	x = (x ^ x>>30) * 0xbf58476d1ce4e5b9
	x = (x ^ x>>27) * 0x94d049bb133111eb
	return x ^ x>>31
}

// n returns a number below k.
func (d *dice) n(k int) int { return int(d.next() % uint64(k)) }

// once is true once in k times.
func (d *dice) once(k int) bool { return d.next()%uint64(k) == 0 }

// between returns a duration of at least lo and below hi.
func (d *dice) between(lo, hi time.Duration) time.Duration {
	return lo + time.Duration(d.next()%uint64(hi-lo))
}
