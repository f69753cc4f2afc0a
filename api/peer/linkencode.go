package peer

import (
	"time"

	"gazetteer"
	"gazetteer/pb"
	"gazetteer/ring"
)

// Kinds of frames on a link.
const (
	linkGreet byte = iota + 1
	linkMatch
	linkAsk
	linkLeave
	linkHello
	linkBegin
	linkElements
	linkMark
	linkReport
	linkFresh
	linkSubscribe
	linkReach

	linkBeat    byte = 64
	linkWant    byte = 65
	linkUnknown byte = 66
)

// splitElements is about how many bytes of updates one frame carries. What is longer
// goes as several messages, which means the same.
const splitElements = 512 << 10

// timing is what a freshness mark is told about its way, see [session].
type timing struct {
	waited     time.Duration // since it was queued
	echo       uint64        // the receiver's newest beat that we have read
	echoWaited time.Duration // since then
}

// linkEncoder appends messages as frames. Its memory is used again.
type linkEncoder struct {
	elements pb.Elements
	vector   []byte
	second   []byte
}

// append appends one frame of a message. What does not go into it comes back, to be
// appended next.
func (e *linkEncoder) append(dst []byte, m ring.Message, at timing) ([]byte, ring.Message, error) {
	switch m := m.(type) {
	case ring.Match:
		now, later := cutList(m.Partitions)
		dst, err := appendList(dst, linkMatch, now)
		return dst, orNothing(len(later), ring.Match{Partitions: later}), err
	case ring.Ask:
		now, later := cutList(m.Partitions)
		dst, err := appendList(dst, linkAsk, now)
		return dst, orNothing(len(later), ring.Ask{Partitions: later}), err
	case ring.Leave:
		now, later := cutList(m.Partitions)
		dst, err := appendList(dst, linkLeave, now)
		return dst, orNothing(len(later), ring.Leave{Partitions: later}), err
	case ring.Elements:
		n := elementsOf(m.Updates)
		later := m
		m.Updates, later.Updates = m.Updates[:n], m.Updates[n:]
		dst, err := e.appendElements(dst, &m)
		return dst, orNothing(len(later.Updates), later), err
	}
	dst, err := e.appendWhole(dst, m, at)
	return dst, nil, err
}

func orNothing(n int, m ring.Message) ring.Message {
	if n == 0 {
		return nil
	}
	return m
}

// appendWhole appends a message that always goes into one frame.
func (e *linkEncoder) appendWhole(dst []byte, m ring.Message, at timing) ([]byte, error) {
	switch m := m.(type) {
	case ring.Greet:
		return appendMessage(dst, linkGreet, greetToWire(&m))
	case ring.Hello:
		return appendMessage(dst, linkHello, e.hello(&m))
	case ring.Begin:
		return appendMessage(dst, linkBegin, e.begin(&m))
	case ring.Mark:
		return appendMessage(dst, linkMark, &pb.Mark{
			Type: string(m.Partition.Type), Index: m.Partition.Index, Session: m.Session,
			Vector: e.first(m.Vector), End: m.End, Founding: m.Founding,
		})
	case ring.Report:
		return appendMessage(dst, linkReport, &pb.Report{
			Type: string(m.Partition.Type), Index: m.Partition.Index, Session: m.Session,
			Durable: e.first(m.Durable), By: string(m.By), Hops: m.Hops,
		})
	case ring.Fresh:
		return appendMessage(dst, linkFresh, freshToWire(&m, at))
	case ring.Reach:
		return appendMessage(dst, linkReach, &pb.Reach{
			Type: string(m.Partition.Type), Index: m.Partition.Index, Tree: m.Tree, All: m.All, Durable: e.first(m.Durable),
		})
	case ring.Subscribe:
		return appendMessage(dst, linkSubscribe, &pb.Subscribe{
			Type: string(m.Scope.Partition.Type), Index: m.Scope.Partition.Index, Session: m.Session,
			Prefix: []byte(m.Scope.Filter.Prefix), Vector: e.first(m.Vector), Scope: m.Scope.Hash(),
		})
	}
	return dst, &gazetteer.Error{Op: "peer.Send", Kind: gazetteer.Unsupported, Detail: "this version cannot send such a message over a link"}
}

// isData reports whether a message counts for LinkHandler.Sent.
func isData(m ring.Message) bool {
	switch m.(type) {
	case ring.Begin, ring.Elements, ring.Mark:
		return true
	}
	return false
}

// first and other encode a vector, each into its own memory; an empty one is nothing.
func (e *linkEncoder) first(v gazetteer.Vector) []byte { return encodeVector(&e.vector, v) }
func (e *linkEncoder) other(v gazetteer.Vector) []byte { return encodeVector(&e.second, v) }

func encodeVector(memory *[]byte, v gazetteer.Vector) []byte {
	if len(v) == 0 {
		return nil
	}
	*memory = ring.AppendVector((*memory)[:0], v)
	return *memory
}

