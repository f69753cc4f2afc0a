package mst

import (
	"time"

	"gazetteer"
)

// Frame is what crosses the network between two regions. Frames may be lost, doubled
// and overtaken.
type Frame struct {
	Epoch Epoch // the sender's
	// Stale, if it is not zero, refuses a frame: its epoch is over for the sender. Such
	// a frame says nothing else.
	Stale Epoch
	// Cost is that of the edge, as the sender knows it: with two costs GHS would not
	// end, so the receiver refuses a frame that differs.
	Cost uint64
	Ack  uint64 // every message up to this one has arrived
	// Seq numbers the messages of one direction of one edge in one epoch from 1 on.
	Seq     uint64  // 0: there is no message, only the Ack
	Message Message // nil if Seq is 0
}

// Limits of a link. GHS has a handful of messages under way on an edge, never this many.
const (
	linkWindow     = 64 // messages of one direction that are not acknowledged
	linkBackoffMax = 16 // times resendAfter
)

// Link is one end of one edge in one epoch. It makes what the paper assumes out of what
// the network does: each message arrives once and in order. Messages carry sequence
// numbers, the receiver acknowledges cumulatively, and what is not acknowledged in time
// is sent again.
type Link struct {
	epoch       Epoch
	cost        uint64
	resendAfter time.Duration
	now         time.Duration

	sent     uint64    // the last number given to a message
	unacked  []Message // numbered up to sent
	unsent   int       // of them, how many at the end have to be sent (again)
	handed   uint64    // the last number that ever left: up to it, sending is resending
	wait     time.Duration
	resendAt time.Duration // meaningful while something is unacknowledged

	taken  uint64             // handed over up to here
	early  map[uint64]Message // arrived above a gap
	ackDue bool

	count LinkCounters
}

// LinkCounters count what one end of a link did.
type LinkCounters struct {
	Sent       uint64 // messages, without resends
	Resent     uint64 // messages, each time again
	Acks       uint64 // frames without a message
	Duplicates uint64 // messages that came again
}

// NewLink returns an end of an edge. What was sent is sent again after resendAfter
// without an acknowledgement, then after twice that, and so on up to 16 times; it should
// be above the round-trip time.
func NewLink(epoch Epoch, cost uint64, resendAfter time.Duration) *Link {
	return &Link{epoch: epoch, cost: cost, resendAfter: resendAfter, wait: resendAfter, early: map[uint64]Message{}}
}

// Send takes a message for the other end. The error is of kind Unavailable: the other
// end has acknowledged nothing for too many messages.
func (l *Link) Send(m Message) error {
	if len(l.unacked) == linkWindow {
		return fail("mst.Link.Send", gazetteer.Unavailable, "%d messages are not acknowledged", linkWindow)
	}
	l.sent++
	l.count.Sent++
	l.unacked = append(l.unacked, m)
	l.unsent++
	return nil
}

// Receive takes a frame from the other end and returns the messages that it completes,
// in order. A frame that this link cannot have been sent is an error of kind Invalid, or
// Conflict if the two ends differ in the cost, and changes nothing.
func (l *Link) Receive(f Frame) ([]Message, error) {
	switch {
	case f.Epoch != l.epoch:
		return nil, fail("mst.Link.Receive", gazetteer.Invalid, "a frame of epoch %v on a link of %v", f.Epoch, l.epoch)
	case f.Cost != l.cost:
		return nil, fail("mst.Link.Receive", gazetteer.Conflict, "the other end has cost %d for this edge, this one %d: agree before a run", f.Cost, l.cost)
	case f.Ack > l.handed:
		return nil, fail("mst.Link.Receive", gazetteer.Invalid, "message %d is acknowledged, %d were sent", f.Ack, l.handed)
	case (f.Seq == 0) != (f.Message == nil):
		return nil, fail("mst.Link.Receive", gazetteer.Invalid, "a frame with number %d carries message %v", f.Seq, f.Message)
	}
	l.acknowledged(f.Ack)
	if f.Seq == 0 {
		return nil, nil
	}
	return l.arrived(f.Seq, f.Message), nil
}

func (l *Link) acknowledged(ack uint64) {
	first := l.sent - uint64(len(l.unacked)) // the last number acknowledged before
	if ack <= first {
		return
	}
	l.unacked = l.unacked[ack-first:]
	l.unsent = min(l.unsent, len(l.unacked))
	l.wait = l.resendAfter
	l.resendAt = l.now + l.wait
}

// arrived hands over what is next. What leaves a gap waits for the messages before it;
// what is too far ahead is dropped, its sender will send it again.
func (l *Link) arrived(seq uint64, m Message) (next []Message) {
	switch {
	case seq <= l.taken:
		l.count.Duplicates++
		l.ackDue = true // the acknowledgement may have been lost
		return nil
	case seq > l.taken+linkWindow:
		return nil
	}
	l.early[seq] = m
	for {
		m, ok := l.early[l.taken+1]
		if !ok {
			return next
		}
		l.taken++
		delete(l.early, l.taken)
		next = append(next, m)
		l.ackDue = true
	}
}

// Tick tells the time, on a clock that only goes forward.
func (l *Link) Tick(now time.Duration) {
	l.now = now
	if at, ok := l.Due(); ok && now >= at {
		l.unsent = len(l.unacked)
		l.wait = min(2*l.wait, linkBackoffMax*l.resendAfter)
	}
}

// Due returns when a Tick is needed next, if at all.
func (l *Link) Due() (at time.Duration, ok bool) {
	return l.resendAt, len(l.unacked) > 0 && l.unsent == 0
}

// Ready returns the frames to send and forgets them. Each carries the acknowledgement;
// if there is none, one goes alone.
func (l *Link) Ready() []Frame {
	var out []Frame
	if l.unsent > 0 && l.unsent == len(l.unacked) { // nothing under way: the timer starts
		l.resendAt = l.now + l.wait
	}
	for ; l.unsent > 0; l.unsent-- {
		out = append(out, l.firstUnsent())
	}
	if l.ackDue && out == nil {
		out = append(out, l.frame(0, nil))
		l.count.Acks++
	}
	l.ackDue = false
	return out
}

func (l *Link) firstUnsent() Frame {
	seq := l.sent - uint64(l.unsent) + 1
	if seq <= l.handed {
		l.count.Resent++
	}
	l.handed = max(l.handed, seq)
	return l.frame(seq, l.unacked[len(l.unacked)-l.unsent])
}

func (l *Link) frame(seq uint64, m Message) Frame {
	return Frame{Epoch: l.epoch, Cost: l.cost, Ack: l.taken, Seq: seq, Message: m}
}

// Counters returns what this end did so far.
func (l *Link) Counters() LinkCounters { return l.count }
