package pb

import (
	"encoding/binary"
	"errors"
	"math"
	"unsafe"

	"gazetteer"

	"google.golang.org/protobuf/encoding/protowire"
)

var (
	errKind   = errors.New("a field has another wire type than the schema says")
	errWeight = errors.New("the weight is not a number from 0 up")
)

// field is one field of a message as it lies on the wire.
type field struct {
	number protowire.Number
	kind   protowire.Type
	bytes  []byte // of a length-delimited field: its content; of a fixed one: itself
	varint uint64
}

// nextField takes the first field off b. Groups and fields of any number are taken
// whole, so a caller passes over what it does not know.
func nextField(b []byte) (f field, rest []byte, err error) {
	number, kind, n := protowire.ConsumeTag(b)
	if n < 0 {
		return f, nil, protowire.ParseError(n)
	}
	b = b[n:]
	f.number, f.kind = number, kind
	switch kind {
	case protowire.BytesType:
		f.bytes, n = protowire.ConsumeBytes(b)
	case protowire.VarintType:
		f.varint, n = protowire.ConsumeVarint(b)
	default:
		if n = protowire.ConsumeFieldValue(number, kind, b); n >= 0 {
			f.bytes = b[:n]
		}
	}
	if n < 0 {
		return f, nil, protowire.ParseError(n)
	}
	return f, b[n:], nil
}

// text sets s to a view of the field.
func (f field) text(s *string) error {
	if f.kind != protowire.BytesType {
		return errKind
	}
	*s = textOf(f.bytes)
	return nil
}

// textOf is b as a string that shares its memory.
func textOf(b []byte) string { return unsafe.String(unsafe.SliceData(b), len(b)) }

// view sets b to a view of the field that cannot grow into what follows it.
func (f field) view(b *[]byte) error {
	if f.kind != protowire.BytesType {
		return errKind
	}
	*b = f.bytes[:len(f.bytes):len(f.bytes)]
	return nil
}

func (f field) double(x *float64) error {
	if f.kind != protowire.Fixed64Type {
		return errKind
	}
	*x = math.Float64frombits(binary.LittleEndian.Uint64(f.bytes))
	return nil
}

func (f field) uint(x *uint64) error {
	if f.kind != protowire.VarintType {
		return errKind
	}
	*x = f.varint
	return nil
}

func (f field) bool(x *bool) error {
	if f.kind != protowire.VarintType {
		return errKind
	}
	*x = f.varint != 0
	return nil
}

func damaged(op string, err error) error {
	return &gazetteer.Error{Op: op, Kind: gazetteer.Internal, Detail: "the body is damaged", Err: err}
}
