package peer

import (
	"time"

	"gazetteer"
	"gazetteer/pb"
	"gazetteer/ring"
)

// Limits of one request of writes: what a server takes, and about half of it, which a
// caller fills. One write alone may be larger than a caller's half.
const (
	batchWrites     = 1024
	batchElements   = 16 << 10 // values, deletions and conditions
	batchBytes      = 1 << 20
	requestWrites   = 2 * batchWrites
	requestElements = 2 * batchElements
)

// cutOff marks an error of writes that may have been done.
type cutOff struct{ error }

func (c cutOff) Unwrap() error { return c.error }

// batchOf returns how many of the writes go into the next request: at least one.
func batchOf(ws []ring.Write) int {
	elements, size := 0, 0
	for i := range min(len(ws), batchWrites) {
		elements += len(ws[i].Put) + len(ws[i].Delete) + len(ws[i].If)
		size += sizeOf(&ws[i])
		if i > 0 && (elements > batchElements || size > batchBytes) {
			return i
		}
	}
	return min(len(ws), batchWrites)
}

// sizeOf returns about how many bytes a write takes on the wire.
func sizeOf(w *ring.Write) int {
	n := 32 + len(w.ID) + 9*len(w.If)
	for i := range w.Put {
		n += 8 + len(w.Put[i].Location) + len(w.Put[i].Body)
	}
	for _, l := range w.Delete {
		n += 2 + len(l)
	}
	return n
}

// failed returns the outcomes of writes of which none is known to be done. A write that
// may have been done and has a condition must not be tried again: its condition may now
// fail because of itself.
func failed(ws []ring.Write, err error) []ring.Outcome {
	_, cut := err.(cutOff)
	out := make([]ring.Outcome, len(ws))
	for i := range ws {
		out[i] = ring.Outcome{Token: ws[i].Token, Err: err}
		if cut && len(ws[i].If) > 0 {
			out[i].Err = &gazetteer.Error{Op: "peer.Write", Kind: gazetteer.Deadline, Detail: "it is not known whether the write was done", Err: err}
		}
	}
	return out
}

func appendWrites(dst []byte, t gazetteer.Type, ws []ring.Write) []byte {
	m := pb.WriteRequest{Type: string(t), Writes: make([]*pb.Write, len(ws))}
	for i := range ws {
		m.Writes[i] = writeToWire(&ws[i])
	}
	return pb.Append(dst, &m)
}

func writeToWire(w *ring.Write) *pb.Write {
	m := &pb.Write{
		Index: w.Partition.Index, Id: string(w.ID), Replace: w.Replace,
		Ack: uint32(w.Ack), DeadlineNanos: int64(w.Deadline),
	}
	values := make([]pb.Value, len(w.Put))
	for i, v := range w.Put {
		values[i].Location, values[i].Body = string(v.Location), v.Body
		m.Put = append(m.Put, &values[i])
	}
	for _, l := range w.Delete {
		m.Delete = append(m.Delete, string(l))
	}
	for _, v := range w.If {
		m.If = append(m.If, uint64(v))
	}
	return m
}

// decodeWrites returns the writes of a request. They share no memory with b. Tokens
// count up from 0.
func decodeWrites(b []byte) (gazetteer.Type, []ring.Write, error) {
	writes, elements, err := pb.CountNested(b, pb.WriteRequestWrites)
	if err != nil {
		return "", nil, err
	}
	if writes > requestWrites || elements > requestElements {
		return "", nil, &gazetteer.Error{Op: "peer.Write", Kind: gazetteer.TooLarge, Detail: "too many writes or elements in one request"}
	}
	var m pb.WriteRequest
	if err := m.UnmarshalVT(b); err != nil {
		return "", nil, broken("peer.Write", "the request is malformed", err)
	}
	ws := make([]ring.Write, len(m.Writes))
	for i, w := range m.Writes {
		ws[i] = writeFromWire(w, gazetteer.Type(m.Type))
		ws[i].Token = uint64(i)
	}
	return gazetteer.Type(m.Type), ws, nil
}

func writeFromWire(m *pb.Write, t gazetteer.Type) ring.Write {
	w := ring.Write{
		Partition: gazetteer.Partition{Type: t, Index: m.Index}, ID: gazetteer.ID(m.Id), Replace: m.Replace,
		Ack: ring.Ack(min(m.Ack, 255)), Deadline: time.Duration(m.DeadlineNanos),
	}
	for _, v := range m.Put {
		w.Put = append(w.Put, ring.Value{Location: gazetteer.LocationID(v.Location), Body: v.Body})
	}
	for _, l := range m.Delete {
		w.Delete = append(w.Delete, gazetteer.LocationID(l))
	}
	for _, v := range m.If {
		w.If = append(w.If, gazetteer.Version(v))
	}
	return w
}

func appendOutcomes(dst []byte, outcomes []ring.Outcome) []byte {
	m := pb.WriteReply{Outcomes: make([]*pb.Outcome, len(outcomes))}
	for i := range outcomes {
		m.Outcomes[i] = outcomeToWire(&outcomes[i])
	}
	return pb.Append(dst, &m)
}

func outcomeToWire(o *ring.Outcome) *pb.Outcome {
	m := &pb.Outcome{Version: uint64(o.Version), Created: o.Created, Existed: o.Existed, Reached: uint32(o.Reached)}
	if !o.Shown.None() {
		m.Shown = ring.AppendToken(nil, o.Shown)
	}
	if o.Err != nil {
		m.Error = toWire(o.Err)
	}
	return m
}

// decodeOutcomes returns one outcome for each of the writes, with its token.
func decodeOutcomes(b []byte, ws []ring.Write) ([]ring.Outcome, error) {
	if n, _, err := pb.CountNested(b, pb.WriteReplyOutcomes); err != nil || n != len(ws) {
		return nil, broken("peer.Write", "the reply has another number of outcomes than there were writes", err)
	}
	var m pb.WriteReply
	if err := m.UnmarshalVT(b); err != nil {
		return nil, broken("peer.Write", "the reply is malformed", err)
	}
	out := make([]ring.Outcome, len(ws))
	for i, o := range m.Outcomes {
		out[i] = ring.Outcome{
			Token: ws[i].Token, Version: gazetteer.Version(o.Version), Created: o.Created, Existed: o.Existed,
			Reached: ring.Ack(min(o.Reached, 255)),
		}
		if o.Error != nil {
			out[i].Err = fromWire(o.Error)
		}
		var err error
		if out[i].Shown, err = sessionIn(o.Shown); err != nil {
			return nil, err
		}
	}
	return out, nil
}
