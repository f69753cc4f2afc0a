package peer

import (
	"bytes"
	"time"

	"gazetteer"
	"gazetteer/pb"
	"gazetteer/ring"
)

// linkDecoder makes messages of frames. They share no memory with the frames; strings
// that come again and again are made once.
type linkDecoder struct {
	partitions uint32 // of the planet
	names      interner
}

// decode returns the message of a frame, nil for a kind that this version does not know.
// transit tells from the echo of a freshness mark how long it was under way at most.
func (d *linkDecoder) decode(kind byte, b []byte, transit func(echo uint64, held time.Duration) (time.Duration, error)) (ring.Message, error) {
	switch kind {
	case linkGreet:
		return d.greet(b)
	case linkMatch:
		ps, err := d.list(b)
		return ring.Match{Partitions: ps}, err
	case linkAsk:
		ps, err := d.list(b)
		return ring.Ask{Partitions: ps}, err
	case linkLeave:
		ps, err := d.list(b)
		return ring.Leave{Partitions: ps}, err
	case linkHello:
		return d.hello(b)
	case linkBegin:
		return d.begin(b)
	case linkElements:
		return d.elements(b)
	case linkMark:
		return d.mark(b)
	case linkReport:
		return d.report(b)
	case linkFresh:
		return d.fresh(b, transit)
	case linkSubscribe:
		return d.subscribe(b)
	case linkReach:
		return d.reach(b)
	}
	return nil, nil
}

// maxAge keeps the sum of two times from overflowing.
const maxAge time.Duration = 1 << 61

// unmarshaler is a generated message whose strings are views of what it is read from.
type unmarshaler interface{ UnmarshalVTUnsafe([]byte) error }

func unmarshal(b []byte, m unmarshaler) error {
	if err := m.UnmarshalVTUnsafe(b); err != nil {
		return broken("peer.Link", "a message is malformed", err)
	}
	return nil
}

func (d *linkDecoder) partition(typ string, index uint32) (gazetteer.Partition, error) {
	if index >= d.partitions {
		return gazetteer.Partition{}, broken("peer.Link", "a message names a partition beyond the planet's", nil)
	}
	return gazetteer.Partition{Type: gazetteer.Type(d.names.of(typ)), Index: index}, nil
}

// vector decodes a vector that was left out if it is empty.
func vector(b []byte) (gazetteer.Vector, error) {
	if len(b) == 0 {
		return nil, nil
	}
	return ring.DecodeVector(b)
}

func vectors(a, b []byte) (va, vb gazetteer.Vector, err error) {
	if va, err = vector(a); err != nil {
		return nil, nil, err
	}
	vb, err = vector(b)
	return va, vb, err
}

func (d *linkDecoder) greet(b []byte) (ring.Message, error) {
	var w pb.Greet
	if err := unmarshal(b, &w); err != nil {
		return nil, err
	}
	ds, err := d.digests(w.Partitions, w.Sums)
	return ring.Greet{
		Store: gazetteer.StoreID(w.Store), Incarnation: w.Incarnation, Generation: w.Generation, Next: gazetteer.Clock(w.Next), Digests: ds,
	}, err
}

func (d *linkDecoder) digests(list *pb.Partitions, sums []uint64) ([]ring.Digest, error) {
	ps, err := d.exactly(list, len(sums))
	if err != nil || len(ps) == 0 {
		return nil, err
	}
	ds := make([]ring.Digest, len(ps))
	for i := range ps {
		ds[i] = ring.Digest{Partition: ps[i], Sum: sums[i]}
	}
	return ds, nil
}

// exactly decodes a list that must have n partitions.
func (d *linkDecoder) exactly(list *pb.Partitions, n int) ([]gazetteer.Partition, error) {
	ps, err := partitionsOf(list, n, d.partitions, &d.names)
	if err == nil && len(ps) != n {
		err = broken("peer.Link", "a message has another number of values than of partitions", nil)
	}
	return ps, err
}

func (d *linkDecoder) list(b []byte) ([]gazetteer.Partition, error) {
	var w pb.Partitions
	if err := unmarshal(b, &w); err != nil {
		return nil, err
	}
	return partitionsOf(&w, listPartitions, d.partitions, &d.names)
}

func (d *linkDecoder) hello(b []byte) (ring.Message, error) {
	var w pb.FeedHello
	if err := unmarshal(b, &w); err != nil {
		return nil, err
	}
	p, err := d.partition(w.Type, w.Index)
	if err != nil {
		return nil, err
	}
	m := ring.Hello{Partition: p, Session: w.Session, Filled: w.Filled, CollectedClock: gazetteer.Clock(w.CollectedClock)}
	if m.Vector, m.Collected, err = vectors(w.Vector, w.Collected); err != nil {
		return nil, err
	}
	if r := w.Resume; r != nil {
		o := gazetteer.Origin{Store: gazetteer.StoreID(r.Store), Incarnation: r.Incarnation}
		m.Resume = &ring.Resume{After: gazetteer.Position{Origin: o, Seq: r.Seq}}
		m.Resume.Snapshot, err = vector(r.Snapshot)
	}
	return m, err
}