func (e *linkEncoder) hello(m *ring.Hello) *pb.FeedHello {
	w := &pb.FeedHello{
		Type: string(m.Partition.Type), Index: m.Partition.Index, Session: m.Session, Filled: m.Filled,
		Vector: e.first(m.Vector), Collected: e.other(m.Collected), CollectedClock: uint64(m.CollectedClock),
	}
	if r := m.Resume; r != nil {
		w.Resume = &pb.Resume{
			Store: uint64(r.After.Origin.Store), Incarnation: r.After.Origin.Incarnation, Seq: r.After.Seq,
		}
		if len(r.Snapshot) > 0 {
			w.Resume.Snapshot = ring.AppendVector(nil, r.Snapshot)
		}
	}
	return w
}

func (e *linkEncoder) begin(m *ring.Begin) *pb.Begin {
	return &pb.Begin{
		Type: string(m.Partition.Type), Index: m.Partition.Index, Session: m.Session,
		Snapshot: e.first(m.Snapshot), Whole: m.Whole,
		Collected: e.other(m.Collected), CollectedClock: uint64(m.CollectedClock),
	}
}

// appendElements encodes the updates where they will be sent from.
func (e *linkEncoder) appendElements(dst []byte, m *ring.Elements) ([]byte, error) {
	e.elements.Type, e.elements.Index = string(m.Partition.Type), m.Partition.Index
	e.elements.Session, e.elements.Live = m.Session, m.Live
	dst, start := beginFrame(dst)
	dst = pb.Append(dst, &e.elements)
	dst, at := pb.BeginBytes(dst, pb.ElementsUpdates)
	dst = ring.AppendUpdates(dst, m.Updates)
	pb.EndBytes(dst, at)
	return closeFrame(dst, start, linkElements)
}

// elementsOf returns how many updates go into the next frame: at least one, if any.
func elementsOf(us []gazetteer.Update) int {
	size := 0
	for i := range us {
		size += us[i].Size()
		if i > 0 && size > splitElements {
			return i
		}
	}
	return len(us)
}

func greetToWire(m *ring.Greet) *pb.Greet {
	return &pb.Greet{
		Store: uint64(m.Store), Incarnation: m.Incarnation, Generation: m.Generation, Next: uint64(m.Next),
		Partitions: runsOf(len(m.Digests), func(i int) gazetteer.Partition { return m.Digests[i].Partition }),
		Sums:       sumsOf(m.Digests),
	}
}

func sumsOf(ds []ring.Digest) []uint64 {
	sums := make([]uint64, len(ds))
	for i, d := range ds {
		sums[i] = d.Sum
	}
	return sums
}

func freshToWire(m *ring.Fresh, at timing) *pb.Fresh {
	w := &pb.Fresh{
		Node: string(m.Node), Store: uint64(m.Origin.Store), Incarnation: m.Origin.Incarnation,
		Generation: m.Generation, Number: m.Number, Base: m.Base, Next: uint64(m.Next),
		Partitions: runsOf(len(m.Positions), func(i int) gazetteer.Partition { return m.Positions[i].Partition }),
		Seqs:       make([]uint64, len(m.Positions)),
		AgeNanos:   uint64(max(m.Age, 0) + max(at.waited, 0)),
		EchoNanos:  at.echo, HeldNanos: uint64(max(at.echoWaited, 0)),
	}
	for i, p := range m.Positions {
		w.Seqs[i] = p.Seq
	}
	if s := m.Stable; s != nil {
		w.Stable = &pb.Stable{
			Epoch: s.Epoch, Complete: uint64(s.Complete), Sums: sumsOf(s.Ended),
			Ended: runsOf(len(s.Ended), func(i int) gazetteer.Partition { return s.Ended[i].Partition }),
			Held:  listOf(s.Held),
		}
	}
	return w
}

func cutList(ps []gazetteer.Partition) (now, later []gazetteer.Partition) {
	n := min(len(ps), listPartitions)
	return ps[:n], ps[n:]
}

func appendList(dst []byte, kind byte, ps []gazetteer.Partition) ([]byte, error) {
	return appendMessage(dst, kind, runsOf(len(ps), func(i int) gazetteer.Partition { return ps[i] }))
}

func appendMessage(dst []byte, kind byte, m pb.Message) ([]byte, error) {
	dst, start := beginFrame(dst)
	return closeFrame(pb.Append(dst, m), start, kind)
}

func closeFrame(dst []byte, start int, kind byte) ([]byte, error) {
	if n := len(dst) - start - headerBytes; n > maxLinkBytes {
		return dst[:start], &gazetteer.Error{Op: "peer.Send", Kind: gazetteer.TooLarge, Detail: "a message of a link exceeds 2 MiB"}
	}
	endFrame(dst, start, header{code: kind})
	return dst, nil
}
