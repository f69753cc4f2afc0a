package peer

import (
	"context"
	"errors"
	"strings"

	"gazetteer"
	"gazetteer/pb"
)

// kinds maps error kinds to the wire. The numbers of the wire never change; those of
// gazetteer.Kind may.
var kinds = [...]struct {
	kind gazetteer.Kind
	wire pb.PeerError_Kind
}{
	{gazetteer.Internal, pb.PeerError_INTERNAL},
	{gazetteer.Invalid, pb.PeerError_INVALID},
	{gazetteer.Unprocessable, pb.PeerError_UNPROCESSABLE},
	{gazetteer.NotFound, pb.PeerError_NOT_FOUND},
	{gazetteer.Conflict, pb.PeerError_CONFLICT},
	{gazetteer.Precondition, pb.PeerError_PRECONDITION},
	{gazetteer.TooLarge, pb.PeerError_TOO_LARGE},
	{gazetteer.Unavailable, pb.PeerError_UNAVAILABLE},
	{gazetteer.WrongOwner, pb.PeerError_WRONG_OWNER},
	{gazetteer.Unserved, pb.PeerError_UNSERVED},
	{gazetteer.Deadline, pb.PeerError_DEADLINE},
	{gazetteer.Full, pb.PeerError_FULL},
	{gazetteer.Unsupported, pb.PeerError_UNSUPPORTED},
	{gazetteer.Denied, pb.PeerError_DENIED},
	{gazetteer.Behind, pb.PeerError_BEHIND},
}

// maxDetail bounds the text of an error on the wire.
const maxDetail = 4 << 10

// toWire returns what is sent of an error: its first gazetteer.Error, with the text of
// the causes below it in the detail.
func toWire(err error) *pb.PeerError {
	var e *gazetteer.Error
	if !errors.As(err, &e) {
		e = &gazetteer.Error{Op: "peer.Serve", Kind: kindOfCause(err), Detail: err.Error()}
	}
	detail := e.Detail
	if e.Err != nil {
		if detail != "" {
			detail += ": "
		}
		detail += e.Err.Error()
	}
	return &pb.PeerError{
		Kind: wireKind(e.Kind), Op: e.Op, Type: string(e.Key.Type), Id: string(e.Key.ID),
		Pointer: truncate(e.Pointer), Detail: truncate(detail), Plan: e.Plan,
	}
}

// fromWire is the reverse of toWire.
func fromWire(e *pb.PeerError) *gazetteer.Error {
	return &gazetteer.Error{
		Op: e.Op, Kind: kindFromWire(e.Kind), Pointer: e.Pointer, Detail: e.Detail, Plan: e.Plan,
		Key: gazetteer.Key{Type: gazetteer.Type(e.Type), ID: gazetteer.ID(e.Id)},
	}
}

func kindOfCause(err error) gazetteer.Kind {
	if errors.Is(err, context.DeadlineExceeded) || errors.Is(err, context.Canceled) {
		return gazetteer.Deadline
	}
	return gazetteer.Internal
}

func wireKind(k gazetteer.Kind) pb.PeerError_Kind {
	for _, row := range kinds {
		if row.kind == k {
			return row.wire
		}
	}
	return pb.PeerError_INTERNAL
}

func kindFromWire(w pb.PeerError_Kind) gazetteer.Kind {
	for _, row := range kinds {
		if row.wire == w {
			return row.kind
		}
	}
	return gazetteer.Internal
}

func truncate(s string) string {
	if len(s) <= maxDetail {
		return s
	}
	return strings.ToValidUTF8(s[:maxDetail], "")
}

func unavailable(op, who, detail string, cause error) error {
	return &gazetteer.Error{Op: op, Kind: gazetteer.Unavailable, Detail: who + ": " + detail, Err: cause}
}

// late is the error of a request that ran out of time, or whose caller gave it up.
func late(who string, cause error) error {
	return &gazetteer.Error{Op: "peer.Call", Kind: gazetteer.Deadline, Detail: "no answer from " + who + " in time", Err: cause}
}

// named is how errors speak of a node.
func named(n gazetteer.NodeID) string { return "node " + string(n) }

// broken is the error of a peer that does not keep to the protocol.
func broken(op, detail string, cause error) error {
	return &gazetteer.Error{Op: op, Kind: gazetteer.Invalid, Detail: detail, Err: cause}
}