func (d *linkDecoder) begin(b []byte) (ring.Message, error) {
	var w pb.Begin
	if err := unmarshal(b, &w); err != nil {
		return nil, err
	}
	p, err := d.partition(w.Type, w.Index)
	if err != nil {
		return nil, err
	}
	m := ring.Begin{Partition: p, Session: w.Session, Whole: w.Whole, CollectedClock: gazetteer.Clock(w.CollectedClock)}
	m.Snapshot, m.Collected, err = vectors(w.Snapshot, w.Collected)
	return m, err
}

func (d *linkDecoder) elements(b []byte) (ring.Message, error) {
	var w pb.Elements
	if err := unmarshal(b, &w); err != nil {
		return nil, err
	}
	p, err := d.partition(w.Type, w.Index)
	if err != nil {
		return nil, err
	}
	us, err := ring.DecodeUpdates(bytes.Clone(w.Updates))
	return ring.Elements{Partition: p, Session: w.Session, Live: w.Live, Updates: us}, err
}

func (d *linkDecoder) mark(b []byte) (ring.Message, error) {
	var w pb.Mark
	if err := unmarshal(b, &w); err != nil {
		return nil, err
	}
	p, err := d.partition(w.Type, w.Index)
	if err != nil {
		return nil, err
	}
	v, err := vector(w.Vector)
	return ring.Mark{Partition: p, Session: w.Session, Vector: v, End: w.End, Founding: w.Founding}, err
}

func (d *linkDecoder) report(b []byte) (ring.Message, error) {
	var w pb.Report
	if err := unmarshal(b, &w); err != nil {
		return nil, err
	}
	p, err := d.partition(w.Type, w.Index)
	if err != nil {
		return nil, err
	}
	v, err := vector(w.Durable)
	return ring.Report{Partition: p, Session: w.Session, Durable: v, By: gazetteer.NodeID(d.names.of(w.By)), Hops: w.Hops}, err
}

func (d *linkDecoder) reach(b []byte) (ring.Message, error) {
	var w pb.Reach
	if err := unmarshal(b, &w); err != nil {
		return nil, err
	}
	p, err := d.partition(w.Type, w.Index)
	if err != nil {
		return nil, err
	}
	v, err := vector(w.Durable)
	return ring.Reach{Partition: p, Tree: w.Tree, All: w.All, Durable: v}, err
}

// subscribe returns nil, as for a kind that is unknown, for a filter that this version
// does not know all of: it would be taken for a wider one.
func (d *linkDecoder) subscribe(b []byte) (ring.Message, error) {
	var w pb.Subscribe
	if err := unmarshal(b, &w); err != nil {
		return nil, err
	}
	p, err := d.partition(w.Type, w.Index)
	if err != nil {
		return nil, err
	}
	m := ring.Subscribe{Scope: ring.Scope{Partition: p, Filter: ring.Filter{Prefix: gazetteer.ID(w.Prefix)}}, Session: w.Session}
	if len(w.Prefix) > gazetteer.MaxIDBytes {
		return nil, broken("peer.Link", "a subscription's prefix is longer than an id", nil)
	}
	if m.Scope.Hash() != w.Scope {
		return nil, nil
	}
	m.Vector, err = vector(w.Vector)
	return m, err
}

func (d *linkDecoder) fresh(b []byte, transit func(uint64, time.Duration) (time.Duration, error)) (ring.Message, error) {
	var w pb.Fresh
	if err := unmarshal(b, &w); err != nil {
		return nil, err
	}
	way, err := transit(w.EchoNanos, duration(w.HeldNanos))
	if err != nil {
		return nil, err
	}
	m := ring.Fresh{
		Node:       gazetteer.NodeID(d.names.of(w.Node)),
		Origin:     gazetteer.Origin{Store: gazetteer.StoreID(w.Store), Incarnation: w.Incarnation},
		Generation: w.Generation, Number: w.Number, Base: w.Base, Next: gazetteer.Clock(w.Next),
		Age: min(duration(w.AgeNanos), maxAge) + min(way, maxAge),
	}
	ps, err := d.exactly(w.Partitions, len(w.Seqs))
	if err != nil {
		return nil, err
	}
	for i, p := range ps {
		m.Positions = append(m.Positions, ring.PartitionSeq{Partition: p, Seq: w.Seqs[i]})
	}
	m.Stable, err = d.stable(w.Stable)
	return m, err
}

func (d *linkDecoder) stable(w *pb.Stable) (*ring.Stable, error) {
	if w == nil {
		return nil, nil
	}
	s := &ring.Stable{Epoch: w.Epoch, Complete: gazetteer.Clock(w.Complete)}
	var err error
	if s.Ended, err = d.digests(w.Ended, w.Sums); err != nil {
		return nil, err
	}
	held := w.Held
	if held == nil {
		held = w.Ended
	}
	s.Held, err = heldIn(held, d.partitions, &d.names)
	return s, err
}
